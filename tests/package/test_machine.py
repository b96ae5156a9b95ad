# SPDX-License-Identifier: Apache-2.0
"""The package on a machine that runs systemd: the service's whole life, with a cloud (the emulator)
and a database (MariaDB) on the loopback addresses of its network."""
import os
import time
from pathlib import Path

import pymysql
import pytest

from client import connect as plain_connect
from emulator import CLUSTER, ENDPOINT, HOST, Emulator
from machine import BOOT_SECONDS, Machine, why_not
from mariadb import MariaDB
from namespaces import Namespace

PORT = 4000
UNIT = "tidblink.service"
CONFIG = """\
api-url = {api}
api-ca = /etc/tidblink/api-ca.pem
dns-servers = {dns}
allow-loopback = on
aws-cli = off
poll-interval = 1s
poll-interval-changing = 200ms
drain-timeout = 5s
log-level = {level}

[cluster orders]
cluster-id = 1379661944646413143
endpoint-id = vpce-0a1b2c3d4e5f67890
listen = 127.0.0.1:4000, unix:/run/tidblink/orders.sock
"""


@pytest.fixture(scope="module")
def network():
    found = Namespace()
    yield found
    found.close()


@pytest.fixture(scope="module")
def cloud(network):
    with network.inside(), Emulator() as emulator:
        emulator.settings(requestsPerMinute=1000000)
        emulator.patch(f"endpoints/{ENDPOINT}", state="ACTIVE")
        yield emulator


@pytest.fixture(scope="module")
def database(network, cloud):
    with network.inside(), MariaDB() as server:
        server.add_user("app", "secret")
        cloud.patch(f"clusters/{CLUSTER}", port=server.port)
        yield server


@pytest.fixture(scope="module")
def machine(installed, network, cloud, database):
    if why_not():
        pytest.skip(why_not())
    with Machine(installed, network) as booted:
        yield booted


def configure(machine, cloud, level="info"):
    machine.write("/etc/tidblink/api-ca.pem", Path(cloud.ca).read_text())
    host, port = cloud.dns
    machine.write("/etc/tidblink/tidblink.conf",
                  CONFIG.format(api=cloud.api_url, dns=f"{host}:{port}", level=level))
    for part in ("public", "private"):
        machine.write(f"/etc/credstore/tidbcloud-{part}-key", f"demo-{part}\n", mode=0o600)
