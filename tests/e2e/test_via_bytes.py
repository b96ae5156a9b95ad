# SPDX-License-Identifier: Apache-2.0
"""--via with jumps that are right and odd: answers in pieces, longer than usual, with the cluster's
greeting right behind them; and a start with signals as no shell leaves them."""
import contextlib
import socket
import socketserver
import threading
import time

import pytest

from proxy import ORDERS, Proxy
from jumps import Command
from test_via import connect, query, refusal, through, world  # noqa: F401

PIECE_SECONDS = 0.002  # long enough for most pieces to arrive alone, and nothing depends on it


def pump(source, sink):
    with contextlib.suppress(OSError):
        while part := source.recv(65536):
            sink.sendall(part)
    with contextlib.suppress(OSError):
        sink.shutdown(socket.SHUT_WR)


class Odd(contextlib.AbstractContextManager):
    """`answer(sock)` reads the request and returns the last answer, which is sent in pieces and whose
    last byte comes with the greeting of the server at `port`; port 0: nothing comes behind it."""
    environment = None

    def __init__(self, scheme, answer, port):
        class Handler(socketserver.BaseRequestHandler):
            def handle(self):
                self.request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                last = answer(self.request)
                for at in range(len(last) - 1):
                    self.request.sendall(last[at:at + 1])
                    time.sleep(PIECE_SECONDS)
                if not port:
                    self.request.sendall(last[-1:])
                    return
                with socket.create_connection(("127.0.0.1", port)) as server:
                    self.request.sendall(last[-1:] + server.recv(65536))
                    back = threading.Thread(target=pump, args=[server, self.request])
                    back.start()
                    pump(self.request, server)
                    back.join()

        class Server(socketserver.ThreadingTCPServer):
            block_on_close = False
            daemon_threads = True

        self.server = Server(("127.0.0.1", 0), Handler)
        self.via = f"{scheme}://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()


def exactly(sock, count):
    found = b""
    while len(found) < count:
        part = sock.recv(count - len(found))
        assert part, found
        found += part
    return found


def socks(reply):
    def answer(sock):
        assert exactly(sock, 3) == b"\x05\x01\x00"
        sock.sendall(b"\x05")
        time.sleep(PIECE_SECONDS)
        sock.sendall(b"\x00")
        head = exactly(sock, 5)
        assert head[:4] == b"\x05\x01\x00\x03"
        exactly(sock, head[4] + 2)
        return reply
    return answer


def http(reply):
    def answer(sock):
        request = b""
        while not request.endswith(b"\r\n\r\n"):
            request += exactly(sock, 1)
        assert request.startswith(b"CONNECT ")
        return reply
    return answer


@pytest.mark.parametrize("scheme, answer", [
    ("socks5h", socks(b"\x05\x00\x00\x01" + bytes(6))),
    ("socks5h", socks(b"\x05\x00\x00\x04" + bytes(18))),
    ("socks5h", socks(b"\x05\x00\x00\x03\xff" + b"n" * 255 + b"\x0f\xa0")),
    ("socks5h", socks(b"\x05\x00\x00\x03\x00\x0f\xa0")),
    ("http", http(b"HTTP/1.1 200 Connection established\r\n\r\n")),
    ("http", http(b"HTTP/1.0 200\n\n")),
    ("http", http(b"HTTP/1.1 100 Continue\r\nA: b\r\n\r\nHTTP/1.1 200 OK\r\nVia: " + b"x" * 700 +
                  b"\r\nContent-Length: 0\r\n\r\n")),
])
def test_answers_in_pieces_and_the_greeting_right_behind(world, mariadb, scheme, answer):
    with Odd(scheme, answer, mariadb.port) as jump, through(world, jump) as proxy:
        with connect(proxy) as connection:
            assert query(connection, "SELECT REPEAT('x', 100000)") == (("x" * 100000,),)


@pytest.mark.parametrize("reply", [
    b"\x05\x05\x00\x01" + bytes(6),
    b"\x05\x05\x00\x00" + bytes(6),  # no address type that RFC 1928 knows
    b"\x05\x05",                     # and no more
])
def test_a_refusal_is_told_however_long_its_reply_is(world, reply):
    with Odd("socks5h", socks(reply), 0) as jump, through(world, jump) as proxy:
        assert "connection refused (SOCKS reply 5)" in refusal(proxy)


def test_a_parent_that_ignored_sigchld(world):
    """Who starts us may have left it so, and it goes through exec: ends are seen nevertheless."""
    with Command() as jump, Proxy(
            world, {"orders": {**ORDERS, "via": jump.via}}, {"threads": 1},
            wrapper=["env", "--ignore-signal=CHLD"]) as proxy:
        proxy.wait_verdict("allow")
        for _ in range(2):
            with connect(proxy) as connection:
                assert query(connection, "SELECT 1") == ((1,),)
            proxy.wait_open(0)
