# SPDX-License-Identifier: Apache-2.0
"""The relays that are compared. Each stands in front of every server ("target") of the run, with
one port per target; they differ by their configuration only."""
import contextlib
import glob
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import machine

MAX_CONNECTIONS = 9900
BACKLOG = 4096
# As many as fit on a line of the configuration, which has at most 198 bytes.
SOURCES = ",".join(f"127.2.0.{i}" for i in range(1, 17))
# What the build may not know yet. A base variant switches off what it can.
SWITCHED_OFF = {"spares": "0", "splice": "on", "busy-poll-us": "0", "scheduling": "normal"}


class Absent(Exception):
    """This peer cannot be measured here, and why."""


class Peer:
    key = title = version = ""
    mysql_only = False
    client_tls = False  # the load itself speaks TLS
    resumes = False     # and resumes sessions

    def __init__(self, run, key, title):
        """`run`: has .dir, .targets {name: port}, .tidblink, .time_wait."""
        self.run, self.key, self.title = run, key, title
        self.processes = []
        self.ports = {}

    def port(self, target):
        return self.ports[target]

    def load_options(self, target):
        """What `load` must know about the target."""
        if "tls" not in target:
            return []
        if not self.client_tls:
            return ["--log-in"]
        return ["--tls-ca", self.run.certs.ca] + ["--resume"] * self.resumes

    def start(self):
        self.ports = {target: machine.free_port() for target in self.run.targets}
        self.run.time_wait.add(*self.ports.values())
        try:
            self.launch()
        except BaseException:
            self.stop()
            raise
        return self

    def spawn(self, *command, name="", env=None):
        process = machine.Process(command, self.run.dir / f"{self.key}{name}.log", env)
        self.processes.append(process)
        return process

    def wait(self, process):
        for port in self.ports.values():
            try:
                machine.wait_port(port, process)
            except RuntimeError as error:
                raise Absent(f"{error}: {process.log_text().strip()[-300:]}") from error

    def file(self, text, name=""):
        path = self.run.dir / f"{self.key}{name}.conf"
        path.write_text(text)
        return path

    def launch(self):
        raise NotImplementedError

    def activate(self):
        """Just before it is measured."""

    def deactivate(self):
        pass

    def tasks(self):
        return [task for process in self.processes for task in process.tasks()]

    def cpu_ns(self):
        return sum(process.cpu_ns() for process in self.processes)

    def memory(self, name):
        return sum(process.memory(name) for process in self.processes)

    def alive(self):
        return all(process.poll() is None for process in self.processes)

    def stop(self):
        for process in self.processes:
            process.stop()
        self.processes = []


class Direct(Peer):
    def __init__(self, run, key, title, client_tls=False, resumes=False):
        super().__init__(run, key, title)
        self.client_tls, self.resumes = client_tls, resumes

    def port(self, target):
        return self.run.targets[target]

    def start(self):
        return self


class Nft(Peer):
    """NAT in the kernel. Its table is there only while it is measured: connection tracking would
    tax the others."""
    TABLE = "tidblink_bench"

    def start(self):
        self.version = machine.first_line(machine.output("nft", "--version"))
        super().start()
        self.activate()
        self.deactivate()
        return self

    def launch(self):
        if not shutil.which("nft", path=os.environ.get("PATH", "") + ":/usr/sbin"):
            raise Absent("nft is not installed")

    def _nft(self, text):
        done = subprocess.run(["nft", "-f", "-"], input=text, text=True, capture_output=True,
                              timeout=20, check=False)
        if done.returncode != 0:
            raise Absent(f"nft is not permitted: {machine.first_line(done.stderr)}")

    def activate(self):
        targets = self.run.targets
        rules = "\n".join(f"ip daddr 127.0.0.0/8 tcp dport {port} redirect to :{targets[name]}"
                          for name, port in self.ports.items())
        self._nft(f"table ip {self.TABLE} {{\nchain out {{\n"
                  f"type nat hook output priority -100\n{rules}\n}}\n}}\n")

    def deactivate(self):
        self._nft(f"table ip {self.TABLE}\ndelete table ip {self.TABLE}\n")

    def stop(self):
        with contextlib.suppress(Absent):
            self.deactivate()


class Haproxy(Peer):
    def __init__(self, run, key, title, threads=1, more_global="", more_defaults=""):
        super().__init__(run, key, title)
        self.threads, self.more_global, self.more_defaults = threads, more_global, more_defaults

    def launch(self):
        self.version = machine.first_line(machine.output("haproxy", "-v"))
        text = (f"global\n nbthread {self.threads}\n maxconn 9850\n{self.more_global}\n"
                "defaults\n mode tcp\n timeout connect 5s\n timeout client 1h\n timeout server 1h\n"
                f" backlog {BACKLOG}\n maxconn 9850\n{self.more_defaults}\n")
        for target, port in self.ports.items():
            text += (f"listen {target}\n bind 127.0.0.1:{port}\n"
                     f" server one 127.0.0.1:{self.run.targets[target]}\n")
        if not shutil.which("haproxy"):
            raise Absent("haproxy is not installed")
        self.wait(self.spawn("haproxy", "-db", "-q", "-f", self.file(text)))


