# SPDX-License-Identifier: Apache-2.0
"""A cluster has several addresses, and some of them refuse, fall silent, heal or leave DNS."""
import contextlib
import math
import re
import signal
import time

import pytest

import client
from emulator import HOST
from scenes import ended, ready, running, served
from servers import Server, servers

HOSTS = ["127.0.1.1", "127.0.1.2", "127.0.1.3"]
RACES = "tidblink_dial_races_total"
DIALS = "tidblink_dials_total"
SECONDS = 60


@pytest.fixture
def nodes():
    with contextlib.ExitStack() as stack:
        yield [stack.enter_context(server) for server in servers(HOSTS)]


@pytest.fixture
def two(cloud, nodes):
    """The name has the first two addresses."""
    ready(cloud, nodes[0].port, HOSTS[:2])
    return nodes[:2]


def visit(proxy):
    """A client comes and goes; the address that served it."""
    with client.connect(proxy.port()) as sock:
        client.read_greeting(sock)
        name = sock.getsockname()
        sock.shutdown(1)
        client.read_to_the_end(sock)
    line = proxy.wait_log(rf"connection closed .*client=127.0.0.1:{name[1]} ").string
    return re.search(r"server=([\d.]+):", line)[1]


@pytest.fixture
def hanging_up(nodes):
    """Servers hang up when their client does."""
    for node in nodes:
        node.hangs_up = True


def test_a_refusal_leads_to_the_next_address_at_once(two, cloud, hanging_up):
    two[0].refuse()
    with running(cloud) as proxy:
        assert {visit(proxy) for _ in range(5)} == {HOSTS[1]}
        line = proxy.wait_log("warn an address does not answer: left alone").string
        assert f"server={HOSTS[0]}:" in line and "Connection refused" in line
        assert proxy.metric(RACES) == 0
        assert proxy.metric("tidblink_refused_total{reason=\"dial\"}") == 0
        two[0].heal()
        come_back(proxy, HOSTS[0])


def come_back(proxy, host):
    """Clients come until the address has served one and the log says so."""
    deadline = time.monotonic() + SECONDS
    while visit(proxy) != host:
        assert time.monotonic() < deadline, f"{host} is never used again"
    proxy.wait_log(f"info an address answers again .*server={host}:")


def test_an_address_that_swallows_is_raced_and_left_alone(two, cloud, hanging_up):
    two[0].swallow()
    with running(cloud, connect_timeout="60s", dial_budget="60s") as proxy:
        began = time.monotonic()
        assert visit(proxy) == HOSTS[1]
        line = proxy.wait_log("warn an address does not answer: left alone").string
        assert f"server={HOSTS[0]}:" in line
        assert proxy.metric(RACES) == 1
        # It is tried again after 1 s, 2 s, 4 s, ...: by one connection each time.
        visits = 50
        assert {visit(proxy) for _ in range(visits)} == {HOSTS[1]}
        trials = 1 + math.floor(math.log2(time.monotonic() - began + 1))
        metrics = proxy.metrics()
        assert metrics[RACES] <= trials
        assert metrics[DIALS] == visits + 1 + metrics[RACES]
        two[0].heal()
        come_back(proxy, HOSTS[0])
        races = proxy.metric(RACES)
        for _ in range(10):
            visit(proxy)
        assert proxy.metric(RACES) == races


def test_several_clients_at_once_are_all_served(two, cloud):
    """While one address swallows: each is raced once, nobody waits for connect-timeout."""
    two[0].swallow()
    with running(cloud, connect_timeout="60s", dial_budget="60s") as proxy:
        socks = [client.connect(proxy.port()) for _ in range(20)]
        for sock in socks:
            client.read_greeting(sock)
            sock.close()
        assert two[0].greeted == 0 and two[1].greeted == 20
        proxy.wait_log("does not answer")
        assert proxy.log_text().count("does not answer") == 1


def refused_by_breaker(proxy):
    """Clients come, and pay the timeout, until one is refused at once."""
    deadline = time.monotonic() + SECONDS
    while proxy.metric("tidblink_connections_broken_total") == 0:
        assert client.refusal(proxy.port())[0] == 1042
        assert time.monotonic() < deadline


