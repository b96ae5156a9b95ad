# SPDX-License-Identifier: Apache-2.0
"""Applications that begin a login in unusual manners, or wrongly, where the proxy takes part in
it."""
import os
import socket
import ssl
import time
import warnings

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

import client as plain_client
import fake_tidb_wire as wire
from certs import Authority
from fake_tidb import SHA2, FakeTidb, User
from tls_scenes import CAPABILITIES, RawClient, Refused, logged_in, permissive, proxy_of, section

PASSWORD = "secret"
LONG = "long enough to need the salt more than twice, " * 4
REQUEST = wire.frame((CAPABILITIES | wire.SSL).to_bytes(4, "little") + bytes(28), 1)
DENIED = "Access denied for user 'sha'@'127.0.0.1' (using password: YES)"


class Scene:
    """Clusters of one server by their client-tls; "old" is one of another version, "hurried" has a
    handshake-timeout of a second."""

    def __init__(self, server, old, proxy, hurried):
        self.server, self.old, self.proxy, self.hurried = server, old, proxy, hurried

    def port(self, cluster="optional"):
        return (self.hurried if cluster == "hurried" else self.proxy).port(cluster)

    @property
    def conn(self):
        return self.server.conns[-1]

    def closed(self, close, after):
        return self.proxy.wait_log(f"connection closed .*close={close} ", after=after).string

    def log_text(self):
        return self.proxy.log_text() + self.hurried.log_text() + self.server.log_text()


@pytest.fixture(scope="module")
def scene(tmp_path_factory):
    pair = Authority().server(tmp_path_factory.mktemp("certs"), ["127.0.0.1"])
    users = {"app": User(PASSWORD), "sha": User(PASSWORD, SHA2), "empty": User("", SHA2),
             "long": User(LONG, SHA2), "longest": User("x" * 255, SHA2)}
    with FakeTidb(pair, users) as server, \
            FakeTidb(pair, users, version="5.7.25-TiDB-v6.5.0") as old:
        clusters = {name: section(server, tls_ca=pair.ca, client_tls=name)
                    for name in ("optional", "off", "required")}
        clusters["old"] = section(old, tls_ca=pair.ca)
        hurried = {"hurried": section(server, tls_ca=pair.ca)}
        with proxy_of(clusters) as proxy, proxy_of(hurried, handshake_timeout="1s") as other:
            yield Scene(server, old, proxy, other)


def expect_refused(client, number, state, *words):
    """It is told, and then the proxy closes."""
    with pytest.raises(Refused) as error:
        client.take()
    assert (error.value.number, error.value.state) == (number, state)
    for text in words:
        assert text in error.value.text
    assert client.read_to_the_end() == b""
    return error.value


# ---- unusual, and fine ---------------------------------------------------------------------------

@pytest.mark.parametrize("coalesced", [False, True])
@pytest.mark.parametrize("one_byte", [False, True])
@pytest.mark.parametrize("user", ["app", "sha"])
def test_segments(scene, coalesced, one_byte, user):
    """SSLRequest and ClientHello in one segment, or every byte in one of its own."""
    with RawClient(scene.port(), one_byte) as client:
        client.start_tls(coalesced=coalesced).log_in(user)
        assert client.query("SELECT 'here'") == [b"here"]
    assert scene.conn.sequences == ([1, 2] if user == "app" else [1, 2, 4, 6])


def test_plain_in_single_bytes(scene):
    with RawClient(scene.port(), one_byte=True) as client:
        client.log_in("sha")
        assert client.query("SELECT 'here'") == [b"here"]


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_versions_of_tls(scene, version):
    context = permissive()
    context.minimum_version = context.maximum_version = version
    with RawClient(scene.port()) as client:
        client.start_tls(context).log_in()
        assert client.tls.version() == version.name.replace("_", ".")


