# SPDX-License-Identifier: Apache-2.0
"""The last known state survives kill -9 at any moment: the file always reads back, whole."""
import random
import subprocess
import time

from built import built

KILLS = 100


def read_back(directory):
    done = subprocess.run([built("tests/unit/write_states"), "read", directory],
                          capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    number, whole = done.stdout.split()
    assert whole == "whole"
    return int(number)


def test_kill_at_random_moments(tmp_path):
    dice = random.Random(4711)
    numbers = []
    for _ in range(KILLS):
        with subprocess.Popen([built("tests/unit/write_states"), tmp_path],
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as writer:
            assert writer.stdout.readline() == "writing\n", writer.stderr.read()
            time.sleep(dice.uniform(0, 0.02))  # the random moment
            writer.kill()
        numbers.append(read_back(tmp_path))
    assert max(numbers) > 1, "killed before the second write each time: nothing was tested"
    # What the killed ones left behind is swept by age; it never is the file itself.
    assert (tmp_path / "state.json").is_file()


def test_full_disk_keeps_the_old_file(tmp_path):
    """RLIMIT_FSIZE stands in for a full disk: the write fails in the middle."""
    with subprocess.Popen([built("tests/unit/write_states"), tmp_path],
                          stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout.readline() == "writing\n"
        writer.kill()
    for leftover in tmp_path.glob("*.new"):
        leftover.unlink()
    before = read_back(tmp_path)
    limited = subprocess.run(
        ["/usr/bin/prlimit", "--fsize=200", "/usr/bin/env", "--ignore-signal=XFSZ",
         built("tests/unit/write_states"), tmp_path],
        capture_output=True, text=True, timeout=30, check=False)
    assert limited.returncode == 1
    assert "cannot write" in limited.stderr and "File too large" in limited.stderr
    assert read_back(tmp_path) == before
    assert not list(tmp_path.glob("*.new"))
