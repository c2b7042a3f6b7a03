"""Runs as the vendor CLI of tests/init/session_owners.py: it and its commands create, edit, rename
and delete each other's files in /workspace. Prints what failed, and whose a file of the CLI's seems to be."""
import os
import pathlib
import subprocess


def command(text):
    done = subprocess.run(['/bin/sh', '-ec', text], stdin=subprocess.DEVNULL, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    if done.returncode or done.stdout:
        print(f'command: {text}: {done.returncode} {done.stdout}')


def append(path):
    with open(path, 'a', encoding='ascii') as file:
        file.write('cli\n')


def main():
    os.umask(0o022)
    os.chdir('/workspace')
    command('echo task >by-task; mkdir dir-task; echo task >dir-task/a; echo task >>mine')
    command('echo task >web/by-task; mkdir web/dir; rm gone')
    append('mine')
    append('by-task')
    os.rename('by-task', 'moved')
    os.remove('dir-task/a')
    append('by-cli')
    os.mkdir('dir-cli')
    append('dir-cli/b')
    append('web/by-cli')
    append('web/dir/by-cli')
    os.symlink('mine', 'link')
    command('echo task >>by-cli; mv dir-cli/b dir-task/b; rmdir dir-cli; rm web/by-cli; cat third >/dev/null')
    append('dir-task/b')
    os.remove('web/by-task')
    pathlib.Path('private/by-cli').write_text('cli\n', encoding='ascii')
    command('echo task >>private/by-cli; stat -c %u private/by-cli >seen')
    print('commands see owner', pathlib.Path('seen').read_text(encoding='ascii').strip())
    print('the CLI sees owner', os.stat('private/by-cli').st_uid)
    os.remove('seen')


main()
