# SPDX-License-Identifier: Apache-2.0
"""The admin HTTP: who may ask what, over which socket, and what a reload changes."""
import http.client
import json
import signal
import socket
import stat
import threading

import pytest

from proxy import Proxy, UnixConnection

# A cluster that needs no cloud; nobody listens on its port.
OPTIONS = {"state-source": "none", "admin-listen": "127.0.0.1:0"}
NOWHERE = {"orders": {"host": "127.0.0.1", "port": "1"}}


@pytest.fixture
def proxy():
    with Proxy(clusters=NOWHERE, options=OPTIONS) as running:
        running.wait_log("admin listening .*address=127")
        running.wait_log(r"\bresolved\b")
        yield running


def tcp(proxy, method, path, headers=None):
    port = int(proxy.wait_log(r"admin listening address=127\.0\.0\.1:(\d+)")[1])
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.putrequest(method, path, skip_host=headers is not None and "Host" in headers)
        for name, value in (headers or {}).items():
            connection.putheader(name, value)
        connection.endheaders()
        response = connection.getresponse()
        return response.status, response.read().decode()
    finally:
        connection.close()


@pytest.mark.parametrize("path", ["/startup", "/readiness", "/liveness", "/metrics",
                                  "/api/v1/status", "/wait?for=ready"])
def test_what_is_read_is_read_on_both(proxy, path):
    assert proxy.admin(path)[0] == 200
    assert tcp(proxy, "GET", path)[0] == 200


@pytest.mark.parametrize("path", ["/drain", "/reload"])
def test_what_changes_is_on_the_unix_socket_only(proxy, path):
    assert tcp(proxy, "POST", path) == (403, "only on the admin socket\n")
    assert proxy.admin(path)[0] == 405
    assert proxy.process.poll() is None


def test_socket_is_ours_alone(proxy):
    assert stat.S_IMODE(proxy.options["admin-socket"].stat().st_mode) == 0o600


@pytest.mark.parametrize("host, status", [
    ("localhost", 200), ("localhost:9400", 200), ("127.0.0.1:9400", 200), ("[::1]:9400", 200),
    ("[::1]", 200), ("::1", 200), ("LocalHost:9400", 200), ("evil.example", 403), ("127.0.0.1.evil.example:9400", 403),
    ("localhost.evil.example", 403), ("localhost:", 200), ("localhost:x", 403),
    ("localhost:9400:evil.example", 403), ("[::1]:evil", 403), ("[::1", 403), ("", 403)])
def test_host_header(proxy, host, status):
    assert tcp(proxy, "GET", "/liveness", {"Host": host})[0] == status


