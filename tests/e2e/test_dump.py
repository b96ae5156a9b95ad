# SPDX-License-Identifier: Apache-2.0
"""SIGUSR1: the state in the log, one line per item, in both formats, whatever log-level is."""
import contextlib
import json
import re
import signal

import pytest

import client
from connecting import Connect
from emulator import ENDPOINT, HOST
from proxy import ORDERS, Proxy
from scenes import ready, served
from servers import Greeter, Server

SECRET = "secret4711word"


def dumped(proxy, after=0):
    """The lines of the answer, as {key: text}, by their message."""
    proxy.signal(signal.SIGUSR1)
    proxy.wait_log(r"\bstate: end\b", after=after)
    found = {}
    with proxy.grew:
        lines = [line for line in proxy.lines[after:] if "state: " in line]
    for line in lines:
        if line.startswith("{"):
            facts = {key: str(value) for key, value in json.loads(line).items()}
            message = facts["message"]
        else:
            head, message = re.match(r"(\S+ info) (state: [a-z ]+?)(?= [a-z_-]+=|$)", line).groups()
            facts = {key: quoted or plain for key, quoted, plain in
                     re.findall(r' ([a-z_-]+)=(?:"((?:[^"\\]|\\.)*)"|(\S+))', line)}
        found.setdefault(message, []).append(facts)
    return found


@pytest.mark.parametrize("format_", ["text", "json"])
def test_the_state_of_a_proxy_that_serves(cloud, format_):
    with Server() as server:
        ready(cloud, server.port)
        orders = {**ORDERS, "listen": "127.0.0.1:0, 127.0.0.1:0", "listener-max-connections": 40}
        with Proxy(cloud, {"orders": orders},
                   {"threads": 2, "spares": 0, "log-level": "info", "log-format": format_}) as proxy:
            proxy.wait_verdict("allow", "ACTIVE")
            pairs = [served(proxy, server) for _ in range(15)]
            found = dumped(proxy)
            [program] = found["state: program"]
            assert program["version"] and program["connections"] == "15"
            assert program["accepted"] == "15" and program["pid"] == str(proxy.process.pid)
            assert {"step": "relay", "count": "15"}.items() <= found[
                "state: connections at a step"][0].items()
            options = {row["option"]: row["value"] for row in found["state: option"]
                       if "cluster" not in row}
            assert options["threads"] == "2" and options["hold-timeout"] == "1s"
            assert options["api-private-key-file"] == str(proxy.dir / "private.key")
            assert "poll-interval" in options and "backlog" not in options  # a default
            own = {row["option"]: row["value"] for row in found["state: option"]
                   if row.get("cluster") == "orders"}
            assert own["listener-max-connections"] == "40" and "tls" not in own
            assert sum(int(row["connections"]) for row in found["state: worker"]) == 15
            assert [row["worker"] for row in found["state: worker"]] == ["0", "1"]
            [cluster] = found["state: cluster"]
            assert (cluster["cluster"], cluster["verdict"], cluster["of"], cluster["state"]) == (
                "orders", "allow", "endpoint", "ACTIVE")
            assert cluster["connections"] == "15" and cluster["host"] == HOST
            assert int(cluster["api_age_s"]) < 60 and int(cluster["age_s"]) < 60
            [address] = found["state: address"]
            assert address["server"] == "127.0.0.1" and int(address["connect_us"]) > 0
            assert address["failures"] == "0" and "for_ms" not in address
            assert [row["address"] for row in found["state: listener"]] == [
                proxy.address(index=0), proxy.address(index=1)]
            rows = found["state: connection"]
            assert [row["why"] for row in rows] == ["oldest"] * 10 + ["idle"] * 10
            assert [row["conn"] for row in rows[:10]] == [str(n) for n in range(1, 11)]
            assert all(row["step"] == "relay" and row["client"] and row["server"] for row in rows)
            assert found["state: end"][0]["connections"] == "15"
            for near, far in pairs:
                near.close()
                far.close()


def test_who_is_held_and_any_level(cloud):
    with Server() as server:
        ready(cloud, server.port)
        cloud.patch(f"endpoints/{ENDPOINT}", state="PENDING")
        with Proxy(cloud, options={"hold-timeout": "60s"}) as proxy:
            proxy.wait_verdict("hold", "PENDING")
            proxy.options["log-level"] = "error"
            proxy.write_config()
            port = proxy.port()
            proxy.signal(signal.SIGHUP)
            with client.connect(port) as near:
                proxy.wait_metric('tidblink_connections{step="hold"}', 1)
                mark = proxy.mark()
                found = dumped(proxy, mark)
                held = [row for row in found["state: connection"] if row["why"] == "held"]
                assert [row["step"] for row in held] == ["hold"]
                assert found["state: cluster"][0]["verdict"] == "hold"
                assert near.fileno() >= 0


def test_who_is_held_behind_many(cloud):
    """More than are listed of an order at a time."""
    with Greeter() as server, contextlib.ExitStack() as stack:
        ready(cloud, server.port)
        with Proxy(cloud, options={"hold-timeout": "60s", "max-connections": 600, "spares": 0,
                                   "log-level": "info"}) as proxy:
            proxy.wait_verdict("allow")
            for _ in range(510):
                client.read_greeting(stack.enter_context(client.connect(proxy.port())))
            cloud.patch(f"endpoints/{ENDPOINT}", state="PENDING")
            proxy.wait_verdict("hold", "PENDING")
            stack.enter_context(client.connect(proxy.port()))
            proxy.wait_metric('tidblink_connections{step="hold"}', 1)
            rows = dumped(proxy)["state: connection"]
            assert [(row["conn"], row["step"]) for row in rows if row["why"] == "held"] == \
                [("511", "hold")]


def test_no_secret_is_dumped(cloud):
    with Proxy(cloud, {"orders": {**ORDERS, "via": f"socks5h://jane:{SECRET}@127.0.0.1:9"}}) as proxy:
        found = dumped(proxy)
        own = {row["option"]: row["value"] for row in found["state: option"]
               if row.get("cluster") == "orders"}
        assert own["via"] == "(secret)"
        assert SECRET not in proxy.log_text() and "demo-private" not in proxy.log_text()


def test_a_second_signal_at_once_and_the_end(cloud):
    """Many of them and a stop under way: nothing is left behind."""
    with Proxy(cloud) as proxy:
        proxy.wait_log("admin listening")
        for _ in range(20):
            proxy.signal(signal.SIGUSR1)
        dumped(proxy)
        proxy.signal(signal.SIGUSR1)


def test_connect_answers_as_well(cloud):
    with Server() as server:
        ready(cloud, server.port)
        with Connect(cloud) as connect:
            connect.port()
            connect.process.send_signal(signal.SIGUSR1)
            connect.wait_error("state: program")
            connect.wait_error("state: end")
