#!/usr/bin/python3
"""A whole session: the mounts of PID 1, of the CLI and of a command are as tests/golden/mounts.tsv
says, and what is built in /tmp, ~ and /workspace runs as agentuser and never as agentcli."""
import os
import pathlib
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import session  # noqa: E402

NAME = f'trees-{os.getpid()}'


def wait_for(path, process):
    deadline = time.monotonic() + 60
    while not path.exists():
        if process.poll() is not None or time.monotonic() > deadline:
            process.kill()
            sys.exit(f'the session did not get there: {process.communicate()}')
        time.sleep(0.01)


def main():
    session.own_mounts()
    base = session.temporary('/tmp')
    workspace = base / 'workspace'
    subprocess.run(['git', 'init', '-q', workspace], check=True)
    for top, directories, files in os.walk(workspace):
        for name in ['.', *directories, *files]:
            os.chown(os.path.join(top, name), 501, 20)
    vendor = session.vendor_directory(base)

    process = session.start(workspace, vendor, 'trees.py', '--name', NAME)
    wait_for(workspace / 'ready', process)
    pid = pathlib.Path('/run/coding-agents-sessions', NAME).read_text(encoding='ascii').split()[0]
    (base / 'init.mounts').write_bytes(pathlib.Path('/proc', pid, 'mountinfo').read_bytes())
    (workspace / 'go').touch()
    out, err = process.communicate(timeout=60)
    session.equal('the session ends well', (0, ''), (process.returncode, err))

    trees = [f'init={base}/init.mounts', f'cli={workspace}/cli.mounts',
             f'task={workspace}/task.mounts']
    compared = subprocess.run(
        [sys.executable, session.TOP / 'tests/init/mount_table.py', '--agent-dir', '.agent',
         '--dir', vendor, session.TOP / 'tests/golden/mounts.tsv', *trees],
        stdout=subprocess.PIPE, text=True, check=False)
    session.equal('the mounts', 'all mounts are as the table says', compared.stdout.strip())

    facts = dict(line.split('\t') for line in out.splitlines())
    for place in '/tmp', '/home/agentuser', '/workspace':
        session.equal(f'a program built in {place} runs as agentuser', '1000',
                      facts.get(f'agentuser in {place}'))
        session.equal(f'agentcli may not execute it in {place}', 'False',
                      facts.get(f'agentcli may execute in {place}'))
        session.equal(f'agentcli may not map it for execution in {place}',
                      'Operation not permitted',
                      facts.get(f'agentcli maps for execution in {place}'))
    session.finish()


main()
