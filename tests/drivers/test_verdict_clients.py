# SPDX-License-Identifier: Apache-2.0
"""The verdict table, row by row, through the real proxy with the real clients: each state of the
cloud is set in the emulator, and what every client prints is compared word by word."""
import json
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from clients import CLIENTS, plain_link, run, unavailable
from emulator import Emulator
from expectations import expected_output
from mariadb import MariaDB
from proxy import WAIT_SECONDS, Proxy

CLUSTER = "clusters/1379661944646413143"
GROUP = "groups/1916928318022840320"
SERVICE = "services/1916928318022840320"
ENDPOINT = "endpoints/1934235512477589504"
USER, PASSWORD = "app", "verdict-Secret"
AT_ONCE = 4

NOT_READY = "tidblink: {} is not ready yet: {} ({}). This usually takes {}. {}"
UNUSABLE = "tidblink: {} cannot be used: {} ({}). {}"
WAIT = "Wait for it with: tidblink wait --for active --max 10m orders"
RESUME = "Resume it in the TiDB Cloud console (Clusters, its ... menu, Resume)"
ANOTHER = "To choose another cluster: tidblink clusters"
OURS = "private endpoint vpce-0a1b2c3d4e5f67890 of orders"

# object, state, what it refuses with (None: connections go on), whether running ones are drained
ROWS = [
    (CLUSTER, "CREATING", 1053, NOT_READY.format(
        "cluster orders", "CREATING", "it is being created", "20 to 30 minutes", WAIT), False),
    (CLUSTER, "RESUMING", 1053, NOT_READY.format(
        "cluster orders", "RESUMING", "it is being resumed", "several minutes", WAIT), False),
    (CLUSTER, "PAUSING", 1105, UNUSABLE.format(
        "cluster orders", "PAUSING", "it is being paused",
        "Once it is paused, resume it in the TiDB Cloud console"), False),
    (CLUSTER, "PAUSED", 1105, UNUSABLE.format(
        "cluster orders", "PAUSED", "it has been paused", RESUME), False),
    (CLUSTER, "INACTIVE", 1105, UNUSABLE.format(
        "cluster orders", "INACTIVE", "it is not running",
        RESUME + ", or ask TiDB Cloud support"), False),
    (CLUSTER, "DELETING", 1105, UNUSABLE.format(
        "cluster orders", "DELETING", "it is being deleted", ANOTHER), True),
    (CLUSTER, "DELETED", 1105, UNUSABLE.format(
        "cluster orders", "DELETED", "it has been deleted", ANOTHER), True),
    (CLUSTER, "ACTIVE", None, None, False),
    (CLUSTER, "MODIFYING", None, None, False),
    (CLUSTER, "UPGRADING", None, None, False),
    (CLUSTER, "IMPORTING", None, None, False),
    (CLUSTER, "MAINTENANCE", None, None, False),
    (CLUSTER, "RESTORING", None, None, False),
    (CLUSTER, "NEVER-SEEN-BEFORE", None, None, False),
    (GROUP, "PAUSED", 1105, UNUSABLE.format(
        "node group (default) of orders", "PAUSED", "it has been paused",
        "Resume it in the TiDB Cloud console (the cluster, Nodes)"), False),
    (GROUP, "MODIFYING", None, None, False),
    (SERVICE, "CREATING", 1053, NOT_READY.format(
        "the private link service of orders", "CREATING", "it is being created",
        "3 to 5 minutes", WAIT), False),
    (SERVICE, "DELETING", 1105, UNUSABLE.format(
        "the private link service of orders", "DELETING",
        "the service or the cluster is being deleted", ANOTHER), True),
    (ENDPOINT, "none", 1105, UNUSABLE.format(
        OURS, "none", "no private endpoint is registered yet",
        "Create it with: tidblink setup orders"), False),
    (ENDPOINT, "DISCOVERED", 1105, UNUSABLE.format(
        OURS, "DISCOVERED", "it exists in the VPC and is not registered with TiDB Cloud",
        "Register it with: tidblink endpoint create orders"), False),
    (ENDPOINT, "PENDING", 1053, NOT_READY.format(
        OURS, "PENDING", "TiDB Cloud is accepting it", "about 5 minutes", WAIT), False),
    (ENDPOINT, "DELETING", 1105, UNUSABLE.format(
        OURS, "DELETING", "it is being deleted", "Create another with: tidblink setup orders"),
     True),
    (ENDPOINT, "FAILED", 1105,
     f"tidblink: {OURS} cannot be used: FAILED (TiDB Cloud could not set it up), Endpoint "
     "connection was rejected. Delete it with: tidblink endpoint delete orders, then create it "
     "again", False),
    (ENDPOINT, "NEVER-SEEN-BEFORE", None, None, False),
]


