# SPDX-License-Identifier: Apache-2.0
"""A new process takes over the listening sockets of a running one: no client notices, and whatever
goes wrong on the way, the running one goes on."""
import contextlib
import os
import shutil
import signal
import socket
import subprocess
import threading
import time

import pymysql
import pytest

import client
from built import built, linux_only
from proxy import Proxy
from scenes import LONG, ready, running, wait_descriptors_at_most
from servers import Server
from takeovers import reach, record
from tls_scenes import dashed, section

USER, PASSWORD = "over", "se cret"
WAIT_SECONDS = 60


class Heir(Proxy):
    """A proxy of the same configuration and folder as another one, which it takes over from."""

    def __init__(self, other, **options):
        super().__init__(None, other.clusters)
        shutil.rmtree(self.dir)
        self.dir = other.dir
        self.options = {**other.options, **dashed(options)}

    def launch(self):
        self.process = subprocess.Popen(
            self.tether([built("app/tidblink"), "proxy", "--take-over", "--config",
                         self.write_config()]),
            env=self.env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE)
        threading.Thread(target=self._read, args=[self.process.stderr], daemon=True).start()
        return self

    def start(self):
        self.launch()
        self.wait_log(" taken over: ")
        return self


@contextlib.contextmanager
def heir_of(proxy, **options):
    with Heir(proxy, **options) as heir:
        yield heir


def proxy_to(server, orders=None, **options):
    return Proxy(None, {"orders": section(server, **{"tls": "off", **(orders or {})})}, {
        "state-source": "none", "spares": 0, "threads": 2, **dashed(options)})


def connect(port, **options):
    return pymysql.connect(host="127.0.0.1", port=port, user=USER, password=PASSWORD,
                           **{"autocommit": True, **options})


def run(connection, text):
    with connection.cursor() as cursor:
        cursor.execute(text)
        return cursor.fetchall()


@pytest.fixture(scope="module")
def database(mariadb):
    mariadb.add_user(USER, PASSWORD)
    mariadb.query("SET GLOBAL max_connections = 2000")
    mariadb.query("CREATE DATABASE IF NOT EXISTS takeover")
    mariadb.query("CREATE TABLE IF NOT EXISTS takeover.t (word TEXT)")
    mariadb.query("TRUNCATE takeover.t")
    return mariadb


class Visitors:
    """Clients that connect, ask and leave, again and again, in several threads."""

    def __init__(self, port, count=4):
        self.port, self.visits, self.problems = port, [0] * count, []
        self.stop = threading.Event()
        self.threads = [threading.Thread(target=self._visit, args=[i]) for i in range(count)]

    def _visit(self, number):
        try:
            while not self.stop.is_set():
                connection = connect(self.port)
                assert run(connection, "SELECT 1") == ((1,),)
                connection.close()
                self.visits[number] += 1
        except BaseException as problem:
            self.problems.append(problem)

    def wait_more(self, more):
        before, deadline = list(self.visits), time.monotonic() + WAIT_SECONDS
        while any(now < then + more for now, then in zip(self.visits, before)):
            assert not self.problems, self.problems[0]
            assert time.monotonic() < deadline
            time.sleep(0.01)

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.stop.set()
        for thread in self.threads:
            thread.join()


