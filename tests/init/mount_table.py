#!/usr/bin/python3
"""Compares the mounts of a session's three namespaces with tests/golden/mounts.tsv.

    mount_table.py [--agent-dir .claude] [--dir DIR]... GOLDEN TREE=MOUNTINFO...

Each mount must be in the table with just these flags and this propagation, and each row of the
table must be met as often as it says. Prints the differences; exit status 1 if there are any.
"""
import argparse
import fnmatch
import sys

FLAGS = ('nosuid', 'nodev', 'noexec', 'nosymfollow', 'idmapped')


def mounts(path):
    """(where, type, flags, propagation) of each line of a mountinfo file."""
    for line in open(path):
        words = line.split()
        dash = words.index('-')
        options = words[5].split(',')
        flags = ','.join([options[0]] + [flag for flag in FLAGS if flag in options])
        propagation = ' '.join(words[6:dash]) or 'private'
        yield words[4], words[dash + 1], flags, propagation


def rows(path):
    for line in open(path):
        if line.strip() and not line.startswith('#'):
            yield line.rstrip('\n').split('\t')


def pattern(where, options):
    where = where.replace('.<agent>', options.agent_dir)
    return where.replace('<agent>', '*').replace('<session>', '*')


def matches(row, mount, options):
    where, kind = row[1], row[2]
    if kind not in ('system', mount[1]):
        return False
    if where == '<dir>':
        return mount[0] in options.dir
    if where == '<above>':
        return any(name.startswith(mount[0] + '/') for name in options.dir)
    return fnmatch.fnmatchcase(mount[0], pattern(where, options))


def same_flags(wanted, found):
    optional = {flag[:-1] for flag in wanted.split(',') if flag.endswith('?')}
    wanted = {flag for flag in wanted.split(',') if not flag.endswith('?')}
    return wanted <= set(found.split(',')) <= wanted | optional


def compare(tree, table, path, options):
    met = {}
    for mount in mounts(path):
        # The row that says it most exactly: `/etc/passwd` rather than `/etc/*`.
        fitting = [row for row in table if matches(row, mount, options)]
        fitting.sort(key=lambda row: (row[1] == '<above>', '*' in row[1], -len(row[1])))
        if not fitting:
            yield f'{tree}: {mount[0]} ({mount[1]}, {mount[2]}, {mount[3]}) is not in the table'
            continue
        row = fitting[0]
        met[row[1]] = met.get(row[1], 0) + 1
        if not same_flags(row[3], mount[2]) or row[4] != mount[3]:
            yield f'{tree}: {mount[0]} is {mount[2]} {mount[3]}, the table says {row[3]} {row[4]}'
    for row in table:
        count = met.get(row[1], 0)
        if row[5] == '1' and count != 1 or row[5] == '+' and count == 0:
            yield f'{tree}: {row[1]} was found {count} times, the table says {row[5]}'


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--agent-dir', default='.claude')
    parser.add_argument('--dir', action='append', default=[])
    parser.add_argument('golden')
    parser.add_argument('trees', nargs='+', metavar='TREE=MOUNTINFO')
    options = parser.parse_args()
    differences = []
    for tree, path in (word.split('=', 1) for word in options.trees):
        table = [row for row in rows(options.golden) if row[0] == tree]
        differences += compare(tree, table, path, options)
    print('\n'.join(differences) or 'all mounts are as the table says')
    return 1 if differences else 0


sys.exit(main())
