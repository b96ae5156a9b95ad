# SPDX-License-Identifier: Apache-2.0
"""Real jumps, each in a mount namespace of its own in which alone the cluster's name exists.

    with Socks(user="u", password="p") as jump:
        jump.via                          # FAR_NAME can be resolved by the jump alone: 127.0.0.1
"""
import contextlib
import os
import pwd
import shlex
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

import pytest

from built import tethered
from claims import own_port
from emulator import HOST

START_SECONDS = 30
FAR_NAME = HOST  # of the emulated cluster


def find_program(name, package):
    """They live in sbin, which a user's PATH may not have."""
    path = shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
    if not path:
        pytest.skip(f"{name} is not installed (Debian package {package})")
    return path


def far_side(hosts):
    """A wrapper: its command sees this file as /etc/hosts, and nobody else does."""
    script = 'mount --bind "$0" /etc/hosts && exec "$@"'
    wrapper = ["unshare", "--mount", "sh", "-c", script, str(hosts)]
    if os.geteuid() != 0:
        # Root to mount, in a namespace where that is allowed; then the user again.
        wrapper[1:1] = ["--map-root-user"]
        wrapper += ["unshare", f"--map-user={os.geteuid()}", f"--map-group={os.getegid()}", "--"]
    probe = subprocess.run([*wrapper, "true"], check=False, stdin=subprocess.DEVNULL,
                           capture_output=True, text=True)
    if probe.returncode != 0:
        pytest.skip(f"no mount namespace of its own ({probe.stderr.strip()})")
    return wrapper


def descendants(pid):
    parents = {}
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError, ValueError, IndexError):
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
            parents[int(entry.name)] = int(fields[1])
    found = [pid]
    for number in found:
        found += [child for child, parent in parents.items() if parent == number]
    return found[1:]


class Jump:
    """A program that listens on a loopback port."""

    def __init__(self):
        self.dir = Path(tempfile.mkdtemp(prefix="tidblink-jump-"))
        self.dir.chmod(0o755)
        self.log = self.dir / "jump.log"
        self.hosts = self.dir / "hosts"
        self.hosts.write_text(f"127.0.0.1 localhost {FAR_NAME}\n")
        self.hosts.chmod(0o644)
        self.port = self.process = None

    def command(self):
        raise NotImplementedError

    def start(self):
        """May be called again after stop_program: the port stays."""
        self.port = self.port or own_port()
        if self._launch():
            return self
        raise RuntimeError(f"the jump did not start:\n{self.log_text()}")

    def _launch(self):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                tethered([*far_side(self.hosts), *self.command()]), stdin=subprocess.DEVNULL,
                stdout=log, stderr=log, start_new_session=True)
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return True
            except OSError:
                time.sleep(0.02)
        self.stop_program()
        return False

    def stop_program(self):
        """With all that it has started: sshd has sessions of their own."""
        if self.process is None:
            return
        for number in [*descendants(self.process.pid), self.process.pid]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(number, signal.SIGKILL)
        self.process.wait()
        self.process = None

    def log_text(self):
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def __enter__(self):
        return self.start()

    def __exit__(self, kind, value, trace):
        self.stop_program()
        if kind is not None:
            print(f"---- {self.log}\n{self.log_text()}")
        shutil.rmtree(self.dir, ignore_errors=True)


class Socks(Jump):
    """microsocks."""
    environment = None

    @property
    def via(self):
        return f"socks5h://127.0.0.1:{self.port}"

    def __init__(self, user=None, password=None):
        super().__init__()
        self.user, self.password = user, password

    def command(self):
        login = ["-u", self.user, "-P", self.password] if self.user else []
        return [find_program("microsocks", "microsocks"), "-i", "127.0.0.1", "-p", str(self.port),
                *login]


class Dante(Jump):
    """Dante's sockd, whose rules refuse every port but `allowed`."""
    environment = None

    @property
    def via(self):
        return f"socks5h://127.0.0.1:{self.port}"

    def __init__(self, allowed):
        super().__init__()
        self.allowed = allowed

    def command(self):
        config = self.dir / "danted.conf"
        config.write_text(f"""
logoutput: stderr
internal: 127.0.0.1 port = {self.port}
external: lo
clientmethod: none
socksmethod: none
{'user.unprivileged: nobody' if os.geteuid() == 0 else ''}
client pass {{ from: 0.0.0.0/0 to: 0.0.0.0/0 }}
socks pass {{ from: 0.0.0.0/0 to: 0.0.0.0/0 port = {self.allowed} }}
socks block {{ from: 0.0.0.0/0 to: 0.0.0.0/0 }}
""")
        return [find_program("danted", "dante-server"), "-f", str(config),
                "-p", str(self.dir / "pid")]


