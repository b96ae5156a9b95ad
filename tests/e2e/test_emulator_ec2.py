# SPDX-License-Identifier: Apache-2.0
"""The emulator's EC2 as the real aws program sees it: networks, security groups, who may call."""
import time
import urllib.request
import xml.etree.ElementTree as ElementTree
from email.utils import parsedate_to_datetime

import pytest

from aws_program import AwsError, plain_aws
from aws_scenes import (
    APP_GROUP, DEFAULT_GROUP, SERVICE, SUBNET_A, SUBNET_B, SUBNET_D, VPC, aws, cloud,
    connect, create, ec2_post, refused)
from aws_shapes import DATA, Model

pytestmark = pytest.mark.skipif(not plain_aws(), reason="there is no aws program")


# ---- the answers' shapes --------------------------------------------------------------------------

EC2_ANSWERS = [
    ("DescribeVpcs", {}), ("DescribeVpcAttribute", {"Attribute": "enableDnsSupport", "VpcId": VPC}),
    ("ModifyVpcAttribute", {"EnableDnsHostnames.Value": "true", "VpcId": VPC}),
    ("DescribeSubnets", {}), ("DescribeVpcEndpointServices", {}), ("DescribeVpcEndpoints", {}),
    ("CreateVpcEndpoint", {
        "VpcId": VPC, "ServiceName": SERVICE, "VpcEndpointType": "Interface", "ClientToken": "1",
        "SubnetId.1": SUBNET_A, "TagSpecification.1.Tag.1.Key": "a<b",
        "TagSpecification.1.Tag.1.Value": '"&"'}),
    ("DescribeNetworkInterfaces", {}),
    ("DescribeSecurityGroups", {"MaxResults": "5"}),
    *((f"{verb}SecurityGroup{way}", {
        "GroupId": APP_GROUP, "IpPermissions.1.IpProtocol": "tcp",
        "IpPermissions.1.FromPort": "1", "IpPermissions.1.ToPort": "2",
        "IpPermissions.1.IpRanges.1.CidrIp": "10.0.0.0/8",
        "IpPermissions.1.Groups.1.GroupId": DEFAULT_GROUP,
        "IpPermissions.1.Groups.1.Description": "why <not>"})
      for way in ("Ingress", "Egress") for verb in ("Authorize", "Revoke")),
    ("DeleteVpcEndpoints", {"VpcEndpointId.1": "vpce-1"}),
]


@pytest.mark.skipif(not DATA.exists(), reason="there are no models of the AWS CLI")
def test_every_answer_has_the_shape_that_the_cli_reads(cloud, aws):
    model = Model("ec2", "2016-11-15")
    connect(cloud, aws)
    cloud.patch(f"vpcEndpoints/{cloud.get('vpcEndpoints')[0]['id']}", message="it failed")
    for action, parameters in EC2_ANSWERS:
        status, text, headers = ec2_post(cloud.aws, action, **parameters)
        assert status == 200, text
        assert headers["Content-Type"] == "text/xml;charset=UTF-8"
        seen = model.check(action, text)
        if action == "RevokeSecurityGroupIngress":
            continue
        assert len(seen) > 1 or action.startswith(("Modify", "Revoke")), (action, seen)


def test_errors_have_the_shape_that_the_cli_reads(cloud):
    for action, code in (("DescribeVolumes", "InvalidAction"), ("", "InvalidAction"),
                         ("DescribeVpcAttribute", "MissingParameter")):
        status, text, _ = ec2_post(cloud.aws, action)
        root = ElementTree.fromstring(text)
        assert status == 400 and root.tag == "Response"
        assert root.findtext("Errors/Error/Code") == code
        assert root.findtext("Errors/Error/Message") and len(root.findtext("RequestID")) == 36


# ---- networks -------------------------------------------------------------------------------------

