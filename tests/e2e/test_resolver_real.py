# SPDX-License-Identifier: Apache-2.0
"""The resolver against Debian's own DNS servers: what no stand-in of ours would get right.

TCP after truncation, EDNS, CNAME chains, authoritative zones, servers that go and come back.
"""
import queue
import subprocess
import threading
import time

import pytest

from built import built
from dns_servers import Dnsmasq, Unbound, find_program

needs_dnsmasq = pytest.mark.skipif(not find_program("dnsmasq"), reason="dnsmasq is not installed")
needs_unbound = pytest.mark.skipif(not find_program("unbound"), reason="unbound is not installed")
PATIENCE_SECONDS = 20


class WatchedName:
    """A running watch_name; its reports as (addresses, ttl, key, text)."""

    def __init__(self, servers, host, ttl_max_ms=300, timeout_ms=5000):
        command = [built("tests/loop/watch_name"), ",".join(s.address for s in servers), host,
                   str(ttl_max_ms), str(timeout_ms)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        text=True, bufsize=1)
        self.reports = queue.Queue()
        self.reader = threading.Thread(target=self._read)
        self.reader.start()

    def _read(self):
        for line in self.process.stdout:
            addrs, ttl, key, text = line.rstrip("\n").split("\t")
            self.reports.put((addrs.split(",") if addrs else [], int(ttl), key, text))

    def report(self):
        return self.reports.get(timeout=PATIENCE_SECONDS)

    def refresh(self):
        self.process.stdin.write("again\n")

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        self.process.stdin.close()
        try:
            code = self.process.wait(PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            code = self.process.wait()
        self.reader.join()
        self.process.stdout.close()
        if kind is None:
            assert code == 0, "watch_name did not end well (a leak?)"
            assert self.reports.empty()


def look_up(server, host, **more):
    with WatchedName([server], host, ttl_max_ms=60000, **more) as name:
        return name.report()


def many(count):
    return [f"10.9.{i // 200}.{i % 200 + 1}" for i in range(count)]


@pytest.fixture(scope="module")
def dnsmasq():
    hosts = "".join(f"{ip} many.example.com\n" for ip in many(300))
    hosts += "10.0.0.1 one.example.com\n10.0.0.1 both.example.com\nfd00::1 both.example.com\n"
    with Dnsmasq("""
            local-ttl=42
            txt-record=text.example.com,hello
            cname=first.example.com,second.example.com,one.example.com
            """, hosts) as server:
        yield server


@pytest.fixture(scope="module")
def unbound():
    zone = "one 7 IN A 10.0.0.1\nboth IN A 10.0.0.1\nboth IN AAAA fd00::1\ntext IN TXT hello\n"
    zone += "first 30 IN CNAME second\nsecond 20 IN CNAME third\nthird 300 IN A 10.0.0.3\n"
    zone += "dangling IN CNAME nowhere\nempty IN CNAME text\n"
    zone += "leaves IN CNAME other\nother IN A 52.1.2.3\n"
    zone += "".join(f"many IN A {ip}\n" for ip in many(300))
    more = 'auth-zone:\n    name: "broken.example.net"\n    primary: 127.0.0.1@1\n'
    with Unbound(zone, more=more) as server:
        yield server


@needs_dnsmasq
class TestDnsmasq:
    def test_addresses_and_ttl(self, dnsmasq):
        assert look_up(dnsmasq, "one.example.com")[:3] == (["10.0.0.1"], 42, "")
        assert look_up(dnsmasq, "both.example.com")[0] == ["10.0.0.1", "fd00::1"]

    def test_tcp_after_truncation(self, dnsmasq):
        addrs, _, key, _ = look_up(dnsmasq, "many.example.com")
        assert (sorted(addrs), key) == (sorted(many(300)), "")

    def test_cname(self, dnsmasq):
        assert look_up(dnsmasq, "first.example.com")[0] == ["10.0.0.1"]

    def test_failures_told_apart(self, dnsmasq):
        assert look_up(dnsmasq, "absent.example.com")[2] == "dns-nxdomain"
        assert look_up(dnsmasq, "text.example.com")[2] == "dns-nodata"
        _, _, key, text = look_up(dnsmasq, "elsewhere.example.net")
        assert key == "dns-servfail" and "REFUSED" in text and dnsmasq.address in text


@needs_unbound
class TestUnbound:
    def test_addresses_and_ttl(self, unbound):
        assert look_up(unbound, "one.example.com")[:3] == (["10.0.0.1"], 7, "")
        assert look_up(unbound, "both.example.com")[0] == ["10.0.0.1", "fd00::1"]

    def test_tcp_after_truncation(self, unbound):
        addrs, _, key, _ = look_up(unbound, "many.example.com")
        assert (sorted(addrs), key) == (sorted(many(300)), "")

    def test_cname_chain_has_the_lowest_ttl_of_its_links(self, unbound):
        assert look_up(unbound, "first.example.com")[:3] == (["10.0.0.3"], 20, "")

    def test_cname_to_nothing(self, unbound):
        # RFC 6604 wants NXDOMAIN; unbound 1.17 answers its own zones with NOERROR and the CNAME.
        assert look_up(unbound, "dangling.example.com")[2] in ("dns-nxdomain", "dns-nodata")
        assert look_up(unbound, "empty.example.com")[2] == "dns-nodata"

    def test_cname_to_a_public_address(self, unbound):
        addrs, _, key, text = look_up(unbound, "leaves.example.com")
        assert (addrs, key) == ([], "dns-policy") and "52.1.2.3" in text

    def test_failures_told_apart(self, unbound):
        assert look_up(unbound, "absent.example.com")[2] == "dns-nxdomain"
        assert look_up(unbound, "text.example.com")[2] == "dns-nodata"
        _, _, key, text = look_up(unbound, "x.broken.example.net")
        assert key == "dns-servfail" and "SERVFAIL" in text


@needs_unbound
def test_edns_saves_the_second_way():
    """50 addresses fit into 1232 bytes and not into 512, and this server speaks no TCP."""
    zone = "".join(f"some IN A {ip}\n" for ip in many(50))
    with Unbound(zone, config="do-tcp: no") as server:
        addrs, _, key, _ = look_up(server, "some.example.com")
        assert (sorted(addrs), key) == (sorted(many(50)), "")


@needs_dnsmasq
def test_answer_changes():
    with Dnsmasq(hosts="10.0.0.1 db.example.com\n") as server, \
            WatchedName([server], "db.example.com") as name:
        assert name.report()[0] == ["10.0.0.1"]
        server.set_hosts("10.0.0.2 db.example.com\n10.0.0.3 db.example.com\n")
        assert sorted(name.report()[0]) == ["10.0.0.2", "10.0.0.3"]
        server.set_hosts("10.0.0.2 db.example.com\n52.1.2.3 db.example.com\n")
        assert name.report()[2] == "dns-policy"
        server.set_hosts("")
        assert name.report()[2] == "dns-nxdomain"
        server.set_hosts("10.0.0.4 db.example.com\n")
        assert name.report()[0] == ["10.0.0.4"]


@needs_dnsmasq
@pytest.mark.parametrize("go, come_back", [("stop", "start"), ("freeze", "thaw")])
def test_server_goes_away_and_returns(go, come_back):
    with Dnsmasq(hosts="10.0.0.1 db.example.com\n") as server, \
            WatchedName([server], "db.example.com", timeout_ms=1000) as name:
        assert name.report()[0] == ["10.0.0.1"]
        getattr(server, go)()
        addrs, _, key, text = name.report()
        assert (addrs, key) == (["10.0.0.1"], "dns-timeout") and server.address in text
        getattr(server, come_back)()
        while key:  # a closed port and a server that starts may each be told on the way
            addrs, _, key, _ = name.report()
            assert addrs == ["10.0.0.1"]


@needs_dnsmasq
def test_not_there_at_first():
    server = Dnsmasq(hosts="10.0.0.1 db.example.com\n")
    with server:
        server.freeze()
        with WatchedName([server], "db.example.com", timeout_ms=500) as name:
            assert name.report()[2] == "dns-timeout"
            server.thaw()
            name.refresh()
            assert name.report()[:1] == (["10.0.0.1"],)


@needs_dnsmasq
@needs_unbound
def test_second_server_takes_over(dnsmasq):
    """The first one stops in the middle; nobody who watches notices."""
    with Unbound("one 42 IN A 10.0.0.1\n") as first, \
            WatchedName([first, dnsmasq], "one.example.com", timeout_ms=1500) as name:
        assert name.report()[0] == ["10.0.0.1"]
        first.stop()
        asked = dnsmasq.log_text().count("query[A] one.example.com")
        deadline = time.monotonic() + PATIENCE_SECONDS
        while dnsmasq.log_text().count("query[A] one.example.com") < asked + 3:
            assert time.monotonic() < deadline, "the second server is not asked"
            with pytest.raises(queue.Empty):
                name.reports.get(timeout=0.1)
