# SPDX-License-Identifier: Apache-2.0
"""A running `tidblink proxy` for tests: own directory, free ports, its log read as it is written.

    with Proxy(cloud, {"orders": {"cluster-id": "1379661944646413143"}}) as proxy:
        proxy.wait_log(r"verdict .*state=ACTIVE")
        pymysql.connect(host="127.0.0.1", port=proxy.port("orders"), …)
        proxy.metric("tidblink_connections_max")
"""
import contextlib
import http.client
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from pathlib import Path

from built import built, tethered

WAIT_SECONDS = 30
ORDERS = {"cluster-id": "1379661944646413143", "endpoint-id": "vpce-0a1b2c3d4e5f67890"}


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path, timeout=WAIT_SECONDS):
        super().__init__("localhost", timeout=timeout)
        self.path = str(path)

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class Proxy:
    def __init__(self, cloud=None, clusters=None, options=None, env=None, wrapper=()):
        """`cloud`: an Emulator, or None when `options` say where states come from; `wrapper`: a
        command that becomes the program which its arguments name."""
        self.dir = Path(tempfile.mkdtemp(prefix="tidblink-proxy-"))
        self.clusters = {"orders": {}} if clusters is None else clusters
        if clusters is None:
            self.clusters = {"orders": dict(ORDERS)}
        self.options = {
            "state-dir": self.dir / "state", "admin-socket": self.dir / "admin.sock",
            "admin-listen": "off", "allow-loopback": "on", "aws-cli": "off",
            "poll-interval": "1s", "poll-interval-changing": "200ms", "hold-timeout": "1s",
            "log-level": "debug", "log-burst": 0}
        if cloud:
            host, port = cloud.dns
            self._key("public", "demo-public")
            self._key("private", "demo-private")
            self.options.update({
                "api-url": cloud.api_url, "api-ca": cloud.ca, "dns-servers": f"{host}:{port}",
                "api-public-key-file": self.dir / "public.key",
                "api-private-key-file": self.dir / "private.key"})
        self.options.update(options or {})
        self.env = {**os.environ, **(env or {})}
        self.wrapper = list(wrapper)
        self.tether = tethered
        self.process = None
        self.lines = []
        self.grew = threading.Condition()

    def _key(self, part, text):
        path = self.dir / f"{part}.key"
        path.touch(mode=0o600)
        path.write_text(text + "\n")

    # ---- life ---------------------------------------------------------------------------------

    def write_config(self):
        text = "".join(f"{k} = {v}\n" for k, v in self.options.items() if v is not None)
        for alias, options in self.clusters.items():
            text += f"\n[cluster {alias}]\n"
            for name, value in {"listen": "127.0.0.1:0", **options}.items():
                text += f"{name} = {value}\n" if value is not None else ""
        (self.dir / "tidblink.conf").touch(mode=0o600)  # a jump's password may be in it
        (self.dir / "tidblink.conf").write_text(text)
        return self.dir / "tidblink.conf"

    def launch(self):
        """Starts the program without waiting for anything."""
        if self.options["state-dir"] not in (None, "off"):
            Path(self.options["state-dir"]).mkdir(exist_ok=True)
        self.process = subprocess.Popen(
            [*self.wrapper,
             *self.tether([built("app/tidblink"), "proxy", "--config", self.write_config()])],
            env=self.env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE)
        threading.Thread(target=self._read, args=[self.process.stderr], daemon=True).start()
        return self

    def start(self):
        self.launch()
        for alias in self.clusters:
            self.address(alias)
        return self

    def _read(self, stream):
        for line in stream:
            with self.grew:
                self.lines.append(line.decode(errors="replace").rstrip("\n"))
                self.grew.notify_all()
        stream.close()
        with self.grew:
            self.lines.append("(end of log)")
            self.grew.notify_all()

    def signal(self, number):
        self.process.send_signal(number)

    def wait(self, seconds=WAIT_SECONDS):
        code = self.process.wait(seconds)
        self.wait_log(r"^\(end of log\)$")
        return code

    def kill(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def stop_program(self):
        """Ends it at once, keeps its directory; fails when it does not end well."""
        if not self.process or self.process.poll() is not None:
            return
        # The second one stops it; but two that are pending at the same time are one (signal(7)).
        deadline = time.monotonic() + WAIT_SECONDS
        while self.process.poll() is None and time.monotonic() < deadline:
            self.signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(0.2)
        assert self.wait(0) == 0, f"the proxy ended with {self.process.returncode}"

    def stop(self):
        """Ends it at once; fails when it does not end well: a crash, a leak, a hang."""
        try:
            self.stop_program()
        finally:
            self.kill()
            shutil.rmtree(self.dir, ignore_errors=True)

    def __enter__(self):
        return self.start()

    def __exit__(self, kind, value, trace):
        if kind is None:
            self.stop()
            return
        self.kill()
        print(self.log_text())
        shutil.rmtree(self.dir, ignore_errors=True)

    # ---- what it says -------------------------------------------------------------------------

    def log_text(self):
        with self.grew:
            return "\n".join(self.lines)

    def wait_log(self, pattern, count=1, seconds=WAIT_SECONDS, after=0):
        """The match of the count-th line from line `after` on, when it is there."""
        regex = re.compile(pattern)
        deadline = time.monotonic() + seconds
        with self.grew:
            while True:
                found = [m for line in self.lines[after:] if (m := regex.search(line))]
                if len(found) >= count:
                    return found[count - 1]
                left = deadline - time.monotonic()
                ended = self.lines[after:][-1:] == ["(end of log)"]
                if left <= 0 or ended:
                    text = "\n".join(self.lines)
                    raise AssertionError(f"no line {count} like {pattern!r} in the log:\n{text}")
                self.grew.wait(left)

    def mark(self):
        """For wait_log(after=…): only what is logged from now on."""
        with self.grew:
            return len(self.lines)

    def wait_verdict(self, verdict, state=None, after=0):
        pattern = rf'verdict\b.*\bverdict"?[=:]"?{verdict}\b'
        return self.wait_log(pattern + (rf'.*\bstate"?[=:]"?{state}\b' if state else ""),
                             after=after)

    def address(self, alias="orders", index=0):
        # In both formats of the log.
        pattern = rf'[ "]listening\b.*\bcluster"?[=:]"?{alias}"?[ ,].*\baddress"?[=:]"?([^\s",]+)'
        return self.wait_log(pattern, index + 1)[1]

    def port(self, alias="orders", index=0):
        return int(self.address(alias, index).rpartition(":")[2])

    # ---- what it answers ----------------------------------------------------------------------

    def admin(self, path, method="GET", seconds=WAIT_SECONDS):
        connection = UnixConnection(self.options["admin-socket"], seconds)
        try:
            connection.request(method, path)
            response = connection.getresponse()
            return response.status, response.read().decode()
        finally:
            connection.close()

    def status(self):
        code, text = self.admin("/api/v1/status")
        assert code == 200, text
        return json.loads(text)

    def cluster(self, alias="orders"):
        """What the status says about one cluster."""
        return next(found for found in self.status()["clusters"] if found["alias"] == alias)

    def wait_cluster(self, alias, check=None, seconds=WAIT_SECONDS, **fields):
        """The cluster's status, when it has these fields and check(its "api") is true."""
        deadline = time.monotonic() + seconds
        while True:
            found = self.cluster(alias)
            if all(found.get(name) == value for name, value in fields.items()) and \
                    (check is None or check(found.get("api", {}))):
                return found
            assert time.monotonic() < deadline, f"the status of {alias} is {found}, not {fields}"
            time.sleep(0.01)

    def wait_open(self, count, seconds=WAIT_SECONDS):
        """What max-connections is held against; an end is counted after it is logged."""
        deadline = time.monotonic() + seconds
        while (seen := self.status()["connections"]["open"]) != count:
            assert time.monotonic() < deadline, f"{seen} connections are open, not {count}"
            time.sleep(0.01)

    def metrics(self):
        code, text = self.admin("/metrics")
        assert code == 200, text
        found = {}
        for line in text.splitlines():
            if line and not line.startswith("#"):
                name, _, value = line.rpartition(" ")
                found[name] = float(value)
        return found

    def metric(self, name, default=None):
        """By name and labels; by the name alone the sum over all labels."""
        found = self.metrics()
        if name in found:
            return found[name]
        several = [value for key, value in found.items() if key.startswith(name + "{")]
        assert several or default is not None, f"no metric {name}"
        return sum(several) if several else default

    def wait_metric(self, name, value, seconds=WAIT_SECONDS):
        deadline = time.monotonic() + seconds
        while (seen := self.metric(name, -1)) != value:
            assert time.monotonic() < deadline, f"{name} is {seen}, not {value}"
            time.sleep(0.01)

    def wait_metric_above(self, name, value, seconds=WAIT_SECONDS):
        deadline = time.monotonic() + seconds
        while (seen := self.metric(name, -1)) <= value:
            assert time.monotonic() < deadline, f"{name} is {seen}, not above {value}"
            time.sleep(0.01)

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def wait_descriptors(self, count, seconds=WAIT_SECONDS):
        deadline = time.monotonic() + seconds
        while (seen := self.descriptors()) != count:
            assert time.monotonic() < deadline, f"{seen} descriptors, not {count}"
            time.sleep(0.01)
