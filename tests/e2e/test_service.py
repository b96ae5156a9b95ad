# SPDX-License-Identifier: Apache-2.0
"""Under a service manager, which is played by the test: what it hears, its sockets, its store."""
import contextlib
import ctypes
import os
import re
import select
import shutil
import signal
import socket
import time
from pathlib import Path

import pytest

import client
from built import linux_only
from emulator import ENDPOINT
from proxy import Proxy
from scenes import ready, running, served
from servers import Server
from service_manager import WAIT_SECONDS, Activated, Manager, listening
from test_takeover import (Heir, connect, database, fails, find_pid, proxy_to, reach,  # noqa: F401
                           run, slow_heir)

pytestmark = linux_only("systemd to tell")
NOWHERE = {"orders": {"host": "nowhere.example.com", "port": "4000"}}
UNCHECKED = {"state-source": "none", "dns-servers": "127.0.0.1:9"}


@pytest.fixture
def manager(tmp_path):
    with Manager(tmp_path) as found:
        yield found


@pytest.fixture
def server(cloud):
    with Server() as found:
        ready(cloud, found.port)
        yield found


# ---- what it is told ----------------------------------------------------------------------------

def test_ready_reload_stop(manager):
    """Type=notify-reload; and the stop may take as long as the drain."""
    options = {**UNCHECKED, "drain-delay": "10s", "drain-timeout": "2m"}
    with Proxy(clusters=NOWHERE, options=options, env=manager.env()) as proxy:
        manager.wait("^READY=1$")
        mark = len(manager.heard)
        proxy.signal(signal.SIGHUP)
        manager.wait(r"^RELOADING=1\nMONOTONIC_USEC=\d+", mark)
        manager.wait("^READY=1$", mark)
        proxy.signal(signal.SIGTERM)
        assert int(manager.wait(r"^STOPPING=1\nEXTEND_TIMEOUT_USEC=(\d+)$", mark)[1]) >= 130e6
        manager.wait("^STATUS=draining: 0 connections left$", mark)
        proxy.signal(signal.SIGTERM)
        assert proxy.wait() == 0


def test_a_line_of_status(manager, cloud, server):
    with running(cloud, wrapper=["/usr/bin/env", f"NOTIFY_SOCKET={manager.path}"]) as proxy:
        manager.wait("^STATUS=orders: ACTIVE; 0 connections$")
        near, far = served(proxy, server)
        cloud.patch(f"endpoints/{ENDPOINT}", state="PENDING")
        manager.wait("^STATUS=orders: PENDING; 1 connection$")
        manager.quiet(1.5)
        near.close()
        far.close()


# ---- the watchdog -------------------------------------------------------------------------------

PTRACE_SEIZE, PTRACE_INTERRUPT, PTRACE_DETACH = 0x4206, 0x4207, 17


def ptrace(request, thread):
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.ptrace(request, thread, None, None) < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


@contextlib.contextmanager
def stuck(pid, is_main):
    """The main thread, or all but the main thread, do not run."""
    threads = [int(name) for name in os.listdir(f"/proc/{pid}/task")
               if (int(name) == pid) == is_main]
    try:
        for thread in threads:
            ptrace(PTRACE_SEIZE, thread)
            ptrace(PTRACE_INTERRUPT, thread)
            os.waitpid(thread, 0x40000000)  # __WALL
    except PermissionError:
        pytest.skip("this user cannot stop threads (ptrace)")
    try:
        yield
    finally:
        for thread in threads:
            ptrace(PTRACE_DETACH, thread)


@pytest.mark.parametrize("is_main", [False, True])
def test_the_watchdog_hears_of_threads_that_hang(manager, is_main):
    env = manager.env(WATCHDOG_USEC="2000000")
    with Proxy(clusters=NOWHERE, options={**UNCHECKED, "threads": 2}, env=env) as proxy:
        for _ in range(4):
            manager.wait("^WATCHDOG=1$", len(manager.heard))
        with stuck(proxy.process.pid, is_main):
            if not is_main:
                proxy.wait_log("a worker thread does not answer: ")
            else:
                time.sleep(1)  # what was under way
            while manager.hear(0.01):
                continue
            manager.quiet(2.5, "^STATUS=")
        manager.wait("^WATCHDOG=1$", len(manager.heard))


def test_no_watchdog_of_another_process(manager):
    env = manager.env(WATCHDOG_USEC="400000", WATCHDOG_PID="1")
    with Proxy(clusters=NOWHERE, options=UNCHECKED, env=env):
        manager.wait("^STATUS=")
        manager.quiet(1, "^STATUS=")


# ---- socket activation --------------------------------------------------------------------------

