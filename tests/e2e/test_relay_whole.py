# SPDX-License-Identifier: Apache-2.0
"""Not a byte is lost, doubled or moved, however slow, odd or busy the two sides are. In the long
form (scenes.LONG) a reader pauses for two minutes in 200 MB."""
import contextlib
import hashlib
import os
import socket
import threading
import time

import pymysql
import pytest

import client
from scenes import LONG, RELAYED, ended, ready, running, served, wait_descriptors_at_most
from servers import Server

MIB = 1 << 20
STREAM_MIB = 200 if LONG else 64  # more than all buffers on the way together
PAUSE_SECONDS = 120 if LONG else 1
RESULT_MIB = 200 if LONG else 40
BLOCK = os.urandom(MIB - 8)
SMALL_BUFFER = 64 * 1024
WAIT_SECONDS = 60
POOLED_PIPES = 4  # proxy/stream.h: a worker keeps so many open


@pytest.fixture
def server(cloud):
    with Server() as found:
        ready(cloud, found.port)
        yield found


class Sender(threading.Thread):
    """Sends so many MiB, no two of them the same, and closes its half."""

    def __init__(self, sock, mib=STREAM_MIB):
        super().__init__(daemon=True)
        self.sock, self.mib = sock, mib
        self.sent = 0
        self.digest = hashlib.sha256()
        self.problem = None
        sock.settimeout(PAUSE_SECONDS + WAIT_SECONDS)
        self.start()

    def run(self):
        try:
            for number in range(self.mib):
                block = number.to_bytes(8, "little") + BLOCK
                self.digest.update(block)
                for at in range(0, MIB, 1 << 16):
                    self.sock.sendall(block[at:at + (1 << 16)])
                    self.sent += 1 << 16
            self.sock.shutdown(socket.SHUT_WR)
        except OSError as problem:
            self.problem = problem

    def wait_stalled(self):
        """Until every buffer on the way is full: nothing more is taken for a second."""
        deadline = time.monotonic() + WAIT_SECONDS
        seen, since = self.sent, time.monotonic()
        while time.monotonic() - since < 1:
            assert time.monotonic() < deadline, "the other side does not stop reading"
            time.sleep(0.05)
            if self.sent != seen:
                seen, since = self.sent, time.monotonic()
        assert 0 < seen < self.mib * MIB, "the buffers on the way hold all of it"

    def check(self, found, size):
        self.join(WAIT_SECONDS)
        assert self.problem is None and size == self.sent == self.mib * MIB
        assert found == self.digest.hexdigest()


def digest_to_the_end(sock):
    """(sha256, size) of everything until the other side closes its half."""
    found, size = hashlib.sha256(), 0
    sock.settimeout(WAIT_SECONDS)
    while part := sock.recv(1 << 18):
        found.update(part)
        size += len(part)
    return found.hexdigest(), size


def patient_client(proxy, path=None):
    """A client with a small buffer: what it does not read stays with the proxy."""
    sock = socket.socket(socket.AF_UNIX if path else socket.AF_INET)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL_BUFFER)
    sock.settimeout(WAIT_SECONDS)
    sock.connect(path or ("127.0.0.1", proxy.port()))
    client.read_greeting(sock)
    return sock


@pytest.mark.parametrize("splice", ["on", "off"])
def test_a_reader_that_pauses_loses_nothing(cloud, server, splice, tmp_path):
    """Downwards over TCP and a unix socket, and upwards, at once: all buffers fill up, nothing
    moves for a while, then everything arrives, with the end after it."""
    path = f"{tmp_path}/o.sock"
    place = {"listen": f"127.0.0.1:0, unix:{path}"}
    with running(cloud, place, splice=splice) as proxy, contextlib.ExitStack() as stack:
        server.listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL_BUFFER)
        pairs = []
        for name in None, path, None:
            near = stack.enter_context(patient_client(proxy, name))
            pairs.append((near, stack.enter_context(server.accept())))
        (down, down_far), (unix, unix_far), (up, up_far) = pairs
        streams = [(Sender(down_far), down), (Sender(unix_far), unix), (Sender(up), up_far)]
        for sender, _ in streams:
            sender.wait_stalled()
        time.sleep(PAUSE_SECONDS)  # the pause itself
        for sender, reader in streams:
            sender.check(*digest_to_the_end(reader))
        for near, far in pairs:
            near.close()
            far.close()
        proxy.wait_log("connection closed .*close=(client|server)-quit ", 3)


def test_a_pause_in_a_large_result_of_the_real_server(cloud, mariadb):
    mariadb.add_user("paused", "reader")
    ready(cloud, mariadb.port)
    sql = f"SELECT seq, REPEAT(MD5(seq), 32) FROM seq_1_to_{RESULT_MIB * 1000}"

    def digest(port, pause):
        found, rows = hashlib.sha256(), 0
        with pymysql.connect(host="127.0.0.1", port=port, user="paused", password="reader",
                             database="test", cursorclass=pymysql.cursors.SSCursor) as connection, \
                connection.cursor() as cursor:
            cursor.execute("SET net_write_timeout = 600")
            cursor.execute(sql)
            for row in cursor:
                found.update(f"{row[0]} {row[1]}".encode())
                rows += 1
                if rows == 1000:
                    time.sleep(pause)  # the pause itself
        return found.hexdigest(), rows

    with running(cloud) as proxy:
        assert digest(proxy.port(), PAUSE_SECONDS) == digest(mariadb.port, 0)
        proxy.wait_log("connection closed .*close=(client|server)-quit ")  # either may be first