def test_under_load_nobody_is_refused(database):
    """Three hand-overs in a row while clients come and go, and transactions that stay open across
    all of them end on the process that they began on."""
    with proxy_to(database, drain_timeout="10m") as first, Visitors(first.port()) as visitors:
        port, proxies, open_ones = first.port(), [first], []
        with contextlib.ExitStack() as stack:
            for number in range(3):
                visitors.wait_more(5)
                busy = connect(port)
                run(busy, "BEGIN")
                run(busy, f"INSERT INTO takeover.t VALUES ('{number}')")
                open_ones.append(busy)
                heir = stack.enter_context(heir_of(proxies[-1]))
                assert heir.port() == port
                proxies[-1].wait_log(" draining why=\"handed over\"")
                proxies.append(heir)
            visitors.wait_more(20)
            for busy, proxy in zip(open_ones, proxies):
                assert proxy.process.poll() is None
                run(busy, "COMMIT")
                busy.close()
                assert proxy.wait(WAIT_SECONDS) == 0
            visitors.wait_more(5)
            visitors.stop.set()
            for thread in visitors.threads:
                thread.join()
            assert not visitors.problems, visitors.problems[0]
            print("visits:", sum(visitors.visits))
            for proxy in proxies:
                log = proxy.log_text()
                assert "close=refused" not in log and "reset" not in log
                assert "close=drain-timeout" not in log
        assert sorted(word for word, in database.query("SELECT word FROM takeover.t")) == \
            ["0", "1", "2"]


@pytest.fixture
def server(cloud):
    with Server() as found:
        found.hangs_up = True  # when its client does
        ready(cloud, found.port)
        yield found


def test_unix_sockets_and_the_admin(cloud, server, tmp_path):
    path = tmp_path / "orders.sock"
    with running(cloud, {"listen": f"127.0.0.1:0, unix:{path}"},
                 admin_listen="127.0.0.1:0") as proxy:
        admin = proxy.wait_log(" admin listening address=(127.0.0.1:\\d+)")[1]
        inode = os.stat(path).st_ino
        with heir_of(proxy) as heir:
            assert proxy.wait() == 0
            assert os.stat(path).st_ino == inode
            assert heir.wait_log(" admin listening address=(127.0.0.1:\\d+)")[1] == admin
            with reach(f"unix:{path}") as near:
                client.read_greeting(near)
            assert heir.admin("/readiness")[0] == 200
            assert find_pid(proxy.dir / "admin.sock") == heir.process.pid
            # What it has taken over it can give away, and removes at its end.
            with heir_of(heir) as second:
                assert heir.wait() == 0
                with reach(f"unix:{path}") as near:
                    client.read_greeting(near)
                second.signal(signal.SIGTERM)
                assert second.wait() == 0
            assert not path.exists() and not (proxy.dir / "admin.sock").exists()
            assert not (proxy.dir / "admin.sock.take-over").exists()


def test_from_one_that_drains_already(database):
    """Its listeners are closed, and it goes on as before; but its admin socket is the new one's, and
    stays that when it ends. Whoever waits for its end (drain --wait) is not misled by the new one."""
    with proxy_to(database, drain_timeout="10m") as first:
        busy = connect(first.port())
        run(busy, "BEGIN")
        waits = subprocess.Popen([built("app/tidblink"), "drain", "--wait", "--config",
                                  first.dir / "tidblink.conf"], env=first.env)
        first.wait_log(' draining why="POST /drain"')
        with heir_of(first) as heir:
            first.wait_log("another process has the admin's sockets from now on")
            assert heir.status()["pid"] == heir.process.pid
            run(connect(heir.port()), "SELECT 1")
            run(busy, "SELECT 1")
            assert waits.poll() is None and first.process.poll() is None
            run(busy, "COMMIT")
            busy.close()
            assert first.wait(WAIT_SECONDS) == 0
            assert waits.wait(WAIT_SECONDS) == 0
            assert heir.status()["pid"] == heir.process.pid
            with heir_of(heir):  # it can be taken over from
                pass


def test_one_that_drains_ends_before_the_new_one_is_ready(database):
    with proxy_to(database, drain_timeout="10m", startup_check="dns") as first:
        busy = connect(first.port())
        run(busy, "BEGIN")
        first.signal(signal.SIGTERM)
        first.wait_log(" draining ")
        heir = slow_heir(first, resolve_timeout="60s")
        try:
            heir.wait_log("info sandbox ")
            run(busy, "COMMIT")
            busy.close()
            assert first.wait(WAIT_SECONDS) == 0
            heir.wait_log(" taken over: ")
            assert heir.status()["pid"] == heir.process.pid
        finally:
            heir.kill()


