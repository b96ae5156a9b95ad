# SPDX-License-Identifier: Apache-2.0
"""Connections that are opened ahead: used once, replaced, thrown away for good reasons, and never
opened to a server that would mind."""
import contextlib
import re
import signal
import socket
import time

import pymysql
import pytest

import client
from emulator import CLUSTER, ENDPOINT, HOST
from proxy import Proxy
from scenes import ready, running
from servers import MYSQL, Server, servers

READY, USED = "tidblink_spares", "tidblink_spares_used_total"
DISCARDED, DIALS = "tidblink_spares_discarded_total", "tidblink_dials_total"
SECONDS = 60


@pytest.fixture
def server(cloud):
    with Server() as found:
        found.hangs_up = True
        ready(cloud, found.port)
        yield found


@contextlib.contextmanager
def stocked(cloud, count=4, **options):
    """A proxy whose spares are ready: the first client has shown that it is TiDB."""
    with running(cloud, spares=count, **options) as proxy:
        visit(proxy)
        proxy.wait_metric(READY, count)
        proxy.wait_open(0)
        yield proxy


def visit(proxy):
    """A client comes and goes: (the id in its greeting, the log line of its end)."""
    with client.connect(proxy.port()) as sock:
        packet = client.read_greeting(sock)
        port = sock.getsockname()[1]
        sock.shutdown(socket.SHUT_WR)
        assert client.read_to_the_end(sock) == b""
    line = proxy.wait_log(rf"connection closed .*client=127.0.0.1:{port} ").string
    assert f"server_id={client.connection_id(packet)} " in line
    return client.connection_id(packet), line


def is_spare(line):
    return " spare=yes " in line


def test_no_spare_before_a_server_has_greeted(cloud, server):
    with running(cloud, spares=4) as proxy:
        assert proxy.metric(DIALS) == 0
        _, line = visit(proxy)
        assert not is_spare(line)
        proxy.wait_metric(READY, 4)
        assert server.greeted == 5


def test_each_greeting_is_used_once(cloud, server):
    """It holds the connection's nonce and id: whoever follows gets another one."""
    with stocked(cloud) as proxy:
        seen = []
        for _ in range(20):
            proxy.wait_metric(READY, 4)
            number, line = visit(proxy)
            assert is_spare(line)
            seen.append(number)
        assert len(set(seen)) == 20
        assert proxy.metric(USED) == 20 and proxy.metric(DISCARDED) == 0


def test_more_clients_than_spares(cloud, server):
    """Who comes too early is served as without them."""
    with stocked(cloud, 2) as proxy:
        socks = [client.connect(proxy.port()) for _ in range(20)]
        seen = {client.connection_id(client.read_greeting(sock)) for sock in socks}
        assert len(seen) == 20
        for sock in socks:
            sock.close()
        proxy.wait_metric(READY, 2)


def test_both_ways_through_a_spare(cloud, server):
    with stocked(cloud) as proxy, client.connect(proxy.port()) as sock:
        client.read_greeting(sock)
        assert proxy.metric(USED) == 1
        for size in 1, 100, 50_000:
            sock.sendall(b"x" * size)
            assert client.read_exactly(sock, size) == b"x" * size


@pytest.mark.parametrize("version", [MYSQL, "5.5.5-10.11.6-MariaDB"])
def test_never_for_a_server_that_counts_abandoned_connections(cloud, version):
    """MySQL and MariaDB block a host for them (max_connect_errors)."""
    with Server(version=version) as server:
        server.hangs_up = True
        ready(cloud, server.port)
        with running(cloud, spares=4) as proxy:
            for _ in range(5):
                assert not is_spare(visit(proxy)[1])
            metrics = proxy.metrics()
            assert proxy.metric(READY) == metrics[USED] == metrics[DISCARDED] == 0
            assert metrics[DIALS] == server.greeted == 5


def test_never_for_the_real_mariadb(cloud, mariadb):
    mariadb.add_user("spare", "none")

    def counted():
        names = "'Connections', 'Aborted_connects', 'Aborted_clients'"
        rows = mariadb.query(f"SHOW GLOBAL STATUS WHERE Variable_name IN ({names})")
        return {name: int(value) for name, value in rows}

    ready(cloud, mariadb.port)
    with running(cloud, spares=4) as proxy:
        before = counted()
        for _ in range(5):
            pymysql.connect(host="127.0.0.1", port=proxy.port(), user="spare",
                            password="none").close()
        after = counted()
        assert after["Connections"] - before["Connections"] == 5 + 1  # and the one that asks
        assert after["Aborted_connects"] == before["Aborted_connects"]
        assert proxy.metric(READY) == 0


def test_a_server_that_is_no_longer_tidb_ends_them(cloud, server):
    """The first greeting that says so is enough."""
    with stocked(cloud, spare_max_age="1s") as proxy:
        server.version = MYSQL
        proxy.wait_metric(READY, 0)
        dials = proxy.metric(DIALS)
        assert not is_spare(visit(proxy)[1])
        assert proxy.metric(DIALS) == dials + 1


def close_it(sock):
    sock.close()


def say_something(sock):
    sock.sendall(b"\x09\x00\x00\x01\xff\x2b\x04bye...")  # an ERR packet: shutting down


