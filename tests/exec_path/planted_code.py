#!/usr/bin/env python3
"""T11: an interpreter as the CLI runs code of the workspace as agentuser only, however it is asked
to, and loads nothing that a command can plant."""

import pathlib
import shutil
import subprocess
import sys
import tempfile

from harness import Checks, Session, clean_env, need_root, victim, workspace

KID = "console.log('kid ran as ' + process.getuid());\n"
CLI = r"""
const {fork, spawnSync} = require('child_process');
const path = require('path');
const me = process.execPath;
function show(name, words, options) {
  const r = spawnSync(words[0], words.slice(1), {encoding: 'utf8', timeout: 20000, ...options});
  const text = ((r.error ? r.error.code : '') + r.stdout + r.stderr).replace(/\s+/g, ' ');
  console.log(name + '\t' + r.status + ' ' + text.slice(0, 200));
}
const env = extra => ({env: {...process.env, ...extra}});
show('-e', [me, '-e', 'console.log("kid ran as " + process.getuid())']);
show('script', [me, '/workspace/kid.js']);
show('-r', [me, '-r', '/workspace/kid.js', '--version']);
show('--version', [me, '--version']);
show('--version and more', [me, '--version', '/workspace/kid.js']);
show('NODE_OPTIONS', [me, '--version'], env({NODE_OPTIONS: '--require=/workspace/kid.js'}));
show('BUN_OPTIONS', [me, '--version'], env({BUN_OPTIONS: '--preload=/workspace/kid.js'}));
show('LD_PRELOAD', [me, '--version'], env({LD_PRELOAD: '/workspace/kid.so'}));
show('LD_PRELOAD of a command', ['/bin/echo', 'plain'], env({LD_PRELOAD: '/workspace/kid.so'}));
show('/proc/self/exe', ['/proc/self/exe', '/workspace/kid.js']);
show('MCP entry', ['node', '/workspace/kid.js']);
show('argv0', [me, '/workspace/kid.js'], {argv0: '--version'});
show('shell', ['/bin/sh', '-c', `"${me}" /workspace/kid.js`]);
show('copy in /workspace', ['/workspace/node-copy', '/workspace/kid.js']);
for (const name of ['planted', 'lodash-planted']) {
  try { require(name); console.log('require ' + name + '\tloaded'); }
  catch (e) { console.log('require ' + name + '\t' + e.code); }
}
const fs = require('fs'), os = require('os');
for (const f of ['.npmrc', '.cache/planted.js', '.node_modules/planted.js', '.bashrc', '.profile',
                 '.config/planted', '.bunfig.toml', '.claude.json', '.gitconfig'])
  console.log('home ' + f + '\t' + fs.existsSync(path.join(os.homedir(), f)));
const child = fork('/workspace/kid.js', {silent: true});
let out = '';
child.stdout.on('data', d => out += d);
child.stderr.on('data', d => out += d);
child.on('error', e => console.log('fork\t' + e.code));
child.on('close', status => console.log('fork\t' + status + ' ' + out.trim().slice(0, 100)));
"""
PLANT = ("for f in .npmrc .cache/planted.js .node_modules/planted.js .bashrc .profile "
         ".config/planted .bunfig.toml .claude.json .gitconfig; do "
         "mkdir -p $(dirname ~/$f); echo 'console.log(\"kid ran as \" + process.getuid())' >~/$f; "
         "done; mkdir -p /tmp/node_modules; cp ~/.node_modules/planted.js "
         "/tmp/node_modules/lodash-planted.js; ls ~/.npmrc")


def vendor_dir():
    """A vendor directory whose program is an interpreter: node under the name of a known CLI. Not
    below /tmp: node looks for modules in every directory above its script."""
    path = pathlib.Path(tempfile.mkdtemp(prefix="vendor-", dir="/opt"))
    path.chmod(0o755)
    shutil.copy(shutil.which("node", path="/usr/bin:/usr/local/bin"), path / "claude")
    (path / "cli.js").write_text(CLI)
    (path / "start.js").write_text(
        "require('child_process').spawnSync('/bin/sh', ['-c', process.argv[2]], "
        "{stdio: 'inherit'}); require('./cli.js');\n")
    return path


def preload(space):
    """A library that tells as whom it is loaded."""
    code = ('#include <stdio.h>\n#include <unistd.h>\n__attribute__((constructor)) static void '
            'tell(void) { printf("kid ran as %u\\n", getuid()); fflush(stdout); }\n')
    (space / "kid.c").write_text(code)
    subprocess.run(["cc", "-shared", "-fPIC", "-o", space / "kid.so", space / "kid.c"], check=True)


def run(vendor, space):
    session = Session([vendor / "claude", vendor / "start.js", PLANT], space=space,
                      options=["--cli-dir", vendor])
    line = session.command_line
    session.command_line = lambda fds: [("claude" if word == "custom" else word)
                                        for word in line(fds)]
    return session.run(120)


def main():
    need_root()
    if not shutil.which("node", path="/usr/bin:/usr/local/bin"):
        print("skipped: node is not installed")
        sys.exit(77)
    checks = Checks()
    vendor, space = vendor_dir(), workspace()
    (space / "kid.js").write_text(KID)
    preload(space)
    shutil.copy(vendor / "claude", space / "node-copy")
    try:
        alone = subprocess.run([vendor / "claude", space / "kid.js"], text=True,
                               capture_output=True, check=False, env=clean_env())
        checks.equal("control: the interpreter runs the workspace's code", alone.stdout,
                     "kid ran as 0\n")
        result = run(vendor, space)
    finally:
        shutil.rmtree(vendor)
    facts = result.facts()
    checks.check("the CLI got to its end", "fork" in facts, str(result))
    checks.check("nothing ran as agentcli", "kid ran as 1001" not in result.stdout, str(result))
    for name in ("MCP entry", "copy in /workspace"):
        checks.check(f"{name}: runs as agentuser", "kid ran as 1000" in facts.get(name, ""),
                     facts.get(name))
    checks.check("--version alone: the CLI itself", facts.get("--version", "").startswith("0 v"),
                 facts.get("--version"))
    for name, outcome in facts.items():
        if name.startswith("home "):
            checks.equal(f"{name} planted by a command is not the CLI's", outcome, "false")
        if name.startswith("require "):
            checks.equal(name, outcome, "MODULE_NOT_FOUND")
    checks.finish()


main()
