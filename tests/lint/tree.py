# SPDX-License-Identifier: Apache-2.0
"""Nothing of a developer's machine is in the tree, and every text file is clean."""

import re

import sources

# (what, why). Written so that no pattern matches its own text.
FORBIDDEN = (
    (r"(?<![\w.}])/(?:work|root|home/\w+)/", "a path of somebody's machine"),
    (
        r"pypi\.org|pythonhosted\.org|npmjs\.(?:org|com)|yarnpkg\.com|crates\.io|"
        r"proxy\.golang\.org|sum\.golang\.org|maven\.org|maven\.apache\.org|rubygems\.org|"
        r"(?:deb|security|snapshot)\.debian\.org|(?:archive|ports)\.ubuntu\.com",
        "the host name of a package registry",
    ),
    (r"[ \t]+$", "blanks at the end of the line"),
    (r"\r", "a carriage return"),
    (r"^(?:<{7}|>{7}|={7}$)", "a merge conflict"),
)
VERBATIM = (".swagger.json", "LICENSE")  # as its authors published it
LICENCE = "// SPDX-License-Identifier: Apache-2.0\n"


def check(path, text):
    for pattern, what in FORBIDDEN:
        for line, match in sources.matches(pattern, text):
            yield f"{path}:{line}: {what}: {match.group()!r}"
    if text and not text.endswith("\n"):
        yield f"{path}: the last line has no end"
    if path.suffix in (".c", ".h") and not text.startswith(LICENCE):
        yield f"{path}:1: the first line is not {LICENCE.strip()!r}"
    if path.suffix in (".c", ".h") and re.search(r"\t", text):
        yield f"{path}: a tab"


def main():
    findings = []
    for path in sources.tree():
        text = sources.read(path)
        if text is not None and not path.name.endswith(VERBATIM):
            findings += check(path, text)
    sources.report(findings)


if __name__ == "__main__":
    main()
