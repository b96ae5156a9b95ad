# SPDX-License-Identifier: Apache-2.0
"""tidblink doctor: in a world where all is well each hop is broken, one at a time. Doctor must name
that hop as the first one to fix, and what it says must repair it: a command is run by a shell as it
is printed, anything else is done by hand as the text says."""
import re
import socket

import pytest

from doctor_breaks import BREAKS
from doctor_scene import HOPS, IN_AWS, IP_A, MACHINE, NET, OTHER_VPC, OWN_GROUP, VPC, \
    VPCE, follow_to_the_end, other_account, running_proxy, wait_until_fine
from emulator import CLUSTER, ENDPOINT, HOST
from fake_tidb import Plan

# To break one of these AWS need not be looked at, which takes most of the time.
NOT_IN_AWS = {"configuration", "key-files", "api", "api-key", "rights", "clock", "quota", "group",
              "servers-agree", "greeting", "tls", "plugin", "idle"}
COMMAND = r"^(aws|tidblink|chmod|timedatectl) "


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
    if broken.soon:
        broken.soon(scene)
    if hop["fix_is_command"]:
        scene.sh(fix, broken.answer)
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
    assert "350 s" in report["idle"]["saw"] and "'wait_timeout'" in report["idle"]["saw"]
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


IN_VPC = ["ec2:DescribeNetworkInterfaces", "ec2:DescribeSubnets", "ec2:DescribeVpcs"]


@pytest.mark.parametrize("denied", [IN_VPC[:1], IN_VPC[:2], IN_VPC])
@pytest.mark.parametrize("egress,seen", [
    ("all to 0.0.0.0/0", "lets port 4000 out"), (f"tcp 4000 to {NET}.0.0/16", "lets port 4000 out"),
    ("tcp 443 to 0.0.0.0/0", "does not let port 4000 out")], ids=["all", "vpc", "other-port"])
def test_the_way_out_to_addresses_that_are_not_known(scene, denied, egress, seen):
    """An endpoint whose interfaces may not be seen is in its subnets, and those are in the VPC."""
    scene.cloud.add("credentials", accessKeyId="AKIAEXAMPLE", denies=denied)
    scene.cloud.patch(f"securityGroups/{OWN_GROUP}", egress=[egress])
    egress_hop = scene.doctor()["egress"]
    if denied == IN_VPC and not egress.startswith("all"):
        assert egress_hop["status"] == "skip"
        assert "addresses are not known: " in egress_hop["saw"]
        assert "ec2:DescribeNetworkInterfaces" in egress_hop["saw"]
    else:
        assert seen in egress_hop["saw"]


def test_credentials_of_another_account(scene):
    """AWS shows them nothing of an endpoint that carries connections: nothing is to be deleted."""
    with other_account() as account:
        scene.set(aws_endpoint_url=account.aws)
        report = scene.doctor()
        assert (report.code, report.notable) == (0, "endpoint"), report.text()
        assert f"AWS does not show {VPCE} to these credentials" in report["endpoint"]["saw"]
        assert report["endpoint"]["fix"].endswith(": aws sts get-caller-identity")
        assert all(report.status(key) == "skip" for key in IN_AWS if key not in ("aws", "endpoint"))
        assert report.status("tls") == "ok"
        assert "--yes" not in report.text() and "delete" not in report.text()
        # Nor without anybody who tells what TiDB Cloud shows, and a name that does not resolve.
        scene.set(api_public_key_file=None, api_private_key_file=None)
        scene.set_cluster(endpoint_id=VPCE, host="gone." + HOST, port=4000)
        report = scene.doctor()
        assert report.first == "endpoint", report.text()
        assert "look first" in report["endpoint"]["fix"] and "--yes" not in report.text()


def test_a_cluster_on_google_cloud(scene):
    scene.cloud.patch(f"clusters/{CLUSTER}", region="gcp-us-east1")
    report = scene.doctor()
    assert all(report.status(key) == "skip" for key in IN_AWS)
    assert "Google Cloud" in report["aws"]["saw"]
    assert report.status("tls") == "ok", report.text()
    assert not [request for request in scene.cloud.requests() if "aws" in request["path"]]