@pytest.mark.parametrize("tls", [False, True])
def test_a_command_before_the_ok_waits_for_it(scene, tls):
    with RawClient(scene.port()) as client:
        if tls:
            client.start_tls()
        client.send(wire.frame(client.response("app", PASSWORD.encode()), client.sequence) +
                    wire.frame(b"\x03SELECT 'hasty'", 0))
        client.sequence += 1
        client.authenticate(b"")  # reads its OK
        client.sequence = 1
        rows = [client.take() for _ in range(4)]
        assert b"hasty" in rows[2]
    assert scene.conn.queries == ["SELECT 'hasty'"]


@pytest.mark.parametrize("size", [100, 70_000, 1_000_000])
@pytest.mark.parametrize("tls", [False, True])
def test_connection_attributes(scene, size, tls):
    """TiDB takes them up to 1 MiB (pkg/server/internal/parse/parse.go)."""
    attributes = wire.lenenc(b"key") + wire.lenenc(b"v" * size)
    with RawClient(scene.port(), capabilities=CAPABILITIES | wire.CONNECT_ATTRS) as client:
        if tls:
            client.start_tls()
        client.put(client.response("app", PASSWORD.encode()) + wire.lenenc(attributes))
        client.authenticate(PASSWORD.encode())
        assert client.query("SELECT 1") == [b"1"]
    assert scene.conn.attributes == {"key": "v" * size}


# ---- wrong ---------------------------------------------------------------------------------------

BROKEN = {
    "empty": b"", "one-byte": b"\x05", "capabilities-only": CAPABILITIES.to_bytes(4, "little"),
    "ssl-request-of-4": (CAPABILITIES | wire.SSL).to_bytes(4, "little"),
    "31-bytes": CAPABILITIES.to_bytes(4, "little") + bytes(27)}


@pytest.mark.parametrize("name", BROKEN)
@pytest.mark.parametrize("tls", [False, True])
def test_no_answer_to_a_greeting(scene, name, tls):
    with RawClient(scene.port()) as client:
        if tls:
            client.start_tls()
        client.put(BROKEN[name])
        expect_refused(client, 1043, "08S01", "tidblink: bad handshake")
    assert scene.conn.wait_ended() and scene.conn.raw == b""


@pytest.mark.parametrize("announced", [0xFFFFFF, (1 << 20) + 1])
def test_an_answer_that_is_too_long(scene, announced):
    """It is not waited for; and what its client sends meanwhile does not take the text away."""
    with RawClient(scene.port()) as client:
        client.send_raw(announced.to_bytes(3, "little") + b"\x01" + client.head() + b"x" * 300_000)
        client.sequence = 2
        expect_refused(client, 1043, "08S01", "bad handshake")


def test_the_protocol_of_mysql_4_0(scene):
    """Protocol::HandshakeResponse320."""
    with RawClient(scene.port()) as client:
        client.put(b"\x05\x00\x00\x00\x01app\0password\0")
        expect_refused(client, 1251, "08004", "protocol of before MySQL 4.1")


def test_a_packet_that_is_cut_off(scene):
    after = scene.proxy.mark()
    with RawClient(scene.port()) as client:
        client.send_raw(wire.frame(client.response("app", PASSWORD.encode()), 1)[:-3])
        client.sock.shutdown(socket.SHUT_WR)
        assert client.read_to_the_end() == b""
    scene.closed("client-gone", after)
    assert scene.conn.wait_ended() and scene.conn.raw == b""


BODIES = {
    "no-user": b"app", "no-auth": b"app\0", "auth-too-long": b"app\0\xffshort",
    "no-plugin": b"app\0\x00", "plugin-without-end": b"app\0\x00mysql_native_password"}


@pytest.mark.parametrize("name", BODIES)
def test_what_is_broken_inside_is_told_by_the_server(scene, name):
    """Beyond the first 32 bytes nothing concerns the proxy."""
    with RawClient(scene.port()) as client:
        client.put(client.head() + BODIES[name])
        with pytest.raises((Refused, EOFError)):
            client.take()
    assert scene.conn.response[36:] == BODIES[name]


# ---- TLS with the application --------------------------------------------------------------------

def test_tls_that_is_not_offered(scene):
    with RawClient(scene.port("off")) as client:
        assert not client.offers_tls
        client.capabilities |= wire.SSL
        client.put(client.head())
        expect_refused(client, 1043, "08S01", "client-tls is off", "client-tls = optional")
    assert scene.conn.wait_ended() and scene.conn.raw == b""