@pytest.mark.parametrize("headers, status", [
    ({"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"}, 403),
    ({"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty"}, 403),
    ({"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe"}, 403),
    ({"Sec-Fetch-Site": "cross-site"}, 403),
    ({"Origin": "https://evil.example"}, 403), ({"Origin": "null"}, 403),
    ({"Origin": "http://localhost:8080"}, 403), ({"Origin": "http://localhost"}, 200),
    ({"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}, 200),
    ({"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty"}, 200),
    ({"Sec-Fetch-Site": "none", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}, 200)])
def test_pages_of_others_ask_for_nothing(proxy, headers, status):
    """They could not read the answer, only keep us busy. A link to the page is followed."""
    assert tcp(proxy, "GET", "/metrics", {"Host": "localhost", **headers})[0] == status


def test_wrong_requests(proxy):
    assert tcp(proxy, "GET", "/nothing")[0] == 404
    assert tcp(proxy, "DELETE", "/metrics")[0] == 405
    assert tcp(proxy, "GET", "/wait?for=ever")[0] == 400
    assert tcp(proxy, "GET", "/liveness", {"X-Long": "x" * 40_000})[0] in (400, 413)
    assert tcp(proxy, "HEAD", "/liveness") == (200, "")


def test_cookies_of_others_do_no_harm(proxy):
    """A browser sends to localhost what any other program on localhost has set, whatever the port."""
    cookies = "; ".join(f"session-{n}={'x' * 2000}" for n in range(10))
    assert tcp(proxy, "GET", "/", {"Cookie": cookies})[0] == 200


def test_a_caller_that_is_cut_off_is_noticed(proxy):
    """Its machine has gone: nothing ever comes, and a wait has no other end. The kernel asks."""
    port = int(proxy.wait_log(r"admin listening address=127\.0\.0\.1:(\d+)")[1])
    with socket.create_connection(("127.0.0.1", port)) as sock:
        sock.sendall(b"GET /wait?for=active HTTP/1.1\r\nHost: localhost\r\n\r\n")
        proxy.wait_metric("tidblink_waits", 1)
        timers = [row.split()[5] for row in open("/proc/net/tcp")
                  if row.split()[1:3] == [tcp_address(port), tcp_address(sock.getsockname()[1])]]
        assert len(timers) == 1 and timers[0].startswith("02:")  # keepalive, proc_net_tcp(5)


def tcp_address(port):
    """127.0.0.1 and the port, as /proc/net/tcp has them."""
    return "0100007F:%04X" % port


@pytest.mark.parametrize("query, reason", [
    ("/readiness?clutser=orders", "no parameter has this name: expected cluster"),
    ("/readiness?cluster=orders&cluster=orders", "cluster: given twice"),
    ("/startup?cluster", "the query cannot be read"),
    ("/wait?form=active&hold=no", "no parameter has this name: expected for, cluster or hold"),
    ("/wait?for=active&for=live&hold=no", "for: given twice"),
    ("/wait?for=ever", "for: expected started, live, ready or active"),
    ("/wait?for=ready&hold=false", "hold: expected yes or no")])
def test_a_slip_in_a_query_is_an_error(proxy, query, reason):
    """A probe that asks for something else than was meant would be green for the wrong reason."""
    code, text = tcp(proxy, "GET", query)
    assert code == 400 and reason in text
    assert text.startswith(reason[:5] if "/wait" in query else '{"error":"')


def test_a_probe_asks_about_one_cluster(proxy):
    assert tcp(proxy, "GET", "/readiness?cluster=orders") == (200, '{"status":"ok"}\n')
    assert tcp(proxy, "GET", "/readiness?cluster=other") == (
        404, '{"error":"cluster: not served here"}\n')
    assert tcp(proxy, "GET", "/wait?cluster=%6frders&for=ready&hold=yes") == (200, "ok\n")


def test_what_is_not_text_is_not_repeated(proxy):
    assert tcp(proxy, "GET", "/wait?cluster=%ff%1b%0aok&hold=no") == (
        404, "cluster ?  ok: not served here\n")


def test_a_held_wait_ends_with_the_drain(proxy):
    answers = []
    held = threading.Thread(target=lambda: answers.append(proxy.admin("/wait?for=active")))
    held.start()
    proxy.wait_metric("tidblink_waits", 1)
    assert proxy.admin("/drain", "POST") == (200, "draining\n")
    held.join(30)
    assert [code for code, _ in answers] == [503]
    assert proxy.wait() == 0


def test_bytes_behind_a_held_wait_harm_nobody(proxy):
    """libevent's HTTP server ends the process when it reads while it should be answering."""
    with socket.socket(socket.AF_UNIX) as sock:
        sock.settimeout(30)
        sock.connect(str(proxy.options["admin-socket"]))
        sock.sendall(b"GET /wait?for=active HTTP/1.1\r\nHost: localhost\r\n\r\n")
        proxy.wait_metric("tidblink_waits", 1)
        sock.sendall(b"GET /liveness HTTP/1.1\r\nHost: localhost\r\n\r\n" + b"x" * 1000)
        assert proxy.admin("/liveness")[0] == 200
        assert proxy.metric("tidblink_waits") == 1
    proxy.wait_metric("tidblink_waits", 0)


def test_a_client_that_leaves_its_wait_is_forgotten(proxy):
    before = proxy.descriptors()
    for _ in range(100):  # more than may be held at a time
        assert proxy.admin("/liveness")[0] == 200  # the queue of the socket is empty again
        connection = UnixConnection(proxy.options["admin-socket"])
        connection.request("GET", "/wait?for=active")
        connection.close()
    proxy.wait_descriptors(before)
    # There is room again: this one is held until it is cut off.
    connection = UnixConnection(proxy.options["admin-socket"], 0.3)
    connection.request("GET", "/wait?for=active")
    with pytest.raises(socket.timeout):
        connection.getresponse()
    connection.close()


def test_admin_port_in_use_is_a_warning():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        options = {**OPTIONS, "admin-listen": f"127.0.0.1:{taken.getsockname()[1]}"}
        with Proxy(clusters=NOWHERE, options=options) as running:
            running.wait_log("no health, metrics and status on the admin address")
            assert running.admin("/liveness")[0] == 200


def test_readiness_says_why_not():
    clusters = {"orders": {"host": "no-such-name.invalid", "port": "1"}}
    options = {**OPTIONS, "dns-servers": "127.0.0.1:1", "resolve-timeout": "200ms"}
    with Proxy(clusters=clusters, options=options) as running:
        code, text = running.admin("/wait?for=ready&hold=no")
        assert code == 503
        assert text.startswith("cluster orders: ")
        assert running.admin("/startup")[0] == 503
        assert running.admin("/liveness") == (200, '{"status":"ok"}\n')


# ---- reload -----------------------------------------------------------------------------------

def reload_with(proxy, options):
    mark = proxy.mark()
    proxy.options.update(options)
    proxy.write_config()
    proxy.signal(signal.SIGHUP)
    return mark


def test_reload_takes_what_it_may():
    with socket.create_server(("127.0.0.1", 0)) as silent:  # accepts, and never greets
        clusters = {"orders": {"host": "127.0.0.1", "port": silent.getsockname()[1]}}
        with Proxy(clusters=clusters, options=OPTIONS) as proxy:
            mark = reload_with(proxy, {"max-connections": "1", "threads": "3"})
            proxy.wait_log("configuration reloaded changed=max-connections", after=mark)
            proxy.wait_log("changed options that need a restart options=threads", after=mark)
            assert proxy.metric("tidblink_connections_max") == 1
            with socket.create_connection(("127.0.0.1", proxy.port())):
                proxy.wait_metric('tidblink_connections{step="handshake"}', 1)
                with socket.create_connection(("127.0.0.1", proxy.port())) as second:
                    second.settimeout(30)
                    assert b"max-connections" in second.recv(4096)
                code, text = proxy.admin("/readiness")
                assert code == 503
                assert json.loads(text)["reasons"] == [{"reason": "max-connections are open"}]


def test_reload_keeps_the_old_one_when_the_new_one_is_wrong(proxy):
    mark = reload_with(proxy, {"max-connections": "7", "threads": "many"})
    proxy.wait_log("configuration not reloaded: the old one stays .*threads", after=mark)
    assert proxy.metric("tidblink_connections_max") == 500
    code, text = proxy.admin("/reload", "POST")
    assert code == 400
    assert 'threads: "many" is not valid' in text


def test_reload_names_a_new_cluster(proxy):
    proxy.clusters["billing"] = {"host": "127.0.0.1", "port": "1"}
    mark = reload_with(proxy, {"log-format": "json"})
    proxy.wait_log(r'"options":"the list of clusters"', after=mark)
