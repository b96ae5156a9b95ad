# SPDX-License-Identifier: Apache-2.0
"""--via: real jumps, behind which alone the cluster's name exists, and a real server."""
import contextlib
import hashlib
import signal
import socket
import sys

import pymysql
import pytest
from pymysql.constants import COMMAND

from claims import own_port
from connecting import Connect, once
from emulator import CLUSTER, ENDPOINT
from fake_tidb import FakeTidb
from jumps import FAR_NAME, Command, Dante, Http, Socks, Ssh
from mariadb import MariaDB
from proxy import ORDERS, Proxy
from servers import Server
from tls_scenes import RawClient

USER, PASSWORD = "app", "via-Secret-4711"
JUMPS = {"socks5h": Socks, "http": Http, "ssh": Ssh, "command": Command}
KINDS = pytest.mark.parametrize("kind", JUMPS)
PROXIES = pytest.mark.parametrize("kind", ["socks5h", "http"])


@pytest.fixture
def world(cloud, mariadb):
    """The endpoint is ACTIVE; the cluster's name exists behind the jump only."""
    mariadb.add_user(USER, PASSWORD)
    return lead(cloud, mariadb.port)


def lead(cloud, port):
    cloud.settings(requestsPerMinute=1000000)
    cloud.patch(f"clusters/{CLUSTER}", port=port)
    cloud.patch(f"endpoints/{ENDPOINT}", state="ACTIVE")
    cloud.remove(f"names/{FAR_NAME}")
    return cloud


@contextlib.contextmanager
def through(world, jump, orders=None, env=None, via=None, verdict="allow", **options):
    """A running proxy whose cluster is behind the jump; options_with_underscores."""
    given = {"threads": 1, "hold-timeout": "30s", "dial-budget": "60s"}
    given.update({name.replace("_", "-"): value for name, value in options.items()})
    section = {**ORDERS, "via": via or jump.via, **(orders or {})}
    environment = {**(jump.environment or {}), **(env or {})}
    with Proxy(world, {"orders": section}, given, environment) as proxy:
        proxy.wait_verdict(verdict)
        yield proxy


def connect(proxy, **arguments):
    return pymysql.connect(**{"host": "127.0.0.1", "port": proxy.port(), "user": USER,
                              "password": PASSWORD, "database": "test", "connect_timeout": 60,
                              **arguments})


def query(connection, sql, values=None):
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return cursor.fetchall()


def refusal(proxy, number=1042):
    """What a refused client reads."""
    with pytest.raises(pymysql.err.OperationalError) as refused:
        connect(proxy)
    assert refused.value.args[0] == number, refused.value
    text = refused.value.args[1]
    assert len(text) <= 380 - 6 and text.isascii(), text
    assert text.startswith("nk: "), text  # PyMySQL 1.0 takes six bytes for the SQLSTATE
    assert PASSWORD not in text and PASSWORD not in proxy.log_text()
    return text


# ---- what goes through ----------------------------------------------------------------------------

@KINDS
def test_a_query_and_nobody_asks_dns(world, kind):
    with JUMPS[kind]() as jump, through(world, jump) as proxy:
        proxy.wait_log(rf"connections go through a jump: .*resolved there.* cannot be checked.* "
                       rf"via=\"?{kind}:")
        with connect(proxy) as connection:
            assert query(connection, "SELECT 6 * 7") == ((42,),)
        proxy.wait_log(rf"connection closed .*\bvia={kind} close=client-quit")
        assert proxy.cluster()["via"].startswith(f"{kind}:")
    asked = [entry["name"].lower().rstrip(".") for entry in world.queries()]
    assert FAR_NAME not in asked, asked


@KINDS
def test_long_results_and_long_statements(world, mariadb, kind):
    sql = "SELECT seq, REPEAT(MD5(seq), 32) FROM seq_1_to_20000"  # about 20 MB

    def digest(port):
        found = hashlib.sha256()
        with pymysql.connect(host="127.0.0.1", port=port, user=USER, password=PASSWORD,
                             cursorclass=pymysql.cursors.SSCursor, database="test") as connection:
            with connection.cursor() as cursor:
                cursor.execute(sql)
                for row in cursor:
                    found.update(repr(row).encode())
        return found.hexdigest()

    with JUMPS[kind]() as jump, through(world, jump) as proxy:
        assert digest(proxy.port()) == digest(mariadb.port)
        statement = "x" * 8_000_000
        with connect(proxy) as connection:
            assert query(connection, "SELECT MD5(%s)", statement) == (
                (hashlib.md5(statement.encode()).hexdigest(),),)


