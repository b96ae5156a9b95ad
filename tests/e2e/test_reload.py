# SPDX-License-Identifier: Apache-2.0
"""SIGHUP: every option that there is is either applied, or named as one that needs a restart. A new
option fails here until this file knows another value of it; one that is applied, until a test has
shown its effect."""
import contextlib
import json
import os
import re
import signal
import socket
import subprocess

import pytest

import client
from built import built, is_portable, linux_only
from certs import Authority
from emulator import ENDPOINT, HOST
from proxy import Proxy
from scenes import ready, running, served
from servers import Server

LONG = "10m"  # it does not end by itself within a test
TLS_PASS = {"tls-ca": "{dir}/ca.pem"}
# Another value of each, and what it needs beside itself. {dir}: the proxy's folder.
OTHER = {
    "api-url": "https://127.0.0.1:1", "api-ca": "{dir}/ca.pem", "api-timeout": "7s",
    "api-public-key-file": "{dir}/key", "api-private-key-file": "{dir}/key",
    "poll-interval": "3s", "poll-interval-changing": "2s", "project-id": "42",
    "control-loss": "refuse", "aws-cli": "aws", "aws-profile": "other",
    "aws-endpoint-url": "http://127.0.0.1:1", "region": "us-east-1",
    "metadata-url": "http://127.0.0.1:1", "serverless-api-url": "https://127.0.0.1:1",
    "vpc-id": "vpc-0a1b2c3d4e5f67890", "state-source": "file:{dir}/state.json",
    "state-dir": "off", "dns-servers": "127.0.0.1:53", "allowed-cidrs": "198.51.100.0/24",
    "allow-loopback": "off", "resolve-timeout": "3s", "startup-check": "greeting",
    "threads": "2", "backlog": "64", "socket-mode": "0600", "allow-remote": "on",
    "max-connections": "77", "hold-timeout": "3s", "connect-timeout": "3s", "dial-budget": "13s",
    "handshake-timeout": "3s", "keepalive": "77s", "source": "127.0.0.1", "spares": "1",
    "spare-max-age": "77s", "splice": "off", "scheduling": "batch", "busy-poll-us": "7",
    "dns-drain": "on", "drain-delay": "7s", "drain-timeout": "7s", "exit-when-idle": "1h",
    "socket-store": "off", "client-tls-cert": "{dir}/cert.pem", "client-tls-key": "{dir}/key.pem",
    "client-rsa-key": "{dir}/rsa.pem", "log-level": "trace", "log-format": "json",
    "log-burst": "77", "admin-listen": "127.0.0.1:0", "admin-socket": "{dir}/other.sock",
    "sandbox": "on",
}
OTHER_OF_CLUSTER = {
    "cluster-id": "1379661944646413144", "group": "other", "endpoint-id": "vpce-0a1b2c3d4e5f60000",
    "host": "other.example.com", "port": "4001", "listen": "127.0.0.1:1",
    "allow-users": "root", "allow-groups": "root", "listener-max-connections": "7", "via": "socks5h://jane@127.0.0.1:1",
    "via-password-file": "{dir}/key", "tls": "off", "tls-ca": "{dir}/ca.pem",
    "tls-server-name": "other.example.com", "client-tls": "off",
    "allow-plaintext-upstream": "on",
}
WITH = {
    "api-public-key-file": {"api-private-key-file": "{dir}/key"},
    "api-private-key-file": {"api-public-key-file": "{dir}/key"},
    "client-tls-cert": {"client-tls-key": "{dir}/key.pem"},
    "client-tls-key": {"client-tls-cert": "{dir}/cert.pem"},
    "via": {"via-password-file": "{dir}/key"},
    "via-password-file": {"via": "socks5h://jane@127.0.0.1:1"},
    "allow-users": {"listen": "unix:{dir}/o.sock"}, "allow-groups": {"listen": "unix:{dir}/o.sock"},
    "tls-ca": {"tls": "auto"}, "tls-server-name": {"tls": "auto", **TLS_PASS},
    "client-tls": {"tls": "auto", **TLS_PASS},
}
# Of those that are applied, where the effect is shown when it is not in this file.
ELSEWHERE = {
    "dns-drain": "test_failover.py", "drain-timeout": "test_drain_delay.py",
    "tls": "test_tls_files.py", "tls-ca": "test_tls_files.py", "client-tls": "test_tls_files.py",
    "tls-server-name": "test_tls_trust.py", "allow-plaintext-upstream": "test_tls_files.py",
    "client-tls-cert": "test_tls_files.py", "client-tls-key": "test_tls_files.py",
    "allow-users": "test_peers.py", "allow-groups": "test_peers.py",
    "client-rsa-key": "test_tls_files.py", "log-burst": "test_log.py",
}


