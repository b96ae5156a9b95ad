# SPDX-License-Identifier: Apache-2.0
"""A cluster or an application that does not do during the login what it should: who is told what,
that it ends in time, and that the next one is served all the same."""
import contextlib
import os
import select
import signal
import socket
import ssl
import threading
import time
from pathlib import Path

import pytest

import client as plain_client
import fake_tidb_wire as wire
from certs import Authority
from fake_tidb import DOUBLE_REFUSAL, SHA2, TOO_MANY, FakeTidb, Plan, User
from tls_scenes import (FULL, WAIT_SECONDS, RawClient, Refused, logged_in, proxy_of, refused,
                        section)

PATIENCE_SECONDS = 1  # the handshake-timeout of "hurried"
PASSWORD = "secret"


class Scene:
    """Clusters of one server by their client-tls; "hurried" is in another proxy, with a short
    handshake-timeout."""

    def __init__(self, server, proxy, hurried, ca):
        self.server, self.proxy, self.hurried, self.ca = server, proxy, hurried, ca

    @property
    def conn(self):
        """The server's end of the newest connection."""
        return self.server.conns[-1]

    def port(self, cluster="optional"):
        return (self.hurried if cluster == "hurried" else self.proxy).port(cluster)

    def is_well(self, cluster="optional"):
        """The next one is served."""
        with logged_in(self.port(cluster)) as client:
            assert client.query("SELECT 'well'") == [b"well"]

    def next(self, **plan):
        self.server.plan_next(Plan(**plan))

    def log_text(self):
        return self.proxy.log_text() + self.hurried.log_text() + self.server.log_text()


@pytest.fixture(scope="module")
def scene(tmp_path_factory):
    pair = Authority().server(tmp_path_factory.mktemp("certs"), ["127.0.0.1"])
    users = {"app": User(PASSWORD), "sha": User(PASSWORD, SHA2),
             "odd": User(plugin="nobody_knows_it", rounds=(b"\x01one", b"two", b"\x02", b""))}
    with FakeTidb(pair, users) as server:
        clusters = {name: section(server, tls_ca=pair.ca, client_tls=name)
                    for name in ("optional", "off")}
        hurried = {"hurried": section(server, tls_ca=pair.ca)}
        with proxy_of(clusters) as proxy, \
                proxy_of(hurried, handshake_timeout=f"{PATIENCE_SECONDS}s") as other:
            yield Scene(server, proxy, other, pair.ca)


@pytest.fixture(params=[False, True], ids=["client-plain", "client-tls"])
def tls(request):
    """Whether the client uses TLS: what it is told comes either way."""
    return request.param


def is_told(scene, *words, number=1105, cluster="optional", **login):
    refusal = refused(scene.port(cluster), **login)
    assert (refusal.number, refusal.state) == (number, "HY000" if number == 1105 else "08S01")
    for text in ("tidblink: ", f"cluster {cluster}", *words):
        assert text in refusal.text
    assert len(refusal.text) <= 380


def queued(local, remote):
    """What the kernel holds of a connection of 127.0.0.1: (not acknowledged, not read)."""
    ends = [f"0100007F:{port:04X}" for port in (local, remote)]
    for line in Path("/proc/net/tcp").read_text().splitlines():
        if (fields := line.split())[1:3] == ends:
            return [int(number, 16) for number in fields[4].split(":")]
    raise AssertionError(f"no connection from {local} to {remote}")


def wait_still(conn):
    """Until nothing moves between the server and the proxy any more."""
    port, seen = conn.server.port, []
    while len(seen) < 5 or len(set(seen[-5:])) > 1:
        seen.append((*queued(port, conn.peer_port), *queued(conn.peer_port, port)))
        time.sleep(0.01)


def wait_read(conn):
    """Until the proxy has read all that the server has sent."""
    deadline = time.monotonic() + WAIT_SECONDS
    port = conn.server.port
    while queued(port, conn.peer_port)[0] or queued(conn.peer_port, port)[1]:
        assert time.monotonic() < deadline, "the proxy does not read"
        time.sleep(0.01)


# ---- TLS with the cluster does not come about ----------------------------------------------------

@pytest.mark.parametrize("place", ["hello", "tls-half"])
@pytest.mark.parametrize("end, words", [
    ("cut", "failed in the handshake: "), ("reset", "failed in the handshake: Connection reset")])
