# SPDX-License-Identifier: Apache-2.0
"""The fake TiDB that other suites stand on: it is TiDB to clients, strict, and bad when told to."""
import contextlib
import os
import socket
import ssl
import subprocess
import threading
import warnings

import pymysql
import pytest

import client
from certs import EXPIRED, NOT_YET, Authority, self_signed
from clients import CLIENTS, plain_link, run, unavailable
from fake_tidb import (
    CLEAR, DOUBLE_REFUSAL, NATIVE, SHA2, TIPROXY_CAPABILITIES, TOO_MANY, FakeTidb, Plan, User)
from fake_tidb_wire import PLUGIN_AUTH, PROTOCOL_41, SECURE_CONNECTION, SSL, frame, native_scramble
from mysql_root import mysql_client, why_missing

HOST = "node.db.example"
NAMES = [HOST, "127.0.0.1"]
USERS = {"app": User("secret"), "sha": User("s3cr3t", SHA2), "none": User("", SHA2),
         "clear": User("token", CLEAR), "relay": User(plugin="x_test", rounds=(b"\x01one", b"two"))}
CAPABILITIES = PROTOCOL_41 | SECURE_CONNECTION | PLUGIN_AUTH
# Its fields are those of writeInitialHandshake in pingcap/tidb, pkg/server/conn.go.
GREETING = bytes.fromhex(
    "56000000" "0a" "382e302e31312d546944422d76382e352e3300" "34120000" "3132333435363738" "00"
    "afae" "2e" "0200" "1b05" "15" "00000000000000000000" "393a3b3c3d3e3f4041424344" "00"
    "6d7973716c5f6e61746976655f70617373776f726400")
OK = bytes.fromhex("00000002000000")


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    return Authority().server(tmp_path_factory.mktemp("certs"), NAMES)


@pytest.fixture
def server(pair):
    with FakeTidb(pair, users=USERS) as found:
        yield found


@pytest.fixture
def plain():
    with FakeTidb(users=USERS) as found:
        yield found


def connect(server, user="app", password="secret", pair=None, **options):
    if pair:
        options["ssl"] = {"ca": str(pair.ca)}
    return pymysql.connect(host="127.0.0.1", port=server.port, user=user, password=password,
                           autocommit=True, **options)


def select(conn, query="SELECT 1"):
    with conn, conn.cursor() as cursor:
        cursor.execute(query)
        return cursor.fetchall()


class Raw:
    """A client by hand."""

    def __init__(self, server):
        self.sock = client.connect(server.port)
        self.greeting = None
        if server.plan.garbage is None:
            self.greeting = client.read_packet(self.sock)

    def head(self, more=0):
        return (CAPABILITIES | more).to_bytes(4, "little") + b"\0\0\0\1" + b"\x2e" + bytes(23)

    def response(self, password=b"secret", user=b"app", plugin=NATIVE, more=0):
        at = self.greeting.index(b"\0", 5) + 5
        salt = self.greeting[at:at + 8] + self.greeting[at + 27:at + 39]
        proof = native_scramble(password, salt)
        return (self.head(more) + user + b"\0" + bytes([len(proof)]) + proof +
                plugin.encode() + b"\0")

    def send(self, payload, sequence):
        self.sock.sendall(frame(payload, sequence))

    def log_in(self, sequence=1, **fields):
        self.send(self.response(**fields), sequence)

    def start_tls(self, context, session=None, **options):
        self.send(self.head(SSL), 1)
        self.sock = context.wrap_socket(self.sock, server_hostname=HOST, session=session, **options)
        return self.sock

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.sock.close()


def tls_context(pair, version=None, weak=False):
    context = ssl.create_default_context(cafile=pair.ca)
    context.options &= ~ssl.OP_IGNORE_UNEXPECTED_EOF
    context.hostname_checks_common_name = False
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of TLS 1.1
        if version:
            context.minimum_version = context.maximum_version = version
    if weak:
        context.set_ciphers("DEFAULT:@SECLEVEL=0")
    return context


# ---- as TiDB -------------------------------------------------------------------------------------

