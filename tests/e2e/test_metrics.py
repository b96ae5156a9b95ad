# SPDX-License-Identifier: Apache-2.0
"""/metrics as Prometheus itself reads it: its linter, its scraper, its query language."""
import contextlib
import signal
import socket
import subprocess

import pytest

import client
from certs import Authority
from clocks import Clocks
from fake_tidb import FakeTidb
from prometheus import Prometheus
from proxy import Proxy

ORDERS = '{cluster="orders"'


@pytest.fixture
def tidb():
    with FakeTidb() as running:
        yield running


def proxy_of(tidb, options=None, **more):
    clusters = {"orders": {"host": "127.0.0.1", "port": tidb.port}, **more}
    return Proxy(clusters=clusters, options={
        "state-source": "none", "admin-listen": "127.0.0.1:0", "threads": "2", "spares": "0",
        **(options or {})})


def served(proxy):
    sock = socket.create_connection(("127.0.0.1", proxy.port()), 30)
    client.read_greeting(sock)
    return sock


def lint(text):
    return subprocess.run(["promtool", "check", "metrics"], input=text, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)


def test_promtool_has_no_complaint(cloud):
    """With everything that may be there: a state, endpoints, a quota, refusals."""
    with Proxy(cloud) as proxy:
        proxy.wait_verdict("hold", "PENDING")
        proxy.wait_cluster("orders", lambda api: "rate_remaining" in api)
        proxy.metrics()
        proxy.wait_metric("tidblink_idle_age_seconds", 0)
        text = proxy.admin("/metrics")[1]
        checked = lint(text)
        assert (checked.returncode, checked.stdout) == (0, "")
        assert 'tidblink_endpoint_state{cluster="orders",endpoint="vpce-0a1b2c3d4e5f67890",' \
               'state="PENDING"} 1\n' in text
        assert proxy.metric("tidblink_api_ratelimit_remaining") >= 0
        assert proxy.metric("tidblink_api_age_seconds") >= 0


def test_a_linter_that_can_complain():
    assert lint("tidblink_nothing 1\n").returncode != 0


def test_names_that_are_not_ascii(tidb):
    """Two clusters must not become one series: Prometheus would refuse the whole page."""
    nowhere = {"host": "127.0.0.1", "port": "1"}
    with proxy_of(tidb, **{"ä": nowhere, "ö": nowhere}) as proxy:
        assert lint(proxy.admin("/metrics")[1]).stdout == ""
        assert proxy.metric('tidblink_connections_open{cluster="ä"}') == 0
        assert proxy.metric('tidblink_connections_open{cluster="ö"}') == 0


def test_each_phase_of_a_dial_is_timed(tmp_path):
    """A server behind TLS: the phases of one connection, each once, and no byte of it later."""
    pair = Authority().server(tmp_path, ["127.0.0.1"])
    with FakeTidb(pair) as tidb:
        clusters = {"orders": {"host": "127.0.0.1", "port": tidb.port, "tls-ca": pair.ca}}
        with Proxy(clusters=clusters,
                   options={"state-source": "none", "spares": "1", "threads": "1",
                            "startup-check": "greeting"}) as proxy:
            proxy.wait_metric("tidblink_spares", 1)
            seen = proxy.metrics()
            for phase in "tcp", "greeting", "tls":
                labels = f'{ORDERS},phase="{phase}"'
                assert seen["tidblink_dial_seconds_count" + labels + "}"] == 1
                assert 0 < seen["tidblink_dial_seconds_sum" + labels + "}"] < 30
                assert seen["tidblink_dial_seconds_bucket" + labels + ',le="+Inf"}'] == 1


def test_buckets_are_cumulative(tidb):
    with proxy_of(tidb) as proxy, contextlib.ExitStack() as clients:
        for _ in range(20):
            clients.enter_context(served(proxy))
        labels = f'{ORDERS},phase="tcp",le="'
        counts = [value for name, value in proxy.metrics().items()
                  if name.startswith("tidblink_dial_seconds_bucket" + labels)]
        assert len(counts) == 19
        assert counts == sorted(counts)
        assert counts[-1] == 20


def test_who_waits_for_a_name_is_timed(cloud):
    cloud.add("names", name="slow.example.com", a=["127.0.0.1"], delaySeconds=1)
    with Proxy(cloud, clusters={"orders": {"host": "slow.example.com", "port": "1"}},
               options={"state-source": "none"}) as proxy:
        with socket.create_connection(("127.0.0.1", proxy.port()), 30) as sock:
            assert b"refused" in sock.recv(4096)  # the name was found, and nobody listens there
        assert proxy.metric(f'tidblink_dial_seconds_count{ORDERS},phase="dns"}}') == 1
        assert proxy.metric(f'tidblink_dial_seconds_count{ORDERS},phase="tcp"}}') == 0
        # The next one does not wait.
        with socket.create_connection(("127.0.0.1", proxy.port()), 30) as sock:
            assert sock.recv(4096)
        assert proxy.metric(f'tidblink_dial_seconds_count{ORDERS},phase="dns"}}') == 1


def test_ages_outlive_a_wall_clock_that_is_set_back(cloud):
    """By NTP, at the start of a machine whose own clock was ahead."""
    with Clocks() as clocks, Proxy(cloud, env=clocks.env()) as proxy:
        proxy.wait_cluster("orders", lambda api: api.get("answered"))
        cloud.fault("status", status=503)
        proxy.wait_metric('tidblink_api_up{cluster="orders"}', 0)
        clocks.set_wall(-3600)
        assert proxy.metric('tidblink_api_age_seconds{cluster="orders"}') == 0
        assert proxy.cluster()["api"]["age_s"] == 0
        mark = proxy.mark()
        proxy.signal(signal.SIGUSR1)
        assert proxy.wait_log(r" api_age_s=(\d+)", after=mark)[1] == "0"


def test_prometheus_scrapes_it(tidb):
    with proxy_of(tidb) as proxy, contextlib.ExitStack() as clients:
        port = proxy.wait_log(r"admin listening address=127\.0\.0\.1:(\d+)")[1]
        for _ in range(3):
            clients.enter_context(served(proxy))
        with Prometheus(f"127.0.0.1:{port}") as prometheus:
            prometheus.wait_up()
            prometheus.wait_query("tidblink_connections_open",
                                  lambda found: found == [({"cluster": "orders"}, 3)])
            assert prometheus.query("tidblink_connections_opened_total") == [({}, 3)]
            assert prometheus.query('tidblink_bytes_total{dir="to_client"} > 0')
            assert prometheus.query('sum(tidblink_closed_total)') == [({}, 0)]
            assert prometheus.query('tidblink_dns_answer_info') == [
                ({"cluster": "orders", "address": "127.0.0.1"}, 1)]
            (quantile,) = prometheus.query(
                'histogram_quantile(0.5, tidblink_dial_seconds_bucket{phase="tcp"})')
            assert quantile[0] == {"cluster": "orders", "phase": "tcp"}
            assert 0 < quantile[1] < 30
            prometheus.wait_query("tidblink_idle_age_seconds", lambda found: found != [])
            clients.close()
            prometheus.wait_query('tidblink_connections_open', lambda found: found[0][1] == 0)
            assert prometheus.target() == ("up", "")
