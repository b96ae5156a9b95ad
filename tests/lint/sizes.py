# SPDX-License-Identifier: Apache-2.0
"""A file has at most 500 lines and a function at most 70."""

import json
import shutil
import subprocess

import sources

FILE_LINES = 500
FUNCTION_LINES = 70


def check_file(path, text):
    lines = text.count("\n")
    if lines > FILE_LINES:
        yield f"{path}: {lines} lines: split it, {FILE_LINES} are the limit"


def functions(ctags, paths):
    """The functions of C files as universal-ctags sees them."""
    output = subprocess.run(
        [ctags, "--output-format=json", "--fields=+ne", "--kinds-C=f", "--languages=C",
         "--langmap=C:+.h", "-f", "-", *map(str, paths)],
        cwd=sources.ROOT, check=True, stdout=subprocess.PIPE, text=True,
    ).stdout
    return [json.loads(line) for line in output.splitlines()]


def check_function(function):
    lines = function["end"] - function["line"] + 1
    if lines > FUNCTION_LINES:
        yield (f"{function['path']}:{function['line']}: {function['name']} has {lines} lines: "
               f"split it, {FUNCTION_LINES} are the limit")


def main():
    findings = []
    for path in sources.tree():
        if path.suffix in (".c", ".h", ".py"):
            findings += check_file(path, sources.read(path))
    ctags = shutil.which("ctags-universal")
    if not ctags and not findings:
        sources.skip("universal-ctags is not installed, so no function was measured")
    for function in functions(ctags, sources.c_files()) if ctags else ():
        findings += check_function(function)
    sources.report(findings)


if __name__ == "__main__":
    main()
