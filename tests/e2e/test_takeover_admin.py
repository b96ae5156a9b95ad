# SPDX-License-Identifier: Apache-2.0
"""The admin HTTP of a process that hands its sockets over while it goes on. The test is the process
that takes over."""
import os
import signal
import socket
import subprocess

import pytest

import client
from built import built
from emulator import ENDPOINT
from scenes import NoDescriptors, ready, running, served
from servers import Server
from test_takeover import Heir
from takeovers import WAIT_SECONDS, ask_for_all, reach, record


@pytest.fixture
def server(cloud):
    with Server() as found:
        ready(cloud, found.port)
        yield found


def test_while_somebody_comes_to_the_admin(cloud, server):
    """Both in one turn of the loop, since they happen while the process is stopped."""
    with running(cloud, admin_listen="127.0.0.1:0") as proxy:
        admin = int(proxy.wait_log(r" admin listening address=127\.0\.0\.1:(\d+)")[1])
        with reach(f"{proxy.dir}/admin.sock.take-over") as asker:
            ask_for_all(asker)
            assert proxy.admin("/liveness")[0] == 200  # it waits for events again
            proxy.signal(signal.SIGSTOP)
            os.waitid(os.P_PID, proxy.process.pid, os.WSTOPPED)
            with socket.create_connection(("127.0.0.1", admin), WAIT_SECONDS):
                asker.sendall(record("ready"))
                proxy.signal(signal.SIGCONT)
                assert proxy.wait() == 0


def test_while_the_admin_waits_for_descriptors(cloud, monkeypatch):
    """Its pause ends with it: a listener that is no more is not told to go on. The test is the
    process that takes over; what is left of the other one lasts longer than the pause."""
    # What is freed is overwritten, so that a use of it does not go well by chance.
    monkeypatch.setenv("MALLOC_PERTURB_", "85")
    monkeypatch.setenv("ASAN_OPTIONS", ":".join([*filter(None, [os.environ.get("ASAN_OPTIONS")]),
                                                 "max_free_fill_size=4096", "free_fill_byte=85"]))
    with Server() as silent:
        ready(cloud, silent.port)
        with running(cloud, admin_listen="127.0.0.1:0", drain_timeout="4s") as proxy:
            admin = int(proxy.wait_log(r" admin listening address=127\.0\.0\.1:(\d+)")[1])
            near, far = served(proxy, silent)
            with near, far, reach(f"{proxy.dir}/admin.sock.take-over") as asker:
                near.sendall(b"\1\0\0\0\x0e")  # a question that is never answered
                client.read_exactly(far, 5)
                ask_for_all(asker)
                with NoDescriptors(proxy), \
                        socket.create_connection(("127.0.0.1", admin), WAIT_SECONDS):
                    proxy.wait_log("cannot accept connections to the admin HTTP")
                    asker.sendall(record("ready"))
                    proxy.wait_log(' draining why="handed over"')
                assert proxy.wait() == 75, proxy.log_text()
            proxy.wait_log("connection closed .*close=drain-timeout")


def test_who_waits_goes_on_with_the_new_process(cloud, server):
    """Its request is lost with the process that held it; tidblink wait asks the next one."""
    with running(cloud) as proxy:
        cloud.patch(f"endpoints/{ENDPOINT}", state="PENDING")
        proxy.wait_verdict("hold", "PENDING")
        waits = subprocess.Popen([built("app/tidblink"), "wait", "--for", "active", "--max", "5m",
                                  "--config", proxy.dir / "tidblink.conf"], env=proxy.env)
        proxy.wait_metric_above("tidblink_waits", 0)
        with Heir(proxy) as heir:
            assert proxy.wait() == 0
            heir.wait_verdict("hold", "PENDING")
            assert waits.poll() is None
            cloud.patch(f"endpoints/{ENDPOINT}", state="ACTIVE")
            assert waits.wait(WAIT_SECONDS) == 0
