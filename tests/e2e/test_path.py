# SPDX-License-Identifier: Apache-2.0
"""The main job with a real server and a real client: refuse or forward, and lose nothing."""
import hashlib
import os
import re
import signal
import socket
import stat
import threading

import pymysql
import pytest

import client
from built import is_portable
from proxy import ORDERS, Proxy
from scenes import wait_descriptors_at_most

USER, PASSWORD = "app", "path-Secret-4711"
ENDPOINT = "endpoints/1934235512477589504"
CLUSTER = "clusters/1379661944646413143"


@pytest.fixture
def world(cloud, mariadb):
    """The emulated cluster is the real server."""
    mariadb.add_user(USER, PASSWORD)
    cloud.patch(CLUSTER, port=mariadb.port)
    cloud.settings(requestsPerMinute=1000000)
    return cloud


def connect(port, **arguments):
    return pymysql.connect(host="127.0.0.1", port=port, user=USER, password=PASSWORD,
                           database="test", connect_timeout=30, **arguments)


def query(connection, sql):
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchall()


def test_refused_then_forwarded_then_refused(world):
    with Proxy(world) as proxy:
        port = proxy.port()
        with pytest.raises(pymysql.err.OperationalError) as refused:
            connect(port)
        assert refused.value.args[0] == 1053
        assert "PENDING" in refused.value.args[1]
        world.patch(ENDPOINT, state="ACTIVE")
        proxy.wait_verdict("allow")
        with connect(port) as connection:
            assert query(connection, "SELECT 6 * 7") == ((42,),)
        mark = proxy.mark()
        world.patch(ENDPOINT, state="DELETING")
        proxy.wait_verdict("refuse", "DELETING", after=mark)
        with pytest.raises(pymysql.err.OperationalError) as refused:
            connect(port)
        assert refused.value.args[0] == 1105
        assert "DELETING" in refused.value.args[1]


def test_a_held_client_is_served_when_the_endpoint_becomes_active(world):
    with Proxy(world, options={"hold-timeout": "60s"}) as proxy:
        proxy.wait_verdict("hold", "PENDING")
        with client.connect(proxy.port()) as sock:
            proxy.wait_metric('tidblink_connections{step="hold"}', 1)
            world.patch(ENDPOINT, state="ACTIVE")
            assert b"MariaDB" in client.read_greeting(sock)


def test_a_large_result_is_the_same_as_directly(world, mariadb):
    sql = "SELECT seq, REPEAT(MD5(seq), 32) FROM seq_1_to_50000"  # about 50 MB
    world.patch(ENDPOINT, state="ACTIVE")

    def digest(port):
        found = hashlib.sha256()
        with connect(port, cursorclass=pymysql.cursors.SSCursor) as connection:
            with connection.cursor() as cursor:
                cursor.execute(sql)
                for row in cursor:
                    found.update(repr(row).encode())
        return found.hexdigest()

    with Proxy(world) as proxy:
        proxy.wait_verdict("allow")
        assert digest(proxy.port()) == digest(mariadb.port)


def test_unix_socket(world, tmp_path):
    path = f"{tmp_path}/o.sock"
    world.patch(ENDPOINT, state="ACTIVE")
    with Proxy(world, {"orders": {**ORDERS, "listen": f"127.0.0.1:0, unix:{path}"}}) as proxy:
        proxy.wait_verdict("allow")
        proxy.address(index=1)
        assert stat.S_IMODE(os.stat(path).st_mode) == 0o660
        with connect(0, unix_socket=path) as connection:
            assert query(connection, "SELECT 1") == ((1,),)
        if is_portable():  # POSIX does not tell who the peer is
            proxy.wait_log("connection closed .*client=unix ")
            return
        closed = proxy.wait_log(r"connection closed .*client=pid:(\d+),uid:(\d+)")
        assert (int(closed[1]), int(closed[2])) == (os.getpid(), os.getuid())
    assert not os.path.exists(path)


