# SPDX-License-Identifier: Apache-2.0
"""Includes go one way only: app -> guide -> proxy -> {control, resolver} -> base,
app -> strings -> base, emulator -> base."""

import sources

MAY_INCLUDE = {
    "base": set(),
    "resolver": {"base"},
    "control": {"base"},
    "strings": {"base"},
    "proxy": {"base", "control", "resolver"},
    "guide": {"base", "control", "proxy", "resolver"},
    "app": {"base", "control", "guide", "proxy", "resolver", "strings"},
    "emulator": {"base"},
}


def check(path, text):
    folder = path.parts[0]
    for line, match in sources.matches(r'^\s*#\s*include\s*"([^"]+)"', text):
        target = match.group(1).split("/")[0]
        where = f"{path}:{line}: \"{match.group(1)}\""
        if target not in MAY_INCLUDE or "/" not in match.group(1):
            yield f"{where}: write the path from the root, as in \"base/err.h\""
        elif target != folder and target not in MAY_INCLUDE[folder]:
            allowed = ", ".join(sorted(MAY_INCLUDE[folder])) or "no other folder"
            yield f"{where}: {folder}/ may include {allowed}"


def main():
    findings = []
    for path in sources.c_files():
        if path.parts[0] in MAY_INCLUDE:
            findings += check(path, sources.read(path))
    sources.report(findings)


if __name__ == "__main__":
    main()