def help_of(part):
    """The options that `tidblink proxy --help` lists below a heading."""
    text = subprocess.run([built("app/tidblink"), "proxy", "--help"], capture_output=True,
                          text=True, check=True).stdout
    section = text.partition(f"\n{part}:\n")[2].partition("\noptions:\n")[0]
    return set(re.findall(r"^  --([a-z-]+)", section, re.M)) - {"config"}


def reload(proxy, **options):
    """SIGHUP with other options; the names of those that were applied."""
    proxy.options.update({name.replace("_", "-"): value for name, value in options.items()})
    mark = proxy.mark()
    proxy.write_config()
    proxy.signal(signal.SIGHUP)
    line = proxy.wait_log("configuration (not )?reloaded", after=mark).string
    assert "not reloaded" not in line, line
    if line.startswith("{"):
        return json.loads(line)["changed"].split(", ")
    found = re.search(r' changed=("([^"]*)"|\S+)', line)
    return (found[2] or found[1]).split(", ")


def test_every_option_is_known_here():
    assert help_of("options of one cluster, behind its CLUSTER") == set(OTHER_OF_CLUSTER)
    assert help_of("options") == set(OTHER)


def test_every_option_is_applied_or_named():
    clusters = {"orders": {"host": "127.0.0.1", "port": "1", "tls": "passthrough"}}
    options = {"state-source": "none", "sandbox": "off", "log-level": "info"}
    shown = set()
    with Proxy(None, clusters, options) as proxy:
        authority = Authority()
        authority.write(proxy.dir / "ca.pem")
        authority.issue(["localhost"], proxy.dir / "cert.pem", proxy.dir / "key.pem")
        (proxy.dir / "key").touch(mode=0o600)
        (proxy.dir / "key").write_text("demo\n")
        for table, others in ((proxy.options, OTHER), (proxy.clusters["orders"], OTHER_OF_CLUSTER)):
            for name, other in others.items():
                if is_portable() and name in ("allow-users", "allow-groups"):
                    shown.add(name)  # refused there: the system does not tell
                    continue
                before, socket_path = dict(table), proxy.options["admin-socket"]
                asks = {**WITH.get(name, {}), name: other}
                table.update({key: text.replace("{dir}", str(proxy.dir))
                              for key, text in asks.items()})
                proxy.write_config()
                proxy.options["admin-socket"], asked = socket_path, proxy.options["admin-socket"]
                mark = proxy.mark()
                applied = reload_written(proxy, asked)
                if name in applied:
                    shown.add(name)
                else:
                    proxy.wait_log(rf"need a restart.*[ =\"]{name}\b", after=mark)
                table.clear()
                table.update(before)
                assert (name in reload(proxy)) == (name in applied), name  # and back
        assert shown == {name for name in [*EFFECTS, *ELSEWHERE]}


def reload_written(proxy, admin_socket):
    """As `reload`, with a configuration that may name another admin socket than the one in force."""
    text = (proxy.dir / "tidblink.conf").read_text()
    write_config, proxy.write_config = proxy.write_config, lambda: None
    try:
        assert f"admin-socket = {admin_socket}\n" in text
        return reload(proxy)
    finally:
        proxy.write_config = write_config


@pytest.mark.parametrize("name", sorted(set(ELSEWHERE.values())))
def test_the_other_files_do_reload(name):
    text = (os.path.join(os.path.dirname(__file__), name))
    with open(text, encoding="ascii") as file:
        content = file.read()
    assert "SIGHUP" in content or "reload" in content


# ---- the effects --------------------------------------------------------------------------------

EFFECTS = {}


def effect_of(*options):
    """Marks the test that shows what these options do after a reload."""
    def mark(test):
        EFFECTS.update({name: test for name in options})
        return test
    return mark