class Counter:
    """A relay that counts, between the proxy and the server: the far side's own view."""

    def __init__(self, server_port):
        self.server_port = server_port
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port = self.listener.getsockname()[1]
        self.up = self.down = self.failed = 0
        self.lock = threading.Lock()
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                near, _ = self.listener.accept()
            except OSError:
                return
            far = socket.create_connection(("127.0.0.1", self.server_port))
            for source, sink, way in (near, far, "up"), (far, near, "down"):
                threading.Thread(target=self._copy, args=(source, sink, way), daemon=True).start()

    def _copy(self, source, sink, way):
        try:
            while part := source.recv(65536):
                with self.lock:
                    setattr(self, way, getattr(self, way) + len(part))
                sink.sendall(part)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            with self.lock:
                self.failed += 1


class CountingSocket:
    """What PyMySQL needs of a socket, counting what this client sends and receives."""

    def __init__(self, port):
        self.sock = socket.create_connection(("127.0.0.1", port), 30)
        self.sent = self.received = 0

    def makefile(self, mode):
        reader = self.reader = self.sock.makefile(mode)
        outer = self

        class Reader:
            def read(self, size):
                part = reader.read(size)
                outer.received += len(part)
                return part

            def close(self):
                reader.close()

        return Reader()

    def sendall(self, part):
        self.sent += len(part)
        self.sock.sendall(part)

    def settimeout(self, seconds):
        self.sock.settimeout(seconds)

    def setsockopt(self, *arguments):
        self.sock.setsockopt(*arguments)

    def close(self):
        self.reader.close()  # a socket stays open until its last reader is
        self.sock.close()