def test_the_server_hangs_up_in_the_handshake(scene, tls, place, end, words):
    scene.next(at={place: end})
    is_told(scene, f"TLS to cluster optional at 127.0.0.1:{scene.server.port} {words}", tls=tls)
    assert scene.conn.response is None
    scene.is_well()


@pytest.mark.parametrize("place", ["hello", "tls-half"])
def test_the_handshake_stalls(scene, tls, place):
    scene.next(at={place: "hang"})
    begin = time.monotonic()
    is_told(scene, "failed in the handshake: ", "timed out", cluster="hurried", tls=tls)
    assert time.monotonic() - begin > PATIENCE_SECONDS - 0.1
    assert scene.conn.wait_ended()
    scene.is_well("hurried")


def test_a_handshake_in_single_bytes(scene, tls):
    """And the whole login after it."""
    for user in "app", "sha":
        scene.next(one_byte=True)
        with logged_in(scene.port(), user, tls=tls) as client:
            assert client.query("SELECT 'slow'") == [b"slow"]


def test_a_server_that_has_tls_1_1_only(tmp_path):
    pair = Authority().server(tmp_path, ["127.0.0.1"], key="rsa")
    with FakeTidb(pair, tls=("1.1", "1.1")) as server, \
            proxy_of({"orders": section(server, tls_ca=pair.ca)}) as proxy:
        refusal = refused(proxy.port())
        assert refusal.number == 1105
        for words in ("the server offers no TLS 1.2 or newer", "TiDB Cloud has TLS 1.2 and 1.3",
                      f"127.0.0.1:{server.port}"):
            assert words in refusal.text
        for version in "1.2", "1.3":
            server.use(pair, (version, version))
            logged_in(proxy.port()).sock.close()
            assert server.conns[-1].tls_version == f"TLSv{version}"


@pytest.mark.parametrize("answer", [
    b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\0" * 100, b"\x15\x03\x03\x00\x02\x02\x28",
    b"\x16\x03\x03\xff\xff" + b"\0" * 200])
def test_what_comes_in_place_of_a_server_hello(scene, answer):
    """A server that is none, or an alert."""
    hold = threading.Event()
    scene.next(at={"hello": hold})
    with RawClient(scene.port()) as client:
        client.put(client.response("app", PASSWORD.encode()))
        scene.conn.wait_step("ssl-request")
        scene.conn.stream.sock.sendall(answer)
        with pytest.raises(Refused) as error:
            client.take()
        assert error.value.number == 1105 and "cluster optional" in error.value.text
    hold.set()
    scene.is_well()


def test_a_server_that_says_more_than_its_greeting(scene):
    """What comes before TLS is anybody's, and must not be taken for what comes inside of it."""
    hold = threading.Event()
    scene.next(at={"greeted": hold})
    with RawClient(scene.port()) as client:
        scene.conn.wait_step("greeted")
        scene.conn.send(b"\0\0\0\x02\0\0\0", 2)  # an OK
        wait_read(scene.conn)
        with pytest.raises(Refused) as error:
            client.log_in()
        assert "spoke out of turn during the login" in error.value.text
    hold.set()
    scene.is_well()


def test_the_client_leaves_while_the_handshake_stalls(scene, tls):
    scene.next(at={"hello": "hang"})
    with RawClient(scene.port()) as client:
        if tls:
            client.start_tls()
        client.put(client.response("app", PASSWORD.encode()))
        scene.conn.wait_step("ssl-request")
    scene.conn.wait_ended()
    scene.is_well()


# ---- greetings -----------------------------------------------------------------------------------

def greeting(version=b"8.0.11-TiDB-v8.5.3", protocol=b"\x0a", end=b"mysql_native_password\0"):
    return (protocol + version + b"\0" + bytes(4) + b"12345678\0" + b"\xaf\xae" + b"\x2e" +
            b"\x02\x00" + b"\x1b\x05" + b"\x15" + bytes(10) + b"123456789012\0" + end)


@pytest.mark.parametrize("bytes_", [
    b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n", b"SSH-2.0-OpenSSH_9.2\r\n",
    wire.frame(greeting(protocol=b"\x09"), 0), wire.frame(greeting(version=b"8" * 300), 0),
    wire.frame(b"\x0a" + b"8" * 90, 0), wire.frame(b"\x0a8.0\0" + bytes(20), 0),
    wire.frame(b"", 0), b"\xff\xff\xff\0\x0a" + b"8" * 5000, wire.frame(greeting(), 0)[:40],
    wire.frame(greeting(end=b"x" * 4000), 0), b"\x01"],
    ids=["http", "ssh", "protocol-9", "long-version", "no-nul", "short", "empty", "huge",
         "truncated", "long-plugin", "one-byte"])