def test_vpcs(cloud, aws):
    vpc, = aws.ok("describe-vpcs", "--vpc-ids", VPC)["Vpcs"]
    assert (vpc["CidrBlock"], vpc["State"]) == ("127.77.0.0/16", "available")
    assert vpc["CidrBlockAssociationSet"][0]["CidrBlock"] == "127.77.0.0/16"
    assert {"Key": "Name", "Value": "apps"} in vpc["Tags"]
    assert refused(aws, "describe-vpcs", "--vpc-ids", "vpc-1", code="InvalidVpcID.NotFound") == \
        "The vpc ID 'vpc-1' does not exist"
    made = cloud.add("vpcs", cidr="10.9.0.0/16", region="eu-west-1")
    assert made["id"].startswith("vpc-0") and len(made["id"]) == len("vpc-") + 17
    assert len(aws.ok("describe-vpcs")["Vpcs"]) == 1  # that one is in another region
    assert aws.ok("describe-vpcs", "--region", "eu-west-1")["Vpcs"][0]["VpcId"] == made["id"]
    refused(aws, "describe-vpcs", "--vpc-ids", made["id"], code="InvalidVpcID.NotFound")


@pytest.mark.parametrize("attribute, option, field, before", [
    ("enableDnsSupport", "--enable-dns-support", "dnsSupport", True),
    ("enableDnsHostnames", "--enable-dns-hostnames", "dnsHostnames", False)])
def test_vpc_attributes(cloud, aws, attribute, option, field, before):
    def seen():
        answer = aws.ok("describe-vpc-attribute", "--vpc-id", VPC, "--attribute", attribute)
        return answer[attribute[0].upper() + attribute[1:]]["Value"]
    assert seen() is before
    value = f'{{"Value":{str(not before).lower()}}}'
    assert aws.ok("modify-vpc-attribute", "--vpc-id", VPC, option, value) is None
    assert seen() is (not before) is cloud.get(f"vpcs/{VPC}")[field]
    refused(aws, "modify-vpc-attribute", "--vpc-id", "vpc-1", option, value,
            code="InvalidVpcID.NotFound")


def test_two_attributes_at_once(aws):
    refused(aws, "modify-vpc-attribute", "--vpc-id", VPC, "--enable-dns-support",
            '{"Value":true}', "--enable-dns-hostnames", '{"Value":true}',
            code="InvalidParameterCombination")


def test_subnets(cloud, aws):
    subnets = aws.ok("describe-subnets", "--filters", f"Name=vpc-id,Values={VPC}")["Subnets"]
    assert [(s["SubnetId"], s["AvailabilityZone"], s["AvailabilityZoneId"]) for s in subnets] == [
        (SUBNET_A, "us-east-1a", "use1-az1"), (SUBNET_B, "us-east-1b", "use1-az2"),
        (SUBNET_D, "us-east-1d", "use1-az4")]
    assert [s["AvailableIpAddressCount"] for s in subnets] == [250, 251, 251]
    assert len(aws.ok("describe-subnets", "--filters", "Name=availability-zone,Values=*b,*d",
                      "Name=tag:Name,Values=apps-d")["Subnets"]) == 1
    assert aws.ok("describe-subnets", "--subnet-ids", SUBNET_B)["Subnets"][0]["VpcId"] == VPC
    refused(aws, "describe-subnets", "--subnet-ids", "subnet-1", code="InvalidSubnetID.NotFound")
    assert "colour" in refused(aws, "describe-subnets", "--filters", "Name=colour,Values=red",
                               code="InvalidParameterValue")


def test_interfaces(cloud, aws):
    endpoint = create(aws)
    found = aws.ok("describe-network-interfaces", "--network-interface-ids",
                   *endpoint["NetworkInterfaceIds"])["NetworkInterfaces"]
    assert [(i["PrivateIpAddress"], i["SubnetId"], i["AvailabilityZone"]) for i in found] == [
        ("127.77.1.4", SUBNET_A, "us-east-1a"), ("127.77.4.4", SUBNET_D, "us-east-1d")]
    assert found[0]["Groups"] == [{"GroupName": "default", "GroupId": DEFAULT_GROUP}]
    assert len(aws.ok("describe-network-interfaces", "--filters",
                      f"Name=subnet-id,Values={SUBNET_D}")["NetworkInterfaces"]) == 1
    refused(aws, "describe-network-interfaces", "--network-interface-ids", "eni-1",
            code="InvalidNetworkInterfaceID.NotFound")
    cloud.patch(f"interfaces/{found[0]['NetworkInterfaceId']}", address="127.77.1.99")
    assert aws.ok("describe-network-interfaces")["NetworkInterfaces"][0]["PrivateIpAddress"] == \
        "127.77.1.99"


