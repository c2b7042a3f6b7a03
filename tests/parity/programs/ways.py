"""Starts programs in the ways Python offers. usage: ways.py WAY"""

import array
import asyncio
import concurrent.futures
import multiprocessing
import os
import pty
import resource
import signal
import socket
import subprocess
import sys
import threading
import time


def run_list():
    print(subprocess.run(["sh", "-c", "exit 7"]))


def run_shell():
    print(subprocess.run("echo $0; exit 3", shell=True))


def run_captured():
    script = "read line; echo out $line; echo err >&2"
    print(subprocess.run(["sh", "-c", script], input="in\n", text=True, capture_output=True))


def check_output_error():
    try:
        subprocess.check_output(["sh", "-c", "echo partial; kill -SEGV $$"])
    except subprocess.CalledProcessError as error:
        print(error, error.output)


def missing_program():
    for program in ("no-such-program", "/no/such/path", ".", "/etc/passwd", "/etc/passwd/x"):
        try:
            subprocess.run([program])
        except OSError as error:
            print(program, type(error).__name__, error.errno, error.filename)


def communicate_large():
    data = bytes(range(256)) * 12288  # 3 MiB both ways at once
    done = subprocess.run(["cat"], input=data, stdout=subprocess.PIPE)
    print(done.returncode, done.stdout == data, len(done.stdout))


def pass_fds():
    reader, writer = os.pipe()
    child = subprocess.Popen(["sh", "-c", f"echo through the pipe >&{writer}"], pass_fds=[writer])
    os.close(writer)
    print(child.wait(), os.read(reader, 100))


def close_fds_off():
    descriptor = os.open("kept.txt", os.O_WRONLY | os.O_CREAT, 0o644)
    os.dup2(descriptor, 100)
    print(subprocess.run(["bash", "-c", "echo kept >&100"], close_fds=False).returncode)


def popen_options():
    os.mkdir("inner")
    script = "pwd; umask; echo $NAME; test $(ps -o pgid= -p $$) -eq $$ && echo leader"
    child = subprocess.Popen(["sh", "-c", script], cwd="inner", umask=0o027, process_group=0,
                             env={"NAME": "value", "PATH": os.environ["PATH"]})
    print(child.wait())


def new_session():
    script = "import os; print(os.getsid(0) == os.getpid())"
    subprocess.run([sys.executable, "-c", script], start_new_session=True)


def preexec():
    def prepare():
        os.umask(0o077)
        resource.setrlimit(resource.RLIMIT_NOFILE, (123, 123))
        signal.signal(signal.SIGUSR1, signal.SIG_IGN)
    subprocess.run(["bash", "-c", "umask; ulimit -n; kill -USR1 $$; echo alive"],
                   preexec_fn=prepare)


def timeout():
    try:
        subprocess.run(["sleep", "30"], timeout=0.3)
    except subprocess.TimeoutExpired as error:
        print("timed out:", error.cmd)


def terminate():
    child = subprocess.Popen(["sleep", "30"])
    child.terminate()
    print(child.wait())


def kill():
    child = subprocess.Popen(["sleep", "30"])
    child.kill()
    print(child.wait())


def pipeline():
    first = subprocess.Popen(["printf", r"b\na\nb\n"], stdout=subprocess.PIPE)
    second = subprocess.Popen(["sort", "-u"], stdin=first.stdout, stdout=subprocess.PIPE)
    first.stdout.close()
    print(second.communicate(), first.wait(), second.returncode)


def sigpipe_ignored():
    child = subprocess.Popen(["yes"], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                             restore_signals=False)
    child.stdout.close()
    print(child.stderr.read(), child.wait())


def os_system():
    print(os.system("exit 7"), os.system("kill -TERM $$"))


def os_popen():
    stream = os.popen("echo hello; exit 2")
    print(stream.read(), stream.close())


def os_spawn():
    print(os.spawnvp(os.P_WAIT, "sh", ["named", "-c", "echo $0; exit 9"]),
          os.spawnv(os.P_WAIT, "/bin/sh", ["sh", "-c", "kill -INT $$"]))


def os_exec():
    sys.stdout.flush()
    os.execvp("sh", ["other-name", "-c", "echo $0"])


