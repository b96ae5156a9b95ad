# SPDX-License-Identifier: Apache-2.0
"""The clocks of a program whose machine sleeps when the test says so (clocks.c).

    with Clocks() as clocks, Proxy(cloud, env=clocks.env()) as proxy:
        clocks.sleep(3 * 3600)
"""
import os
import shutil
import struct
import tempfile
from pathlib import Path

from built import built


class Clocks:
    def __init__(self):
        self.dir = Path(tempfile.mkdtemp(prefix="tidblink-clocks-"))
        self.file = self.dir / "offsets"
        self.mono = self.boot = self.wall = 0
        self._write()
        os.mkfifo(f"{self.file}.pipe")
        self.pipe = os.open(f"{self.file}.pipe", os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)

    def env(self):
        """The sanitizer need not come first: the library stands in for none of its functions."""
        sanitizer = os.environ.get("ASAN_OPTIONS", "")
        return {"LD_PRELOAD": str(built("tests/loop/clocks.so")),
                "TIDBLINK_TEST_CLOCKS": str(self.file),
                "ASAN_OPTIONS": f"{sanitizer}:verify_asan_link_order=0".lstrip(":")}

    def _write(self):
        """In place: the file is mapped."""
        if not self.file.exists():
            self.file.write_bytes(bytes(24))
        with self.file.open("r+b") as out:
            out.write(struct.pack("=3q", self.mono, self.boot, self.wall))

    def _cancel(self):
        os.write(self.pipe, b"x")

    def sleep(self, seconds):
        """As the kernel resumes: the clocks that went on have moved, then the timer is cancelled."""
        self.boot += seconds * 1000
        self.wall += seconds * 1000
        self._write()
        self._cancel()

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
