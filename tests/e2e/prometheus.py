# SPDX-License-Identifier: Apache-2.0
"""Debian's own Prometheus, which scrapes one target for a test.

    with Prometheus("127.0.0.1:9400") as prometheus:
        prometheus.wait_up()
        prometheus.query("tidblink_connections_open")
"""
import json
import shutil
import subprocess
import tempfile
import time
import urllib.parse
import urllib.request
from pathlib import Path

from built import tethered
from claims import own_port

START_SECONDS = 60


class Prometheus:
    def __init__(self, target):
        self.dir = Path(tempfile.mkdtemp(prefix="tidblink-prometheus-"))
        self.log = self.dir / "log"
        (self.dir / "prometheus.yml").write_text(
            "global: {scrape_interval: 1s, scrape_timeout: 1s}\n"
            "scrape_configs:\n"
            f"- {{job_name: tidblink, static_configs: [{{targets: ['{target}']}}]}}\n")
        self.process = None

    def _launch(self):
        """It takes no port 0."""
        self.port = own_port()
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                tethered(["prometheus", f"--config.file={self.dir}/prometheus.yml",
                          f"--storage.tsdb.path={self.dir}/data",
                          f"--web.listen-address=127.0.0.1:{self.port}"]),
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def _is_ready(self):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/-/ready", timeout=5) as got:
                return got.status == 200
        except OSError:
            return False

    def start(self):
        deadline = time.monotonic() + START_SECONDS
        self._launch()
        while not self._is_ready():
            assert self.process.poll() is None and time.monotonic() < deadline, self.log.read_text()
            time.sleep(0.1)
        return self

    def ask(self, path, **query):
        url = f"http://127.0.0.1:{self.port}/api/v1/{path}?{urllib.parse.urlencode(query)}"
        with urllib.request.urlopen(url, timeout=30) as answer:
            return json.load(answer)["data"]

    def target(self):
        """What it says of the target: health, and why its last scrape failed."""
        for found in self.ask("targets")["activeTargets"]:
            return found["health"], found["lastError"]
        return "unknown", "there is none yet"

    def wait_up(self, seconds=START_SECONDS):
        deadline = time.monotonic() + seconds
        while (seen := self.target())[0] != "up":
            assert time.monotonic() < deadline, seen
            time.sleep(0.1)

    def query(self, expression):
        """[(labels, value)], without the labels that Prometheus adds."""
        found = []
        for sample in self.ask("query", query=expression)["result"]:
            labels = {name: value for name, value in sample["metric"].items()
                      if name not in ("__name__", "instance", "job")}
            found.append((labels, float(sample["value"][1])))
        return found

    def wait_query(self, expression, check, seconds=START_SECONDS):
        deadline = time.monotonic() + seconds
        while not check(found := self.query(expression)):
            assert time.monotonic() < deadline, f"{expression}: {found}"
            time.sleep(0.1)
        return found

    def close(self):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        shutil.rmtree(self.dir, ignore_errors=True)

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.close()