@pytest.mark.parametrize("kind", ["ssh", "command"])
def test_who_has_asked_and_says_no_more_is_answered(world, kind):
    """microsocks and tinyproxy close both ways at the first end."""
    with JUMPS[kind]() as jump, through(world, jump) as proxy, connect(proxy) as connection:
        connection._execute_command(COMMAND.COM_QUERY, "SELECT REPEAT('x', 1000000)")
        connection._sock.shutdown(socket.SHUT_WR)
        connection._read_query_result()
        assert len(connection._result.rows[0][0]) == 1_000_000
        connection._force_close()
        proxy.wait_log("connection closed .*close=client-quit")


@KINDS
def test_tls_is_verified_through_the_jump(world, kind, authority, tmp_path):
    """By the cluster's name, which exists on the far side alone."""
    pair = authority.server(tmp_path, [FAR_NAME])
    wrong = authority.server(tmp_path, ["db.example"])
    with FakeTidb(pair) as server, FakeTidb(wrong) as other, JUMPS[kind]() as jump:
        for found, good in (server, True), (other, False):
            world.patch(f"clusters/{CLUSTER}", port=found.port)
            with through(world, jump, {"tls-ca": pair.ca}) as proxy:
                if good:
                    with RawClient(proxy.port()) as client:
                        client.log_in("app", "secret")
                        assert client.query("SELECT 1") == [b"1"]
                    proxy.wait_log(r"connection closed .*tls=TLSv1\.3")
                    continue
                with RawClient(proxy.port()) as client, pytest.raises(Exception) as refused:
                    client.log_in("app", "secret")
                assert "tls-server-name = db.example" in str(refused.value)


def test_spares_through_a_proxy_and_none_through_a_program(cloud):
    with Server() as server:
        server.hangs_up = True
        lead(cloud, server.port)
        for kind, count in ("socks5h", 2), ("http", 2), ("ssh", 0), ("command", 0):
            with JUMPS[kind]() as jump, through(cloud, jump, spares=2) as proxy:
                for _ in range(2):
                    with socket.create_connection(("127.0.0.1", proxy.port()), 60) as sock:
                        assert sock.recv(4)
                    proxy.wait_metric("tidblink_spares", count)
                    proxy.wait_open(0)
                assert proxy.metric("tidblink_spares_used_total") == (1 if count else 0)


# ---- users and passwords --------------------------------------------------------------------------

LOGINS = pytest.mark.parametrize("kind, wanted", [
    ("socks5h", r"wants a user and a password \(SOCKS method 255\)"),
    ("http", r"wants a user and a password \(HTTP 407 "),
])


@LOGINS
def test_a_user_and_a_password(world, kind, wanted, tmp_path):
    secret = "p@ss:w0rd %4711"
    encoded = "p%40ss%3aw0rd%20%254711"
    password = tmp_path / "password"
    password.touch(mode=0o600)
    with JUMPS[kind]("jane", secret if kind == "socks5h" else "pw4711word") as jump:
        secret = jump.password
        password.write_text(secret + "\n")
        encoded = encoded if kind == "socks5h" else secret
        scheme, place = jump.via.split("://")
        ways = [
            {"via": f"{scheme}://jane:{encoded}@{place}"},
            {"orders": {"via": None}, "env": {"TIDBLINK_VIA": f"{scheme}://jane:{encoded}@{place}"}},
            {"via": f"{scheme}://jane@{place}", "orders": {"via-password-file": password}}]
        for way in ways:
            with through(world, jump, **way) as proxy, connect(proxy) as connection:
                assert query(connection, "SELECT 1") == ((1,),)
                assert secret not in proxy.log_text() and encoded not in proxy.log_text()
                assert secret not in str(proxy.status()) and encoded not in str(proxy.status())
                with open(f"/proc/{proxy.process.pid}/environ", "rb") as environ:
                    assert encoded.encode() not in environ.read()


@LOGINS
def test_no_password_and_a_wrong_one(world, kind, wanted):
    with JUMPS[kind]("jane", "secret4711") as jump:
        with through(world, jump) as proxy:
            text = refusal(proxy)
            assert "Put them into via" in text and "TIDBLINK_VIA" in text
            proxy.wait_log("connection closed .*" + wanted)
        with through(world, jump, via=jump.via.replace("//", "//jane:" + PASSWORD + "@")) as proxy:
            text = refusal(proxy)
            assert "refuses the user or password" in text and "Correct them" in text


