# SPDX-License-Identifier: Apache-2.0
"""One run with every kind of secret at once: the API key, a jump's password, the private keys of TLS and
of caching_sha2_password, users' passwords in logins and in COM_CHANGE_USER. None of them is in anything
that the program says: the log at its most talkative in both formats, every page of the admin HTTP, the
answer to SIGUSR1, the errors of refused configurations, the other commands. test_tls_secrets.py looks at
passwords in more manners of login, on disk and in memory."""
import base64
import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

import pytest

from built import built
from certs import Authority
from fake_tidb import CLEAR, SHA2, FakeTidb, User
from jumps import Socks
from proxy import ORDERS, WAIT_SECONDS, Proxy
from scenes import ready
from tls_scenes import RawClient, Refused, section

API_KEY, WRONG_API_KEY = "Priv-Api-Key-of-4711-and-more", "Priv-Api-Key-of-4712-is-wrong"
JUMP = "Jump-Pa55word-4713"
NATIVE, SHA, PLAIN = "Native-Pa55word-4714", "Sha2-Pa55word-4715", "Clear-Pa55word-4716"
CHANGED = "Change-User-Pa55word-4717"
WRONG = "Wrong-Pa55word-4718"
WORDS = [API_KEY, WRONG_API_KEY, JUMP, NATIVE, SHA, PLAIN, CHANGED, WRONG]
PAGES = ["/", "/startup", "/readiness", "/liveness", "/metrics", "/api/v1/status", "/api/v1/connections",
         "/api/v1/history", "/api/v1/clients", "/api/v1/dsn?cluster=orders&client=go", "/api/v1/doctor",
         "/nothing"]


def spellings(word):
    raw = word.encode()
    return [raw, raw.hex().encode(), raw.hex().upper().encode(), base64.b64encode(raw)[:16]]


def lines_of(path):
    """A key in PEM: each of its full lines is half a secret."""
    return [line.encode() for line in path.read_text().splitlines() if len(line) == 64]


class Scene:
    def __init__(self, cloud, stack, format_):
        self.said = {}
        self.cloud, self.dir = cloud, Path(stack.enter_context(
            tempfile.TemporaryDirectory(prefix="tidblink-secrets-")))
        authority = Authority()
        pair, own = [authority.server(self.dir, ["127.0.0.1"]) for _ in range(2)]
        rsa = authority.server(self.dir, ["127.0.0.1"], key="rsa")
        self.keys = [*lines_of(own.key), *lines_of(rsa.key)]
        users = {"native": User(NATIVE), "sha": User(SHA, SHA2), "clear": User(PLAIN, CLEAR)}
        self.server = stack.enter_context(FakeTidb(pair, users))
        self.jump = stack.enter_context(Socks("jane", JUMP))
        cloud.patch("keys/demo-public", privateKey=API_KEY)
        place = self.jump.via.split("://")[1]
        ready(cloud, self.server.port)
        clusters = {
            "orders": section(self.server, tls_ca=pair.ca, client_tls="optional"),
            "far": section(self.server, tls_ca=pair.ca, via=f"socks5h://jane:{JUMP}@{place}"),
            "broken": section(self.server, via=f"socks5h://jane:{WRONG}@{place}")}
        clusters = {alias: {**ORDERS, **found} for alias, found in clusters.items()}
        self.proxy = Proxy(cloud, clusters, {
            "log-level": "trace", "log-format": format_, "client-tls-cert": own.cert, "threads": 1,
            "client-tls-key": own.key, "client-rsa-key": rsa.key, "control-loss": "allow",
            "hold-timeout": "100ms"})
        self.key = self.proxy.dir / "private.key"
        self.key.write_text(API_KEY + "\n")
        stack.enter_context(self.proxy)
        for alias in clusters:
            self.proxy.wait_log(rf'verdict\b.*\bcluster"?[=:]"?{alias}\b.*\bverdict"?[=:]"?allow')

    def expect_none(self):
        for where, text in self.said.items():
            for word in WORDS:
                for spelling in spellings(word):
                    assert spelling not in text, f"{word} is in {where}:\n{text.decode(errors='replace')}"
            for line in self.keys:
                assert line not in text, f"a private key is in {where}"

    # ---- what is done -------------------------------------------------------------------------

    def changes(self):
        """How many COM_CHANGE_USER have arrived, with the password in them."""
        return sum(number == 0x11 and CHANGED.encode() in body
                   for conn in self.server.conns for number, body in conn.commands)

    def wait_changes(self, count):
        deadline = time.monotonic() + WAIT_SECONDS
        while self.changes() < count:
            assert time.monotonic() < deadline, "no COM_CHANGE_USER"
            time.sleep(0.01)

    def log_in(self, alias, user, password, tls=False):
        changes = self.changes()
        try:
            with RawClient(self.proxy.port(alias)) as client:
                if tls and client.offers_tls:
                    client.start_tls()
                client.log_in(user, password)
                client.query("SELECT 1")
                # COM_CHANGE_USER, with a password as mysql_clear_password has it.
                client.sequence = 0
                client.put(b"\x11" + user.encode() + b"\0" +
                           bytes([len(CHANGED) + 1]) + CHANGED.encode() + b"\0" + b"test\0")
                self.wait_changes(changes + 1)
                return True
        except (Refused, OSError, AssertionError) as why:
            self.said[f"what {user} at {alias} is told"] = str(why).encode()
            return False

    def command(self, *words, env=None):
        done = subprocess.run(
            [built("app/tidblink"), *map(str, words)], capture_output=True, timeout=WAIT_SECONDS * 2,
            env={**os.environ, **(env or {})}, stdin=subprocess.DEVNULL, check=False)
        self.said[" ".join(map(str, words))] = done.stdout + done.stderr
        return done

    def pages(self):
        for path in PAGES:
            self.said[path] = self.proxy.admin(path)[1].encode()

    def reload(self, pattern):
        mark = self.proxy.mark()
        self.proxy.write_config()
        self.proxy.signal(signal.SIGHUP)
        self.proxy.wait_log(pattern, after=mark)


