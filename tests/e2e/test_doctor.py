# SPDX-License-Identifier: Apache-2.0
"""tidblink doctor: in a world where all is well each hop is broken, one at a time. Doctor must name
that hop as the first one to fix, and what it says must repair it: a command is run by a shell as it
is printed, anything else is done by hand as the text says."""
import contextlib
import json
import os
import pty
import re
import socket
import time

import pytest

import certs
from doctor_breaks import BREAKS, COMMAND
from doctor_scene import MACHINE, OTHER_VPC, VPC, VPCE, Scene
from emulator import CLUSTER, ENDPOINT, HOST
from proxy import UnixConnection

HOPS = ["configuration", "key-files", "api", "api-key", "rights", "clock", "quota", "cluster",
        "group", "service", "connection", "aws", "endpoint", "endpoint-state", "vpc", "vpc-dns",
        "private-dns", "subnets", "ingress", "egress", "dns-servers", "name", "answer",
        "servers-agree", "tcp", "greeting", "tls", "plugin", "idle", "proxy"]
# To break one of these AWS need not be looked at, which takes most of the time.
NOT_IN_AWS = {"configuration", "key-files", "api", "api-key", "rights", "clock", "quota", "group",
              "servers-agree", "greeting", "tls", "plugin", "idle"}
IN_AWS = HOPS[HOPS.index("aws"):HOPS.index("dns-servers")]
SECONDS = 20


@pytest.fixture(scope="session")
def authority():
    return certs.Authority()


@pytest.fixture
def scene(warm_aws, authority):
    with Scene(warm_aws, authority) as scene:
        yield scene


@pytest.fixture
def scene_without_cli(authority):
    with Scene(None, authority) as scene:
        yield scene


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


@pytest.mark.parametrize("name", BREAKS)
def test_the_broken_hop_is_named_and_repaired(scene, name):
    broken = BREAKS[name]
    if broken.hop in NOT_IN_AWS:
        scene.set(aws_cli="off")
    broken.do(scene)
    report = scene.doctor()
    assert report.notable == broken.hop, report.text()
    assert report.code == (0 if broken.warns else 3)
    hop = report[broken.hop]
    assert re.search(broken.saw, hop["saw"]), hop
    fix = hop.get("fix", "")
    assert re.search(broken.fix, fix), hop
    assert hop["fix_is_command"] == bool(re.match(COMMAND, fix)), hop
    if hop["fix_is_command"]:
        scene.sh(fix)
    if broken.by_hand:
        broken.by_hand(scene)
    follow_to_the_end(scene, wait_until_fine(scene, broken.hop))


# ---- when all is well, and what depends on what -------------------------------------------------

def test_all_is_well(scene):
    report = scene.doctor()
    assert list(report.hops) == HOPS
    assert (report.code, report.notable) == (0, None), report.text()
    skipped = [key for key in HOPS if report.status(key) == "skip"]
    assert skipped == ["servers-agree", "proxy"]
    for hop in report.hops.values():
        assert set(hop) <= {"hop", "title", "status", "saw", "why", "fix", "fix_is_command",
                            "because_of", "details"}
    assert report["name"]["details"]["host"] == HOST
    assert report["tls"]["details"]["protocol"] == "TLSv1.3"
    done = scene.text("orders")
    assert done.stdout.splitlines()[0] == "orders"
    assert done.stdout.splitlines()[-1] == "Nothing to fix."
    assert done.stderr == ""


def test_without_the_cli_aws_is_skipped(scene_without_cli):
    report = scene_without_cli.doctor()
    assert report.notable is None, report.text()
    assert all(report.status(key) == "skip" for key in IN_AWS)
    assert "aws-cli is off" in report["aws"]["saw"]
    scene_without_cli.set(aws_cli="/nowhere/aws")
    assert "no AWS CLI" in scene_without_cli.doctor()["aws"]["saw"]


def test_without_the_cli_private_dns_is_what_is_suggested(scene_without_cli):
    scene_without_cli.cloud.patch(f"vpcEndpoints/{VPCE}", privateDns=False)
    report = scene_without_cli.doctor()
    assert report.first == "name"
    assert re.search(rf"^\S+ ec2 modify-vpc-endpoint .*{VPCE} --private-dns-enabled$",
                     report["name"]["fix"])