@pytest.fixture(scope="module")
def database():
    with MariaDB() as server:
        server.add_user(USER, PASSWORD)
        yield server


def set_state(cloud, path, state):
    if state == "none":
        cloud.remove(path)
        return
    fields = {"message": "Endpoint connection was rejected"} if state == "FAILED" else {}
    cloud.patch(path, unchecked=True, state=state, **fields)


def wait_for_row(proxy, state, errno, after):
    """An allowed row changes no verdict: it is there when the proxy's own facts show it."""
    if errno is not None:
        proxy.wait_verdict("hold" if errno == 1053 else "refuse", state, after=after)
        return
    deadline = time.monotonic() + WAIT_SECONDS
    while f'"{state}"' not in json.dumps(proxy.status()):
        assert time.monotonic() < deadline, proxy.status()
        time.sleep(0.02)


def run_all(port, action):
    """Every available client at once; (client, Result) in the order of the table."""
    clients = [client for client in CLIENTS if not unavailable(client)]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(zip(clients, pool.map(
            lambda client: run(client, "127.0.0.1", port, USER, PASSWORD, "test", action,
                               link=plain_link(client)), clients)))


def check_clients(port, errno, text):
    for client, result in run_all(port, "connect-and-select"):
        if errno is None:
            assert (result.code, result.stdout) == (0, "1\n"), (client, result)
        else:
            assert result.code != 0
            assert result.stderr == expected_output(client, errno, text, port=port), client


@pytest.fixture
def world(database):
    with Emulator() as cloud:
        cloud.settings(requestsPerMinute=1000000)
        cloud.patch(CLUSTER, port=database.port)
        cloud.patch(ENDPOINT, state="ACTIVE")
        yield cloud


OPTIONS = {"hold-timeout": "100ms", "drain-timeout": "300ms"}


@pytest.mark.parametrize("path, state, errno, text, drains",
                         [row for row in ROWS if row[1] != "none"],
                         ids=[f"{row[0].split('/')[0][:-1]}-{row[1]}"
                              for row in ROWS if row[1] != "none"])
def test_row(world, database, path, state, errno, text, drains):
    with Proxy(world, options=OPTIONS) as proxy:
        port = proxy.port()
        proxy.wait_verdict("allow")
        running = database.connect(user=USER, password=PASSWORD, port=port)
        mark = proxy.mark()
        set_state(world, path, state)
        wait_for_row(proxy, state, errno, mark)
        check_clients(port, errno, text)
        if drains:
            proxy.wait_log(r"connection closed .*close=drained")
            assert running._sock.recv(1) == b""
            running._force_close()
            return
        with running.cursor() as cursor:
            cursor.execute("SELECT 2")
            assert cursor.fetchall() == ((2,),)
        running.close()


def test_no_endpoint(world):
    """Absence is believed from the second look on, and only when no connection has succeeded."""
    (path, state, errno, text, _), = [row for row in ROWS if row[1] == "none"]
    set_state(world, path, state)
    with Proxy(world, options=OPTIONS) as proxy:
        proxy.wait_verdict("refuse", "none")
        check_clients(proxy.port(), errno, text)
