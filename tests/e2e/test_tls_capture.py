# SPDX-License-Identifier: Apache-2.0
"""On the wire between proxy and server: no query and no password in the clear, in no mode in which
the proxy speaks TLS. The first test shows that the capture would tell."""
import os
import stat

import pymysql
import pytest

import capture
from capture import Capture
from certs import Authority
from mysql_server import MySQL, why_missing
from proxy import Proxy

PASSWORD = "pa55-in-the-clear-would-be-a-disaster"
QUERY = "SELECT 'query-in-the-clear-would-be-too'"
ANSWER = "query-in-the-clear-would-be-too"

pytestmark = pytest.mark.skipif(bool(capture.why_missing() or why_missing()),
                                reason=str(capture.why_missing() or why_missing()))


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    directory = tmp_path_factory.mktemp("certs")
    authority = Authority()
    authority.write(directory / "ca.pem")
    authority.issue(["127.0.0.1"], directory / "cert.pem", directory / "key.pem")
    return directory


@pytest.fixture(scope="module")
def server(files):
    with MySQL(certs=(files / "ca.pem", files / "cert.pem", files / "key.pem")) as server:
        server.add_user("app", PASSWORD)
        yield server


def proxy_for(server, files, **options):
    options = {name.replace("_", "-"): value for name, value in options.items()}
    return Proxy(None, {"orders": {"host": "127.0.0.1", "port": server.port, **options}},
                 {"state-source": "none", "log-level": "trace"})


def log_in_and_ask(server, **place):
    """Twice: the full authentication, which sends the password, and the fast one."""
    server.flush()
    for _ in range(2):
        connection = pymysql.connect(user="app", password=PASSWORD, connect_timeout=30, **place)
        with connection.cursor() as cursor:
            cursor.execute(QUERY)
            assert cursor.fetchall() == ((ANSWER,),)
        connection.close()


def expect_no_secret(text):
    assert PASSWORD.encode() not in text
    assert ANSWER.encode() not in text


def expect_nothing_leaks(proxy):
    """Log, environment, command line, state; and no core dump may have it either."""
    pid = proxy.process.pid
    expect_no_secret(proxy.log_text().encode())
    for name in ("environ", "cmdline"):
        with open(f"/proc/{pid}/{name}", "rb") as file:
            expect_no_secret(file.read())
    with open(f"/proc/{pid}/limits", encoding="ascii") as file:
        core = next(line for line in file if line.startswith("Max core file size"))
    assert core.split()[4:6] == ["0", "0"]
    for path in proxy.dir.rglob("*"):
        if stat.S_ISREG(os.lstat(path).st_mode):
            expect_no_secret(path.read_bytes())


def test_in_the_clear_it_would_be_seen(server, files):
    with proxy_for(server, files) as proxy, Capture(server.port) as seen:
        log_in_and_ask(server, host="127.0.0.1", port=proxy.port())
        assert ANSWER.encode() in seen.bytes()


@pytest.mark.parametrize("mode", ["verify-full", "verify-ca"])
@pytest.mark.parametrize("client_tls", ["off", "optional", "required"])
def test_nothing_is_seen(server, files, mode, client_tls):
    place = {"ssl": {"check_hostname": False, "verify_mode": "none"}} if client_tls == "required" \
        else {}
    with proxy_for(server, files, tls=mode, tls_ca=files / "ca.pem",
                   client_tls=client_tls) as proxy, Capture(server.port) as seen:
        log_in_and_ask(server, host="127.0.0.1", port=proxy.port(), **place)
        expect_no_secret(seen.bytes())
        # What tshark can read of MySQL there: greetings and the heads of logins, no user in them.
        assert not [row for row in seen.dissect("mysql.user", "mysql.query", port=server.port)
                    if any(row)]
        expect_nothing_leaks(proxy)


def test_nothing_is_seen_of_a_unix_client(server, files, tmp_path):
    with proxy_for(server, files, tls_ca=files / "ca.pem",
                   listen=f"unix:{tmp_path}/s") as proxy, Capture(server.port) as seen:
        log_in_and_ask(server, unix_socket=f"{tmp_path}/s")
        expect_no_secret(seen.bytes())
        expect_nothing_leaks(proxy)


def test_nothing_is_seen_of_a_failed_login(server, files):
    with proxy_for(server, files, tls_ca=files / "ca.pem",
                   client_tls="off") as proxy, Capture(server.port) as seen:
        with pytest.raises(pymysql.err.OperationalError) as error:
            pymysql.connect(host="127.0.0.1", port=proxy.port(), user="nobody", password=PASSWORD)
        assert error.value.args[0] == 1045
        proxy.wait_log("connection closed .*close=login-refused")
        expect_no_secret(seen.bytes())
        expect_nothing_leaks(proxy)
