# SPDX-License-Identifier: Apache-2.0
"""The systemd units by systemd's own tools, which need no systemd that runs."""
import shutil
import subprocess

import pytest

from built import ROOT, built
from tools import seconds_of

UNITS = ROOT / "deploy/systemd"
EXPOSURE = 20  # tenths; what `systemd-analyze security` calls exposure is below 2.0

pytestmark = pytest.mark.skipif(not shutil.which("systemd-analyze"),
                                reason="there is no systemd-analyze (package systemd)")


def analyze(*words):
    done = subprocess.run(["systemd-analyze", *map(str, words)], text=True, timeout=60,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return done.returncode, done.stdout


@pytest.fixture
def units(tmp_path):
    """The units with the program that was built in the place of the one that is installed."""
    for unit in UNITS.glob("tidblink.*"):
        if unit.is_file():
            text = unit.read_text().replace("/usr/bin/tidblink", str(built("app/tidblink")))
            (tmp_path / unit.name).write_text(text)
    return tmp_path


def with_drop_in(units, drop_in):
    folder = units / "tidblink.service.d"
    folder.mkdir()
    shutil.copy(drop_in, folder)


def verify(units):
    return analyze("verify", "--man=no", *(path for path in units.iterdir() if path.is_file()))


def systemd_version():
    return int(analyze("--version")[1].split()[1])


@pytest.mark.parametrize("drop_in", [None, *sorted(UNITS.glob("examples/*.conf"))],
                         ids=lambda path: path.name if path else "alone")
def test_verified(units, drop_in):
    if drop_in and "notify-reload" in drop_in.name and systemd_version() < 253:
        pytest.skip("systemd is older than 253, which brought Type=notify-reload")
    if drop_in:
        with_drop_in(units, drop_in)
    # It says what it does not like and ends with 0 all the same.
    assert verify(units) == (0, "")


def test_a_program_without_memory_does_not_end_the_service(units):
    """systemd stops the whole unit by default when one of its processes was killed so."""
    assert "\nOOMPolicy=continue\n" in (units / "tidblink.service").read_text()


def test_what_verify_would_say(units):
    unit = units / "tidblink.service"
    unit.write_text(unit.read_text().replace("PrivateTmp=", "PrivateTemp="))
    assert "Unknown key" in verify(units)[1]


def security(unit, threshold):
    return analyze("security", "--no-pager", "--offline=true", f"--threshold={threshold}", unit)


def test_exposure(units):
    code, said = security(units / "tidblink.service", EXPOSURE - 1)
    assert code == 0, said


def test_exposure_would_be_noticed(units):
    unit = units / "tidblink.service"
    unit.write_text(unit.read_text().replace("SystemCallFilter=", "#"))
    assert security(unit, EXPOSURE - 1)[0] != 0


def options_of(path):
    return {line.split("=", 1)[0]: line.split("=", 1)[1] for line in path.read_text().splitlines()
            if "=" in line and not line.startswith("#")}


def test_the_stop_has_time(units):
    """systemd must not kill what still drains: tidblink's own defaults, and some room."""
    defaults = options_of_sample()
    drain_s = seconds_of(defaults["drain-delay"]) + seconds_of(defaults["drain-timeout"])
    assert seconds_of(options_of(units / "tidblink.service")["TimeoutStopSec"]) >= drain_s + 10


def options_of_sample():
    lines = (ROOT / "doc/tidblink.conf").read_text().splitlines()
    return dict(line.lstrip("# ").split(" = ", 1) for line in lines if " = " in line)