def test_a_cluster_out_of_reach_does_not_cost_everybody_a_timeout(two, cloud, hanging_up):
    for node in two:
        node.swallow()
    with running(cloud, connect_timeout="300ms") as proxy:
        number, text = client.refusal(proxy.port())
        assert number == 1042 and "2 of its 2 addresses failed" in text
        assert "timed out" in text and "security group" in text
        dials = proxy.metric(DIALS)
        assert dials == 2
        refused_by_breaker(proxy)
        line = ended(proxy, "refused", 2)
        assert "step=dial" in line and "2 of its 2 addresses failed" in line
        for node in two:
            node.heal()
        deadline = time.monotonic() + SECONDS
        while True:
            with client.connect(proxy.port()) as sock:
                if b"TiDB" in client.read_packet(sock):
                    break
            assert time.monotonic() < deadline, "nobody is served although all have healed"
        visit(proxy)


def test_a_dns_change_moves_new_connections_only(nodes, cloud):
    """What runs is left alone, until dns-drain is turned on: the idle one ends first, the busy one
    at the end of drain-timeout, others go on. And nothing is connected to but for clients."""
    ready(cloud, nodes[0].port, HOSTS[:1], ttl=1)
    with running(cloud, drain_timeout="1500ms") as proxy:
        idle, busy = served(proxy, nodes[0]), served(proxy, nodes[0])
        mark = proxy.mark()
        cloud.patch(f"names/{HOST}", a=HOSTS[1:2])
        proxy.wait_log(rf" resolved .*addresses=1 first={HOSTS[1]} ", after=mark)
        stays = served(proxy, nodes[1])
        talk(*idle)
        talk(*stays)
        busy[0].sendall(b"a long query")
        assert client.read_exactly(busy[1], 12) == b"a long query"
        proxy.options["dns-drain"] = "on"
        proxy.write_config()
        proxy.signal(signal.SIGHUP)
        for near, far in idle, busy:
            assert client.read_to_the_end(near) == client.read_to_the_end(far) == b""
        for reason, (near, _) in ("drained", idle), ("drain-timeout", busy):
            place = f"client=127.0.0.1:{near.getsockname()[1]} "
            assert place in ended(proxy, reason)
        talk(*stays)
        assert [node.greeted for node in nodes] == [2, 1, 0]


def talk(near, far):
    """Both ways."""
    near.sendall(b"still there?")
    assert client.read_exactly(far, 12) == b"still there?"
    far.sendall(b"yes")
    assert client.read_exactly(near, 3) == b"yes"


def test_nothing_is_connected_to_but_for_clients(two, cloud, hanging_up):
    """No connect-and-close probes, at the start or after a failure."""
    with running(cloud) as proxy:
        two[0].refuse()
        for _ in range(10):
            visit(proxy)
        two[0].heal()
        for _ in range(10):
            visit(proxy)
        assert two[0].greeted + two[1].greeted == 20
        metrics = proxy.metrics()
        assert metrics[DIALS] - metrics["tidblink_dial_failures_total"] == 20


def test_each_client_is_served_while_addresses_come_and_go(nodes, cloud, hanging_up):
    """At least one address always works: nobody is refused."""
    ready(cloud, nodes[0].port, HOSTS)
    with running(cloud, threads=2, connect_timeout="60s", dial_budget="60s") as proxy:
        for turn in range(9):
            bad = nodes[turn % 3]
            bad.refuse() if turn % 2 else bad.swallow()
            for _ in range(4):
                assert visit(proxy) != bad.host
            bad.heal()
        assert proxy.metric('tidblink_closed_total{reason="refused"}') == 0
        assert sum(node.greeted for node in nodes) == 36


def test_a_server_that_hangs_up_before_its_greeting_is_told(cloud):
    with Server(greets=False) as server:
        ready(cloud, server.port)
        with running(cloud) as proxy:
            with client.connect(proxy.port()) as sock:
                server.accept().close()
                number, text = client.read_refusal(sock)
            assert number == 1042
            assert "closed it before its greeting" in text
            assert "step=handshake" in ended(proxy, "refused")
