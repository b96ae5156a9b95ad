# SPDX-License-Identifier: Apache-2.0
"""The end of the program, in order: whoever sends clients here is told first, then nobody new is
taken, then who is there may finish. And reloads under load, which end nothing."""
import signal
import threading
import time

import pytest

import client
from emulator import ENDPOINT
from proxy import Proxy
from scenes import CLOSED, ready, running, served
from servers import Server

LONG_DELAY = "10m"  # it does not end by itself within a test


@pytest.fixture
def server(cloud):
    with Server() as found:
        ready(cloud, found.port)
        yield found


def talk(near, far):
    near.sendall(b"still there?")
    assert client.read_exactly(far, 12) == b"still there?"
    far.sendall(b"yes")
    assert client.read_exactly(near, 3) == b"yes"


def wait_not_accepting(proxy):
    """Until the port refuses; who was in the kernel's queue before is told."""
    deadline = time.monotonic() + 30
    with pytest.raises(OSError):
        while True:
            client.connect(proxy.port()).close()
            assert time.monotonic() < deadline, "it still accepts"


@pytest.mark.parametrize("closed", [1, 2])
def test_a_cursor_that_was_closed_before_its_end(cloud, server, closed):
    """Statement 1 was executed with a cursor: as long as that is open the session is left alone. What
    closes a statement (COM_STMT_CLOSE) has no answer that would say that it is not any more."""
    with running(cloud, drain_timeout="10m") as proxy:
        near, far = served(proxy, server)
        for client_says, server_says in (
                # The login (CLIENT_PROTOCOL_41), OK; COM_STMT_EXECUTE, a column, EOF: cursor.
                ("20000001 0182000000000001 21" + 23 * "00", "07000002 00 00 00 0200 0000"),
                ("0a000000 17 01000000 01 01000000",
                 "01000001 01 0a000002 03646566000000000000 05000003 fe 0000 4200")):
            near.sendall(bytes.fromhex(client_says))
            client.read_exactly(far, len(bytes.fromhex(client_says)))
            far.sendall(bytes.fromhex(server_says))
            client.read_exactly(near, len(bytes.fromhex(server_says)))
        near.sendall(bytes.fromhex(f"05000000 19 0{closed}000000"))
        client.read_exactly(far, 9)
        proxy.signal(signal.SIGTERM)
        if closed == 1:
            assert client.read_to_the_end(near) == b""
        else:
            near.settimeout(1.5)
            with pytest.raises(TimeoutError):
                near.recv(1)
            proxy.signal(signal.SIGTERM)
        assert proxy.wait() == 0
        far.close()
        near.close()


def test_readiness_fails_first_and_clients_are_served_meanwhile(cloud, server):
    with running(cloud, drain_delay=LONG_DELAY) as proxy:
        before = served(proxy, server)
        assert proxy.admin("/readiness")[0] == 200
        proxy.signal(signal.SIGTERM)
        proxy.wait_log(" draining .*delay_ms=600000 ")
        code, text = proxy.admin("/readiness")
        assert code == 503 and "draining" in text
        assert proxy.admin("/liveness")[0] == 200  # nobody must kill it for this
        assert proxy.metric("tidblink_draining") == 1
        for _ in range(5):
            near, far = served(proxy, server)
            talk(near, far)
            near.close()
            far.close()
        talk(*before)
        proxy.signal(signal.SIGTERM)
        assert client.read_to_the_end(before[0]) == b""
        assert proxy.wait() == 0
        assert "close=stopped" in proxy.log_text()


def test_after_the_delay_the_listeners_close_and_the_running_go_on(cloud, server):
    with running(cloud, drain_delay="1s", drain_timeout=LONG_DELAY) as proxy:
        near, far = served(proxy, server)
        server.hangs_up = True  # the others, when their client does
        proxy.signal(signal.SIGTERM)
        proxy.wait_log(" draining ")
        assert proxy.admin("/readiness")[0] == 503
        wait_not_accepting(proxy)
        talk(near, far)
        near.close()
        far.close()
        assert proxy.wait() == 0
        assert "close=drained" not in proxy.log_text()


def test_who_is_held_when_the_delay_is_over_is_told(cloud, server):
    cloud.patch(f"endpoints/{ENDPOINT}", state="PENDING")
    options = {"hold-timeout": LONG_DELAY, "drain-delay": "1s", "drain-timeout": LONG_DELAY}
    with Proxy(cloud, options=options) as proxy:
        proxy.wait_verdict("hold", "PENDING")
        with client.connect(proxy.port()) as sock:
            proxy.wait_metric('tidblink_connections{step="hold"}', 1)
            proxy.signal(signal.SIGTERM)
            number, text = client.read_refusal(sock)
        assert number == 1053 and "draining" in text
        assert proxy.wait() == 0


def test_reloads_under_load_end_nothing(cloud, server):
    """Connections come, talk and go while every option that a reload may change does."""
    changes = [{"splice": "off"}, {"spares": 4}, {"max-connections": 100}, {"spares": 0},
               {"hold-timeout": "7s"}, {"dns-drain": "on"}, {"splice": "on"},
               {"connect-timeout": "9s"}, {"drain-timeout": "99s"}, {"log-level": "info"}]
    server.hangs_up = True  # and echoes
    stop = threading.Event()
    problems, visits = [], [0] * 4

    def visit(number, port):
        try:
            while not stop.is_set():
                with client.connect(port) as sock:
                    client.read_greeting(sock)
                    sock.sendall(b"x" * 5000)
                    assert client.read_exactly(sock, 5000) == b"x" * 5000
                visits[number] += 1
        except BaseException as problem:
            problems.append(problem)

    with running(cloud, threads=2) as proxy, client.connect(proxy.port()) as stays:
        client.read_greeting(stays)
        threads = [threading.Thread(target=visit, args=[number, proxy.port()])
                   for number in range(len(visits))]
        try:
            for thread in threads:
                thread.start()
            for change in changes:
                seen = list(visits)
                mark = proxy.mark()
                proxy.options.update(change)
                proxy.write_config()
                proxy.signal(signal.SIGHUP)
                name, = change
                proxy.wait_log(f"configuration reloaded changed={name}$", after=mark)
                wait_for(lambda: problems or all(now > then + 1
                                                 for now, then in zip(visits, seen)))
                stays.sendall(b"still there?")
                assert client.read_exactly(stays, 12) == b"still there?"
        finally:
            stop.set()
            for thread in threads:
                thread.join()
        assert not problems, problems[0]
        ends = {name for name, value in proxy.metrics().items()
                if name.startswith("tidblink_closed_total") and value}
        assert ends == {CLOSED % "client-quit"}


def wait_for(condition, seconds=30):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)
