# SPDX-License-Identifier: Apache-2.0
"""Debian's real DNS servers, each with its own directory, configuration and port on 127.0.0.1.

    with Dnsmasq("address=/a.example.com/10.0.0.1\\n") as server:
        server.address    # "127.0.0.1:PORT"
"""
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from built import tethered
from claims import own_port

START_SECONDS = 20
STOP_SECONDS = 10


def find_program(name):
    """The servers live in sbin, which a user's PATH may not have."""
    path = os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin"
    return shutil.which(name, path=path)


def answers(port):
    """Whether something answers a DNS query there: version.bind, CH, TXT, as RFC 4892 has it."""
    query = b"\x12\x34\x01\x00\x00\x01" + bytes(6) + b"\x07version\x04bind\x00\x00\x10\x00\x03"
    with socket.socket(type=socket.SOCK_DGRAM) as udp:
        udp.settimeout(0.2)
        udp.connect(("127.0.0.1", port))
        try:
            udp.send(query)
            return udp.recv(512)[:2] == query[:2]
        except OSError:
            return False


class DnsServer:
    program = None

    def __init__(self, config):
        self.config = config
        self.port = None
        self.process = None
        self.dir = Path(tempfile.mkdtemp(prefix="tidblink-dns-"))
        self.log = self.dir / "server.log"

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"

    def command(self):
        """Writes the configuration for self.port; returns what runs it in the foreground."""
        raise NotImplementedError

    def start(self):
        """May be called again after stop: the port stays."""
        self.port = self.port or own_port()
        if self._launch():
            return self
        text = self.log_text()
        shutil.rmtree(self.dir, ignore_errors=True)
        raise RuntimeError(f"{self.program} did not start:\n{text}")

    def _launch(self):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(tethered(self.command()), stdout=log, stderr=log,
                                            cwd=self.dir, stdin=subprocess.DEVNULL)
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if answers(self.port):
                return True
            try:
                # Nothing tells when it is ready: ask until it answers or has ended.
                self.process.wait(0.05)
                return False
            except subprocess.TimeoutExpired:
                continue
        self.stop()
        return False

    def stop(self):
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.process = None

    def freeze(self):
        """It keeps its socket and says nothing."""
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self):
        self.process.send_signal(signal.SIGCONT)

    def log_text(self):
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def dump(self):
        print(f"---- {self.log}\n{self.log_text()}", file=sys.stderr)

    def __enter__(self):
        return self.start()

    def __exit__(self, kind, value, trace):
        if kind is not None:
            self.dump()
        if self.process is not None:
            self.thaw()
        self.stop()
        shutil.rmtree(self.dir, ignore_errors=True)


class Dnsmasq(DnsServer):
    """Answers what `config` and the file of addresses say; example.com has nothing else."""

    program = "dnsmasq"

    def __init__(self, config="", hosts=""):
        super().__init__(config)
        self.hosts = self.dir / "hosts"
        self.hosts.write_text(hosts)

    def command(self):
        path = self.dir / "dnsmasq.conf"
        path.write_text(f"""
            port={self.port}
            listen-address=127.0.0.1
            bind-interfaces
            no-resolv
            no-hosts
            addn-hosts={self.hosts}
            local=/example.com/
            user={"root" if os.geteuid() == 0 else ""}
            pid-file={self.dir}/pid
            log-queries
            log-facility=-
            {self.config}
            """)
        return [find_program(self.program), "--keep-in-foreground", f"--conf-file={path}"]

    def set_hosts(self, text):
        self.hosts.write_text(text)
        self.process.send_signal(signal.SIGHUP)  # dnsmasq(8): reads addn-hosts again


class Unbound(DnsServer):
    """Authoritative for example.com, the zone given; `config` goes into its server section."""

    program = "unbound"

    def __init__(self, zone, config="", more=""):
        super().__init__(config)
        self.zone = zone
        self.more = more

    def command(self):
        zone = self.dir / "example.com.zone"
        zone.write_text("$ORIGIN example.com.\n$TTL 60\n"
                        "@ IN SOA ns hostmaster 1 3600 600 86400 60\n@ IN NS ns\n"
                        "ns IN A 10.0.0.53\n" + self.zone)
        path = self.dir / "unbound.conf"
        path.write_text(f"""
server:
    interface: 127.0.0.1@{self.port}
    directory: "{self.dir}"
    chroot: ""
    username: ""
    pidfile: "{self.dir}/pid"
    use-syslog: no
    logfile: ""
    log-queries: yes
    num-threads: 1
    module-config: "iterator"
    do-not-query-localhost: no
    {self.config}
remote-control:
    control-enable: no
auth-zone:
    name: "example.com"
    zonefile: "{zone}"
    for-downstream: yes
    for-upstream: yes
{self.more}
""")
        return [find_program(self.program), "-d", "-p", "-c", str(path)]
