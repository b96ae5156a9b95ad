# SPDX-License-Identifier: Apache-2.0
"""Files of TLS that change under a running proxy, and sessions that outlive what they were made
with: a session that is resumed was verified when it began, by the authorities of then."""
import contextlib
import os
import shutil
import signal
import ssl
import stat
from pathlib import Path

import pytest

from certs import Authority
from fake_tidb import SHA2, FakeTidb, Plan, User
from tls_scenes import RawClient, logged_in, proxy_for, refused

READ, UNUSABLE = "info a changed TLS file was read ", "error a changed TLS file is not usable: "
PSK = 41  # pre_shared_key, RFC 8446, section 4.2


def replace(path, content):
    """As renewal tools do it: another file under the same name."""
    content = content.read_bytes() if isinstance(content, Path) else content
    part = path.with_name(path.name + ".new")
    part.touch(mode=0o600)  # it may be a key
    part.write_bytes(content)
    part.replace(path)


class Scene:
    """A server whose certificate is from `authority`; `ca` is the file that the proxy reads."""

    def __init__(self, directory):
        self.dir = directory
        self.authority, self.other = Authority(), Authority("another authority")
        self.pair = self.authority.server(directory, ["127.0.0.1"])
        self.other_pair = self.other.server(directory, ["127.0.0.1"])
        self.ca = directory / "tls-ca.pem"
        shutil.copy(self.pair.ca, self.ca)
        self.server = FakeTidb(self.pair, {"app": User("secret"), "sha": User("secret", SHA2)})

    @property
    def conn(self):
        return self.server.conns[-1]

    def proxy(self, options=None, **orders):
        return proxy_for(self.server, options, tls_ca=self.ca, **orders)

    def visit(self, proxy):
        """Whether the session of a new connection was resumed."""
        with logged_in(proxy.port()) as client:
            assert client.query("SELECT 1") == [b"1"]
            return self.conn.resumed


@pytest.fixture
def scene(tmp_path):
    scene = Scene(tmp_path)
    with scene.server:
        yield scene


# ---- sessions ------------------------------------------------------------------------------------

def vector(data, width):
    size = int.from_bytes(data[:width], "big")
    return data[width:width + size], data[width + size:]


def offered_ticket(conn):
    """The identity of the session that the ClientHello wants to resume; None: no session."""
    record = conn.raw[36:]  # behind the SSLRequest
    hello = vector(record[3:], 2)[0][4:]
    rest = vector(hello[34:], 1)[1]  # behind version and random: the session's id
    rest = vector(vector(rest, 2)[1], 1)[1]  # ciphers, compression
    extensions = vector(rest, 2)[0]
    while extensions:
        kind = int.from_bytes(extensions[:2], "big")
        body, extensions = vector(extensions[2:], 2)
        if kind == PSK:
            return vector(vector(body, 2)[0], 2)[0]
    return None


def test_each_ticket_is_used_once(scene):
    """RFC 8446, appendix C.4: who uses one twice can be told to be the same client."""
    scene.server.use(scene.pair, tickets=3)
    with scene.proxy() as proxy, contextlib.ExitStack() as stack:
        assert not scene.visit(proxy)
        assert offered_ticket(scene.server.conns[0]) is None
        for _ in range(3):  # at the same time
            stack.enter_context(logged_in(proxy.port()))
            assert scene.conn.resumed
        for _ in range(5):
            assert scene.visit(proxy)
        tickets = [offered_ticket(conn) for conn in scene.server.conns[1:]]
        assert None not in tickets and len(set(tickets)) == len(tickets)
        assert proxy.metric("tidblink_tls_resumed_total") == 8
        assert proxy.metric("tidblink_tls_handshakes_total") == 9


@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_a_server_that_was_restarted_and_knows_no_session(scene, version):
    scene.server.use(scene.pair, (version, version))
    with scene.proxy() as proxy:
        assert [scene.visit(proxy), scene.visit(proxy)] == [False, True]
        scene.server.use(scene.pair, (version, version))
        assert [scene.visit(proxy), scene.visit(proxy)] == [False, True]


def test_a_server_without_tickets(scene):
    scene.server.use(scene.pair, tickets=0)
    with scene.proxy() as proxy:
        assert [scene.visit(proxy), scene.visit(proxy)] == [False, False]


# ---- tls-ca --------------------------------------------------------------------------------------

def test_authorities_that_are_replaced(scene):
    """First by more of them: no session of before is resumed. Then by another one: the server is
    turned down, although it would resume."""
    with scene.proxy() as proxy, logged_in(proxy.port()) as running:
        scene.visit(proxy)
        assert scene.visit(proxy)
        replace(scene.ca, scene.pair.ca.read_bytes() + scene.other_pair.ca.read_bytes())
        line = proxy.wait_log(READ).string
        assert "cluster=orders" in line and f"path={scene.ca}" in line
        assert not scene.visit(proxy)
        assert scene.visit(proxy)
        replace(scene.ca, scene.other_pair.ca)
        proxy.wait_log(READ, 2)
        assert "is not from tls-ca" in refused(proxy.port()).text
        scene.server.use(scene.other_pair)
        assert not scene.visit(proxy)
        assert running.query("SELECT 'going on'") == [b"going on"]


