# SPDX-License-Identifier: Apache-2.0
"""Where the programs under test are: built("app/tidblink")."""
import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def built(program):
    """scripts/test says which build directory by TIDBLINK_BUILD; by hand it is ./build."""
    path = ROOT / os.environ.get("TIDBLINK_BUILD", "build") / program
    assert path.exists(), f"{path} is not built: run ninja, or set TIDBLINK_BUILD"
    return path
