# SPDX-License-Identifier: Apache-2.0
"""The real sysbench on the real MariaDB through the proxy, while the world moves: addresses fail
and heal, the process is reloaded and at last drained. Not a transaction is lost or repeated."""
import contextlib
import re
import shutil
import signal
import socket
import subprocess
import threading
import time

import pytest

import client
from scenes import LONG, ready, running
from servers import servers

USER, PASSWORD = "bench", "sysbench-4711"
SECONDS = 60 if LONG else 10
THREADS = 8
HOSTS = ["127.0.2.1", "127.0.2.2", "127.0.2.3"]
LIMIT_SECONDS = SECONDS + 120


class Relays:
    """One address of the cluster in front of the real server: what runs goes on when it refuses or
    swallows new connections."""

    def __init__(self, server, target):
        self.server, self.target = server, target
        server.greets = False  # the real one does
        self.running = True
        self.thread = threading.Thread(target=self._serve)
        self.thread.start()

    def _serve(self):
        while (near := self.server.socks.get()) is not None:
            near.settimeout(None)
            far = socket.create_connection(("127.0.0.1", self.target))
            for one, other in (near, far), (far, near):
                one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                threading.Thread(target=self._copy, args=[one, other], daemon=True).start()

    @staticmethod
    def _copy(source, sink):
        with contextlib.suppress(OSError):
            while part := source.recv(65536):
                sink.sendall(part)
            sink.shutdown(socket.SHUT_WR)

    def close(self):
        self.server.socks.put(None)
        self.thread.join()


@pytest.fixture
def nodes(mariadb):
    with contextlib.ExitStack() as stack:
        found = [stack.enter_context(server) for server in servers(HOSTS)]
        for server in found:
            stack.enter_context(contextlib.closing(Relays(server, mariadb.port)))
        yield found


def sysbench(port, *arguments):
    return ["sysbench", "oltp_read_write", "--db-driver=mysql", "--mysql-host=127.0.0.1",
            f"--mysql-port={port}", f"--mysql-user={USER}", f"--mysql-password={PASSWORD}",
            "--mysql-db=test", "--mysql-ssl=off", "--tables=8", "--table-size=5000",
            "--rand-type=uniform", *arguments]


def counters(mariadb):
    """What the server has counted: {name: number}."""
    names = "'Com_commit', 'Innodb_deadlocks', 'Aborted_clients'"
    rows = mariadb.query(f"SHOW GLOBAL STATUS WHERE Variable_name IN ({names})")
    return {name: int(value) for name, value in rows}


class Trouble(threading.Thread):
    """One address after the other fails, in either way, and heals; short-lived clients come and go
    meanwhile, since only they would notice; and every now and then the proxy is reloaded."""

    def __init__(self, proxy, nodes):
        super().__init__(daemon=True)
        self.proxy, self.nodes = proxy, nodes
        self.stop = threading.Event()
        self.turns = self.served = 0
        self.problem = None
        self.start()

    def run(self):
        try:
            while not self.stop.is_set():
                self._turn(self.nodes[self.turns % 3])
        except BaseException as problem:
            self.problem = problem

    def _turn(self, bad):
        bad.swallow() if self.turns % 2 else bad.refuse()
        for _ in range(3):
            with client.connect(self.proxy.port()) as sock:
                assert b"MariaDB" in client.read_greeting(sock)
                self.served += 1
        if self.turns % 4 == 0:
            mark = self.proxy.mark()
            self.proxy.options["drain-timeout"] = f"{601 + self.turns}s"
            self.proxy.write_config()
            self.proxy.signal(signal.SIGHUP)
            self.proxy.wait_log("configuration reloaded changed=drain-timeout", after=mark)
        self.stop.wait(0.2)
        bad.heal()
        self.turns += 1

    def end(self):
        self.stop.set()
        self.join(LIMIT_SECONDS)
        if self.problem:
            raise self.problem


def wait_started(proxy, process):
    """All of sysbench's threads have said more than a login takes."""
    deadline = time.monotonic() + 60
    while proxy.metric('tidblink_bytes_total{dir="to_server"}') < THREADS * 10000:
        assert time.monotonic() < deadline and process.poll() is None, "sysbench does not run"
        time.sleep(0.05)


@pytest.mark.skipif(not shutil.which("sysbench"), reason="sysbench is not installed")
def test_oltp_read_write_loses_nothing(cloud, mariadb, nodes):
    mariadb.add_user(USER, PASSWORD)
    subprocess.run(sysbench(mariadb.port, "prepare"), check=True, stdin=subprocess.DEVNULL,
                   stdout=subprocess.DEVNULL, timeout=LIMIT_SECONDS)
    ready(cloud, nodes[0].port, HOSTS)
    with running(cloud, threads=2, connect_timeout="30s", drain_timeout="600s") as proxy:
        before = counters(mariadb)
        process = subprocess.Popen(
            sysbench(proxy.port(), f"--threads={THREADS}", f"--time={SECONDS}", "run"),
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        try:
            wait_started(proxy, process)
            trouble = Trouble(proxy, nodes)
            trouble.join(SECONDS / 2)  # it ends by itself only when something is wrong
            trouble.end()
            metrics = proxy.metrics()
            # Only what runs is left when the listener closes; the drain lets it end by itself.
            assert process.poll() is None, process.communicate()[0]
            proxy.signal(signal.SIGTERM)
            with pytest.raises(OSError):
                while True:
                    client.connect(proxy.port()).close()
            assert process.poll() is None, "sysbench was done before the drain began"
            output, _ = process.communicate(timeout=LIMIT_SECONDS)
        finally:
            process.kill()
            process.wait()
        assert proxy.wait() == 0
        after = counters(mariadb)
        check(output, process.returncode, {name: after[name] - before[name] for name in after})
        log = proxy.log_text()
        assert "close=drained" not in log and "reset" not in log and "-dead" not in log
        assert metrics['tidblink_closed_total{reason="refused"}'] == 0
        assert metrics["tidblink_dial_failures_total"] > 0 and trouble.turns > 0
        print(f"{trouble.turns} times an address failed, {trouble.served} clients came meanwhile")


def check(output, code, server):
    assert code == 0, output
    counted = {name: int(re.search(rf"{name}: +(\d+) ", output)[1])
               for name in ("transactions", "ignored errors", "reconnects")}
    # Two of its own transactions may lock each other out, which is nobody else's doing.
    assert counted["ignored errors"] == server["Innodb_deadlocks"], output
    assert counted["reconnects"] == 0, output
    assert counted["transactions"] == server["Com_commit"] > 0, output
    print(f"{counted}, all committed once")
