# SPDX-License-Identifier: Apache-2.0
"""A world in which every hop of `tidblink doctor` is fine, to be broken one hop at a time.

    with Scene(warm_aws, authority) as scene:
        scene.cloud.patch(f"vpcEndpoints/{VPCE}", privateDns=False)
        report = scene.doctor()
        report.first                    # "private-dns", or None
        scene.sh(report["private-dns"]["fix"])
"""
import contextlib
import json
import os
import pty
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

from aws_program import aws_environment
from built import built, tethered
from claims import claim_network
from emulator import CLUSTER, ENDPOINT, GROUP, HOST, PRIVATE_KEY, PUBLIC_KEY, Emulator
from fake_tidb import FakeTidb

VPC, OTHER_VPC = "vpc-0a1b2c3d4e5f60001", "vpc-0a1b2c3d4e5f60009"
SUBNET_A, SUBNET_B, SUBNET_D = (f"subnet-0a1b2c3d4e5f6000{n}" for n in (1, 2, 4))
OTHER_SUBNET, OTHER_GROUP = "subnet-0a1b2c3d4e5f60009", "sg-0a1b2c3d4e5f60009"
ENDPOINT_GROUP, OWN_GROUP = "sg-0a1b2c3d4e5f60001", "sg-0a1b2c3d4e5f60002"
VPCE, MACHINE = "vpce-0a1b2c3d4e5f67890", "i-0a1b2c3d4e5f60001"
SERVICE = "com.amazonaws.vpce.us-east-1.vpce-svc-0a1b2c3d4e5f67890"
# Loopback addresses that no other process of the tests has.
NUMBER, CLAIM = claim_network(range(100, 170))
NET, FAR_NET = f"127.{NUMBER}", f"127.{NUMBER + 80}"
OTHER_ADDRESS = f"{FAR_NET}.1.10"
IP_A, IP_D = f"{NET}.1.50", f"{NET}.4.50"
DEADLINE_SECONDS = 60
SECONDS = 20

HOPS = ["configuration", "key-files", "api", "api-key", "rights", "clock", "quota", "cluster",
        "group", "service", "connection", "aws", "endpoint", "endpoint-state", "vpc", "vpc-dns",
        "private-dns", "subnets", "ingress", "egress", "dns-servers", "name", "answer",
        "servers-agree", "tcp", "greeting", "tls", "plugin", "idle", "proxy"]
IN_AWS = HOPS[HOPS.index("aws"):HOPS.index("dns-servers")]


def subnet(name, number, zone, zone_id, vpc=VPC, net=NET):
    return {"id": name, "vpc": vpc, "cidr": f"{net}.{number}.0/24", "zone": zone,
            "zoneId": zone_id}