@pytest.mark.parametrize("user", ["app", "sha"])
def test_tls_that_is_required(scene, user):
    with RawClient(scene.port("required")) as client:
        assert client.offers_tls
        client.put(client.response(user, PASSWORD.encode()))
        expect_refused(client, 3159, "HY000", "client-tls is required", "sslMode=REQUIRED")
    assert scene.conn.wait_ended() and scene.conn.raw == b""
    logged_in(scene.port("required"), user, tls=True).sock.close()


@pytest.mark.parametrize("claimed", ["whole answer", "twice"])
def test_tls_that_is_claimed_and_not_begun(scene, claimed):
    with RawClient(scene.port()) as client:
        client.capabilities |= wire.SSL
        if claimed == "twice":
            client.start_tls()
            client.put(client.head())
        else:
            client.put(client.response("app", PASSWORD.encode()))
        expect_refused(client, 1043, "08S01", "bad handshake")
    assert scene.conn.raw == b""


def test_a_client_that_does_not_trust_us(scene):
    """The log has its alert: it is the first thing that is asked for."""
    after = scene.proxy.mark()
    context = ssl.create_default_context()
    with RawClient(scene.port()) as client, pytest.raises(ssl.SSLCertVerificationError):
        client.start_tls(context, name="localhost")
    line = scene.closed("client-tls", after)
    assert "error=client-tls" in line and "alert unknown ca" in line and "client-tls-cert" in line


