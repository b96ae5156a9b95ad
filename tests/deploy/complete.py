# SPDX-License-Identifier: Apache-2.0
"""Asks a real bash what it would offer: complete("tidblink wait --for ")."""
import re
import shlex
import subprocess

# What readline makes of a line: words, with the characters of COMP_WORDBREAKS as words of their own.
BREAKS = re.compile(r"""[=:]+|(?:\\.|"[^"]*"|'[^']*'|[^\s=:])+""")


def words_of(line):
    words = BREAKS.findall(line)
    return words if line[-1] not in " " else [*words, ""]


def complete(script, line, environment=None, before=""):
    """The offers of `script`, a completion file, with the cursor at the end of the line."""
    words = words_of(line)
    program = "\n".join([
        before,
        f"source {shlex.quote(str(script))}",
        f"COMP_WORDS=({' '.join(map(shlex.quote, words))}) COMP_CWORD={len(words) - 1}",
        f"COMP_LINE={shlex.quote(line)} COMP_POINT={len(line)}",
        "_tidblink tidblink",
        r"printf '%s\n' ${COMPREPLY[@]+\"${COMPREPLY[@]}\"}".replace('\\"', '"'),
    ])
    done = subprocess.run(["bash", "--norc", "--noprofile", "-u", "-c", program], text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=30,
                          env={"PATH": "/usr/bin:/bin", "HOME": "/", **(environment or {})})
    errors = [line for line in done.stderr.splitlines() if "compopt" not in line]
    assert done.returncode == 0 and not errors, done.stderr
    return [offer for offer in done.stdout.splitlines() if offer]
