# SPDX-License-Identifier: Apache-2.0
"""The machine slept, was stopped, or is in another network: what cannot live ends and says why, what
can lives on, names are resolved anew, and the next client is served."""
import contextlib
import datetime
import re
import shutil
import signal
import subprocess
import time

import pytest

import client
from built import linux_only
from clocks import Clocks
from connecting import Connect
from emulator import ENDPOINT, Emulator
from laptop import CHANGED, SECONDS, SERVICE, UNCONCERNED, Laptop, talk
from namespaces import Namespace
from proxy import Proxy
from scenes import LONG, ended, ready, served
from servers import Server, servers

# The portable build looks at clocks and addresses every two seconds, and asks nobody.
pytestmark = linux_only("netlink, CLOCK_BOOTTIME, inotify and TCP_INFO")
READY, DISCARDED = "tidblink_spares", "tidblink_spares_discarded_total"
EVENTS = 'tidblink_machine_events_total{event="%s"}'


# ---- another network -----------------------------------------------------------------------------

def test_the_address_is_gone(stack):
    """An idle connection and one that waits for a result; the next client goes by the other way."""
    laptop = Laptop(stack)
    pairs = [laptop.connect() for _ in range(2)]
    pairs[1][0].sendall(b"a long query")
    mark = laptop.proxy.mark()
    laptop.leave(laptop.ways[0])
    laptop.go_by(laptop.ways[1])
    for near, _ in pairs:
        assert client.read_to_the_end(near) == b""
    ended(laptop.proxy, "network-changed", 2)
    laptop.proxy.wait_log(CHANGED, after=mark)
    laptop.proxy.wait_log(r" resolved .*cluster=far ", after=mark)
    near, far = laptop.connect()
    talk(near, far)
    assert far.getpeername()[0] == laptop.ways[1].near_ip


def test_no_route_is_left(stack):
    laptop = Laptop(stack)
    near, _ = laptop.connect()
    laptop.home.ip("route", "del", SERVICE)
    assert client.read_to_the_end(near) == b""
    ended(laptop.proxy, "network-changed")
    laptop.proxy.wait_log(CHANGED)
    mark = laptop.proxy.mark()
    laptop.go_by(laptop.ways[0])
    # The name may have been resolved, and the way looked at, only when it was there again.
    laptop.proxy.wait_log(f"{CHANGED}|{UNCONCERNED}", after=mark)
    talk(*laptop.connect())


def test_another_way_and_the_old_one_dead(stack):
    """The kernel would choose another source address now: the connection is asked, and ends."""
    laptop = Laptop(stack)
    near, _ = laptop.connect()
    laptop.silence(laptop.ways[0])
    laptop.go_by(laptop.ways[1])
    talk(*laptop.connect())
    assert client.read_to_the_end(near) == b""
    ended(laptop.proxy, "network-changed")


def test_another_way_and_the_old_one_alive(stack):
    """Its packets arrive by the new way as well; so it lives, and is asked no more."""
    laptop = Laptop(stack, keepalive="60s")
    near, far = laptop.connect()
    mark = laptop.proxy.mark()
    laptop.go_by(laptop.ways[1])
    laptop.proxy.wait_log(CHANGED, after=mark)
    laptop.proxy.wait_log(r"debug .*answered: it lives on", after=mark)
    talk(near, far)
    assert "connection closed" not in laptop.proxy.log_text()


def test_the_same_network_again(stack):
    """The address went and is back, as when one Wi-Fi follows another: who lives lives on."""
    laptop = Laptop(stack)
    near, far = laptop.connect()
    way = laptop.ways[0]
    mark = laptop.proxy.mark()
    laptop.blink(way)
    laptop.proxy.wait_log(CHANGED + r".* own_addresses=back ", after=mark)
    laptop.proxy.wait_log(r"debug .*answered: it lives on", after=mark)
    talk(near, far)
    assert "connection closed" not in laptop.proxy.log_text()


