# SPDX-License-Identifier: Apache-2.0
"""Ends that are easily taken for others: a server that resets what comes too late for it, one that
leaves at once, an address that goes during a drain, a short silence after a long one, a client that
has left before it is served."""
import contextlib
import datetime
import signal
import socket
import threading
import time

import pytest

import client
from emulator import Emulator
from namespaces import Namespace, Way
from proxy import Proxy
from scenes import CLOSED, LONG, ended, ready, running, served
from servers import GREETING, Server, servers

SECONDS = 60
HOSTS = ["127.0.1.1", "127.0.1.2", "127.0.1.3"]
READY, USED = "tidblink_spares", "tidblink_spares_used_total"
DISCARDED = "tidblink_spares_discarded_total"


def test_a_server_that_closed_and_then_resets_has_quit(cloud):
    """Its kernel answers what the client says later with a reset."""
    with Server() as server:
        ready(cloud, server.port)
        with running(cloud) as proxy:
            near, far = served(proxy, server)
            with near:
                far.close()
                assert near.recv(1) == b""
                deadline = time.monotonic() + SECONDS
                with contextlib.suppress(OSError):  # by then the proxy may have left as well
                    while "connection closed" not in proxy.log_text():
                        assert time.monotonic() < deadline
                        near.sendall(b"too late")
                        time.sleep(0.01)
                ended(proxy, "server-quit")
            assert proxy.metric(CLOSED % "server-reset") == 0


# ---- drains --------------------------------------------------------------------------------------

def make_busy(near, far):
    """A query that has no answer yet."""
    near.sendall(b"query")
    assert client.read_exactly(far, 5) == b"query"


def move(cloud, proxy, host):
    """The name has this address from now on; the proxy's log line that says so."""
    mark = proxy.mark()
    cloud.patch("names/moves.example.com", a=[host])
    return proxy.wait_log(rf" resolved .*first={host} ", after=mark).string


def seconds_between(line, other):
    """Of two log lines, which say the millisecond."""
    began, end = [datetime.datetime.fromisoformat(text.split()[0])
                  for text in (line, other)]
    return (end - began).total_seconds()


def test_a_second_dns_drain_has_its_own_time(cloud):
    """The first one is over but nothing has made the proxy look at all addresses since: there is no
    API, and DNS has the next answer."""
    drain_seconds = 3
    with contextlib.ExitStack() as stack:
        nodes = [stack.enter_context(server) for server in servers(HOSTS)]
        cloud.add("names", name="moves.example.com", a=HOSTS[:1], ttlSeconds=1)
        proxy = stack.enter_context(Proxy(
            cloud, {"orders": {"host": "moves.example.com", "port": nodes[0].port}},
            {"state-source": "none", "spares": 0, "threads": 1, "hold-timeout": "30s",
             "dns-drain": "on", "drain-timeout": f"{drain_seconds}s"}))
        first = served(proxy, nodes[0])
        make_busy(*first)
        move(cloud, proxy, HOSTS[1])
        second = served(proxy, nodes[1])
        make_busy(*second)
        assert client.read_to_the_end(first[0]) == b""  # the first one's time is over
        moved = move(cloud, proxy, HOSTS[2])
        assert client.read_to_the_end(second[0]) == b""
        assert seconds_between(moved, ended(proxy, "drain-timeout", 2)) >= drain_seconds - 1


# ---- spares --------------------------------------------------------------------------------------

class Leaver:
    """Serves the first one who comes; greets all others and closes at once."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port = self.listener.getsockname()[1]
        self.count = 0
        self.first = None
        self.thread = threading.Thread(target=self._run)
        self.thread.start()

    def _run(self):
        while True:
            try:
                sock = self.listener.accept()[0]
            except OSError:
                return  # shut down
            self.count += 1
            with contextlib.suppress(OSError):
                sock.sendall(GREETING)
            if self.first:
                sock.close()
            else:
                self.first = sock

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.thread.join()
        self.listener.close()
        if self.first:
            self.first.close()


def test_a_server_that_leaves_its_spares_is_not_asked_on_and_on(cloud):
    """After each failure there is a pause, twice as long as the one before: a slow machine only
    makes it fewer."""
    with Leaver() as server:
        ready(cloud, server.port)
        with running(cloud, spares=4) as proxy, client.connect(proxy.port()) as sock:
            client.read_greeting(sock)
            proxy.wait_metric_above(DISCARDED, 0)
            time.sleep(2)
            assert server.count <= 40
            proxy.wait_metric_above(DISCARDED, 4)  # it is asked again
            assert proxy.metric(READY) <= 4


@pytest.mark.parametrize("leave", [socket.socket.close, client.reset])
def test_who_has_left_already_uses_no_spare_up(cloud, leave):
    """Like a health check that connects and closes; the proxy sees it come when it has gone."""
    with Server() as server:
        server.hangs_up = True
        ready(cloud, server.port)
        with running(cloud, spares=4) as proxy:
            with client.connect(proxy.port()) as sock:
                client.read_greeting(sock)
                proxy.wait_metric(READY, 4)
            proxy.wait_log("connection closed ")
            greeted, port = server.greeted, proxy.port()
            proxy.signal(signal.SIGSTOP)
            try:
                for _ in range(10):
                    leave(client.connect(port))
            finally:
                proxy.signal(signal.SIGCONT)
            proxy.wait_log("connection closed ", 1 + 10)
            metrics = proxy.metrics()
            assert metrics[USED] == 0 and proxy.metric(READY) == 4 and server.greeted == greeted
            with client.connect(proxy.port()) as sock:
                client.read_greeting(sock)
                assert proxy.metric(USED) == 1


# ---- a short silence after a long one ------------------------------------------------------------

@pytest.mark.skipif(not LONG, reason="an idle minute's half: only in the long form")
def test_packets_lost_after_a_long_idle_time_cost_no_connection():
    """The last acknowledgement is 32 s old when a query is lost for a second and a half."""
    with contextlib.ExitStack() as stack:
        home, far_home = [
            stack.enter_context(contextlib.closing(Namespace())) for _ in range(2)]
        way = Way(home, far_home, 1)
        with far_home.inside():
            server = stack.enter_context(Server(way.far_ip))
        with home.inside():
            cloud = stack.enter_context(Emulator())
            cloud.add("names", name="far.example.com", a=[way.far_ip])
            proxy = stack.enter_context(Proxy(
                cloud, {"far": {"host": "far.example.com", "port": server.port}},
                {"state-source": "none", "spares": 0, "hold-timeout": "30s", "keepalive": "60s"}))
            near = stack.enter_context(client.connect(proxy.port("far")))
        client.read_greeting(near)
        far = server.accept()
        time.sleep(32)
        way.cut()
        near.sendall(b"a query")
        time.sleep(1.6)
        way.heal()
        assert client.read_exactly(far, 7) == b"a query"
        far.sendall(b"a result")
        assert client.read_exactly(near, 8) == b"a result"
        assert "connection closed" not in proxy.log_text()