@pytest.mark.parametrize("region,name,resolver", [
    ("gcp-us-east1", "Google Cloud", "169.254.169.254"),
    ("azure-eastus2", "Azure", "168.63.129.16"),
    ("alicloud-ap-southeast-1", "Alibaba Cloud", "100.100.2.136"),
    ("oracle-iad", "another cloud", None)])
def test_other_clouds_have_other_resolvers(scene, region, name, resolver):
    """And nothing was looked at in AWS that could be right."""
    if region != "gcp-us-east1":
        scene.cloud.add("regions", id=region, displayName=region)
    scene.cloud.patch(f"clusters/{CLUSTER}", region=region)
    scene.set(dns_servers="%s:%d" % scene.cloud.public_dns)
    hop = scene.doctor()["name"]
    assert (hop["status"], hop["fix_is_command"]) == ("fail", False)
    assert name in hop["why"]
    assert "AWS" not in hop["why"] and "169.254.169.253" not in hop["fix"]
    assert f"dns-servers = {resolver}" in hop["fix"] if resolver else "own resolver" in hop["fix"]


def test_what_was_not_seen_in_aws_is_not_called_right(scene):
    """A right is denied, or nobody knows the endpoint."""
    scene.set(dns_servers="%s:%d" % scene.cloud.public_dns)
    assert "seems to be right in AWS" in scene.doctor()["name"]["why"]
    scene.cloud.add("credentials", accessKeyId="AKIAEXAMPLE", denies=["ec2:DescribeVpcAttribute"])
    assert "AWS could not be looked at" in scene.doctor()["name"]["why"]
    scene.set(aws_cli="off", api_url="https://127.0.0.1:1")
    scene.set_cluster(host=HOST, port=4000)
    name = scene.doctor()["name"]
    assert "AWS could not be looked at" in name["why"]
    assert "dns-servers" in name["fix"]


def test_servers_that_are_near_are_not_public(scene):
    """The clouds' own resolvers and caches on the node have link-local addresses, or such."""
    scene.set(aws_cli="off", dns_servers="169.254.20.10, 169.254.169.254, 168.63.129.16, fe80::1")
    scene.set_cluster(host=IP_A, port=4000)  # which nobody has to be asked for
    report = scene.doctor()
    assert report.status("dns-servers") == "ok", report.text()
    assert "public" not in report["dns-servers"]["saw"]
    scene.set(dns_servers="169.254.169.253")
    assert "the VPC's resolver" in scene.doctor()["dns-servers"]["saw"]
    scene.set(dns_servers="203.0.113.53")
    assert scene.doctor().first == "dns-servers"


def test_tls_that_the_proxy_does_not_verify(scene_without_cli):
    """Without tls-ca the application's own TLS goes through; what it will be shown is told."""
    scene = scene_without_cli
    scene.set_cluster(tls_ca=None)
    tls = scene.doctor()["tls"]
    assert (tls["status"], tls["details"]["names"]) == ("ok", HOST)
    assert tls["details"]["issuer"] and tls["details"]["not_after"]
    assert re.match(r"TLSv1\.3, not verified \(no tls-ca; the application's own TLS goes end to end"
                    rf"\), until \d+-\d\d-\d\d, issued by /.*, for {HOST}$", tls["saw"])
    scene.server.plan = Plan(at={"hello": "cut"})
    tls = scene.doctor()["tls"]
    assert (tls["status"], "broke off" in tls["why"]) == ("warn", True), tls
    scene.server.plan = Plan(strip_ssl=True)
    tls = scene.doctor()["tls"]
    assert (tls["status"], tls["saw"]) == ("skip", "the application's own (this server offers none)")


def test_off_ec2_the_endpoints_vpc_is_looked_at(scene):
    scene.cloud.remove(f"instance/{MACHINE}")
    scene.cloud.remove(f"vpcs/{OTHER_VPC}")
    report = scene.doctor()
    assert report.first is None, report.text()
    assert report.status("vpc") == "skip"
    assert report.status("vpc-dns") == "ok"


