#!/usr/bin/python3
"""Shows where the time of one intercepted start goes, by the kernel's own trace of it.

usage: scripts/bench stages [--json FILE] [--build-dir DIR] [--runs N]

The scheduler's events of a session (tracefs, docs.kernel.org/trace/ftrace.html) tell when each hand
took over. Tracing costs time itself, so the sum is more than `scripts/bench exec` measures: what
counts are the shares. "nobody ran" is time in which no process of the session had a processor: a
wake-up on its way.

  --runs N      how many starts on two CPUs, and on one (default: 400)
  --json FILE   write the figures there as well
"""

import argparse
import contextlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

import machine
import servers

# A stage ends with a mark; see marks() for how each is found.
STAGES = [
    ("fork", "the caller forks"),
    ("trapped", "it runs, and its exec is trapped"),
    ("relay", "the runner decides, records, and has the relay loaded"),
    ("hello", "the relay gathers what the caller had, and hands it over"),
    ("command", "the sandbox wakes and forks"),
    ("exec", "the command is set up and executed"),
    ("exit", "the program itself"),
    ("note", "the sandbox sees its end"),
    ("gone", "the relay ends"),
    ("back", "the caller sees that"),
]
NATIVE = [
    ("fork", "the caller forks"),
    ("exec", "it executes the program"),
    ("exit", "the program itself"),
    ("back", "the caller sees its end"),
]
EVENTS = ["sched/sched_process_fork", "sched/sched_process_exec", "sched/sched_process_exit",
          "sched/sched_waking", "sched/sched_switch", "syscalls/sys_enter_clone",
          "syscalls/sys_enter_clone3", "syscalls/sys_enter_sendmsg", "syscalls/sys_enter_sendto", "syscalls/sys_exit_wait4"]
LINE = re.compile(r"^ *(?P<comm>.+)-(?P<pid>\d+) +\[(?P<cpu>\d+)\] \S+ +(?P<time>[\d.]+): "
                  r"(?P<name>\w+)(?P<rest>.*)$")


class Event:
    def __init__(self, match):
        self.comm, self.name, self.rest = match["comm"], match["name"], match["rest"]
        self.pid, self.cpu = int(match["pid"]), int(match["cpu"])
        self.time = float(match["time"]) * 1e6

    def value(self, key):
        found = re.search(rf"\b{key}=(\S+)", self.rest)
        return found.group(1) if found else ""


class Trace:
    """The events of some processes and their children, from start() to stop()."""

    def __enter__(self):
        self.mount = tempfile.mkdtemp(prefix="tracefs-")
        subprocess.run(["mount", "-t", "tracefs", "tracefs", self.mount], check=True)
        self.top = f"{self.mount}/instances/bench-{os.getpid()}"
        os.mkdir(self.top)
        self.write("trace_clock", "mono")
        self.write("buffer_size_kb", "16384")
        self.write("options/event-fork", "1")
        return self

    def __exit__(self, *_):
        os.rmdir(self.top)
        subprocess.run(["umount", self.mount], check=True)
        os.rmdir(self.mount)

    def write(self, name, text):
        with open(f"{self.top}/{name}", "w") as file:
            file.write(text)

    def start(self, process):
        threads = [thread for pid in servers.descendants(process)
                   for thread in os.listdir(f"/proc/{pid}/task")]
        self.write("set_event_pid", " ".join(threads))
        self.write("trace", "")
        for event in EVENTS:
            self.write(f"events/{event}/enable", "1")

    def stop(self):
        for event in EVENTS:
            self.write(f"events/{event}/enable", "0")
        with open(f"{self.top}/trace", errors="replace") as file:
            return [Event(match) for match in map(LINE.match, file) if match]


def starts(events, caller):
    """The events of each start: from the caller's clone to its wait's end."""
    since = None
    for number, event in enumerate(events):
        if event.pid != caller:
            continue
        if event.name in ("sys_clone3", "sys_clone"):  # one after the other, if the first fails
            since = number if since is None else since
        elif event.name == "sys_wait4" and "->" in event.rest and since is not None:
            yield events[since:number + 1]
            since = None


class Finder:
    """Finds one event after the other; no StopIteration leaves here."""

    def __init__(self, events):
        self.events, self.at, self.marks = events, 0, {}

    def find(self, mark, name, holds=lambda _: True):
        for number in range(self.at, len(self.events)):
            event = self.events[number]
            if event.name == name and holds(event):
                self.at = number
                self.marks[mark] = event.time
                return event
        raise LookupError(mark)


def child_of(event):
    return int(event.value("child_pid"))


