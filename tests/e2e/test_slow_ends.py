# SPDX-License-Identifier: Apache-2.0
"""The ends that take time: peers whose network is cut, ways that forget an idle connection, a
client that closed its half. In a run of all tests they have begun long ago (test_close_reasons.py)."""
import re

import pytest

import client
from built import linux_only
from scenes import CLOSED, ended
from slow_ends import SECONDS

pytest_plugins = ["slow_ends"]

DEAD_MS = 30 * 1000, 45 * 1000
PROBED_MS = 7 * 1000  # keepalive = 1s: after one second of silence six probes, a second apart


@pytest.fixture
def slow_ends(slow_ends_begun):
    if "why" in slow_ends_begun:
        pytest.skip(slow_ends_begun["why"])
    return slow_ends_begun["networks"]


@linux_only("TCP_INFO")
def test_idle_dropped(slow_ends):
    """The way is cut while nobody talks: keepalive finds out on either leg, and the side that is
    still there is told at once."""
    for name in "server-idle", "client-idle":
        reason, idle_ms = slow_ends.end(name)
        assert reason == "idle-dropped"
        assert PROBED_MS - 1000 <= idle_ms <= 4 * PROBED_MS
    slow_ends.networks.proxy.wait_metric_above(CLOSED % "idle-dropped", 1)
    assert client.read_to_the_end(slow_ends.pairs["server-idle"][0]) == b""
    assert client.read_to_the_end(slow_ends.pairs["client-idle"][1]) == b""


@linux_only("TCP_INFO")
def test_idle_dropped_with_a_reset(slow_ends):
    """A load balancer that forgot the connection answers the next sign of life with a reset."""
    networks = slow_ends.networks
    near, far = networks.connect("odd")
    slow_ends.names["odd"] = near.getsockname()
    networks.odd_way.cut()
    client.reset(far)  # nobody hears it
    networks.odd_way.heal()
    reason, idle_ms = slow_ends.end("odd")
    assert reason == "idle-dropped" and idle_ms >= 900
    assert client.read_to_the_end(near) == b""
    near.close()


@linux_only("TCP_INFO")
def test_client_dead(slow_ends):
    """Nothing is acknowledged for 30 s: gone within 45, and the server's side is told."""
    reason, idle_ms = slow_ends.end("client-dead")
    assert reason == "client-dead"
    assert DEAD_MS[0] - 2000 <= idle_ms <= DEAD_MS[1]  # the last keepalive was acknowledged later
    assert client.read_to_the_end(slow_ends.pairs["client-dead"][1]) == b""
    slow_ends.networks.proxy.wait_metric(CLOSED % "client-dead", 1)


@linux_only("TCP_INFO")
def test_server_dead(slow_ends):
    reason, idle_ms = slow_ends.end("server-dead")
    assert reason == "server-dead"
    assert DEAD_MS[0] - 2000 <= idle_ms <= DEAD_MS[1]
    assert client.read_to_the_end(slow_ends.pairs["server-dead"][0]) == b""
    slow_ends.networks.proxy.wait_metric(CLOSED % "server-dead", 1)


def test_half_open(slow_ends_begun):
    """A client that closed its half may wait for a long query, but not for ever."""
    proxy, near, far = slow_ends_begun["half-open"]
    line = ended(proxy, "half-open", seconds=SECONDS)
    assert int(re.search(r"idle_ms=(\d+)", line)[1]) >= 30 * 1000
    assert near.recv(1) == b"" and client.read_to_the_end(far) == b""