class Http(Jump):
    """tinyproxy; `connect_port`: the only one to which it allows CONNECT."""
    environment = None

    @property
    def via(self):
        return f"http://127.0.0.1:{self.port}"

    def __init__(self, user=None, password=None, connect_port=None):
        super().__init__()
        self.user, self.password, self.connect_port = user, password, connect_port

    def command(self):
        config = self.dir / "tinyproxy.conf"
        text = f"Port {self.port}\nListen 127.0.0.1\nMaxClients 200\nLogLevel Connect\n"
        if self.user:
            text += f"BasicAuth {self.user} {self.password}\n"
        if self.connect_port:
            text += f"ConnectPort {self.connect_port}\n"
        config.write_text(text)
        return [find_program("tinyproxy", "tinyproxy-bin"), "-d", "-c", str(config)]


class Ssh(Jump):
    """OpenSSH's sshd, for the user who runs the test; and `environment`, in which ssh is the real
    one with a configuration, a key and known hosts of this test's: "bastion" is this jump."""
    via = "ssh://bastion"
    passphrase = "open sesame 4711"

    def __init__(self, *config):
        super().__init__()
        self.config = config
        self._make_key("host")
        self._make_key("user")
        self._make_key("stranger")
        self._make_key("locked", self.passphrase)
        (self.dir / "authorized_keys").write_text("".join(
            (self.dir / f"{name}.pub").read_text() for name in ("user", "locked")))
        self.client_config = self.dir / "ssh_config"

    def _make_key(self, name, passphrase=""):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", passphrase, "-f", self.dir / name],
                       check=True, stdin=subprocess.DEVNULL)

    def command(self):
        user = pwd.getpwuid(os.geteuid()).pw_name
        config = self.dir / "sshd_config"
        config.write_text("\n".join([
            f"Port {self.port}", "ListenAddress 127.0.0.1", f"HostKey {self.dir}/host",
            f"AuthorizedKeysFile {self.dir}/authorized_keys", "StrictModes no", "UsePAM no",
            "PasswordAuthentication no", "PermitRootLogin yes", "PidFile none", f"AllowUsers {user}",
            "UseDNS no", "LogLevel VERBOSE", *self.config, ""]))
        self._write_client_config("user")
        program = [find_program("sshd", "openssh-server"), "-D", "-e", "-f", str(config)]
        if os.geteuid() != 0:
            return program
        # The folder for its separated privileges, which only root's has.
        return ["sh", "-c", 'mount -t tmpfs none /run && mkdir -m 755 /run/sshd && exec "$@"', "sh",
                *program]

    def _write_client_config(self, key):
        host_key = (self.dir / "host.pub").read_text()
        (self.dir / "known_hosts").write_text(f"[127.0.0.1]:{self.port} {host_key}")
        self.client_config.write_text(f"""
Host bastion
    HostName 127.0.0.1
    Port {self.port}
Host *
    IdentityFile {self.dir}/{key}
    IdentitiesOnly yes
    IdentityAgent none
    UserKnownHostsFile {self.dir}/known_hosts
    StrictHostKeyChecking yes
    GlobalKnownHostsFile none
""")

    def use_key(self, name):
        self._write_client_config(name)

    @property
    def environment(self):
        """OpenSSH finds its configuration by the account, not by HOME."""
        folder = self.dir / "bin"
        folder.mkdir(exist_ok=True)
        program = folder / "ssh"
        program.write_text(f'#!/bin/sh\nexec {find_program("ssh", "openssh-client")} '
                           f'-F {self.client_config} "$@"\n')
        program.chmod(0o755)
        return {"PATH": f"{folder}:{os.environ['PATH']}", "XDG_RUNTIME_DIR": str(self.dir)}

    def logins(self):
        return self.log_text().count("Accepted publickey")


class Command:
    """No program of its own: `words` run in a mount namespace and see the name."""
    environment = None

    def __init__(self, words="socat - TCP:%h:%p"):
        self.dir = Path(tempfile.mkdtemp(prefix="tidblink-jump-"))
        hosts = self.dir / "hosts"
        hosts.write_text(f"127.0.0.1 localhost {FAR_NAME}\n")
        self.script = self.dir / "far side"
        text = " ".join(shlex.quote(str(word)) for word in far_side(hosts))
        self.script.write_text(f'#!/bin/sh\nexec {text} "$@"\n')
        self.script.chmod(0o755)
        self.words = words

    @property
    def via(self):
        return f"command:'{self.script}' {self.words}"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.dir, ignore_errors=True)