def test_no_greeting_but_garbage(scene, bytes_):
    scene.next(garbage=bytes_)
    with plain_client.connect(scene.port()) as sock:
        number, text = plain_client.read_refusal(sock)
    assert number in (1042, 1105) and "cluster optional" in text
    scene.is_well()


def test_an_error_in_place_of_the_greeting_is_passed_on(scene):
    """As it is: without a state."""
    scene.next(refuse=TOO_MANY)
    expected = wire.frame(wire.error(1040, None, "Too many connections"), 0)
    assert expected.hex() == ("17000000ff1004546f6f206d616e7920636f6e6e656374696f6e73")
    with plain_client.connect(scene.port()) as sock:
        assert plain_client.read_all(sock) == expected
    scene.is_well()


def test_an_error_after_the_answer_comes_twice(scene, tls):
    """onConn writes again what handshake() has written (pingcap/tidb, pkg/server): one is enough,
    and then it is over."""
    scene.server.plan_next(DOUBLE_REFUSAL)
    refusal = refused(scene.port(), tls=tls)
    assert (refusal.number, refusal.state) == (1040, "08004")
    assert refusal.text == "Too many connections"
    scene.is_well()


# ---- the authentication --------------------------------------------------------------------------

def test_several_rounds_of_a_plugin_nobody_knows(scene, tls):
    with logged_in(scene.port(), "odd", tls=tls) as client:
        assert client.query("SELECT 1") == [b"1"]
    assert scene.conn.auth_packets == [
        b"secret\0", b"answer to \x01one", b"answer to two", b"answer to \x02", b"answer to "]


def test_a_server_that_knows_the_password(scene, tls):
    """01 03 and an OK, as MySQL from its cache."""
    scene.server.plugin, before = SHA2, scene.server.plugin
    try:
        scene.next(fast_auth=True)
        with logged_in(scene.port(), "sha", tls=tls, plugin=SHA2) as client:
            assert client.query("SELECT 1") == [b"1"]
        assert scene.conn.password is None
    finally:
        scene.server.plugin = before


def test_a_client_that_sends_many_passwords(scene):
    """To decrypt one takes a millisecond: one is, for each time that the server asks."""
    over = threading.Event()

    def questions():
        yield FULL
        yield FULL
        over.wait(WAIT_SECONDS)

    scene.server.plugin, before = SHA2, scene.server.plugin
    scene.next(rounds=questions())
    mark = scene.proxy.mark()
    try:
        with RawClient(scene.port()) as client:
            client.plugin = SHA2
            port = client.sock.getsockname()[1]
            client.put(client.response("sha", PASSWORD.encode()))
            assert client.take() == FULL
            client.put(os.urandom(256))
            assert client.take() == FULL
            for _ in range(100):
                client.put(os.urandom(256))
        scene.proxy.wait_log(f" connection closed .*client=127.0.0.1:{port} ", after=mark)
        lines = scene.proxy.log_text().splitlines()[mark:]
        assert sum("not encrypted with this proxy's RSA key" in line for line in lines) == 2
    finally:
        over.set()
        scene.server.plugin = before
    scene.is_well()


@pytest.mark.parametrize("place, end", [
    ("tls", "cut"), ("tls", "close"), ("response", "cut"), ("response", "reset"), ("auth", "cut"),
    ("auth", "close"), ("ok-half", "cut"), ("ok-half", "reset")])
def test_the_server_leaves_during_the_login(scene, tls, place, end):
    scene.next(at={place: end})
    is_told(scene, "closed the connection during the login", number=1042, tls=tls)
    scene.is_well()


@pytest.mark.parametrize("place", ["response", "auth", "ok-half"])
def test_the_server_falls_silent_during_the_login(scene, tls, place):
    scene.next(at={place: "hang"})
    is_told(scene, "did not answer during the login", number=1042, cluster="hurried", tls=tls)
    scene.conn.wait_ended()
    scene.is_well("hurried")


@pytest.mark.parametrize("end", ["close", "cut"])
def test_the_server_leaves_right_after_its_ok(scene, tls, end):
    """As one that is shutting down: the OK arrives, and then the end."""
    scene.next(at={"ok": end})
    with logged_in(scene.port(), tls=tls) as client:
        assert client.read_to_the_end() == b""


