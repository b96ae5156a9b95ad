# SPDX-License-Identifier: Apache-2.0
"""One of several ways to a cluster is no good in an unusual manner, and the others are taken: an
address that accepts and does not greet, no descriptors or ports left, a source that is gone."""
import contextlib
import os
import resource
import socket
import time
from pathlib import Path

import pytest

import client
from emulator import Emulator
from namespaces import Namespace
from proxy import Proxy
from scenes import ready, running
from servers import servers

HOSTS = ["127.0.1.1", "127.0.1.2"]
DIALS, RACES = "tidblink_dials_total", "tidblink_dial_races_total"
REFUSED = 'tidblink_closed_total{reason="refused"}'
SYN_SENT = "02"  # tcp_states.h
SECONDS = 60


@pytest.fixture
def two(cloud):
    """The name has both addresses; the first one is tried first."""
    with contextlib.ExitStack() as stack:
        found = [stack.enter_context(server) for server in servers(HOSTS)]
        ready(cloud, found[0].port, HOSTS)
        yield found


def blamed(proxy, host):
    """The log line that says so, when it is there."""
    return proxy.wait_log(
        rf"warn an address does not answer: left alone .*server={host}:").string


def visit(proxy):
    """A client comes and goes, and the server hangs up."""
    with client.connect(proxy.port()) as sock:
        client.read_greeting(sock)
        sock.shutdown(socket.SHUT_WR)
        client.read_to_the_end(sock)


# ---- accepted, not greeted -----------------------------------------------------------------------

@pytest.mark.parametrize("leave", [socket.socket.close, client.reset])
def test_an_address_that_hangs_up_before_its_greeting(two, cloud, leave):
    """The client is served by the next one and hears nothing of it; the address is left alone, and
    used again when it greets."""
    bad, good = two
    bad.greets = False
    with running(cloud, dial_budget="60s", handshake_timeout="60s") as proxy:
        with client.connect(proxy.port()) as sock:
            leave(bad.accept())
            client.read_greeting(sock)
        assert (bad.greeted, good.greeted) == (1, 1)
        blamed(proxy, bad.host)
        bad.greets = bad.hangs_up = good.hangs_up = True
        deadline = time.monotonic() + SECONDS
        while bad.greeted == 1:
            assert time.monotonic() < deadline, "it is never used again"
            visit(proxy)
        proxy.wait_log(f"info an address answers again .*server={bad.host}:")
        assert proxy.metric(REFUSED) == 0


def test_an_address_that_accepts_and_stays_silent(two, cloud):
    """It costs one client the handshake-timeout, and is left alone."""
    bad, good = two
    bad.greets = False
    with running(cloud, dial_budget="60s", handshake_timeout="1s") as proxy:
        with client.connect(proxy.port()) as sock:
            silent = bad.accept()
            client.read_greeting(sock)
            assert silent.recv(1) == b""
            assert (bad.greeted, good.greeted) == (1, 1)
        blamed(proxy, bad.host)
        assert proxy.metric(REFUSED) == 0


def test_when_none_greets_the_client_is_told(two, cloud):
    for node in two:
        node.greets = False
    with running(cloud, dial_budget="60s", handshake_timeout="60s") as proxy:
        with client.connect(proxy.port()) as sock:
            for node in two:
                node.accept().close()
            number, text = client.read_refusal(sock)
        assert number == 1042 and "closed it before its greeting" in text
        assert [node.greeted for node in two] == [1, 1]


# ---- this machine's own shortages ----------------------------------------------------------------

def count_unanswered(host, port):
    """Connections of this network to it that wait for the answer to their SYN."""
    packed = int.from_bytes(socket.inet_aton(host), "little")
    words = [line.split() for line in Path("/proc/thread-self/net/tcp").read_text().splitlines()]
    return sum(word[2:4] == [f"{packed:08X}:{port:04X}", SYN_SENT] for word in words)


@contextlib.contextmanager
def descriptors_left(process, count):
    """The program can open so many more."""
    used = {int(name) for name in os.listdir(f"/proc/{process.pid}/fd")}
    free = [number for number in range(max(used) + count + 2) if number not in used]
    before = resource.prlimit(process.pid, resource.RLIMIT_NOFILE)
    resource.prlimit(process.pid, resource.RLIMIT_NOFILE, (free[count], before[1]))
    try:
        yield
    finally:
        resource.prlimit(process.pid, resource.RLIMIT_NOFILE, before)


