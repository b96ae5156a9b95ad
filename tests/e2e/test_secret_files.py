# SPDX-License-Identifier: Apache-2.0
"""Files that hold a secret and are too open are refused, with the command that mends them; run as
printed, it does. Whose files these are is told for every option that names one."""
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

from built import built
from certs import Authority
from proxy import ORDERS, WAIT_SECONDS, Proxy

UID = GID = 61234  # nobody has them
FS_GROUP = 61235

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root to become another user")


def run(*words, env=None, before=(), data=None):
    return subprocess.run(
        [*before, built("app/tidblink"), *map(str, words)], capture_output=True, text=True, input=data,
        env={**os.environ, **(env or {})}, timeout=WAIT_SECONDS, check=False)


def as_user(*groups):
    return ["setpriv", f"--reuid={UID}", f"--regid={GID}",
            f"--groups={','.join(map(str, groups))}" if groups else "--clear-groups"]


class Folder:
    """A folder that every user can reach, and a configuration in it."""

    def __init__(self):
        self.dir = Path(tempfile.mkdtemp(prefix="tidblink-secrets-"))
        self.dir.chmod(0o755)
        self.options = {"state-dir": "off", "admin-listen": "off", "admin-socket": "off",
                        "aws-cli": "off"}
        self.cluster = {"cluster-id": "1", "listen": "127.0.0.1:0"}

    def secret(self, name, text, mode=0o600, uid=None, gid=None):
        path = self.dir / name
        path.write_text(text)
        path.chmod(mode)
        if uid is not None:
            os.chown(path, uid, gid)
        return path

    def keys(self, **rights):
        (self.dir / "public.key").write_text("demo-public\n")
        self.options.update({"api-public-key-file": self.dir / "public.key",
                             "api-private-key-file": self.secret("private.key", "demo-private\n",
                                                                 **rights)})
        return self.dir / "private.key"

    def check(self, before=(), env=None):
        lines = [f"{k} = {v}\n" for k, v in self.options.items()] + ["[cluster orders]\n"] + \
            [f"{k} = {v}\n" for k, v in self.cluster.items()]
        path = self.dir / "tidblink.conf"
        path.write_text("".join(lines))
        return run("proxy", "--check", "--config", path, before=before, env=env)


@pytest.fixture
def folder():
    found = Folder()
    yield found
    shutil.rmtree(found.dir)


def refused(done, path, what):
    """The one command of the error."""
    assert done.returncode == 2, done
    assert f"{path} holds a secret, and {what}: its mode is 0" in done.stderr, done.stderr
    return re.search(r"\. Run: (.*)\n", done.stderr)[1]


def mended(folder, path, what, before=()):
    fix = refused(folder.check(before), path, what)
    subprocess.run(["sh", "-c", fix], check=True)
    done = folder.check(before)
    assert done.returncode == 0, (fix, done)


# ---- every option ---------------------------------------------------------------------------------

def test_the_private_api_key(folder):
    key = folder.keys(mode=0o644)
    mended(folder, key, "everybody may read it")
    assert key.stat().st_mode & 0o007 == 0
    key.chmod(0o620)
    mended(folder, key, "its group may write it")
    (folder.dir / "public.key").chmod(0o644)  # no secret
    assert folder.check().returncode == 0


def test_the_key_of_the_certificate_and_the_rsa_key(folder):
    pair = Authority().server(folder.dir, ["localhost"])
    folder.options["state-source"] = "none"
    folder.cluster.update({"host": "db.example.com", "port": 4000, "tls-ca": pair.ca})
    folder.options.update({"client-tls-cert": pair.cert, "client-tls-key": pair.key})
    pair.key.chmod(0o606)
    mended(folder, pair.key, "everybody may read it")
    rsa = Authority().server(folder.dir, ["localhost"], key="rsa")
    folder.options["client-rsa-key"] = rsa.key
    rsa.key.chmod(0o602)
    mended(folder, rsa.key, "everybody may write it")


