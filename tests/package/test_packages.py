# SPDX-License-Identifier: Apache-2.0
"""What scripts/package makes, before it is installed."""
import re
import shutil
import subprocess

import pytest

from built import ROOT
from conftest import deb, package
from scenes import LONG

# What lintian says and is so on purpose; everything else is a failure, down to its warnings.
SAID = set()


def output(*words):
    return subprocess.run([*map(str, words)], check=True, text=True, stdout=subprocess.PIPE,
                          timeout=120).stdout


def test_lintian(packages):
    if not shutil.which("lintian"):
        pytest.skip("there is no lintian (scripts/deps package)")
    (changes,) = packages.glob("*.changes")
    done = subprocess.run(["lintian", "--allow-root", "--fail-on", "error,warning", changes],
                          text=True, timeout=300, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert {line for line in done.stdout.splitlines() if line[:2] in ("E:", "W:")} <= SAID


def test_the_tree_is_not_touched(packages):
    """Nothing of a build is beside the sources, and what was there is as it was."""
    assert not (ROOT / "debian/files").exists() and not list(ROOT.glob("obj-*"))
    assert not list((ROOT / "debian").glob("*.substvars"))
    assert not list(ROOT.parent.glob("tidblink_*.changes"))


def test_the_version_is_the_programs(packages):
    version = re.search(r"version: '([^']+)'", (ROOT / "meson.build").read_text())[1]
    packaged = output("dpkg-deb", "-f", deb(packages, "tidblink"), "Version").strip()
    assert packaged == version or packaged.startswith(f"{version}~")


def test_dependencies(packages):
    depends = output("dpkg-deb", "-f", deb(packages, "tidblink"), "Depends")
    for name in ("libc6", "libssl3", "libcurl4", "libc-ares2", "libcjson1", "libinih1",
                 "libevent-core-2.1-7", "libsystemd0"):
        assert re.search(rf"\b{re.escape(name)}\b", depends), depends
    assert "libevent-openssl" not in depends  # the emulator's alone


def test_hardened(packages, tmp_path):
    output("dpkg-deb", "-x", deb(packages, "tidblink"), tmp_path)
    program = tmp_path / "usr/bin/tidblink"
    header, dynamic = output("readelf", "-hlW", program), output("readelf", "-dW", program)
    assert "Type:                              DYN" in header  # position independent
    assert "GNU_RELRO" in header and "BIND_NOW" in dynamic
    assert re.search(r"GNU_STACK .* RW ", header)
    symbols = output("readelf", "--dyn-syms", "-W", program)
    assert "__stack_chk_fail" in symbols and "_chk@" in symbols
    assert "not stripped" not in output("file", program) if shutil.which("file") else True


def test_debugging_symbols_are_apart(packages):
    for name in ("tidblink", "tidblink-emulator"):
        files = output("dpkg-deb", "-c", deb(packages, f"{name}-dbgsym"))
        assert re.search(r"/usr/lib/debug/\.build-id/\w\w/\w+\.debug", files)


@pytest.mark.skipif(not LONG, reason="a second build takes a minute; scripts/test long has it")
def test_reproducible(packages, tmp_path):
    """The same tree in another folder, at another time, gives the same bytes."""
    again = package(tmp_path / "again")
    for first in packages.glob("*.deb"):
        assert first.read_bytes() == (again / first.name).read_bytes(), first.name