def test_a_password_is_not_taken_from_the_command_line(cloud):
    code, out, errors = once(cloud, "--via", f"socks5h://jane:{PASSWORD}@127.0.0.1:1")
    assert (code, out) == (2, "")
    assert "TIDBLINK_VIA" in errors and "via-password-file" in errors
    assert PASSWORD not in errors


@pytest.mark.parametrize("via, words", [
    ("socks5://127.0.0.1", "expected socks5h://"),
    ("https://127.0.0.1", "TLS to an HTTP proxy is not supported"),
    ("ssh://u:pw4711@127.0.0.1", "ssh takes no password from here"),
    ("ssh://-oProxyCommand=x", "no host name"),
    ("command:nc %h %x", "stands for nothing"),
    ("bastion", "expected socks5h://"),
])
def test_what_is_no_jump(cloud, via, words):
    code, out, errors = once(cloud, "--via", via)
    assert (code, out) == (2, "")
    assert "--via: " in errors and words in errors and "pw4711" not in errors


def test_a_command_gets_neither_the_variable_nor_our_descriptors(world, tmp_path):
    seen = tmp_path / "seen"
    script = tmp_path / "jump"
    # What is open is looked at before anything is opened: a shell has descriptors of its own.
    script.write_text(f"#!{sys.executable} -ISs\n" + """
import fcntl, os, sys
def is_open(fd):
    try:
        return fcntl.fcntl(fd, fcntl.F_GETFD) >= 0
    except OSError:
        return False
script = os.stat(sys.argv[0])
opened = [fd for fd in range(1024) if is_open(fd) and not os.path.samestat(os.fstat(fd), script)]
with open("%s", "w") as out:
    print(*(f"{name}={value}" for name, value in os.environ.items()), sep="\\n", file=out)
    print("open:", *opened, file=out)
    print("words:", *sys.argv[1:], file=out)
sys.exit(3)
""" % seen)
    script.chmod(0o755)
    with Command() as jump, through(world, jump, {"via": None},
                                    env={"TIDBLINK_VIA": f"command:{script} %h %p"}) as proxy:
        assert "failed: it said nothing (exit code 3)" in refusal(proxy)
    text = seen.read_text()
    assert "TIDBLINK_VIA" not in text and "TIDBCLOUD" not in text
    assert f"words: {FAR_NAME} " in text
    assert "open: 0 1 2\n" in text, text


# ---- what does not lead there ---------------------------------------------------------------------

@PROXIES
def test_a_jump_that_does_not_listen(world, kind):
    with JUMPS[kind]() as jump, through(world, jump) as proxy:
        jump.stop_program()
        text = refusal(proxy)
        assert text == (f"nk: cannot reach the jump {jump.via} to cluster orders: "
                        f"127.0.0.1:{jump.port}: Connection refused. Start it, or correct via")
        jump.start()
        with connect(proxy) as connection:
            assert query(connection, "SELECT 1") == ((1,),)


def test_an_ssh_server_that_does_not_listen(world):
    with Ssh() as jump, through(world, jump) as proxy:
        jump.stop_program()
        text = refusal(proxy)
        assert "Connection refused" in text and text.endswith("Try it in a terminal: ssh bastion")


FAR_REFUSED = {
    "socks5h": "connection refused (SOCKS reply 5)", "http": "HTTP 500 ",
    "ssh": "open failed: connect failed: Connection refused", "command": "Connection refused"}


@KINDS
def test_a_cluster_that_refuses(world, kind):
    port = own_port()
    world.patch(f"clusters/{CLUSTER}", port=port)
    with JUMPS[kind]() as jump, through(world, jump) as proxy:
        text = refusal(proxy)
        assert FAR_REFUSED[kind] in text, text
        if kind != "command":
            assert f"{FAR_NAME}:{port}" in text
            assert text.endswith(f"Try it on the jump's side: nc -vz {FAR_NAME} {port}")


FAR_UNKNOWN = {
    "socks5h": "SOCKS reply", "http": "HTTP 500 ",
    "ssh": "open failed: connect failed: Name or service not known",
    "command": "Name or service not known"}


@KINDS
def test_a_name_that_the_far_side_does_not_know(world, kind):
    with JUMPS[kind]() as jump, through(world, jump, {"host": "nowhere.invalid", "port": 4000},
                                 verdict="", state_source="none") as proxy:
        assert FAR_UNKNOWN[kind] in refusal(proxy)


@pytest.mark.parametrize("host", ["-oProxyCommand=touch", "a;b", "$(id)", "a b", "a%h"])
def test_a_host_that_is_no_host_name_is_handed_to_nobody(world, host):
    with Ssh() as jump, through(world, jump, {"host": host, "port": 4000},
                                verdict="", state_source="none") as proxy:
        assert "is no host name, and is not handed to a jump" in refusal(proxy)
        assert jump.logins() == 0