def test_who_took_over_ends_after_the_former_one(database):
    """Whoever stops the new process, and waits for it, has stopped both: the former one hears of it,
    and its transactions are let end. In a row of three, too."""
    with proxy_to(database, drain_timeout="10m") as first:
        busy, quick = connect(first.port()), connect(first.port())
        run(busy, "BEGIN")
        run(quick, "SELECT 1")
        with heir_of(first) as second, heir_of(second) as third:
            third.signal(signal.SIGTERM)
            second.wait_log(' draining why="the process that took over ends"')
            first.wait_log(' draining why="the process that took over ends"')
            first.wait_log(" connection closed .*close=drained ")  # between two statements
            third.wait_log("waiting for the end of the former process")
            run(busy, "SELECT 1")
            assert [proxy.process.poll() for proxy in (first, second, third)] == [None] * 3
            run(busy, "COMMIT")
            busy.close()
            assert [proxy.wait(WAIT_SECONDS) for proxy in (first, second, third)] == [0] * 3


def test_a_service_manager_that_tells_all_of_them(database):
    """Each gets one SIGTERM, whoever is first: that is one, also for who has heard of it already."""
    with proxy_to(database, drain_timeout="10m") as first:
        busy = connect(first.port())
        run(busy, "BEGIN")
        with heir_of(first) as second:
            second.signal(signal.SIGTERM)
            first.wait_log(' draining why="the process that took over ends"')
            first.signal(signal.SIGTERM)
            run(busy, "SELECT 1")
            assert first.process.poll() is None and second.process.poll() is None
            second.signal(signal.SIGTERM)  # the second one: now
            assert second.wait(WAIT_SECONDS) == 0
            run(busy, "COMMIT")
            busy.close()
            assert first.wait(WAIT_SECONDS) == 0


def test_idle_only_when_the_former_one_has_ended(database):
    """exit-when-idle: the connection that there was, and is, may be the former process's."""
    with proxy_to(database, drain_timeout="10m", exit_when_idle="300ms") as first:
        busy = connect(first.port())
        run(busy, "BEGIN")
        with heir_of(first) as heir:
            with pytest.raises(subprocess.TimeoutExpired):
                heir.process.wait(1.5)
            run(busy, "COMMIT")
            busy.close()
            assert first.wait(WAIT_SECONDS) == 0
            heir.wait_log(" draining why=exit-when-idle ")
            assert heir.wait(WAIT_SECONDS) == 0


def test_another_mode(cloud, server, tmp_path):
    """What was narrowed does not stay as wide as the former process had it."""
    path = tmp_path / "orders.sock"
    with running(cloud, {"listen": f"unix:{path}"}, socket_mode="0666") as proxy:
        assert path.stat().st_mode & 0o777 == 0o666
        with heir_of(proxy, socket_mode="0600"):
            assert proxy.wait() == 0
            assert path.stat().st_mode & 0o777 == 0o600
            assert (proxy.dir / "admin.sock").stat().st_mode & 0o777 == 0o600


def test_listeners_that_changed(cloud, server, tmp_path, tmp_path_factory):
    """The one that is gone was in a folder that the new process has nothing else to do with."""
    new, kept = (tmp_path / f"{name}.sock" for name in ("new", "kept"))
    old = tmp_path_factory.mktemp("away") / "old.sock"
    with running(cloud, {"listen": f"unix:{kept}, unix:{old}"}) as proxy:
        proxy.clusters["orders"]["listen"] = f"unix:{new}, unix:{kept}"
        with heir_of(proxy):
            assert proxy.wait() == 0
            assert not old.exists()
            for path in (new, kept):
                with reach(f"unix:{path}") as near:
                    client.read_greeting(near)


