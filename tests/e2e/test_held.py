# SPDX-License-Identifier: Apache-2.0
"""Clients that leave or talk while they are held, and loops that never wait for anybody."""
import threading
import time

import pymysql
import pytest

import client
from proxy import Proxy

ENDPOINT = "endpoints/1934235512477589504"
CLUSTER = "clusters/1379661944646413143"
HELD = 'tidblink_connections{step="hold"}'


def cpu_seconds(pid):
    """User and system time of all threads of a process."""
    with open(f"/proc/{pid}/stat") as stat:
        fields = stat.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100


@pytest.mark.parametrize("leave", ["fin", "rst", "half-close"])
def test_clients_that_leave_while_held_cost_nothing(cloud, leave):
    """A reset socket stays readable for ever: whoever keeps watching it spins."""
    with Proxy(cloud, options={"hold-timeout": "10m", "poll-interval": "1h",
                               "poll-interval-changing": "1h"}) as proxy:
        proxy.wait_verdict("hold", "PENDING")
        socks = [client.connect(proxy.port()) for _ in range(50)]
        proxy.wait_metric(HELD, 50)
        for sock in socks:
            if leave == "fin":
                sock.close()
            elif leave == "rst":
                client.reset(sock)
            else:
                sock.shutdown(1)
        proxy.wait_metric(HELD, 0)
        proxy.wait_metric('tidblink_closed_total{reason="client-gone"}', 50)
        # A window to measure in, not a wait for anything: one spinning loop would use all of it.
        before = cpu_seconds(proxy.process.pid)
        time.sleep(1)
        assert cpu_seconds(proxy.process.pid) - before < 0.2
        for sock in socks:
            sock.close()


def test_held_clients_cost_nothing(cloud):
    with Proxy(cloud, options={"hold-timeout": "10m", "poll-interval": "1h",
                               "poll-interval-changing": "1h"}) as proxy:
        proxy.wait_verdict("hold", "PENDING")
        socks = [client.connect(proxy.port()) for _ in range(50)]
        proxy.wait_metric(HELD, 50)
        before = cpu_seconds(proxy.process.pid)
        time.sleep(1)
        assert cpu_seconds(proxy.process.pid) - before < 0.2
        cloud.clear_requests()
        for sock in socks:
            sock.close()


def test_client_that_sends_before_the_greeting(cloud):
    with Proxy(cloud, options={"hold-timeout": "10m"}) as proxy:
        proxy.wait_verdict("hold", "PENDING")
        with client.connect(proxy.port()) as sock:
            sock.sendall(b"PROXY TCP4 10.0.0.1 10.0.0.2 1 2\r\n" * 1000)
            errno, text = client.read_refusal(sock)
        assert errno == 1043
        assert "before the server's greeting" in text


def test_a_crowd_of_held_clients_asks_once(cloud):
    """A held client may bring one poll forward, never more."""
    with Proxy(cloud, options={"hold-timeout": "10m", "poll-interval": "1h",
                               "poll-interval-changing": "1h"}) as proxy:
        proxy.wait_verdict("hold", "PENDING")
        cloud.clear_requests()
        socks = [client.connect(proxy.port()) for _ in range(30)]
        proxy.wait_metric(HELD, 30)
        cloud.patch(ENDPOINT, state="PENDING")
        lists = [request for request in cloud.requests()
                 if request["path"].startswith("/v1beta1/clusters")
                 and "privateEndpointConnections" in request["path"]]
        assert len(lists) <= 1, lists
        for sock in socks:
            sock.close()


def relay_through_silence(cloud, port, proxy):
    """Clients come and go while the DNS server is silent and the control API never answers; the
    longest turn of a loop that accepts or relays, in seconds, and how many took over 0.1 s."""
    def connect():
        return pymysql.connect(host="127.0.0.1", port=port, user="app",
                               password="stall-Secret", connect_timeout=30)

    with connect():
        pass
    mark = proxy.mark()
    cloud.fault("hang")
    cloud.fault("dnsSilence")
    stop = threading.Event()
    problems = []

    def work():
        try:
            while not stop.is_set():
                with connect() as connection, connection.cursor() as cursor:
                    for _ in range(20):
                        cursor.execute("SELECT REPEAT('x', 10000)")
        except Exception as problem:
            problems.append(problem)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    proxy.wait_metric('tidblink_api_up{cluster="orders"}', 0)
    proxy.wait_log("DNS fails, the last addresses stay in use", seconds=60, after=mark)
    stop.set()
    for thread in threads:
        thread.join()
    assert not problems, problems[0]
    metrics = proxy.metrics()
    return metrics["tidblink_loop_stall_max_seconds"], metrics["tidblink_loop_stalls_total"]


def test_loops_never_stall_while_dns_and_api_hang(cloud, mariadb):
    """A loop that waited for either would stall in every round, for seconds; a machine that is too
    busy to run the loops at all does so now and then, and is given another round."""
    mariadb.add_user("app", "stall-Secret")
    cloud.settings(requestsPerMinute=1000000)
    cloud.patch(CLUSTER, port=mariadb.port)
    cloud.patch(ENDPOINT, state="ACTIVE")
    cloud.patch("names/privatelink-19169283.muznnz1umf3p.clusters.tidb-cloud.com", ttlSeconds=5)
    for _ in range(4):
        cloud.clear_faults()
        with Proxy(cloud, options={"api-timeout": "2s", "resolve-timeout": "2s"}) as proxy:
            proxy.wait_verdict("allow")
            longest, stalls = relay_through_silence(cloud, proxy.port(), proxy)
        print(f"longest turn of a loop: {longest * 1000:.1f} ms")
        if stalls == 0:
            return
    raise AssertionError(f"the loops stalled in every round, at last for {longest} s")
