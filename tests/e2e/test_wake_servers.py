# SPDX-License-Identifier: Apache-2.0
"""What happens on the network of a server that has nothing to do with the cluster, or is over soon,
costs no connection: containers, a restarted network service, a storm of events."""
import re
import resource
import shutil
import subprocess
import threading

from built import linux_only
from laptop import CHANGED, LIVES_ON, SERVICE, UNCONCERNED, Laptop, talk

pytestmark = linux_only("netlink and TCP_INFO")
MANY = 80
READY = "tidblink_spares"


def calm(laptop, mark):
    lines = laptop.proxy.lines[mark:]
    assert not [line for line in lines if "names are resolved anew" in line]
    assert "connection closed" not in laptop.proxy.log_text()


def probes(laptop):
    """When the kernel asks on each of the proxy's connections next, as ss writes it."""
    with laptop.home.inside():
        told = subprocess.run(
            [shutil.which("ss", path="/usr/bin:/bin:/usr/sbin:/sbin"), "-tnoH", "dst", SERVICE],
            capture_output=True, text=True, check=True).stdout
    return re.findall(r"timer:\(keepalive,([^,]*),", told)


def test_many_containers_start(stack):
    """More links and addresses than are remembered, all within a second."""
    laptop = Laptop(stack, spares=2)
    laptop.proxy.wait_metric(READY, 0)
    near, far = laptop.connect()
    mark = laptop.proxy.mark()
    laptop.batch(
        step for n in range(MANY) for step in (
            f"link add veth{n} type veth peer name peer{n}",
            f"address add 172.20.{n}.1/24 dev veth{n}",
            f"address add fe80::{n + 1:x}/64 dev veth{n}",
            f"link set veth{n} up", f"link set peer{n} up"))
    laptop.proxy.wait_log(UNCONCERNED, after=mark)
    laptop.batch(f"address del 172.20.{n}.1/24 dev veth{n}" for n in range(MANY))
    laptop.unrelated(1)
    calm(laptop, mark)
    talk(near, far)


def test_an_address_that_is_back_soon(stack):
    """As when a network service is restarted: TCP does not mind, and no more do we."""
    laptop = Laptop(stack)
    near, far = laptop.connect()
    mark = laptop.proxy.mark()
    laptop.leave(laptop.ways[0])
    laptop.proxy.wait_log(CHANGED, after=mark)
    mark = laptop.proxy.mark()
    laptop.come_back(laptop.ways[0])
    laptop.proxy.wait_log(LIVES_ON, after=mark)
    talk(near, far)
    assert "connection closed" not in laptop.proxy.log_text()


class Storm:
    """An address that nobody uses comes and goes for as long as it lasts."""

    def __init__(self, laptop):
        self.laptop, self.over = laptop, threading.Event()
        self.thread = threading.Thread(target=self._blow)

    def _blow(self):
        while not self.over.is_set():
            for verb in ("add", "del"):
                self.laptop.home.ip("address", verb, "172.16.9.1/32", "dev", "lo")

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.thread.join()


def test_a_name_is_looked_up_in_a_storm(stack):
    """The answer comes after three seconds; events that have nothing to do with it come all the time."""
    laptop = Laptop(stack, dns_delay=3, resolve_timeout="30s")
    with Storm(laptop):
        laptop.proxy.wait_log(r" resolved .*cluster=far ")
        talk(*laptop.connect())


def test_no_descriptor_left(stack):
    """That the way cannot be looked at says nothing about it."""
    laptop = Laptop(stack)
    near, far = laptop.connect()
    mark = laptop.proxy.mark()
    before = resource.prlimit(laptop.proxy.process.pid, resource.RLIMIT_NOFILE)
    resource.prlimit(laptop.proxy.process.pid, resource.RLIMIT_NOFILE, (3, before[1]))
    try:
        laptop.unrelated(1)
    finally:
        resource.prlimit(laptop.proxy.process.pid, resource.RLIMIT_NOFILE, before)
    laptop.unrelated(2)
    calm(laptop, mark)
    talk(near, far)


def test_another_source_on_purpose(stack):
    """The option `source` chooses an address that the kernel would not: nobody is asked because of that."""
    laptop = Laptop(stack, keepalive="60s", source="10.77.2.1")
    laptop.far.ip("route", "add", "10.77.2.1/32", "via", laptop.ways[0].near_ip)
    near, far = laptop.connect()
    assert far.getpeername()[0] == "10.77.2.1"
    laptop.unrelated(1)
    talk(*laptop.connect())  # the one worker has seen both
    assert all("sec" in when and "ms" not in when for when in probes(laptop)) and probes(laptop)
    talk(near, far)


def test_a_rule_leads_another_way(stack):
    """A VPN fills a table of its own first, and a rule that leads there comes later."""
    laptop = Laptop(stack, keepalive="60s")
    near, far = laptop.connect()
    mark = laptop.proxy.mark()
    laptop.home.ip("route", "add", SERVICE, "via", laptop.ways[1].far_ip, "table", "77")
    laptop.proxy.wait_log(UNCONCERNED, after=mark)
    mark = laptop.proxy.mark()
    laptop.home.ip("rule", "add", "to", SERVICE, "lookup", "77")
    laptop.proxy.wait_log(CHANGED, after=mark)
    laptop.proxy.wait_log(LIVES_ON, after=mark)
    talk(near, far)
