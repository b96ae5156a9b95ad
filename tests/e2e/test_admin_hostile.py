# SPDX-License-Identifier: Apache-2.0
"""HTTP clients that are slow, greedy or lie: while they hold on, other clients are answered and
connections are relayed. Raw sockets, since no library sends what is sent here."""
import contextlib
import re
import signal
import socket
import time

import pytest

import client
from proxy import WAIT_SECONDS, Proxy
from servers import Server

CALLERS_MAX = 96  # ADMIN_CALLERS_MAX
MANY = 600  # fewer than what select(2) takes, which our server uses
GET = b"GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n"


class Scene(contextlib.ExitStack):
    def __init__(self):
        super().__init__()
        self.server = self.enter_context(Server())
        self.server.hangs_up = True
        self.proxy = self.enter_context(Proxy(
            clusters={"orders": {"host": "127.0.0.1", "port": self.server.port}},
            options={"state-source": "none", "admin-listen": "127.0.0.1:0", "spares": "0"}))
        self.port = int(self.proxy.wait_log(r"admin listening address=127\.0\.0\.1:(\d+)")[1])

    def connect(self):
        return self.enter_context(socket.create_connection(("127.0.0.1", self.port), WAIT_SECONDS))

    def say(self, text):
        """What is answered, to the end; None: it was closed without a word."""
        with socket.create_connection(("127.0.0.1", self.port), WAIT_SECONDS) as sock:
            sock.sendall(text)
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_WR)
            return read_all(sock)

    def assert_others_are_served(self):
        """Both doors, and the data path."""
        assert self.proxy.admin("/liveness")[0] == 200
        with socket.create_connection(("127.0.0.1", self.port), WAIT_SECONDS) as sock:
            sock.sendall(GET % b"/readiness")
            assert read_answer(sock)[0] == 200
        with client.connect(self.proxy.port()) as sock:
            client.read_greeting(sock)


def read_all(sock):
    data = b""
    with contextlib.suppress(ConnectionResetError):
        while more := sock.recv(65536):
            data += more
    return data


def read_answer(sock):
    """(status, headers, body) of one answer with a Content-Length."""
    data = b""
    while b"\r\n\r\n" not in data:
        more = sock.recv(65536)
        assert more, data
        data += more
    head, _, body = data.partition(b"\r\n\r\n")
    length = int(re.search(rb"(?i)content-length: (\d+)", head)[1])
    while len(body) < length:
        body += sock.recv(65536)
    lines = head.decode().split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in lines[1:])
    return int(lines[0].split()[1]), headers, body


@pytest.fixture
def scene():
    with Scene() as found:
        yield found


# ---- many, and slow ---------------------------------------------------------------------------

def test_many_that_say_nothing(scene):
    """The oldest give way; the descriptors that the data path counts on stay its own."""
    before = scene.proxy.descriptors()
    idle = [scene.connect() for _ in range(MANY)]
    scene.assert_others_are_served()
    # Each of the first was ended by us, the last ones are still there.
    for sock in idle[:MANY - CALLERS_MAX - 10]:
        assert read_all(sock) == b""
    assert scene.proxy.descriptors() <= before + CALLERS_MAX + 8
    idle[-1].sendall(GET % b"/liveness")
    assert read_answer(idle[-1])[0] == 200
    for sock in idle:
        sock.close()
    deadline = time.monotonic() + WAIT_SECONDS
    while scene.proxy.descriptors() > before + 8:  # the other door's, a connection that ends
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_burst_costs_nobody_a_second(scene):
    """Whoever finds the queue of the kernel full is heard a second later: a probe's whole time."""
    scene.proxy.signal(signal.SIGSTOP)  # as busy as a program can be
    try:
        burst = [scene.connect() for _ in range(MANY)]
        again = [sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 104)[100:] for sock in burst]
        assert set(again) == {bytes(4)}  # tcpi_total_retrans, linux/tcp.h
    finally:
        scene.proxy.signal(signal.SIGCONT)
    scene.assert_others_are_served()


