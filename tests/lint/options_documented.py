# SPDX-License-Identifier: Apache-2.0
"""Every option of app/settings.c is in the README or the man page and in the sample configuration,
and the sample has no option that does not exist."""

import re

import sources

ROWS = "app/settings.c"
PAGES = ("README.md", "doc/tidblink.1.md")
SAMPLE = "doc/tidblink.conf"


def rows(text):
    """The names of the option rows: { "name", OPTION_TYPE, … }."""
    row = r'\{\s*(?:\.name\s*=\s*)?"([a-z0-9-]+)"\s*,\s*(?:\.type\s*=\s*)?OPTION_'
    return [match.group(1) for _, match in sources.matches(row, text)]


def is_named(name, text):
    return re.search(rf"(?<!\w)(?<!\w-){re.escape(name)}(?![\w-])", text) is not None


def sample_names(text):
    """The names that the sample sets, also in a comment."""
    return [match.group(1) for _, match in sources.matches(r"^#?\s*([a-z0-9-]+)\s*=", text)]


def check(names, pages, sample):
    if not names:
        yield f"{ROWS}: no option row found"
    in_sample = sample_names(sample)
    for name in names:
        if not is_named(name, pages):
            yield f"{name}: not in {' or '.join(PAGES)}"
        if name not in in_sample:
            yield f"{name}: not in {SAMPLE}; write \"# {name} = …\" with what it does"
    for name in in_sample:
        if name not in names:
            yield f"{SAMPLE}: {name} is no option of {ROWS}"


def main():
    missing = [path for path in (*PAGES, SAMPLE) if not (sources.ROOT / path).exists()]
    if missing:
        sources.report(f"{path} does not exist" for path in missing)
    pages = "".join(sources.read(path) for path in PAGES)
    sources.report(check(rows(sources.read(ROWS)), pages, sources.read(SAMPLE)))


if __name__ == "__main__":
    main()
