# SPDX-License-Identifier: Apache-2.0
"""/startup, /readiness and /liveness: three questions, and what turns each answer."""
import contextlib
import json
import socket
import threading
import time

import pytest

from certs import Authority
from clocks import Clocks
from emulator import ENDPOINT, HOST
from fake_tidb import FakeTidb
from proxy import WAIT_SECONDS, Proxy
from thread_stop import stopped_thread
from tls_scenes import logged_in, proxy_for, refused

OK = (200, {"status": "ok"})


def ask(proxy, path):
    code, text = proxy.admin(path)
    return code, json.loads(text)


def reasons(proxy, path):
    code, answer = ask(proxy, path)
    assert (code, answer["status"]) == (503, "unavailable"), answer
    return answer["reasons"]


def wait_for(proxy, path, code, seconds=WAIT_SECONDS):
    deadline = time.monotonic() + seconds
    while (answer := ask(proxy, path))[0] != code:
        assert time.monotonic() < deadline, answer
        time.sleep(0.05)
    return answer[1]


def wait_samples(proxy, count):
    deadline = time.monotonic() + WAIT_SECONDS
    while len(json.loads(proxy.admin("/api/v1/history")[1])["samples"]) < count:
        assert time.monotonic() < deadline
        time.sleep(0.1)


def nowhere(**options):
    """A cluster that needs no cloud; nobody listens on its port."""
    return {"host": "127.0.0.1", "port": "1", **options}


# ---- startup ----------------------------------------------------------------------------------

def test_startup_waits_for_an_address():
    options = {"state-source": "none", "dns-servers": "127.0.0.1:1", "resolve-timeout": "200ms"}
    with Proxy(clusters={"orders": {"host": "no-such-name.invalid", "port": "1"},
                         "billing": nowhere()}, options=options) as proxy:
        proxy.wait_log("DNS gives no address .*cluster=orders")
        found = reasons(proxy, "/startup")
        assert [reason["cluster"] for reason in found] == ["orders"]
        assert "no-such-name.invalid" in found[0]["reason"]
        assert ask(proxy, "/startup?cluster=billing") == OK
        assert ask(proxy, "/liveness") == OK


def test_startup_check_off():
    options = {"state-source": "none", "dns-servers": "127.0.0.1:1", "resolve-timeout": "200ms",
               "startup-check": "off"}
    with Proxy(clusters={"orders": {"host": "no-such-name.invalid", "port": "1"}},
               options=options) as proxy:
        assert ask(proxy, "/startup") == OK
        assert reasons(proxy, "/readiness")


@pytest.mark.parametrize("version", ["8.0.11-TiDB-v8.5.3", "10.11.6-MariaDB"])
def test_startup_waits_for_a_greeting_and_tries_again(version):
    """The database comes up later than the proxy; no client has connected."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))  # taken, and refuses connections until it listens
        port = server.getsockname()[1]
        with Proxy(clusters={"orders": nowhere(port=port)},
                   options={"state-source": "none", "startup-check": "greeting",
                            "spares": "0"}) as proxy:
            deadline = time.monotonic() + WAIT_SECONDS
            while "refused" not in (found := reasons(proxy, "/startup"))[0]["reason"]:
                assert time.monotonic() < deadline, found
                time.sleep(0.05)
            assert found[0]["cluster"] == "orders"
            assert ask(proxy, "/readiness")[0] == 503  # the last connection failed
            server.listen()
            sock, _ = server.accept()
            with sock:
                assert ask(proxy, "/startup")[0] == 503  # connected is not greeted
                body = b"\x0a" + version.encode() + b"\0" + bytes(13) + b"\xff\xff" + bytes(60)
                sock.sendall(len(body).to_bytes(3, "little") + b"\0" + body)
                wait_for(proxy, "/startup", 200)
                assert ask(proxy, "/readiness") == OK
                assert sock.recv(1) == b""  # with spares = 0 it is not kept
            server.settimeout(2)
            with pytest.raises(socket.timeout):
                server.accept()  # once is enough


def test_the_proof_of_the_way_serves_the_first_client():
    with FakeTidb() as tidb:
        with Proxy(clusters={"orders": nowhere(port=tidb.port)},
                   options={"state-source": "none", "startup-check": "greeting", "threads": "1",
                            "spares": "2"}) as proxy:
            wait_for(proxy, "/startup", 200)
            proxy.wait_metric("tidblink_spares", 2)
            with socket.create_connection(("127.0.0.1", proxy.port()), 30) as sock:
                assert sock.recv(5)[4:] == b"\x0a"
            assert proxy.metric("tidblink_spares_used_total") == 1


def test_a_start_that_is_over_stays_over(cloud):
    with Proxy(cloud) as proxy:
        proxy.wait_verdict("hold", "PENDING")
        assert ask(proxy, "/startup") == OK  # its clients are told why
        assert ask(proxy, "/readiness")[0] == 503


def test_a_start_is_over_whether_or_not_somebody_asked(cloud):
    """The first probe comes when the name does not resolve any more."""
    cloud.patch(f"endpoints/{ENDPOINT}", state="ACTIVE")
    cloud.patch(f"names/{HOST}", ttlSeconds=1)
    with Proxy(cloud) as proxy:
        proxy.wait_log(r"\bresolved\b")
        wait_samples(proxy, 3)  # the first, one after 5 s, and now: many heartbeats
        cloud.patch(f"names/{HOST}", answer="NXDOMAIN")
        proxy.wait_log("DNS gives no address", seconds=2 * WAIT_SECONDS)
        assert ask(proxy, "/startup") == OK
        assert ask(proxy, "/startup?cluster=orders") == OK
        assert ask(proxy, "/readiness")[0] == 503


# ---- readiness --------------------------------------------------------------------------------

def test_readiness_names_each_cluster(cloud):
    clusters = {"orders": {"cluster-id": "1379661944646413143",
                           "endpoint-id": "vpce-0a1b2c3d4e5f67890"},
                "billing": {"cluster-id": "1379661944646413143",
                            "endpoint-id": "vpce-00000000000000000"}}
    with Proxy(cloud, clusters=clusters) as proxy:
        proxy.wait_log("verdict .*cluster=orders .*verdict=hold")
        found = {reason["cluster"]: reason["reason"] for reason in reasons(proxy, "/readiness")}
        assert "PENDING" in found["orders"]
        assert ask(proxy, "/liveness") == OK


def test_readiness_knows_what_the_last_connection_found():
    """Nothing is dialled for a probe: a client found out that nobody listens, another that somebody
    does again."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        port = server.getsockname()[1]
        with Proxy(clusters={"orders": nowhere(port=port), "billing": nowhere()},
                   options={"state-source": "none"}) as proxy:
            wait_for(proxy, "/readiness", 200)
            with socket.create_connection(("127.0.0.1", proxy.port()), 30) as sock:
                assert sock.recv(4096)
            (found,) = reasons(proxy, "/readiness")
            assert found["cluster"] == "orders"
            assert "refused" in found["reason"]
            assert ask(proxy, "/readiness?cluster=billing") == OK
            assert ask(proxy, "/startup") == OK
            held = []
            waiting = threading.Thread(target=lambda: held.append(proxy.admin("/wait?for=ready")))
            waiting.start()
            proxy.wait_metric("tidblink_waits", 1)
            server.listen()
            with socket.create_connection(("127.0.0.1", proxy.port()), 30) as sock:
                upstream, _ = server.accept()
                with upstream:
                    upstream.sendall(bytes([74, 0, 0, 0, 10]) + b"8.0.11-MariaDB\0" + bytes(59))
                    assert sock.recv(1)
                    waiting.join(WAIT_SECONDS)
            assert held == [(200, "ok\n")]
            assert ask(proxy, "/readiness") == OK


