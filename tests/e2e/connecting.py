# SPDX-License-Identifier: Apache-2.0
"""A running `tidblink connect` for tests: own directory, its output read as it is written.

    with Connect(cloud, "--", "sh", "-c", "echo $DATABASE_URL; exec sleep 99") as connect:
        connect.wait_out("mysql://.*")
        connect.signal(signal.SIGTERM)
        assert connect.wait() == 128 + signal.SIGTERM
"""
import contextlib
import os
import pty
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from built import built, tethered
from proxy import ORDERS

SECONDS = 30
# A shell starts what is in its background with these ignored, which connect respects.
DEFAULT_SIGNALS = ["env", "--default-signal=INT,QUIT,HUP,TERM"]
# What a child does, in words: python("ready()", "wait()").
PYTHON = """
import json, os, signal, socket, sys
signal.alarm(120)  # should a test fail that was to end it
def say(text): os.write(1, (text + "\\n").encode())
def wait():
    while True: signal.pause()
def at(): return os.environ["TIDBLINK_CONNECT_HOST"], int(os.environ["TIDBLINK_CONNECT_PORT"])
"""


def python(*lines):
    return [sys.executable, "-c", PYTHON + "\n".join(lines)]


class Lines:
    """What a stream has said, as it comes."""

    def __init__(self, stream):
        self.lines, self.ended, self.grew = [], False, threading.Condition()
        self.rest = b""  # behind the last line's end
        threading.Thread(target=self._read, args=[stream], daemon=True).start()

    def _read(self, stream):
        with contextlib.suppress(OSError):  # EIO: a terminal whose other side is gone
            while part := os.read(stream.fileno(), 65536):
                with self.grew:
                    *lines, self.rest = (self.rest + part).split(b"\n")
                    self._add(lines)
        with contextlib.suppress(OSError):
            stream.close()
        with self.grew:
            self._add([self.rest] if self.rest else [])
            self.ended = True
            self.grew.notify_all()

    def _add(self, lines):
        self.lines += [line.decode(errors="replace").rstrip("\r\n") for line in lines]
        self.grew.notify_all()

    def wait_prompt(self, pattern, seconds=SECONDS):
        """What is at the beginning of a line that has not ended."""
        with self.grew:
            assert self.grew.wait_for(lambda: re.search(pattern, self.rest.decode()) or self.ended,
                                      seconds) and not self.ended, \
                f"no {pattern!r} in {self.rest} behind:\n" + "\n".join(self.lines)

    @property
    def text(self):
        with self.grew:
            return "\n".join(self.lines)

    def wait(self, pattern, seconds=SECONDS):
        deadline = time.monotonic() + seconds
        with self.grew:
            while True:
                for line in self.lines:
                    if found := re.search(pattern, line):
                        return found
                left = deadline - time.monotonic()
                assert left > 0 and not self.ended, \
                    f"no line like {pattern!r} in:\n" + "\n".join(self.lines)
                self.grew.wait(left)

    def wait_end(self, seconds=SECONDS):
        deadline = time.monotonic() + seconds
        with self.grew:
            while not self.ended:
                left = deadline - time.monotonic()
                assert left > 0, "the stream is still open:\n" + "\n".join(self.lines)
                self.grew.wait(left)


class Connect:
    def __init__(self, cloud, *words, cluster="orders", options=None, section=None, env=None,
                 terminal=False, folder=None, ignored="", descriptors=()):
        """`terminal`: its streams are a terminal of its own; `folder`: of an earlier one;
        `ignored`: signals that it is started with ignored; `descriptors`: that it inherits."""
        self.dir = Path(tempfile.mkdtemp(prefix="tidblink-connect-test-"))
        self.folder = Path(folder or self.dir)
        host, port = cloud.dns
        self.options = {
            "state-dir": self.folder / "state", "allow-loopback": "on", "aws-cli": "off",
            "poll-interval": "1s", "poll-interval-changing": "200ms", "hold-timeout": "1s",
            "api-url": cloud.api_url, "api-ca": cloud.ca, "dns-servers": f"{host}:{port}",
            "threads": 1, "spares": 0, **(options or {})}
        self.section = {**ORDERS, **(section or {})}
        self.words = [str(word) for word in words]
        self.cluster = cluster
        self.env = {**cloud.environment(), "XDG_RUNTIME_DIR": str(self.dir), **(env or {})}
        self.terminal = terminal
        self.ignored = [f"--ignore-signal={ignored}"] if ignored else []
        self.descriptors = descriptors
        self.process = self.master = self.out = self.errors = None

    def _config(self):
        text = "".join(f"{k} = {v}\n" for k, v in self.options.items())
        text += "\n[cluster orders]\n" + "".join(f"{k} = {v}\n" for k, v in self.section.items())
        (self.dir / "tidblink.conf").touch(mode=0o600)  # a jump's password may be in it
        (self.dir / "tidblink.conf").write_text(text)
        return self.dir / "tidblink.conf"

    def start(self):
        cluster = [self.cluster] if self.cluster else []
        command = [*DEFAULT_SIGNALS, *self.ignored, built("app/tidblink"), "connect", *cluster, "--config",
                   self._config(), *self.words]
        if self.terminal:
            self.master, slave = pty.openpty()
            self.process = subprocess.Popen(
                tethered(["setsid", "--ctty", *command]), env=self.env, stdin=slave, stdout=slave,
                stderr=slave)
            os.close(slave)
            self.out = self.errors = Lines(os.fdopen(os.dup(self.master), "rb", 0))
            return self
        self.process = subprocess.Popen(
            tethered(command), env=self.env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, pass_fds=self.descriptors)
        self.out, self.errors = Lines(self.process.stdout), Lines(self.process.stderr)
        return self

    def signal(self, number):
        self.process.send_signal(number)

    def press(self, keys):
        os.write(self.master, keys)

    def wait_out(self, pattern):
        return self.out.wait(pattern)

    def wait_error(self, pattern):
        return self.errors.wait(pattern)

    def port(self):
        """When the address alone is what it printed."""
        return int(self.wait_out(r"^127\.0\.0\.1:(\d+)$")[1])

    def wait(self, seconds=SECONDS):
        """The exit code, when all that it said has been read."""
        code = self.process.wait(seconds)
        if not self.terminal:
            self.errors.wait_end()
            self.out.wait_end()
        return code

    def stop(self):
        """Ends one that has no child, at once."""
        deadline = time.monotonic() + SECONDS
        while self.process.poll() is None and time.monotonic() < deadline:
            self.signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(0.2)
        assert self.process.returncode == 0, self.errors.text

    def __enter__(self):
        return self.start()

    def __exit__(self, kind, value, trace):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        if kind:
            print(f"standard output:\n{self.out.text}\nstandard error:\n{self.errors.text}")
        if self.master is not None:
            os.close(self.master)
        shutil.rmtree(self.dir, ignore_errors=True)


def once(cloud, *words, **arguments):
    """One that ends by itself, when it has: (exit code, standard output, standard error)."""
    with Connect(cloud, *words, **arguments) as connect:
        code = connect.wait()
        return code, connect.out.text, connect.errors.text
