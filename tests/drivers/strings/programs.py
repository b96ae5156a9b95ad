# SPDX-License-Identifier: Apache-2.0
"""What the runners share: where the lock files' packages are, how a program is written and run."""
import functools
import os
import shutil
import subprocess
from pathlib import Path

HERE = Path(__file__).resolve().parent
BUILT = HERE.parents[2] / "build-drivers"
OUT = BUILT / "strings"
SECONDS = 120
SETUP_SECONDS = 900  # another process of the suite may be at it, and has to be waited for
# What a program does that runs SQL of a file: the test looks into the table.
MIGRATION = f"""CREATE TABLE proof (one INT, size INT);
PREPARE length FROM 'INSERT INTO proof SELECT 1, LENGTH(?)';
SET @text = '{'x' * 65536}';
EXECUTE length USING @text;"""


@functools.cache
def setup(what):
    """None, or why what the lock file names could not be fetched."""
    done = subprocess.run([HERE / "setup", what], stdout=subprocess.PIPE, text=True,
                          timeout=SETUP_SECONDS)
    return None if done.returncode == 0 else f"setup {what}: {done.stdout.strip()[:200]}"


def missing(*programs):
    for program in programs:
        if not shutil.which(program):
            return f"no {program} in PATH"
    return None


def run_command(command, folder, env=None):
    done = subprocess.run(command, cwd=folder, env={**os.environ, **(env or {})}, timeout=SECONDS,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    return done.returncode, done.stdout.decode(), done.stderr.decode(errors="replace")


def write(folder, name, program):
    path = folder / name
    path.write_text(program + "\n", encoding="utf-8")
    return path


@functools.cache
def java_compiles():
    """Whether this Java runs a source file by itself: a JRE does not, and javac is Eclipse's then."""
    modules = subprocess.run(["java", "--list-modules"], stdout=subprocess.PIPE, text=True).stdout
    return "jdk.compiler" in modules


# A program of a second gains nothing from the optimizing compiler.
JAVA = ("java", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Dfile.encoding=UTF-8", "-cp")


def java_command(program, folder, class_path):
    """What runs a program's class Main. Compiles it first where Java itself cannot."""
    path = write(folder, "Main.java", program)
    if java_compiles():
        return [*JAVA, class_path, path]
    code, _, errors = run_command(["javac", "-proc:none", "-nowarn", "-encoding", "UTF-8", "-source",
                                   "11", "-target", "11", "-cp", class_path, "-d", folder, path],
                                  folder)
    assert code == 0, errors
    return [*JAVA, f"{folder}:{class_path}", "Main"]