@pytest.mark.parametrize("event", [close_it, client.reset, say_something])
def test_whatever_happens_on_a_spare_ends_it(cloud, server, event):
    with stocked(cloud) as proxy:
        server.stir(event)
        proxy.wait_metric(DISCARDED, 4)
        proxy.wait_metric(READY, 4)
        number, line = visit(proxy)
        assert is_spare(line) and number % 1000 > 5  # the first five were these and the visitor's


def test_a_spare_is_replaced_when_it_is_old(cloud, server):
    with stocked(cloud, spare_max_age="1s") as proxy:
        proxy.wait_metric_above(DISCARDED, 7)  # each of them twice
        deadline = time.monotonic() + SECONDS
        while not is_spare((found := visit(proxy))[1]):  # all of them may be new just now
            assert time.monotonic() < deadline
        assert found[0] % 1000 > 5


def test_none_while_the_verdict_is_not_allow(cloud, server):
    with stocked(cloud, hold_timeout="100ms") as proxy:
        cloud.patch(f"endpoints/{ENDPOINT}", state="PENDING")
        proxy.wait_metric(READY, 0)
        assert client.refusal(proxy.port())[0] == 1053
        server.wait_followed(0)
        dials = proxy.metric(DIALS)
        cloud.patch(f"endpoints/{ENDPOINT}", state="ACTIVE")
        proxy.wait_metric(READY, 4)
        assert proxy.metric(DIALS) == dials + 4
        assert is_spare(visit(proxy)[1])


def test_none_while_the_cluster_is_out_of_reach(cloud, server):
    """They must not keep a dead cluster's breaker busy, and are there again when it heals."""
    with stocked(cloud, connect_timeout="300ms") as proxy:
        server.swallow()
        server.stir(close_it)
        proxy.wait_metric(READY, 0)
        deadline = time.monotonic() + SECONDS
        while proxy.metric("tidblink_connections_broken_total") == 0:
            assert client.refusal(proxy.port())[0] == 1042
            assert time.monotonic() < deadline
        assert proxy.metric(READY) == 0
        server.heal()
        while True:
            with client.connect(proxy.port()) as sock:
                if b"TiDB" in client.read_packet(sock):
                    break
            assert time.monotonic() < deadline, "nobody is served although the server has healed"
        proxy.wait_metric(READY, 4, SECONDS)


def test_a_reload_changes_their_number(cloud, server):
    with stocked(cloud) as proxy:
        for count in 0, 2, 6:
            proxy.options["spares"] = count
            proxy.write_config()
            proxy.signal(signal.SIGHUP)
            proxy.wait_metric(READY, count)
            server.wait_followed(count)


def test_each_worker_has_its_share(cloud, server):
    """A worker's spares come when a server has greeted one of its own clients."""
    with running(cloud, spares=5, threads=2) as proxy:
        with client.connect(proxy.port()) as first, client.connect(proxy.port()) as second:
            client.read_greeting(first)
            client.read_greeting(second)
            proxy.wait_metric(READY, 5)
        for _ in range(10):
            proxy.wait_metric(READY, 5)
            assert is_spare(visit(proxy)[1])


def test_a_drain_closes_them_first(cloud, server):
    with stocked(cloud, drain_timeout="10m") as proxy:
        with client.connect(proxy.port()) as sock:
            client.read_greeting(sock)
            proxy.wait_metric(READY, 4)
            proxy.signal(signal.SIGTERM)
            server.wait_followed(1)  # the client's
            assert proxy.metric(READY) == 0
        assert proxy.wait() == 0
        server.wait_followed(0)


def test_a_stop_leaves_none_behind(cloud, server):
    proxy = Proxy(cloud, options={"spares": 4, "threads": 1}).start()
    try:
        proxy.wait_verdict("allow")
        visit(proxy)
        proxy.wait_metric(READY, 4)
    finally:
        proxy.stop()
    server.wait_followed(0)


def test_a_dns_change_ends_those_to_old_addresses(cloud):
    hosts = ["127.0.1.1", "127.0.1.2"]
    with contextlib.ExitStack() as stack:
        old, new = [stack.enter_context(found) for found in servers(hosts)]
        old.hangs_up = new.hangs_up = True
        ready(cloud, old.port, hosts[:1], ttl=1)
        with stocked(cloud) as proxy:
            cloud.patch(f"names/{HOST}", a=hosts[1:])
            old.wait_followed(0)
            proxy.wait_metric(READY, 4)
            new.wait_followed(4)
            _, line = visit(proxy)
            assert is_spare(line) and re.search(rf"server={hosts[1]}:", line)


def test_a_port_change_ends_those_to_the_old_port(cloud, server):
    with Server() as new, stocked(cloud) as proxy:
        new.hangs_up = True
        cloud.patch(f"clusters/{CLUSTER}", port=new.port)
        server.wait_followed(0)
        new.wait_followed(4)
        _, line = visit(proxy)
        assert is_spare(line) and f":{new.port} " in line


def test_they_cost_no_client_its_place(cloud, server):
    """max-connections counts clients."""
    with stocked(cloud, 8, max_connections=2) as proxy:
        with client.connect(proxy.port()) as first, client.connect(proxy.port()) as second:
            client.read_greeting(first)
            client.read_greeting(second)
            assert client.refusal(proxy.port())[0] == 1040