class Nginx(Peer):
    def launch(self):
        self.version = machine.first_line(machine.output("nginx", "-v"))
        modules = glob.glob("/usr/lib/nginx/modules/ngx_stream_module.so")
        if not shutil.which("nginx") or not modules:
            raise Absent("nginx with its stream module is not installed")
        text = (f"load_module {modules[0]};\ndaemon off;\nworker_processes 1;\n"
                f"pid {self.run.dir}/{self.key}.pid;\nerror_log stderr warn;\n"
                "worker_rlimit_nofile 20000;\nevents { worker_connections 19900; }\nstream {\n"
                " proxy_timeout 1h;\n")
        for target, port in self.ports.items():
            text += (f" server {{ listen 127.0.0.1:{port} backlog={BACKLOG};"
                     f" proxy_pass 127.0.0.1:{self.run.targets[target]}; }}\n")
        self.wait(self.spawn("nginx", "-p", self.run.dir, "-e", "stderr", "-c",
                             self.file(text + "}\n")))


class Socat(Peer):
    def launch(self):
        if not shutil.which("socat"):
            raise Absent("socat is not installed")
        self.version = " ".join(re.findall(r"socat version \S+", machine.output("socat", "-V")))
        for target, port in self.ports.items():
            self.spawn("socat", f"TCP-LISTEN:{port},bind=127.0.0.1,fork,reuseaddr,nodelay,"
                       f"backlog={BACKLOG}", f"TCP:127.0.0.1:{self.run.targets[target]},nodelay",
                       name=f"-{target}")
            machine.wait_port(port, self.processes[-1])


class Router(Peer):
    """MySQL Router unpacked into a private root (scripts/fetch-mysql)."""
    mysql_only = True
    threads = 2

    def targets(self):
        return [target for target in self.ports if target == "mariadb"]

    def tls(self):
        return "client_ssl_mode=PASSTHROUGH\nserver_ssl_mode=AS_CLIENT\n"

    def launch(self):
        sys.path.append(str(Path(__file__).resolve().parents[1] / "tests/e2e"))
        from mysql_root import PLACE, root_command
        root = Path(os.environ.get("BENCH_ROUTER_ROOT", PLACE))
        if not (root / "usr/bin/mysqlrouter").exists():
            raise Absent("no MySQL Router: neither BENCH_ROUTER_ROOT nor build-mysql has one")
        run = root_command("usr/bin/mysqlrouter", root)
        self.version = machine.first_line(machine.output(*run, "--version"))
        self.ports = {target: self.ports[target] for target in self.targets()}
        state = self.run.dir / self.key
        state.mkdir(exist_ok=True)
        text = (f"[DEFAULT]\nplugin_folder={root}/usr/lib/mysqlrouter/plugin\nlogging_folder=\n"
                f"runtime_folder={state}\ndata_folder={state}\nmax_total_connections=12000\n"
                f"[logger]\nlevel=WARNING\n[io]\nthreads={self.threads}\n")
        for target, port in self.ports.items():
            text += (f"[routing:{target.replace('-', '_')}]\nbind_address=127.0.0.1\n"
                     f"bind_port={port}\n"
                     f"destinations=127.0.0.1:{self.run.targets[target]}\nprotocol=classic\n"
                     "routing_strategy=first-available\nmax_connections=9900\n"
                     f"max_connect_errors=100000000\n{self.tls()}")
        self.wait(self.spawn(*run, "-c", self.file(text)))


class RouterTls(Router):
    """Plain towards the client, verified TLS towards the server, one server connection for each
    client's."""
    mysql_only = False

    def __init__(self, run, key, title, threads):
        super().__init__(run, key, title)
        self.threads = threads

    def targets(self):
        return [target for target in self.ports if "tls" in target]

    def tls(self):
        return ("client_ssl_mode=DISABLED\nserver_ssl_mode=REQUIRED\n"
                "server_ssl_verify=VERIFY_IDENTITY\nconnection_sharing=0\n"
                f"server_ssl_ca={self.run.certs.ca}\n")