def test_the_greeting_byte_for_byte(pair):
    with FakeTidb(pair, salt=bytes(range(0x31, 0x45)), first_id=0x1234) as server:
        with Raw(server) as raw:
            assert raw.greeting == GREETING
    with FakeTidb(pair, capabilities=TIPROXY_CAPABILITIES, plugin=SHA2) as server:
        with Raw(server) as raw:
            at = raw.greeting.index(b"\0", 5) + 5
            assert raw.greeting[at + 9:at + 16] == bytes.fromhex("efee2e02003b05")
            assert raw.greeting.endswith(SHA2.encode() + b"\0")


def test_pymysql_without_tls(plain):
    assert select(connect(plain)) == ((1,),)
    conn = plain.accept()
    conn.wait_ended()
    assert (conn.user, conn.plugin, conn.switched, conn.tls) == ("app", NATIVE, False, False)
    assert conn.sequences == [1] and conn.ended == "quit" and "SELECT 1" in conn.queries
    assert conn.client_plugin == NATIVE and conn.attributes["_client_name"] == "pymysql"


def test_pymysql_with_caching_sha2_over_tls(server, pair):
    assert select(connect(server, "sha", "s3cr3t", pair), "SELECT 'x'") == (("x",),)
    conn = server.accept()
    conn.wait_ended()
    assert conn.password == b"s3cr3t" and conn.switched and conn.plugin == SHA2
    assert conn.tls_version == "TLSv1.3" and conn.sni is None and not conn.resumed
    assert conn.sequences == [1, 2, 4, 6] and conn.same_prefix
    assert conn.ssl_request == frame(conn.response[4:36], 1)
    assert conn.ssl_request[:4] == b"\x20\0\0\1" and b"s3cr3t" not in conn.raw
    assert (server.connections, server.handshakes, server.logins) == (1, 1, 1)


def test_caching_sha2_without_tls_is_denied(server):
    """TiDB takes the request for its key as the password."""
    with pytest.raises(pymysql.err.OperationalError, match="1045.*using password: YES"):
        connect(server, "sha", "s3cr3t")
    assert server.accept().password == b"\x02"


def test_other_ways_to_log_in(server, pair):
    assert select(connect(server, "none", "", pair)) == ((1,),)
    server.plan, server.plugin = Plan(fast_auth=True), SHA2
    assert select(connect(server, "sha", "s3cr3t")) == ((1,),)
    assert server.conns[1].auth_packets == []
    for user, password in (("app", "wrong"), ("sha", "wrong"), ("nobody", "secret")):
        with pytest.raises(pymysql.err.OperationalError, match=f"1045.*'{user}'@'127.0.0.1'"):
            connect(server, user, password, pair)


@pytest.mark.parametrize("user", ["clear", "relay"])
def test_rounds_by_hand(plain, user):
    with Raw(plain) as raw:
        raw.log_in(user=user.encode())
        switch = client.read_packet(raw.sock)
        if user == "clear":
            assert switch[3:26] == b"\x02\xfemysql_clear_password\0"
            raw.send(b"token\0", 3)
        else:
            assert switch[3:12] == b"\x02\xfex_test\0" and len(switch[12:]) == 21
            raw.send(b"\x00first", 3)
            for sequence, said in ((5, b"\x01one"), (7, b"two")):
                assert client.read_packet(raw.sock)[4:] == said
                raw.send(said, sequence)
        last = plain.accept().wait_step("ok").sequences[-1]
        assert client.read_packet(raw.sock) == frame(OK, last + 1)
    assert plain.conns[0].auth_packets == (
        [b"token\0"] if user == "clear" else [b"\x00first", b"\x01one", b"two"])


def test_an_unknown_user_is_switched_first(plain):
    for sequence, switches in ((2, True), (4, False)):
        plain.switch_unknown = switches
        with Raw(plain) as raw:
            raw.log_in(user=b"nobody", plugin=SHA2)
            packet = client.read_packet(raw.sock)
            if switches:
                assert packet[3:27] == b"\x02\xfemysql_native_password\0"
                raw.send(b"", 3)
                packet = client.read_packet(raw.sock)
                assert packet[3] == 4 and packet.endswith(b"(using password: NO)")
            assert packet[4:14] == b"\xff\x15\x04#28000A"


