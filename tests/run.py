# SPDX-License-Identifier: Apache-2.0
"""Builds with sanitizers, runs the suites named as arguments, counts. scripts/test calls it.

Every step has a time limit, reads nothing from stdin, and counts as one failure when it breaks, so
that the last line is true whatever happens."""
import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BUILD, TSAN_BUILD = ROOT / "build-test", ROOT / "build-tsan"
PORTABLE_BUILD = ROOT / "build-portable"
SETUP = {BUILD: ["-Db_sanitize=address,undefined"], TSAN_BUILD: ["-Db_sanitize=thread"],
         PORTABLE_BUILD: ["-Dportable=true", "-Db_sanitize=address,undefined"]}
CLIENTS = "clients"  # not a part to ask for: it fetches what the catalogue's strings are tried with
OTHER_BUILDS = {CLIENTS, "tsan", "portable", "portable-short", "package"}  # parts that do not need BUILD
MESON_SUITES = ("unit", "fuzz", "loop", "lint")
# A build from nothing takes a minute or two on 2 cores; the limits are for what hangs.
BUILD_SECONDS, MESON_SECONDS, PYTEST_SECONDS, TIDY_SECONDS = 900, 300, 1200, 1800
CLIENTS_SECONDS = 1200
LONG_SECONDS = 3000
LONG_TESTS = {"long": ["tests/e2e/test_churn.py", "tests/e2e/test_ends.py",
                       "tests/e2e/test_relay_whole.py", "tests/e2e/test_setup_kill.py",
                       "tests/e2e/test_slow_ends.py", "tests/e2e/test_sysbench.py",
                       "tests/e2e/test_wake.py", "tests/package"],
              "strings": ["tests/drivers/strings"]}
# What differs most from Linux's own way, on real traffic and with real children.
PORTABLE_TESTS = ["tests/e2e/test_path.py", "tests/e2e/test_connect.py",
                  "tests/e2e/test_connect_command.py", "tests/e2e/test_bad_machine.py"]
# Most tests wait for something most of the time. A file's tests stay in one process, in order.
PARALLEL = {"e2e": ["-n", "4", "--dist", "loadfile"], "drivers": ["-n", "3", "--dist", "load"],
            "browser": ["-n", "2", "--dist", "loadfile"],
            "strings": ["-n", "3", "--dist", "load"]}
# What computes all the time, and what is short, goes on beside the long ones at a low priority.
BESIDE = {"tidy", "tidy-short", "tsan", "portable-short", "package", "browser", "deploy"}
BESIDE_SECONDS = 3000
STOP_SECONDS = 30

# A shell's background job ignores it, and so would all that is started here and stopped by it.
signal.signal(signal.SIGINT, signal.default_int_handler)
if os.environ.get("CI") == "true":
    for options in SETUP.values():
        options.append("-Dwerror=true")  # not in meson.build: other compilers warn of other things
os.environ.setdefault("ASAN_OPTIONS", "detect_leaks=1:detect_stack_use_after_return=1")
os.environ.setdefault("UBSAN_OPTIONS", "halt_on_error=1:print_stacktrace=1")
os.environ.setdefault("TSAN_OPTIONS", "halt_on_error=1")
os.environ.setdefault("CCACHE_NOHASHDIR", "1")  # the same source in another clone is the same
os.environ["TIDBLINK_BUILD"] = BUILD.name


class Count:
    """What came out. Names are kept, so that the end of the output says all that matters."""

    def __init__(self):
        self.passed = 0
        self.failed = []
        self.skipped = []  # (name, reason)

    def add(self, other, prefix):
        self.passed += other.passed
        self.failed += [f"{prefix} {name}" for name in other.failed]
        self.skipped += [(f"{prefix} {name}", reason) for name, reason in other.skipped]

    def report(self):
        for reason in dict.fromkeys(reason for _, reason in self.skipped):
            print(f"SKIPPED, because {reason}")
            for name in (name for name, why in self.skipped if why == reason):
                print(f"    {name}")
        for name in self.failed:
            print(f"FAILED {name}")
        print(f"{self.passed} passed, {len(self.failed)} failed, {len(self.skipped)} skipped")
        return 1 if self.failed else 0