def test_heads_that_never_end_give_way(scene):
    """Each says a little more whenever it may, which is no reason to keep it."""
    slow = []
    for _ in range(CALLERS_MAX + 3):
        slow.append(scene.connect())
        slow[-1].sendall(b"GET /liveness HTTP/1.1\r\nHost: localhost\r\n")
    for number in range(3):
        for sock in slow:
            with contextlib.suppress(OSError):
                sock.sendall(b"X-%d: more\r\n" % number)
        scene.assert_others_are_served()
    for sock in slow[:3]:
        assert read_all(sock) == b""


def test_a_head_that_never_ends_is_cut_off(scene):
    """A byte every second keeps evhttp's own timeout from running out."""
    sock = scene.connect()
    sock.settimeout(1)
    sock.sendall(b"GET /liveness HTTP/1.1\r\nX: ")
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        with contextlib.suppress(socket.timeout):
            if sock.recv(1) == b"":
                return
        try:
            sock.sendall(b"x")
        except OSError:
            return
    raise AssertionError("it is still served")


def test_who_never_reads_a_large_answer(scene):
    """Their answers stay in our memory, bounded, until they give way."""
    scene.connect().sendall(GET % b"/metrics")
    greedy = []
    for _ in range(CALLERS_MAX):
        sock = socket.socket()
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        sock.settimeout(WAIT_SECONDS)
        sock.connect(("127.0.0.1", scene.port))
        scene.enter_context(sock)
        sock.sendall((GET % b"/metrics") * 3)
        greedy.append(sock)
    scene.assert_others_are_served()
    assert rss_mb(scene.proxy) < 400  # with the sanitizer


def rss_mb(proxy):
    with open(f"/proc/{proxy.process.pid}/status") as status:
        return int(re.search(r"VmRSS:\s+(\d+)", status.read())[1]) / 1024


def test_waits_are_kept_while_idle_ones_give_way(scene):
    held = scene.connect()
    held.sendall(GET % b"/wait?for=active")
    scene.proxy.wait_metric("tidblink_waits", 1)
    for _ in range(CALLERS_MAX + 50):
        scene.connect()
    scene.assert_others_are_served()
    assert scene.proxy.metric("tidblink_waits") == 1
    held.setblocking(False)
    with pytest.raises(BlockingIOError):
        held.recv(1)


def test_a_kept_connection_is_served_again_and_again(scene):
    sock = scene.connect()
    for _ in range(300):
        sock.sendall(GET % b"/liveness")
        assert read_answer(sock)[0] == 200
    assert len(scene.proxy.lines) < 300  # and none of it is worth a line


def test_pipelined_requests(scene):
    sock = scene.connect()
    sock.sendall((GET % b"/liveness") * 50)
    data = b""
    while data.count(b"HTTP/1.1 200") < 50:
        more = sock.recv(65536)
        assert more
        data += more
    scene.assert_others_are_served()


def test_pipelined_behind_what_is_held(scene):
    sock = scene.connect()
    sock.sendall((GET % b"/api/v1/connections") * 20 + GET % b"/wait?for=active")
    data = b""
    while data.count(b'"complete":true') < 20:
        more = sock.recv(65536)
        assert more
        data += more
    scene.assert_others_are_served()


# ---- what is no request -----------------------------------------------------------------------

