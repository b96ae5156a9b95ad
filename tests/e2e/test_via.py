# SPDX-License-Identifier: Apache-2.0
"""--via: real jumps, behind which alone the cluster's name exists, and a real server."""
import contextlib
import hashlib
import socket

import pymysql
import pytest

import client
from emulator import CLUSTER, ENDPOINT
from jumps import FAR_NAME, Dante, Http, Socks
from proxy import ORDERS, Proxy
from sql_server import free_port

USER, PASSWORD = "app", "via-Secret-4711"


@pytest.fixture
def world(cloud, mariadb):
    """The endpoint is ACTIVE; the cluster's name exists behind the jump only."""
    mariadb.add_user(USER, PASSWORD)
    cloud.settings(requestsPerMinute=1000000)
    cloud.patch(f"clusters/{CLUSTER}", port=mariadb.port)
    cloud.patch(f"endpoints/{ENDPOINT}", state="ACTIVE")
    cloud.remove(f"names/{FAR_NAME}")
    return cloud


@contextlib.contextmanager
def through(world, via, orders=None, env=None, **options):
    """A running proxy whose cluster is behind the jump."""
    given = {"threads": 1, "hold-timeout": "30s"}
    given.update({name.replace("_", "-"): value for name, value in options.items()})
    with Proxy(world, {"orders": {**ORDERS, "via": via, **(orders or {})}}, given, env) as proxy:
        proxy.wait_verdict("allow")
        yield proxy


def connect(proxy, **arguments):
    return pymysql.connect(host="127.0.0.1", port=proxy.port(), user=USER, password=PASSWORD,
                           database="test", connect_timeout=60, **arguments)


def query(connection, sql):
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchall()


def refusal(proxy):
    with pytest.raises(pymysql.err.OperationalError) as refused:
        connect(proxy)
    return refused.value.args


def check_no_query(world):
    """Nobody asked DNS for the cluster's name."""
    assert [asked for asked in world.queries() if FAR_NAME in asked["name"].lower()] == []


def socks(**login):
    return Socks(**login), "socks5h"


def http(**login):
    return Http(**login), "http"


KINDS = pytest.mark.parametrize("kind", [socks, http])


@KINDS
def test_a_query(world, kind):
    jump, scheme = kind()
    with jump, through(world, f"{scheme}://127.0.0.1:{jump.port}") as proxy:
        proxy.wait_log(r"connections go through " + scheme + "://127.0.0.1:")
        with connect(proxy) as connection:
            assert query(connection, "SELECT 6 * 7") == ((42,),)
        proxy.wait_log(rf"connection closed .*\bserver=127.0.0.1:{jump.port} via={scheme} close=client-quit")
        assert proxy.cluster()["via"] == f"{scheme}://127.0.0.1:{jump.port}"
    check_no_query(world)