def run(command, seconds):
    """Returns the exit code, or None when the time was up. Ends what it started."""
    print(f"scripts/test: {' '.join(map(str, command))}", flush=True)
    process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.DEVNULL, start_new_session=True)
    try:
        return process.wait(seconds)
    except subprocess.TimeoutExpired:
        print(f"scripts/test: not done after {seconds} s", flush=True)
        stop(process)
        return None
    except KeyboardInterrupt:
        stop(process)
        raise


def stop(process):
    """meson and pytest report and clean up when they are interrupted; then nothing may be left."""
    process.send_signal(signal.SIGINT)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(STOP_SECONDS)
    with contextlib.suppress(ProcessLookupError):  # there is nothing left
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def build(directory, count):
    """Sets up again when the options differ from the last time, then compiles."""
    stamp = directory / "scripts-test-options"
    options = " ".join(SETUP[directory])
    if not stamp.exists() or stamp.read_text() != options:
        shutil.rmtree(directory, ignore_errors=True)
        if run(["meson", "setup", directory.name, *SETUP[directory]], BUILD_SECONDS) != 0:
            count.failed.append("build: meson setup (above)")
            return False
        stamp.write_text(options)
    if run(["ninja", "-C", directory.name, "--quiet"], BUILD_SECONDS) != 0:
        count.failed.append("build: ninja (above)")
        return False
    return True


def count_cmocka(test, count):
    """A cmocka program is counted by its cases; any other test is one case."""
    name, output = test["name"], test.get("stdout", "") + test.get("stderr", "")
    started = re.findall(r"^\[ RUN      \] (\w+)$", output, re.MULTILINE)
    good = re.findall(r"^\[       OK \] (\w+)$", output, re.MULTILINE)
    # What a case prints before skip() is its reason.
    skipped = re.findall(
        r"^\[ RUN      \] (\w+)\n([^\[]*)^\[  SKIPPED \] \1$", output, re.MULTILINE)
    bad = sorted(set(started) - set(good) - {case for case, _ in skipped})
    fine = test["result"] in ("OK", "EXPECTEDFAIL", "SKIP")
    if not started and test["result"] == "SKIP":
        skipped = [("", output)]
    elif not started and fine:
        count.passed += 1
    count.passed += len(good)
    count.skipped += [(f"{name} {case}".strip(), reason.strip() or "it gives no reason")
                      for case, reason in skipped]
    count.failed += [f"{name} {case}" for case in bad]
    if not fine and not bad:
        # A leak, a crash or a timeout, which no single case has.
        count.failed.append(f"{name}: {test['result']}")
    if not fine or bad:
        print(f"---- {name}: {test['result']}\n{output}----", flush=True)


def run_meson(directory, suites, count):
    log = directory / "meson-logs" / "testlog.json"
    for suite in suites:
        log.unlink(missing_ok=True)
        code = run(["meson", "test", "-C", directory.name, "--no-rebuild", "--suite", suite],
                   MESON_SECONDS)
        before = len(count.failed)
        tests = [json.loads(line) for line in log.open()] if log.exists() else []
        for test in tests:
            count_cmocka(test, count)
        if code == 0 and not tests:
            count.skipped.append((suite, "there is no such test yet"))
        elif code != 0 and len(count.failed) == before:
            count.failed.append(f"{suite}: meson test (above)")


class Beside:
    """Other parts, by another one of these programs; what it printed is shown when it is done."""

    def __init__(self, parts, niceness):
        self.process = None
        self.folder = tempfile.TemporaryDirectory()
        self.output, self.counted = (Path(self.folder.name) / name for name in ("output", "counted"))
        command = ["nice", "-n", str(niceness), sys.executable, __file__, "--count", self.counted, *parts]
        if parts:
            print(f"scripts/test: {' '.join(parts)}: beside what follows", flush=True)
            self.process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.DEVNULL,
                                            stdout=self.output.open("w"), stderr=subprocess.STDOUT,
                                            start_new_session=True)

    def __enter__(self):
        return self

    def __exit__(self, *failure):
        if self.process and self.process.poll() is None:
            stop(self.process)
        self.folder.cleanup()

    def wait(self, count):
        if not self.process:
            return
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(BESIDE_SECONDS)
        print(self.output.read_text(errors="replace"), end="", flush=True)
        try:
            passed, failed, skipped = json.loads(self.counted.read_text())
        except (FileNotFoundError, ValueError):
            count.failed.append("the parts beside the others were not done (above)")
            return
        count.passed += passed
        count.failed += failed
        count.skipped += map(tuple, skipped)