def test_the_password_of_a_jump(folder):
    folder.options["state-source"] = "none"
    password = folder.secret("password", "secret4711\n", mode=0o604)
    folder.cluster.update({"host": "db.example.com", "port": 4000,
                           "via": "socks5h://jane@127.0.0.1:9", "via-password-file": password})
    mended(folder, password, "everybody may read it")
    # In the configuration itself.
    del folder.cluster["via-password-file"]
    folder.cluster["via"] = "socks5h://jane:secret4711@127.0.0.1:9"
    config = folder.dir / "tidblink.conf"
    config.chmod(0o644)
    done = folder.check()
    assert "a via has a password in the configuration file: " in done.stderr
    assert "secret4711" not in done.stderr
    mended(folder, config, "everybody may read it")
    # From the environment it is none of the file's.
    folder.cluster["via"] = "ssh://bastion"
    config.chmod(0o644)
    via = {"TIDBLINK_VIA": "socks5h://jane:secret4711@127.0.0.1:9"}
    assert folder.check(env=via).returncode == 0


def test_the_password_of_a_command(folder):
    password = folder.secret("pw", "secret4711\n", mode=0o644)
    words = ["dsn", "--host", "127.0.0.1", "--port", "4000", "--client", "url", "--reveal",
             "--password-file"]
    done = run(*words, password)
    assert done.returncode == 1 and "secret4711" not in done.stdout + done.stderr
    assert f"--password-file: {password} holds a secret, and everybody may read it" in done.stderr
    password.chmod(0o600)
    assert "secret4711" in run(*words, password).stdout
    # What a shell's <(...) opens has no rights to look at.
    assert "secret4711" in run(*words, "/dev/stdin", data="secret4711\n").stdout


def test_a_reload_keeps_what_is_good(cloud, folder):
    """The old key stays in use. Rights alone that change are not looked at: it has been read."""
    pair = Authority().server(folder.dir, ["localhost"])
    with Proxy(cloud, {"orders": {"cluster-id": "1379661944646413143", "tls-ca": pair.ca}},
               {"client-tls-cert": pair.cert, "client-tls-key": pair.key}) as proxy:
        pair.key.write_bytes(pair.key.read_bytes() + b"\n")
        pair.key.chmod(0o644)
        proxy.signal(1)
        line = proxy.wait_log("error (configuration not reloaded: the old one|a changed TLS file is "
                              "not usable: what was read before) stays").string
        assert f"client-tls-key: {pair.key} holds a secret, and everybody may read it" in line
        assert f"Run: chmod o-rwx {pair.key}" in line, line


# ---- whose --------------------------------------------------------------------------------------

@needs_root
def test_a_file_of_another_user(folder):
    key = folder.keys(uid=UID, gid=GID)
    mended(folder, key, "it belongs to neither uid 0 nor root")


@needs_root
def test_as_a_user(folder):
    """What is refused, and the printed command run by root makes it right."""
    before = as_user(FS_GROUP)
    key = folder.keys(mode=0o644, uid=0, gid=0)
    mended(folder, key, "everybody may read it", before)
    assert key.stat().st_uid == UID
    os.chown(key, 0, FS_GROUP)
    key.chmod(0o440)  # as Kubernetes has it with fsGroup
    assert folder.check(before).returncode == 0
    assert folder.check(as_user(*range(62000, 63200), FS_GROUP)).returncode == 0  # of many groups
    os.chown(key, UID, FS_GROUP)
    mended(folder, key, "its group may read it", before)