def test_a_thousand_connections_lose_nothing(world, mariadb):
    """Opened, used and closed while the control API fails in every way; the bytes that the clients,
    the proxy and the server's side count are the same, and no descriptor stays open."""
    connections, at_once = 1000, 25
    counter = Counter(mariadb.port)
    world.patch(CLUSTER, port=counter.port)
    world.patch(ENDPOINT, state="ACTIVE")
    totals = {"sent": 0, "received": 0}
    problems = []
    lock = threading.Lock()

    def work(proxy, count):
        try:
            for number in range(count):
                sock = CountingSocket(proxy.port())
                connection = pymysql.connect(user=USER, password=PASSWORD, database="test",
                                             defer_connect=True)
                connection.connect(sock)
                assert query(connection, f"SELECT REPEAT('x', {number * 100})")[0][0] == \
                    "x" * (number * 100)
                connection.close()
                with lock:
                    totals["sent"] += sock.sent
                    totals["received"] += sock.received
        except Exception as problem:
            problems.append(problem)

    with Proxy(world, options={"api-timeout": "500ms"}) as proxy:
        proxy.wait_verdict("allow")
        before = proxy.descriptors()
        for fault in None, "hang", "status", "dropTls", None:
            world.clear_faults()
            if fault:
                world.fault(fault)
            threads = [threading.Thread(target=work, args=(proxy, connections // 5 // at_once))
                       for _ in range(at_once)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        proxy.wait_metric("tidblink_connections_opened_total", connections)
        proxy.wait_metric('tidblink_connections{step="relay"}', 0)
        assert not problems, problems[0]
        metrics = proxy.metrics()
        assert metrics['tidblink_bytes_total{dir="to_server"}'] == totals["sent"]
        assert counter.up == totals["sent"]
        # A client may hang up before it has read the last bytes, never the other way round.
        assert metrics['tidblink_bytes_total{dir="to_client"}'] == counter.down
        assert totals["received"] == counter.down
        assert counter.failed == 0
        assert metrics['tidblink_closed_total{reason="client-quit"}'] + \
            metrics['tidblink_closed_total{reason="server-quit"}'] == connections
        wait_descriptors_at_most(proxy, before + 1)  # the control API's own connection
        print(f"{connections} connections: clients sent {totals['sent']} bytes and received "
              f"{totals['received']}, the server's side {counter.up} and {counter.down}; "
              f"{before} descriptors before, {proxy.descriptors()} after")
        proxy.wait_log("connection closed ", connections)
        per_log = [re.search(r"client_bytes=(\d+) server_bytes=(\d+)", line)
                   for line in proxy.log_text().splitlines() if "connection closed" in line]
        assert sum(int(m[1]) for m in per_log) == totals["sent"]
        assert sum(int(m[2]) for m in per_log) == counter.down


def test_running_connections_survive_the_control_plane(world):
    """Goes away, answers 500, lies, comes back: what runs keeps running, what is known stands."""
    world.patch(ENDPOINT, state="ACTIVE")
    with Proxy(world, options={"api-timeout": "500ms"}) as proxy:
        proxy.wait_verdict("allow")
        with connect(proxy.port()) as connection:
            for fault in "hang", "status", "cut", "malformed", "huge", "contentType":
                world.clear_faults()
                world.fault(fault)
                proxy.wait_metric('tidblink_api_up{cluster="orders"}', 0)
                assert query(connection, "SELECT 1") == ((1,),)
                with connect(proxy.port()) as second:
                    assert query(second, "SELECT 2") == ((2,),)
                world.clear_faults()
                proxy.wait_metric('tidblink_api_up{cluster="orders"}', 1)
        assert proxy.metric('tidblink_closed_total{reason="server-reset"}') == 0


def test_sigterm_drains_and_a_second_one_stops(world):
    world.patch(ENDPOINT, state="ACTIVE")
    with Proxy(world) as proxy:
        proxy.wait_verdict("allow")
        busy = connect(proxy.port())
        logged_in = proxy.metric('tidblink_bytes_total{dir="to_server"}')
        done = []

        def slow():
            done.append(query(busy, "SELECT SLEEP(2), 'finished'"))

        thread = threading.Thread(target=slow)
        thread.start()
        proxy.wait_metric_above('tidblink_bytes_total{dir="to_server"}', logged_in)
        idle = connect(proxy.port())
        proxy.signal(signal.SIGTERM)
        with pytest.raises(OSError):
            while True:  # until the listener is closed
                client.connect(proxy.port()).close()
        thread.join()
        assert done[0][0][1] == "finished"
        assert proxy.wait() == 0
        assert idle._sock.recv(1) == b""

    with Proxy(world) as proxy:
        proxy.wait_verdict("allow")
        connection = connect(proxy.port())
        thread = threading.Thread(target=lambda: connection._sock.recv(1))
        thread.start()
        proxy.signal(signal.SIGTERM)
        proxy.wait_log(" draining ")  # two that are pending at the same time are one
        proxy.signal(signal.SIGTERM)
        assert proxy.wait() == 0
        thread.join()


def test_sighup_reloads(world):
    with Proxy(world, options={"hold-timeout": "60s"}) as proxy:
        proxy.wait_verdict("hold", "PENDING")
        proxy.options["hold-timeout"] = "100ms"
        proxy.write_config()
        mark = proxy.mark()
        proxy.signal(signal.SIGHUP)
        proxy.wait_log("reload", after=mark)
        assert client.refusal(proxy.port())[0] == 1053
        proxy.options["hold-timeout"] = "nonsense"
        proxy.write_config()
        mark = proxy.mark()
        proxy.signal(signal.SIGHUP)
        proxy.wait_log(r"hold-timeout.*nonsense", after=mark)
        assert client.refusal(proxy.port())[0] == 1053


def test_a_reload_counts_descriptors_as_a_start_does(world):
    with Proxy(world, options={"max-connections": "50"}, wrapper=["prlimit", "--nofile=400:400"]) as proxy:
        proxy.wait_verdict("hold", "PENDING")
        proxy.options["max-connections"] = "100000"
        proxy.write_config()
        mark = proxy.mark()
        proxy.signal(signal.SIGHUP)
        proxy.wait_log("not reloaded: the old one stays .*max-connections = 100000 needs", after=mark)
        assert proxy.metric("tidblink_connections_max") == 50


def waiting_ports(remote_port):
    """Local ports that this machine keeps for a minute after it closed a connection first."""
    with open("/proc/net/tcp", encoding="ascii") as table:
        fields = [line.split() for line in table.readlines()[1:]]
    return {local for _, local, remote, state, *_ in fields
            if state == "06" and int(remote.rpartition(":")[2], 16) == remote_port}


def test_after_com_quit_the_server_closes_first(world, mariadb):
    """Who closes first keeps the port: a proxy that opens many connections must not run out."""
    world.patch(ENDPOINT, state="ACTIVE")
    with Proxy(world) as proxy:
        proxy.wait_verdict("allow")
        before = waiting_ports(mariadb.port)
        for _ in range(40):
            connect(proxy.port()).close()
        proxy.wait_metric('tidblink_closed_total{reason="client-quit"}', 40)
        kept = waiting_ports(mariadb.port) - before
    # A server that takes over a second is not waited for.
    assert len(kept) < 20, f"{len(kept)} of 40 connections left a port behind"
