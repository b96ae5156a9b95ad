# SPDX-License-Identifier: Apache-2.0
"""Runs the harnesses in build-fuzz/ for a while; scripts/fuzz sets that up and calls it.

What libFuzzer prints goes to build-fuzz/HARNESS.log. Source: llvm.org/docs/LibFuzzer.html."""
import argparse
import os
import re
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
BUILD = ROOT / "build-fuzz"
HARNESSES = sorted(path.stem for path in (ROOT / "tests/fuzz").glob("fuzz_*.c"))
INPUT_MAX = 4096        # no packet or string of interest is longer
ONE_INPUT_SECONDS = 10  # a hang is a finding
EXTRA_SECONDS = 120     # a harness that overstays its time by so much is ended
STATUS = re.compile(r"^#(\d+)\s.*cov: (\d+)", re.MULTILINE)


def parse_arguments():
    parser = argparse.ArgumentParser(prog="scripts/fuzz")
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("harness", nargs="*", default=HARNESSES)
    arguments = parser.parse_args()
    for name in arguments.harness:
        if name not in HARNESSES:
            parser.error(f"no harness '{name}'; there are {', '.join(HARNESSES)}")
    return arguments


def build(harnesses):
    targets = [f"tests/fuzz/{name}" for name in harnesses]
    done = subprocess.run(["ninja", "-C", BUILD, "--quiet", *targets], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode != 0:
        print(done.stdout)
    return done.returncode == 0


def findings_of(harness):
    return set((BUILD / "findings").glob(f"{harness}-*"))


def fuzz(harness, seconds):
    """Returns the line of this harness, and the files that it has found."""
    kept, log = BUILD / "corpus" / harness, BUILD / f"{harness}.log"
    kept.mkdir(parents=True, exist_ok=True)
    before, started = findings_of(harness), time.monotonic()
    command = [BUILD / "tests/fuzz" / harness, kept, ROOT / "tests/fuzz/corpus" / harness,
               f"-max_total_time={seconds}", f"-max_len={INPUT_MAX}", f"-timeout={ONE_INPUT_SECONDS}",
               "-print_final_stats=1", f"-artifact_prefix={BUILD}/findings/{harness}-"]
    environment = {**os.environ, "PATH": f"{os.environ['PATH']}:/usr/lib/llvm-14/bin",
                   "UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1",
                   "ASAN_OPTIONS": "detect_stack_use_after_return=1"}
    with log.open("w") as output:
        try:
            code = subprocess.run(command, cwd=BUILD, env=environment, stdin=subprocess.DEVNULL,
                                  stdout=output, stderr=output, timeout=seconds + EXTRA_SECONDS,
                                  check=False).returncode
        except subprocess.TimeoutExpired:
            code = None
    found = sorted(findings_of(harness) - before)
    text = log.read_text(errors="replace")
    executions, coverage = (STATUS.findall(text) or [("0", "0")])[-1]
    line = (f"{harness}: {executions} executions, {coverage} places reached, "
            f"{time.monotonic() - started:.0f} s, {len(found)} findings")
    if code != 0 and not found:
        line += f", but it ended with code {code}: {log.relative_to(ROOT)}"
    return line, found, code == 0


def main():
    arguments = parse_arguments()
    (BUILD / "findings").mkdir(parents=True, exist_ok=True)
    if not build(arguments.harness):
        return 2
    fine = True
    with ThreadPoolExecutor(max(arguments.jobs, 1)) as pool:
        runs = pool.map(lambda name: fuzz(name, arguments.seconds), arguments.harness)
        for line, found, done in runs:
            print(line, flush=True)
            for path in found:
                print(f"    {path.relative_to(ROOT)}", flush=True)
            fine = fine and done and not found
    return 0 if fine else 1


if __name__ == "__main__":
    sys.exit(main())
