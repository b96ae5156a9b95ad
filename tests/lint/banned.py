# SPDX-License-Identifier: Apache-2.0
"""Functions that this tree does not call, and what to call instead."""

import sources

INSTEAD = {
    "strcpy strcat sprintf vsprintf gets": "snprintf, or struct buf",
    "strtok": "strsep",
    "atoi atol atoll atof strtol strtoll strtoul strtoull strtoimax strtoumax strtod strtof "
    "strtold": "parse_uint of base/cursor.h",
    "localtime gmtime ctime asctime": "the function of the same name with _r",
    "strerror": "err_sys, or err_errno_text",
    "getaddrinfo getnameinfo gethostbyname gethostbyaddr": "the resolver: these block",
    "sleep usleep nanosleep": "a timer of base/loop.h, or wait for the event itself",
    "system popen fork vfork": "child_start",
    "rand srand random srandom": "getrandom",
    "signal": "sigaction, or an event of the loop",
    "tmpnam mktemp tempnam": "mkstemp or mkdtemp",
}
# Where a function may be called: what others call instead, a thread that does nothing else, and
# hexadecimal that was checked before.
HOME = {"fork": {"base/child_spawn.c", "base/spawner_serve.c", "app/upgrade.c"},
        "getaddrinfo": {"proxy/jump_name.c"}, "strtoull": {"base/cursor.c"},
        "strtoul": {"tests/unit/readers_code.c"}}


def check(path, text):
    code = sources.code_only(text)
    for names, instead in INSTEAD.items():
        for line, match in sources.matches(rf"(?<![\w.>])({names.replace(' ', '|')})\s*\(", code):
            name = match.group(1)
            if path.as_posix() not in HOME.get(name, ()):
                yield f"{path}:{line}: {name}() is banned: use {instead}"


def main():
    findings = []
    for path in sources.c_files():
        findings += check(path, sources.read(path))
    sources.report(findings)


if __name__ == "__main__":
    main()