def test_the_carrier_was_away(stack):
    """A Wi-Fi out of reach for a moment, a cable: addresses and routes stay. Who lives lives on, and
    who was being connected need not wait for TCP to try again."""
    laptop = Laptop(stack, connect_timeout="60s", dial_budget="60s")
    near, far = laptop.connect()
    way = laptop.ways[0]
    laptop.far.ip("link", "set", way.far_name, "down")
    deadline = time.monotonic() + SECONDS
    while "NO-CARRIER" not in laptop.home.ip("link", "show", way.near_name):
        assert time.monotonic() < deadline, "the kernel does not notice it"
    with laptop.home.inside():
        waits = stack.enter_context(client.connect(laptop.proxy.port("far")))
    laptop.proxy.wait_metric('tidblink_connections{step="dial"}', 1)
    mark = laptop.proxy.mark()
    laptop.far.ip("link", "set", way.far_name, "up")
    laptop.proxy.wait_log(CHANGED + r".* own_addresses=back ", after=mark)
    laptop.proxy.wait_log(r"debug .*answered: it lives on", after=mark)
    client.read_greeting(waits)
    talk(near, far)
    assert "connection closed" not in laptop.proxy.log_text()


def test_an_unrelated_interface_comes_and_goes(stack):
    """docker0 and veths: no connection ends, no spare, no name is asked for."""
    laptop = Laptop(stack, spares=2)
    near, far = laptop.connect()
    laptop.proxy.wait_metric(READY, 2)
    discarded = laptop.proxy.metric(DISCARDED)
    ip = laptop.home.ip
    for steps in ([("link", "add", "bridge0", "type", "bridge"), ("link", "set", "bridge0", "up"),
                   ("address", "add", "172.17.0.1/16", "dev", "bridge0"),
                   ("link", "add", "veth7", "type", "veth", "peer", "name", "veth8"),
                   ("link", "set", "veth7", "master", "bridge0", "up"),
                   ("link", "set", "veth8", "up")],
                  [("address", "add", "172.19.0.1/16", "dev", "bridge0")],
                  [("link", "del", "veth7"), ("link", "del", "bridge0")]):
        mark = laptop.proxy.mark()
        for step in steps:
            ip(*step)
        laptop.proxy.wait_log(UNCONCERNED, after=mark)
        assert not [line for line in laptop.proxy.lines[mark:] if " resolved " in line]
    talk(near, far)
    assert "connection closed" not in laptop.proxy.log_text()
    metrics = laptop.proxy.metrics()
    assert laptop.proxy.metric(READY) == 2 and metrics[DISCARDED] == discarded


def test_a_lease_is_renewed(stack):
    """The same address with other lifetimes: nothing, whatever the kernel tells."""
    laptop = Laptop(stack)
    way = laptop.ways[0]
    mark = laptop.proxy.mark()
    for lifetime in (1000, 2000):
        laptop.home.ip("address", "replace", f"{way.near_ip}/24", "dev", way.near_name,
                       "valid_lft", str(lifetime), "preferred_lft", str(lifetime))
    laptop.home.ip("link", "add", "other0", "type", "bridge")
    laptop.home.ip("address", "add", "172.18.0.1/16", "dev", "other0")
    laptop.home.ip("link", "set", "other0", "up")
    laptop.proxy.wait_log(UNCONCERNED, after=mark)
    assert not [line for line in laptop.proxy.lines[mark:] if "names are resolved anew" in line]


# ---- resolv.conf ---------------------------------------------------------------------------------

def test_resolv_conf_is_written_anew(stack):
    """The other DNS server knows another address; the name is asked there at once."""
    if subprocess.run(["unshare", "--mount", "true"], check=False).returncode:
        pytest.skip("no mount namespace of its own")
    hosts = ["127.0.1.1", "127.0.1.2"]
    home = stack.enter_context(contextlib.closing(Namespace()))
    with home.inside():
        nodes = [stack.enter_context(node) for node in servers(hosts)]
        for number, host in enumerate(hosts):
            cloud = stack.enter_context(
                Emulator(options=["--dns-listen", f"127.0.2.{number}:53"]))
            cloud.add("names", name="moves.example.com", a=[host], ttlSeconds=3600)
        proxy = Proxy(cloud, {"orders": {"host": "moves.example.com", "port": nodes[0].port}},
                      {"state-source": "none", "spares": 0, "threads": 1, "hold-timeout": "30s",
                       "dns-servers": None})
        conf = proxy.dir / "resolv.conf"
        conf.write_text("nameserver 127.0.2.0\n")
        proxy.wrapper = ["unshare", "--mount", "sh", "-c",
                         'mount --bind "$0" /etc/resolv.conf && exec "$@"', str(conf)]
        stack.proxy = stack.enter_context(proxy)
        near, far = served(proxy, nodes[0])
        mark = proxy.mark()
        conf.write_text("nameserver 127.0.2.1\n")
        proxy.wait_log("info resolv.conf changed then=.names are resolved anew", after=mark)
        proxy.wait_log(rf" resolved .*first={hosts[1]} ", after=mark)
        served(proxy, nodes[1])
    talk(near, far)  # running ones stay
    assert "connection closed" not in proxy.log_text()