def test_a_dns_server_that_is_not_there(scene_without_cli):
    """What refuses is there: no firewall is to be suspected."""
    with socket.socket(type=socket.SOCK_DGRAM) as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    scene_without_cli.set(dns_servers=f"127.0.0.1:{port}")
    name = scene_without_cli.doctor()["name"]
    assert "connection refused" in name["saw"]
    assert "no DNS server listens" in name["why"] and "nothing came back" not in name["why"]


def test_what_a_prefix_list_holds_is_not_known(scene):
    BREAKS["security group lets in what a list holds"].do(scene)
    report = scene.doctor()
    ingress = report["ingress"]
    assert (report.first, ingress["status"]) == ("tcp", "warn"), report.text()
    assert "from the prefix list pl-0a1b2c3d4e5f60001" in ingress["saw"]
    assert "is not known" in ingress["why"]
    assert re.search("aws ec2 get-managed-prefix-list-entries .*pl-0a1b2c3d4e5f60001$",
                     ingress["fix"])
    assert "a prefix list in the endpoint's security groups" in report["tcp"]["why"]


def test_a_laptop_knows_no_vpc(scene):
    """Which is no VPC without an endpoint: of two endpoints none is known to be ours."""
    scene.cloud.remove(f"instance/{MACHINE}")
    scene.cloud.remove(f"endpoints/{ENDPOINT}")
    scene.cloud.remove(f"vpcEndpoints/{VPCE}")
    report = scene.doctor()
    assert report.first == "connection"
    assert report["endpoint"]["status"] == "skip"
    assert f"set vpc-id in {scene.file}" in report["endpoint"]["saw"]
    scene.set(api_url="https://127.0.0.1:1")
    scene.set_cluster(host=HOST, port=4000)
    report = scene.doctor()
    assert report.first == "api"
    assert "set endpoint-id or vpc-id" in report["aws"]["saw"]


def test_no_api_key_at_all(scene):
    """Doctor works with what it has: here host and port."""
    scene.set(api_public_key_file=None, api_private_key_file=None)
    scene.set_cluster(host=HOST, port=4000)
    report = scene.doctor()
    assert (report.code, report.notable) == (0, "key-files"), report.text()
    assert "make a key" in report["key-files"]["fix"]
    for key in ("api", "api-key", "rights", "clock", "quota", "cluster", "connection"):
        assert (report.status(key), report[key]["saw"]) == ("skip", "not looked at (see: key files)")
    assert report.status("tls") == "ok", report.text()


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


def test_a_zone_above_the_name_is_no_conflict(scene):
    """The most specific zone answers, and that is the endpoint's."""
    scene.cloud.add("hostedZones", name=HOST.partition(".")[2], vpc=VPC, a=["127.0.0.9"])
    scene.set(dns_servers="%s:%d" % scene.cloud.public_dns)
    report = scene.doctor()
    assert report.first == "name"
    assert "dns-servers" in report["name"]["fix"]


def test_a_zone_above_the_name_has_other_names(scene):
    """Without private DNS it answers; who leaves it loses the others."""
    scene.cloud.patch(f"vpcEndpoints/{VPCE}", privateDns=False)
    scene.cloud.add("hostedZones", name=HOST.partition(".")[2], vpc=VPC, a=[])
    name = scene.doctor()["name"]
    assert name["because_of"] == "private-dns"
    scene.cloud.remove(f"instance/{MACHINE}")
    scene.set(vpc_id=VPC)
    scene.cloud.add("credentials", accessKeyId="AKIAEXAMPLE", denies=["ec2:DescribeVpcEndpoints"])
    name = scene.doctor()["name"]
    assert "does not know its other names either" in name["why"], name
    assert name["fix"].startswith("aws route53 disassociate-vpc-from-hosted-zone ")
    scene.cloud.patch("credentials/AKIAEXAMPLE",
                      denies=["ec2:DescribeVpcEndpoints", "route53:GetHostedZone"])
    name = scene.doctor()["name"]
    assert "only if it is in another VPC as well" in name["why"]
    assert name["fix"].startswith("delete its record")


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
    scene.set_cluster(cluster_id="10000000000000000001")
    assert scene.doctor().first == "cluster"