@pytest.fixture
def server(cloud):
    with Server() as found:
        ready(cloud, found.port)
        yield found


def refused(proxy, index=0):
    """(number, text) of the refusal that a client gets."""
    with client.connect(proxy.port(index=index)) as near:
        return client.read_refusal(near)


@effect_of("max-connections", "listener-max-connections")
def test_limits(cloud, server):
    with running(cloud) as proxy:
        pair = served(proxy, server)
        proxy.clusters["orders"]["listener-max-connections"] = 1
        assert reload(proxy) == ["listener-max-connections"]
        assert refused(proxy)[0] == 1040
        proxy.clusters["orders"]["listener-max-connections"] = 2
        reload(proxy)
        other = served(proxy, server)
        assert reload(proxy, max_connections=2) == ["max-connections"]
        proxy.clusters["orders"]["listener-max-connections"] = 0
        reload(proxy)
        assert refused(proxy)[0] == 1040
        for sock in pair + other:
            sock.close()


@effect_of("hold-timeout", "poll-interval", "poll-interval-changing")
def test_times_of_the_control_plane(cloud, server):
    with running(cloud, hold_timeout=LONG, poll_interval="1h", poll_interval_changing="1h") as proxy:
        cloud.patch(f"endpoints/{ENDPOINT}", state="PENDING")
        reload(proxy, poll_interval="1s", poll_interval_changing="1s")
        proxy.wait_verdict("hold", "PENDING")
        reload(proxy, hold_timeout="50ms")
        assert refused(proxy)[0] == 1053
        reload(proxy, poll_interval="1h", poll_interval_changing="200ms")
        mark = proxy.mark()
        cloud.patch(f"endpoints/{ENDPOINT}", state="ACTIVE")
        proxy.wait_verdict("allow", "ACTIVE", after=mark)


@effect_of("allow-loopback")
def test_which_addresses_are_believed(cloud, server):
    with running(cloud) as proxy:
        served(proxy, server)[0].close()
        mark = proxy.mark()
        reload(proxy, allow_loopback="off")
        proxy.wait_log(" DNS gives no address ", after=mark)
        number, text = refused(proxy)
        assert number == 1042 and "127.0.0.1" in text
        mark = proxy.mark()
        reload(proxy, allow_loopback="on")
        proxy.wait_log(" resolved .*first=127.0.0.1 ", after=mark)
        near, far = served(proxy, server)
        near.close()
        far.close()


@effect_of("allowed-cidrs")
def test_which_blocks_are_private(cloud):
    ready(cloud, 4000, ["198.51.100.1"])
    with Proxy(cloud) as proxy:
        proxy.wait_log(" DNS gives no address .*198.51.100.1")
        reload(proxy, allowed_cidrs="198.51.100.0/24")
        proxy.wait_log(" resolved .*first=198.51.100.1 ")
        mark = proxy.mark()
        assert reload(proxy, allowed_cidrs=None) == ["allowed-cidrs"]
        proxy.wait_log(" DNS gives no address ", after=mark)


@contextlib.contextmanager
def silent_port(kind=socket.SOCK_STREAM):
    with socket.socket(socket.AF_INET, kind) as sock:
        sock.bind(("127.0.0.1", 0))
        if kind == socket.SOCK_STREAM:
            sock.listen(8)
        yield sock.getsockname()[1]


def unchecked(port, **options):
    orders = {"host": options.pop("host", "127.0.0.1"), "port": port}
    return Proxy(None, {"orders": orders}, {
        "state-source": "none", "spares": 0, "threads": 1,
        **{name.replace("_", "-"): value for name, value in options.items()}})


@effect_of("resolve-timeout")
def test_time_for_dns():
    with silent_port(socket.SOCK_DGRAM) as dns, \
            unchecked(1, host="silent.example.com", dns_servers=f"127.0.0.1:{dns}",
                      resolve_timeout="60s") as proxy:
        reload(proxy, resolve_timeout="100ms")
        assert refused(proxy)[0] == 1042


@effect_of("handshake-timeout")
def test_time_for_the_greeting():
    with silent_port() as port, unchecked(port, handshake_timeout=LONG) as proxy:
        reload(proxy, handshake_timeout="100ms")
        assert refused(proxy)[0] == 1042