def scenario(backend_port, port):
    """TiDB Cloud and AWS with everything in place."""
    return {
        "settings": {"requestsPerMinute": 1000, "acceptSeconds": 0, "deleteSeconds": 0,
                     "resumeSeconds": 0, "availableSeconds": 0, "deletingSeconds": 0},
        "keys": [{"publicKey": PUBLIC_KEY, "privateKey": PRIVATE_KEY}],
        "projects": [{"id": "1372813089454000000", "default": True}],
        "regions": [{"id": "aws-us-east-1", "displayName": "N. Virginia (us-east-1)"},
                    {"id": "gcp-us-east1", "displayName": "Google"}],
        "clusters": [{"id": CLUSTER, "displayName": "orders", "project": "1372813089454000000",
                      "region": "aws-us-east-1", "port": port}],
        "groups": [{"id": GROUP, "cluster": CLUSTER}],
        "services": [{"group": GROUP, "serviceName": SERVICE, "dnsName": HOST,
                      "zones": ["use1-az1", "use1-az4"],
                      "backend": f"127.0.0.1:{backend_port}"}],
        "endpoints": [{"id": ENDPOINT, "group": GROUP, "endpointId": VPCE, "state": "ACTIVE"}],
        "instances": [{"id": "10581524941437919003", "displayName": "tiny", "plan": "STARTER"}],
        "vpcs": [{"id": VPC, "cidr": f"{NET}.0.0/16", "dnsHostnames": True, "name": "apps"},
                 {"id": OTHER_VPC, "cidr": f"{FAR_NET}.0.0/16", "dnsHostnames": True}],
        "subnets": [subnet(SUBNET_A, 1, "us-east-1a", "use1-az1"),
                    subnet(SUBNET_B, 2, "us-east-1b", "use1-az2"),
                    subnet(SUBNET_D, 4, "us-east-1d", "use1-az4"),
                    subnet(OTHER_SUBNET, 1, "us-east-1a", "use1-az1", OTHER_VPC, FAR_NET)],
        "securityGroups": [
            {"id": ENDPOINT_GROUP, "vpc": VPC, "name": "default",
             "ingress": [f"tcp {port} from {OWN_GROUP}"]},
            {"id": OWN_GROUP, "vpc": VPC, "name": "app"},
            {"id": OTHER_GROUP, "vpc": OTHER_VPC, "name": "default",
             "ingress": [f"tcp {port} from {FAR_NET}.0.0/16"]}],
        "instance": [{"id": MACHINE, "vpc": VPC, "subnet": SUBNET_A,
                      "securityGroups": [OWN_GROUP], "address": f"{NET}.1.10"}],
        "vpcEndpoints": [{"id": VPCE, "vpc": VPC, "service": GROUP, "state": "available",
                          "subnets": [SUBNET_A, SUBNET_D], "securityGroups": [ENDPOINT_GROUP],
                          "privateDns": True}],
        "interfaces": [{"endpoint": VPCE, "subnet": SUBNET_A, "address": IP_A},
                       {"endpoint": VPCE, "subnet": SUBNET_D, "address": IP_D}],
    }


def other_account():
    """An AWS in which there is nothing of all that."""
    return Emulator({name: rows for name, rows in scenario(1, 4000).items()
                     if name in ("settings", "keys", "projects", "regions")})


class Report:
    """What doctor said about one cluster; report["tls"] is a hop."""

    def __init__(self, cluster, code):
        self.cluster, self.code = cluster, code
        self.hops = {hop["hop"]: hop for hop in cluster["hops"]}
        self.first = cluster.get("first")

    def __getitem__(self, key):
        return self.hops[key]

    def status(self, key):
        return self.hops[key]["status"]

    @property
    def notable(self):
        """The first hop that failed; if none has, the first that warns."""
        return self.first or next(
            (key for key, hop in self.hops.items() if hop["status"] == "warn"), None)

    def text(self):
        return "\n".join(f"{hop['status']} {key}: {hop.get('saw')} / {hop.get('why')} / "
                         f"{hop.get('fix')}" for key, hop in self.hops.items())


