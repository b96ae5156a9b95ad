# SPDX-License-Identifier: Apache-2.0
"""tidblink-emulator for tests: started on free ports, changed through its control port.

    with Emulator() as cloud:                 # emulator/scenarios/demo.json
        cloud.patch("endpoints/1934235512477589504", state="ACTIVE")
        cloud.fault("status", status=503, count=2)
        cloud.api_url, cloud.ca, cloud.dns    # for the program under test
        cloud.requests()                      # what it asked
"""
import http.client
import json
import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from urllib.parse import urlsplit

from api_client import ApiClient
from built import ROOT, built, tethered

SCENARIOS = ROOT / "emulator" / "scenarios"
START_SECONDS = STOP_SECONDS = 30
PUBLIC_KEY, PRIVATE_KEY = "demo-public", "demo-private"  # of the scenarios in the tree
# What demo.json has.
CLUSTER, GROUP, ENDPOINT = "1379661944646413143", "1916928318022840320", "1934235512477589504"
HOST = "privatelink-19169283.muznnz1umf3p.clusters.tidb-cloud.com"


def address_of(text):
    host, _, port = text.rpartition(":")
    return host.strip("[]"), int(port)


class ControlError(Exception):
    """The control port refused; str() is its text."""


class Emulator:
    def __init__(self, scenario="demo.json", options=()):
        """`scenario`: a dict, or the name of a file in emulator/scenarios."""
        self.dir = Path(tempfile.mkdtemp(prefix="tidblink-emulator-"))
        self.scenario = scenario
        self.options = list(options)
        self.log = self.dir / "emulator.log"
        self.process = None
        self.api_url = self.dns = self.control = self.ca = None
        self.aws = self.metadata = self.public_dns = self.serverless_api_url = None

    def start(self):
        path = SCENARIOS / str(self.scenario)
        if isinstance(self.scenario, dict):
            path = self.dir / "scenario.json"
            path.write_text(json.dumps(self.scenario))
        command = [built("emulator/tidblink-emulator"), "--scenario", path]
        if "--tls-cert" not in self.options:
            command += ["--ca-out", self.dir / "ca.pem"]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                tethered(command + self.options), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                stderr=log)
        line = self.process.stdout.readline()  # or nothing, when it ends
        assert line, f"the emulator did not start:\n{self.log_text()}"
        ready = json.loads(line)
        self.api_url, self.ca = ready["api_url"], ready["ca"]
        self.dns, self.public_dns = address_of(ready["dns"]), address_of(ready["public_dns"])
        self.control = urlsplit(ready["control"])
        self.aws, self.metadata = ready["aws"], ready["metadata"]
        self.serverless_api_url = ready["serverless_api_url"]
        return self

    def stop(self):
        """Ends it; fails when it does not end well (a leak, a crash)."""
        try:
            if self.process:
                self.process.terminate()
                code = self.process.wait(STOP_SECONDS)
                self.process.stdout.close()
                self.process = None
                assert code == 0, f"the emulator ended with {code}:\n{self.log_text()}"
        finally:
            if self.process:
                self.process.kill()
                self.process.wait()
            shutil.rmtree(self.dir, ignore_errors=True)

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()

    def log_text(self):
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    # ---- the control port -------------------------------------------------------------------

    def order(self, method, path, body=None):
        """One request to the control port; the JSON that it answers."""
        connection = http.client.HTTPConnection(
            self.control.hostname, self.control.port, timeout=START_SECONDS)
        try:
            text = None if body is None else json.dumps(body)
            connection.request(method, "/" + path, text)
            response = connection.getresponse()
            answer = json.loads(response.read())
        finally:
            connection.close()
        if response.status >= 400:
            raise ControlError(answer["error"])
        return answer

    def get(self, path):
        return self.order("GET", path)

    def state(self):
        return self.get("state")

    def add(self, collection, **fields):
        return self.order("POST", collection, fields)

    def patch(self, path, unchecked=False, **fields):
        """patch("clusters/1", state="PAUSED"); unchecked: any text may be a state."""
        return self.order("PATCH", path + ("?unchecked=1" if unchecked else ""), fields)

    def remove(self, path):
        return self.order("DELETE", path)

    def settings(self, **fields):
        return self.patch("settings", **fields)

    def fault(self, does, **fields):
        return self.add("faults", does=does, **fields)

    def clear_faults(self):
        self.remove("faults")

    def requests(self):
        return self.get("requests")

    def clear_requests(self):
        self.remove("requests")

    def wait_polls(self, count, cluster=CLUSTER, seconds=START_SECONDS):
        """Until somebody has asked about the cluster `count` times more, and got all answers."""
        def polls():
            return sum(request["path"] == f"/v1beta1/clusters/{cluster}"
                       for request in self.requests())

        deadline = time.monotonic() + seconds
        wanted = polls() + count + 1
        while (seen := polls()) < wanted:
            assert time.monotonic() < deadline, f"{seen} polls, not {wanted}"
            time.sleep(0.01)

    def queries(self):
        return self.get("queries")

    def clear_queries(self):
        self.remove("queries")

    def wait_for(self, path, seconds=10, **fields):
        """Until the object has these values; it, when it has them."""
        deadline = time.monotonic() + seconds
        while True:
            found = self.get(path)
            if all(found.get(name) == value for name, value in fields.items()):
                return found
            assert time.monotonic() < deadline, f"{path} is {found}, not {fields}"
            time.sleep(0.01)

    # ---- clients of the API -------------------------------------------------------------------

    def client(self, public_key=PUBLIC_KEY, private_key=PRIVATE_KEY, **options):
        return ApiClient(self.api_url, self.ca, public_key, private_key, **options)

    def curl(self, path, *options, key=f"{PUBLIC_KEY}:{PRIVATE_KEY}"):
        """(exit code, standard output) of the curl program."""
        done = subprocess.run(
            ["curl", "--silent", "--noproxy", "*", "--max-time", "20", "--cacert", self.ca,
             "--digest", "--user", key, *options, self.api_url + path],
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False)
        return done.returncode, done.stdout

    # ---- for the program under test -----------------------------------------------------------

    def environment(self):
        """Ours, with the emulator's API and key under the names that the ecosystem has for them."""
        return {**os.environ, "TIDBCLOUD_PUBLIC_KEY": PUBLIC_KEY,
                "TIDBCLOUD_PRIVATE_KEY": PRIVATE_KEY,
                "TIDBCLOUD_DEDICATED_ENDPOINT": self.api_url}