@contextlib.contextmanager
def full_port():
    """Where a connection is neither taken nor refused: its queue is full."""
    with socket.socket() as sock, contextlib.ExitStack() as stack:
        sock.bind(("127.0.0.1", 0))
        sock.listen(0)
        for _ in range(4):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                waiting.connect(sock.getsockname())
        yield sock.getsockname()[1]


@effect_of("connect-timeout", "dial-budget")
@pytest.mark.parametrize("option", ["connect-timeout", "dial-budget"])
def test_time_for_dialling(option):
    with full_port() as port, unchecked(port, connect_timeout="4m", dial_budget="5m") as proxy:
        reload(proxy, **{option: "100ms"})
        assert refused(proxy)[0] == 1042


@linux_only("ss to tell")
@effect_of("keepalive")
def test_keepalives(cloud, server):
    def timer(port):
        text = subprocess.run(["ss", "-tnoH", f"sport = :{port}"], capture_output=True, text=True,
                              check=True).stdout
        return re.findall(r"timer:\(keepalive,(\d+)(min|sec)", text)

    with running(cloud, keepalive="2h") as proxy:
        before = served(proxy, server)
        reload(proxy, keepalive="30s")
        after = served(proxy, server)
        times = timer(proxy.port())
        assert len(times) == 2
        assert sorted(unit for _, unit in times) == ["min", "sec"]
        far_times = timer(before[1].getpeername()[1]) + timer(after[1].getpeername()[1])
        assert sorted(unit for _, unit in far_times) == ["min", "sec"]
        for sock in before + after:
            sock.close()


@effect_of("spares", "spare-max-age")
def test_spares(cloud, server):
    server.hangs_up = True
    with running(cloud, spare_max_age="1h") as proxy:
        with client.connect(proxy.port()) as near:
            client.read_greeting(near)
        reload(proxy, spares=2)
        proxy.wait_metric("tidblink_spares", 2)
        assert proxy.metric("tidblink_spares_discarded_total") == 0
        reload(proxy, spare_max_age="1s")
        proxy.wait_metric_above("tidblink_spares_discarded_total", 1)


@linux_only("splice")
@effect_of("splice")
def test_splice(cloud, server):
    def pipes(proxy):
        folder = f"/proc/{proxy.process.pid}/fd"
        found = 0
        for name in os.listdir(folder):
            with contextlib.suppress(OSError):
                found += os.readlink(f"{folder}/{name}").startswith("pipe:")
        return found

    def stream(proxy):
        near, far = served(proxy, server)
        size = 8 << 20
        import threading
        sender = threading.Thread(target=far.sendall, args=[bytes(size)])
        sender.start()
        assert client.read_exactly(near, size) == bytes(size)
        sender.join()
        near.close()
        far.close()

    with running(cloud, splice="off") as proxy:
        stream(proxy)
        before = pipes(proxy)
        reload(proxy, splice="on")
        stream(proxy)
        assert pipes(proxy) > before


@effect_of("drain-delay")
def test_the_delay_of_a_drain(cloud, server):
    with running(cloud) as proxy:
        reload(proxy, drain_delay="9m", drain_timeout="8m")
        proxy.signal(signal.SIGTERM)
        proxy.wait_log(" draining .*delay_ms=540000 timeout_ms=480000")


@effect_of("exit-when-idle")
def test_the_end_when_idle(cloud, server):
    server.hangs_up = True
    with running(cloud) as proxy:
        reload(proxy, exit_when_idle="300ms")
        assert proxy.process.poll() is None  # there was no connection yet
        near = client.connect(proxy.port())
        client.read_greeting(near)
        with pytest.raises(subprocess.TimeoutExpired):
            proxy.process.wait(1)
        near.close()
        proxy.wait_log(" draining why=exit-when-idle ")
        assert proxy.wait() == 0


@effect_of("log-level", "log-format")
def test_the_log(cloud, server):
    with running(cloud, log_level="info") as proxy:
        reload(proxy, log_level="debug", log_format="json")
        served(proxy, server)[0].close()
        with client.connect(proxy.port()):
            pass  # a probe, which only debug has
        line = proxy.wait_log(r'^\{.*"connection closed"').string
        assert json.loads(line)["level"] == "debug"
        assert HOST  # the cluster's, which the emulator answers for