def test_a_client_of_tls_1_1(scene):
    after = scene.proxy.mark()
    context = permissive()
    context.set_ciphers("DEFAULT:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
    with RawClient(scene.port()) as client, pytest.raises(ssl.SSLError) as error:
        client.start_tls(context)
    assert "PROTOCOL_VERSION" in error.value.reason
    assert "unsupported protocol" in scene.closed("client-tls", after)


@pytest.mark.parametrize("bytes_", [
    b"\x16\x03\x01\xff\xff" + b"\xff" * 300, b"GET / HTTP/1.1\r\n\r\n", b"\0" * 64,
    b"\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00"], ids=["long", "http", "zeros", "empty-hello"])
def test_garbage_in_place_of_a_client_hello(scene, bytes_):
    after = scene.proxy.mark()
    with RawClient(scene.port()) as client:
        client.send_raw(REQUEST + bytes_)
        assert len(plain_client.read_to_the_end(client.sock)) <= 7  # an alert
    scene.closed("client-tls", after)
    assert scene.conn.wait_ended() and scene.conn.raw == b""


@pytest.mark.parametrize("end", ["fin", "reset"])
@pytest.mark.parametrize("place", ["request", "hello"])
def test_a_client_that_leaves_in_the_handshake(scene, end, place):
    with RawClient(scene.port()) as client:
        client.tls = permissive().wrap_bio(client.into, client.out)
        with pytest.raises(ssl.SSLWantReadError):
            client.tls.do_handshake()
        client.send_raw(wire.frame(client.head(), 1))
        if place == "hello":
            client.send_raw(client.out.read())
            assert client.sock.recv(1)
        if end == "reset":
            plain_client.reset(client.sock)
    assert scene.conn.wait_ended() and scene.conn.raw == b""


@pytest.mark.parametrize("place", ["greeting", "answer"])
def test_a_client_that_falls_silent_is_told(scene, place):
    """With the number that it expects when it has sent its answer after all."""
    before = time.monotonic()
    with RawClient(scene.port("hurried")) as client:
        if place == "answer":
            client.start_tls()
        assert scene.conn.wait_ended() and scene.conn.raw == b""
        assert time.monotonic() - before > 0.9
        client.put(client.response("app", PASSWORD.encode()))
        expect_refused(client, 1159, "08S01", "handshake-timeout", "1000 ms")


@pytest.mark.parametrize("begun", [REQUEST, REQUEST + b"\x16\x03\x01\x01\x00\x01"])
def test_a_client_that_falls_silent_in_the_handshake(scene, begun):
    """Nothing can be told while TLS is not there."""
    before = time.monotonic()
    with RawClient(scene.port("hurried")) as client:
        client.send_raw(begun)
        assert plain_client.read_to_the_end(client.sock) == b""
    assert time.monotonic() - before > 0.9
    assert scene.conn.wait_ended() and scene.conn.raw == b""


# ---- caching_sha2_password without TLS -----------------------------------------------------------

def test_an_empty_password(scene):
    with logged_in(scene.port(), "empty", ""):
        assert scene.conn.auth_packets[-1] == b""


@pytest.mark.parametrize("user, password", [("sha", PASSWORD), ("long", LONG)])
@pytest.mark.parametrize("cluster", ["optional", "off"])
def test_the_password_arrives(scene, user, password, cluster):
    with logged_in(scene.port(cluster), user, password):
        assert scene.conn.password == password.encode()


def ask_for_password(client, user="sha", password=PASSWORD):
    """Until the server wants the password itself; the proxy's public key."""
    client.put(client.response(user, password.encode()))
    switch = client.take()
    client.plugin, client.salt = SHA2, switch.split(b"\0", 1)[1][:20]
    client.put(client.proof(password.encode()))
    assert client.take() == b"\x01\x04"


def take_key(client):
    client.put(b"\x02")
    return serialization.load_pem_public_key(client.take()[1:])


def masked(client, password, size=20):
    salt = (client.salt + b"\0")[:size]
    text = password.encode() + b"\0"
    return bytes(byte ^ salt[at % size] for at, byte in enumerate(text))


OAEP = padding.OAEP(padding.MGF1(hashes.SHA1()), hashes.SHA1(), None)


def test_a_client_that_repeats_the_salt_with_its_nul(scene):
    with RawClient(scene.port()) as client:
        ask_for_password(client, "long", LONG)
        client.put(take_key(client).encrypt(masked(client, LONG, 21), OAEP))
        client.authenticate(b"")
    assert scene.conn.password == LONG.encode()


def test_the_old_padding_for_an_old_version(scene):
    """Connector/J pads for servers before 8.0.5 as PKCS #1 v1.5 says."""
    with RawClient(scene.port("old")) as client:
        ask_for_password(client)
        client.put(take_key(client).encrypt(masked(client, PASSWORD), padding.PKCS1v15()))
        client.authenticate(b"")
    assert scene.old.conns[-1].password == PASSWORD.encode()


def test_a_password_in_the_clear(scene):
    """Of MariaDB's client with --ssl, which does not look whether there is TLS. One of 255 bytes is
    as long as what the key encrypts."""
    with RawClient(scene.port()) as client:
        ask_for_password(client, "longest", "x" * 255)
        client.put(b"x" * 255 + b"\0")
        client.authenticate(b"")
    assert scene.conn.password == b"x" * 255


@pytest.mark.parametrize("what", [
    "another key", "another padding", "noise", "ones", "largest", "no mask", "wrong password"])
def test_what_cannot_be_decrypted_is_a_wrong_password(scene, what):
    """To the byte: who tries them out learns nothing from it."""
    after = scene.proxy.mark()
    with RawClient(scene.port()) as client:
        ask_for_password(client)
        key, text = take_key(client), masked(client, PASSWORD)
        if what == "another key":
            key = rsa.generate_private_key(65537, 2048).public_key()
        client.put({
            "another key": lambda: key.encrypt(text, OAEP),
            "another padding": lambda: key.encrypt(text, padding.PKCS1v15()),
            "noise": lambda: os.urandom(256), "ones": lambda: b"\1" * 256,
            "largest": lambda: b"\xff" * 256,
            "no mask": lambda: key.encrypt(b"a\0b\0", OAEP),
            "wrong password": lambda: key.encrypt(masked(client, "wrong"), OAEP)}[what]())
        refusal = expect_refused(client, 1045, "28000")
        assert refusal.text == DENIED
    scene.closed("login-refused", after)
    hint = "does the client pin another key" in "\n".join(scene.proxy.lines[after:])
    assert hint == (what != "wrong password")