def marks(events, trapped):
    """{mark: time} of one start."""
    find = Finder(events)
    find.marks["start"] = events[0].time
    caller = events[0].pid
    child = child_of(find.find("fork", "sched_process_fork", lambda e: e.pid == caller))
    if trapped:
        find.find("trapped", "sched_waking",
                  lambda e: e.pid == child and e.value("comm").startswith("agent-task-run"))
        find.find("relay", "sched_process_exec", lambda e: e.pid == child)
        find.find("hello", "sys_sendmsg", lambda e: e.pid == child)
        forked = find.find("command", "sched_process_fork", lambda e: e.comm == "agent-sandbox")
        command, sandbox = child_of(forked), forked.pid
        find.find("exec", "sched_process_exec", lambda e: e.pid == command)
        find.find("exit", "sched_process_exit", lambda e: e.pid == command)
        find.find("note", "sys_sendto", lambda e: e.pid == sandbox)
        find.find("gone", "sched_process_exit", lambda e: e.pid == child)
    else:
        find.find("exec", "sched_process_exec", lambda e: e.pid == child)
        find.find("exit", "sched_process_exit", lambda e: e.pid == child)
    find.marks["back"] = events[-1].time
    return find.marks


def is_of_session(name):
    return name.startswith(("agent-", "spawn_bench", "true"))


def idle_times(events):
    """[(from, to)] in which no process of the session ran."""
    running = {events[0].cpu}
    idle, since = [], None
    for event in events:
        if event.name == "sched_switch":
            if is_of_session(event.value("next_comm")):
                running.add(event.cpu)
            else:
                running.discard(event.cpu)
        if not running and since is None:
            since = event.time
        elif running and since is not None:
            idle.append((since, event.time))
            since = None
    return idle


def shares(events, stages, trapped):
    """{stage: (us, of them nobody ran)} of one start."""
    times = marks(events, trapped)
    idle = idle_times(events)
    result, before = {}, times["start"]
    for mark, _ in stages:
        now = times[mark]
        waited = sum(max(0, min(to, now) - max(since, before)) for since, to in idle)
        result[mark] = (now - before, waited)
        before = now
    return result


def median(values):
    ordered = sorted(values)
    return round(ordered[len(ordered) // 2], 1)


def measure(trace, server, stages, trapped, runs):
    """The medians over all starts, and how many of them could be told apart."""
    program = ["/usr/bin/true"]
    server.measure(50, 1, program)  # warms up
    caller = next(pid for pid in servers.descendants(server.process.pid)
                  if servers.read_status(pid).get("Name") == "spawn_bench")
    seen = []
    for _ in range(max(1, runs // 50)):
        trace.start(server.process.pid)
        server.measure(min(runs, 50), 1, program)
        for events in starts(trace.stop(), caller):
            with contextlib.suppress(LookupError):  # an event was lost
                seen.append(shares(events, stages, trapped))
    if not seen:
        raise SystemExit("bench: no start could be followed in the trace")
    return {"starts": len(seen),
            "total_us": median(sum(us for us, _ in one.values()) for one in seen),
            "stages": [{"stage": text, "us": median(one[mark][0] for one in seen),
                        "nobody_ran_us": median(one[mark][1] for one in seen)}
                       for mark, text in stages]}


def table(result):
    lines = []
    for name, case in result["cases"].items():
        lines += [f"{name}: {case['starts']} starts, median {case['total_us']} us",
                  f"{'':58} {'us':>7} {'nobody ran':>11}"]
        lines += [f"  {row['stage']:56} {row['us']:7} {row['nobody_ran_us']:11}"
                  for row in case["stages"]]
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(prog="bench stages", description=__doc__.split("\n")[0])
    parser.add_argument("--json", metavar="FILE")
    parser.add_argument("--runs", type=int, default=400)
    parser.add_argument("--build-dir", default=f"{servers.ROOT}/build")
    options = parser.parse_args()
    folders = [tempfile.mkdtemp(prefix="bench-", dir=parent) for parent in ("/var/tmp", "/tmp")]
    workspace, programs = f"{folders[0]}/workspace", folders[1]
    for folder in folders:
        os.chmod(folder, 0o755)
    os.mkdir(workspace)
    os.chown(workspace, 1000, 1000)
    shutil.copy2(f"{options.build_dir}/tests/bench/spawn_bench", programs)
    result = {"version": 1, **machine.described(), "cases": {}}
    try:
        with Trace() as trace:
            for cpus in 2, 1:
                setup = servers.Setup(cpus=cpus)
                where = f"{cpus} CPU" + ("s" if cpus > 1 else "")
                with servers.Native(setup, workspace, programs) as native:
                    result["cases"][f"native, {where}"] = measure(trace, native, NATIVE, False,
                                                                  options.runs)
                with servers.Session(setup, workspace, programs, options.build_dir) as session:
                    result["cases"][f"intercepted, {where}"] = measure(trace, session, STAGES, True,
                                                                       options.runs)
    finally:
        for folder in folders:
            shutil.rmtree(folder, ignore_errors=True)
    print(table(result))
    if options.json:
        with open(options.json, "w") as file:
            file.write(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