def run_tidy(is_short, count):
    """clang-tidy over every source; what it finds is above, and is one failure."""
    target = "tidy-short" if is_short else "tidy"
    code = run(["ninja", "-C", BUILD.name, target], TIDY_SECONDS)
    if code == 0:
        count.passed += 1
    else:
        count.failed.append("tidy: clang-tidy has findings, or was not done (above)")


def run_pytest(suite, count, files=None, seconds=PYTEST_SECONDS):
    """`files`: not all of the suite's; each of their tests may then take as long as all together."""
    results = ROOT / os.environ["TIDBLINK_BUILD"] / f"pytest-{suite}.xml"
    results.parent.mkdir(exist_ok=True)
    results.unlink(missing_ok=True)
    code = run([sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider",
                "--junitxml", str(results), *PARALLEL.get(suite, []),
                *(["-o", f"faulthandler_timeout={seconds}", *files] if files
                  else [f"tests/{suite}"])], seconds)
    before = len(count.failed)
    try:
        cases = list(ElementTree.parse(results).iter("testcase"))
    except (FileNotFoundError, ElementTree.ParseError) as error:
        count.failed.append(f"{suite}: no results from pytest: {error}")
        return
    for case in cases:
        if case.get("name") is None:
            continue  # it was running when the time was up
        name = f"{case.get('classname')}::{case.get('name')}".strip(":")
        skip = case.find("skipped")
        if case.find("failure") is not None or case.find("error") is not None:
            count.failed.append(name)
        elif skip is not None:
            count.skipped.append((name, skip.get("message")))
        else:
            count.passed += 1
    if code is None:
        count.failed.append(f"{suite}: not done after {seconds} s, in the tests named above")
    elif code != 0 and len(count.failed) == before:
        count.failed.append(f"{suite}: pytest ended with code {code} (above)")


def run_portable(is_short, count):
    """The suites with the programs that use POSIX alone."""
    part = Count()
    os.environ["TIDBLINK_BUILD"] = PORTABLE_BUILD.name
    if build(PORTABLE_BUILD, part):
        run_meson(PORTABLE_BUILD, ("unit", "loop") if is_short else MESON_SUITES, part)
        run_pytest("e2e", part, PORTABLE_TESTS if is_short else None)
    os.environ["TIDBLINK_BUILD"] = BUILD.name
    count.add(part, "portable:")


def run_parts(parts, count):
    if parts[0] == CLIENTS:
        run(["tests/drivers/setup", "strings"], CLIENTS_SECONDS)  # what is missing is skipped by name
    waits = set(parts) & {"e2e", "drivers"}
    beside = [part for part in parts if waits and part in BESIDE]
    if set(parts) - OTHER_BUILDS and build(BUILD, count):
        run_meson(BUILD, [part for part in MESON_SUITES if part in parts], count)
        with Beside([CLIENTS] * bool(waits), 0) as clients, Beside(beside, 10) as other:
            for suite in ("e2e", "drivers"):
                if suite in parts:
                    run_pytest(suite, count)
            clients.wait(count)
            other.wait(count)
        for suite in ("browser", "deploy"):
            if suite in parts and suite not in beside:
                run_pytest(suite, count)
        if set(parts) & {"tidy", "tidy-short"} - {*beside}:
            run_tidy("tidy" not in parts, count)
        for suite, files in LONG_TESTS.items():
            if suite in parts:
                os.environ["TIDBLINK_LONG"] = "1"  # read by tests/e2e/scenes.py
                run_pytest(suite, count, files, LONG_SECONDS)
    if "tsan" in parts and "tsan" not in beside and build(TSAN_BUILD, count):
        run_meson(TSAN_BUILD, ["loop"], count)
    if set(parts) & {"portable", "portable-short"} - {*beside}:
        run_portable("portable" not in parts, count)
    if "package" in parts and "package" not in beside:
        run_pytest("package", count, ["tests/package"])


def main(parts):
    count = Count()
    if parts[0] != "--count":
        run_parts(parts, count)
        return count.report()
    run_parts(parts[2:], count)
    Path(parts[1]).write_text(json.dumps([count.passed, count.failed, count.skipped]))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
