# SPDX-License-Identifier: Apache-2.0
"""One browser for all tests; each test has contexts of its own."""
import contextlib
import json
import subprocess
import sys

import pytest

import client
import running
from built import built, tethered
from emulator import Emulator
from pages import SENT, WHEELS, Visits, all_states, launch_options, shown, why_missing
from servers import Greeter

pytest_runtest_logstart = running.pytest_runtest_logstart
pytest_runtest_logfinish = running.pytest_runtest_logfinish
pytest_terminal_summary = running.pytest_terminal_summary


@pytest.fixture(scope="session")
def browser():
    if why_missing():
        pytest.skip(why_missing())
    sys.path.append(str(WHEELS))
    from playwright.sync_api import sync_playwright
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(**launch_options())
        yield browser
        browser.close()


@pytest.fixture
def visits(browser):
    found = Visits(browser)
    yield found
    found.close()
    assert found.complaints == []


@pytest.fixture
def cloud():
    """A fresh cloud with one cluster, "orders", whose endpoint is PENDING."""
    with Emulator() as emulator:
        yield emulator


@pytest.fixture(scope="session")
def states(browser):
    """A proxy with a cluster in every state, for tests that change nothing."""
    with Emulator("states.json") as cloud, shown(cloud, all_states()) as proxy:
        yield proxy


BUSY = ("cluster-active", "cluster-paused", "endpoint-pending", "endpoint-failed", "endpoint-none")


def kill_one(proxy):
    """An end that is worth telling."""
    with client.connect(proxy.port("cluster-active")) as sock:
        client.read_greeting(sock)
        newest, = json.loads(proxy.admin("/api/v1/connections?limit=1")[1])["connections"]
        assert proxy.admin(f"/api/v1/connections/{newest['id']}/kill", "POST")[0] == 200
        client.read_to_the_end(sock)


@pytest.fixture(scope="session")
def busy(browser):
    """A proxy with something in every part of its page: open connections of cluster-active, some that
    have ended, and what doctor found about endpoint-failed."""
    with contextlib.ExitStack() as stack:
        cloud = stack.enter_context(Emulator("states.json"))
        server = stack.enter_context(Greeter())
        clusters = all_states()
        cloud.patch(f"clusters/{clusters['cluster-active']['cluster-id']}", port=server.port)
        proxy = stack.enter_context(shown(cloud, {alias: clusters[alias] for alias in BUSY}))
        for count in SENT:
            sock = stack.enter_context(client.connect(proxy.port("cluster-active")))
            client.read_greeting(sock)
            sock.sendall(bytes(count))
        kill_one(proxy)
        client.refusal(proxy.port("endpoint-failed"))
        proxy.wait_metric_above("tidblink_bytes_total{dir=\"to_server\"}", sum(SENT) - 1)
        command = [built("app/tidblink"), "doctor", "endpoint-failed", "--config",
                   proxy.dir / "tidblink.conf"]
        done = subprocess.run(tethered(command), stdout=subprocess.DEVNULL, timeout=100)
        assert done.returncode == 3
        yield proxy
