# SPDX-License-Identifier: Apache-2.0
"""The manual pages: made from Markdown, without a warning of the programs that show them, and whole."""
import re
import subprocess

import pytest

from built import ROOT, built

PAGES = ("tidblink", "tidblink-emulator")


def shown(page):
    """As plain text, wide enough that no line is broken."""
    return subprocess.run(["groff", "-man", "-Tutf8", "-P-cbou", "-rLL=9999n", "-rHY=0", page],
                          check=True, text=True, stdout=subprocess.PIPE, timeout=60).stdout


def made(name):
    return built(f"doc/{name}.1")


@pytest.mark.parametrize("name", PAGES)
def test_mandoc_has_nothing_to_say(name):
    said = subprocess.run(["mandoc", "-T", "lint", "-W", "warning", made(name)], text=True,
                          stdout=subprocess.PIPE, timeout=60).stdout.splitlines()
    # The page is as old as the program, whose version is in its foot.
    assert [line for line in said if "missing date" not in line] == []


@pytest.mark.parametrize("name", PAGES)
def test_groff_has_nothing_to_say(name):
    done = subprocess.run(["groff", "-man", "-ww", "-Tutf8", "-z", made(name)], text=True,
                          stderr=subprocess.PIPE, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("name", PAGES)
def test_apropos_finds_it(name):
    done = subprocess.run(["lexgrog", made(name)], text=True, stdout=subprocess.PIPE, timeout=60)
    assert done.stdout.startswith(f'{made(name)}: "{name} - '), done.stdout


@pytest.mark.parametrize("name", PAGES)
def test_nothing_is_lost_or_left_over(name):
    """Every word of the Markdown is there, and no sign of Markdown's."""
    source = (ROOT / f"doc/{name}.1.md").read_text()
    source = re.sub(r"(?m)^(#+ |: |- )|\*\*|`|\\(?=\[)|(?<=\s)\*|\*(?=[\s:,])", "", source)
    text = " ".join(shown(made(name)).split())
    words = [word for word in source.split()[1:] if word.isascii()]
    at = 0
    for word in words:
        found = text.find(word, at)
        assert 0 <= found - at < 60, f"{word!r} is not behind {text[max(0, at - 60):at]!r}"
        at = found + len(word)
    assert "⟨" not in text and "**" not in text


def test_the_version_is_in_its_foot():
    version = subprocess.run([built("app/tidblink"), "--version"], check=True, text=True,
                             stdout=subprocess.PIPE, timeout=30).stdout.split()[1]
    assert f"tidblink {version}" in shown(made("tidblink")).rstrip().splitlines()[-1]
