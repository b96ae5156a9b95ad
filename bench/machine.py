# SPDX-License-Identifier: Apache-2.0
"""The machine that the bench runs on: what it is, what is changed for a run and put back after it,
processes and what they cost."""
import contextlib
import json
import os
import platform
import random
import re
import signal
import socket
import subprocess
import threading
import time
from pathlib import Path

STOP_SECONDS = 10
SYSCTL = Path("/proc/sys")
CGROUPS = Path("/sys/fs/cgroup")


def output(*command):
    """What a command prints, both streams; empty when it is not there or fails."""
    with contextlib.suppress(OSError, subprocess.SubprocessError):
        return subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, errors="replace", timeout=20,
                              check=False).stdout
    return ""


def first_line(text):
    return text.strip().splitlines()[0] if text.strip() else "?"


def sysctl(name):
    try:
        return (SYSCTL / name.replace(".", "/")).read_text().strip()
    except OSError:
        return ""


@contextlib.contextmanager
def changed_sysctl(name, value):
    """Sets it and puts it back; yields the reason why not, or None."""
    path, before = SYSCTL / name.replace(".", "/"), sysctl(name)
    try:
        path.write_text(value)
    except OSError as error:
        yield f"{name} could not be set to {value}: {error.strerror}"
        return
    try:
        yield None
    finally:
        path.write_text(before)


def describe():
    text = Path("/proc/cpuinfo").read_text()
    model = re.search(r"model name\s*:\s*(.*)", text)
    memory = int(re.search(r"MemTotal:\s*(\d+)", Path("/proc/meminfo").read_text())[1])
    return {
        "time": time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime()),
        "cpu": model[1] if model else platform.machine(),
        "cpus": len(os.sched_getaffinity(0)),
        "memory_gib": round(memory / 2**20, 1),
        "kernel": platform.release(),
        "system": first_line(output("sh", "-c", ". /etc/os-release; echo $PRETTY_NAME")),
        "congestion_control": sysctl("net.ipv4.tcp_congestion_control"),
    }


# Below the range of source ports, so that no outgoing connection takes one before it is bound.
def free_port():
    while True:
        port = random.randrange(18000, 32000)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))
            return port


def wait_port(port, process, host="127.0.0.1", seconds=20):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection((host, port), 1):
            return
        time.sleep(0.02)
    raise RuntimeError(f"{process.args[0]} does not listen on {host}:{port}")


class Cgroup:
    """Counts CPU time of a process and of all its children, dead ones too. Without the right to
    make one, `cpu_ns` of Process adds up the schedstat of the living."""
    count = 0

    def __init__(self):
        self.path, self.unified = None, False
        Cgroup.count += 1
        name = f"tidblink-bench-{os.getpid()}-{Cgroup.count}"
        for root in ("cpuacct", "cpu,cpuacct", "."):
            path = CGROUPS / root / name
            if root == "." and not (CGROUPS / "cgroup.controllers").exists():
                continue
            with contextlib.suppress(OSError):
                path.mkdir()
                self.path, self.unified = path, root == "."
                return

    def enter(self):
        """A shell's words that put the shell itself into the group."""
        return f"echo $$ >{self.path}/cgroup.procs 2>/dev/null || :; " if self.path else ""

    def cpu_ns(self):
        if not self.path:
            return None
        if self.unified:
            text = (self.path / "cpu.stat").read_text()
            return int(re.search(r"usage_usec (\d+)", text)[1]) * 1000
        return int((self.path / "cpuacct.usage").read_text())

    def pids(self):
        return [int(pid) for pid in (self.path / "cgroup.procs").read_text().split()]

    def remove(self):
        for _ in range(100):
            try:
                if self.path and self.path.exists():
                    self.path.rmdir()
                return
            except OSError:
                time.sleep(0.02)  # a process that just ended is still in it


