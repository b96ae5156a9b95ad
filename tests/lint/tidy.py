# SPDX-License-Identifier: Apache-2.0
"""clang-tidy over every source of a build: tidy.py BUILD [--no-paths]. What it had nothing to say about
is noted by a digest of all that it saw (the preprocessed source with its comments, the checks, the
program), and is not looked at again until that changes: its path analysis takes minutes over the whole
tree, and --no-paths leaves that away. The notes are in $XDG_CACHE_HOME/tidblink-tidy; without them everything is looked at."""

import hashlib
import json
import os
import shlex
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import sources

PROGRAMS = ("clang-tidy-14", "clang-tidy")
NOTES = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "tidblink-tidy"
# All others of .clang-tidy. Without those it would have -Werror, meant for gcc, about clang's warnings.
NO_PATHS = ["--checks=-clang-analyzer-*", "--extra-arg=-Wno-error"]
NOTE_DAYS = 30  # an older note is of a source that has changed since
# Of the compiler's options, those that say what to make and where.
OUTPUT_OPTIONS = {"-c": 0, "-MD": 0, "-MMD": 0, "-MQ": 1, "-MF": 1, "-o": 1}


def preprocess(entry):
    """What the compiler sees of a source, comments kept: some are meant for clang-tidy."""
    words, command = iter(shlex.split(entry["command"])), []
    for word in words:
        if word in OUTPUT_OPTIONS:
            for _ in range(OUTPUT_OPTIONS[word]):
                next(words)
        elif not word.startswith("-g"):
            command.append(word)
    found = subprocess.run([*command, "-E", "-CC"], cwd=entry["directory"], check=True,
                           capture_output=True)
    return " ".join(command).encode() + found.stdout


def check(command, common, entry, build):
    """True when there are no findings; prints them otherwise."""
    digest = hashlib.sha256(common + entry["file"].encode() + preprocess(entry)).hexdigest()
    note = NOTES / digest
    if note.exists():
        note.touch()
        return True
    source = Path(entry["directory"]) / entry["file"]
    done = subprocess.run([*command, "--quiet", "-p", build, source], capture_output=True, text=True,
                          check=False)
    if done.returncode != 0:
        print(done.stdout + done.stderr, flush=True)
        return False
    note.touch()
    return True


def forget_old():
    oldest = time.time() - NOTE_DAYS * 86400
    for note in NOTES.iterdir():
        if note.stat().st_mtime < oldest:
            note.unlink(missing_ok=True)


def main(build, options):
    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if not program:
        sys.exit("tidy: clang-tidy is not installed: scripts/deps test")
    NOTES.mkdir(parents=True, exist_ok=True)
    forget_old()
    version = subprocess.run([program, "--version"], capture_output=True, check=True).stdout
    common = version + (sources.ROOT / ".clang-tidy").read_bytes() + " ".join(options).encode()
    entries = json.loads((Path(build) / "compile_commands.json").read_text())
    # The same source may be compiled for several programs, once with each's options.
    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        clean = list(pool.map(lambda entry: check([program, *options], common, entry, build), entries))
    print(f"tidy: {clean.count(True)} of {len(clean)} sources are clean")
    sys.exit(0 if all(clean) else 1)


if __name__ == "__main__":
    main(sys.argv[1], NO_PATHS if "--no-paths" in sys.argv[2:] else [])
