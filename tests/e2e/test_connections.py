# SPDX-License-Identifier: Apache-2.0
"""tidblink connections: what is listed of a running proxy, and how one connection is ended."""
import contextlib
import json
import socket
import subprocess
import threading

import pytest

import client
from built import built
from proxy import Proxy
from servers import Server

SECONDS = 30


@pytest.fixture
def server():
    with Server() as running:
        running.hangs_up = True  # it echoes
        yield running


@pytest.fixture
def proxy(server):
    clusters = {alias: {"host": "127.0.0.1", "port": server.port} for alias in ("orders", "billing")}
    with Proxy(clusters=clusters, options={"state-source": "none", "spares": "0"}) as running:
        with contextlib.ExitStack() as running.clients:
            yield running


def opened(proxy, alias="orders", said=b""):
    """A relayed connection, which has sent and got back what it `said`."""
    near = proxy.clients.enter_context(client.connect(proxy.port(alias)))
    client.read_greeting(near)
    near.sendall(said)
    assert client.read_exactly(near, len(said)) == said
    return near


def run(proxy, *words):
    return subprocess.run(
        [built("app/tidblink"), "connections", "--config", proxy.dir / "tidblink.conf", *words],
        env=proxy.env, capture_output=True, text=True, timeout=SECONDS, check=False)


def rows(proxy, *words):
    """The table's cells by its heads; columns are two blanks or more apart."""
    result = run(proxy, *words)
    assert (result.returncode, result.stderr) == (0, ""), result
    heads, *lines = result.stdout.splitlines()
    starts = [heads.index(head) for head in heads.split()]
    return [{head: line[start:end].strip() for head, start, end in
             zip(heads.split(), starts, [*starts[1:], None])} for line in lines]


def test_what_is_listed(proxy):
    near = opened(proxy, said=b"hello")
    opened(proxy, "billing")
    newest, oldest = rows(proxy)
    assert (newest["CLUSTER"], newest["ID"]) == ("billing", "2")
    assert (oldest["CLUSTER"], oldest["ID"], oldest["STEP"], oldest["UP"]) == \
        ("orders", "1", "relay", "5")
    assert oldest["CLIENT"] == "127.0.0.1:%d" % near.getsockname()[1]
    assert oldest["AGE"].endswith(" s") and oldest["IDLE"].endswith(" s")
    assert int(oldest["DOWN"]) > int(newest["DOWN"]) > 0


def test_order_and_number(proxy):
    for size in (30, 10, 50, 20):
        opened(proxy, said=bytes(size))
    *listed, end = run(proxy, "--sort", "bytes", "--limit", "2").stdout.splitlines()
    assert [line.split()[1] for line in listed[1:]] == ["3", "1"]
    assert end == "2 of 4: --limit shows more"
    assert [row["ID"] for row in rows(proxy, "--sort", "oldest")] == ["1", "2", "3", "4"]


def test_one_cluster(proxy):
    opened(proxy)
    opened(proxy, "billing")
    assert [row["CLUSTER"] for row in rows(proxy, "billing")] == ["billing"]


def test_an_alias_with_odd_characters(server):
    alias = "Orders & more"
    clusters = {alias: {"host": "127.0.0.1", "port": server.port}, "orders": {
        "host": "127.0.0.1", "port": server.port}}
    with Proxy(clusters=clusters, options={"state-source": "none", "spares": "0"}) as proxy:
        assert run(proxy, alias).stdout == "no connections\n"
        with client.connect(int(proxy.wait_log(
                r'cluster="Orders & more" address=127.0.0.1:(\d+)')[1])) as near:
            client.read_greeting(near)
            assert run(proxy, alias).stdout.splitlines()[1].startswith("Orders & more  1 ")
            assert run(proxy, "orders").stdout == "no connections\n"


def test_none(proxy):
    for words, text in ((), "no connections\n"), (["--closed"], "none has ended\n"):
        result = run(proxy, *words)
        assert (result.returncode, result.stdout, result.stderr) == (0, text, "")


def test_those_that_ended(proxy):
    opened(proxy, said=b"hello").close()
    proxy.wait_log("connection closed .*conn=1 ")
    proxy.wait_open(0)
    (row,) = rows(proxy, "--closed")
    assert (row["ID"], row["CLOSE"], row["ERROR"]) == ("1", "client-quit", "")
    assert row["ENDED"].endswith("Z") and row["LASTED"].endswith(" s")


def test_a_refusal(tmp_path):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))  # and nobody listens
        clusters = {"orders": {"host": "127.0.0.1", "port": closed.getsockname()[1]}}
        with Proxy(clusters=clusters, options={"state-source": "none", "spares": "0"}) as proxy:
            client.refusal(proxy.port())
            proxy.wait_open(0)
            (row,) = rows(proxy, "--closed")
            assert (row["CLOSE"], row["ERROR"]) == ("refused", "dial")


def test_json_is_the_admin_socket_s(proxy):
    opened(proxy, said=b"hello")
    printed = json.loads(run(proxy, "--json", "--sort", "idle", "--limit", "7").stdout)
    assert (printed["sort"], printed["limit"], printed["open"]) == ("idle", 7, 1)
    (row,) = printed["connections"]
    assert (row["id"], row["client_bytes"], row["cluster"]) == (1, 5, "orders")


def test_kill(proxy):
    first, second = opened(proxy), opened(proxy)
    result = run(proxy, "--kill", "1")
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
    assert client.read_to_the_end(first) == b""
    proxy.wait_log("connection closed .*conn=1 .*close=killed")
    second.sendall(b"still here")
    assert client.read_exactly(second, 10) == b"still here"
    again = run(proxy, "--kill", "1")
    assert again.returncode == 1 and again.stdout == ""
    assert again.stderr == ("tidblink connections: there is no connection 1 (any more): tidblink "
                            "connections lists them\n")


@pytest.mark.parametrize("words, text", [
    (["--limit", "0"], "1 to 500"), (["--limit", "501"], "1 to 500"), (["--sort", "age"], "newest"),
    (["--kill", "x"], "--kill"), (["--kill", "0"], "--kill"), (["nobody"], "does not serve cluster nobody")])
def test_wrong_words(proxy, words, text):
    result = run(proxy, *words)
    assert result.returncode == 2 and text in result.stderr, result


def test_without_a_proxy(proxy):
    proxy.stop_program()
    for words in ([], ["--kill", "1"]):
        result = run(proxy, *words)
        assert result.returncode == 1
        assert f"no proxy answers on {proxy.options['admin-socket']}" in result.stderr


@pytest.mark.parametrize("head, body, code, text", [
    ("200 OK", "{}", 1, "what answers is no proxy of this version: restart it"),
    ("404 Not Found", "<html>", 1, "what answers is no proxy of this version: restart it"),
    ("503 Busy", '{"error":"a worker has not answered"}', 3, "a worker has not answered")])
def test_what_answers_has_no_connections(proxy, head, body, code, text):
    path = str(proxy.options["admin-socket"])
    proxy.stop_program()
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen()

        def answer():
            with listener.accept()[0] as sock:
                sock.recv(4096)
                sock.sendall(f"HTTP/1.1 {head}\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode())

        thread = threading.Thread(target=answer)
        thread.start()
        result = run(proxy)
        thread.join()
    assert (result.returncode, result.stdout, result.stderr) == \
        (code, "", f"tidblink connections: {text}\n")
