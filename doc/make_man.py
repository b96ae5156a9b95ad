# SPDX-License-Identifier: Apache-2.0
"""The manual pages from their Markdown: make_man.py GO-MD2MAN PAGE.md OUT VERSION.

go-md2man(1) does the work. What is around it here: no brackets that become links, and no underscores
that become emphasis, neither of which these pages have; the title line with the version, fixed-width as
bold (man(7) has no such font; mandoc complains), and no paragraph right behind a heading."""

import re
import subprocess
import sys
from pathlib import Path


def plain(line):
    """Brackets and underscores outside of code are what they are."""
    if line.startswith("    "):
        return line
    parts = line.split("`")
    parts[::2] = (re.sub(r"(?<!\\)[\[_]", r"\\\g<0>", part) for part in parts[::2])
    return "`".join(parts)


def main(go_md2man, page, out, version):
    title = re.match(r"# ([A-Z-]+)\((\d)\)\n", text := Path(page).read_text())
    name, section = title.groups()
    body = "\n".join(map(plain, text[title.end():].split("\n")))
    roff = subprocess.run([go_md2man], input=body, check=True, text=True,
                          stdout=subprocess.PIPE).stdout
    roff = re.sub(r"(?m)^(\.S[HS] .*)\n\.PP$", r"\1", roff.replace(r"\fC", r"\fB"))
    roff = re.sub(r"(?m)\A\.nh\n(\.TH.*\n)?", "", roff)
    Path(out).write_text(f'.nh\n.TH {name} {section} "" "tidblink {version}" "User Commands"\n{roff}')


if __name__ == "__main__":
    main(*sys.argv[1:])
