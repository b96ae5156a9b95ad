# SPDX-License-Identifier: Apache-2.0
"""Passwords pass through this program, in the clear as a rule. None of them stays anywhere: not in
the log at its most talkative, not in files, not in what the system shows of a process."""
import base64
import os
import shutil
import stat
import tempfile
from pathlib import Path

import pytest

from built import linux_only
from certs import Authority
from fake_tidb import CLEAR, SHA2, FakeTidb, User
from proxy import Proxy
from tls_scenes import RawClient, Refused, proxy_of, section

NOBODY = 65534
USERS = {"native": "Native-Pa55word-4711", "sha": "Sha2-Pa55word-4712",
         "clear": "Clear-Pa55word-4713"}
WRONG = "Wrong-Pa55word-4714"
PASSWORDS = [*USERS.values(), WRONG]


class Scene:
    """Sections by name: "optional", "off" and "required" are client-tls, "unverified" is a cluster
    whose certificate is refused, "plain" one to which there is no TLS."""

    def __init__(self, server, proxy, directory):
        self.server, self.proxy, self.dir = server, proxy, directory

    def place(self, name, unix):
        return self.dir / name if unix else self.proxy.port(name)

    def log_text(self):
        return self.proxy.log_text() + self.server.log_text()


@pytest.fixture(scope="module")
def scene(tmp_path_factory):
    authority, other = Authority(), Authority("another authority")
    certs = tmp_path_factory.mktemp("certs")
    pair, other_pair = [found.server(certs, ["127.0.0.1"]) for found in (authority, other)]
    users = {"native": User(USERS["native"]), "sha": User(USERS["sha"], SHA2),
             "clear": User(USERS["clear"], CLEAR)}
    with tempfile.TemporaryDirectory(prefix="tidblink-") as name, FakeTidb(pair, users) as server:
        options = {"optional": {"client_tls": "optional"}, "off": {"client_tls": "off"},
                   "required": {"client_tls": "required"}, "unverified": {"tls_ca": other_pair.ca},
                   "plain": {"tls": "off", "client_tls": "optional",
                             "allow_plaintext_upstream": "on"}}
        clusters = {
            alias: section(server, **{"tls_ca": pair.ca, **chosen,
                                      "listen": f"127.0.0.1:0, unix:{name}/{alias}"})
            for alias, chosen in options.items()}
        with proxy_of(clusters, spares=2) as proxy:
            yield Scene(server, proxy, Path(name))


def attempt(scene, alias, user, password, unix, tls):
    """The number of the refusal; None: logged in."""
    try:
        with RawClient(scene.place(alias, unix)) as client:
            if tls and client.offers_tls:
                client.start_tls()
            client.log_in(user, password)
            client.query("SELECT 1")
            return None
    except Refused as refusal:
        assert not any(word in refusal.text for word in PASSWORDS)
        return refusal.number


def all_logins(scene):
    """In every manner, with the right password and with a wrong one."""
    for alias in "optional", "off", "required", "unverified", "plain":
        for unix in False, True:
            for tls in False, True:
                for user, password in USERS.items():
                    yield alias, user, attempt(scene, alias, user, password, unix, tls)
                    attempt(scene, alias, user, WRONG, unix, tls)


def spellings(password):
    """Also as a careless dump would have it."""
    raw = password.encode()
    return [raw, raw.hex().encode(), raw.hex().upper().encode(), raw.hex(" ").encode(),
            base64.b64encode(raw)[:16]]


def expect_none(text, where):
    for password in PASSWORDS:
        for spelling in spellings(password):
            assert spelling not in text, f"{password} is in {where}"


@pytest.fixture(scope="module")
def used(scene):
    """After all of them."""
    results = list(all_logins(scene))
    assert [found for alias, _, found in results if alias == "unverified"] == [1105] * 12
    assert [found for alias, _, found in results if alias == "optional"] == [None] * 12
    assert 3159 in [found for alias, _, found in results if alias == "required"]
    assert len(scene.server.conns) > 100
    arrived = {conn.password for conn in scene.server.conns}
    assert {USERS["sha"].encode(), USERS["clear"].encode(), WRONG.encode()} <= arrived
    return scene


def test_not_in_the_log(used):
    used.proxy.wait_log("connection closed", 100)
    mark = used.proxy.mark()
    expect_none("\n".join(used.proxy.lines[:mark]).encode(), "the log")


def test_not_in_what_the_system_shows_of_the_process(used):
    pid = used.proxy.process.pid
    for name in "environ", "cmdline", "status", "comm":
        try:
            expect_none(Path(f"/proc/{pid}/{name}").read_bytes(), name)
        except PermissionError:  # not root, and the process is closed to its own user
            assert os.geteuid() != 0


def test_not_in_what_its_admin_pages_say(used):
    for path in "/metrics", "/api/v1/status":
        expect_none(used.proxy.admin(path)[1].encode(), path)


def test_nothing_on_disk_but_the_rsa_key(used):
    state = Path(used.proxy.options["state-dir"])
    assert [found.name for found in state.rglob("*")] == ["client-rsa-key.pem"]
    assert stat.S_IMODE((state / "client-rsa-key.pem").stat().st_mode) == 0o600
    for path in used.proxy.dir.rglob("*"):
        if stat.S_ISREG(os.lstat(path).st_mode):
            expect_none(path.read_bytes(), path)


def test_no_core_dump(used):
    limits = Path(f"/proc/{used.proxy.process.pid}/limits").read_text(encoding="ascii")
    core = next(line for line in limits.splitlines() if line.startswith("Max core file size"))
    assert core.split()[4:6] == ["0", "0"]


def test_not_in_plain_on_the_wire_to_the_cluster(used):
    """Where the certificate was verified, and where it was not nothing at all."""
    for conn in used.server.conns:
        if conn.tls or conn.ssl_request:
            expect_none(conn.raw, f"connection {conn.id}")


class AsNobody(Proxy):
    """Of another user when the tests are root's: the directory is its own."""

    def __init__(self, server):
        super().__init__(None, {"orders": section(server)}, {"state-source": "none"})
        if os.geteuid() == 0:
            self.tether = list  # a change of the user ends it, and the next program may be root's
            self.wrapper = ["sh", "-c", f'chown -R {NOBODY} "$0" && exec setpriv --reuid={NOBODY} '
                                        '--clear-groups "$@"', str(self.dir)]


@linux_only("call that closes a process to its own user")
@pytest.mark.skipif(not shutil.which("setpriv"), reason="setpriv is not installed")
def test_the_process_is_closed_to_its_own_user():
    """proc(5): what is in /proc/PID is root's when the process is not dumpable; then no debugger of
    the same user can attach to it (ptrace(2))."""
    with FakeTidb() as server, AsNobody(server) as proxy:
        with RawClient(proxy.port()) as client:
            client.log_in()
        status = Path(f"/proc/{proxy.process.pid}/status").read_text(encoding="ascii")
        uid = next(line for line in status.splitlines() if line.startswith("Uid:")).split()[1]
        assert int(uid) == (os.geteuid() or NOBODY)
        assert os.stat(f"/proc/{proxy.process.pid}/environ").st_uid == 0
