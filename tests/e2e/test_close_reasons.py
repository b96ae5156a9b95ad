# SPDX-License-Identifier: Apache-2.0
"""Every reason for which a connection ends, provoked from outside and found in the log line and in
the counter. "internal" is missing: nothing from outside makes memory run out just there. Those
that take half a minute are in test_slow_ends.py."""
import signal
import socket

import pytest

import client
from emulator import ENDPOINT
from scenes import CLOSED, RELAYED, ended, ready, running, served
from servers import Server

pytest_plugins = ["slow_ends"]

ERR = b"\x09\x00\x00\x01\xff\x2b\x04" + b"bye..."  # a server's last words


@pytest.fixture(scope="module", autouse=True)
def begin(slow_ends_begun):
    """What test_slow_ends.py waits for begins here, half a minute ahead."""


@pytest.fixture
def server(cloud):
    with Server() as found:
        ready(cloud, found.port)
        yield found


@pytest.fixture
def proxy(cloud, server):
    with running(cloud) as found:
        yield found


def only(proxy, reason):
    """No other reason was counted."""
    counted = {name: value for name, value in proxy.metrics().items()
               if name.startswith("tidblink_closed_total") and value}
    assert counted == {CLOSED % reason: 1}


def test_client_quit(proxy, server):
    near, far = served(proxy, server)
    near.sendall(b"\x01\x00\x00\x00\x01")  # COM_QUIT
    near.close()
    assert client.read_all(far) == b"\x01\x00\x00\x00\x01"
    far.close()
    line = ended(proxy, "client-quit")
    assert "step=relay" in line and "client_bytes=5 " in line and "idle_ms=" in line
    only(proxy, "client-quit")


def test_server_quit(proxy, server):
    near, far = served(proxy, server)
    far.sendall(ERR)
    far.close()
    assert client.read_all(near) == ERR
    near.close()
    ended(proxy, "server-quit")
    only(proxy, "server-quit")


def test_a_server_that_quit_does_not_wait_for_a_client_that_stays(proxy, server):
    near, far = served(proxy, server)
    far.close()
    assert client.read_all(near) == b""
    ended(proxy, "server-quit")
    only(proxy, "server-quit")
    near.close()


def test_client_reset_reaches_the_server_as_a_reset(proxy, server):
    near, far = served(proxy, server)
    client.reset(near)
    with pytest.raises(ConnectionResetError):
        far.recv(1)
    ended(proxy, "client-reset")
    only(proxy, "client-reset")


def test_server_reset_reaches_the_client_as_a_reset(proxy, server):
    near, far = served(proxy, server)
    client.reset(far)
    with pytest.raises(ConnectionResetError):
        near.recv(1)
    ended(proxy, "server-reset")
    only(proxy, "server-reset")


def say_and_reset(sock, words):
    """The words, then RST at their heels."""
    sock.sendall(words)
    client.reset(sock)


def test_last_words_before_a_reset_arrive(proxy, server):
    """A server that is killed says why and resets; a client says COMMIT and crashes."""
    near, far = served(proxy, server)
    say_and_reset(far, ERR)
    assert client.read_to_the_end(near) == ERR
    ended(proxy, "server-reset")
    near, far = served(proxy, server)
    say_and_reset(near, b"\x07\x00\x00\x00\x03COMMIT")
    assert client.read_to_the_end(far) == b"\x07\x00\x00\x00\x03COMMIT"
    ended(proxy, "client-reset")


def test_an_end_is_passed_on_as_an_end(proxy, server):
    """Half-closed, either side can still talk; nobody sees a reset."""
    near, far = served(proxy, server)
    near.shutdown(socket.SHUT_WR)
    assert far.recv(1) == b""
    far.sendall(ERR)
    assert client.read_exactly(near, len(ERR)) == ERR
    far.close()
    assert near.recv(1) == b""
    ended(proxy, "client-quit")
    near.close()