LONG = b"x" * 100_000
HEAD = b" HTTP/1.1\r\nHost: localhost\r\n"
WRONG = {
    "nothing": b"\r\n\r\n\r\n",
    "binary": bytes(range(256)) * 40,
    "MySQL": b"\x20\0\0\1" + bytes(32),
    "TLS": bytes.fromhex("16030100a5010000a10303") + bytes(160),
    "HTTP/0.9": b"GET /liveness\r\n\r\n",
    "HTTP/0.9 page": b"GET /\r\n",
    "no version": b"GET /liveness HTTP\r\n\r\n",
    "HTTP/2 preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "version of words": b"GET / HTTP/one.one\r\nHost: localhost\r\n\r\n",
    "long line": b"GET /" + LONG + HEAD + b"\r\n",
    "long header": b"GET /" + HEAD + b"X: " + LONG + b"\r\n\r\n",
    "many headers": b"GET /" + HEAD + b"X: y\r\n" * 10000 + b"\r\n",
    "header without colon": b"GET /" + HEAD + b"nonsense\r\n\r\n",
    "fold first": b"GET / HTTP/1.1\r\n folded\r\n\r\n",
    "large body": b"POST /drain" + HEAD + b"Content-Length: 1000000\r\n\r\n" + LONG,
    "endless body": b"POST /drain" + HEAD + b"Content-Length: 99999999999999999999\r\n\r\nx",
    "negative body": b"POST /drain" + HEAD + b"Content-Length: -5\r\n\r\nx",
    "body of words": b"POST /drain" + HEAD + b"Content-Length: five\r\n\r\nx",
    "two lengths": b"POST /drain" + HEAD + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nxx",
    "length and chunks": b"POST /drain" + HEAD +
    b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunks that are none": b"POST /drain" + HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\nx\r\n",
    "negative chunk": b"POST /drain" + HEAD + b"Transfer-Encoding: chunked\r\n\r\n-1\r\nx\r\n0\r\n\r\n",
    "huge chunk": b"POST /drain" + HEAD +
    b"Transfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\nx\r\n0\r\n\r\n",
    "two hosts": b"GET /liveness HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n",
    "unknown method": b"BREW /" + HEAD + b"\r\n",
    "small method": b"get /liveness" + HEAD + b"\r\n",
    "connect": b"CONNECT evil.example:443 HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "trace": b"TRACE /" + HEAD + b"\r\n",
    "star": b"OPTIONS *" + HEAD + b"\r\n",
    "NUL in a path": b"GET /liveness%00" + HEAD + b"\r\n",
    "NUL in a query": b"GET /wait?cluster=orders%00x&hold=no" + HEAD + b"\r\n",
    "a NUL byte": b"GET /live\0ness" + HEAD + b"\r\n",
    "dots": b"GET /api/v1/../../etc/passwd" + HEAD + b"\r\n",
    "absolute": b"GET http://evil.example/liveness HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "absolute of another kind": b"GET gopher://localhost/liveness" + HEAD + b"\r\n",
    "a name behind an address": b"GET /liveness HTTP/1.1\r\nHost: [::1]evil.example\r\n\r\n",
    "a name behind a port": b"GET /liveness HTTP/1.1\r\nHost: localhost:9400@evil.example\r\n\r\n",
    "unknown expectation": b"POST /drain" + HEAD + b"Expect: miracles\r\nContent-Length: 1\r\n\r\nx",
}


INNER = b"GET /metrics" + HEAD + b"\r\n"
LENGTH = b"%d" % len(INNER)
# Where its body is, as one reader sees it and evhttp does not.
SMUGGLED = {
    "body of a HEAD": b"HEAD /liveness" + HEAD + b"Content-Length: " + LENGTH + b"\r\n\r\n",
    "chunks of a HEAD": b"HEAD /liveness" + HEAD +
    b"Transfer-Encoding: chunked\r\n\r\n%x\r\n" % len(INNER),
    "blank before the colon": b"GET /liveness" + HEAD + b"Content-Length : " + LENGTH + b"\r\n\r\n",
    "tab before the colon": b"GET /liveness" + HEAD + b"Content-Length\t: " + LENGTH + b"\r\n\r\n",
    "chunks behind a blank": b"GET /liveness" + HEAD + b"Transfer-Encoding : chunked\r\n\r\n",
    "folded coding": b"GET /liveness" + HEAD + b"Transfer-Encoding:\r\n chunked\r\n\r\n",
    "coding of an empty name": b"GET /liveness" + HEAD + b"Transfer-Encoding:\r\n\r\n",
    "coding of another name": b"GET /liveness" + HEAD + b"Transfer-Encoding: xchunked\r\n\r\n",
    "length with a sign": b"GET /liveness" + HEAD + b"Content-Length: +" + LENGTH + b"\r\n\r\n",
    "length behind a tab": b"GET /liveness" + HEAD + b"Content-Length: \x0b" + LENGTH + b"\r\n\r\n",
    "length over two lines": b"GET /liveness" + HEAD + b"Content-Length:\r\n " + LENGTH + b"\r\n\r\n",
}


@pytest.fixture(scope="module")
def shared():
    with Scene() as found:
        yield found