class Scene:
    """`aws`: a WarmAws, or None for a machine without the CLI."""

    def __init__(self, aws, authority):
        self.dir = Path(tempfile.mkdtemp(prefix="tidblink-doctor-"))
        self.aws, self.authority = aws, authority
        self.pair = authority.server(self.dir, [HOST], valid=(-1, 90))
        self.server = FakeTidb(self.pair)
        # The interfaces' addresses are ours alone, so any port will do.
        self.cloud = Emulator(scenario(self.server.port, 4000))
        self.file = self.dir / "tidblink.conf"
        self.options, self.cluster = {}, {}
        self.more = contextlib.ExitStack()  # what a break has opened

    def __enter__(self):
        try:
            self.cloud.start()
            self.prepare()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.more.close()
        self.server.close()
        self.cloud.stop()
        shutil.rmtree(self.dir, ignore_errors=True)

    def log_text(self):
        return self.cloud.log_text()

    # ---- this machine -------------------------------------------------------------------------

    def prepare(self):
        (self.dir / "state").mkdir()
        (self.dir / "bin").mkdir()
        (self.dir / "bin" / "tidblink").symlink_to(built("app/tidblink"))
        if self.aws:
            (self.dir / "bin" / "aws").symlink_to(self.aws.shim)
        for part, key in ("public", PUBLIC_KEY), ("private", PRIVATE_KEY):
            path = self.dir / f"{part}.key"
            path.touch(mode=0o600)
            path.write_text(key + "\n")
        host, port = self.cloud.dns
        self.options = {
            "api-url": self.cloud.api_url, "api-ca": self.cloud.ca,
            "api-public-key-file": self.dir / "public.key",
            "api-private-key-file": self.dir / "private.key", "api-timeout": "2s",
            "poll-interval-changing": "100ms", "poll-interval": "1s",
            "serverless-api-url": self.cloud.serverless_api_url,
            "state-dir": self.dir / "state", "admin-socket": self.dir / "admin.sock",
            "admin-listen": "off", "allow-loopback": "on",
            "dns-servers": f"{host}:{port}", "resolve-timeout": "2s",
            "connect-timeout": "1s", "handshake-timeout": "2s",
            "aws-cli": "aws" if self.aws else "off", "aws-endpoint-url": self.cloud.aws,
            "metadata-url": self.cloud.metadata}
        self.cluster = {"cluster-id": CLUSTER, "tls-ca": self.pair.ca, "listen": "127.0.0.1:0"}
        self.write()

    def write(self):
        """The configuration file, anew; a value of None is left out."""
        lines = [f"{name} = {value}" for name, value in self.options.items() if value is not None]
        lines += ["[cluster orders]"]
        lines += [f"{name} = {value}" for name, value in self.cluster.items() if value is not None]
        self.file.write_text("\n".join(lines) + "\n")

    def set(self, **options):
        self.options.update({name.replace("_", "-"): value for name, value in options.items()})
        self.write()

    def set_cluster(self, **options):
        self.cluster.update({name.replace("_", "-"): value for name, value in options.items()})
        self.write()

    def environment(self):
        return aws_environment(PATH=f"{self.dir / 'bin'}:{os.environ['PATH']}", HOME=str(self.dir),
                               NO_COLOR="1")

    # ---- commands -----------------------------------------------------------------------------

    def run(self, *words):
        return subprocess.run(
            ["tidblink", *map(str, words)], env=self.environment(), cwd=self.dir, text=True,
            executable=built("app/tidblink"), stdin=subprocess.DEVNULL, capture_output=True,
            timeout=DEADLINE_SECONDS, check=False)

    def text(self, *words):
        done = self.run("doctor", *words, "--config", self.file)
        assert "Sanitizer" not in done.stderr, done.stderr
        return done

    def doctor(self, *words):
        done = self.text("orders", "--json", *words)
        assert done.returncode in (0, 3), done.stderr
        [cluster] = json.loads(done.stdout)["clusters"]
        report = Report(cluster, done.returncode)
        assert (report.first is None) == (done.returncode == 0)
        return report

    def sh(self, command, answer=None):
        """As a person would who pastes it, and at a terminal answers what it asks."""
        master, slave = pty.openpty() if answer else (None, None)
        if answer:
            os.write(master, answer.encode() + b"\n")
        done = subprocess.run(["sh", "-c", command], env=self.environment(), cwd=self.dir,
                              stdin=slave if answer else subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=slave if answer else subprocess.PIPE,
                              text=True, timeout=DEADLINE_SECONDS, check=False)
        asked = done.stderr
        if answer:
            asked = os.read(master, 65536).decode()
            os.close(master)
            os.close(slave)
        assert done.returncode == 0, f"{command}\nends with {done.returncode}:\n" \
                                     f"{done.stdout}{asked}"
        return done.stdout


@contextlib.contextmanager
def running_proxy(scene):
    process = subprocess.Popen(
        tethered([built("app/tidblink"), "proxy", "--config", scene.file]),
        env=scene.environment(), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE)
    try:
        scene.sh(f"tidblink wait --for active --max 20s --config {scene.file}")
        yield process
    finally:
        process.terminate()
        process.communicate(timeout=SECONDS)


def wait_until_fine(scene, hop):
    """What was repaired may take effect a moment later, as in the real clouds."""
    deadline = time.monotonic() + SECONDS
    while (report := scene.doctor()).status(hop) not in ("ok", "skip"):
        assert time.monotonic() < deadline, report.text()
    return report


def follow_to_the_end(scene, report):
    """One repair may bring the next thing to fix to light."""
    for _ in range(3):
        if not report.first:
            return
        hop = report[report.first]
        assert hop["fix_is_command"], report.text()
        scene.sh(hop["fix"])
        report = wait_until_fine(scene, report.first)
    assert not report.first, report.text()
