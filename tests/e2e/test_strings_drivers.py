# SPDX-License-Identifier: Apache-2.0
"""The printed strings, as they stand, in the real clients that Debian has, against a real server."""
import os
import pty
import re
import select
import signal
import subprocess
import time

import pymysql
import pytest

from built import built
from certs import Authority
from mariadb import MariaDB

GOLDEN = "a@b:c/d?e#f[g]h!i$j&k'l(m)n*o+p,q;r=s%t\"u\\v w{x}y^z|<>~`"
PASSWORDS = [GOLDEN, "pässwörd-Ω-😀", "%41+%2B&x=y", " blanks ", "-p$(id)", "<PASSWORD>"]
DATABASE = "we`ird 'db' \"%41\\ é"
USERS = ["app", "it's", "a b:c@d"]
ACCOUNTS = [(USERS[0], password) for password in PASSWORDS] + [(user, GOLDEN) for user in USERS[1:]]
SECONDS = 30


def print_string(client, **request):
    """(string, setup); raises with our error text when it is refused."""
    pairs = [f"{name}={value}" for name, value in request.items()]
    done = subprocess.run([built("tests/unit/print_string"), client, *pairs],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=SECONDS)
    if done.returncode:
        raise ValueError(done.stderr.decode())
    return done.stdout.decode().split("\0")


def run_on_terminal(command, password, home):
    """Runs a shell command on a terminal of its own, types the password when asked for it."""
    try:
        child, terminal = pty.fork()
    except OSError as reason:  # a root without /dev/pts
        pytest.skip(f"no terminal to type the password at: {reason}")
    if child == 0:
        os.execve("/bin/sh", ["sh", "-c", command], {
            "PATH": os.environ["PATH"], "HOME": str(home), "LC_ALL": "C.UTF-8", "TERM": "dumb"})
    output, typed, deadline = b"", False, time.monotonic() + SECONDS
    try:
        while select.select([terminal], [], [], max(0, deadline - time.monotonic()))[0]:
            try:
                piece = os.read(terminal, 65536)
            except OSError:  # the other side is closed
                break
            if not piece:
                break
            output += piece
            if not typed and re.search(rb"assword[^:\n]*:", output):
                os.write(terminal, password.encode() + b"\n")
                typed = True
    finally:
        os.close(terminal)
        if time.monotonic() >= deadline:
            os.kill(child, signal.SIGKILL)
        status = os.waitpid(child, 0)[1]
    return os.waitstatus_to_exitcode(status), output.decode()


class Account:
    def __init__(self, user, password, database):
        self.user, self.password, self.database = user, password, database

    def fields(self):
        return {"user": self.user, "password": self.password, "database": self.database}


@pytest.fixture(params=ACCOUNTS, ids=range(len(ACCOUNTS)))
def account(request, mariadb):
    user, password = request.param
    mariadb.query("CREATE DATABASE IF NOT EXISTS `%s`" % DATABASE.replace("`", "``"))
    mariadb.add_user(user, password)
    return Account(user, password, DATABASE)


@pytest.fixture(params=["tcp", "socket"])
def place(request, mariadb):
    if request.param == "tcp":
        return {"host": "localhost", "port": mariadb.port}  # must come out as 127.0.0.1
    return {"socket": mariadb.socket}


def who(conn):
    with conn, conn.cursor() as cursor:
        cursor.execute("SELECT CURRENT_USER(), DATABASE()")
        return cursor.fetchone()


def check_mariadb_command(text, account, home):
    code, output = run_on_terminal(
        text + " -N -B -e 'SELECT CURRENT_USER(), DATABASE()'", account.password, home)
    assert code == 0, output
    # The terminal turns \n into \r\n; -B escapes the backslash.
    row = output.splitlines()[-1].replace("\\\\", "\\").split("\t")
    assert row == [f"{account.user}@%", account.database]


def test_mariadb_command_line(place, account, tmp_path):
    text, _ = print_string("mariadb", **place, **account.fields())
    assert account.password not in text
    check_mariadb_command(text, account, tmp_path)


def test_pymysql_expression(place, account):
    text, _ = print_string("pymysql", **place, **account.fields())
    assert who(eval(text)) == (f"{account.user}@%", account.database)


def test_a_wrong_password_is_noticed(place, mariadb):
    mariadb.add_user("app", GOLDEN)
    text, _ = print_string("pymysql", **place, user="app", password=GOLDEN + "x")
    with pytest.raises(pymysql.err.OperationalError, match="Access denied"):
        eval(text)


class TlsServer:
    """A server with a certificate for `names`, its CA, and somebody else's CA."""

    def __init__(self, names):
        self.server = MariaDB()
        self.ca = self.server.dir / "ca.pem"
        self.wrong_ca = self.server.dir / "wrong-ca.pem"
        cert, key = self.server.dir / "cert.pem", self.server.dir / "key.pem"
        authority = Authority()
        authority.write(self.ca)
        authority.issue(names, cert, key)
        Authority("another authority").write(self.wrong_ca)
        self.server.options += [f"--ssl-cert={cert}", f"--ssl-key={key}"]
        self.account = Account("app", GOLDEN, "test")

    def __enter__(self):
        self.server.start()
        self.server.add_user("app", GOLDEN, require="REQUIRE SSL")
        return self

    def __exit__(self, *failure):
        self.server.__exit__(*failure)

    def log_text(self):
        return self.server.log_text()

    def print(self, client, tls, ca):
        return print_string(client, direct="yes", host="127.0.0.1", port=self.server.port, tls=tls,
                            ca_path=ca, **self.account.fields())[0]


@pytest.fixture(scope="module")
def tls_server():
    with TlsServer(["127.0.0.1"]) as server:
        yield server


@pytest.fixture(scope="module")
def misnamed_server():
    with TlsServer(["db.example"]) as server:
        yield server


def test_direct_pymysql(tls_server, misnamed_server):
    for server, tls in [(tls_server, "verify-identity"), (tls_server, "verify-ca"),
                        (misnamed_server, "verify-ca")]:
        assert who(eval(server.print("pymysql", tls, server.ca))) == ("app@%", "test")


@pytest.mark.parametrize("tls", ["verify-identity", "verify-ca"])
def test_direct_pymysql_refuses_another_authority(tls_server, tls):
    with pytest.raises(pymysql.err.OperationalError, match="certificate verify failed"):
        eval(tls_server.print("pymysql", tls, tls_server.wrong_ca))


def test_direct_pymysql_refuses_another_name(misnamed_server):
    with pytest.raises(pymysql.err.OperationalError, match="certificate verify failed"):
        eval(misnamed_server.print("pymysql", "verify-identity", misnamed_server.ca))


def test_direct_mariadb_command_line(tls_server, tmp_path):
    text = tls_server.print("mariadb", "verify-identity", tls_server.ca)
    check_mariadb_command(text, tls_server.account, tmp_path)


def test_direct_mariadb_command_line_refuses(tls_server, misnamed_server, tmp_path):
    for server, ca in [(tls_server, tls_server.wrong_ca), (misnamed_server, misnamed_server.ca)]:
        text = server.print("mariadb", "verify-identity", ca)
        code, output = run_on_terminal(text + " -e 'SELECT 1'", GOLDEN, tmp_path)
        assert code == 1 and "ERROR 2026" in output
