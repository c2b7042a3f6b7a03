// Starts programs in the ways Node offers. usage: ways.js WAY
'use strict';
const child_process = require('child_process');
const fs = require('fs');

/** Prints how a child ended, once its output is complete. */
function report(name, child) {
  const output = {out: '', err: ''};  // however many pieces it comes in
  if (child.stdout) child.stdout.on('data', (data) => output.out += data);
  if (child.stderr) child.stderr.on('data', (data) => output.err += data);
  child.on('error', (error) => console.log(name, 'error', error.code, error.syscall));
  child.on('close', (code, signal) => console.log(name, code, signal, output));
}

const ways = {
  'exec'() {
    child_process.exec('echo out; echo err >&2; exit 3', (error, out, err) => {
      console.log(error.code, error.signal, [out, err]);
    });
  },
  'exec-killed'() {
    child_process.exec('kill -TERM $$', (error) => console.log(error.code, error.signal));
  },
  'exec-timeout'() {
    child_process.exec('sleep 30', {timeout: 300}, (error) => {
      console.log(error.killed, error.code, error.signal);
    });
  },
  'exec-output-limit'() {
    child_process.exec('yes', {maxBuffer: 4096}, (error, out) => {
      console.log(error.code, out.length);
    });
  },
  'exec-file'() {
    child_process.execFile('sh', ['-c', 'echo $0 $1; exit 2', 'zero', 'one'], (error, out) => {
      console.log(error.code, out);
    });
  },
  'exec-file-missing'() {
    child_process.execFile('no-such-program', (error) => {
      console.log(error.code, error.errno, error.syscall, error.path);
    });
  },
  'spawn'() {
    report('spawn', child_process.spawn('sh', ['-c', 'echo out; echo err >&2; exit 9']));
  },
  'spawn-shell'() {
    report('shell', child_process.spawn('echo $((6 * 7)) | cat; exit 4', {shell: true}));
  },
  'spawn-stdin'() {
    const child = child_process.spawn('tr', ['a-z', 'A-Z']);
    report('stdin', child);
    child.stdin.end('through tr');
  },
  'spawn-inherit'() {
    report('inherit', child_process.spawn('sh', ['-c', 'echo inherited'], {stdio: 'inherit'}));
  },
  'spawn-extra-pipe'() {
    const child = child_process.spawn('sh', ['-c', 'cat <&3 >&4'],
      {stdio: ['ignore', 'inherit', 'inherit', 'pipe', 'pipe']});
    child.stdio[4].on('data', (data) => console.log('fd 4:', String(data)));
    child.stdio[3].end('fd 3');
    report('extra', child);
  },
  'spawn-file-descriptors'() {
    const file = fs.openSync('spawned.txt', 'a', 0o640);
    report('file', child_process.spawn('sh', ['-c', 'echo one; echo two >&2'],
      {stdio: ['ignore', file, file]}));
  },
  'spawn-options'() {
    fs.mkdirSync('inner');
    report('options', child_process.spawn('sh', ['-c', 'pwd; echo $NAME $0'],
      {cwd: 'inner', env: {NAME: 'value', PATH: process.env.PATH}, argv0: 'renamed'}));
  },
  'spawn-detached'() {
    const script = 'test $(ps -o sid= -p $$) -eq $$ && echo own session';
    report('detached', child_process.spawn('sh', ['-c', script], {detached: true}));
  },
  'spawn-kill'() {
    for (const signal of ['SIGTERM', 'SIGKILL', 'SIGINT', 'SIGHUP', 'SIGUSR2']) {
      const child = child_process.spawn('sleep', ['30']);
      child.on('spawn', () => child.kill(signal));
      child.on('exit', (code, by) => fs.writeFileSync(`ended-by-${by}`, `${code}\n`));
    }
  },
  'spawn-abort'() {
    const controller = new AbortController();
    const child = child_process.spawn('sleep', ['30'], {signal: controller.signal});
    report('abort', child);
    setTimeout(() => controller.abort(), 100);
  },
  'spawn-not-executable'() {
    fs.writeFileSync('plain', 'echo no\n', {mode: 0o644});
    report('plain', child_process.spawn('./plain'));
    report('folder', child_process.spawn('.'));
  },
  'spawn-no-interpreter-line'() {
    fs.writeFileSync('bare', 'echo ran by a shell\n', {mode: 0o755});
    report('bare', child_process.spawn('./bare'));
  },
  'spawn-sync'() {
    const done = child_process.spawnSync('sh', ['-c', 'cat; exit 5'], {input: 'given'});
    console.log(done.status, done.signal, String(done.stdout));
  },
  'spawn-sync-killed'() {
    const done = child_process.spawnSync('sleep', ['30'], {timeout: 300, killSignal: 'SIGKILL'});
    console.log(done.status, done.signal, done.error.code);
  },
  'exec-sync'() {
    console.log(String(child_process.execSync('printf "b\\na\\n" | sort')));
  },
  'fork'() {
    fs.writeFileSync('kid.js', `process.on('message', (message) => {
      process.send({answer: message.question * 2, argv: process.argv.slice(2)});
      process.disconnect();
    });`);
    const kid = child_process.fork('./kid.js', ['argument']);
    kid.on('message', (message) => console.log(JSON.stringify(message)));
    kid.on('exit', (code, signal) => console.log('kid', code, signal));
    kid.send({question: 21});
  },
  'fork-socket'() {
    const net = require('net');
    fs.writeFileSync('kid.js', `process.on('message', (_, socket) => {
      socket.end('served by the kid');
      process.disconnect();
    });`);
    const kid = child_process.fork('./kid.js');
    const server = net.createServer({pauseOnConnect: true}, (socket) => {
      kid.send('socket', socket);
      server.close();
    });
    server.listen(0, '127.0.0.1', () => {
      net.connect(server.address().port, '127.0.0.1').on('data', (data) => {
        console.log(String(data));
      });
    });
  },
  'many'() {
    let left = 64;
    let right = 0;
    for (let index = 0; index < 64; ++index) {
      child_process.spawn('sh', ['-c', `exit ${index}`]).on('exit', (code) => {
        right += code === index ? 1 : 0;
        if (--left === 0) console.log(right, 'of 64');
      });
    }
  },
  'worker'() {
    const {Worker} = require('worker_threads');
    new Worker(`console.log(String(require('child_process').execSync('echo from a worker')))`,
      {eval: true});
  },
  'self'() {
    console.log(String(child_process.execFileSync(process.execPath, ['-e', 'console.log(6 * 7)'])));
  },
};

ways[process.argv[2]]();