# ---- sleep ---------------------------------------------------------------------------------------

SLEPT = r"info the machine slept for_s=%d then=.connections are questioned, names are resolved anew"


def seconds_of(line):
    return datetime.datetime.fromisoformat(line.split()[0])


def test_a_short_sleep_in_the_same_network(stack):
    """Everybody is asked and answers; the name is resolved anew, and the spares are new ones."""
    with Clocks() as clocks:
        laptop = Laptop(stack, clocks, spares=2, keepalive="60s")
        laptop.server.hangs_up = True
        nears = []
        for _ in range(2):
            with laptop.home.inside():
                nears.append(stack.enter_context(client.connect(laptop.proxy.port("far"))))
            client.read_greeting(nears[-1])
        laptop.proxy.wait_metric(READY, 2)
        before = laptop.server.greeted
        mark = laptop.proxy.mark()
        clocks.sleep(20)
        laptop.proxy.wait_log(SLEPT % 20, after=mark)
        laptop.proxy.wait_log(r" resolved .*cluster=far ", after=mark)
        for count in (1, 2):
            laptop.proxy.wait_log(r"debug .*answered: it lives on", count, after=mark)
        laptop.proxy.wait_metric(READY, 2)
        assert laptop.server.greeted >= before + 2
        for near in nears:
            near.sendall(b"echo")
            assert client.read_exactly(near, 4) == b"echo"
        assert "connection closed" not in laptop.proxy.log_text()


def test_who_does_not_answer_after_sleep(stack):
    """The way was cut while the machine slept, without a word. The next client does not wait."""
    with Clocks() as clocks:
        laptop = Laptop(stack, clocks, keepalive="60s")
        idle, busy = laptop.connect(), laptop.connect()
        laptop.silence(laptop.ways[0])
        busy[0].sendall(b"a query whose answer is lost")
        mark = laptop.proxy.mark()
        laptop.go_by(laptop.ways[1])
        laptop.proxy.wait_log(CHANGED, after=mark)
        clocks.sleep(3 * 3600)
        slept = laptop.proxy.wait_log(SLEPT % (3 * 3600), after=mark).string
        began = time.monotonic()
        talk(*laptop.connect())
        print(f"a new connection was served {time.monotonic() - began:.3f} s after the wake")
        for near, _ in (idle, busy):
            assert client.read_to_the_end(near) == b""
        line = ended(laptop.proxy, "slept", 2)
        print(f"the dead ones ended {seconds_of(line) - seconds_of(slept)} after it")


def test_awake_before_the_network_is(stack):
    """As a laptop wakes up: its Wi-Fi joins seconds later. Until then clients are told; the first one
    after that is served, and its name was asked of the DNS server anew."""
    with Clocks() as clocks:
        laptop = Laptop(stack, clocks, far_dns=True, resolve_timeout="30s")
        near, _ = laptop.connect()
        way = laptop.ways[0]
        laptop.leave(way)
        assert client.read_to_the_end(near) == b""
        mark = laptop.proxy.mark()
        clocks.sleep(8 * 3600)
        laptop.proxy.wait_log(SLEPT % (8 * 3600), after=mark)
        laptop.proxy.wait_log(r"warn DNS fails, the last addresses stay in use", after=mark)
        with laptop.home.inside():
            sock = stack.enter_context(client.connect(laptop.proxy.port("far")))
        assert client.read_refusal(sock)[0] == 1042
        mark = laptop.proxy.mark()
        laptop.home.ip("address", "add", f"{way.near_ip}/24", "dev", way.near_name)
        laptop.go_by(way)
        began = time.monotonic()
        laptop.proxy.wait_log(CHANGED, after=mark)
        laptop.proxy.wait_log(r" resolved .*cluster=far ", after=mark)
        talk(*laptop.connect())
        print(f"served {time.monotonic() - began:.3f} s after the network was there")


def test_asleep_when_the_clocks_were_just_read(stack):
    with Clocks() as clocks:
        laptop = Laptop(stack, clocks)
        clocks.sleep_after_a_reading(100)
        laptop.proxy.wait_log(SLEPT % 100)