@pytest.mark.parametrize("format_", ["text", "json"])
def test_no_secret_is_said(cloud, stack, format_):
    scene = Scene(cloud, stack, format_)
    proxy = stack.proxy = scene.proxy
    config = proxy.dir / "tidblink.conf"
    done = [scene.log_in(alias, user, password, tls)
            for alias in ("orders", "far") for tls in (False, True)
            for user, password in (("native", NATIVE), ("sha", SHA), ("clear", PLAIN))]
    assert done.count(True) >= 8, (done, scene.said)
    assert scene.changes() >= 8
    assert not scene.log_in("broken", "native", NATIVE)
    for user in ("native", "sha", "clear"):
        assert not scene.log_in("orders", user, WRONG)
    scene.pages()
    proxy.signal(signal.SIGUSR1)
    proxy.wait_log(r"\bstate: end\b")
    # A wrong API key, and configurations that are refused.
    scene.key.write_text(WRONG_API_KEY + "\n")
    for words in (["status"], ["clusters"], ["proxy", "--check"], ["doctor", "orders"],
                  ["dsn", "orders", "--client", "go"]):
        scene.command(*words, "--config", config)
    refused = r"configuration not reloaded: the old one stays"
    good = proxy.clusters["far"]["via"]
    for via in (f"socks5h://jane:{JUMP}@bad host", f"socks5h://jane:{JUMP}@h:99999",
                f"nonsense://jane:{JUMP}@host", f"http://jane:{JUMP}@"):
        proxy.clusters["far"]["via"] = via
        scene.reload(refused)
        scene.command("proxy", "--check", "--config", config)
    proxy.clusters["far"]["via"] = good
    config.chmod(0o644)
    scene.reload(refused)
    config.chmod(0o600)
    scene.command("proxy", "--check", "--config", config, "--client-tls-key", config)
    scene.command("connect", "orders", "--config", config, "--via", f"socks5h://jane:{JUMP}@h")
    scene.command("status", "orders", env={"TIDBLINK_VIA": f"socks5h://jane:{JUMP}@bad host",
                                           "TIDBCLOUD_PUBLIC_KEY": "demo-public",
                                           "TIDBCLOUD_PRIVATE_KEY": WRONG_API_KEY,
                                           "TIDBLINK_API_URL": cloud.api_url,
                                           "TIDBLINK_API_CA": str(cloud.ca)})
    scene.pages()
    proxy.stop_program()
    scene.said["the log"] = proxy.log_text().encode()
    assert proxy.log_text().count("connection closed") >= len(done)
    # The command line is the user's own; what is said about it is ours.
    scene.expect_none()
    shutil.rmtree(proxy.dir / "state", ignore_errors=True)
