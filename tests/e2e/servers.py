# SPDX-License-Identifier: Apache-2.0
"""Servers for tests that need no more of a cluster than its greeting and its sockets."""
import contextlib
import queue
import select
import socket
import struct
import threading
import time

WAIT_SECONDS = 30
TIDB, MYSQL = "8.0.11-TiDB-v8.5.2", "8.0.36"


def greeting(number=7, version=TIDB, salt=b"saltsaltsaltsaltsalt"):
    """A HandshakeV10 packet (dev.mysql.com, "Protocol::HandshakeV10"), TiDB's capabilities."""
    body = (b"\x0a" + version.encode() + b"\0" + number.to_bytes(4, "little") + salt[:8] + b"\0" +
            b"\x8f\xa6" + b"\x2e" + b"\x02\x00" + b"\x7b\x01" + b"\x15" + bytes(10) +
            salt[8:] + b"\0mysql_native_password\0")
    return len(body).to_bytes(3, "little") + b"\0" + body


GREETING = greeting()


class Greeter:
    """Greets whoever comes and hangs up when they do."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port = self.listener.getsockname()[1]
        self.socks = []
        self.thread = threading.Thread(target=self._accept)
        self.thread.start()

    def _accept(self):
        with contextlib.suppress(OSError):  # shut down
            while True:
                self.socks.append(self.listener.accept()[0])
                threading.Thread(target=self._serve, args=[self.socks[-1]], daemon=True).start()

    @staticmethod
    def _serve(sock):
        with sock, contextlib.suppress(OSError):
            sock.sendall(GREETING)
            while sock.recv(65536):
                pass

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.thread.join()
        self.listener.close()
        for sock in self.socks:
            with contextlib.suppress(OSError):  # closed already
                sock.shutdown(socket.SHUT_RDWR)


class Server:
    """Greets whoever comes, each with an id and a salt of its own, and hands the server's ends of
    the connections to the test. It can refuse, fall silent and heal."""

    def __init__(self, host="127.0.0.1", port=0, version=TIDB, greets=True):
        self.host, self.version, self.greets = host, version, greets
        self.hangs_up = False  # True: echoes, hangs up when its client does, keeps the socket
        self.listener = socket.create_server((host, port), backlog=128)
        self.port = self.listener.getsockname()[1]
        self.greeted = 0     # connections so far
        self.socks = queue.Queue()
        self.all, self.followed = [], []
        self.fillers = []    # connections of our own that keep the kernel's queue full
        self.serving = True
        self.wake, self.woken = socket.socketpair()
        self.thread = threading.Thread(target=self._run)
        self.thread.start()

    def accept(self, seconds=WAIT_SECONDS):
        """The server's end of the next connection, which has been greeted."""
        sock = self.socks.get(timeout=seconds)
        sock.settimeout(seconds)
        return sock

    def _run(self):
        while True:
            watched = [self.woken] + self.followed + [self.listener] * self.serving
            ready = select.select(watched, [], [])[0]
            for sock in set(ready) & set(self.followed):
                self._follow(sock)
            if self.woken in ready:
                order = self.woken.recv(1)
                self.serving = order == b"s"
                self.woken.send(order)
                if order == b"e":
                    return
            elif self.listener in ready:
                self._greet(*self.listener.accept())

    def _greet(self, sock, client):
        if client in [filler.getsockname() for filler in self.fillers]:
            sock.close()
            return
        self.greeted += 1
        self.all.append(sock)
        number = self.port * 1000 + self.greeted  # and no other server's
        with contextlib.suppress(OSError):  # it has left already
            if self.greets:
                sock.sendall(greeting(number, self.version, f"{number:020}".encode()))
        if self.hangs_up:
            self.followed.append(sock)
        else:
            self.socks.put(sock)

    def _follow(self, sock):
        with contextlib.suppress(OSError):
            if part := sock.recv(65536):
                sock.sendall(part)
                return
        self.followed.remove(sock)
        sock.close()

    def stir(self, event):
        """event(sock) for each connection that waits for its client to say something."""
        for sock in list(self.followed):
            self.unfollow(sock)
            event(sock)

    def unfollow(self, sock):
        """The test has it from now on."""
        before = b"s" if self.serving else b"p"
        self._order(b"p")
        self.followed.remove(sock)
        self._order(before)
        sock.settimeout(WAIT_SECONDS)

    def wait_followed(self, count, seconds=WAIT_SECONDS):
        deadline = time.monotonic() + seconds
        while (seen := len(self.followed)) != count:
            assert time.monotonic() < deadline, f"{seen} connections, not {count}"
            time.sleep(0.01)

    def _order(self, order):
        self.wake.send(order)
        assert self.wake.recv(1) == order

    def refuse(self):
        """From now on; connections that are there stay."""
        self._order(b"p")
        self.listener.close()

    def swallow(self):
        """From now on nobody answers: a full queue drops every SYN (listen(2))."""
        self._order(b"p")
        self.listener.listen(0)
        while not self._is_full():
            filler = socket.socket()
            filler.settimeout(0.3)
            self.fillers.append(filler)
            with contextlib.suppress(TimeoutError):
                filler.connect((self.host, self.port))

    def _is_full(self):
        """By what TCP_INFO says of a listener: those who wait for accept and how many may."""
        info = self.listener.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 32)
        waiting, limit = struct.unpack_from("II", info, 24)
        return waiting > limit

    def heal(self):
        if self.listener.fileno() < 0:
            self.listener = socket.create_server((self.host, self.port), backlog=128)
        self.listener.listen(128)
        self._order(b"s")

    def hang_up(self):
        """Ends all connections."""
        for sock in self.all:
            sock.close()
        self.all.clear()

    def close(self):
        self._order(b"e")
        self.thread.join()
        for sock in [self.listener, self.wake, self.woken, *self.fillers, *self.all]:
            sock.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def servers(hosts):
    """One on each address, all on the same port."""
    for _ in range(20):
        found = [Server(hosts[0])]
        try:
            found += [Server(host, found[0].port) for host in hosts[1:]]
            return found
        except OSError:  # the port is taken on another address
            for server in found:
                server.close()
    raise RuntimeError("no port is free on all addresses")