def test_one_denied_right_hides_only_its_hop(scene):
    scene.cloud.add("credentials", accessKeyId="AKIAEXAMPLE",
                    denies=["ec2:DescribeSecurityGroups"])
    report = scene.doctor()
    assert report.notable is None, report.text()
    assert {key for key in IN_AWS if report.status(key) == "skip"} == {"ingress", "egress"}


def test_a_cluster_on_google_cloud(scene):
    scene.cloud.patch(f"clusters/{CLUSTER}", region="gcp-us-east1")
    report = scene.doctor()
    assert all(report.status(key) == "skip" for key in IN_AWS)
    assert "Google Cloud" in report["aws"]["saw"]
    assert report.status("tls") == "ok", report.text()
    assert not [request for request in scene.cloud.requests() if "aws" in request["path"]]


def test_off_ec2_the_endpoints_vpc_is_looked_at(scene):
    scene.cloud.remove(f"instance/{MACHINE}")
    scene.cloud.remove(f"vpcs/{OTHER_VPC}")
    report = scene.doctor()
    assert report.first is None, report.text()
    assert report.status("vpc") == "skip"
    assert report.status("vpc-dns") == "ok"


def test_no_api_and_a_known_host(scene):
    """The data path is looked at all the same."""
    scene.cloud.fault("dropTls")
    scene.set_cluster(host=HOST, port=4000)
    report = scene.doctor()
    assert report.first == "api"
    assert report["cluster"]["because_of"] == "api"
    assert report.status("tls") == "ok", report.text()


def test_a_private_zone_instead_of_private_dns(scene):
    """One's own zone with the endpoint's addresses does as well."""
    scene.cloud.patch(f"vpcEndpoints/{VPCE}", privateDns=False)
    scene.cloud.add("hostedZones", name=HOST, vpc=VPC,
                    a=[interface["address"] for interface in scene.cloud.get("interfaces")])
    report = scene.doctor()
    assert (report.code, report.notable) == (0, "private-dns")
    assert "nevertheless" in report["private-dns"]["why"]


def test_what_follows_from_a_failure_is_no_failure(scene):
    scene.cloud.patch(f"vpcEndpoints/{VPCE}", privateDns=False)
    report = scene.doctor()
    assert [key for key in HOPS if report.status(key) == "fail"] == ["private-dns"]
    for key in ("name", "answer", "tcp", "greeting", "tls"):
        assert report[key]["because_of"] == "private-dns"


def test_two_failures_are_both_told(scene):
    scene.cloud.patch(f"vpcEndpoints/{VPCE}", privateDns=False)
    scene.set(keepalive="400s")
    report = scene.doctor()
    assert [key for key in HOPS if report.status(key) == "fail"] == ["private-dns", "idle"]


def test_states_from_a_file(scene):
    """Another tidblink's state document in place of the API: no key is needed."""
    scene.run("status", "orders", "--config", scene.file)
    with running_proxy(scene):
        pass
    [state] = (scene.dir / "state").glob("*.json")
    scene.set(state_source=f"file:{state}", api_private_key_file=scene.dir / "none")
    report = scene.doctor()
    for key in ("key-files", "api", "api-key", "rights", "clock", "quota"):
        assert report.status(key) == "skip"
    assert report.status("connection") == report.status("tls") == "ok", report.text()


# ---- the running proxy --------------------------------------------------------------------------

