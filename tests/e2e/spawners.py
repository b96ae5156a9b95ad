# SPDX-License-Identifier: Apache-2.0
"""The processes that start programs for a proxy behind its sandbox."""
import contextlib
import time
from pathlib import Path

WAIT_SECONDS = 30


def spawner_of(pid):
    """The one that this process has started, when there is one."""
    deadline = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < deadline:
        for path in Path("/proc").glob("[0-9]*/stat"):
            with contextlib.suppress(OSError):
                parent = int(path.read_text().rpartition(")")[2].split()[1])
                words = path.with_name("cmdline").read_bytes()  # a dead one has none
                if parent == pid and words == b"tidblink\0spawner\0":
                    return int(path.parent.name)
        time.sleep(0.01)
    raise AssertionError(f"process {pid} has no spawner")


def keeper_and_starter(pid):
    """Of a proxy: who replaces the other, and who starts the programs."""
    keeper = spawner_of(pid)
    return keeper, spawner_of(keeper)
