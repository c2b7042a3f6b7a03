"""Runs as the vendor CLI of tests/init/session_trees.py: writes what it and its commands see to
/workspace, then waits for the host to look at PID 1."""
import mmap
import os
import pathlib
import subprocess
import time

SOURCE = '#include <stdio.h>\n#include <unistd.h>\nint main(void){printf("%d\\n",(int)getuid());}\n'


def command(text):
    done = subprocess.run(['/bin/sh', '-c', text], stdin=subprocess.DEVNULL, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    return done.stdout.strip()


def say(*words):
    print(*words, sep='\t', flush=True)


def errno_of(action):
    try:
        action()
    except OSError as error:
        return os.strerror(error.errno)
    return 'none'


def map_executable(path):
    with open(path, 'rb') as file:
        mmap.mmap(file.fileno(), 4096, flags=mmap.MAP_PRIVATE, prot=mmap.PROT_READ | mmap.PROT_EXEC)


def main():
    os.umask(0o022)
    pathlib.Path('/workspace/cli.mounts').write_bytes(
        pathlib.Path('/proc/self/mountinfo').read_bytes())
    command('cat /proc/self/mountinfo >/workspace/task.mounts')
    for place in '/workspace', '/tmp', '/home/agentuser':
        command(f"printf '%s' '{SOURCE}' >{place}/p.c && cc -o {place}/p {place}/p.c")
        say(f'agentuser in {place}', command(f'{place}/p'))
        built = pathlib.Path(place, 'p')
        if not built.exists():  # HOME is the CLI's own here
            built.write_bytes(pathlib.Path('/workspace/p').read_bytes())
            built.chmod(0o755)
        say(f'agentcli may execute in {place}', os.access(built, os.X_OK))
        say(f'agentcli maps for execution in {place}', errno_of(lambda: map_executable(built)))
    pathlib.Path('/workspace/ready').touch()
    while not os.path.exists('/workspace/go'):
        time.sleep(0.01)


main()
