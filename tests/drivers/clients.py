# SPDX-License-Identifier: Apache-2.0
"""The real client programs, one way to run them all, and what each prints for a refusal.

    why_not = unavailable("mysql2")      # None, or why the tests of this client are skipped
    result = run("mysql2", "127.0.0.1", 4000, "app", "secret", "test", "connect-and-select")
    assert (result.code, result.stdout) == (0, "1\\n")

Actions: print-error connects and prints `connected` or the client's error; connect-and-select
prints the first column of the query's rows, a line each; result prints the SHA-256 and the size in
bytes of that output instead of the output. Errors go to stderr, the exit code is then not 0."""
import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).resolve().parent
BUILT = HERE.parent.parent / "build-drivers"
ACTIONS = ("print-error", "connect-and-select", "result")
PYTHON = "/usr/bin/python3"  # Debian's, which has Debian's drivers


class Result(NamedTuple):
    code: int
    stdout: str
    stderr: str


def _java(jar, scheme):
    # The JVM's defaults are for servers: these programs live for a second.
    return ["java", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-cp",
            f"{BUILT / 'jdbc'}:{jar}", "Client", scheme]


COMMANDS = {
    "mariadb": [PYTHON, HERE / "python/mariadb_cli.py"],
    "mariadb-skip-ssl": [PYTHON, HERE / "python/mariadb_cli.py", "--skip-ssl"],
    "pymysql": [PYTHON, HERE / "python/dbapi.py", "pymysql"],
    "mysqlclient": [PYTHON, HERE / "python/dbapi.py", "MySQLdb"],
    "mysql2": ["node", HERE / "mysql2/client.js"],
    "go-sql-driver": [BUILT / "go-client"],
    "mariadb-connector-j": _java("/usr/share/java/mariadb-java-client.jar", "jdbc:mariadb:"),
    "mysql-connector-j": _java(BUILT / "jars/mysql-connector-j-9.7.0.jar", "jdbc:mysql:"),
}
CLIENTS = tuple(COMMANDS)


def unavailable(client):
    """None when the client can run, else the reason that tests/drivers/setup found."""
    try:
        status = (BUILT / "status").read_text()
    except FileNotFoundError:
        return "tests/drivers/setup has not run"
    reasons = dict(line.split("\t", 1) for line in status.splitlines())
    return reasons.get(client, "tests/drivers/setup does not know it") or None


def run(client, host, port, user, password, database, action, timeout=30, query="SELECT 1"):
    """Runs the client to its end. A client that hangs is killed: subprocess.TimeoutExpired."""
    assert action in ACTIONS, action
    env = {
        "PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/"), "LC_ALL": "C.UTF-8",
        "NODE_PATH": str(BUILT / "mysql2/node_modules"),
        "TIDBLINK_TEST_HOST": host, "TIDBLINK_TEST_PORT": str(port),
        "TIDBLINK_TEST_USER": user, "TIDBLINK_TEST_PASSWORD": password,
        "TIDBLINK_TEST_DATABASE": database, "TIDBLINK_TEST_QUERY": query,
    }
    process = subprocess.run(
        [*map(str, COMMANDS[client]), action], env=env, stdin=subprocess.DEVNULL, timeout=timeout,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    return Result(process.returncode, process.stdout.decode(), process.stderr.decode())
