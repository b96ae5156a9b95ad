# SPDX-License-Identifier: Apache-2.0
"""A proxy whose machine has two ways to the server, in namespaces of the test's own: what a laptop that
changes networks meets, and a server on which containers come and go."""
import contextlib
import shutil
import subprocess

import client
from emulator import Emulator
from namespaces import Namespace, Way
from proxy import Proxy
from servers import Server

SECONDS = 60
SERVICE = "10.88.0.1"  # the server's address, behind every way
CHANGED = r"info the network changed then=.names are resolved anew"
UNCONCERNED = r"debug the network changed then=.no cluster is concerned"
LIVES_ON = r"debug .*answered: it lives on"


class Stack(contextlib.ExitStack):
    proxy = None

    def log_text(self):
        return self.proxy.log_text() if self.proxy else ""


class Laptop:
    """A proxy whose machine reaches the server by the first of two ways."""

    def __init__(self, stack, clocks=None, far_dns=False, dns_delay=0, **options):
        self.home, self.far = [
            stack.enter_context(contextlib.closing(Namespace())) for _ in range(2)]
        self.ways = [Way(self.home, self.far, number) for number in (1, 2)]
        self.far.ip("address", "add", f"{SERVICE}/32", "dev", "lo")
        self.go_by(self.ways[0])
        with self.far.inside():
            self.server = stack.enter_context(Server(SERVICE))
        with (self.far if far_dns else self.home).inside():
            host = SERVICE if far_dns else "127.0.0.1"
            self.cloud = stack.enter_context(Emulator(options=["--dns-listen", f"{host}:0"]))
            self.cloud.add("names", name="far.example.com", a=[SERVICE], ttlSeconds=3600,
                           delaySeconds=dns_delay)
        with self.home.inside():
            given = {"state-source": "none", "spares": 0, "threads": 1, "hold-timeout": "30s"}
            given.update({name.replace("_", "-"): value for name, value in options.items()})
            self.proxy = stack.enter_context(Proxy(
                self.cloud, {"far": {"host": "far.example.com", "port": self.server.port}}, given,
                env=clocks.env() if clocks else None))
        stack.proxy = self.proxy
        if not dns_delay:
            self.proxy.wait_log(" resolved ")

    def go_by(self, way):
        self.home.ip("route", "replace", SERVICE, "via", way.far_ip)

    def connect(self):
        """(the client's socket, the server's)"""
        with self.home.inside():
            near = client.connect(self.proxy.port("far"))
        client.read_greeting(near)
        return near, self.server.accept()

    def leave(self, way):
        """The address goes, and with it its routes."""
        self.home.ip("address", "del", f"{way.near_ip}/24", "dev", way.near_name)

    def come_back(self, way):
        self.batch([f"address add {way.near_ip}/24 dev {way.near_name}",
                    f"route add {SERVICE} via {way.far_ip}"])

    def blink(self, way):
        """The address goes and is back, in one go: the proxy looks when it is quiet again."""
        self.batch([f"address del {way.near_ip}/24 dev {way.near_name}",
                    f"address add {way.near_ip}/24 dev {way.near_name}",
                    f"route add {SERVICE} via {way.far_ip}"])

    def batch(self, steps):
        """Commands of ip in one go."""
        program = shutil.which("ip", path="/usr/sbin:/sbin:/usr/bin:/bin")
        with self.home.inside():
            subprocess.run([program, "-batch", "-"], check=True, text=True,
                           input="".join(f"{step}\n" for step in steps))

    def unrelated(self, number):
        """An address that nobody uses comes, and the proxy has looked."""
        mark = self.proxy.mark()
        self.batch([f"address add 172.16.{number}.1/32 dev lo"])
        self.proxy.wait_log(UNCONCERNED, after=mark)

    def silence(self, way):
        """What the server says to this way's address is lost."""
        self.far.ip("route", "add", "blackhole", f"{way.near_ip}/32")


def talk(near, far):
    near.sendall(b"a query")
    assert client.read_exactly(far, 7) == b"a query"
    far.sendall(b"a result")
    assert client.read_exactly(near, 8) == b"a result"
