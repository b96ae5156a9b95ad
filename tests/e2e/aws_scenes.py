# SPDX-License-Identifier: Apache-2.0
"""What the tests of the emulated AWS have in common: the IDs of scenarios/setup.json, an emulator of
it that is ready at once, and the steps to a private endpoint."""
import urllib.error
import urllib.parse
import urllib.request

import pytest

from aws_program import AwsError, AwsProgram
from emulator import CLUSTER, GROUP, Emulator

VPC = "vpc-0a1b2c3d4e5f60001"
SUBNET_A, SUBNET_B, SUBNET_D = (f"subnet-0a1b2c3d4e5f6000{n}" for n in (1, 2, 4))
DEFAULT_GROUP, APP_GROUP = "sg-0a1b2c3d4e5f60001", "sg-0a1b2c3d4e5f60002"
MACHINE = "i-0a1b2c3d4e5f60001"
SERVICE = "com.amazonaws.vpce.us-east-1.vpce-svc-0a1b2c3d4e5f67890"
CONNECTIONS = (f"/v1beta1/clusters/{CLUSTER}/tidbNodeGroups/{GROUP}/privateEndpointConnections")
CREATE = ("create-vpc-endpoint", "--vpc-id", VPC, "--service-name", SERVICE,
          "--vpc-endpoint-type", "Interface")


def quick_cloud(**settings):
    """setup.json with a service that is there and steps that take no time."""
    cloud = Emulator("setup.json").start()
    cloud.patch(f"services/{GROUP}", state="ACTIVE")
    cloud.settings(**{"acceptSeconds": 0, "deleteSeconds": 0, "availableSeconds": 0,
                      "deletingSeconds": 0, "requestsPerMinute": 100000, **settings})
    return cloud


@pytest.fixture
def cloud():
    cloud = quick_cloud()
    yield cloud
    cloud.stop()


@pytest.fixture
def aws(cloud, warm_aws):
    return AwsProgram(cloud.aws, warm_aws.shim)


def refused(aws, *arguments, code="InvalidParameter", service="ec2"):
    """The text with which AWS refuses."""
    with pytest.raises(AwsError) as refusal:
        aws.ok(*arguments, service=service)
    assert refusal.value.code == code, refusal.value
    return refusal.value.text


def ec2_post(url, action, **parameters):
    """(status, XML, headers) of one request without the CLI."""
    form = {"Action": action, "Version": "2016-11-15"}
    form.update({name.replace("_", "."): value for name, value in parameters.items()})
    request = urllib.request.Request(url, urllib.parse.urlencode(form).encode())
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=20) as response:
            return response.status, response.read().decode(), response.headers
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode(), error.headers


def create(aws, *arguments, subnets=(SUBNET_A, SUBNET_D)):
    return aws.ok(*CREATE, "--subnet-ids", *subnets, *arguments)["VpcEndpoint"]


def register(cloud, endpoint_id):
    """TiDB Cloud's side; its connection."""
    with cloud.client() as client:
        answer = client.ask("POST", CONNECTIONS, {"endpointId": endpoint_id})
    assert answer.status == 200, answer.body
    return answer.json


def connect(cloud, aws, *arguments):
    """An endpoint that both sides have accepted."""
    endpoint = create(aws, *arguments)
    register(cloud, endpoint["VpcEndpointId"])
    cloud.wait_for(f"vpcEndpoints/{endpoint['VpcEndpointId']}", state="available")
    return endpoint["VpcEndpointId"]


def enable_private_dns(cloud, aws, endpoint_id):
    if not cloud.get(f"vpcs/{VPC}")["dnsHostnames"]:
        aws.ok("modify-vpc-attribute", "--vpc-id", VPC, "--enable-dns-hostnames", '{"Value":true}')
    aws.ok("modify-vpc-endpoint", "--vpc-endpoint-id", endpoint_id, "--private-dns-enabled")


def addresses_of(cloud, endpoint_id):
    return [interface["address"] for interface in cloud.get("interfaces")
            if interface["endpoint"] == endpoint_id]
