# SPDX-License-Identifier: Apache-2.0
"""/api/v1/connections and /api/v1/history: what is listed, in which order, and how one is ended."""
import contextlib
import json
import os
import socket
import threading

import pytest

from proxy import Proxy, UnixConnection

GREETING = bytes([74, 0, 0, 0, 10]) + b"8.0.11-MariaDB\0" + bytes(74 - 16)


class Greeter:
    """Greets, and sends back what it is told."""

    def __init__(self):
        self.server = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.port = self.server.getsockname()[1]
        self.socks = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                sock, _ = self.server.accept()
                self.socks.append(sock)
                sock.sendall(GREETING)
                threading.Thread(target=self._echo, args=[sock], daemon=True).start()

    @staticmethod
    def _echo(sock):
        with contextlib.suppress(OSError):
            while data := sock.recv(65536):
                sock.sendall(data)
            sock.shutdown(socket.SHUT_RDWR)

    def close(self):
        self.server.close()
        for sock in self.socks:
            sock.close()


@pytest.fixture
def greeter():
    with contextlib.closing(Greeter()) as running:
        yield running


@pytest.fixture
def proxy(greeter):
    clusters = {"orders": {"host": "127.0.0.1", "port": greeter.port},
                "billing": {"host": "127.0.0.1", "port": greeter.port}}
    options = {"state-source": "none", "admin-listen": "127.0.0.1:0", "threads": "3"}
    with Proxy(clusters=clusters, options=options) as running:
        with contextlib.ExitStack() as running.clients:
            yield running


def client(proxy, alias="orders", said=b""):
    """A connection that is relayed, and has sent and got back what it `said`."""
    sock = socket.create_connection(("127.0.0.1", proxy.port(alias)), 30)
    proxy.clients.enter_context(sock)
    read(sock, len(GREETING))
    sock.sendall(said)
    read(sock, len(said))
    return sock


def read(sock, count):
    while count:
        count -= len(sock.recv(count))


def listed(proxy, query=""):
    code, text = proxy.admin("/api/v1/connections" + query)
    assert code == 200, text
    return json.loads(text)


def ids(answer):
    return [row["id"] for row in answer["connections"]]


def test_each_order(proxy):
    sizes = [30, 10, 50, 20, 40, 0, 60]
    for size in sizes:
        client(proxy, said=bytes(size))
    answer = listed(proxy)
    assert (answer["open"], answer["complete"], answer["sort"]) == (7, True, "newest")
    assert ids(answer) == [7, 6, 5, 4, 3, 2, 1]
    assert ids(listed(proxy, "?sort=oldest&limit=3")) == [1, 2, 3]
    most = listed(proxy, "?sort=bytes&limit=4")
    assert ids(most) == [7, 3, 5, 1]
    assert [row["client_bytes"] for row in most["connections"]] == [60, 50, 40, 30]
    assert most["open"] == 7
    ages = [row["idle_ms"] for row in listed(proxy, "?sort=idle")["connections"]]
    assert ages == sorted(ages, reverse=True)


def test_what_a_row_says(proxy, greeter):
    sock = client(proxy, said=b"hello")
    row = listed(proxy)["connections"][0]
    assert row["cluster"] == "orders"
    assert row["client"] == "127.0.0.1:%d" % sock.getsockname()[1]
    assert row["server"] == f"127.0.0.1:{greeter.port}"
    assert row["step"] == "relay"
    assert (row["client_bytes"], row["server_bytes"]) == (5, 5 + len(GREETING))
    assert row["age_ms"] >= row["idle_ms"] >= 0
    assert row["began"] <= listed(proxy)["now"]


def test_one_cluster(proxy):
    client(proxy)
    client(proxy, "billing")
    answer = listed(proxy, "?cluster=billing")
    assert [row["cluster"] for row in answer["connections"]] == ["billing"]
    assert answer["open"] == 1


def test_the_last_closings(proxy):
    first = client(proxy, said=b"hello")
    second = client(proxy, "billing", said=b"x")
    first.close()
    proxy.wait_log("connection closed .*conn=1 ")
    second.close()
    proxy.wait_log("connection closed .*conn=2 ")
    closed = listed(proxy)["closed"]
    assert [row["id"] for row in closed] == [2, 1]
    assert (closed[1]["close"], closed[1]["client_bytes"]) == ("client-quit", 5)
    assert closed[1]["ended"] >= closed[1]["began"]
    assert [row["id"] for row in listed(proxy, "?cluster=orders")["closed"]] == [1]


def test_a_refusal_is_among_the_closings():
    clusters = {"orders": {"host": "no-such-name.invalid", "port": "1"}}
    options = {"state-source": "none", "dns-servers": "127.0.0.1:1", "resolve-timeout": "200ms"}
    with Proxy(clusters=clusters, options=options) as proxy:
        with socket.create_connection(("127.0.0.1", proxy.port()), 30) as sock:
            told = sock.recv(4096)[7:].decode()
        proxy.wait_log("connection closed .*conn=1 ")
        (closing,) = listed(proxy)["closed"]
        assert closing["close"] == "refused"
        assert closing["error"].startswith("dns-")
        assert told == "tidblink: " + closing["reason"] or told == closing["reason"]


