# SPDX-License-Identifier: Apache-2.0
"""Both clouds before the first step of a set-up, and a tidblink that is to take it.

    with World(warm_aws) as world:            # emulator/scenarios/setup.json, made fast
        done = world.run("setup", "--apply")
        assert done.code == 0, done
        assert "orders is ready" in done.text # standard output, with single blanks
        world.endpoints(), world.connections()
        world.changes()                       # the requests that changed something

The endpoints listen on loopback addresses that follow from their subnets, on the cluster's port;
each world has one of its own. The program has an environment of its own, small because every call of
the AWS CLI copies it hundreds of times."""
import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from pathlib import Path

from built import built, tethered
from claims import claimed_port
from emulator import CLUSTER, GROUP, HOST, PRIVATE_KEY, PUBLIC_KEY, SCENARIOS, Emulator
from servers import Greeter

SECONDS = 60
VPC, OTHER_VPC = "vpc-0a1b2c3d4e5f60001", "vpc-0a1b2c3d4e5f60009"
# In zones that the service is in, is not in, is in.
SUBNET, UNSERVED, SECOND = (f"subnet-0a1b2c3d4e5f6000{n}" for n in (1, 2, 4))
DEFAULT_GROUP, APP_GROUP = "sg-0a1b2c3d4e5f60001", "sg-0a1b2c3d4e5f60002"
SERVICE = "com.amazonaws.vpce.us-east-1.vpce-svc-0a1b2c3d4e5f67890"
NOTE = f"setup-vpce-svc-0a1b2c3d4e5f67890-{VPC}.json"
MACHINE = "i-0a1b2c3d4e5f60001"
SECRET = "aws-example-secret"
ADDRESSES = ("127.77.1.4", "127.77.2.4", "127.77.4.4", "127.77.1.5")
LIVING = ("pendingAcceptance", "pending", "available")
CHANGES = re.compile(r"Create|Modify|Delete|Authorize|Revoke")
# Of one more cluster in the same region.
SALES, SALES_GROUP = "1379661944646413144", "1916928318022840321"
SALES_SERVICE = "com.amazonaws.vpce.us-east-1.vpce-svc-0a1b2c3d4e5f67891"
SALES_HOST = "privatelink-19169284.muznnz1umf3p.clusters.tidb-cloud.com"


def squeezed(text):
    return re.sub(r"\s+", " ", text).strip()


class Done:
    """How a command ended: code, out, err; text: `out` with single blanks."""

    def __init__(self, code, out, err):
        self.code, self.out, self.err = code, out, err
        self.text = squeezed(out)

    def __repr__(self):
        return f"exit code {self.code}\n{self.out}\n{self.err}"

    def steps(self):
        """The words before the steps, by the steps' numbers: {1: "ok", 3: "STOP"}; the last of
        each counts."""
        found = re.findall(r"^  (\S[\w ]*?) +(\d+)\. ", self.out, re.MULTILINE)
        return {int(number): word for word, number in found}


