# SPDX-License-Identifier: Apache-2.0
"""Puts what `tidblink --completion` prints into the completion script: make.py PROGRAM SCRIPT OUT."""

import subprocess
import sys
from pathlib import Path


def main(program, script, out):
    table = subprocess.run([program, "--completion"], check=True, stdout=subprocess.PIPE,
                           text=True).stdout.rstrip("\n")
    assert "'" not in table, "a quote in the table would end the shell's text"
    lines = Path(script).read_text().splitlines(keepends=True)
    mark = [i for i, line in enumerate(lines) if line == "_tidblink_table='@TABLE@'\n"]
    lines[mark[0]] = f"_tidblink_table='{table}'\n"
    Path(out).write_text("".join(lines))


if __name__ == "__main__":
    main(*sys.argv[1:])