def test_another_instance_gets_an_address(cloud):
    cloud.remove("instance")
    made = cloud.add("instance", vpc=VPC, subnet=SUBNET_B)
    assert made["id"].startswith("i-0")
    assert cloud.get(f"instance/{made['id']}")["address"] == "127.77.2.4"


# ---- security groups ------------------------------------------------------------------------------

def permissions(aws, side="IpPermissions", group=APP_GROUP):
    return aws.ok("describe-security-groups", "--group-ids", group)["SecurityGroups"][0][side]


def test_rules_come_and_go(cloud, aws):
    added = aws.ok("authorize-security-group-ingress", "--group-id", APP_GROUP, "--ip-permissions",
                   "IpProtocol=tcp,FromPort=4000,ToPort=4000,"
                   f"UserIdGroupPairs=[{{GroupId={DEFAULT_GROUP},Description=tidb}}],"
                   "IpRanges=[{CidrIp=10.0.0.0/16}]")
    assert added["Return"] and len(added["SecurityGroupRules"]) == 2
    assert cloud.get(f"securityGroups/{APP_GROUP}")["ingress"] == [
        "tcp 22 from 127.77.0.0/16", f"tcp 4000 from {DEFAULT_GROUP} # tidb",
        "tcp 4000 from 10.0.0.0/16"]
    seen = permissions(aws)
    assert len(seen) == 2  # gathered by port
    assert seen[1]["UserIdGroupPairs"] == [
        {"Description": "tidb", "GroupId": DEFAULT_GROUP, "UserId": "123456789012"}]
    assert seen[1]["IpRanges"] == [{"CidrIp": "10.0.0.0/16"}]

    again = ("authorize-security-group-ingress", "--group-id", APP_GROUP, "--protocol", "tcp",
             "--port", "4000", "--source-group", DEFAULT_GROUP)
    assert refused(aws, *again, code="InvalidPermission.Duplicate") == (
        f'the specified rule "peer: {DEFAULT_GROUP}, TCP, from port: 4000, to port: 4000, ALLOW" '
        "already exists")
    rule = added["SecurityGroupRules"][1]["SecurityGroupRuleId"]
    aws.ok("revoke-security-group-ingress", "--group-id", APP_GROUP, "--security-group-rule-ids",
           rule)
    refused(aws, "revoke-security-group-ingress", "--group-id", APP_GROUP,
            "--security-group-rule-ids", rule, code="InvalidSecurityGroupRuleId.NotFound")
    aws.ok("revoke-security-group-ingress", *again[1:])
    assert refused(aws, "revoke-security-group-ingress", *again[1:],
                   code="InvalidPermission.NotFound") == \
        "The specified rule does not exist in this security group."
    assert len(permissions(aws)) == 1


def test_egress(cloud, aws):
    everything = [{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}], "Ipv6Ranges": [],
                   "PrefixListIds": [], "UserIdGroupPairs": []}]
    assert permissions(aws, "IpPermissionsEgress") == everything
    aws.ok("revoke-security-group-egress", "--group-id", APP_GROUP, "--ip-permissions",
           "IpProtocol=-1,IpRanges=[{CidrIp=0.0.0.0/0}]")
    aws.ok("authorize-security-group-egress", "--group-id", APP_GROUP, "--ip-permissions",
           f"IpProtocol=tcp,FromPort=4000,ToPort=4001,UserIdGroupPairs=[{{GroupId={DEFAULT_GROUP}}}]")
    assert cloud.get(f"securityGroups/{APP_GROUP}")["egress"] == [
        f"tcp 4000-4001 to {DEFAULT_GROUP}"]