def test_all_clocks_went_on_without_us(stack):
    """A guest that its host has paused, or a frozen cgroup."""
    with Clocks() as clocks:
        laptop = Laptop(stack, clocks, keepalive="60s")
        near, far = laptop.connect()
        mark = laptop.proxy.mark()
        clocks.pause(130)
        laptop.proxy.wait_log(r"info this process was stopped for_s=\d+ then=.connections are "
                              r"questioned, names are resolved anew", after=mark)
        laptop.proxy.wait_log(r" resolved .*cluster=far ", after=mark)
        laptop.proxy.wait_log(r"debug .*answered: it lives on", after=mark)
        talk(near, far)
        assert "the machine slept" not in laptop.proxy.log_text()
        assert laptop.proxy.metric(EVENTS % "stopped") == 1


@pytest.mark.skipif(not LONG, reason="a stop of 40 s: only in the long form")
def test_stopped_and_continued(stack):
    """The tick of 30 s is late by more than 5 s then, wherever in it the stop began."""
    laptop = Laptop(stack)
    near, far = laptop.connect()
    mark = laptop.proxy.mark()
    laptop.proxy.signal(signal.SIGSTOP)
    time.sleep(40)
    laptop.proxy.signal(signal.SIGCONT)
    laptop.proxy.wait_log("info this process was stopped for_s=", after=mark)
    laptop.proxy.wait_log(r" resolved .*cluster=far ", after=mark)
    talk(near, far)


def test_connect_notices_as_well(cloud):
    with Clocks() as clocks, Server() as server:
        ready(cloud, server.port)
        with Connect(cloud, options={"log-level": "info"}, env=clocks.env()) as connect:
            with client.connect(connect.port()) as near:
                client.read_greeting(near)
                clocks.sleep(3600)
                connect.wait_error(SLEPT % 3600)
                talk(near, server.accept())  # over loopback nobody is questioned
            connect.stop()


def test_the_control_api_is_asked_at_once(cloud):
    """Once, over a new connection, however long the next look was away."""
    with Clocks() as clocks, Server() as server:
        ready(cloud, server.port)
        options = {"state-dir": None, "poll-interval": "1h", "poll-interval-changing": "1h"}
        with Proxy(cloud, options=options, env=clocks.env()) as proxy:
            proxy.wait_verdict("allow")
            cloud.patch(f"endpoints/{ENDPOINT}", state="FAILED")
            mark = proxy.mark()
            clocks.sleep(3600)
            proxy.wait_verdict("refuse", "FAILED", after=mark)


def unanswered(laptop):
    """Keepalive probes in a row on the proxy's connection, as the kernel counts them."""
    with laptop.home.inside():
        told = subprocess.run(
            [shutil.which("ss", path="/usr/bin:/bin:/usr/sbin:/sbin"), "-tnoH", "dst", SERVICE],
            capture_output=True, text=True, check=True).stdout
    found = re.search(r"timer:\(keepalive,[^,]*,(\d+)\)", told)
    return int(found[1]) if found else 0


def test_asked_again_before_the_first_answer(stack):
    """The network is there a few seconds after the machine woke up: the count begins anew, also for
    a connection whose query is under way, which TCP sends again in its own time."""
    with Clocks() as clocks:
        laptop = Laptop(stack, clocks, keepalive="60s")
        near, far = laptop.connect()
        busy = laptop.connect()
        way = laptop.ways[0]
        laptop.silence(way)
        busy[0].sendall(b"a long query")
        clocks.sleep(3600)
        deadline = time.monotonic() + SECONDS
        while unanswered(laptop) < 3:
            assert time.monotonic() < deadline, laptop.proxy.log_text()
        laptop.far.ip("route", "del", "blackhole", f"{way.near_ip}/32")
        mark = laptop.proxy.mark()
        laptop.blink(way)
        laptop.proxy.wait_log(CHANGED + r".* own_addresses=back ", after=mark)
        for count in (1, 2):
            laptop.proxy.wait_log(r"debug .*answered: it lives on", count, after=mark)
        assert client.read_exactly(busy[1], 12) == b"a long query"
        for pair in ((near, far), busy):
            talk(*pair)
        assert "connection closed" not in laptop.proxy.log_text()


def test_the_wall_clock_is_set(stack):
    """NTP after a long time: no sleep."""
    with Clocks() as clocks:
        laptop = Laptop(stack, clocks)
        near, far = laptop.connect()
        clocks.set_wall(3600)
        clocks.set_wall(-7200)
        clocks.sleep(100)
        laptop.proxy.wait_log(SLEPT % 100)
        talk(near, far)
        assert laptop.proxy.log_text().count("the machine slept") == 1
        assert [laptop.proxy.metric(EVENTS % event)
                for event in ("slept", "stopped", "network", "resolv-conf")] == [1, 0, 0, 0]
