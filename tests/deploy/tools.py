# SPDX-License-Identifier: Apache-2.0
"""The tools that tests/deploy/setup has fetched; a test of one that is missing is skipped."""
import os
import subprocess

import pytest

from built import ROOT

FETCHED = ROOT / "build-deploy"
ALONE = {"PATH": "/usr/bin:/bin", "HOME": "/nonexistent", "LC_ALL": "C.UTF-8"}


def fetched(name):
    """The folder of a tool, or a skip with the reason."""
    missing = FETCHED / f"{name}.missing"
    if not (FETCHED / f"{name}.stamp").exists():
        pytest.skip(missing.read_text().strip() if missing.exists() else
                    f"{name} is not there: tests/deploy/setup fetches it")
    return FETCHED / name


def run(command, seconds=60, **environment):
    """(exit code, all that it said)."""
    done = subprocess.run([*map(os.fspath, command)], text=True, timeout=seconds,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, env={**ALONE, **environment})
    return done.returncode, done.stdout


def seconds_of(text):
    """A time of tidblink or systemd, in seconds."""
    units = {"ms": 0.001, "s": 1, "min": 60, "m": 60, "h": 3600}
    number = text.rstrip("abcdefghijklmnopqrstuvwxyz")
    return float(number) * units[text[len(number):] or "s"]