class Process:
    """A program of the bench: own session, own cgroup, gone when the bench is gone."""

    def __init__(self, command, log, env=None, json_line=False):
        self.cgroup = Cgroup()
        self.args = [str(word) for word in command]
        self.log = log
        script = self.cgroup.enter() + 'exec "$@"'
        with open(log, "ab") as errors:
            self.popen = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", "sh", "-c", script, "sh", *self.args], env=env,
                stdin=subprocess.DEVNULL, stderr=errors, start_new_session=True,
                stdout=subprocess.PIPE if json_line else errors)
        self.pid = self.popen.pid
        self.hello = {}
        if json_line:
            line = self.popen.stdout.readline()
            if not line:
                self.stop()
                raise RuntimeError(f"{self.args[0]} did not start: {self.log_text()}")
            self.hello = json.loads(line)

    def poll(self):
        return self.popen.poll()

    def log_text(self):
        return Path(self.log).read_text(errors="replace")[-2000:]

    def pids(self):
        """All processes of its session."""
        found = []
        for entry in os.listdir("/proc"):
            if entry.isdigit():
                with contextlib.suppress(OSError, IndexError):
                    stat = Path(f"/proc/{entry}/stat").read_text().rpartition(")")[2].split()
                    if int(stat[3]) == self.pid:
                        found.append(int(entry))
        return found

    def cpu_ns(self):
        counted = self.cgroup.cpu_ns()
        if counted:
            return counted
        total = 0
        for task in self.tasks():
            with contextlib.suppress(OSError):
                total += int(Path(f"/proc/{task}/schedstat").read_text().split()[0])
        return total

    def tasks(self):
        found = []
        for pid in self.pids():
            with contextlib.suppress(OSError):
                found += [int(task) for task in os.listdir(f"/proc/{pid}/task")]
        return found

    def memory(self, name):
        """Bytes of `Pss` or `Rss`."""
        total = 0
        for pid in self.pids():
            with contextlib.suppress(OSError):
                text = Path(f"/proc/{pid}/smaps_rollup").read_text()
                total += int(re.search(rf"^{name}:\s*(\d+) kB", text, re.MULTILINE)[1]) * 1024
        return total

    def stop(self):
        if self.popen.poll() is None:
            self.popen.terminate()
            # tidblink drains at the first SIGTERM and ends at the second; that is not measured.
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.popen.wait(0.3)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self.popen.wait(STOP_SECONDS)
        if self.popen.stdout:
            self.popen.stdout.close()
        self.cgroup.remove()


@contextlib.contextmanager
def pinned(tasks, cpu=0):
    """All threads that tasks() names on one CPU, and back where they were; threads that were made
    meanwhile inherited the one CPU, and a server may keep them."""
    before, everywhere = {}, os.sched_getaffinity(0)
    for task in tasks():
        with contextlib.suppress(OSError):
            before[task] = os.sched_getaffinity(task)
            os.sched_setaffinity(task, {cpu})
    try:
        yield
    finally:
        for task in tasks():
            with contextlib.suppress(OSError):
                os.sched_setaffinity(task, before.get(task, everywhere))


def tasks_of(pid):
    return [int(task) for task in os.listdir(f"/proc/{pid}/task")]


class TimeWait:
    """Removes TIME_WAIT sockets of the bench's own ports, where the kernel lets us."""

    def __init__(self):
        self.ports = set()
        self.reason = None

    def add(self, *ports):
        self.ports.update(port for port in ports if port)

    def _ss(self, *flags):
        either = " or ".join(f"sport = :{port} or dport = :{port}" for port in sorted(self.ports))
        return output("ss", "-4Htn", *flags, "state", "time-wait", f"( {either} )")

    def clear(self):
        if not self.ports or self.reason:
            return
        self._ss("-K")
        left = len(self._ss().splitlines())
        if left > 1000:
            self.reason = f"ss -K left {left} TIME_WAIT sockets: connects are measured with them"


def after(seconds, function):
    timer = threading.Timer(seconds, function)
    timer.daemon = True
    timer.start()
    return timer
