# SPDX-License-Identifier: Apache-2.0
"""What tidblink refuses a login with, after the client's first packet: each code of its own, through
the real proxy, and every client prints the whole text. In TLS with the client, too."""
import re

import pytest

from clients import CLIENTS, Link, run
from expectations import expected_output
from fake_tidb import FakeTidb, Plan
from matrix_servers import Files
from meddler import BROKEN_ANSWER, OLD_ANSWER, Meddler
from proxy import Proxy

VERIFY = {"tls": "verify-full", "tls-ca": "{files.ca}"}


@pytest.fixture(scope="module")
def files():
    files = Files()
    yield files
    files.remove()


@pytest.fixture(scope="module")
def server(files):
    with FakeTidb(files) as server:
        yield server


def make_proxy(server, files, cluster, **options):
    options = {"state-source": "none", **options}
    cluster = {name: str(value).format(files=files) for name, value in cluster.items()}
    return Proxy(None, {"orders": {"host": "127.0.0.1", "port": server.port, **cluster}}, options)


def check(client, proxy, errno, state, tls, port=None):
    """The client prints what the log has as the reason."""
    mark = proxy.mark()
    port = port or proxy.port()
    result = run(client, "127.0.0.1", port, "app", "secret", "test", "print-error",
                 link=Link(tls=tls))
    line = proxy.wait_log("connection closed .*close=refused.*", after=mark)[0]
    text = re.search(r' reason="(tidblink: (?:[^"\\]|\\.)*)"', line)
    assert text, line
    assert result.code != 0 and result.stdout == ""
    assert result.stderr == expected_output(
        client, errno, text[1].replace('\\"', '"'), state, port=port,
        connection_id=re.search(r"server_id=(\d+)", line)[1]), line
    return line


def without_tls(client):
    return "default" if client == "mariadb-skip-ssl" else "off"


@pytest.fixture(scope="module", params=[
    {**VERIFY, "tls-ca": "{files.other_ca}"}, {**VERIFY, "tls-server-name": "db.example"}],
    ids=["another authority", "another name"])
def misled(request, server, files):
    with make_proxy(server, files, {**request.param, "client-tls": "optional"}) as proxy:
        yield proxy


@pytest.mark.parametrize("tls", ["off", "default"])
@pytest.mark.parametrize("client", CLIENTS)
def test_tls_to_the_cluster_fails(client, tls, available, misled):
    check(client, misled, 1105, "HY000", without_tls(client) if tls == "off" else tls)


@pytest.fixture(scope="module", params=["passthrough", "verify-full"])
def requiring(request, server, files):
    cluster = {**VERIFY, "client-tls": "required", "tls": request.param}
    if request.param == "passthrough":
        del cluster["tls-ca"]
    with make_proxy(server, files, cluster) as proxy:
        yield proxy


@pytest.mark.parametrize("client", CLIENTS)
def test_tls_is_required(client, available, requiring):
    check(client, requiring, 3159, "HY000", without_tls(client))


@pytest.fixture(scope="module")
def leaving(files):
    with FakeTidb(None) as server:
        server.plan = Plan(at={"response": "close"})
        with make_proxy(server, files, {
                "tls": "off", "client-tls": "optional", "allow-plaintext-upstream": "on"}) as proxy:
            yield proxy


@pytest.mark.parametrize("tls", ["off", "default"])
@pytest.mark.parametrize("client", CLIENTS)
def test_the_server_leaves_during_the_login(client, tls, available, leaving):
    check(client, leaving, 1042, "08S01", without_tls(client) if tls == "off" else tls)


@pytest.fixture(scope="module")
def verifying(server, files):
    with make_proxy(server, files, VERIFY) as proxy:
        yield proxy


@pytest.fixture(scope="module")
def impatient(server, files):
    with make_proxy(server, files, VERIFY, **{"handshake-timeout": "300ms"}) as proxy:
        yield proxy


@pytest.mark.parametrize("errno, state, answer", [
    (1043, "08S01", BROKEN_ANSWER), (1251, "08004", OLD_ANSWER)], ids=["broken", "old"])
@pytest.mark.parametrize("client", CLIENTS)
def test_a_bad_client(client, errno, state, answer, available, verifying):
    with Meddler(verifying.port(), answer) as meddler:
        check(client, verifying, errno, state, without_tls(client), meddler.port)


@pytest.mark.parametrize("client", CLIENTS)
def test_a_slow_client(client, available, impatient):
    with Meddler(impatient.port(), None) as meddler:
        check(client, impatient, 1159, "08S01", without_tls(client), meddler.port)