def test_spares_of_before_are_no_longer_used(scene):
    """Their TLS is up already, verified by the authorities of then."""
    with scene.proxy({"spares": 2}) as proxy:
        scene.visit(proxy)
        scene.server.wait_handshakes(3)
        replace(scene.ca, scene.other_pair.ca)
        proxy.wait_log(READ)
        logins = scene.server.logins
        assert "is not from tls-ca" in refused(proxy.port()).text
        assert scene.server.logins == logins
        replace(scene.ca, scene.pair.ca)
        proxy.wait_log(READ, 2)
        scene.visit(proxy)


def test_authorities_that_are_no_good_any_more(scene):
    """Garbage, or gone: what was read before stays, and what is repaired is read again."""
    with scene.proxy() as proxy:
        assert not scene.visit(proxy)
        for count, damage in enumerate([lambda: replace(scene.ca, b"garbage"), scene.ca.unlink], 1):
            damage()
            line = proxy.wait_log(UNUSABLE, count).string
            assert "what was read before stays" in line and f"path={scene.ca}" in line
            assert "cluster=orders" in line and "tls-ca" in line
            assert scene.visit(proxy)  # also the sessions
        replace(scene.ca, scene.pair.ca)
        proxy.wait_log(READ)
        scene.visit(proxy)


def test_a_folder_of_authorities(scene):
    """A file more is read as a change of one is."""
    folder = scene.dir / "folder"
    folder.mkdir()
    shutil.copy(scene.other_pair.ca, folder / "first.pem")
    scene.ca = folder
    with scene.proxy() as proxy:
        assert "is not from tls-ca" in refused(proxy.port()).text
        shutil.copy(scene.pair.ca, folder / "second.pem")
        proxy.wait_log(READ)
        assert not scene.visit(proxy)


# ---- SIGHUP --------------------------------------------------------------------------------------

def reload_with(proxy, **orders):
    proxy.clusters["orders"].update(orders)
    proxy.clusters["orders"]["listen"] = proxy.address()
    proxy.write_config()
    mark = proxy.mark()
    proxy.signal(signal.SIGHUP)
    return mark


