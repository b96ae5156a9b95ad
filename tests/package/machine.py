# SPDX-License-Identifier: Apache-2.0
"""A fresh Debian 12 that is booted: systemd is its process 1, in namespaces of its own.

    with System(folder) as system, Machine(system, network) as machine:
        machine.must("systemctl", "start", "tidblink")

`network` is a Namespace of tests/e2e/namespaces.py, with servers on its loopback addresses."""
import contextlib
import os
import shutil
import socket
import subprocess
import threading
from pathlib import Path

from built import tethered
from system import ENVIRONMENT, RUN_SECONDS

# What a container may not do by default, and a machine may.
LOCKDOWN = "landlock_create_ruleset landlock_add_rule landlock_restrict_self"
BOOT_SECONDS = STOP_SECONDS = 120


class Machine:
    def __init__(self, system, network, name="tidblink-test"):
        self.system, self.network, self.name = system, network, f"{name}-{os.getpid()}"
        self.process = self.leader = None
        self.console, self.said = [], ""

    def __enter__(self):
        ready = system_socket(self.system.root.parent / "notify")
        self.process = subprocess.Popen(
            tethered(["systemd-nspawn", "--quiet", "--boot", "--notify-ready=yes", "--register=no",
                      "--keep-unit", f"--system-call-filter={LOCKDOWN}", "--console=read-only", "--resolv-conf=off", "--timezone=off",
                      f"--machine={self.name}", f"--directory={self.system.root}",
                      f"--network-namespace-path=/proc/{os.getpid()}/fd/{self.network.fd}"]),
            env={**ENVIRONMENT, "NOTIFY_SOCKET": ready.getsockname()}, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
        threading.Thread(target=lambda: self.console.extend(self.process.stdout), daemon=True).start()
        try:
            self._wait_ready(ready)
        except BaseException:
            self.__exit__()
            raise
        finally:
            ready.close()
        return self

    def _wait_ready(self, ready):
        """systemd-nspawn(1), --notify-ready: READY=1 comes from the system inside."""
        ready.settimeout(BOOT_SECONDS)
        told = {}
        while told.get("READY") != "1":
            try:
                message = ready.recv(4096).decode()
            except TimeoutError as error:
                raise RuntimeError(f"it did not boot: {''.join(self.console)[-2000:]}") from error
            told.update(line.split("=", 1) for line in message.splitlines() if "=" in line)
            self.leader = told.get("X_NSPAWN_LEADER_PID", self.leader)

    def __exit__(self, *_):
        if self.leader and self.process.poll() is None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.run("systemctl", "--no-block", "poweroff")
                self.process.wait(STOP_SECONDS)
        self.process.kill()
        self.process.wait()

    def log_text(self):
        return f"{''.join(self.console)[-4000:]}\n{self.said}"

    def run(self, *words, seconds=RUN_SECONDS, **environment):
        """(exit code, all that it said) of a command inside."""
        done = subprocess.run(
            ["nsenter", f"--target={self.leader}", "--all", "--root", "--wd", *map(str, words)],
            text=True, errors="replace", env={**ENVIRONMENT, **environment}, timeout=seconds,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.said += f"$ {' '.join(map(str, words))}\n{done.stdout}[{done.returncode}]\n"
        return done.returncode, done.stdout

    def must(self, *words, **options):
        code, said = self.run(*words, **options)
        assert code == 0, f"{' '.join(map(str, words))}: {said}"
        return said

    def write(self, path, text, mode=0o644):
        there = Path(f"{self.system.root}{path}")
        there.parent.mkdir(parents=True, exist_ok=True)
        there.touch(mode=mode)
        there.write_text(text)

    def show(self, unit, name):
        """A property of a unit, systemctl(1)."""
        return self.must("systemctl", "show", "--value", f"--property={name}", unit).strip()

    def journal(self, unit):
        return self.must("journalctl", "--no-pager", "--output=cat", f"--unit={unit}")


def system_socket(path):
    found = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    found.bind(str(path))
    return found


def why_not():
    """Why nothing can be booted here, as far as that can be said before."""
    if not shutil.which("systemd-nspawn"):
        return "there is no systemd-nspawn (package systemd-container)"
    return None