def test_no_descriptor_for_the_race(cloud):
    """The second address would answer at once but there is no socket for it; the first one, which
    is under way, answers late. Nobody else opens sockets then: no API, and DNS has answered."""
    with contextlib.ExitStack() as stack:
        first, second = [stack.enter_context(server) for server in servers(HOSTS)]
        cloud.add("names", name="race.example.com", a=HOSTS, ttlSeconds=3600)
        proxy = stack.enter_context(Proxy(
            cloud, {"race": {"host": "race.example.com", "port": first.port}},
            {"state-source": "none", "spares": 0, "threads": 1, "max-connections": 10,
             "connect-timeout": "60s", "dial-budget": "60s"}))
        proxy.wait_log(" resolved .*cluster=race .*addresses=2 ")
        proxy.metrics()  # whatever that opens is open now
        first.swallow()
        before = count_unanswered(first.host, first.port)
        with descriptors_left(proxy.process, 2), client.connect(proxy.port("race")) as sock:
            deadline = time.monotonic() + SECONDS
            while count_unanswered(first.host, first.port) == before:
                assert time.monotonic() < deadline, "it never connects"
                time.sleep(0.001)
            first.heal()  # the next SYN is due a second after the first one, the race before
            client.read_greeting(sock)
        assert (first.greeted, second.greeted) == (1, 0)
        metrics = proxy.metrics()
        assert metrics[DIALS] == 2 and metrics[RACES] == 1


class Scene:
    """A proxy and servers in a network of their own."""

    def __init__(self, stack, hosts, sources=()):
        self.home = stack.enter_context(contextlib.closing(Namespace()))
        for source in sources:
            self.home.ip("address", "add", f"{source}/32", "dev", "lo")
        with self.home.inside():
            cloud = stack.enter_context(Emulator())
            self.nodes = [stack.enter_context(server) for server in servers(hosts)]
            cloud.add("names", name="own.example.com", a=hosts)
            self.proxy = stack.enter_context(Proxy(
                cloud, {"own": {"host": "own.example.com", "port": self.nodes[0].port}},
                {"state-source": "none", "spares": 0, "threads": 1, "hold-timeout": "30s",
                 "source": ",".join(sources) or None}))
        stack.proxy = self.proxy

    def connect(self, port=0):
        """A client's socket, from its own port when that must be a certain one."""
        with self.home.inside():
            return socket.create_connection(
                ("127.0.0.1", self.proxy.port("own")), SECONDS, ("127.0.0.1", port))

    def served(self, port=0):
        sock = self.connect(port)
        client.read_greeting(sock)
        return sock


class Stack(contextlib.ExitStack):
    proxy = None

    def log_text(self):
        return self.proxy.log_text() if self.proxy else ""


@pytest.fixture
def stack():
    with Stack() as found:
        yield found


def test_local_ports_used_up_towards_one_address(stack):
    """20 ports are 20 connections to each of two addresses: the second one takes the rest."""
    scene = Scene(stack, HOSTS)
    with scene.home.inside():
        Path("/proc/sys/net/ipv4/ip_local_port_range").write_text("50000 50019")
    for number in range(39):
        stack.enter_context(scene.served(20000 + number))
    counts = sorted(node.greeted for node in scene.nodes)
    assert counts == [19, 20]
    assert scene.proxy.metric(REFUSED) == 0
    assert "does not answer" not in scene.proxy.log_text()


def test_one_of_two_sources_is_gone(stack):
    sources = ["10.9.9.1", "10.9.9.2"]
    scene = Scene(stack, HOSTS[:1], sources)
    for _ in range(4):
        stack.enter_context(scene.served())
    server = scene.nodes[0]
    seen = [server.accept().getpeername()[0] for _ in range(4)]
    assert sorted(seen) == sorted(sources * 2)
    scene.home.ip("address", "del", f"{sources[0]}/32", "dev", "lo")
    for _ in range(10):
        stack.enter_context(scene.served())
        assert server.accept().getpeername()[0] == sources[1]
    assert scene.proxy.metric(REFUSED) == 0
    assert "does not answer" not in scene.proxy.log_text()


def test_no_local_port_left_at_all(stack):
    """The client is told what is used up and what helps, and the address is not to blame. An even
    number of ports: of an odd one Linux does not try all (__inet_hash_connect)."""
    scene = Scene(stack, HOSTS[:1])
    with scene.home.inside():
        Path("/proc/sys/net/ipv4/ip_local_port_range").write_text("50000 50003")
    for number in range(4):
        stack.enter_context(scene.served(20000 + number))
    with scene.connect(20004) as sock:
        number, text = client.read_refusal(sock)
    assert number == 1040
    assert "no local address and port left" in text and "source = ADDR[,ADDR]" in text
    assert "does not answer" not in scene.proxy.log_text()
