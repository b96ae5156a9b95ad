# SPDX-License-Identifier: Apache-2.0
"""debian/ by what else the tree says: dependencies and version are declared twice."""
import re
import subprocess

from built import ROOT

# In every build of Debian's, or said otherwise there: debhelper brings the last two.
BUILD_ESSENTIAL = {"gcc", "libc6-dev", "ninja-build", "ccache"}


def test_build_dependencies():
    """Those of scripts/deps, which the build on every machine is with."""
    listed = subprocess.run([ROOT / "scripts/deps", "--list", "build"], check=True, text=True,
                            stdout=subprocess.PIPE, timeout=30).stdout.split()
    control = (ROOT / "debian/control").read_text()
    depends = re.search(r"(?m)^Build-Depends: ((?:.|\n )*)", control)[1]
    names = {word.split()[0] for word in depends.replace("\n", " ").split(",") if word.strip()}
    assert set(listed) - BUILD_ESSENTIAL <= names


def test_version():
    version = re.search(r"version: '([^']+)'", (ROOT / "meson.build").read_text())[1]
    packaged = re.match(r"tidblink \(([^)]+)\)", (ROOT / "debian/changelog").read_text())[1]
    assert packaged == version or packaged.startswith(f"{version}~")
    changes = (ROOT / "CHANGES.md").read_text()
    assert f"\n## {version}" in changes
    # "~" sorts before the release, which is out when CHANGES.md says so.
    assert ("(not released)" in changes) == ("~" in packaged)