def test_a_wrong_sequence_number(server, pair):
    with Raw(server) as raw:
        raw.log_in(sequence=2)
        assert client.read_all(raw.sock) == frame(
            b"\xff\x74\x1finvalid sequence, received 2 while expecting 1", 1)
    with Raw(server) as raw:
        raw.start_tls(tls_context(pair))
        raw.log_in(sequence=1)
        assert client.read_all(raw.sock)[3:7] == b"\x02\xff\x74\x1f"
    with Raw(server) as raw:
        raw.log_in()
        assert client.read_packet(raw.sock) == frame(OK, 2)
        raw.send(b"\x0e", 1)
        assert client.read_all(raw.sock) == b""
    assert server.conns[2].error.startswith("8052 ")


def test_malformed_and_old_responses(plain):
    for payload, number in ((b"\0", 1105), (b"\0\2" + bytes(20), 1105), (bytes(40), 1251),
                            (b"\0\2\0\0" + bytes(28) + b"app", 1105)):
        with Raw(plain) as raw:
            raw.send(payload, 1)
            packet = client.read_all(raw.sock)
            assert packet[3:5] == b"\x02\xff"
            assert int.from_bytes(packet[5:7], "little") == number and packet[7:8] != b"#"


def test_the_clienthello_in_the_same_segment(server, pair):
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = tls_context(pair).wrap_bio(incoming, outgoing, server_hostname=HOST)
    with Raw(server) as raw:
        with contextlib.suppress(ssl.SSLWantReadError):
            tls.do_handshake()
        raw.sock.sendall(frame(raw.head(SSL), 1) + outgoing.read())
        while True:
            with contextlib.suppress(ssl.SSLWantReadError):
                tls.do_handshake()
                break
            incoming.write(raw.sock.recv(65536))
        raw.sock.sendall(outgoing.read())
        assert server.accept().wait_step("tls").sni == HOST


def test_sessions_are_resumed(server, pair):
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        session, context = None, tls_context(pair, version)
        for resumed in (False, True):
            with Raw(server) as raw:
                tls = raw.start_tls(context, session)
                raw.log_in(2)
                assert client.read_packet(tls)[4:] == OK
                session = tls.session
                assert server.accept().wait_step("ok").resumed == resumed
    server.wait_resumed(2)
    assert (server.handshakes, server.resumed) == (4, 2)


@pytest.mark.parametrize("name", ["1.1", "1.2", "1.3"])
def test_one_version_only(server, pair, name):
    server.use(pair, (name, name))
    version = getattr(ssl.TLSVersion, "TLSv" + name.replace(".", "_"))
    with Raw(server) as raw:
        raw.start_tls(tls_context(pair, version, weak=True))
        assert server.accept().wait_step("tls").tls_version == f"TLSv{name}"
    other = ssl.TLSVersion.TLSv1_3 if name != "1.3" else ssl.TLSVersion.TLSv1_2
    with Raw(server) as raw, pytest.raises(ssl.SSLError):
        raw.start_tls(tls_context(pair, other))
    server.wait_failed_handshakes()


def test_bulk_and_large_packets(server, pair):
    rows = select(connect(server, pair=pair), "BULK 3 20000000")
    assert [len(row[0]) for row in rows] == [20000000] * 3
    text = "SELECT a FROM b /* " + "x" * (1 << 24) + " */"
    assert select(connect(server, pair=pair), text) == ((text,),)


@pytest.mark.parametrize("name", CLIENTS)
def test_drivers(plain, name):
    if unavailable(name):
        pytest.skip(f"{name}: {unavailable(name)}")
    done = run(name, "127.0.0.1", plain.port, "app", "secret", "test", "connect-and-select",
               query="SELECT 'x'", link=plain_link(name))
    assert done == (0, "x\n", "")