@contextlib.contextmanager
def running_proxy(scene):
    import subprocess
    from built import built
    process = subprocess.Popen(
        [built("app/tidblink"), "proxy", "--config", scene.file], env=scene.environment(),
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    try:
        scene.sh(f"tidblink wait --for active --max 20s --config {scene.file}")
        yield process
    finally:
        process.terminate()
        process.communicate(timeout=SECONDS)


def test_what_the_running_proxy_sees(scene):
    with running_proxy(scene):
        report = scene.doctor()
        assert report.status("proxy") == "ok", report.text()
        assert "new connections: allow; 2 addresses" in report["proxy"]["saw"]
        scene.cloud.patch(f"endpoints/{ENDPOINT}", state="PENDING",
                          then=[{"afterSeconds": 4, "state": "ACTIVE"}])
        report = scene.doctor()
        # The proxy may not have seen it yet, so it is the API that is asked.
        assert report.first == "connection"
        assert report["connection"]["fix"].startswith("tidblink endpoint wait orders")
        scene.sh(report["connection"]["fix"])
        assert wait_until_fine(scene, "proxy").status("connection") == "ok"


def test_a_proxy_that_does_not_serve_the_cluster(scene):
    with running_proxy(scene):
        text = scene.file.read_text()
        scene.file.write_text(text.replace("[cluster orders]", "[cluster other]"))
        done = scene.text("other", "--json")
        [proxy] = [hop for hop in json.loads(done.stdout)["clusters"][0]["hops"]
                   if hop["hop"] == "proxy"]
        assert proxy["status"] == "warn"
        assert "does not serve other" in proxy["saw"]


def test_a_proxy_that_hangs(scene):
    path = str(scene.dir / "admin.sock")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen(1)
        assert "did not answer in time" in scene.doctor()["proxy"]["saw"]
    assert UnixConnection(path)


# ---- the command --------------------------------------------------------------------------------

STATUS_LINE = re.compile(r"^(ok   |warn |FAIL |skip ) \S")


def test_lines_can_be_read_aloud_and_copied(scene):
    """A word first, no line over 80 columns but commands, nothing in colour alone."""
    scene.cloud.patch(f"vpcEndpoints/{VPCE}", privateDns=False)
    done = scene.text("orders")
    lines = done.stdout.splitlines()
    assert done.returncode == 3
    assert "\033" not in done.stdout
    for line in lines[1:]:
        assert STATUS_LINE.match(line) or line.startswith("      ") or not line or \
            line.startswith("First thing to fix: ") or line == lines[-1], line
        assert len(line) <= 80 or line.startswith("      fix: aws "), line
    assert len([line for line in lines if STATUS_LINE.match(line)]) == len(HOPS)
    assert any(line.startswith("First thing to fix: private DNS: ") for line in lines)


def test_colour_on_a_terminal_only(scene):
    def shown(**environment):
        master, slave = pty.openpty()
        import subprocess
        from built import built
        env = {**scene.environment(), **environment}
        with subprocess.Popen([built("app/tidblink"), "doctor", "orders", "--config", scene.file],
                              env=env, stdin=subprocess.DEVNULL, stdout=slave) as process:
            os.close(slave)
            text = b""
            with contextlib.suppress(OSError):  # its end
                while part := os.read(master, 65536):
                    text += part
            assert process.wait(SECONDS) == 0
        os.close(master)
        return text.decode()

    assert "\033[32mok\033[0m    configuration: " in shown(NO_COLOR="")
    assert "\033" not in shown(NO_COLOR="1")


def test_each_cluster_of_the_file(scene):
    text = scene.file.read_text()
    scene.file.write_text(text + f"[cluster gone]\ncluster-id = 1\ntls-ca = {scene.pair.ca}\n")
    done = scene.text("--json")
    clusters = json.loads(done.stdout)["clusters"]
    assert [cluster["alias"] for cluster in clusters] == ["orders", "gone"]
    assert [cluster.get("first") for cluster in clusters] == [None, "cluster"]
    assert done.returncode == 3
    done = scene.text()
    assert re.findall(r"^(?:orders|gone)$", done.stdout, re.M) == ["orders", "gone"]


@pytest.mark.parametrize("words,text", [
    (["--keepalife=1s"], "unknown option"), (["orders", "other"], "one CLUSTER"),
    (["orders", "--json=maybe"], "json")])
def test_wrong_command_lines_are_usage_errors(scene, words, text):
    done = scene.text(*words)
    assert done.returncode == 2
    assert text in done.stderr
    assert done.stdout == ""


def test_no_cluster_at_all(scene):
    scene.file.write_text("")
    done = scene.text()
    assert done.returncode == 2
    assert "no cluster" in done.stderr


def test_a_broken_file_is_a_finding(scene):
    scene.file.write_text("[cluster")
    done = scene.text("orders")
    assert done.returncode == 3
    assert done.stdout.startswith("FAIL  configuration: ")
    assert done.stdout.count("because of: configuration") == len(HOPS) - 1


def test_its_options_are_part_of_the_commands(scene):
    scene.cloud.patch(f"clusters/{CLUSTER}", state="PAUSED")
    report = scene.doctor("--aws-profile", "some one")
    assert report["cluster"]["fix"] == (
        "tidblink setup orders --resume --apply '--aws-profile=some one' "
        f"--config={scene.file}")
