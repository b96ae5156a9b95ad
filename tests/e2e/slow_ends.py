# SPDX-License-Identifier: Apache-2.0
"""Connections that end slowly, all begun together, in networks of their own: peers whose network is
cut, ways that forget an idle connection, sides that stay silent."""
import contextlib
import re
import socket

import pytest

import client
from emulator import Emulator
from namespaces import Namespace, Way
from proxy import Proxy
from scenes import ready, running
from servers import Server

SECONDS = 60  # a busy machine's; what the proxy took is in its log line


class Networks:
    """The proxy's, one of clients, and two of servers; each server is a cluster of its own."""

    def __init__(self, stack):
        self.home, self.clients, self.far, self.odd = [
            stack.enter_context(contextlib.closing(Namespace())) for _ in range(4)]
        self.clients_way = Way(self.home, self.clients, 1)
        self.far_way = Way(self.home, self.far, 2)
        self.odd_way = Way(self.home, self.odd, 3)
        with self.home.inside():
            self.cloud = stack.enter_context(Emulator())
        self.servers, clusters = {}, {}
        for name, space, host in (("near", self.home, "127.0.0.1"),
                                  ("far", self.far, self.far_way.far_ip),
                                  ("odd", self.odd, self.odd_way.far_ip)):
            with space.inside():
                self.servers[name] = stack.enter_context(Server(host))
            with self.home.inside():
                self.cloud.add("names", name=f"{name}.example.com", a=[host])
            clusters[name] = {"host": f"{name}.example.com", "port": self.servers[name].port,
                              "listen": f"127.0.0.1:0, {self.clients_way.near_ip}:0"}
        options = {"state-source": "none", "keepalive": "1s", "spares": 0, "allow-remote": "on"}
        with self.home.inside():
            self.proxy = stack.enter_context(Proxy(self.cloud, clusters, options))

    def connect(self, cluster, by_way=False):
        """(the client's socket, the server's); the client is at home or at the end of its way."""
        host, _, port = self.proxy.address(cluster, 1 if by_way else 0).rpartition(":")
        with (self.clients if by_way else self.home).inside():
            near = client.connect(int(port), host)
        client.read_greeting(near)
        return near, self.servers[cluster].accept()


class SlowEnds:
    """Connections by the name of what becomes of them, and the two ways cut."""

    def __init__(self, stack):
        self.networks = Networks(stack)
        connect = self.networks.connect
        self.pairs = {
            "client-dead": connect("near", by_way=True),
            "client-idle": connect("near", by_way=True),
            "server-dead": connect("far"),
            "server-idle": connect("far"),
        }
        self.names = {name: near.getsockname() for name, (near, _) in self.pairs.items()}
        self.networks.clients_way.cut()
        self.networks.far_way.cut()
        self.pairs["client-dead"][1].sendall(b"a result")
        self.pairs["server-dead"][0].sendall(b"a query")

    def end(self, name):
        """(reason, idle_ms) of the connection, when it has ended."""
        host, port = self.names[name]
        line = self.networks.proxy.wait_log(
            rf"connection closed .*client={re.escape(host)}:{port} ", seconds=SECONDS).string
        return re.search(r"close=(\S+)", line)[1], int(re.search(r"idle_ms=(\d+)", line)[1])


@contextlib.contextmanager
def half_open():
    """(proxy, the client's socket, the server's): the client has closed its half, nobody talks."""
    with Emulator() as cloud, Server() as server:
        ready(cloud, server.port)
        with running(cloud) as proxy, client.connect(proxy.port()) as near:
            client.read_greeting(near)
            near.shutdown(socket.SHUT_WR)
            with server.accept() as far:
                assert far.recv(1) == b""
                yield proxy, near, far


@pytest.fixture(scope="session")
def slow_ends_begun():
    """Begun by whoever asks first: {"half-open": …, and "networks", or "why" there can be none}."""
    with contextlib.ExitStack() as stack:
        found = {"half-open": stack.enter_context(half_open())}
        try:
            found["networks"] = SlowEnds(stack)
        except pytest.skip.Exception as why:
            found["why"] = str(why)
        yield found