def test_sockets_by_address_and_by_name(cloud, server, tmp_path):
    path = tmp_path / "s.sock"
    clusters = {"orders": {"cluster-id": "1379661944646413143",
                           "endpoint-id": "vpce-0a1b2c3d4e5f67890"}}
    with listening() as by_address, listening() as by_name, listening() as admin, \
            listening(socket.AF_UNIX, str(path)) as by_path, \
            listening(socket.AF_UNIX, str(tmp_path / "admin.sock")) as admin_path:
        port = by_address.getsockname()[1]
        clusters["orders"]["listen"] = f"127.0.0.1:{port}, unix:{path}, 127.0.0.1:1"
        sockets = [("x", by_path), ("admin", admin_path), ("orders", by_name), ("", by_address),
                   ("admin", admin)]
        with Activated(sockets, cloud, clusters,
                       {"spares": 0, "admin-listen": "127.0.0.1:9",
                        "admin-socket": tmp_path / "elsewhere.sock"}) as proxy:
            proxy.wait_verdict("allow")
            assert [proxy.address(index=i) for i in range(3)] == [
                f"127.0.0.1:{port}", f"unix:{path}", f"127.0.0.1:{by_name.getsockname()[1]}"]
            for place in by_address, by_name:
                with client.connect(place.getsockname()[1]) as near:
                    client.read_greeting(near)
                server.accept().close()
            with reach(f"unix:{path}") as near:
                client.read_greeting(near)
            server.accept().close()
            proxy.wait_log(f" admin listening address=127.0.0.1:{admin.getsockname()[1]}")
            proxy.options["admin-socket"] = tmp_path / "admin.sock"
            assert proxy.admin("/liveness")[0] == 200
            proxy.stop_program()
            assert path.exists() and (tmp_path / "admin.sock").exists()


def refused(proxy, text):
    proxy.launch()
    try:
        assert proxy.process.wait(WAIT_SECONDS) == 2
        proxy.wait_log(text)
    finally:
        proxy.kill()


def test_a_socket_that_nobody_listens_on():
    with listening() as one, listening() as other:
        port = other.getsockname()[1]
        refused(Activated([("orders", one), ("stray", other)], None, NOWHERE, UNCHECKED),
                rf"passed the socket 127\.0\.0\.1:{port} \(stray\), which nothing here listens on")


