# SPDX-License-Identifier: Apache-2.0
"""The process that starts programs, and one that asks it what tidblink never would: a proxy that has
been taken over."""
import contextlib
import os
import signal
import socket
import struct
import subprocess
import sys
import time
from pathlib import Path

import pytest

from built import built, linux_only
from spawners import spawner_of

pytestmark = linux_only("process that starts programs")

ALLOW, SEAL, RUN = 1, 2, 3
WAIT_SECONDS = 20
# The socket is descriptor 3 (base/spawner_words.h).
BECOME = "import os, sys; os.dup2(int(sys.argv[1]), 3); os.execv(sys.argv[2], sys.argv[3:])"


def packet(kind, *argv, flags=0):
    return struct.pack("=BBHH", kind, flags, len(argv), 0) + b"".join(
        word.encode() + b"\0" for word in argv)


class Spawner:
    def __enter__(self):
        self.sock, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.sock.settimeout(WAIT_SECONDS)
        with other:
            self.process = subprocess.Popen(
                [sys.executable, "-c", BECOME, str(other.fileno()), built("app/tidblink"),
                 "tidblink", "spawner"], pass_fds=[other.fileno()], stderr=subprocess.PIPE)
        return self

    def ask(self, fds, *argv):
        socket.send_fds(self.sock, [packet(RUN, *argv)], fds)

    def run(self, *argv):
        """(the errno of the start, the output) of a program."""
        line, its_line = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        out, its_out = os.pipe()
        with line, its_line:
            line.settimeout(WAIT_SECONDS)
            self.ask([its_line.fileno(), its_out, its_out], *argv)
            os.close(its_out)
            with open(out, "rb") as output:
                sys_number = struct.unpack("=ii", line.recv(8))[0]
                if sys_number == 0:
                    assert len(line.recv(8)) == 8  # its end
                return sys_number, output.read()

    def end(self):
        """The exit code, and what it said."""
        self.sock.close()
        errors = self.process.communicate(timeout=WAIT_SECONDS)[1]
        return self.process.returncode, errors

    def __exit__(self, *_):
        self.sock.close()
        with contextlib.suppress(ProcessLookupError):
            self.process.kill()
        self.process.communicate()


def count_descriptors(process):
    return len(os.listdir(f"/proc/{spawner_of(process.pid)}/fd"))


def wait_descriptors_at_most(process, count):
    """Those of the last answer are closed just after it."""
    deadline = time.monotonic() + WAIT_SECONDS
    while (seen := count_descriptors(process)) > count:
        assert time.monotonic() < deadline, f"{seen} descriptors, more than {count}"
        time.sleep(0.01)


@pytest.fixture
def spawner():
    with Spawner() as found:
        found.sock.send(packet(ALLOW, "echo", "hello"))
        found.sock.send(packet(SEAL))
        assert found.run("echo", "hello") == (0, b"hello\n")
        found.descriptors = count_descriptors(found.process)
        yield found


@pytest.mark.parametrize("count", [0, 1, 2, 4, 5, 64])
def test_another_number_of_descriptors(spawner, count):
    """They are closed, and it goes on."""
    with open("/dev/null", "rb") as null:
        for _ in range(6):
            spawner.ask([null.fileno()] * count, "echo", "hello")
    assert spawner.run("echo", "hello") == (0, b"hello\n")
    wait_descriptors_at_most(spawner.process, spawner.descriptors)
    assert spawner.end() == (0, b"")


WORDS = {
    "short": b"\x03",
    "cut": struct.pack("=BBHH", RUN, 0, 1, 0),
    "many": struct.pack("=BBHH", RUN, 0, 65535, 65535) + b"echo\0",
    "open": struct.pack("=BBHH", RUN, 0, 2, 0) + b"echo\0hello",
    "allow": packet(ALLOW, "id"), "seal": packet(SEAL), "unknown": packet(99, "id"),
    "long": b"\0" * 40000}


@pytest.mark.parametrize("name", WORDS)
def test_packets_that_say_nothing(spawner, name):
    with open("/dev/null", "rb") as null:
        for _ in range(6):
            socket.send_fds(spawner.sock, [WORDS[name]], [null.fileno()] * 3)
    assert spawner.run("echo", "hello") == (0, b"hello\n")
    assert spawner.run("id") == (13, b"")
    assert spawner.run("echo", "hello", "you") == (13, b"")
    wait_descriptors_at_most(spawner.process, spawner.descriptors)
    assert spawner.end() == (0, b"")


def test_one_that_is_killed_is_replaced(spawner):
    """By one that knows the same, and to which nothing can be added; who asked is told."""
    for _ in range(2):
        os.kill(spawner_of(spawner.process.pid), signal.SIGKILL)
        assert struct.unpack("=i", spawner.sock.recv(100)) == (128 + signal.SIGKILL,)
        spawner.sock.send(packet(ALLOW, "id"))
        assert spawner.run("echo", "hello") == (0, b"hello\n")
        assert spawner.run("id") == (13, b"")
    wait_descriptors_at_most(spawner.process, spawner.descriptors)
    assert spawner.end() == (0, b"")


def test_what_a_program_leaves_behind_is_not_left_to_the_first_process(tmp_path):
    """Which in a container is the proxy: in its sandbox it can wait for nobody, and the dead would
    fill the table of processes."""
    os.mkfifo(tmp_path / "fifo")
    script = f"cat {tmp_path}/fifo >/dev/null 2>&1 & echo $!"
    with Spawner() as spawner:
        spawner.sock.send(packet(ALLOW, "sh", "-c", script))
        spawner.sock.send(packet(SEAL))
        sys_number, output = spawner.run("sh", "-c", script)
        assert sys_number == 0
        orphan = Path(f"/proc/{int(output)}")
        parent = int((orphan / "stat").read_text().rpartition(")")[2].split()[1])
        with open(tmp_path / "fifo", "wb"):
            assert parent == spawner.process.pid
        deadline = time.monotonic() + WAIT_SECONDS
        while orphan.exists():
            assert time.monotonic() < deadline, (orphan / "stat").read_text()
            time.sleep(0.01)
        assert spawner.end() == (0, b"")


@pytest.mark.parametrize("is_sealed", [False, True])
def test_it_ends_with_who_asked(is_sealed):
    """Also before anything was asked."""
    with Spawner() as spawner:
        spawner.sock.send(packet(ALLOW, "echo"))
        if is_sealed:
            spawner.sock.send(packet(SEAL))
        assert spawner.end() == (0, b"")