def test_streams_starve_nobody(cloud, server):
    """Four streams without end share one worker with a connection that asks and is answered."""
    stop = threading.Event()
    moved = [0] * 4

    def stream(far):
        with contextlib.suppress(OSError):
            while not stop.is_set():
                far.sendall(BLOCK)

    def swallow(number, near):
        with contextlib.suppress(OSError):
            while part := near.recv(1 << 18):
                moved[number] += len(part)

    def wait_moved(least):
        deadline = time.monotonic() + WAIT_SECONDS
        while min(moved) < least:
            assert time.monotonic() < deadline, f"a stream starves: {moved} bytes"
            time.sleep(0.01)

    with running(cloud) as proxy:
        pairs = [served(proxy, server) for _ in range(4)]
        asking, answering = served(proxy, server)
        threads = [threading.Thread(target=stream, args=[far]) for _, far in pairs]
        threads += [threading.Thread(target=swallow, args=[number, near])
                    for number, (near, _) in enumerate(pairs)]
        try:
            for thread in threads:
                thread.start()
            wait_moved(4 * MIB)
            before = list(moved)
            for number in range(300):
                question = number.to_bytes(4, "little")
                asking.sendall(question)
                assert client.read_exactly(answering, 4) == question
                answering.sendall(question * 4)
                assert client.read_exactly(asking, 16) == question * 4
            assert all(now > then for now, then in zip(moved, before))
            wait_moved(max(before) + 4 * MIB)
        finally:
            stop.set()
            for sock in [sock for pair in pairs for sock in pair] + [asking, answering]:
                with contextlib.suppress(OSError):
                    sock.shutdown(socket.SHUT_RDWR)
                sock.close()
            for thread in threads:
                thread.join()


def test_one_byte_at_a_time(cloud, server):
    """In both directions at once."""
    size = 3000
    text = os.urandom(size)
    with running(cloud) as proxy:
        near, far = served(proxy, server)

        def drip(sock):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for byte in text:
                sock.sendall(bytes([byte]))

        threads = [threading.Thread(target=drip, args=[sock]) for sock in (near, far)]
        for thread in threads:
            thread.start()
        assert client.read_exactly(near, size) == text
        assert client.read_exactly(far, size) == text
        for thread in threads:
            thread.join()
        near.close()
        assert far.recv(1) == b""
        far.close()
        line = ended(proxy, "client-quit")
        assert f"client_bytes={size} " in line


@pytest.mark.parametrize("splice", ["on", "off"])
def test_a_large_answer_after_a_half_close(cloud, server, splice):
    """Piped clients close their half with the question. The server ends with its answer, and the
    client takes its time: longer than who waits for a server that is gone."""
    with running(cloud, splice=splice) as proxy, patient_client(proxy) as near:
        far = server.accept()
        near.sendall(b"a question")
        near.shutdown(socket.SHUT_WR)
        assert digest_to_the_end(far)[1] == 10
        sender = Sender(far)
        sender.wait_stalled()
        sender.check(*digest_to_the_end(near))
        far.close()
        line = ended(proxy, "client-quit")
        assert f"server_bytes={STREAM_MIB * MIB + 90} " in line


def test_a_server_that_is_gone_has_said_all(cloud, server):
    """It sends, closes and does not wait; nobody reads for some seconds."""
    answer = os.urandom(512 * 1024)
    with running(cloud) as proxy, patient_client(proxy) as near:
        far = server.accept()
        far.sendall(answer)
        far.close()
        time.sleep(2)  # longer than the proxy waits for the client's end when all is delivered
        assert client.read_exactly(near, len(answer)) == answer
        assert near.recv(1) == b""
        near.close()
        ended(proxy, "server-quit")


@pytest.mark.parametrize("splice", ["on", "off"])
def test_slow_readers_that_leave_give_everything_back(cloud, server, splice):
    """200 who do not read what they asked for, and go, with an end or a reset."""
    with running(cloud, splice=splice, max_connections=1000) as proxy:
        before = proxy.descriptors()
        for _ in range(2):
            crowd = [(patient_client(proxy), server.accept()) for _ in range(200)]
            for _, far in crowd:
                far.setblocking(False)
                with contextlib.suppress(BlockingIOError):
                    for _ in range(4):
                        far.send(BLOCK)
            for number, (near, _) in enumerate(crowd):
                client.reset(near) if number % 2 else near.close()
            server.hang_up()
            proxy.wait_metric(RELAYED, 0)
            wait_descriptors_at_most(proxy, before + 2 * POOLED_PIPES * (splice == "on"))
