# SPDX-License-Identifier: Apache-2.0
"""Every option is in the README or the man page; those of the configuration are in the sample too,
and the sample has no option that does not exist."""

import re

import sources

ROWS = "app/settings_rows.c"  # of the configuration
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


def unsaid(names, pages):
    for name in names:
        if not is_named(name, pages):
            yield f"{name}: not in {' or '.join(PAGES)}"


def check(names, pages, sample):
    if not names:
        yield f"{ROWS}: no option row found"
    yield from unsaid(names, pages)
    in_sample = sample_names(sample)
    for name in names:
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
    # The rows of the other files are of the command line alone.
    others = [path for path in sources.c_files() if path.parts[0] == "app" and str(path) != ROWS]
    flags = {name for path in others for name in rows(sources.read(path))}
    sources.report([
        *check(rows(sources.read(ROWS)), pages, sources.read(SAMPLE)),
        *unsaid(sorted(flags), pages)])


if __name__ == "__main__":
    main()
