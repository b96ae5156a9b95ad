# SPDX-License-Identifier: Apache-2.0
"""A person at a terminal: standard input and standard error of tidblink are a pty.

    with Terminal(world, "setup", "--apply") as terminal:     # world: setup_world.World
        terminal.read_until("Which cluster?")
        terminal.answer("1")
        done = terminal.finish()          # its standard output is a pipe, as when it is redirected
        terminal.text                     # all that the terminal has shown, with single blanks"""
import contextlib
import os
import pty
import select
import subprocess
import termios
import time

from built import tethered
from setup_world import SECONDS, Done, squeezed


class Terminal:
    def __init__(self, world, *words):
        self.world, self.words = world, words
        self.seen = b""
        self.process = self.master = None

    def __enter__(self):
        self.master, slave = pty.openpty()
        modes = termios.tcgetattr(slave)
        modes[1] &= ~termios.ONLCR  # lines end as they are written
        modes[3] &= ~termios.ECHO
        termios.tcsetattr(slave, termios.TCSANOW, modes)
        self.process = subprocess.Popen(
            tethered(self.world.command(self.words)), env=self.world.env, stdin=slave,
            stderr=slave, stdout=subprocess.PIPE, cwd=self.world.dir, start_new_session=True)
        os.close(slave)
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()
        os.close(self.master)

    @property
    def text(self):
        return squeezed(self.seen.decode())

    def _read(self):
        """Whether there was more before the end."""
        with contextlib.suppress(OSError):  # EIO: nobody has the other side any more
            if part := os.read(self.master, 4096):
                self.seen += part
                return True
        return False

    def read_until(self, words):
        """What is new since the last answer, once it ends with the words."""
        deadline = time.monotonic() + SECONDS
        while not self.text.endswith(words):
            left = deadline - time.monotonic()
            ready = select.select([self.master], [], [], max(left, 0))[0]
            assert ready and self._read(), f"no {words!r} in:\n{self.seen.decode()}"
        return self.text

    def press(self, keys):
        os.write(self.master, keys.encode())

    def answer(self, text):
        self.press(text + "\n")

    def finish(self):
        out, _ = self.process.communicate(timeout=SECONDS)
        while select.select([self.master], [], [], 0)[0] and self._read():
            pass
        return Done(self.process.returncode, out.decode(), self.seen.decode())