def test_only_so_many_closings_are_kept(proxy):
    for _ in range(70 * 3):  # more than each worker keeps
        with socket.create_connection(("127.0.0.1", proxy.port()), 30) as sock:
            read(sock, len(GREETING))
            sock.sendall(b"x")
            read(sock, 1)
    proxy.wait_metric('tidblink_closed_total{reason="client-quit"}', 210)
    closed = listed(proxy)["closed"]
    assert len(closed) == 64
    assert [row["id"] for row in closed] != []


@pytest.mark.parametrize("query", [
    "?limit=0", "?limit=501", "?limit=x", "?limit=", "?limit=-1", "?limit=1x", "?sort=", "?sort=age",
    "?cluster=nobody", "?cluster=", "?limits=1", "?limit=1&limit=2"])
def test_wrong_queries(proxy, query):
    code, text = proxy.admin("/api/v1/connections" + query)
    assert code == (404 if "cluster" in query else 400)
    assert json.loads(text)["error"]


def test_kill(proxy):
    first, second = client(proxy), client(proxy)
    assert proxy.admin("/api/v1/connections/1/kill", "POST") == (200, '{"status":"killed"}\n')
    assert first.recv(1) == b""
    proxy.wait_log("connection closed .*conn=1 .*close=killed")
    second.sendall(b"still here")
    read(second, len(b"still here"))
    assert proxy.admin("/api/v1/connections/1/kill", "POST")[0] == 404
    assert ids(listed(proxy)) == [2]


@pytest.mark.parametrize("path", ["/api/v1/connections/0/kill", "/api/v1/connections/x/kill",
                                  "/api/v1/connections/1", "/api/v1/connections//kill",
                                  "/api/v1/connections/1/kill/",
                                  "/api/v1/connections/99999999999999999999999/kill"])
def test_kill_of_nothing(proxy, path):
    client(proxy)
    assert proxy.admin(path, "POST")[0] == 404
    assert ids(listed(proxy)) == [1]


def test_who_comes_over_unix(greeter, tmp_path):
    path = tmp_path / "orders.sock"
    clusters = {"orders": {"host": "127.0.0.1", "port": greeter.port, "listen": f"unix:{path}"}}
    with Proxy(clusters=clusters, options={"state-source": "none"}) as proxy:
        with socket.socket(socket.AF_UNIX) as sock:
            sock.settimeout(30)
            sock.connect(str(path))
            read(sock, len(GREETING))
            row = listed(proxy)["connections"][0]
            assert row["client"] == f"pid:{os.getpid()},uid:{os.getuid()}"


def test_many_who_ask_and_leave(proxy):
    """More than are answered at a time are told so, and nothing of those who left is kept."""
    client(proxy)
    before = proxy.descriptors()
    asking = [UnixConnection(proxy.options["admin-socket"]) for _ in range(60)]
    for connection in asking:
        connection.request("GET", "/api/v1/connections")
    codes = set()
    for connection in asking[::2]:
        connection.close()
    for connection in asking[1::2]:
        codes.add(connection.getresponse().status)
        connection.close()
    assert codes <= {200, 503} and 200 in codes
    assert ids(listed(proxy)) == [1]
    proxy.wait_descriptors(before)


def test_history(proxy):
    client(proxy, said=b"hello")
    answer = json.loads(proxy.admin("/api/v1/history")[1])
    first, *_, last = answer["samples"]
    assert (first["opened"], last["opened"], last["open"]) == (0, 1, 1)
    assert (last["client_bytes"], last["server_bytes"]) == (5, 5 + len(GREETING))
    assert last["ms"] >= first["ms"]
    assert answer["interval_ms"] == 5000


def test_paths_in_the_status(proxy):
    client(proxy)
    paths = proxy.cluster("orders")["dns"]["paths"]
    assert [(path["address"], path["failures"], path["left_alone_ms"]) for path in paths] == \
        [("127.0.0.1", 0, 0)]
    assert proxy.cluster("orders")["reach"]["ok"] is True


def test_a_path_that_fails():
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    with Proxy(clusters={"orders": {"host": "127.0.0.1", "port": port}},
               options={"state-source": "none"}) as proxy:
        while True:
            with socket.create_connection(("127.0.0.1", proxy.port()), 30) as sock:
                assert sock.recv(4096)
            cluster = proxy.cluster()
            (path,) = cluster["dns"]["paths"]
            if path["left_alone_ms"]:
                break  # otherwise that time was over before it was asked for: it doubles
        assert cluster["reach"]["ok"] is False
        assert "refused" in cluster["reach"]["reason"]
        assert 1 <= path["failures"] <= 8
        assert path["left_alone_ms"] <= 1000 << (path["failures"] - 1)
