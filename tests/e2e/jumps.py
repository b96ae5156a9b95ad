# SPDX-License-Identifier: Apache-2.0
"""Real jumps, each in a mount namespace of its own in which alone the cluster's name exists.

    with Socks(user="u", password="p") as jump:
        jump.port, jump.far_name          # a name that only the jump can resolve: 127.0.0.1
"""
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

import pytest

from built import tethered
from emulator import HOST
from sql_server import free_port

START_SECONDS = 30
ATTEMPTS = 5
FAR_NAME = HOST  # of the emulated cluster


def find_program(name, package):
    """They live in sbin, which a user's PATH may not have."""
    path = shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
    if not path:
        pytest.skip(f"{name} is not installed (Debian package {package})")
    return path


def far_side(hosts):
    """A wrapper: its command sees this file as /etc/hosts, and nobody else does."""
    unshare = ["unshare", "--mount"] if os.geteuid() == 0 else ["unshare", "-r", "--mount"]
    script = 'mount --bind "$0" /etc/hosts && exec "$@"'
    probe = subprocess.run([*unshare, "sh", "-c", script, hosts, "true"], check=False,
                           stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if probe.returncode != 0:
        pytest.skip(f"no mount namespace of its own ({probe.stderr.strip()})")
    return [*unshare, "sh", "-c", script, str(hosts)]


class Jump:
    """A program that listens on a loopback port."""
    far_name = FAR_NAME

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
        for _ in range(ATTEMPTS if self.port is None else 1):
            self.port = self.port or free_port()
            if self._launch():
                return self
            self.port = None
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
        """With all of its children: they are in a session of their own."""
        if self.process is None:
            return
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
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

    def __init__(self, user=None, password=None):
        super().__init__()
        self.user, self.password = user, password

    def command(self):
        login = ["-u", self.user, "-P", self.password] if self.user else []
        return [find_program("microsocks", "microsocks"), "-i", "127.0.0.1", "-p", str(self.port),
                *login]


class Dante(Jump):
    """Dante's sockd, whose rules refuse every port but `allowed`."""

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
user.unprivileged: nobody
client pass {{ from: 0.0.0.0/0 to: 0.0.0.0/0 }}
socks pass {{ from: 0.0.0.0/0 to: 0.0.0.0/0 port = {self.allowed} }}
socks block {{ from: 0.0.0.0/0 to: 0.0.0.0/0 }}
""")
        return [find_program("danted", "dante-server"), "-f", str(config),
                "-p", str(self.dir / "pid")]


class Http(Jump):
    """tinyproxy; `connect_port`: the only one to which it allows CONNECT."""

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
