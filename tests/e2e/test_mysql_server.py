# SPDX-License-Identifier: Apache-2.0
"""The MySQL 9.7 that other suites stand on: caching_sha2_password in all its ways, and errors.

A log-in whose user is in the server's cache is a fast one, and needs neither TLS nor the server's
RSA key. That is how these tests see which of the two it was."""
import os
import subprocess

import pymysql
import pytest

from certs import Authority
from mysql_server import MySQL, mysql_client, why_missing

PASSWORD = "it's \"q\" \\ %s"
NEEDS_SECURE = "Authentication requires secure connection"
WHO = "SELECT CURRENT_USER()"
# The server's own certificate names neither a host nor an address.
ANY_NAME = {"check_hostname": False}


@pytest.fixture
def server(mysql97):
    mysql97.add_user("app", PASSWORD)
    mysql97.flush()
    return mysql97


def cipher(conn):
    with conn, conn.cursor() as cursor:
        cursor.execute("SHOW STATUS LIKE 'Ssl_cipher'")
        return cursor.fetchone()[1]


def run_client(server, *options, password=PASSWORD, statement=WHO):
    """What the command-line client prints: (exit code, output, errors)."""
    done = subprocess.run(
        [*mysql_client(), "--host=127.0.0.1", f"--port={server.port}", "--user=app", "--batch",
         "--skip-column-names", *options, f"--execute={statement}"],
        env={**os.environ, "MYSQL_PWD": password}, stdin=subprocess.DEVNULL, capture_output=True,
        text=True, timeout=30, check=False)
    return done.returncode, done.stdout.strip(), done.stderr


def without_tls(server, *options):
    return run_client(server, "--ssl-mode=DISABLED", *options)


def assert_only_fast(server, works):
    code, output, errors = without_tls(server)
    if works:
        assert (code, output) == (0, "app@%"), errors
    else:
        assert code == 1 and NEEDS_SECURE in errors


def test_it_is_what_it_says(server):
    assert server.query("SELECT VERSION()")[0][0].startswith("9.7.")
    assert server.query("SELECT plugin FROM mysql.user WHERE user = 'app'") == (
        ("caching_sha2_password",),)


def test_pymysql_over_tls(server):
    ssl = {"ca": str(server.ca), **ANY_NAME}
    assert_only_fast(server, False)
    for _ in range(2):
        assert cipher(server.connect(user="app", password=PASSWORD, ssl=ssl)) != ""
        assert_only_fast(server, True)


def test_pymysql_by_rsa(server):
    assert_only_fast(server, False)
    for _ in range(2):
        assert cipher(server.connect(user="app", password=PASSWORD)) == ""
        assert_only_fast(server, True)


@pytest.mark.parametrize("options", [
    ["--ssl-mode=REQUIRED"], ["--ssl-mode=VERIFY_CA", "--ssl-ca={ca}"],
    ["--ssl-mode=DISABLED", "--get-server-public-key"],
    ["--ssl-mode=DISABLED", "--server-public-key-path={public_key}"]],
    ids=["tls", "verify-ca", "asks-for-key", "has-key"])
def test_the_real_client(server, options):
    options = [text.format(**vars(server)) for text in options]
    assert_only_fast(server, False)
    assert run_client(server, *options)[:2] == (0, "app@%")
    assert_only_fast(server, True)
    assert run_client(server, *options)[:2] == (0, "app@%")
    server.flush()
    assert_only_fast(server, False)


def test_sha256_password(server):
    server.add_user("app", PASSWORD, plugin="sha256_password")
    assert cipher(server.connect(user="app", password=PASSWORD)) == ""
    assert run_client(server, "--ssl-mode=REQUIRED")[:2] == (0, "app@%")


def test_errors_come_through(server):
    with pytest.raises(pymysql.err.OperationalError, match="1045, .Access denied for user 'app'"):
        server.connect(user="app", password="wrong")
    code, _, errors = run_client(server, password="wrong")
    assert code == 1 and "ERROR 1045 (28000)" in errors
    code, _, errors = run_client(server, statement="SELECT * FROM test.nowhere")
    assert code == 1 and "ERROR 1146 (42S02)" in errors
    server.add_user("app", PASSWORD, require="REQUIRE SSL")
    assert "ERROR 1045 (28000)" in without_tls(server, "--get-server-public-key")[2]


def test_certificates_of_our_own(tmp_path, server):
    authority = Authority()
    paths = [tmp_path / name for name in ("ca.pem", "cert.pem", "key.pem")]
    authority.write(paths[0])
    authority.issue(["localhost", "127.0.0.1"], *paths[1:])
    with MySQL(certs=paths) as own:
        own.add_user("app", PASSWORD)
        verify = ["--ssl-mode=VERIFY_IDENTITY", "--host=127.0.0.1", "--protocol=TCP"]
        assert run_client(own, *verify, f"--ssl-ca={own.ca}")[:2] == (0, "app@%")
        code, _, errors = run_client(own, *verify, f"--ssl-ca={server.ca}")
        assert code == 1 and "certificate verify failed" in errors
        assert cipher(own.connect(user="app", password=PASSWORD, ssl={"ca": str(own.ca)})) != ""
    assert not own.dir.exists()


@pytest.mark.skipif(why_missing() is not None, reason=str(why_missing()))
def test_a_failed_start_shows_its_log_and_cleans_up(capsys):
    server = MySQL(options=["--no-such-option"])
    with pytest.raises(RuntimeError):
        server.start()
    assert "no-such-option" in capsys.readouterr().err
    assert not server.dir.exists()
