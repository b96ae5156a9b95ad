# SPDX-License-Identifier: Apache-2.0
"""The clocks of a program whose machine sleeps when the test says so (clocks.c).

    with Clocks() as clocks, Proxy(cloud, env=clocks.env()) as proxy:
        clocks.sleep(3 * 3600)
"""
import os
import shutil
import struct
import tempfile
import time
from pathlib import Path

from built import built

WAIT_SECONDS = 30
FILE = struct.Struct("=5q")  # struct offsets


class Clocks:
    def __init__(self):
        self.dir = Path(tempfile.mkdtemp(prefix="tidblink-clocks-"))
        self.file = self.dir / "offsets"
        self.mono = self.boot = self.wall = 0
        self.file.write_bytes(bytes(FILE.size))
        self._write()
        os.mkfifo(f"{self.file}.pipe")
        self.pipe = os.open(f"{self.file}.pipe", os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)

    def env(self):
        """The sanitizer need not come first: the library stands in for none of its functions."""
        sanitizer = os.environ.get("ASAN_OPTIONS", "")
        return {"LD_PRELOAD": str(built("tests/loop/clocks.so")),
                "TIDBLINK_TEST_CLOCKS": str(self.file),
                "ASAN_OPTIONS": f"{sanitizer}:verify_asan_link_order=0".lstrip(":")}

    def _write(self, next_boot=0, waits_for_read=0):
        """In place: the file is mapped."""
        with self.file.open("r+b") as out:
            out.write(FILE.pack(self.mono, self.boot, self.wall, next_boot, waits_for_read))

    def _cancel(self):
        os.write(self.pipe, b"x")

    def sleep(self, seconds):
        """As the kernel resumes: the clocks that went on have moved, then the timer is cancelled."""
        self.boot += seconds * 1000
        self.wall += seconds * 1000
        self._write()
        self._cancel()

    def sleep_after_a_reading(self, seconds):
        """The machine falls asleep when the program has just read its clocks for another reason."""
        self._write(next_boot=seconds * 1000, waits_for_read=1)
        self._cancel()
        deadline = time.monotonic() + WAIT_SECONDS
        while FILE.unpack(self.file.read_bytes())[-1]:
            assert time.monotonic() < deadline, "the clocks are not read"
            time.sleep(0.01)
        self.sleep(seconds)  # the same once more, with the cancellation

    def set_wall(self, seconds):
        """Somebody, or NTP, sets the wall clock by so much."""
        self.wall += seconds * 1000
        self._write()
        self._cancel()

    def pause(self, seconds):
        """All clocks go on, and the program does not: a guest that its host has paused, and whose wall
        clock it sets afterwards."""
        self.mono += seconds * 1000
        self.boot += seconds * 1000
        self.wall += seconds * 1000
        self._write()
        self._cancel()

    def close(self):
        os.close(self.pipe)
        shutil.rmtree(self.dir, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
