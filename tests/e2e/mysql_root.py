# SPDX-License-Identifier: Apache-2.0
"""The private root that scripts/fetch-mysql unpacks, and how to start a program that is in it.

Debian sid's programs need a newer C library than the host has, so each is started by the root's own
loader with the root's own libraries. Nothing of the root is installed."""
from pathlib import Path

PLACE = Path(__file__).resolve().parents[2] / "build-mysql"


def mysql_root():
    """The root, or None when there is none."""
    return PLACE if (PLACE / "unpacked").exists() else None


def why_missing():
    """Why tests with MySQL are skipped, or None when they need not be."""
    if mysql_root():
        return None
    return ("MySQL 9.7 is not unpacked: scripts/fetch-mysql was not run or could not reach "
            "Debian sid")


def root_command(program, root=None):
    """The start of a command line for a program of the root: "usr/bin/mysqladmin"."""
    root = root or mysql_root()
    if not root:
        raise FileNotFoundError(why_missing())
    [loader] = root.glob("usr/lib/*/ld-linux*.so.*")  # the folder and the name tell the machine
    libraries = [loader.parent, root / "usr/lib/mysql-router", root / "usr/lib/mysqlrouter/plugin"]
    return [str(loader), "--library-path", ":".join(map(str, libraries)), str(root / program)]


def mysql_client(program="mysql", defaults="--no-defaults"):
    """The start of a command line for MySQL's own client, or another one of usr/bin. `defaults`:
    "--defaults-file=…" to read options from there; it must be the first argument."""
    plugins = mysql_root() and mysql_root() / "usr/lib/mysql/plugin"
    return [*root_command(f"usr/bin/{program}"), defaults, f"--plugin-dir={plugins}"]
