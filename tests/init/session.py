"""Sessions around a script in tests/init/cli, for the tests beside this file."""
import atexit
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

TOP = pathlib.Path(__file__).resolve().parents[2]
LAUNCHER = TOP / 'scripts/launchers/run-agent'
BUILD = pathlib.Path(os.environ.get('BUILD_DIR', TOP / 'build'))
PYTHON = '/usr/bin/python3'

failures = []


def own_mounts():
    """Runs the test again in a mount namespace of its own; ends it with 77 where it cannot run."""
    if os.geteuid() != 0:
        print('SKIP: needs root')
        sys.exit(77)
    if 'IN_OWN_MOUNTS' not in os.environ:
        os.environ['IN_OWN_MOUNTS'] = '1'
        os.execvp('unshare', ['unshare', '--mount', '--propagation', 'private', sys.executable,
                              *sys.argv])


def equal(what, wanted, got):
    if wanted == got:
        print('ok:', what, flush=True)
        return
    failures.append(what)
    print(f'FAILED: {what}\n  wanted {wanted!r}\n  got    {got!r}', flush=True)


def finish():
    print(f'{len(failures)} failed' if failures else 'all as expected')
    sys.exit(1 if failures else 0)


def temporary(parent):
    """A directory that is gone at the end; what is mounted on its mnt is unmounted before."""
    base = pathlib.Path(tempfile.mkdtemp(prefix='session-test-', dir=parent))
    base.chmod(0o755)

    def remove():
        while os.path.ismount(base / 'mnt'):
            subprocess.run(['umount', base / 'mnt'], check=True)
        shutil.rmtree(base, ignore_errors=True)
    atexit.register(remove)
    return base


def vendor_directory(base):
    """A --cli-dir with our scripts, that belongs to a developer."""
    directory = base / 'vendor'
    shutil.copytree(TOP / 'tests/init/cli', directory)
    for path in (directory, *directory.iterdir()):
        os.chown(path, 501, 20)
    return directory


def start(workspace, vendor, script, *options):
    line = [LAUNCHER, '--engine', 'local', '--agent', 'custom', '--workspace', workspace,
            '--build-dir', BUILD, '--cli-dir', vendor, *options, '--', PYTHON, vendor / script]
    environment = {'PATH': '/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin', 'LANG': 'C.UTF-8'}
    return subprocess.Popen([str(word) for word in line], stdin=subprocess.DEVNULL, text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment)
