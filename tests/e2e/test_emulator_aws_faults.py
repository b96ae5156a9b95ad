# SPDX-License-Identifier: Apache-2.0
"""The emulator's faults on AWS's side, lost answers on both, the journal, and the metadata service."""
import json
import subprocess
import time
import urllib.error
import urllib.request

import pytest

from aws_program import AwsError, plain_aws
from aws_scenes import (
    APP_GROUP, CONNECTIONS, CREATE, MACHINE, SUBNET_A, VPC, aws, cloud, create, ec2_post)

pytestmark = pytest.mark.skipif(not plain_aws(), reason="there is no aws program")
ZONES = ("list-hosted-zones-by-vpc", "--vpc-region", "us-east-1", "--vpc-id", VPC)
EARLY_SECONDS = 0.05  # libevent counts a timer from the beginning of the loop's turn


# ---- faults ---------------------------------------------------------------------------------------

def test_aws_error(cloud, aws):
    cloud.fault("awsError", code="RequestLimitExceeded", message="Request limit exceeded.",
                status=503, match="aws DescribeVpcs", count=1)
    aws.ok("describe-subnets")
    with pytest.raises(AwsError) as refusal:
        aws.ok("describe-vpcs")
    assert (refusal.value.code, refusal.value.text) == (
        "RequestLimitExceeded", "Request limit exceeded.")
    assert cloud.requests()[-1]["status"] == 503 and cloud.requests()[-1]["fault"] == "awsError"
    aws.ok("describe-vpcs")
    cloud.fault("awsError", code="UnauthorizedOperation", status=403)  # all of EC2 and Route 53
    for call in (aws.ok, ("describe-vpcs",)), (aws.zones, ZONES):
        with pytest.raises(AwsError) as refusal:
            call[0](*call[1])
        assert refusal.value.code == "UnauthorizedOperation"
    with cloud.client() as client:
        client.get("/v1beta1/regions")  # and nothing of TiDB Cloud


def test_faults_without_match_are_tidb_clouds(cloud, aws):
    cloud.fault("status", status=500)
    aws.ok("describe-vpcs")
    cloud.fault("status", status=500, match="aws Describe", count=1)
    with pytest.raises(AwsError) as refusal:
        aws.ok("describe-vpcs")
    assert refusal.value.code == "InternalError"


def test_delay_and_hang(cloud, aws):
    cloud.fault("delay", delaySeconds=0.3, match="aws ", count=1)
    before = time.monotonic()
    assert ec2_post(cloud.aws, "DescribeVpcs")[0] == 200
    assert time.monotonic() - before >= 0.3 - EARLY_SECONDS
    cloud.fault("hang", match="aws DescribeVpcs", count=1)
    with pytest.raises(subprocess.TimeoutExpired):
        aws.run("ec2", "describe-vpcs", timeout=1)
    assert aws.run("ec2", "--cli-read-timeout", "1", "describe-vpcs").returncode == 0


@pytest.mark.parametrize("does", ["cut", "malformed", "huge"])
def test_spoiled_answers(cloud, aws, does):
    cloud.fault(does, match="aws DescribeVpcs", megabytes=2, count=1)
    done = aws.run("ec2", "describe-vpcs")
    assert (done.returncode, done.stdout) == (255, "") or does == "huge"
    aws.ok("describe-vpcs")


def test_a_lost_answer_of_ec2(cloud, aws):
    cloud.fault("lose", match="aws CreateVpcEndpoint", count=1)
    command = (*CREATE, "--subnet-ids", SUBNET_A, "--client-token", "t")
    done = aws.run("ec2", "--cli-read-timeout", "1", *command)
    assert done.returncode != 0 and "Read timeout" in done.stderr
    made, = cloud.get("vpcEndpoints")  # it was done all the same
    assert cloud.requests()[-1]["fault"] == "lose"
    assert aws.ok(*command)["VpcEndpoint"]["VpcEndpointId"] == made["id"]
    assert len(cloud.get("vpcEndpoints")) == 1


def test_a_lost_answer_of_tidb_cloud(cloud, aws):
    made = create(aws)["VpcEndpointId"]
    cloud.settings(acceptSeconds=60)
    cloud.fault("lose", match="POST /v1beta1/", count=1)
    code, _ = cloud.curl(CONNECTIONS, "--max-time", "1", "--data", json.dumps({"endpointId": made}))
    assert code == 28
    connection, = cloud.get("endpoints")
    assert (connection["endpointId"], connection["state"]) == (made, "PENDING")
    assert [r.get("fault") for r in cloud.requests()][-2:] == [None, "lose"]  # not the challenge
    with cloud.client() as client:
        assert client.ask("POST", CONNECTIONS, {"endpointId": made}).status == 409


# ---- the journal ----------------------------------------------------------------------------------

