# SPDX-License-Identifier: Apache-2.0
"""guide/probe.c: how far one connection comes, and that no server holds it against its host."""
import contextlib
import datetime
import socket
import subprocess
import threading
import time

import pytest

import fake_tidb_wire as wire
from built import built
from certs import EXPIRED, Authority
from dns_servers import Dnsmasq, find_program
from fake_tidb import FakeTidb, Plan
from mariadb import MariaDB
from mysql_server import MySQL, why_missing

NAME = "db.example"
# error numbers of OpenSSL's x509_vfy.h
NAME_MISMATCH, HAS_EXPIRED, UNKNOWN_ISSUER, BAD_SIGNATURE = 62, 10, 20, 7


def probe(*args):
    done = subprocess.run([built("tests/loop/probe_once"), *map(str, args)], capture_output=True,
                          text=True, timeout=30, check=True)
    return dict(line.split("\t") for line in done.stdout.splitlines())


@pytest.fixture(scope="module")
def pair(authority, tmp_path_factory):
    return authority.server(tmp_path_factory.mktemp("tls"), [NAME, "*.db.example"])


@pytest.fixture
def tidb(pair):
    with FakeTidb(pair) as server:
        yield server


def end_of(server):
    conn = server.accept()
    server.wait(lambda: conn.ended, "the connection does not end")
    return conn


def test_the_greeting(tidb):
    seen = probe(f"127.0.0.1:{tidb.port}")
    assert seen["error"] == ""
    assert seen["greeted"] == "1"
    assert seen["version"] == tidb.version
    assert seen["plugin"] == "mysql_native_password"
    assert seen["secured"] == "0"
    assert end_of(tidb).ended == "eof"  # no reset, and nothing that could be denied


def test_tls_and_its_certificate(tidb, pair):
    seen = probe(f"127.0.0.1:{tidb.port}", pair.ca, NAME)
    assert seen["error"] == ""
    assert (seen["secured"], seen["protocol"], seen["doubt"]) == ("1", "TLSv1.3", "0")
    assert seen["names"] == "db.example, *.db.example"
    days = (int(seen["not_after"]) - datetime.datetime.now().timestamp()) / 86400
    assert 29 < days < 31
    assert end_of(tidb).ended == "close_notify"


@pytest.mark.parametrize("host,valid,doubt", [
    ("other.example", None, NAME_MISMATCH), (NAME, EXPIRED, HAS_EXPIRED)])
def test_a_certificate_that_will_not_do_is_shown(authority, tmp_path, host, valid, doubt):
    pair = authority.server(tmp_path, [NAME], **({"valid": valid} if valid else {}))
    with FakeTidb(pair) as server:
        seen = probe(f"127.0.0.1:{server.port}", pair.ca, host)
        assert seen["key"] == "tls"
        assert (seen["secured"], seen["doubt"]) == ("1", str(doubt))
        assert seen["names"] == NAME
        assert end_of(server).ended == "close_notify"  # no alert, which TiDB would log
        if doubt == NAME_MISMATCH:
            assert seen["suggestion"] == NAME


def test_another_authority(tidb, tmp_path):
    Authority().write(tmp_path / "other.pem")
    seen = probe(f"127.0.0.1:{tidb.port}", tmp_path / "other.pem", NAME)
    assert (seen["key"], seen["secured"]) == ("tls", "1")
    assert int(seen["doubt"]) in (UNKNOWN_ISSUER, BAD_SIGNATURE)  # the two have the same name
    assert end_of(tidb).ended == "close_notify"


def test_a_server_without_tls(pair):
    with FakeTidb() as server:
        seen = probe(f"127.0.0.1:{server.port}", pair.ca, NAME)
        assert seen["key"] == "tls" and "offers none" in seen["error"]
        assert seen["greeted"] == "1"
        assert end_of(server).ended == "eof"


@pytest.mark.parametrize("tls", [("1.1", "1.1"), ("1.2", "1.2")])
def test_old_tls(pair, tls):
    with FakeTidb(pair, tls=tls) as server:
        seen = probe(f"127.0.0.1:{server.port}", pair.ca, NAME)
        assert seen["protocol"] == ("TLSv1.2" if tls[0] == "1.2" else "")
        assert seen["key"] == ("" if tls[0] == "1.2" else "tls")


# Not a reset right behind the greeting: it takes with it what the probe has not read yet.
@pytest.mark.parametrize("place,what,how", [
    ("greeted", "", "hang"), ("greeted", "", "cut"),
    *((place, "tls", how) for place in ("hello", "tls-half") for how in ("hang", "cut", "reset"))])
def test_a_server_that_stops(tidb, pair, place, what, how):
    tidb.plan = Plan(at={place: how})
    plain = place == "greeted"
    seen = probe(f"127.0.0.1:{tidb.port}", *([] if plain else [pair.ca, NAME]))
    assert seen["key"] == what
    assert seen["greeted"] == "1"


def test_a_refusal_is_passed_on(tidb):
    tidb.plan = Plan(refuse=(1040, "08004", "Too many connections"))
    seen = probe(f"127.0.0.1:{tidb.port}")
    assert seen["key"] == "greeting"
    assert (seen["refusal"], seen["refusal_text"]) == ("1040", "Too many connections")


