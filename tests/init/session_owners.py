#!/usr/bin/python3
"""Whole sessions in workspaces of uid 0, 1000 and 501, with a setgid directory of group 33 and a
file of a third uid, on ext4, tmpfs and overlay: the CLI and its commands both create, edit, rename
and delete, and the host finds its own owner everywhere."""
import os
import pathlib
import shutil
import stat
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import session  # noqa: E402

AGENTUSER, AGENTCLI = 1000, 1001
WANTED = {
    '.': 'drwxr-xr-x own', 'by-cli': '-rw-r--r-- own', 'dir-task': 'drwxr-xr-x own',
    'dir-task/b': '-rw-r--r-- own', 'link': 'lrwxrwxrwx own', 'mine': '-rw-r----- own',
    'moved': '-rw-r--r-- own', 'private': 'drwx------ own', 'private/by-cli': '-rw-r--r-- own',
    'third': '-rw-r--r-- 1234:1234', 'web': 'drwxrwsr-x group 33',
    'web/dir': 'drwxr-sr-x group 33', 'web/dir/by-cli': '-rw-r--r-- group 33',
}


def make_workspace(path, uid, gid):
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir(mode=0o755)
    for name, mode in (('private', 0o700), ('web', 0o775)):
        (path / name).mkdir()
        (path / name).chmod(mode)
    for name, mode in (('mine', 0o640), ('gone', 0o644), ('third', 0o644)):
        (path / name).write_text('one\n', encoding='ascii')
        (path / name).chmod(mode)
    for entry in (path, *path.iterdir()):
        os.chown(entry, uid, gid)
    os.chown(path / 'third', 1234, 1234)
    os.chown(path / 'web', uid, 33)
    (path / 'web').chmod(0o2775)


def owner(info, uid, gid):
    return {(uid, gid): 'own', (uid, 33): 'group 33'}.get((info.st_uid, info.st_gid),
                                                         f'{info.st_uid}:{info.st_gid}')


def found(path, uid, gid):
    seen = {}
    for entry in (path, *path.rglob('*')):
        info = entry.lstat()
        seen[str(entry.relative_to(path))] = f'{stat.filemode(info.st_mode)} {owner(info, uid, gid)}'
    return seen


def try_owners(filesystem, base, vendor, *seen):
    workspace = base / 'mnt/workspace'
    for uid, gid in ((0, 0), (1000, 1000), (501, 20)):
        what = f'{filesystem}, owner {uid}:{gid}'
        make_workspace(workspace, uid, gid)
        process = session.start(workspace, vendor, 'owners.py')
        out, err = process.communicate(timeout=120)
        said = 'commands see owner {}\nthe CLI sees owner {}\n'.format(*seen)
        session.equal(f'{what}: the session', (0, said, ''), (process.returncode, out, err))
        session.equal(f'{what}: what the host finds', WANTED, found(workspace, uid, gid))


def mount(base, *words):
    subprocess.run(['mount', *words, base / 'mnt'], check=True)


def main():
    session.own_mounts()
    base = session.temporary('/var/tmp')
    vendor = session.vendor_directory(base)
    for name in 'mnt', 'lower', 'upper', 'work':
        (base / name).mkdir()
    kind = subprocess.run(['stat', '-f', '-c', '%T', base], stdout=subprocess.PIPE, text=True,
                          check=True).stdout.strip()
    if kind != 'ext2/ext3':
        print(f'SKIP: /var/tmp is on {kind}, not on ext4')
        sys.exit(77)
    try_owners('ext4', base, vendor, AGENTUSER, AGENTCLI)
    mount(base, '-t', 'tmpfs', 'tmpfs')
    try_owners('tmpfs', base, vendor, AGENTUSER, AGENTCLI)
    mount(base, '-t', 'overlay', '-o',
          f'lowerdir={base}/lower,upperdir={base}/upper,workdir={base}/work', 'overlay')
    try_owners('overlay', base, vendor, AGENTCLI, AGENTCLI)  # by access lists, with real owners
    session.finish()


main()