def test_client_gone(cloud, server):
    with running(cloud, hold_timeout="10m") as proxy:
        cloud.patch(f"endpoints/{ENDPOINT}", state="PENDING")
        proxy.wait_verdict("hold", "PENDING")
        with client.connect(proxy.port()):
            proxy.wait_metric('tidblink_connections{step="hold"}', 1)
        line = ended(proxy, "client-gone")
        assert "step=hold" in line and "idle_ms=" not in line
        only(proxy, "client-gone")


def test_refused(cloud, server):
    with running(cloud) as proxy:
        cloud.patch(f"endpoints/{ENDPOINT}", state="FAILED", message="no such endpoint")
        proxy.wait_verdict("refuse", "FAILED")
        number, text = client.refusal(proxy.port())
        assert number == 1105 and "FAILED" in text
        assert "no such endpoint" in ended(proxy, "refused")
        only(proxy, "refused")
    assert server.greeted == 0


def test_limit_of_the_proxy(cloud, server):
    with running(cloud, max_connections=2) as proxy:
        socks = [served(proxy, server)[0] for _ in range(2)]
        assert client.refusal(proxy.port()) == (
            1040, "tidblink: too many connections: 2 are open and max-connections is 2. Close "
            "some, or raise max-connections")
        ended(proxy, "limit")
        only(proxy, "limit")
        socks.pop().close()
        server.hang_up()
        proxy.wait_metric(RELAYED, 0)
        served(proxy, server)[0].close()  # there is room again
        for sock in socks:
            sock.close()


def test_limit_of_a_listener(cloud, server):
    """One address of the cluster is full; the other one is not."""
    place = {"listen": "127.0.0.1:0, 127.0.0.1:0", "listener-max-connections": 2}
    with running(cloud, place) as proxy:
        socks = [served(proxy, server)[0] for _ in range(2)]
        assert client.refusal(proxy.port()) == (
            1040, "tidblink: too many connections on this listener: its listener-max-connections "
            "is 2. Close some, or raise it")
        ended(proxy, "limit")
        only(proxy, "limit")
        with client.connect(proxy.port(index=1)) as other:
            client.read_greeting(other)
        for sock in socks:
            sock.close()


def test_drained_by_the_verdict(cloud, server):
    """The private endpoint is being deleted: who is idle ends, and the proxy goes on."""
    with running(cloud, drain_timeout="300ms") as proxy:
        near, far = served(proxy, server)
        cloud.patch(f"endpoints/{ENDPOINT}", state="DELETING")
        assert near.recv(1) == b"" and far.recv(1) == b""
        ended(proxy, "drained")
        only(proxy, "drained")
        assert client.refusal(proxy.port())[0] == 1105


def test_drained_by_sigterm(cloud, server):
    """The idle one first, the busy one at the end of drain-timeout. The counter goes with the
    program."""
    with running(cloud, drain_timeout="3s") as proxy:
        idle, busy = served(proxy, server), served(proxy, server)
        busy[0].sendall(b"a long query")
        assert client.read_exactly(busy[1], 12) == b"a long query"
        places = [f"client=127.0.0.1:{near.getsockname()[1]} " for near, _ in (idle, busy)]
        proxy.signal(signal.SIGTERM)
        assert idle[0].recv(1) == b"" and busy[0].recv(1) == b""
        assert proxy.wait() == 75
        order = [line for line in proxy.log_text().splitlines() if " close=" in line]
        assert len(order) == 2 and places[0] in order[0] and places[1] in order[1]
        assert "close=drained " in order[0] and "close=drain-timeout " in order[1]
        proxy.wait_log("drained connections_cut=1$")


def test_stopped(cloud, server):
    """A second SIGTERM. The counter goes with the program."""
    with running(cloud, drain_timeout="10m") as proxy:
        near, far = served(proxy, server)
        proxy.signal(signal.SIGTERM)
        proxy.wait_log(" draining ")  # two signals that are pending are one
        proxy.signal(signal.SIGTERM)
        assert near.recv(1) == b"" and far.recv(1) == b""
        assert proxy.wait() == 0
        proxy.wait_log(r"connection closed .*close=stopped ")
