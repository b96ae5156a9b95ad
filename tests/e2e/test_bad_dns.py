# SPDX-License-Identifier: Apache-2.0
"""Bad days of the private DNS and of the way to the cluster: each has its own words for the client."""
import socket

import pytest

import client
from claims import own_port
from proxy import ORDERS, Proxy

ENDPOINT = "endpoints/1934235512477589504"
CLUSTER = "clusters/1379661944646413143"
NAME = "names/privatelink-19169283.muznnz1umf3p.clusters.tidb-cloud.com"


@pytest.fixture
def active(cloud):
    cloud.settings(requestsPerMinute=1000000)
    cloud.patch(ENDPOINT, state="ACTIVE")
    return cloud


@pytest.mark.parametrize("change, error, words", [
    ({"answer": "NXDOMAIN"}, "dns-nxdomain", ["does not exist", "tidblink doctor"]),
    ({"answer": "NODATA"}, "dns-nodata", ["no address"]),
    ({"answer": "SERVFAIL"}, "dns-servfail", ["SERVFAIL"]),
    ({"answer": "silence"}, "dns-timeout", ["answer"]),
    ({"a": ["93.184.216.34"]}, "dns-policy", ["93.184.216.34", "not private"]),
    ({"a": ["10.0.0.5", "93.184.216.34"]}, "dns-policy", ["93.184.216.34"]),
    ({"a": ["169.254.169.254"]}, "dns-policy", ["169.254.169.254"]),
])
def test_dns_failures_are_told_apart(active, change, error, words):
    active.patch(NAME, **change)
    with Proxy(active, options={"resolve-timeout": "500ms"}) as proxy:
        proxy.wait_verdict("allow")
        errno, text = client.refusal(proxy.port())
        assert errno == 1042
        assert text.startswith("tidblink: ")
        assert len(text) <= 380
        for word in words:
            assert word in text, text
        proxy.wait_log(rf"connection closed .*close=refused .*error={error}\b")


def test_loopback_is_refused_unless_allowed(active):
    with Proxy(active, options={"allow-loopback": "off"}) as proxy:
        proxy.wait_verdict("allow")
        errno, text = client.refusal(proxy.port())
        assert errno == 1042 and "127.0.0.1" in text, text


def test_dns_that_falls_silent_later_changes_nothing(active, mariadb):
    active.patch(CLUSTER, port=mariadb.port)
    active.patch(NAME, ttlSeconds=5)
    with Proxy(active) as proxy:
        proxy.wait_verdict("allow")
        with client.connect(proxy.port()) as sock:
            client.read_greeting(sock)
        active.fault("dnsSilence")
        proxy.wait_log("DNS fails, the last addresses stay in use", seconds=60)
        with client.connect(proxy.port()) as sock:
            client.read_greeting(sock)


def test_name_that_appears_later_serves_who_waits(active, mariadb):
    """Private DNS is enabled a moment after the endpoint became ACTIVE."""
    active.patch(CLUSTER, port=mariadb.port)
    active.patch(NAME, privateDns=False)
    with Proxy(active) as proxy:
        proxy.wait_log("DNS gives no address .*dns-nxdomain")
        assert client.refusal(proxy.port())[0] == 1042
        active.patch(NAME, privateDns=True)
        proxy.wait_log(" resolved .*first=127.0.0.1", seconds=60)
        with client.connect(proxy.port()) as sock:
            client.read_greeting(sock)


def test_connect_refused(active):
    port = own_port()
    active.patch(CLUSTER, port=port)
    with Proxy(active) as proxy:
        proxy.wait_verdict("allow")
        errno, text = client.refusal(proxy.port())
        assert errno == 1042
        assert f"127.0.0.1:{port}: Connection refused" in text
        assert "tidblink doctor" in text


def test_connect_timed_out(active):
    """A listener with a full queue drops the SYN, as a security group does."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full:
        port = full.getsockname()[1]
        fillers = [socket.socket() for _ in range(4)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(("127.0.0.1", port))
        active.patch(CLUSTER, port=port)
        with Proxy(active, options={"connect-timeout": "100ms"}) as proxy:
            proxy.wait_verdict("allow")
            errno, text = client.refusal(proxy.port())
            assert errno == 1042
            assert "Connection timed out" in text and "security group" in text
        for filler in fillers:
            filler.close()


def test_second_address_is_tried(active, mariadb):
    active.patch(CLUSTER, port=mariadb.port)
    active.patch(NAME, a=["127.77.0.1", "127.0.0.1"])
    with Proxy(active) as proxy:
        proxy.wait_verdict("allow")
        for _ in range(4):
            with client.connect(proxy.port()) as sock:
                client.read_greeting(sock)


def test_server_that_closes_before_its_greeting(active):
    with socket.create_server(("127.0.0.1", 0)) as server:
        active.patch(CLUSTER, port=server.getsockname()[1])
        with Proxy(active, {"orders": dict(ORDERS)}) as proxy:
            proxy.wait_verdict("allow")
            with client.connect(proxy.port()) as sock:
                server.accept()[0].close()
                errno, text = client.read_refusal(sock)
            assert errno == 1042
            assert "closed it before its greeting" in text