def test_without_a_proxy_it_starts(cloud, server):
    with Proxy(cloud, options={"spares": 0}) as proxy:
        proxy.wait_verdict("allow")
        proxy.signal(signal.SIGTERM)
        assert proxy.wait() == 0
        heir = Heir(proxy)
        heir.launch()
        try:
            heir.address()
            assert "taken over" not in heir.log_text()
            heir.stop_program()
        finally:
            heir.kill()


def still_serves(proxy):
    with client.connect(proxy.port()) as near:
        client.read_greeting(near)
        near.sendall(b"still there?")
        assert client.read_exactly(near, 12) == b"still there?"
    assert proxy.admin("/readiness")[0] == 200


def fails(heir, text):
    heir.launch()
    try:
        assert heir.process.wait(WAIT_SECONDS) == 1
        heir.wait_log(text)
    finally:
        heir.kill()


def test_a_new_process_that_cannot_start(cloud, server, tmp_path):
    """It gets the sockets and then finds that one of its own is taken."""
    with socket.create_server(("127.0.0.1", 0)) as other, running(cloud) as proxy:
        heir = Heir(proxy)
        heir.clusters = {"orders": {**proxy.clusters["orders"],
                                    "listen": f"127.0.0.1:0, 127.0.0.1:{other.getsockname()[1]}"}}
        heir.launch()
        assert heir.process.wait(WAIT_SECONDS) == 2
        heir.wait_log("cannot start .*already in use")
        proxy.wait_log("the take-over has failed, and this process goes on reason=.it ended before")
        still_serves(proxy)


def test_a_new_process_that_dies_in_the_middle(cloud, server):
    """Before it is ready: its cluster's name does not resolve."""
    with running(cloud) as proxy:
        heir = Heir(proxy)
        heir.clusters = {"orders": {**proxy.clusters["orders"], "host": "silent.example.com"}}
        heir.options["dns-servers"] = "127.0.0.1:9"
        heir.launch()
        proxy.wait_log(" another process takes over")
        heir.wait_log(" starting ")
        still_serves(proxy)
        heir.process.kill()
        proxy.wait_log("the take-over has failed, and this process goes on reason=.it ended before")
        still_serves(proxy)
        with heir_of(proxy) as second:
            assert proxy.wait() == 0
            still_serves(second)


def test_two_at_once(cloud, server):
    with running(cloud) as proxy:
        slow = Heir(proxy)
        slow.clusters = {"orders": {**proxy.clusters["orders"], "host": "silent.example.com"}}
        slow.options["dns-servers"] = "127.0.0.1:9"
        slow.launch()
        proxy.wait_log(" another process takes over")
        heir = Heir(proxy)
        fails(heir, "another process is taking over already")
        slow.signal(signal.SIGTERM)
        assert slow.process.wait(WAIT_SECONDS) == 0
        still_serves(proxy)


def slow_heir(proxy, env=None, **options):
    """Its cluster's name does not resolve, so that it is not ready."""
    heir = Heir(proxy, **options)
    heir.env.update(env or {})
    heir.clusters = {"orders": {**proxy.clusters["orders"], "host": "silent.example.com"}}
    heir.options["dns-servers"] = "127.0.0.1:9"
    heir.launch()
    proxy.wait_log(" another process takes over")
    heir.wait_log(" starting ")
    return heir


def test_the_new_process_is_told_to_end_in_the_middle(cloud, server):
    """It serves nobody, so there is nothing to delay and nothing to take any more."""
    with running(cloud) as proxy:
        heir = slow_heir(proxy, drain_delay="10m")
        try:
            heir.wait_log("info sandbox ")
            heir.signal(signal.SIGTERM)
            assert heir.process.wait(WAIT_SECONDS / 2) == 0
        finally:
            heir.kill()
        proxy.wait_log("the take-over has failed, and this process goes on reason=.it was told to end")
        still_serves(proxy)