@needs_root
def test_a_reload_as_a_user_whose_group_it_is(cloud, folder):
    """What was good at the start is so behind the sandbox: Kubernetes' fsGroup, Debian's ssl-cert."""
    pair = Authority().server(folder.dir, ["localhost"])
    os.chown(pair.key, 0, FS_GROUP)
    pair.key.chmod(0o440)
    proxy = Proxy(cloud, {"orders": {**ORDERS, "tls-ca": pair.ca}},
                  {"client-tls-cert": pair.cert, "client-tls-key": pair.key, "state-dir": "off"},
                  wrapper=as_user(FS_GROUP))
    proxy.tether = list  # ends with a change of the user, and who is no root may not reach the program
    proxy.options["api-ca"] = shutil.copy(cloud.ca, proxy.dir)
    proxy.write_config()
    for path in (proxy.dir, *proxy.dir.iterdir()):
        os.chown(path, UID, GID)
    with proxy:
        proxy.wait_log("info sandbox ")
        pair.key.write_bytes(pair.key.read_bytes() + b"\n")
        proxy.signal(1)
        line = proxy.wait_log("configuration reloaded|not reloaded|not usable").string
        assert "info configuration reloaded" in line, line


@needs_root
def test_a_user_who_may_not_read_it(folder):
    key = folder.keys(mode=0o400, uid=0, gid=0)
    done = folder.check(as_user())
    assert done.returncode == 2
    assert (f"api-private-key-file: {key} cannot be opened: Permission denied: its mode is 0400, its "
            f"owner uid 0, its group gid 0, and this process has uid {UID}, gid {GID}. Run: "
            f"chown {UID} {key}\n") in done.stderr, done.stderr
    subprocess.run(["sh", "-c", re.search(r"Run: (.*)", done.stderr)[1]], check=True)
    assert folder.check(as_user()).returncode == 0
    closed = folder.dir / "closed"
    closed.mkdir(mode=0o700)
    shutil.move(key, closed / "private.key")
    folder.options["api-private-key-file"] = closed / "private.key"
    done = folder.check(as_user())
    assert f"a folder above it is closed to uid {UID}" in done.stderr, done.stderr


@needs_root
def test_a_secret_of_kubernetes(folder):
    """The links of a volume; root's, mode 0644, is its default, and fsGroup with 0440 is right."""
    real = folder.dir / "volume" / "..2026_11_28"
    real.mkdir(parents=True)
    (folder.dir / "volume" / "..data").symlink_to("..2026_11_28")
    folder.keys()
    shutil.move(folder.dir / "private.key", real / "private")
    link = folder.dir / "volume" / "private"
    link.symlink_to("..data/private")
    folder.options["api-private-key-file"] = link
    os.chown(real / "private", 0, 0)
    (real / "private").chmod(0o644)
    hint = f"In Kubernetes set the volume's defaultMode: 0440 and the pod's " \
           f"securityContext.fsGroup: {GID}"
    assert hint in folder.check(as_user()).stderr
    (real / "private").chmod(0o400)
    assert hint in folder.check(as_user()).stderr
    os.chown(real / "private", 0, GID)
    (real / "private").chmod(0o440)
    assert folder.check(as_user()).returncode == 0


@needs_root
def test_credentials_of_systemd(folder):
    """0400 and the service's, or 0440 and root's with an access list, which a group of ours stands
    for here."""
    credentials = folder.dir / "credentials"
    credentials.mkdir()
    env = {"CREDENTIALS_DIRECTORY": str(credentials)}
    for name in ("tidbcloud-public-key", "tidbcloud-private-key"):
        (credentials / name).write_text("demo\n")
        os.chown(credentials / name, UID, GID)
        (credentials / name).chmod(0o400)
    assert folder.check(as_user(), env).returncode == 0
    for uid, gid in ((0, FS_GROUP), (UID, GID)):
        os.chown(credentials / "tidbcloud-private-key", uid, gid)
        (credentials / "tidbcloud-private-key").chmod(0o440)
        assert folder.check(as_user(FS_GROUP), env).returncode == 0
    (credentials / "tidbcloud-private-key").chmod(0o444)
    assert folder.check(as_user(FS_GROUP), env).returncode == 2
