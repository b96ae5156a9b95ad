# SPDX-License-Identifier: Apache-2.0
"""Every pair of tls and client-tls, on a TCP port and on a unix socket, for applications with TLS
and without: whether they are served, what they are offered, and what reaches the server."""
import itertools
import tempfile
from pathlib import Path

import pytest

import fake_tidb_wire as wire
from certs import Authority
from fake_tidb import CLEAR, SHA2, FakeTidb, User
from tls_scenes import RawClient, Refused, proxy_of, section

PASSWORD = "secret"
VERIFIED = ["verify-full", "verify-ca"]
PLACES, KINDS = ["tcp", "unix"], ["plain", "tls"]
# passthrough with optional is a configuration error.
CELLS = [pair for pair in itertools.product(
    ["passthrough", *VERIFIED, "off"], ["off", "optional", "required"])
    if pair != ("passthrough", "optional")]


class Scene:
    def __init__(self, server, proxy, directory):
        self.server, self.proxy, self.dir = server, proxy, directory

    def client(self, cell, place):
        alias = "-".join(cell)
        return RawClient(self.proxy.port(alias) if place == "tcp" else self.dir / alias)

    @property
    def conn(self):
        return self.server.conns[-1]

    def log_text(self):
        return self.proxy.log_text() + self.server.log_text()


@pytest.fixture(scope="module")
def scene(tmp_path_factory):
    pair = Authority().server(tmp_path_factory.mktemp("certs"), ["127.0.0.1"])
    users = {"app": User(PASSWORD), "sha": User(PASSWORD, SHA2), "clear": User(PASSWORD, CLEAR)}
    with tempfile.TemporaryDirectory(prefix="tidblink-") as name, FakeTidb(pair, users) as server:
        directory = Path(name)  # pytest's paths are longer than those of unix sockets may be
        clusters = {}
        for mode, client_tls in CELLS:
            alias = f"{mode}-{client_tls}"
            options = {"tls": mode, "client_tls": client_tls,
                       "listen": f"127.0.0.1:0, unix:{directory / alias}"}
            if mode in VERIFIED:
                options["tls_ca"] = pair.ca
            if mode == "off" and client_tls != "off":
                options["allow_plaintext_upstream"] = "on"
            clusters[alias] = section(server, **options)
        with proxy_of(clusters) as proxy:
            yield Scene(server, proxy, directory)


def is_offered(cell, place):
    """MariaDB's clients insist on it, also on a unix socket; but where its end would be ours and
    nothing behind it has any, it would be a promise that is not kept."""
    mode, client_tls = cell
    return (mode == "passthrough" or client_tls != "off" or
            (place == "unix" and mode in VERIFIED))


def refusal_of(cell, place, kind):
    """The number, or None."""
    mode, client_tls = cell
    if kind == "plain" and client_tls == "required":
        # A unix socket is as good as TLS; but in passthrough the way to the cluster is meant.
        return 3159 if place == "tcp" or mode == "passthrough" else None
    return 1043 if kind == "tls" and not is_offered(cell, place) else None


ALL = [(cell, place, kind) for cell in CELLS for place in PLACES for kind in KINDS]
SERVED = [case for case in ALL if refusal_of(*case) is None]
# Of the latter the proxy sees nothing but the greeting: there is no TLS to take part in.
TURNED_DOWN = [case for case in ALL if case not in SERVED and
               (case[0] != ("off", "off") or case[2] != "tls")]


def name_of(part):
    return "-".join(part) if isinstance(part, tuple) else None


@pytest.mark.parametrize("cell", CELLS, ids=name_of)
def test_the_log_says_what_was_meant(scene, cell):
    line = rf" info listening cluster={'-'.join(cell)} .*tls={cell[0]} client_tls={cell[1]}$"
    scene.proxy.wait_log(line, len(PLACES))


@pytest.mark.parametrize("cell, place", itertools.product(CELLS, PLACES), ids=name_of)
def test_what_is_offered(scene, cell, place):
    """Only the bit of TLS is ever changed in a greeting."""
    with scene.client(cell, place) as client:
        assert client.offers_tls is is_offered(cell, place)
        shown = bytearray(client.greeting)
        at = shown.index(b"\0") + 1 + 4 + 8 + 1 + 1
        shown[at] |= wire.SSL >> 8
        assert bytes(shown) == scene.conn.wait_step("greeted").greeting[4:]


@pytest.mark.parametrize("cell, place, kind", SERVED, ids=name_of)
@pytest.mark.parametrize("user", ["app", "sha", "clear"])
def test_served(scene, cell, place, kind, user):
    mode = cell[0]
    encrypted = mode in VERIFIED or (mode == "passthrough" and kind == "tls")
    with scene.client(cell, place) as client:
        if kind == "tls":
            client.start_tls()
            own = client.tls.getpeercert(binary_form=True)
        if user == "sha" and kind == "plain" and place == "tcp" and not encrypted:
            # Nobody has an RSA key then: TiDB takes the wish for one for a password.
            with pytest.raises(Refused) as error:
                client.log_in(user, PASSWORD, pem=None)
            assert error.value.number == 1045 and scene.conn.password == b"\x02"
            return
        client.log_in(user, PASSWORD)
        assert client.query("SELECT 'served'") == [b"served"]
    conn = scene.conn
    assert conn.tls is encrypted
    assert bool(conn.capabilities & wire.SSL) is encrypted
    assert conn.same_prefix is (True if encrypted else None)
    assert conn.sequences[:2] == ([1, 2] if encrypted else conn.sequences[:2])
    if user != "app":
        assert conn.password == PASSWORD.encode()
    if encrypted:
        assert PASSWORD.encode() not in conn.raw
    if kind == "tls":
        assert (own == server_certificate(scene)) is (mode == "passthrough")


def server_certificate(scene):
    """What the server itself shows."""
    if not hasattr(scene, "certificate"):
        with RawClient(scene.server.port) as client:
            client.start_tls().log_in()
            scene.certificate = client.tls.getpeercert(binary_form=True)
    return scene.certificate


@pytest.mark.parametrize("cell, place, kind", TURNED_DOWN, ids=name_of)
def test_turned_down(scene, cell, place, kind):
    """Before anything was sent to the server."""
    with scene.client(cell, place) as client:
        if kind == "tls":
            client.capabilities |= wire.SSL
            client.put(client.head())
        else:
            client.put(client.response("app", PASSWORD.encode()))
        with pytest.raises(Refused) as error:
            client.take()
        assert error.value.number == refusal_of(cell, place, kind)
        assert error.value.text.startswith("tidblink: ")
        assert client.read_to_the_end() == b""
    assert scene.conn.wait_ended() and scene.conn.raw == b""