@pytest.mark.parametrize("plan", [
    Plan(garbage=b"HTTP/1.1 400 Bad Request\r\n\r\n"), Plan(at={"accepted": "hang"}),
    Plan(at={"accepted": "cut"}), Plan(at={"greeting-half": "cut"}),
    Plan(garbage=b"\xff" * 100_000)], ids=["http", "silent", "cut", "half", "noise"])
def test_what_is_no_mysql_server(tidb, plan):
    tidb.plan = plan
    seen = probe(f"127.0.0.1:{tidb.port}")
    assert (seen["key"], seen["connected"], seen["greeted"]) == ("greeting", "1", "0")


def test_a_reset_instead_of_a_greeting(tidb):
    """On a busy machine it is there before the probe knows that it is connected."""
    tidb.plan = Plan(at={"accepted": "reset"})
    seen = probe(f"127.0.0.1:{tidb.port}")
    assert (seen["key"], seen["connected"], seen["greeted"]) in (
        ("greeting", "1", "0"), ("dial", "0", "0"))


def test_a_greeting_in_pieces(tidb):
    tidb.plan = Plan(one_byte=True)
    assert probe(f"127.0.0.1:{tidb.port}")["greeted"] == "1"


def test_nobody_listens():
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        seen = probe(f"127.0.0.1:{unused.getsockname()[1]}")
    assert (seen["key"], seen["connected"]) == ("dial", "0")
    assert "refused" in seen["error"]


def test_a_server_that_never_denies():
    """One that only pretends to be MariaDB keeps nobody longer than the time allows."""
    def serve():
        with listener.accept()[0] as sock, contextlib.suppress(OSError):
            sock.sendall(wire.frame(wire.greeting(
                "10.11.6-MariaDB", 1, wire.make_salt(), wire.TIDB_CAPABILITIES, wire.NATIVE), 0))
            while sock.recv(4096):
                sock.sendall(wire.frame(b"\x01more", 2) * 100)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve)
        thread.start()
        assert probe(f"127.0.0.1:{listener.getsockname()[1]}")["greeted"] == "1"
        thread.join()


# ---- what real servers count --------------------------------------------------------------------


def own_address():
    """One that the host cache keeps: not loopback."""
    with socket.socket(type=socket.SOCK_DGRAM) as sock:
        try:
            sock.connect(("192.0.2.1", 9))
        except OSError:
            return None
        address = sock.getsockname()[0]
    return None if address.startswith("127.") else address


class Resolving:
    """With a host cache, which --skip-name-resolve turns off."""

    def _command(self):
        return [arg for arg in super()._command() if not arg.startswith("--skip-name-resolve")]


class ResolvingMariaDB(Resolving, MariaDB):
    pass


class ResolvingMySQL(Resolving, MySQL):
    pass


SERVERS = [ResolvingMariaDB] + [ResolvingMySQL] * (not why_missing())


@pytest.fixture(scope="module", params=SERVERS, ids=lambda kind: kind.name)
def counting_server(request):
    address = own_address()
    if not address:
        pytest.skip("this machine has no address but loopback, which no host cache keeps")
    options = ["--performance-schema=ON", "--host-cache-size=64", "--max-connect-errors=3"]
    with request.param(options=options, bind="0.0.0.0") as server:
        server.host = address
        server.add_user("first", "secret")
        # It looks for its client's name before it greets, and the first time that may take long.
        server.connect(user="first", password="secret", connect_timeout=60).close()
        yield server


def errors_of(server):
    rows = server.query("SELECT SUM_CONNECT_ERRORS, COUNT_HANDSHAKE_ERRORS"
                        " FROM performance_schema.host_cache")
    return rows[0] if rows else (0, 0)


@pytest.mark.parametrize("secure", [False, True], ids=["plain", "tls"])
def test_a_probe_is_no_connect_error(counting_server, pair, secure):
    """A hundred of them would block this host; here three would."""
    server = counting_server
    args = [pair.ca, NAME] if secure else []
    for _ in range(5):
        seen = probe(f"{server.host}:{server.port}", *args)
        assert seen["greeted"] == "1"
    if secure and seen["secured"] == "1":
        assert seen["key"] == "tls"  # it is not from our authority, and TLS was up nevertheless
    assert errors_of(server) == (0, 0)


def test_what_a_bare_close_would_have_been(counting_server):
    """That the test above can fail."""
    with socket.create_connection((counting_server.host, counting_server.port)) as sock:
        assert sock.recv(4096)
    deadline = time.monotonic() + 20
    while errors_of(counting_server) != (1, 1):
        assert time.monotonic() < deadline, "nothing was counted"
        time.sleep(0.05)


# ---- DNS ----------------------------------------------------------------------------------------


@pytest.mark.skipif(not find_program("dnsmasq"), reason="dnsmasq is not installed")
def test_one_dns_server():
    with Dnsmasq("address=/a.example.com/203.0.113.9\naddress=/none.example.com/\n") as server:
        seen = probe("dns", server.address, "a.example.com")
        assert (seen["address"], seen["error"]) == ("203.0.113.9", "")  # public, and shown
        assert probe("dns", server.address, "none.example.com")["key"] == "dns-nxdomain"


def test_a_dns_server_that_is_not_there():
    with socket.socket(type=socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        seen = probe("dns", f"127.0.0.1:{silent.getsockname()[1]}", "a.example.com")
    assert seen["key"] == "dns-timeout"