@pytest.mark.parametrize("permission, code", [
    ("IpProtocol=tcp,FromPort=4000,ToPort=4000,UserIdGroupPairs=[{GroupId=sg-1}]",
     "InvalidGroup.NotFound"),
    ("IpProtocol=tcp,FromPort=4000,ToPort=70000,IpRanges=[{CidrIp=10.0.0.0/8}]",
     "InvalidParameterValue"),
    ("IpProtocol=tcp,FromPort=4000,ToPort=4000,IpRanges=[{CidrIp=ten}]", "InvalidParameterValue"),
    ("IpProtocol=tcp,FromPort=4000,ToPort=4000", "MissingParameter"),
])
def test_rules_that_are_none(aws, permission, code):
    refused(aws, "authorize-security-group-ingress", "--group-id", APP_GROUP, "--ip-permissions",
            permission, code=code)
    refused(aws, "authorize-security-group-ingress", "--group-id", "sg-1", "--ip-permissions",
            permission, code="InvalidGroup.NotFound")


# ---- who may call ---------------------------------------------------------------------------------

def test_every_key_works_until_the_scenario_has_some(cloud, aws):
    aws.ok("describe-vpcs")
    cloud.add("credentials", accessKeyId="AKIAOTHER")
    assert refused(aws, "describe-vpcs", code="AuthFailure") == \
        "AWS was not able to validate the provided access credentials"
    assert cloud.requests()[-1]["status"] == 401
    cloud.add("credentials", accessKeyId="AKIAEXAMPLE")
    aws.ok("describe-vpcs")
    cloud.patch("credentials/AKIAEXAMPLE", expired=True)
    assert refused(aws, "describe-vpcs", code="RequestExpired") == "Request has expired."
    assert ec2_post(cloud.aws, "DescribeVpcs")[0] == 400  # without any key


def test_denied_actions(cloud, aws):
    cloud.add("credentials", accessKeyId="AKIAEXAMPLE", denies=["CreateVpcEndpoint", "DescribeV*"])
    assert refused(aws, "describe-vpcs", code="UnauthorizedOperation") == (
        "You are not authorized to perform this operation. User: "
        "arn:aws:iam::123456789012:user/emulated is not authorized to perform: ec2:DescribeVpcs "
        "because no identity-based policy allows the ec2:DescribeVpcs action")
    assert cloud.requests()[-1]["status"] == 403
    with pytest.raises(AwsError) as refusal:
        create(aws)
    assert "on resource: arn:aws:ec2:us-east-1:123456789012:vpc-endpoint/*" in refusal.value.text
    assert cloud.get("vpcEndpoints") == []
    aws.ok("describe-subnets")


def test_dry_run(cloud, aws):
    assert refused(aws, "describe-vpcs", "--dry-run", code="DryRunOperation") == \
        "Request would have succeeded, but DryRun flag is set."
    cloud.add("credentials", accessKeyId="AKIAEXAMPLE", denies=["DescribeVpcs"])
    refused(aws, "describe-vpcs", "--dry-run", code="UnauthorizedOperation")


def test_clocks(cloud, aws):
    """The Date of every API is the emulator's clock; EC2 believes no signature five minutes off."""
    def ahead(url):
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        opener.addheaders = []
        request = urllib.request.Request(url, b"Action=DescribeVpcs")
        with opener.open(request, timeout=20) as response:
            return parsedate_to_datetime(response.headers["Date"]).timestamp() - time.time()
    assert abs(ahead(cloud.aws)) < 5
    cloud.settings(serverClockSeconds=-200)
    assert abs(ahead(cloud.aws) + 200) < 5
    with cloud.client() as client:
        answer = client.ask("GET", "/v1beta1/regions")
    assert abs(parsedate_to_datetime(answer.headers["Date"]).timestamp() - time.time() + 200) < 5
    aws.ok("describe-vpcs")
    cloud.settings(serverClockSeconds=400)
    refused(aws, "describe-vpcs", code="AuthFailure")