def test_readiness_knows_that_tls_with_the_cluster_fails(tmp_path):
    """A greeting is not all: who is refused for the certificate is not served."""
    authority, other = Authority(), Authority("another authority")
    authority.write(tmp_path / "ca.pem")
    with FakeTidb(other.server(tmp_path, ["127.0.0.1"])) as server, \
            proxy_for(server, tls_ca=tmp_path / "ca.pem") as proxy:
        wait_for(proxy, "/readiness", 200)
        for _ in range(2):  # its second greeting changes nothing
            assert "certificate" in refused(proxy.port()).text
            (found,) = reasons(proxy, "/readiness")
            assert found["cluster"] == "orders" and "certificate" in found["reason"]
        server.use(authority.server(tmp_path, ["127.0.0.1"]), ("1.2", "1.3"), 1)
        with logged_in(proxy.port()):
            assert ask(proxy, "/readiness") == OK


def test_probes_of_a_cluster_that_is_not_there():
    with Proxy(clusters={"orders": nowhere()}, options={"state-source": "none"}) as proxy:
        for path in "/startup", "/readiness", "/liveness":
            code, answer = ask(proxy, path + "?cluster=nobody")
            assert code == 404
            assert answer["error"]


def test_health_in_the_status(cloud):
    with Proxy(cloud) as proxy:
        proxy.wait_verdict("hold", "PENDING")
        health = proxy.status()["health"]
        assert health["startup"] == health["liveness"] == {"status": "ok"}
        assert health["readiness"]["status"] == "unavailable"
        assert health["readiness"]["reasons"][0]["cluster"] == "orders"


# ---- liveness ---------------------------------------------------------------------------------

@contextlib.contextmanager
def stuck_worker(proxy):
    """Worker 0 is the first thread that is started beside the main one."""
    try:
        with stopped_thread(proxy.process.pid, 1):
            yield
    except PermissionError:
        pytest.skip("this user may not trace a program whose memory is closed (needs root)")


def test_a_stuck_worker_is_not_live():
    """It waited for events when it got stuck; who never takes its mail is stuck all the same."""
    with Proxy(clusters={"orders": nowhere()},
               options={"state-source": "none", "threads": "2"}) as proxy:
        wait_for(proxy, "/readiness", 200)
        assert ask(proxy, "/liveness") == OK
        with stuck_worker(proxy):
            assert ask(proxy, "/liveness") == OK
            answer = wait_for(proxy, "/liveness", 503)
            (found,) = answer["reasons"]
            assert found["reason"].startswith("worker 0 has taken no event for 1")
            assert ask(proxy, "/readiness") == OK
            listed = json.loads(proxy.admin("/api/v1/connections")[1])
            assert listed["complete"] is False  # and nobody waits for it
            # Whether the connection is there is not known, and it may still end.
            code, text = proxy.admin("/api/v1/connections/1/kill", "POST")
            assert (code, json.loads(text)["error"]) == (503, "a worker has not answered")
        wait_for(proxy, "/liveness", 200)


def test_a_program_that_was_stopped_as_a_whole_is_live():
    with Clocks() as clocks, Proxy(clusters={"orders": nowhere()}, env=clocks.env(),
                                   options={"state-source": "none", "threads": "2"}) as proxy:
        with stuck_worker(proxy):
            proxy.admin("/api/v1/connections")  # its mail waits
            clocks.pause(3600)
            assert ask(proxy, "/liveness") == OK


def test_the_api_has_nothing_to_do_with_liveness(cloud):
    cloud.fault("status", status=500)
    with Proxy(cloud) as proxy:
        proxy.wait_cluster("orders", lambda api: api.get("ok") is False)
        assert ask(proxy, "/liveness") == OK