class Tidblink(Peer):
    def __init__(self, run, key, title, hosts=None, **options):
        """`hosts`: {target: host name}, instead of 127.0.0.1."""
        super().__init__(run, key, title)
        self.hosts = hosts or {}
        self.options = {name.replace("_", "-"): value for name, value in options.items()}

    def _config(self, options):
        base = {
            "state-source": "none", "state-dir": "off", "aws-cli": "off", "admin-listen": "off",
            "admin-socket": self.run.dir / f"{self.key}.sock", "allow-loopback": "on",
            "max-connections": MAX_CONNECTIONS, "backlog": BACKLOG, "log-level": "warn",
            "threads": 1}
        text = "".join(f"{name} = {value}\n" for name, value in {**base, **options}.items())
        for target, port in self.ports.items():
            text += (f"[cluster {target}]\nhost = {self.hosts.get(target, '127.0.0.1')}\n"
                     f"port = {self.run.targets[target]}\nlisten = 127.0.0.1:{port}\n"
                     f"{self.tls(target)}")
        return text

    def tls(self, target):
        """Of each cluster: what the build does without it being asked."""
        return ""

    def _check(self, options):
        """None, or what the program says against this configuration."""
        path = self.file(self._config(options), "-check")
        done = subprocess.run([self.run.tidblink, "proxy", "--check", "--config", path], text=True,
                              capture_output=True, timeout=20, check=False)
        return None if done.returncode == 0 else machine.first_line(done.stderr)

    def launch(self):
        self.version = machine.first_line(machine.output(str(self.run.tidblink), "--version"))
        wrong = self._check(self.options)
        if wrong:
            # Without the program's name and the file's.
            raise Absent(f"this build does not take it: {re.sub(r'^.*?:[0-9]+: ', '', wrong)}")
        options = dict(self.options)
        for name, value in SWITCHED_OFF.items():
            if name not in options and self._check({name: value}) is None:
                options[name] = value
        self.wait(self.spawn(self.run.tidblink, "proxy", "--config",
                             self.file(self._config(options))))


class TidblinkTls(Tidblink):
    def __init__(self, run, key, title, mode, client_tls=False, **options):
        super().__init__(run, key, title, **options)
        self.mode, self.client_tls = mode, client_tls

    def tls(self, target):
        if self.mode == "passthrough":
            return "tls = passthrough\n"
        if "tls" not in target:
            return "tls = off\nclient-tls = off\n"
        return f"tls = {self.mode}\ntls-ca = {self.run.certs.ca}\nclient-tls = off\n"


def tls_peers(run):
    """Those that differ in what they do about TLS."""
    return [
        Direct(run, "direct-tls", "direct, TLS", client_tls=True),
        Direct(run, "direct-resume", "direct, TLS resumed", client_tls=True, resumes=True),
        RouterTls(run, "router-tls", "MySQL Router, io threads 1", 1),
        RouterTls(run, "router-tls-2", "MySQL Router, io threads 2", 2),
        TidblinkTls(run, "tidblink-pass", "tidblink, passthrough, no TLS", "passthrough"),
        TidblinkTls(run, "tidblink-pass-tls", "tidblink, passthrough, the client's TLS",
                    "passthrough", client_tls=True),
        TidblinkTls(run, "tidblink-full", "**tidblink, verify-full, 1 thread**", "verify-full"),
        TidblinkTls(run, "tidblink-full-2", "**tidblink, verify-full, 2 threads**", "verify-full",
                    threads=2),
        TidblinkTls(run, "tidblink-full-batch", "tidblink, verify-full, scheduling = batch",
                    "verify-full", scheduling="batch"),
        TidblinkTls(run, "tidblink-full-spares", "tidblink, verify-full, spares = 8",
                    "verify-full", spares=8),
    ]


def all_peers(run):
    """Every peer by its key; none is started."""
    splice = " option splice-auto\n option splice-request\n option splice-response\n"
    found = [
        Direct(run, "direct", "direct"),
        Nft(run, "nft", "nft redirect (kernel NAT)"),
        Haproxy(run, "haproxy-1", "HAProxy nbthread 1"),
        Haproxy(run, "haproxy-2", "HAProxy nbthread 2", 2),
        # A pipe takes two descriptors, which would otherwise be taken from the connections.
        Haproxy(run, "haproxy-splice", "HAProxy nbthread 1 + splice", 1, " maxpipes 64\n", splice),
        Haproxy(run, "haproxy-64k", "HAProxy nbthread 1, bufsize 64 k", 1, " tune.bufsize 65536\n"),
        Nginx(run, "nginx", "nginx stream, 1 worker"),
        Socat(run, "socat", "socat, fork"),
        Router(run, "router", "MySQL Router"),
        Tidblink(run, "tidblink-1", "**tidblink, 1 thread**"),
        Tidblink(run, "tidblink-2", "**tidblink, 2 threads**", threads=2),
        Tidblink(run, "tidblink-batch", "tidblink, scheduling = batch", scheduling="batch"),
        Tidblink(run, "tidblink-busy", "tidblink, busy-poll-us = 100", busy_poll_us=100),
        Tidblink(run, "tidblink-source", "tidblink, 16 source addresses", source=SOURCES),
        Tidblink(run, "tidblink-open", "tidblink, sandbox = off", sandbox="off"),
        Tidblink(run, "tidblink-copy", "tidblink, splice = off", splice="off"),
        Tidblink(run, "tidblink-spares", "tidblink, spares = 8", spares=8),
    ]
    return {peer.key: peer for peer in found + tls_peers(run)}
