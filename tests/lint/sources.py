# SPDX-License-Identifier: Apache-2.0
"""What the lint tests share: the files of the tree, C without its comments and texts, the report."""

import os
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
SKIPPED = 77  # what meson counts as skipped

# The folders of the program, in the order in which they are linked.
FOLDERS = ("base", "resolver", "control", "strings", "proxy", "guide", "app", "emulator")

_NOISE = re.compile(
    r"""//[^\n]* | /\*.*?\*/ | "(?:\\.|[^"\\\n])*" | '(?:\\.|[^'\\\n])*'""", re.VERBOSE | re.DOTALL
)


def tree():
    """Every file of the project, by its path from the root; nothing that a tool made."""
    found = []
    for folder, below, names in os.walk(ROOT):
        here = Path(folder).relative_to(ROOT)
        below[:] = [
            name
            for name in below
            if name not in (".git", "__pycache__", ".pytest_cache", "node_modules")
            and not (here == Path(".") and name.startswith("build"))
        ]
        found += [here / name for name in names if name != ".git"]
    return sorted(found)


def c_files():
    return [path for path in tree() if path.suffix in (".c", ".h")]


def read(path):
    """The text of a file, or None if it is not text."""
    try:
        return (ROOT / path).read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return None


def code_only(text):
    """C without comments and literals; every line keeps its number."""
    return _NOISE.sub(lambda noise: " " + "\n" * noise.group().count("\n"), text)


def matches(pattern, text):
    """(line number, match) of everything that matches."""
    for match in re.finditer(pattern, text, re.MULTILINE):
        yield text.count("\n", 0, match.start()) + 1, match


def report(findings):
    """Ends the program: 0 without findings, 1 with them."""
    findings = list(findings)
    for finding in findings:
        print(finding)
    sys.exit(1 if findings else 0)


def skip(reason):
    print(f"skipped: {reason}")
    sys.exit(SKIPPED)