def test_a_reload_with_authorities_that_are_no_good(scene):
    bad = scene.dir / "bad.pem"
    bad.write_text("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
    with scene.proxy() as proxy, logged_in(proxy.port()) as running:
        scene.visit(proxy)
        for path in bad, scene.dir / "missing.pem", scene.dir / "empty-folder":
            scene.dir.joinpath("empty-folder").mkdir(exist_ok=True)
            mark = reload_with(proxy, **{"tls-ca": path})
            line = proxy.wait_log(" error .*tls-ca", after=mark).string
            assert str(path) in line
            code, text = proxy.admin("/reload", "POST")
            assert code != 200 and str(path) in text
            assert scene.visit(proxy)
        assert running.query("SELECT 'going on'") == [b"going on"]
        reload_with(proxy, **{"tls-ca": scene.other_pair.ca})
        proxy.wait_log("configuration reloaded .*tls-ca")
        assert "is not from tls-ca" in refused(proxy.port()).text


@pytest.mark.parametrize("version", ["1.2", "1.3"])
@pytest.mark.parametrize("change", ["another file", "what is in it", "the name"])
def test_a_login_that_began_before_a_reload(scene, change, version):
    """It ends as it began; but what its TLS was verified by is over, and nobody resumes it."""
    scene.server.use(scene.pair, (version, version))
    expected = "is not for db.example" if change == "the name" else "is not from tls-ca"
    with scene.proxy() as proxy, RawClient(proxy.port()) as late:
        if change == "what is in it":
            replace(scene.ca, scene.other_pair.ca)
        reload_with(proxy, **{"another file": {"tls-ca": scene.other_pair.ca},
                              "the name": {"tls-server-name": "db.example"}}.get(change, {}))
        proxy.wait_log("info configuration reloaded ")
        assert expected in refused(proxy.port()).text
        late.log_in()
        assert late.query("SELECT 'late'") == [b"late"]  # a ticket of TLS 1.3 is there by now
        for _ in range(3):
            assert expected in refused(proxy.port()).text


def test_a_reload_without_a_change(scene):
    """What applications have pinned stays, and so does what was opened ahead."""
    def spares():
        return [conn for conn in scene.server.conns if conn.tls and not conn.response]
    with scene.proxy({"spares": 2}) as proxy:
        before = shown(proxy)
        scene.server.wait(lambda: len(spares()) == 2, "no 2 spares")
        proxy.wait_metric("tidblink_spares", 2)
        scene.server.plan = Plan(at={"accepted": "hang"})  # who gets no spare is not served
        for count in 1, 2:
            reload_with(proxy)
            proxy.wait_log("info configuration reloaded ", count)
            assert not [conn for conn in spares() if conn.ended]
            assert shown(proxy) == before


def test_a_reload_that_changes_what_tls_is(scene):
    """For new connections; running ones stay as they are."""
    with scene.proxy() as proxy, logged_in(proxy.port()) as running:
        steps = [({"client-tls": "off"}, False, True), ({"client-tls": "required"}, True, True),
                 ({"client-tls": None, "tls": "off"}, False, False),
                 ({"tls": "passthrough"}, True, False), ({"tls": "verify-ca"}, True, True)]
        for count, (change, offers, uses) in enumerate(steps, 1):
            reload_with(proxy, **change)
            proxy.wait_log("info configuration reloaded ", count)
            with RawClient(proxy.port()) as client:
                assert client.offers_tls is offers
                if proxy.clusters["orders"].get("client-tls") == "required":
                    client.start_tls()
                client.log_in()
                assert scene.conn.tls is uses
        assert running.query("SELECT 'going on'") == [b"going on"]


# ---- the certificate for applications ------------------------------------------------------------

def shown(proxy):
    """The certificate that an application gets now."""
    with RawClient(proxy.port()) as client:
        client.start_tls().log_in()
        return client.tls.getpeercert(binary_form=True)


def der(path):
    text = path.read_text()
    return ssl.PEM_cert_to_DER_cert(text[:text.index("-----END") + 26])


def test_the_own_certificate_is_replaced(scene):
    """Certificate and key are two files, and never change at the same instant."""
    cert, key = scene.dir / "own-cert.pem", scene.dir / "own-key.pem"
    first, second = [scene.other.server(scene.dir, ["localhost"]) for _ in range(2)]
    shutil.copy(first.cert, cert)
    shutil.copy(first.key, key)
    options = {"client_tls_cert": cert, "client_tls_key": key}
    with scene.proxy(options) as proxy, RawClient(proxy.port()) as running:
        running.start_tls().log_in()
        assert shown(proxy) == der(first.cert)
        replace(cert, second.cert)
        line = proxy.wait_log(UNUSABLE).string
        assert f"is not the private key of {cert}" in line
        assert shown(proxy) == der(first.cert)
        replace(key, second.key)
        proxy.wait_log(READ)
        assert shown(proxy) == der(second.cert)
        assert running.query("SELECT 'going on'") == [b"going on"]


def test_one_file_for_certificate_and_key_is_replaced(scene):
    whole = scene.dir / "whole.pem"
    first, second = [scene.other.server(scene.dir, ["localhost"]) for _ in range(2)]
    replace(whole, first.cert.read_bytes() + first.key.read_bytes())
    with scene.proxy({"client_tls_cert": whole, "client_tls_key": whole}) as proxy:
        assert shown(proxy) == der(first.cert)
        replace(whole, second.cert.read_bytes() + second.key.read_bytes())
        proxy.wait_log(READ)
        assert shown(proxy) == der(second.cert)


def test_a_chain_is_sent_whole(scene):
    pair = scene.other.intermediate().server(scene.dir, ["db.local"])
    context = ssl.create_default_context(cafile=pair.ca)
    with scene.proxy({"client_tls_cert": pair.cert, "client_tls_key": pair.key}) as proxy, \
            RawClient(proxy.port()) as client:
        client.start_tls(context, name="db.local").log_in()
        assert client.query("SELECT 1") == [b"1"]


# ---- the RSA key ---------------------------------------------------------------------------------

def public_key(client):
    """Asks for it, as a client without TLS."""
    client.log_in("sha")
    return client.pem


def test_the_rsa_key_outlives_a_restart(scene):
    """So that a client can pin it; one that does sends its password at once."""
    with scene.proxy() as proxy:
        path = proxy.options["state-dir"] / "client-rsa-key.pem"
        with RawClient(proxy.port()) as client:
            pem = public_key(client)
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        before = path.read_bytes()
        assert os.listdir(path.parent) == [path.name]
        proxy.stop_program()
        mark = proxy.mark()
        proxy.launch()
        port = int(proxy.wait_log(r" listening .*address=127.0.0.1:(\d+)", after=mark)[1])
        assert path.read_bytes() == before
        with RawClient(port) as client:
            client.log_in("sha", pem=pem)
            assert client.sequence == 0
        assert scene.conn.password == b"secret"
        assert scene.conn.sequences == [1, 2, 4, 6]
        with RawClient(port) as client:
            assert public_key(client) == pem


def test_an_rsa_key_that_ends_with_the_program(scene):
    """Without a state-dir there is no place for it."""
    keys = set()
    for _ in range(2):
        with scene.proxy({"state_dir": "off", "admin_socket": "off"}) as proxy, \
                RawClient(proxy.port()) as client:
            keys.add(public_key(client))
    assert len(keys) == 2


def test_an_rsa_key_of_ones_own(scene):
    """Never written to; the option names it, so that it is no good is an error."""
    pair = scene.other.server(scene.dir, ["unused"], key="rsa")
    before = pair.key.read_bytes()
    with scene.proxy({"client_rsa_key": pair.key}) as proxy, RawClient(proxy.port()) as client:
        assert b"BEGIN PUBLIC KEY" in public_key(client)
        assert not (proxy.options["state-dir"] / "client-rsa-key.pem").exists()
    assert pair.key.read_bytes() == before