def posix_spawn():
    actions = [(os.POSIX_SPAWN_OPEN, 1, "spawned.txt", os.O_WRONLY | os.O_CREAT, 0o640),
               (os.POSIX_SPAWN_DUP2, 1, 2)]
    child = os.posix_spawnp("sh", ["sh", "-c", "echo out; echo err >&2; exit 4"], os.environ,
                            file_actions=actions, setpgroup=0, setsigdef=[signal.SIGPIPE])
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))


def threads():
    def work(number):
        return subprocess.run(["sh", "-c", f"exit {number % 256}"]).returncode == number % 256
    with concurrent.futures.ThreadPoolExecutor(32) as pool:
        print(sum(pool.map(work, range(256))), "of 256")


def asyncio_processes():
    async def one(number):
        child = await asyncio.create_subprocess_exec(
            "sh", "-c", f"read x; echo $x-{number}; exit {number}",
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        output, _ = await child.communicate(b"in\n")
        return output, child.returncode

    async def all_of_them():
        return await asyncio.gather(*[one(number) for number in range(16)])
    print(asyncio.run(all_of_them()))


def square(number):
    return number * number


def multiprocessing_fork():
    with multiprocessing.get_context("fork").Pool(3) as pool:
        print(pool.map(square, range(10)))


def send_square(connection, number):
    connection.send(square(number))


def multiprocessing_spawn():
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    child = context.Process(target=send_square, args=(theirs, 12))
    child.start()
    print(ours.recv())
    child.join()
    print(child.exitcode)


def terminal_child():
    status = pty.spawn(["sh", "-c", "test -t 0 && test -t 1 && echo a terminal; exit 6"])
    print(os.waitstatus_to_exitcode(status))


def socket_stdin():
    ours, theirs = socket.socketpair()
    child = subprocess.Popen(["cat"], stdin=theirs, stdout=theirs)
    theirs.close()
    ours.sendall(b"over a socket")
    ours.shutdown(socket.SHUT_WR)
    print(ours.recv(100), child.wait())


def socket_passes_descriptor():
    ours, theirs = socket.socketpair()
    script = ("import array, os, socket; s = socket.socket(fileno=9); f = os.open('sent.txt', "
              "os.O_RDWR | os.O_CREAT, 0o644); s.sendmsg([b'x'], [(socket.SOL_SOCKET, "
              "socket.SCM_RIGHTS, array.array('i', [f]))])")
    os.dup2(theirs.fileno(), 9)
    child = subprocess.Popen(["/usr/bin/python3", "-c", script], pass_fds=[9])
    _, control, _, _ = ours.recvmsg(1, socket.CMSG_SPACE(4))
    received = array.array("i", control[0][2])[0]
    os.write(received, b"written by the parent\n")
    print(child.wait())


def loopback():
    listener = socket.create_server(("127.0.0.1", 0))
    script = f"exec 5<>/dev/tcp/127.0.0.1/{listener.getsockname()[1]}; echo hello >&5; cat <&5"
    child = subprocess.Popen(["bash", "-c", script], stdout=subprocess.PIPE)
    connection, _ = listener.accept()
    print(connection.recv(100))
    connection.sendall(b"answer")
    connection.close()
    print(child.communicate())


def inherited_listener():
    listener = socket.create_server(("127.0.0.1", 0))
    os.set_inheritable(listener.fileno(), True)
    script = (f"import socket; c, _ = socket.socket(fileno={listener.fileno()}).accept(); "
              "c.sendall(b'accepted by the child')")
    child = subprocess.Popen(["/usr/bin/python3", "-c", script], close_fds=False)
    with socket.create_connection(listener.getsockname()) as connection:
        print(connection.recv(100), child.wait())


def exit_codes():
    wrong = [code for code in range(256)
             if subprocess.run(["sh", "-c", f"exit {code}"]).returncode != code]
    print("wrong:", wrong)


def signals():
    skipped = {signal.SIGCHLD, signal.SIGCONT, signal.SIGURG, signal.SIGWINCH, signal.SIGSTOP,
               signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU}
    for number in sorted(signal.valid_signals()):
        if number not in skipped:
            print(int(number), subprocess.run(["sh", "-c", f"kill -{int(number)} $$"]).returncode)


def signals_sent_by_parent():
    for number in (1, 2, 3, 9, 10, 12, 13, 14, 15, 24, 34, 64):
        child = subprocess.Popen(["sleep", "30"])
        child.send_signal(number)
        print(number, child.wait())


def signals_caught():
    script = "trap 'echo caught USR1' USR1; echo ready; until read line; do :; done; echo got $line"
    child = subprocess.Popen(["bash", "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                             text=True)
    print(child.stdout.readline())
    child.send_signal(signal.SIGUSR1)
    time.sleep(0.3)
    print(child.communicate("line\n"), child.returncode)


def stop_and_continue():
    child = subprocess.Popen(["sh", "-c", "kill -STOP $$; echo resumed; exit 5"])
    _, status = os.waitpid(child.pid, os.WUNTRACED)
    print("stopped by", os.WSTOPSIG(status) if os.WIFSTOPPED(status) else status, flush=True)
    os.kill(child.pid, signal.SIGCONT)
    _, status = os.waitpid(child.pid, 0)
    print("ended with", os.waitstatus_to_exitcode(status))


def continued_is_seen():
    child = subprocess.Popen(["sleep", "30"])
    os.kill(child.pid, signal.SIGSTOP)
    print("stopped", os.WIFSTOPPED(os.waitpid(child.pid, os.WUNTRACED)[1]))
    os.kill(child.pid, signal.SIGCONT)
    print("continued", os.WIFCONTINUED(os.waitpid(child.pid, os.WCONTINUED)[1]))
    child.kill()
    print(child.wait())


def core_flag():
    resource.setrlimit(resource.RLIMIT_CORE, (resource.getrlimit(resource.RLIMIT_CORE)[1],) * 2)
    child = os.posix_spawnp("sh", ["sh", "-c", "kill -SEGV $$"], os.environ)
    _, status = os.waitpid(child, 0)
    print("killed by", os.WTERMSIG(status), "core flag", os.WCOREDUMP(status))


def child_usage():
    subprocess.run(["python3", "-c", "x = 0\nfor i in range(3000000): x += i"])
    print("child used CPU time:", resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime > 0.05)


def blocked_and_ignored():
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR2, signal.SIGALRM])
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    subprocess.run(["grep", "-E", "^Sig(Blk|Ign|Cgt)", "/proc/self/status"], restore_signals=False)


def record_lock():
    import fcntl
    with open("locked", "w") as file:
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.set_inheritable(file.fileno(), True)
        sys.stdout.flush()
        script = ("import fcntl, os; f = open('locked', 'r+'); fcntl.lockf(f, fcntl.LOCK_EX | "
                  "fcntl.LOCK_NB); print('still mine')")
        os.execv("/usr/bin/python3", ["python3", "-c", script])


def shared_memory():
    from multiprocessing import shared_memory as memory
    block = memory.SharedMemory(create=True, size=4096)
    script = f"printf x | dd of=/dev/shm/{block.name} conv=notrunc 2>/dev/null"
    print(subprocess.run(["sh", "-c", script]).returncode, bytes(block.buf[:1]))
    block.close()
    block.unlink()


def looks_at_child():
    child = subprocess.Popen(["sleep", "30"])
    for _ in range(100):
        with open(f"/proc/{child.pid}/comm") as file:
            name = file.read().strip()
        if name == "sleep":
            break
        time.sleep(0.01)
    print(name)
    print(os.path.basename(os.readlink(f"/proc/{child.pid}/exe")))
    child.kill()
    child.wait()


def parent_number():
    script = "import os; print(os.getppid())"
    output = subprocess.run(["/usr/bin/python3", "-c", script], capture_output=True).stdout
    print("the child knows its parent:", int(output) == os.getpid())


def many_descriptors():
    for number in range(300):
        os.dup2(1, 400 + number)
    script = "import os; print(len([n for n in os.listdir('/proc/self/fd') if int(n) >= 400]))"
    subprocess.run(["/usr/bin/python3", "-c", script], close_fds=False)


def orphan():
    script = "(sleep 0.2; echo from the orphan) & exit 3"
    child = subprocess.Popen(["sh", "-c", script], stdout=subprocess.PIPE)
    print(child.wait(), child.stdout.read())


def thread_starts_program():
    results = []
    worker = threading.Thread(target=lambda: results.append(subprocess.run(["true"]).returncode))
    worker.start()
    worker.join()
    print(results)


if __name__ == "__main__":
    globals()[sys.argv[1].replace("-", "_")]()
