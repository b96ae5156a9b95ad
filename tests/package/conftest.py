# SPDX-License-Identifier: Apache-2.0
"""The packages, built once; and a fresh system with them installed."""
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from built import ROOT
from system import System, base, why_not

BUILD_SECONDS = 900


def package(out, *words):
    """Calls scripts/package; returns what it said."""
    if not shutil.which("dpkg-buildpackage") or not shutil.which("dh"):
        pytest.skip("there is no debhelper (scripts/deps package)")
    done = subprocess.run([ROOT / "scripts/package", *words, out], text=True, timeout=BUILD_SECONDS,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          stdin=subprocess.DEVNULL)
    assert done.returncode == 0, done.stdout
    return out


@pytest.fixture(scope="session")
def packages(tmp_path_factory):
    """The folder with what scripts/package makes; TIDBLINK_PACKAGES: with what it made before, for who
    changes these tests."""
    if made := os.environ.get("TIDBLINK_PACKAGES"):
        return Path(made)
    return package(tmp_path_factory.mktemp("packages"))


@pytest.fixture(scope="session")
def fresh_system(tmp_path_factory):
    """A system without the packages."""
    if why_not():
        pytest.skip(why_not())
    try:
        base()
    except (RuntimeError, subprocess.TimeoutExpired) as error:
        pytest.skip(f"no fresh Debian 12 could be made: {error}")
    with System(tmp_path_factory.mktemp("system")) as system:
        yield system


def deb(packages, name):
    (path,) = packages.glob(f"{name}_*.deb")
    return path


@pytest.fixture(scope="session")
def installed(fresh_system, packages):
    """The same with both, their dependencies resolved by apt."""
    paths = fresh_system.bring(deb(packages, "tidblink"), deb(packages, "tidblink-emulator"))
    code, said = fresh_system.run("apt-get", "install", "-y", "-q", "--no-install-recommends",
                                  *paths, "man-db", "bash-completion", "groff-base")
    if code == 100 and "Failed to fetch" in said:
        pytest.skip(f"apt cannot fetch here: {said.strip().splitlines()[-1]}")
    assert code == 0, said
    fresh_system.keep_downloads()
    return fresh_system
