# SPDX-License-Identifier: Apache-2.0
"""Where the programs under test are: built("app/tidblink"); and what ends them in any case."""
import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def built(program):
    """scripts/test says which build directory by TIDBLINK_BUILD; by hand it is ./build."""
    path = ROOT / os.environ.get("TIDBLINK_BUILD", "build") / program
    assert path.exists(), f"{path} is not built: run ninja, or set TIDBLINK_BUILD"
    return path


def tethered(command):
    """The same, and it is killed with the thread that starts it, should that not end it before. A
    wrapper of the kernel's own (prctl(2), PR_SET_PDEATHSIG): code of ours between fork and exec
    would have to do without every lock of a process that has threads."""
    return ["/usr/bin/setpriv", "--pdeathsig", "KILL", "--", *command]
