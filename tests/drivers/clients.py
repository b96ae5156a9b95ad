# SPDX-License-Identifier: Apache-2.0
"""The real client programs, one way to run them all, and what each prints for a refusal.

    why_not = unavailable("mysql2")      # None, or why the tests of this client are skipped
    result = run("mysql2", "127.0.0.1", 4000, "app", "secret", "test", "connect-and-select")
    assert (result.code, result.stdout) == (0, "1\\n")
    run("mysql2", …, link=Link(tls="verify", ca="ca.pem"))

Actions: print-error connects and prints `connected` or the client's error; connect-and-select
prints the first column of the query's rows, a line each; result prints the SHA-256 and the size in
bytes of that output instead of the output. Errors go to stderr, the exit code is then not 0."""
import os
import subprocess
from pathlib import Path
from typing import NamedTuple

from mysql_root import why_missing

HERE = Path(__file__).resolve().parent
BUILT = HERE.parent.parent / "build-drivers"
ACTIONS = ("print-error", "connect-and-select", "result")
PYTHON = "/usr/bin/python3"  # Debian's, which has Debian's drivers


class Result(NamedTuple):
    code: int
    stdout: str
    stderr: str


class Link(NamedTuple):
    """How a client is told to connect. `tls`: "default" says nothing about it, "off" turns it off,
    "on" asks for it and verifies nothing, "verify" verifies the authority of `ca` and, where the
    client can, the name. `key`: it may ask for the RSA key of caching_sha2_password."""
    tls: str = "default"
    ca: str = ""
    socket: str = ""
    key: bool = False


def plain_link(client):
    """For servers without TLS: who insists on it unless told otherwise is told otherwise."""
    return Link(tls="off") if client == "mysqlclient-3.4" else Link()


def _dbapi(module):
    return [PYTHON, HERE / "python/dbapi.py", module]


def _java(jar, scheme):
    # The JVM's defaults are for servers: these programs live for a second. Debian's libjna-java is
    # what MariaDB's driver needs for unix sockets.
    jna = "/usr/share/java/jna.jar:/usr/share/java/jna-platform.jar"
    return ["java", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-cp",
            f"{BUILT / 'jdbc'}:{jar}:{jna}", "Client", scheme]


COMMANDS = {
    "mariadb": [PYTHON, HERE / "python/cli.py", "mariadb"],
    "mariadb-skip-ssl": [PYTHON, HERE / "python/cli.py", "mariadb", "--skip-ssl"],
    "mysql": [PYTHON, HERE / "python/cli.py", "mysql"],
    "pymysql": _dbapi("pymysql"),
    "mysqlclient": _dbapi("MySQLdb"),
    "mysqlclient-3.4": _dbapi("MySQLdb"),
    "mariadb-connector-python": _dbapi("mariadb"),
    "mysql-connector-python": _dbapi("mysql.connector"),
    "mysql-connector-python-pure": _dbapi("mysql.connector.pure"),
    "mysql2": ["node", HERE / "mysql2/client.js"],
    "go-sql-driver": [BUILT / "go-client"],
    "mariadb-connector-j": _java("/usr/share/java/mariadb-java-client.jar", "jdbc:mariadb:"),
    "mysql-connector-j": _java(BUILT / "jars/mysql-connector-j-9.7.0.jar", "jdbc:mysql:"),
}
CLIENTS = tuple(COMMANDS)
# Connector/J knows no unix sockets without a library of its own for them.
WITHOUT_UNIX_SOCKETS = ("mysql-connector-j",)


def unavailable(client):
    """None when the client can run, else the reason that tests/drivers/setup found."""
    if client == "mysql":
        return why_missing()
    try:
        status = (BUILT / "status").read_text()
    except FileNotFoundError:
        return "tests/drivers/setup has not run"
    reasons = dict(line.split("\t", 1) for line in status.splitlines())
    return reasons.get(client, "tests/drivers/setup does not know it") or None


def environment(client):
    env = {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/"), "LC_ALL": "C.UTF-8",
           "NODE_PATH": str(BUILT / "mysql2/node_modules"), "PYTHONPATH": str(BUILT / "python")}
    if client == "mysqlclient-3.4":  # Debian's module with a newer library below it
        env["LD_LIBRARY_PATH"] = str(BUILT / "connector-c")
    if client in ("mysqlclient-3.4", "mariadb-connector-python"):
        # The library in the wheel comes without plugins; Debian's fit it.
        env["MARIADB_PLUGIN_DIR"] = next(map(str, Path("/usr/lib").glob("*/libmariadb3/plugin")), "")
    return env


def run(client, host, port, user, password, database, action, timeout=30, query="SELECT 1",
        link=Link()):
    """Runs the client to its end. A client that hangs is killed: subprocess.TimeoutExpired."""
    assert action in ACTIONS, action
    env = {
        **environment(client),
        "TIDBLINK_TEST_HOST": host, "TIDBLINK_TEST_PORT": str(port),
        "TIDBLINK_TEST_USER": user, "TIDBLINK_TEST_PASSWORD": password,
        "TIDBLINK_TEST_DATABASE": database, "TIDBLINK_TEST_QUERY": query,
        "TIDBLINK_TEST_TLS": link.tls, "TIDBLINK_TEST_CA": str(link.ca),
        "TIDBLINK_TEST_SOCKET": str(link.socket), "TIDBLINK_TEST_KEY": "1" if link.key else "",
    }
    process = subprocess.run(
        [*map(str, COMMANDS[client]), action], env=env, stdin=subprocess.DEVNULL, timeout=timeout,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    return Result(process.returncode, process.stdout.decode(), process.stderr.decode())