@pytest.mark.parametrize("name", WRONG)
def test_wrong(shared, name):
    """It is refused, or closed; the next one is served; nothing was drained."""
    answer = shared.say(WRONG[name])
    if answer:
        first = answer.split(b"\r\n", 1)[0]
        assert re.match(rb"HTTP/1\.[01] (4\d\d|5\d\d) ", first), answer[:200]
        assert b"x-content-type-options: nosniff" in answer.lower()
        assert b"content-security-policy:" in answer.lower()
        assert answer.lower().count(b"x-content-type-options") == answer.count(b"HTTP/1.")
    shared.assert_others_are_served()
    assert shared.proxy.status()["draining"] is False


@pytest.mark.parametrize("name", SMUGGLED)
def test_what_is_in_a_body_is_no_request(shared, name):
    """Whoever stands in front and has seen one request must not be answered two (RFC 9112, section
    11.2). All is said at once, and what was not understood ends the connection."""
    answer = shared.say(SMUGGLED[name] + INNER)
    assert re.match(rb"HTTP/1\.[01] (400|413) ", answer), answer[:200]
    assert answer.count(b"HTTP/1.") == 1 and b"tidblink_" not in answer
    shared.assert_others_are_served()


@pytest.mark.parametrize("request_", [
    b"GET /liveness" + HEAD + b"Content-Length: %s\r\n\r\n" % LENGTH + INNER,
    b"GET /liveness" + HEAD + b"Transfer-Encoding: Chunked\r\n\r\n"
    b"%x\r\n%s\r\n0\r\n\r\n" % (len(INNER), INNER),
    b"HEAD /liveness" + HEAD + b"Content-Length: 0\r\n\r\n"], ids=["length", "chunks", "HEAD"])
def test_a_body_that_is_clear_is_read_over(shared, request_):
    with socket.create_connection(("127.0.0.1", shared.port), WAIT_SECONDS) as sock:
        sock.sendall(request_ + GET % b"/nothing")
        data = b""
        while b"no such page" not in data:
            more = sock.recv(65536)
            assert more, data
            data += more
    assert re.findall(rb"HTTP/1\.1 (\d+)", data) == [b"200", b"404"], data


def test_a_body_that_waits_to_be_asked_for(shared):
    """Expect: 100-continue is answered before the body, and the answer comes after it."""
    with socket.create_connection(("127.0.0.1", shared.port), WAIT_SECONDS) as sock:
        sock.sendall(b"POST /liveness" + HEAD + b"Expect: 100-continue\r\nContent-Length: 2\r\n\r\n")
        data = b""
        while b"\r\n\r\n" not in data:
            data += sock.recv(4096)
        assert data == b"HTTP/1.1 100 Continue\r\n\r\n"
        sock.sendall(b"xx")
        status, headers, _ = read_answer(sock)
        assert status == 405
        assert headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("path", ["/", "/startup", "/liveness", "/metrics", "/api/v1/status",
                                  "/api/v1/connections", "/api/v1/history", "/wait?for=ready&hold=no",
                                  "/nothing"])
def test_security_headers_are_on_every_answer(shared, path):
    with socket.create_connection(("127.0.0.1", shared.port), WAIT_SECONDS) as sock:
        sock.sendall(GET % path.encode())
        _, headers, _ = read_answer(sock)
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "deny"
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert headers["content-security-policy"].startswith("default-src 'none'")
    assert headers["cache-control"] == "no-store"


def test_head_has_no_body_and_the_connection_goes_on(shared):
    with socket.create_connection(("127.0.0.1", shared.port), WAIT_SECONDS) as sock:
        sock.sendall(b"HEAD /api/v1/status" + HEAD + b"\r\n")
        data = b""
        while b"\r\n\r\n" not in data:
            data += sock.recv(4096)
        assert data.startswith(b"HTTP/1.1 200 ") and data.endswith(b"\r\n\r\n")
        assert re.search(rb"content-length: [1-9]\d\d", data.lower())
        sock.sendall(GET % b"/liveness")
        assert read_answer(sock)[0] == 200


def test_an_absolute_uri_of_ours_is_served(shared):
    answer = shared.say(b"GET http://127.0.0.1:9400/liveness" + HEAD + b"\r\n")
    assert answer.startswith(b"HTTP/1.1 200 ")