@pytest.mark.parametrize("user, password", [("app", "secret"), ("sha", "s3cr3t")])
def test_mariadb_client_over_tls(server, pair, user, password):
    done = subprocess.run(
        ["mariadb", "--no-defaults", "--host=127.0.0.1", f"--port={server.port}", f"--user={user}",
         f"--ssl-ca={pair.ca}", "--ssl-verify-server-cert", "-BNe",
         "SELECT 1, 'x', @@autocommit; SHOW STATUS LIKE 'Ssl_version'"],
        env={**os.environ, "MYSQL_PWD": password}, stdin=subprocess.DEVNULL, capture_output=True,
        text=True, timeout=30, check=False)
    assert done.stdout == "1\tx\t1\nSsl_version\tTLSv1.3\n", done.stderr
    assert server.accept().wait_step("ok").same_prefix


@pytest.mark.skipif(why_missing() is not None, reason=str(why_missing()))
def test_mysql_client_over_tls(server, pair):
    done = subprocess.run(
        [*mysql_client(), "--host=127.0.0.1", f"--port={server.port}", "--user=sha",
         f"--ssl-ca={pair.ca}", "--ssl-mode=VERIFY_CA", "-BNe", "SELECT CONNECTION_ID()"],
        env={**os.environ, "MYSQL_PWD": "s3cr3t"}, stdin=subprocess.DEVNULL, capture_output=True,
        text=True, timeout=30, check=False)
    assert done.stdout == f"{server.accept().id}\n", done.stderr


# ---- misbehaviour --------------------------------------------------------------------------------

def test_double_refusal(plain):
    plain.plan = DOUBLE_REFUSAL
    with Raw(plain) as raw:
        raw.log_in()
        text = b"\xff\x10\x04#08004Too many connections"
        assert client.read_all(raw.sock) == frame(text, 2) + frame(text, 3)
    plain.accept().wait_ended()


def test_other_beginnings(server):
    server.plan = Plan(refuse=TOO_MANY)
    assert client.refusal(server.port) == (1040, "Too many connections")
    server.plan = Plan(garbage=b"HTTP/1.1 400 Bad Request\r\n\r\n")
    with Raw(server) as raw:
        assert client.read_all(raw.sock) == server.plan.garbage
    server.plan = Plan(strip_ssl=True)
    with Raw(server) as raw:
        at = raw.greeting.index(b"\0", 5) + 5
        assert raw.greeting[at + 9:at + 11] == b"\xaf\xa6"


def test_a_greeting_that_waits(plain):
    event = threading.Event()
    plain.plan_next(Plan(at={"accepted": event}))
    with client.connect(plain.port) as sock:
        plain.accept().wait_step("accepted")
        sock.settimeout(0.1)
        with pytest.raises(TimeoutError):
            sock.recv(1)
        sock.settimeout(client.WAIT_SECONDS)
        event.set()
        client.read_greeting(sock)


def test_byte_by_byte(server, pair):
    server.plan = Plan(one_byte=True)
    assert select(connect(server, "sha", "s3cr3t", pair), "BULK 2 3") == (("xxx",),) * 2


@pytest.mark.parametrize("how", ["close", "cut", "reset"])
@pytest.mark.parametrize("place", ["accepted", "greeting-half", "greeted", "hello", "tls-half",
                                   "tls", "response", "auth", "ok-half", "ok", "command"])
def test_ends(server, pair, place, how):
    server.plan_next(Plan(at={place: how}))
    with pytest.raises((pymysql.err.OperationalError, OSError)):
        select(connect(server, pair=pair))
    conn = server.accept()
    conn.wait_ended()
    assert conn.ended == f"server {how}"
    assert ("ok" in conn.steps) == (place in ("ok", "command"))


# The last one is how Python's ssl tells of ECONNRESET here.
@pytest.mark.parametrize("how, seen", [("close", None), ("cut", "unexpected eof while reading"),
                                       ("reset", "EOF occurred in violation of protocol")])
