# SPDX-License-Identifier: Apache-2.0
"""Networks of a test's own: namespaces that veth pairs join, and ways that can be cut and healed.

    near, far = Namespace(), Namespace()
    way = Way(near, far, 1)              # 10.77.1.1 in `near`, 10.77.1.2 in `far`
    with far.inside():                   # this thread; what it starts and opens stays there
        listener = socket.create_server((way.far_ip, 0))
    way.cut()                            # whatever is sent is lost, and nobody says so

Nothing outside of them is touched, and they are gone with the last process and socket in them.
"""
import contextlib
import ctypes
import os
import shutil
import subprocess
import threading

import pytest

CLONE_NEWNET = 0x40000000  # sched.h; os.unshare and os.setns are Python 3.12's
LIBC = ctypes.CDLL(None, use_errno=True)


def _check(result, what):
    if result != 0:
        sys = ctypes.get_errno()
        raise OSError(sys, f"{what}: {os.strerror(sys)}")


def open_own():
    """A descriptor of the calling thread's network namespace."""
    return os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)


class Namespace:
    def __init__(self):
        """Skips the test, with the reason, where no namespace can be had."""
        self.fd, self.problem = None, None
        thread = threading.Thread(target=self._make)
        thread.start()
        thread.join()
        if self.problem:
            pytest.skip(f"no network namespace of its own ({self.problem})")
        self.ip("link", "set", "lo", "up")

    def _make(self):
        try:
            _check(LIBC.unshare(CLONE_NEWNET), "unshare")
            self.fd = open_own()
        except OSError as problem:
            self.problem = problem

    @contextlib.contextmanager
    def inside(self):
        """The calling thread is in it meanwhile, with the threads and programs that it starts."""
        before = open_own()
        try:
            _check(LIBC.setns(self.fd, CLONE_NEWNET), "setns")
            try:
                yield self
            finally:
                _check(LIBC.setns(before, CLONE_NEWNET), "setns")
        finally:
            os.close(before)

    def ip(self, *arguments):
        program = shutil.which("ip", path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
        if not program:
            pytest.skip("ip is not installed (Debian package iproute2)")
        with self.inside():
            done = subprocess.run([program, *arguments], stdin=subprocess.DEVNULL, text=True,
                                  capture_output=True, check=False)
        assert done.returncode == 0, f"ip {' '.join(arguments)}: {done.stderr}"
        return done.stdout

    def close(self):
        os.close(self.fd)


class Way:
    """A veth pair between two namespaces, with an address at each end."""

    def __init__(self, near, far, number):
        self.near, self.far = near, far
        self.near_ip, self.far_ip = f"10.77.{number}.1", f"10.77.{number}.2"
        self.near_name, self.far_name = f"near{number}", f"far{number}"
        near.ip("link", "add", self.near_name, "type", "veth", "peer", "name", self.far_name,
                "netns", f"/proc/{os.getpid()}/fd/{far.fd}")
        ends = [(near, self.near_name, self.near_ip), (far, self.far_name, self.far_ip)]
        for space, name, address in ends:
            space.ip("link", "set", name, "up")
            space.ip("address", "add", f"{address}/24", "dev", name)
        # Known for ever: a cut way must be silent, and ARP that nobody answers would be told.
        for (space, name, _), (other, other_name, address) in zip(ends, reversed(ends)):
            hardware = other.ip("-brief", "link", "show", other_name).split()[2]
            space.ip("neighbour", "replace", address, "lladdr", hardware, "dev", name,
                     "nud", "permanent")

    def cut(self):
        """Without its address the far end takes no packet, sends none and answers none."""
        self.far.ip("address", "del", f"{self.far_ip}/24", "dev", self.far_name)

    def heal(self):
        self.far.ip("address", "add", f"{self.far_ip}/24", "dev", self.far_name)
        hardware = self.near.ip("-brief", "link", "show", self.near_name).split()[2]
        self.far.ip("neighbour", "replace", self.near_ip, "lladdr", hardware,
                    "dev", self.far_name, "nud", "permanent")