class World:
    def __init__(self, warm, edit=None, alias="orders", cluster=None, env=None, sales=False,
                 **options):
        """`edit(scenario)` may change the world before it begins; `sales`: there is one more
        cluster; options_with_underscores are of the configuration file, `cluster` those of its
        section, both without what is None."""
        self.warm, self.edit, self.alias, self.sales = warm, edit, alias, sales
        self.dir = Path(tempfile.mkdtemp(prefix="tidblink-setup-"))
        self.config = self.dir / "tidblink.conf"
        self.state_dir = self.dir / "state"
        self.options = {name.replace("_", "-"): value for name, value in options.items()}
        self.cluster = {"cluster-id": CLUSTER, **(cluster or {})}
        self.more_env = env or {}
        self.claims = contextlib.ExitStack()
        self.port = self.sales_port = None
        self.backend = self.cloud = self.env = None
        self.running = []
        self.seen = 0  # requests before the last mark()

    # ---- life ---------------------------------------------------------------------------------

    def scenario(self):
        found = json.loads((SCENARIOS / "setup.json").read_text())
        found["settings"].update(acceptSeconds=0.2, availableSeconds=0.1, deleteSeconds=0.2,
                                 deletingSeconds=0.1, resumeSeconds=0.2, requestsPerMinute=1000000)
        found["clusters"][0]["port"] = self.port
        service = found["services"][0]
        del service["then"], found["names"]
        service.update(state="ACTIVE", backend=f"127.0.0.1:{self.backend.port}")
        found["credentials"] = [{"accessKeyId": "AKIAEXAMPLE"}]
        if self.sales:
            add_sales(found, self.sales_port)
        if self.edit:
            self.edit(found)
        return found

    def write_config(self):
        host, port = self.cloud.dns
        options = {
            "state-dir": self.state_dir, "api-url": self.cloud.api_url, "api-ca": self.cloud.ca,
            "dns-servers": f"{host}:{port}", "allow-loopback": "on",
            "poll-interval-changing": "100ms", "metadata-url": self.cloud.metadata,
            "aws-endpoint-url": self.cloud.aws,
            "serverless-api-url": self.cloud.serverless_api_url, **self.options}
        text = "".join(f"{k} = {v}\n" for k, v in options.items() if v is not None)
        if self.alias:
            text += f"\n# ours\n[cluster {self.alias}]\n"
            text += "".join(f"{k} = {v}\n" for k, v in self.cluster.items() if v is not None)
        self.config.write_text(text)

    def __enter__(self):
        self.port = self.claims.enter_context(claimed_port(ADDRESSES))
        if self.sales:
            self.sales_port = self.claims.enter_context(claimed_port(ADDRESSES))
        self.backend = Greeter().__enter__()
        self.cloud = Emulator(self.scenario()).start()
        self.write_config()
        self.env = {
            "PATH": f"{self.warm.dir}:{built('app/tidblink').parent}:/usr/bin:/bin",
            "HOME": str(self.dir), "LANG": "C.UTF-8", "TIDBLINK_CONFIG": str(self.config),
            "TIDBCLOUD_PUBLIC_KEY": PUBLIC_KEY, "TIDBCLOUD_PRIVATE_KEY": PRIVATE_KEY,
            "AWS_ACCESS_KEY_ID": "AKIAEXAMPLE", "AWS_SECRET_ACCESS_KEY": SECRET,
            "AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true", "AWS_MAX_ATTEMPTS": "1",
            **{k: v for k, v in os.environ.items() if re.match("(A|UB|L|T)SAN_OPTIONS$", k)},
            **self.more_env}
        self.env = {name: value for name, value in self.env.items() if value is not None}
        return self

    def __exit__(self, kind, value, trace):
        for process in self.running:
            if process.poll() is None:
                process.kill()
            process.communicate()
        self.backend.__exit__()
        try:
            self.cloud.stop()
        finally:
            self.claims.close()
            shutil.rmtree(self.dir, ignore_errors=True)

    # ---- the program --------------------------------------------------------------------------

    def command(self, words):
        return [built("app/tidblink"), *map(str, words)]

    def run(self, *words, env=None, seconds=SECONDS):
        done = subprocess.run(
            self.command(words), env={**self.env, **(env or {})}, stdin=subprocess.DEVNULL,
            capture_output=True, text=True, timeout=seconds, check=False, cwd=self.dir)
        return Done(done.returncode, done.stdout, done.stderr)

    def start(self, *words, env=None):
        """The same, not waited for: end it with finish()."""
        process = subprocess.Popen(
            tethered(self.command(words)), env={**self.env, **(env or {})}, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=self.dir)
        self.running.append(process)
        return process

    def finish(self, process, seconds=SECONDS):
        out, err = process.communicate(timeout=seconds)
        return Done(process.returncode, out, err)

    def read_until(self, process, words, seconds=SECONDS):
        """What a running command prints on standard output, up to the line with the words that
        completes them."""
        text = ""
        end = threading.Timer(seconds, process.kill)
        end.start()
        try:
            for line in process.stdout:
                text += line
                if words in squeezed(text):
                    return squeezed(text)
        finally:
            end.cancel()
        raise AssertionError(f"it ended without {words!r}:\n{text}{process.stderr.read()}")

    def kill(self, process, number=signal.SIGKILL):
        process.send_signal(number)
        done = self.finish(process)
        assert done.code == -number, done
        return done

    def shell(self, script):
        """`sh` with tidblink and aws in its PATH, as somebody who pastes."""
        done = subprocess.run(["sh", "-eu"], input=script, env=self.env, capture_output=True,
                              text=True, timeout=SECONDS, check=False, cwd=self.dir)
        return Done(done.returncode, done.stdout, done.stderr)

    # ---- the clouds ---------------------------------------------------------------------------

    def mark(self):
        """requests() and changes() begin here."""
        self.seen = max((request["number"] for request in self.cloud.requests()), default=0)

    def requests(self):
        return [r for r in self.cloud.requests() if r["number"] > self.seen]

    def changes(self):
        """What was asked to change something: EC2's actions, and methods and the ends of paths."""
        found = []
        for request in self.requests():
            action = request.get("action", "")
            if CHANGES.match(action):
                found.append(action)
            elif "service" not in request and request["method"] != "GET":
                found.append(f"{request['method']} {request['path'].rpartition('/')[2]}")
        return found

    def wait(self, check, what, seconds=SECONDS):
        """Until check() is true; what it returned."""
        deadline = time.monotonic() + seconds
        while not (found := check()):
            assert time.monotonic() < deadline, what
            time.sleep(0.01)
        return found

    def wait_change(self, name, count=1):
        self.wait(lambda: self.changes().count(name) >= count, f"no {count} {name}")

    def wait_struck(self):
        """Until every fault that has a count has struck."""
        self.wait(lambda: not [f for f in self.cloud.get("faults") if f["count"]],
                  "a fault did not strike")

    def endpoints(self, service=GROUP):
        """The interface endpoints that live."""
        return [e for e in self.cloud.get("vpcEndpoints")
                if e["state"] in LIVING and e["service"] == service]

    def connections(self, group=GROUP):
        return [e for e in self.cloud.get("endpoints") if e["group"] == group]

    def ingress(self, port=None):
        """The default security group's rules for the port."""
        rules = self.cloud.get(f"securityGroups/{DEFAULT_GROUP}")["ingress"]
        return [rule for rule in rules if rule.startswith(f"tcp {port or self.port} ")]

    def add_endpoint(self, subnets=(SUBNET,), **fields):
        """An interface endpoint that somebody else has made."""
        return self.cloud.add("vpcEndpoints", **{
            "vpc": VPC, "service": GROUP, "subnets": list(subnets),
            "securityGroups": [DEFAULT_GROUP], **fields})

    def configured_id(self):
        found = re.search(r"^endpoint-id = (\S+)$", self.config.read_text(), re.MULTILINE)
        return found and found[1]

    def check_ready(self, rules=1):
        """All that a set-up is for, exactly once."""
        endpoints, connections = self.endpoints(), self.connections()
        assert len(endpoints) == 1 and len(connections) == 1, (endpoints, connections)
        assert endpoints[0]["state"] == "available" and endpoints[0]["privateDns"], endpoints
        assert connections[0]["endpointId"] == endpoints[0]["id"], (connections, endpoints)
        assert connections[0]["state"] == "ACTIVE", connections
        assert len(self.ingress()) == rules, self.ingress()
        assert self.configured_id() in (endpoints[0]["id"], None), self.config.read_text()
        assert not (self.state_dir / NOTE).exists()
        return endpoints[0]

    def log_text(self):
        """Every request in a line of its own."""
        return "\n".join(" ".join(str(value) for value in request.values())
                         for request in self.cloud.requests()) + "\n" + self.cloud.log_text()


def add_sales(found, port):
    """One more cluster in a scenario."""
    found["clusters"].append({**found["clusters"][0], "id": SALES, "displayName": "sales",
                              "port": port})
    found["groups"].append({"id": SALES_GROUP, "cluster": SALES})
    found["services"].append({**found["services"][0], "group": SALES_GROUP,
                              "serviceName": SALES_SERVICE, "dnsName": SALES_HOST})


def check_columns(done):
    """Lines are at most 80 columns wide, except for one word (an ID, a path, a connection string)
    that is longer; nothing is there for a terminal alone."""
    assert "\x1b" not in done.out + done.err and "\r" not in done.out + done.err
    for line in done.out.splitlines():
        words = line.strip().split(" ")
        assert len(line) <= 80 or len(words) == 1 or is_string(line), line


def is_string(line):
    return line.startswith(("mysql --", "mysql://", "jdbc:"))


def check_secrets(done):
    assert PRIVATE_KEY not in done.out + done.err
    assert SECRET not in done.out + done.err


__all__ = [name for name in dir() if name.isupper()] + [
    "Done", "World", "check_columns", "check_secrets", "squeezed"]