def test_sockets_that_do_not_fit(tmp_path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as datagrams:
        datagrams.bind(str(tmp_path / "d.sock"))
        refused(Activated({"orders": datagrams}, None, NOWHERE, UNCHECKED),
                "is not one that listens for streams: expected ListenStream=")
    with listening(place=("0.0.0.0", 0)) as remote:
        refused(Activated({"orders": remote}, None, NOWHERE, UNCHECKED),
                "is not loopback: expected one that only this machine can reach")


def test_a_remote_socket_that_is_handed_over():
    """It may be taken by its cluster's name, whatever address that has in the new configuration."""
    with listening(place=("0.0.0.0", 0)) as remote:
        with Activated({"orders": remote}, None, NOWHERE,
                       {**UNCHECKED, "allow-remote": "on"}) as proxy:
            heir = Heir(proxy, allow_remote="off")
            heir.launch()
            try:
                assert heir.process.wait(WAIT_SECONDS) == 2
                heir.wait_log("is not loopback: expected one that only this machine can reach")
            finally:
                heir.kill()
            proxy.wait_log("the take-over has failed, and this process goes on .*is not loopback")


def test_who_is_in_the_queue_of_systemds_socket_at_the_end():
    """It lives on: they are no business of the process that ends, and would be told to come again."""
    with socket.create_server(("127.0.0.1", 0), backlog=100) as sock, contextlib.ExitStack() as stack:
        with Activated({"orders": sock}, None, NOWHERE, UNCHECKED) as proxy:
            proxy.signal(signal.SIGSTOP)
            os.waitid(os.P_PID, proxy.process.pid, os.WSTOPPED)
            for _ in range(60):  # more than are accepted in one turn of the loop
                stack.enter_context(socket.create_connection(sock.getsockname(), WAIT_SECONDS))
            proxy.signal(signal.SIGTERM)
            proxy.signal(signal.SIGCONT)
            assert proxy.wait() == 0
        sock.setblocking(False)
        sock.accept()[0].close()


def test_activated_sockets_are_handed_over(cloud, server, tmp_path):
    path = tmp_path / "s.sock"
    with listening(socket.AF_UNIX, str(path)) as sock:
        with Activated({"orders": sock}, cloud, options={"spares": 0}) as proxy:
            proxy.wait_verdict("allow")
            with Heir(proxy) as heir:
                assert proxy.wait() == 0
                with reach(f"unix:{path}") as near:
                    client.read_greeting(near)
                server.accept().close()
                heir.stop_program()
        assert path.exists()


# ---- the store ----------------------------------------------------------------------------------

def test_a_restart_keeps_who_waits(manager, database, tmp_path):  # noqa: F811
    """Between the end of one process and the start of the next, clients connect and wait."""
    path = tmp_path / "kept.sock"
    orders = {"listen": f"127.0.0.1:0, unix:{path}", "tls": "off"}
    proxy = proxy_to(database, orders, socket_store="on")
    proxy.env.update(manager.env())
    with proxy:
        port = proxy.port()
        while len(manager.fds) < 2:
            assert manager.hear(WAIT_SECONDS)
        assert f"tidblink-127.0.0.1_{port}" in manager.fds
        stays = connect(port)
        run(stays, "BEGIN")
        proxy.signal(signal.SIGTERM)
        proxy.wait_log(" draining ")
        with client.connect(port) as early, reach(f"unix:{path}") as local:
            run(stays, "COMMIT")
            assert proxy.wait() == 0
            assert path.exists()
            with client.connect(port) as late:
                pairs = [(name, os.dup(fd)) for name, fd in manager.fds.items()]
                clusters = {"orders": {**proxy.clusters["orders"],
                                       "listen": f"127.0.0.1:{port}, unix:{path}"}}
                second = Activated(pairs, None, clusters, options=proxy.options)
                second.env.update(manager.env())
                second.options["admin-socket"] = second.dir / "admin.sock"
                second.options["state-dir"] = second.dir / "state"
                second.options["socket-mode"] = "0600"
                assert path.stat().st_mode & 0o777 == 0o660
                with second:
                    assert second.port() == port
                    assert path.stat().st_mode & 0o777 == 0o600
                    for near in early, local, late:
                        client.read_greeting(near)
                    # No longer listened on: it is given back, and its file goes.
                    second.stop_program()
                for _, fd in pairs:
                    os.close(fd)
        pairs = [(name, os.dup(fd)) for name, fd in manager.fds.items()]
        third = Activated(pairs, None, {"orders": {**proxy.clusters["orders"],
                                                   "listen": f"127.0.0.1:{port}"}},
                          options={**proxy.options, "admin-socket": tmp_path / "third.sock"})
        third.env.update(manager.env())
        with third:
            assert third.port() == port
            deadline = time.monotonic() + WAIT_SECONDS
            while any("unix" in name for name in manager.fds):
                assert time.monotonic() < deadline
                manager.hear(1)
            assert not path.exists()
        for _, fd in pairs:
            os.close(fd)


def test_a_stored_socket_that_may_be_remote_no_more(manager):
    """The configuration was narrowed: what was listened on before does not keep the next one from
    starting."""
    with listening(place=("0.0.0.0", 0)) as stored:
        name = f"tidblink-0.0.0.0_{stored.getsockname()[1]}"
        with Activated({name: stored}, None, NOWHERE, UNCHECKED, env=manager.env()):
            manager.wait(f"^FDSTOREREMOVE=1\nFDNAME={re.escape(name)}$")


def test_a_store_without_a_manager(cloud, server, tmp_path):
    """Nobody keeps the sockets, so they are closed as ever."""
    path = tmp_path / "s.sock"
    with running(cloud, {"listen": f"127.0.0.1:0, unix:{path}"}, socket_store="on") as proxy:
        assert path.exists()
        proxy.signal(signal.SIGTERM)
        assert proxy.wait() == 0
        assert not path.exists()


def test_who_is_held_at_the_stop_is_served(manager, cloud, server):
    """Its listener lives on in the store: nobody tells it to come back."""
    cloud.patch(f"endpoints/{ENDPOINT}", state="PENDING")
    options = {"spares": 0, "hold-timeout": "10m", "socket-store": "on", "drain-timeout": "10m"}
    server.hangs_up = True
    with Proxy(cloud, options=options, env=manager.env()) as proxy:
        proxy.wait_verdict("hold", "PENDING")
        with client.connect(proxy.port()) as near:
            proxy.wait_metric('tidblink_connections{step="hold"}', 1)
            proxy.signal(signal.SIGTERM)
            proxy.wait_log(" draining ")
            cloud.patch(f"endpoints/{ENDPOINT}", state="ACTIVE")
            client.read_greeting(near)
        assert proxy.wait() == 0


# ---- a take-over --------------------------------------------------------------------------------

def test_the_heir_is_the_main_process(manager, cloud, server):
    with running(cloud, wrapper=["/usr/bin/env", f"NOTIFY_SOCKET={manager.path}"]) as proxy:
        manager.wait("^READY=1$")
        near, far = served(proxy, server)
        heir = Heir(proxy)
        heir.env = {**os.environ, **manager.env()}
        with heir:
            mark = len(manager.heard)
            manager.wait(rf"^MAINPID={heir.process.pid}\nREADY=1$")
            manager.wait("^STATUS=orders: ACTIVE; 0 connections$", mark)
            proxy.wait_log(" draining why=\"handed over\"")
            # The former one speaks no more, whatever it does.
            near.close()
            far.close()
            assert proxy.wait() == 0
            while text := manager.hear(0.3):
                assert "STOPPING" not in text and "draining" not in text
            assert find_pid(Path(proxy.options["admin-socket"])) == heir.process.pid


def test_it_is_the_main_process_before_the_former_one_may_end(manager, cloud, server):
    """Or the manager would see the end of the service. This test plays the former one, and a manager
    that is busy: until it hears who the main process is now, nobody is told to go."""
    def record(*fields):
        return "\0".join(fields).encode().ljust(1024, b"\0")

    proxy = Proxy(cloud, options={"spares": 0})
    heir = Heir(proxy)
    heir.env = {**os.environ, **manager.env()}
    with listening(socket.AF_UNIX, f"{proxy.dir}/admin.sock.take-over") as former, \
            socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as other:
        with pytest.raises(BlockingIOError):
            while True:
                other.sendto(b"X=1", str(manager.path))
        former.settimeout(WAIT_SECONDS)
        try:
            heir.launch()
            asker = former.accept()[0]
            with asker:
                asker.settimeout(WAIT_SECONDS)
                assert client.read_exactly(asker, 1024).startswith(b"ask\0")
                asker.sendall(record("running", "1", "x", "1") + record("end"))
                heir.wait_log(" resolved ")
                assert not select.select([asker], [], [], 1)[0]
                manager.wait(rf"^MAINPID={heir.process.pid}\nREADY=1$")
                assert client.read_exactly(asker, 1024).startswith(b"ready\0")
            heir.stop_program()
        finally:
            heir.kill()
            shutil.rmtree(proxy.dir, ignore_errors=True)


def test_the_heir_gives_signs_of_life(manager, cloud, server):
    """A program that a unit's ExecReload= starts is not told of the watchdog (systemd.exec(5),
    WATCHDOG_USEC), and is its main process from the take-over on."""
    with running(cloud, wrapper=["/usr/bin/env", f"NOTIFY_SOCKET={manager.path}",
                                 "WATCHDOG_USEC=2000000"]) as proxy:
        manager.wait("^WATCHDOG=1$")
        heir = Heir(proxy)
        heir.env = {**os.environ, **manager.env()}
        with heir:
            assert proxy.wait() == 0
            manager.wait(rf"^MAINPID={heir.process.pid}\nREADY=1$")
            mark = len(manager.heard)
            for _ in range(3):
                manager.wait("^WATCHDOG=1$", mark)
                mark = len(manager.heard)


def test_an_heir_that_does_not_serve_yet_is_not_heard(manager, cloud, server):
    """The status is the running one's, also when the other one fails."""
    with running(cloud, wrapper=["/usr/bin/env", f"NOTIFY_SOCKET={manager.path}"]) as proxy:
        manager.wait("^STATUS=orders: ACTIVE; 0 connections$")
        heir = slow_heir(proxy, env=manager.env())
        try:
            heir.wait_log(" DNS gives no address ")
            manager.quiet(1.5)
        finally:
            heir.kill()


def test_no_heir_of_a_service_that_is_being_stopped(manager, cloud, server):
    """systemd would wait for the end of the new main process, which nobody has told to end."""
    with running(cloud, wrapper=["/usr/bin/env", f"NOTIFY_SOCKET={manager.path}"],
                 drain_delay="10m") as proxy:
        proxy.signal(signal.SIGTERM)
        proxy.wait_log(" draining why=SIGTERM")
        heir = Heir(proxy)
        heir.env.update(manager.env())
        fails(heir, "does not hand over: it was told to end itself")


def test_no_heir_from_outside_of_the_service(manager, cloud, server):
    """systemd would take the end of the former process for the service's, and end the new one as well:
    of `tidblink upgrade` in a shell, or of ExecReload= without NotifyAccess=all, nothing would be left."""
    with running(cloud, wrapper=["/usr/bin/env", f"NOTIFY_SOCKET={manager.path}"]) as proxy:
        fails(Heir(proxy), "is a service of systemd, .*: use systemctl reload")
        proxy.wait_log("the take-over has failed, and this process goes on .*systemctl reload")
        for sock in served(proxy, server):
            sock.close()