def test_the_running_one_is_told_to_end_in_the_middle(cloud, server):
    """Its listeners are closed from then on: they are nobody's to take."""
    with running(cloud, drain_timeout="10m") as proxy:
        with client.connect(proxy.port()) as near:
            client.read_greeting(near)
            heir = slow_heir(proxy)
            try:
                heir.wait_log("info sandbox ")
                proxy.signal(signal.SIGTERM)
                heir.wait_log("not taken over, .* reason=.it was told to end itself")
                assert heir.process.wait(WAIT_SECONDS) == 1
            finally:
                heir.kill()
        assert proxy.wait() == 0


def test_the_running_one_is_killed_in_the_middle(cloud, server):
    with running(cloud) as proxy:
        heir = Heir(proxy, resolve_timeout="10s")
        heir.clusters = {"orders": {**proxy.clusters["orders"], "host": "silent.example.com"}}
        heir.options["dns-servers"] = "127.0.0.1:9"
        heir.launch()
        heir.wait_log(" starting ")
        proxy.kill()
        try:
            heir.wait_log(" taken over: ")
            assert heir.admin("/liveness")[0] == 200
        finally:
            heir.kill()


@linux_only("namespaces of processes")
@pytest.mark.skipif(os.geteuid() != 0, reason="only root may make a namespace of processes")
def test_process_1_of_a_container(cloud, server):
    """Whatever else runs in its container ends with it."""
    container = ["/usr/bin/unshare", "--pid", "--fork", "--kill-child", "--mount-proc"]
    with running(cloud, wrapper=container) as proxy:
        inside = subprocess.run(["pgrep", "--parent", str(proxy.process.pid)], text=True, check=True,
                                stdout=subprocess.PIPE).stdout.strip()
        heir = Heir(proxy)
        heir.tether = lambda words: ["/usr/bin/nsenter", f"--target={inside}", "--pid", "--mount",
                                     *words]
        fails(heir, "process 1 of this container, which ends with it: start another container")
        still_serves(proxy)
        # One that is in another container may.
        with heir_of(proxy):
            proxy.wait_log(" draining why=\"handed over\"")


@linux_only("/proc")
def test_no_descriptor_is_left_by_any_of_many(cloud, server, tmp_path):
    """The last of a long row has no more than the first that took over. Credentials go on as well."""
    (tmp_path / "credentials").mkdir()
    path, few = tmp_path / "orders.sock", None
    with contextlib.ExitStack() as stack:
        proxy = stack.enter_context(running(
            cloud, {"listen": f"127.0.0.1:0, unix:{path}"}, admin_listen="127.0.0.1:0",
            wrapper=["/usr/bin/env", f"CREDENTIALS_DIRECTORY={tmp_path / 'credentials'}"]))
        for _ in range(20 if LONG else 6):
            former, proxy = proxy, stack.enter_context(heir_of(proxy))
            assert former.wait(WAIT_SECONDS) == 0
            proxy.wait_cluster("orders", lambda api: api)
            if few is None:  # without those of the control API and DNS, which come and go
                few = min(proxy.descriptors() for _ in range(100) if proxy.status())
        wait_descriptors_at_most(proxy, few)


def test_another_protocol(cloud, server):
    with running(cloud) as proxy:
        for words, answer in (("ask", "2", "9.9", "take"), b"another version"), \
                (("ask", "1", "9.9", "who"), b"running\x001\0"), \
                (("ready",), b"what does not belong"), (("",), b"what does not belong"):
            with reach(f"{proxy.dir}/admin.sock.take-over") as asker:
                asker.sendall(record(*words))
                assert answer in client.read_to_the_end(asker)
        # In pieces, and then silence.
        with reach(f"{proxy.dir}/admin.sock.take-over") as asker:
            for byte in record("ask", "1", "x", "who"):
                asker.sendall(bytes([byte]))
            assert b"running" in client.read_to_the_end(asker)
        still_serves(proxy)


def find_pid(path):
    sock = reach(f"unix:{path}")
    with sock:
        return int.from_bytes(sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)[:4],
                              "little")
