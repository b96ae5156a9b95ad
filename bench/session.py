# SPDX-License-Identifier: Apache-2.0
"""What is up while the bench runs: the build, the servers, the peers."""
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import machine
import peers
import tls_files

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "build-bench"
TOOLS = ("backend", "load", "delay", "mysql_load")
MARIADB_OPTIONS = [
    "--performance-schema=OFF", "--innodb-buffer-pool-size=1G", "--max-connections=12000",
    "--thread-cache-size=256", "--back-log=4096", "--max-connect-errors=4294967295",
    "--innodb-flush-log-at-trx-commit=0", "--table-open-cache=2000"]
# No performance schema, and a cache for as much as sysbench has.
MYSQL_OPTIONS = [
    "--innodb-buffer-pool-size=1G", "--max-connections=4000", "--thread-cache-size=256",
    "--back-log=4096", "--max-connect-errors=4294967295", "--table-open-cache=2000"]
# The tiny server with TLS; `none`: it gives no tickets; `rows`: results in short rows.
TLS_SERVERS = {"tls": [], "tls-none": ["--tickets", 0], "tls-rows": ["--row", 128]}


def say(text):
    print(f"bench/run: {text}", file=sys.stderr, flush=True)


def build(own_tidblink):
    """Release mode. Another build of tidblink may be named, to compare two of them."""
    options = ["--buildtype=release", "-Dtests=false", "-Dbench=true"]
    if not (BUILD / "build.ninja").exists():
        subprocess.run(["meson", "setup", BUILD.name, *options], cwd=ROOT, check=True,
                       stdout=subprocess.DEVNULL)
    wanted = [f"bench/{tool}" for tool in TOOLS] + ([] if own_tidblink else ["app/tidblink"])
    subprocess.run(["ninja", "-C", BUILD.name, "--quiet", *wanted], cwd=ROOT, check=True,
                   stdout=sys.stderr)


def stop_at_signal(number, frame):
    raise SystemExit(128 + number)


def prepare(own_tidblink):
    """Once, before anything is started: everything is taken down at a signal too."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, stop_at_signal)
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    build(own_tidblink)


class Run:
    """What every part needs to know, and all that is up."""

    def __init__(self, stack, tidblink=None, quick=False):
        self.stack = stack
        self.tidblink = Path(tidblink or BUILD / "app" / "tidblink").resolve()
        self.dir = Path(tempfile.mkdtemp(prefix="tidblink-bench-"))
        stack.callback(shutil.rmtree, self.dir, ignore_errors=True)
        self.load_before = " ".join(f"{load:.2f}" for load in os.getloadavg())
        self.time_wait = machine.TimeWait()
        self.targets, self.servers, self.absent = {}, {}, {}
        self.sysbench_rows = {}
        self.certs = tls_files.Certificates(self.dir)
        self.quick = quick
        self.idle_connections = 1000 if self.quick else self._connections_that_fit()
        self.churn_rounds = 3 if self.quick else 10
        self.settle = 0.5 if self.quick else 2.5
        self.stream_bytes = 64 << 20
        self.peers = peers.all_peers(self)

    @staticmethod
    def _connections_that_fit():
        """A relay needs two descriptors for each."""
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        return min(9800, hard // 2 - 200)

    @staticmethod
    def tool(name):
        return str(BUILD / "bench" / name)

    def server(self, name, command):
        process = machine.Process(command, self.dir / f"{name}.log", json_line=True)
        self.stack.callback(process.stop)
        self.servers[name] = process
        self.targets[name] = process.hello["port"]
        self.time_wait.add(process.hello["port"])

    def start_servers(self, needs):
        if "echo" in needs:
            self.server("echo", [self.tool("backend"), "--port", machine.free_port()])
        if any("tls" in name for name in needs):
            self.certs.make()
        for name in sorted(needs & set(TLS_SERVERS)):
            self.server(name, [self.tool("backend"), "--port", machine.free_port(),
                               *self.certs.options(), *TLS_SERVERS[name]])
        self._start_far(sorted(name for name in needs if name.startswith("far-tls-")),
                        self.certs.options())
        self._start_far(sorted(name for name in needs if name.startswith("far-")
                               and not name.startswith("far-tls-")), [])
        self._start_sql(needs)

    def _start_far(self, far, options):
        if far:
            self.server("tidb", [self.tool("backend"), "--tidb", "--port", machine.free_port(),
                                 *options])
            port = self.targets.pop("tidb")
        for name in far:
            ms = int(name.rpartition("-")[2][:-len("ms")])
            self.server(name, [self.tool("delay"), machine.free_port(), port, ms * 1000])

    def _start_sql(self, needs):
        sys.path.append(str(ROOT / "tests" / "e2e"))
        if "mysql-tls" in needs:
            from mysql_server import MySQL, why_missing
            if why_missing():
                sys.exit(f"bench/run: {why_missing()}")
            say("starting MySQL")
            server = self.stack.enter_context(MySQL(MYSQL_OPTIONS, certs=self.certs.server()))
            server.add_user("bench", "bench")
            # From now on the server knows the password, and a log-in sends no key.
            server.connect(user="bench", password="bench", ssl={"ca": str(self.certs.ca)}).close()
            self.servers["mysql-tls"], self.targets["mysql-tls"] = server, server.port
            self.time_wait.add(server.port)
        if "mariadb" in needs:
            from mariadb import MariaDB
            say("starting MariaDB")
            server = self.stack.enter_context(MariaDB(MARIADB_OPTIONS))
            server.add_user("bench", "bench")
            self.servers["mariadb"], self.targets["mariadb"] = server, server.port
            self.time_wait.add(server.port)

    def start_peers(self, keys):
        for key in keys:
            # Before it starts: an interruption may come while it does.
            self.stack.callback(self.peers[key].stop)
            try:
                self.peers[key].start()
            except (peers.Absent, RuntimeError) as error:
                self.absent[key] = str(error)
                say(f"without {key}: {error}")
