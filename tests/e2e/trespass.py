# SPDX-License-Identifier: Apache-2.0
"""Attempts from inside of a running program, in each of its threads (trespass.c).

    with Trespass() as trespass, Proxy(cloud, env=trespass.env()) as proxy:
        trespass.call()
        trespass.wait(3, poke)["exec"] == {errno.EPERM}
"""
import os
import shutil
import tempfile
import time
from pathlib import Path

from built import built

WAIT_SECONDS = 30


class Trespass:
    def __init__(self):
        self.dir = Path(tempfile.mkdtemp(prefix="tidblink-trespass-"))
        self.outside = self.dir / "outside"
        self.outside.mkdir()
        (self.outside / "secret").write_text("nobody's business\n")
        (self.outside / "victim").touch()
        self.file = self.dir / "round"
        self.file.write_bytes(b"\0")
        self.round = 0

    def env(self):
        """The sanitizer need not come first: the library stands in for none of its functions."""
        sanitizer = os.environ.get("ASAN_OPTIONS", "")
        return {"LD_PRELOAD": str(built("tests/loop/trespass.so")),
                "TIDBLINK_TEST_TRESPASS": str(self.file),
                "TIDBLINK_TEST_OUTSIDE": str(self.outside),
                "ASAN_OPTIONS": f"{sanitizer}:verify_asan_link_order=0".lstrip(":")}

    def call(self):
        """In place: the file is mapped."""
        self.round += 1
        with self.file.open("r+b") as out:
            out.write(bytes([self.round]))

    def results(self):
        """Of this round: thread -> attempt -> errno, of the threads that are done."""
        found = {}
        path = Path(f"{self.file}.results")
        for line in path.read_text().splitlines() if path.exists() else ():
            number, thread, attempt, sys = line.split()
            if int(number) == self.round:
                found.setdefault(int(thread), {})[attempt] = int(sys)
        return {thread: attempts for thread, attempts in found.items() if "done" in attempts}

    def wait(self, threads, poke):
        """attempt -> what came of it in any thread, when so many threads have tried. `poke` gives a
        thread that waits something to do."""
        deadline = time.monotonic() + WAIT_SECONDS
        while len(found := self.results()) < threads:
            assert time.monotonic() < deadline, f"only threads {sorted(found)} came round"
            poke()
            time.sleep(0.02)
        names = next(iter(found.values()))
        return {name: {attempts[name] for attempts in found.values()} for name in names}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.dir, ignore_errors=True)