def test_ends_on_demand(server, pair, how, seen):
    with Raw(server) as raw:
        tls = raw.start_tls(tls_context(pair), suppress_ragged_eofs=False)
        raw.log_in(2)
        client.read_packet(tls)
        conn = server.accept()
        conn.wait_step("ok").end(how)
        if seen:
            with pytest.raises(ssl.SSLError, match=seen):
                tls.recv(1)
        else:
            assert tls.recv(1) == b""
        assert conn.ended == f"server {how}"


def test_resets_without_tls(plain):
    with Raw(plain) as raw:
        plain.accept().wait_step("greeted").end("reset")
        with pytest.raises(ConnectionResetError):
            raw.sock.recv(1)


@pytest.mark.parametrize("ended", ["close_notify", "eof", "reset", "quit"])
def test_how_clients_end(server, pair, ended):
    with Raw(server) as raw:
        tls = raw.start_tls(tls_context(pair))
        raw.log_in(2)
        client.read_packet(tls)
        if ended == "close_notify":
            tls.unwrap()
        elif ended == "reset":
            client.reset(tls)
        elif ended == "quit":
            raw.send(b"\x01", 0)
        else:
            tls.close()
        conn = server.accept()
        conn.wait_ended()
        assert conn.ended == ended
        assert conn.error is None or ended == "reset"


def test_silence_and_odd_packets(server):
    server.plan_next(Plan(at={"hello": "hang"}), Plan(huge=True),
                     Plan(inject=(b"",), rounds=(b"\x01more",)))
    with Raw(server) as raw:
        raw.send(raw.head(SSL), 1)
        raw.sock.sendall(b"\x16")  # begins a ClientHello
        raw.sock.shutdown(socket.SHUT_WR)
        assert client.read_all(raw.sock)[3:7] == b"\x02\xff\x51\x04"  # 1105, in the clear
    with Raw(server) as raw:
        raw.log_in()
        assert client.read_exactly(raw.sock, 1004)[:5] == b"\xff\xff\xff\x02\x01"
    with Raw(server) as raw:
        raw.log_in()
        assert client.read_exactly(raw.sock, 13) == frame(b"", 2) + frame(b"\x01more", 3)
        raw.send(b"yes", 4)
        assert client.read_packet(raw.sock) == frame(OK, 5)
    server.wait_open(0)
    assert [conn.ended for conn in server.conns] == ["eof"] * 3
    assert server.conns[2].auth_packets == [b"yes"]


# ---- certificates --------------------------------------------------------------------------------

WAYS = {
    "good": (dict(names=["other.example", HOST]), None),
    "rsa": (dict(names=[HOST], key="rsa"), None),
    "wildcard": (dict(names=["*.db.example"]), None),
    "other name": (dict(names=["x.example"]), "Hostname mismatch"),
    "partial wildcard": (dict(names=["n*.db.example"]), "Hostname mismatch"),
    "expired": (dict(names=[HOST], valid=EXPIRED), "has expired"),
    "not yet valid": (dict(names=[HOST], valid=NOT_YET), "not yet valid"),
    "common name only": (dict(names=[HOST], alternatives=False), "Hostname mismatch"),
    "no chain": (dict(names=[HOST], chain=False), "unable to get local issuer"),
}


@pytest.mark.parametrize("way", WAYS)
def test_certificates(server, tmp_path, way):
    options, complaint = WAYS[way]
    check(server, Authority().intermediate().server(tmp_path, **options), complaint)


def test_self_signed_certificates_and_those_of_others(server, tmp_path):
    pair = self_signed(tmp_path, [HOST])
    check(server, pair, None)
    check(server, pair, "self-signed", trusted=Authority("other").server(tmp_path, NAMES))


def check(server, pair, complaint, trusted=None):
    server.use(pair)
    with Raw(server) as raw:
        if complaint is None:
            raw.start_tls(tls_context(trusted or pair))
            server.accept().wait_step("tls")
            return
        with pytest.raises(ssl.SSLCertVerificationError, match=complaint):
            raw.start_tls(tls_context(trusted or pair))
        failed = server.accept()
        failed.wait_ended()
        assert "ALERT" in failed.tls_error
