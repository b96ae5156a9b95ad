# SPDX-License-Identifier: Apache-2.0
"""What several suites do with a proxy: a cluster that is ready, a client that is served, an end."""
import contextlib
import os
import resource
import time

import client
from emulator import CLUSTER, ENDPOINT, HOST
from proxy import ORDERS, Proxy

# scripts/test long sets it: the same tests for minutes and with thousands of connections.
LONG = os.environ.get("TIDBLINK_LONG", "") not in ("", "0")

CLOSED = 'tidblink_closed_total{reason="%s"}'
RELAYED = 'tidblink_connections{step="relay"}'


def ready(cloud, port, addresses=None, ttl=None):
    """The emulated cluster is ACTIVE and has this port, and these addresses."""
    cloud.settings(requestsPerMinute=1000000)
    cloud.patch(f"clusters/{CLUSTER}", port=port)
    cloud.patch(f"endpoints/{ENDPOINT}", state="ACTIVE")
    if addresses:
        cloud.patch(f"names/{HOST}", a=addresses, **({"ttlSeconds": ttl} if ttl else {}))


@contextlib.contextmanager
def running(cloud, orders=None, wrapper=(), **options):
    """A proxy that forwards; options_with_underscores. No spares and one thread unless asked."""
    given = {"spares": 0, "threads": 1, "hold-timeout": "30s"}
    given.update({name.replace("_", "-"): value for name, value in options.items()})
    with Proxy(cloud, {"orders": {**ORDERS, **(orders or {})}}, given, wrapper=wrapper) as proxy:
        proxy.wait_verdict("allow")
        yield proxy


def served(proxy, server):
    """(the client's socket, the server's) of a relayed connection, the greeting read."""
    near = client.connect(proxy.port())
    client.read_greeting(near)
    return near, server.accept()


def ended(proxy, reason, count=1, seconds=30):
    """The log line of a connection that ended so, when the counter has it as well."""
    found = proxy.wait_log(rf"connection closed .*\bclose={reason} ", count, seconds).string
    proxy.wait_metric(CLOSED % reason, count)
    return found


def wait_descriptors_at_most(proxy, count, seconds=60):
    """One fewer is no leak: the control API's and DNS's own come and go."""
    deadline = time.monotonic() + seconds
    while (seen := proxy.descriptors()) > count:
        assert time.monotonic() < deadline, f"{seen} descriptors, more than {count}"
        time.sleep(0.01)


class NoDescriptors:
    """No new descriptor for a process; what it has stays open."""

    def __init__(self, proxy):
        self.pid = proxy.process.pid

    def __enter__(self):
        self.before = resource.prlimit(self.pid, resource.RLIMIT_NOFILE)
        resource.prlimit(self.pid, resource.RLIMIT_NOFILE, (3, self.before[1]))

    def __exit__(self, *_):
        resource.prlimit(self.pid, resource.RLIMIT_NOFILE, self.before)