def test_an_authentication_packet_of_16_mib(scene, tls):
    """Announced, and never sent: nobody waits for it, and no memory is given for it."""
    scene.next(huge=True)
    is_told(scene, "sent something that is no MySQL during the login", number=1042, tls=tls)
    scene.conn.wait_ended()
    scene.is_well()


def test_an_empty_packet_is_passed_on(scene, tls):
    scene.next(rounds=(b"", b"\x01\x04\x05"))
    with logged_in(scene.port(), tls=tls) as client:
        assert client.query("SELECT 1") == [b"1"]
    assert scene.conn.auth_packets == [b"answer to ", b"answer to \x01\x04\x05"]


# ---- running connections -------------------------------------------------------------------------

@pytest.mark.parametrize("end", ["close", "cut"])
def test_the_end_of_the_server_with_and_without_close_notify(scene, tls, end):
    with logged_in(scene.port(), tls=tls) as client:
        client.query("SELECT 1")
        scene.conn.end(end)
        assert client.read_to_the_end() == b""
    scene.proxy.wait_log("connection closed .*close=server-quit ")


def test_a_reset_by_the_server_is_passed_on(scene, tls):
    with logged_in(scene.port(), tls=tls) as client:
        client.query("SELECT 1")
        # What is not acknowledged yet must not be lost by it: then it would be a FIN.
        client.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
        scene.conn.end("reset")
        with pytest.raises(ConnectionResetError):
            client.sock.recv(1)


@pytest.mark.parametrize("how", ["fin", "close_notify", "reset"])
def test_the_end_of_the_client(scene, tls, how):
    if how == "close_notify" and not tls:
        return
    with logged_in(scene.port(), tls=tls) as client:
        conn = scene.conn
        if how == "reset":
            plain_client.reset(client.sock)
        elif how == "close_notify":
            with contextlib.suppress(Exception):
                client.tls.unwrap()
            client.send_raw(client.out.read())
        else:
            client.sock.shutdown(socket.SHUT_WR)
        ended = conn.wait_ended()
    assert ended == ("reset" if how == "reset" else "close_notify")


def test_a_client_that_quits_and_closes_has_not_reset(scene, tls):
    """Our close_notify finds nobody who would read it, which its kernel answers with a reset."""
    before = scene.proxy.mark()
    with logged_in(scene.port(), tls=tls) as client:
        client.sequence = 0
        client.put(b"\x01")  # COM_QUIT
        assert scene.conn.wait_ended() in ("quit", "close_notify")
        select.select([client.sock], [], [], PATIENCE_SECONDS * 30)
    scene.proxy.wait_log("connection closed .*close=client-quit ", after=before)


def say_close_notify(conn):
    """And the socket stays open, as with a server that waits for the other side's."""
    with conn.stream.lock:
        with contextlib.suppress(ssl.SSLWantReadError):
            conn.stream.tls.unwrap()
        conn.stream.sock.sendall(conn.stream.outgoing.read())


@pytest.mark.parametrize("kib", range(100, 6000, 120))
def test_a_close_notify_behind_what_is_read_slowly(scene, kib):
    """It is out of the socket long before the client has the rest: nothing wakes us for it. That
    is so where the end comes just when the client's side is full, at sizes that only the kernel
    knows: of these, two have shown it."""
    hold, size = threading.Event(), kib << 10
    scene.next(at={"ok": hold})
    with logged_in(scene.port()) as client:
        conn = scene.conn
        client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 15)
        conn.stream.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 8 << 20)

        def serve():
            conn.stream.write(b"x" * size)
            say_close_notify(conn)

        server = threading.Thread(target=serve, daemon=True)
        server.start()
        wait_still(conn)
        count = 0
        while part := client.sock.recv(1 << 14):
            count += len(part)
        assert count == size
        server.join(WAIT_SECONDS)
    hold.set()
    conn.wait_ended()


def test_a_session_that_has_never_asked_anything_is_not_waited_for(scene, tls):
    drain_seconds = 30
    options = {"orders": section(scene.server, tls_ca=scene.ca)}
    with proxy_of(options, drain_timeout=f"{drain_seconds}s") as proxy, \
            logged_in(proxy.port(), tls=tls) as client:
        proxy.signal(signal.SIGTERM)
        proxy.wait_log(" connection closed .*close=drained ", seconds=drain_seconds / 2)
        assert client.read_to_the_end() == b""
