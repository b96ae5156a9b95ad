# SPDX-License-Identifier: Apache-2.0
"""How the example program of each client is run as it is printed, and why it cannot be.

    runner = RUNNERS["pymysql"]
    runner.why_not()                    # None, or why its tests are skipped
    runner.run(program, folder)         # (exit code, standard output, standard error)"""
import functools
import os
import shutil
import subprocess
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).resolve().parent
BUILT = HERE.parents[2] / "build-drivers"
OUT = BUILT / "strings"
SECONDS = 120
SETUP_SECONDS = 450
MARIADB_JAR = "/usr/share/java/mariadb-java-client.jar"
MYSQL_JAR = str(BUILT / "jars/mysql-connector-j-9.7.0.jar")  # tests/drivers/setup fetches it
JNA = "/usr/share/java/jna.jar:/usr/share/java/jna-platform.jar"


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


class Python(NamedTuple):
    needs: str = "python"

    def why_not(self):
        return setup("python") or (setup("built") if self.needs == "built" else None)

    def run(self, program, folder, env=None):
        path = write(folder, "main.py", program)
        return run_command(["/usr/bin/python3", "-W", "error::SyntaxWarning", path], folder,
                           {**(env or {}), "PYTHONPATH": str(OUT / "python")})


class Node(NamedTuple):
    def why_not(self):
        return missing("node", "npm") or setup("node")

    def run(self, program, folder, env=None):
        path = write(folder, "main.cjs", program)
        link = folder / "node_modules"
        if not link.exists():
            link.symlink_to(OUT / "node/node_modules")
        return run_command(["node", path], folder, env)


class Go(NamedTuple):
    def why_not(self):
        return missing("go") or setup("go")

    def run(self, program, folder, env=None):
        write(folder, "main.go", program)
        for name in ("go.mod", "go.sum"):
            shutil.copy(HERE / "go" / name, folder)
        code, out, errors = run_command(
            ["go", "build", "-mod=mod", "-buildvcs=false", "-o", "main", "."], folder)
        return (code, out, errors) if code else run_command([folder / "main"], folder, env)


class C(NamedTuple):
    def why_not(self):
        return missing("gcc", "mariadb_config")

    def run(self, program, folder, env=None):
        path = write(folder, "main.c", program)
        flags = subprocess.check_output(["mariadb_config", "--cflags", "--libs"], text=True).split()
        code, out, errors = run_command(
            ["gcc", "-Wall", "-Werror", "-o", "main", path, *flags], folder)
        return (code, out, errors) if code else run_command([folder / "main"], folder, env)


class Java(NamedTuple):
    """One driver in the class path: MariaDB's takes MySQL's URLs as well, and reads them otherwise."""
    jar: str

    def why_not(self):
        return missing("java") or (None if Path(self.jar).exists() else f"no {self.jar}")

    def run(self, program, folder, env=None):
        path = write(folder, "Main.java", program)
        options = ["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Dfile.encoding=UTF-8"]
        return run_command(["java", *options, "-cp", f"{self.jar}:{JNA}", path], folder, env)


RUNNERS = {
    "pymysql": Python(),
    "mysqlclient": Python("built"),
    "mysql-connector-python": Python(),
    "aiomysql": Python(),
    "asyncmy": Python(),
    "sqlalchemy-pymysql": Python(),
    "sqlalchemy-mysqlclient": Python("built"),
    "sqlalchemy-connector": Python(),
    "django": Python("built"),
    "peewee": Python(),
    "tortoise": Python(),
    "mysql2": Node(),
    "mysql2-url": Node(),
    "mysqljs": Node(),
    "mariadb-node": Node(),
    "drizzle": Node(),
    "typeorm": Node(),
    "sequelize": Node(),
    "knex": Node(),
    "kysely": Node(),
    "mikroorm": Node(),
    "go": Go(),
    "gorm": Go(),
    "ent": Go(),
    "bun-go": Go(),
    "xorm": Go(),
    "mariadb-c": C(),
    "jdbc": Java(MYSQL_JAR),
    "jdbc-mariadb": Java(MARIADB_JAR),
}
