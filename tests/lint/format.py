# SPDX-License-Identifier: Apache-2.0
"""The tree is as clang-format 14 would write it. With --write: makes it so."""

import re
import shutil
import subprocess
import sys

import sources

MAJOR = "14"  # another version formats differently


def find():
    """The path of the right clang-format, or ends the program saying why there is none."""
    found = shutil.which(f"clang-format-{MAJOR}") or shutil.which("clang-format")
    if not found:
        sources.skip(f"clang-format {MAJOR} is not installed")
    version = subprocess.run([found, "--version"], check=True, stdout=subprocess.PIPE, text=True)
    if re.search(r"version (\d+)", version.stdout).group(1) != MAJOR:
        sources.skip(f"clang-format {MAJOR} is needed, found {version.stdout.strip()}")
    return found


def main():
    how = ["-i"] if sys.argv[1:] == ["--write"] else ["--dry-run", "-Werror"]
    command = [find(), *how, *map(str, sources.c_files())]
    sys.exit(subprocess.run(command, cwd=sources.ROOT, check=False).returncode)


if __name__ == "__main__":
    main()