def test_one_journal_for_all(cloud, aws):
    cloud.clear_requests()
    aws.ok("describe-vpcs")
    with cloud.client() as client:
        client.ask("GET", "/v1beta1/regions")
    assert aws.run("route53", *ZONES, "--vpc-id", "vpc-1").returncode != 0
    metadata(cloud, "instance-id")
    seen = cloud.requests()
    assert [(r.get("service"), r.get("action"), r["status"]) for r in seen] == [
        ("ec2", "DescribeVpcs", 200), (None, None, 401), (None, None, 200),
        ("route53", "ListHostedZonesByVPC", 400), ("imds", None, 200), ("imds", None, 200)]
    first = seen[0]["number"]
    assert [r["number"] for r in seen] == list(range(first, first + 6))
    assert seen[0]["key"] == "AKIAEXAMPLE" and seen[3]["error"] == "InvalidVPCId"


# ---- the metadata service -------------------------------------------------------------------------

def ask(cloud, method, path, **headers):
    request = urllib.request.Request(
        cloud.metadata + path, method=method,
        headers={name.replace("_", "-"): value for name, value in headers.items()})
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=20) as response:
            return response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def token_of(cloud, seconds="60"):
    status, token = ask(cloud, "PUT", "/latest/api/token",
                        X_aws_ec2_metadata_token_ttl_seconds=seconds)
    assert status == 200
    return token


def metadata(cloud, path):
    return ask(cloud, "GET", f"/latest/meta-data/{path}", X_aws_ec2_metadata_token=token_of(cloud))


def test_metadata(cloud):
    mac = "02:00:7f:4d:01:0a"
    for path, value in {
            "instance-id": MACHINE, "local-ipv4": "127.77.1.10", "mac": mac,
            "placement/region": "us-east-1", "placement/availability-zone": "us-east-1a",
            "placement/availability-zone-id": "use1-az1", "network/interfaces/macs/": mac + "/",
            "network/interfaces/macs": mac + "/", "network": "interfaces/",
            f"network/interfaces/macs/{mac}/vpc-id": VPC,
            f"network/interfaces/macs/{mac}/subnet-id": SUBNET_A,
            f"network/interfaces/macs/{mac}/security-group-ids": APP_GROUP,
            f"network/interfaces/macs/{mac}/vpc-ipv4-cidr-block": "127.77.0.0/16",
            f"network/interfaces/macs/{mac}/vpc-ipv4-cidr-blocks": "127.77.0.0/16",
            f"network/interfaces/macs/{mac}/subnet-ipv4-cidr-block": "127.77.1.0/24",
            "placement/": "availability-zone\navailability-zone-id\nregion"}.items():
        assert metadata(cloud, path) == (200, value), path
    for root in "", "/":
        assert "placement/\n" in ask(
            cloud, "GET", "/latest/meta-data" + root, X_aws_ec2_metadata_token=token_of(cloud))[1]
    for path in "nothing", "placement/nothing", "network/interfaces/macs/02:00:00:00:00:00/vpc-id":
        assert metadata(cloud, path)[0] == 404
    cloud.patch(f"instance/{MACHINE}", securityGroups=["sg-1", "sg-2"], region="eu-west-1")
    assert metadata(cloud, f"network/interfaces/macs/{mac}/security-group-ids")[1] == "sg-1\nsg-2"
    assert metadata(cloud, "placement/region")[1] == "eu-west-1"


def test_metadata_tokens(cloud):
    path = "/latest/meta-data/instance-id"
    assert ask(cloud, "GET", path)[0] == 401
    assert ask(cloud, "GET", path, X_aws_ec2_metadata_token="made-up")[0] == 401
    assert ask(cloud, "PUT", "/latest/api/token")[0] == 400
    assert ask(cloud, "PUT", "/latest/api/token", X_Forwarded_For="10.0.0.1",
               X_aws_ec2_metadata_token_ttl_seconds="60")[0] == 403
    token = token_of(cloud, "1")
    assert ask(cloud, "GET", path, X_aws_ec2_metadata_token=token)[0] == 200
    deadline = time.monotonic() + 10
    while ask(cloud, "GET", path, X_aws_ec2_metadata_token=token)[0] != 401:
        assert time.monotonic() < deadline
    cloud.fault("status", status=503, match="imds /latest/meta-data", count=1)
    assert metadata(cloud, "instance-id")[0] == 503
    assert metadata(cloud, "instance-id")[0] == 200


def test_no_metadata_off_ec2(cloud):
    cloud.remove(f"instance/{MACHINE}")
    assert ask(cloud, "GET", "/latest/meta-data/instance-id")[0] == 404
    assert ask(cloud, "PUT", "/latest/api/token",
               X_aws_ec2_metadata_token_ttl_seconds="60")[0] == 404


def test_the_cli_finds_its_region_there(cloud, aws):
    """The real CLI's own client of the metadata service agrees with ours."""
    del aws.environment["AWS_REGION"]
    aws.environment.update(AWS_EC2_METADATA_DISABLED="false",
                           AWS_EC2_METADATA_SERVICE_ENDPOINT=cloud.metadata + "/")
    assert aws.ok("describe-vpcs")["Vpcs"][0]["VpcId"] == VPC
    assert [r["path"] for r in cloud.requests() if r.get("service") == "imds"][-1].startswith(
        "/latest/meta-data/placement/")
