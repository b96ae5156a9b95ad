# SPDX-License-Identifier: Apache-2.0
"""Connections that were opened ahead, with TLS: up already where the server is a TiDB, which takes
what an application is able to from its answer; elsewhere it would be taken from our SSLRequest."""
import time

import pytest

from certs import Authority
from fake_tidb import NATIVE, SHA2, TIPROXY_CAPABILITIES, FakeTidb, Plan, User
from tls_scenes import WAIT_SECONDS, logged_in, proxy_for

COUNT = 2
TIDB = "8.0.11-TiDB-v8.5.3"
USERS = {"app": User("secret"), "sha": User("secret", SHA2)}


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    return Authority().server(tmp_path_factory.mktemp("certs"), ["127.0.0.1"])


def waiting(server, steps):
    """Connections that came so far and no further."""
    return [conn for conn in server.conns if conn.steps == steps and not conn.ended]


def wait_spares(server, *steps, count=COUNT):
    server.wait(lambda: len(waiting(server, list(steps))) == count, f"no {count} spares")
    return waiting(server, list(steps))


UP = ("accepted", "greeted", "ssl-request", "tls")
GREETED = ("accepted", "greeted")


def warmed_up(proxy, server, *steps):
    """After a first client, which had to wait for all of it."""
    logged_in(proxy.port()).sock.close()
    return wait_spares(server, *steps)


@pytest.mark.parametrize("tls", [False, True])
@pytest.mark.parametrize("user", USERS)
def test_tls_is_up_before_the_client_comes(pair, tls, user):
    with FakeTidb(pair, USERS) as server, \
            proxy_for(server, {"spares": COUNT}, tls_ca=pair.ca) as proxy:
        spares = warmed_up(proxy, server, *UP)
        handshakes = server.handshakes
        server.plan = Plan(at={"accepted": "hang"})  # who is not served by a spare is not served
        with logged_in(proxy.port(), user, tls=tls, plugin=NATIVE) as client:
            assert client.query("SELECT 1") == [b"1"]
        served = next(conn for conn in spares if conn.response)
        assert served.sequences[:2] == [1, 2] and server.handshakes == handshakes
        # What the application is able to is in its answer alone.
        assert served.capabilities & ~0x800 == client.capabilities & ~0x800
        assert proxy.wait_log("connection closed .*spare=yes .*tls=TLSv1.3")


def test_tls_to_a_tiproxy_waits_for_the_application(pair):
    """It takes the capabilities of the SSLRequest (pingcap/tiproxy, pkg/proxy/backend,
    handshakeFirstTime): TLS begins when they are known."""
    with FakeTidb(pair, USERS, capabilities=TIPROXY_CAPABILITIES) as server, \
            proxy_for(server, {"spares": COUNT}, tls_ca=pair.ca) as proxy:
        spares = warmed_up(proxy, server, *GREETED)
        logged_in(proxy.port()).sock.close()
        assert all(conn.same_prefix for conn in server.conns if conn.response)
        assert [conn for conn in spares if conn.response]


def test_a_mysql_has_none(pair):
    with FakeTidb(pair, USERS, version="8.0.36") as server, \
            proxy_for(server, {"spares": COUNT}, tls_ca=pair.ca) as proxy:
        for count in 1, 2, 3:
            logged_in(proxy.port()).sock.close()
            assert server.connections == count
        assert all(conn.same_prefix for conn in server.conns)


def test_passthrough_leaves_tls_to_the_application(pair):
    with FakeTidb(pair, USERS) as server, proxy_for(server, {"spares": COUNT}) as proxy:
        # A greeting that comes in parts is passed on unread there, and teaches nothing.
        deadline = time.monotonic() + WAIT_SECONDS
        while not waiting(server, list(GREETED)):
            assert time.monotonic() < deadline, "no spares"
            logged_in(proxy.port()).sock.close()
        for tls in False, True:
            logged_in(proxy.port(), tls=tls).sock.close()
        assert server.handshakes == 1


@pytest.mark.parametrize("end", ["close", "cut", "reset"])
def test_spares_that_the_server_has_ended(pair, end):
    """With a close_notify, with a FIN alone, and with a reset: a client never gets one of them."""
    with FakeTidb(pair, USERS) as server, \
            proxy_for(server, {"spares": COUNT}, tls_ca=pair.ca) as proxy:
        for conn in warmed_up(proxy, server, *UP):
            conn.end(end)
        for _ in range(COUNT + 1):
            with logged_in(proxy.port()) as client:
                assert client.query("SELECT 1") == [b"1"]
        wait_spares(server, *UP)


def test_spares_whose_handshake_stalls(pair):
    """The client does not wait for them."""
    with FakeTidb(pair, USERS) as server, \
            proxy_for(server, {"spares": COUNT}, tls_ca=pair.ca) as proxy:
        server.plan_next(Plan(), *[Plan(at={"hello": "hang"})] * COUNT)
        logged_in(proxy.port()).sock.close()
        server.wait(lambda: len(waiting(server, ["accepted", "greeted", "ssl-request"])) == COUNT,
                    "no spares")
        with logged_in(proxy.port()) as client:
            assert client.query("SELECT 1") == [b"1"]
