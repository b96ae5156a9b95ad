# SPDX-License-Identifier: Apache-2.0
"""Where the programs under test are: built("app/tidblink"); and what ends them in any case."""
import functools
import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def built(program):
    """scripts/test says which build directory by TIDBLINK_BUILD; by hand it is ./build."""
    path = ROOT / os.environ.get("TIDBLINK_BUILD", "build") / program
    assert path.exists(), f"{path} is not built: run ninja, or set TIDBLINK_BUILD"
    return path


@functools.cache
def is_portable():
    """Whether the programs use POSIX alone (-Dportable=true); the first line of --version says so."""
    version = subprocess.run([built("app/tidblink"), "--version"], check=True, text=True,
                             stdout=subprocess.PIPE, timeout=30).stdout
    return version.splitlines()[0].endswith(" portable")


def linux_only(what):
    """For a test of something that the portable build cannot do: names it and skips there."""
    return pytest.mark.skipif(is_portable(), reason=f"the portable build has no {what}")


def tethered(command):
    """The same, and it is killed with the thread that starts it, should that not end it before. A
    wrapper of the kernel's own (prctl(2), PR_SET_PDEATHSIG): code of ours between fork and exec
    would have to do without every lock of a process that has threads."""
    return ["/usr/bin/setpriv", "--pdeathsig", "KILL", "--", *command]