def test_a_proxy_whose_rules_refuse(world, mariadb):
    other = own_port()
    with Dante(mariadb.port) as jump, through(world, jump) as proxy:
        with connect(proxy) as connection:
            assert query(connection, "SELECT 1") == ((1,),)
        world.patch(f"clusters/{CLUSTER}", port=other)
        proxy.wait_cluster("orders", port=other)
        assert "its rules do not allow this connection (SOCKS reply 2)" in refusal(proxy)


def test_a_proxy_that_does_not_tunnel_to_this_port(world):
    with Http(connect_port=443) as jump, through(world, jump) as proxy:
        text = refusal(proxy)
        assert "refuses a tunnel to" in text and "HTTP 403" in text and "Allow CONNECT" in text


@pytest.mark.parametrize("scheme, words", [
    ("socks5h", "does not speak SOCKS 5: its answer begins with 0x"),
    ("http", "does not answer as an HTTP proxy does"),
])
def test_something_else_listens(world, mariadb, scheme, words):
    """A MySQL server speaks first."""
    with Command() as nothing, through(
            world, nothing, via=f"{scheme}://127.0.0.1:{mariadb.port}") as proxy:
        text = refusal(proxy)
        assert words in text and "Check host and port of via" in text


def test_a_jump_whose_name_does_not_exist(world):
    with Command() as nothing, through(world, nothing, via="socks5h://nowhere.invalid") as proxy:
        proxy.wait_log("DNS gives no address .*host=nowhere.invalid")
        text = refusal(proxy)
        assert "the jump's host name nowhere.invalid cannot be resolved" in text
        assert "getent ahosts nowhere.invalid" in text


def test_a_jump_by_its_name_in_the_hosts_file(world):
    """Its own name is looked up as other programs do, and may be a loopback address."""
    with Socks() as jump, through(world, jump, via=f"socks5h://localhost:{jump.port}",
                                  allow_loopback="off") as proxy:
        with connect(proxy) as connection:
            assert query(connection, "SELECT 1") == ((1,),)


@PROXIES
def test_a_jump_that_takes_the_connection_and_says_nothing(world, kind):
    with JUMPS[kind]() as jump, socket.create_server(("127.0.0.1", 0)) as silent:
        via = f"{kind}://127.0.0.1:{silent.getsockname()[1]}"
        with through(world, jump, via=via, dial_budget="500ms") as proxy:
            assert "it has not answered in time" in refusal(proxy)


def test_an_endpoint_that_is_not_active_refuses_before_any_jump(world):
    world.patch(f"endpoints/{ENDPOINT}", state="FAILED")
    with Ssh() as jump, through(world, jump, verdict="refuse") as proxy:
        assert "FAILED" in refusal(proxy, 1105)
        assert "Connection from" not in jump.log_text().split("Server listening", 1)[1].split(
            "\n", 1)[1].replace("Connection from 127.0.0.1 port", "", 1)
        assert jump.logins() == 0


# ---- commands -------------------------------------------------------------------------------------

@pytest.mark.parametrize("words, expected", [
    ("/nonexistent/program %h", "cannot be started: cannot find the program /nonexistent/program"),
    ("false", "failed: it said nothing (exit code 1)"),
    ("sh -c 'echo first >&2; echo the\\ reason >&2; exit 7'", "failed: first; the reason (exit code 7)"),
    ("sh -c 'exec >&- <&-; exec sleep 60'", "closed its output before the cluster's greeting"),
    ("sh -c 'kill -9 $$'", "failed: it said nothing (exit code 137)"),
])
def test_a_command_that_does_not_lead_there(world, words, expected):
    with Command() as jump, through(world, jump, via=f"command:{words}") as proxy:
        assert expected in refusal(proxy)
        proxy.wait_log("connection closed .*via=command close=refused step=dial")


# ---- through connect ------------------------------------------------------------------------------

@KINDS
def test_connect(world, kind):
    with JUMPS[kind]() as jump, Connect(world, "--via", jump.via, env=jump.environment or {}) as found:
        with pymysql.connect(host="127.0.0.1", port=found.port(), user=USER, password=PASSWORD,
                             connect_timeout=60) as connection:
            assert query(connection, "SELECT 6 * 7") == ((42,),)
        found.wait_error("connections go through")
        found.signal(signal.SIGTERM)
        assert found.wait() == 0
