# SPDX-License-Identifier: Apache-2.0
"""The emulator's private endpoints: AWS's side and TiDB Cloud's, and what each does to the other."""
import pytest

from api_client import ApiClient
from aws_program import plain_aws
from aws_scenes import (
    APP_GROUP, CONNECTIONS, CREATE, DEFAULT_GROUP, SERVICE, SUBNET_A, SUBNET_B, SUBNET_D, VPC,
    addresses_of, aws, cloud, connect, create, enable_private_dns, refused, register)
from dns_client import dns_query
from emulator import GROUP, HOST, PRIVATE_KEY, PUBLIC_KEY, Emulator

pytestmark = pytest.mark.skipif(not plain_aws(), reason="there is no aws program")


def endpoint_of(aws, endpoint_id):
    return aws.ok("describe-vpc-endpoints", "--vpc-endpoint-ids", endpoint_id)["VpcEndpoints"][0]


# ---- the service ----------------------------------------------------------------------------------

def test_the_service(cloud, aws):
    found = aws.ok("describe-vpc-endpoint-services", "--service-names", SERVICE)
    assert found["ServiceNames"] == [SERVICE]
    detail, = found["ServiceDetails"]
    assert detail["AvailabilityZones"] == ["us-east-1a", "us-east-1d"]
    assert detail["PrivateDnsName"] == HOST and detail["AcceptanceRequired"]
    assert aws.ok("describe-vpc-endpoint-services", "--filters",
                  "Name=service-name,Values=none")["ServiceNames"] == []
    text = refused(aws, "describe-vpc-endpoint-services", "--service-names", "com.none",
                   code="InvalidServiceName")
    assert text == "The Vpc Endpoint Service 'com.none' does not exist"
    cloud.patch(f"services/{GROUP}", state="CREATING")
    refused(aws, "describe-vpc-endpoint-services", "--service-names", SERVICE,
            code="InvalidServiceName")


# ---- creating -------------------------------------------------------------------------------------

def test_created_endpoint(cloud, aws):
    made = create(aws, "--security-group-ids", APP_GROUP, "--tag-specifications",
                  "ResourceType=vpc-endpoint,Tags=[{Key=Name,Value=tidb},{Key=a,Value=b}]")
    assert made["State"] == "pendingAcceptance" and made["PrivateDnsEnabled"] is False
    assert made["SubnetIds"] == [SUBNET_A, SUBNET_D] and len(made["NetworkInterfaceIds"]) == 2
    assert made["Groups"] == [{"GroupId": APP_GROUP, "GroupName": "app"}]
    assert made["Tags"] == [{"Key": "Name", "Value": "tidb"}, {"Key": "a", "Value": "b"}]
    assert len(made["VpcEndpointId"]) == len("vpce-") + 17
    assert endpoint_of(aws, made["VpcEndpointId"]) == made
    assert addresses_of(cloud, made["VpcEndpointId"]) == ["127.77.1.4", "127.77.4.4"]


@pytest.mark.parametrize("wanted, count", [
    (f"Name=vpc-id,Values={VPC}", 1), (f"Name=service-name,Values={SERVICE}", 1),
    ("Name=tag:a,Values=b", 1), ("Name=tag:a,Values=c", 0), ("Name=tag-key,Values=a", 1),
    ("Name=vpc-endpoint-state,Values=pendingAcceptance,pending", 1),
    ("Name=vpc-endpoint-state,Values=available", 0)])
def test_filters_of_endpoints(aws, wanted, count):
    create(aws, "--tag-specifications", "ResourceType=vpc-endpoint,Tags=[{Key=a,Value=b}]")
    assert len(aws.ok("describe-vpc-endpoints", "--filters", wanted)["VpcEndpoints"]) == count


def test_default_group_of_the_vpc(aws):
    assert create(aws)["Groups"] == [{"GroupId": DEFAULT_GROUP, "GroupName": "default"}]


@pytest.mark.parametrize("subnets, more, code, text", [
    ([SUBNET_A, SUBNET_B], [], "InvalidParameter",
     f"The VPC endpoint service {SERVICE} does not support the availability zone of the subnet: "
     f"{SUBNET_B}."),
    (["subnet-1"], [], "InvalidSubnetId.NotFound", "The subnet ID 'subnet-1' does not exist"),
    ([SUBNET_A], ["--security-group-ids", "sg-1"], "InvalidGroup.NotFound",
     "The security group 'sg-1' does not exist"),
    ([SUBNET_A], ["--private-dns-enabled"], "InvalidParameter",
     "Private DNS can only be enabled after the endpoint connection is accepted by the owner of "
     f"{SERVICE}."),
    ([SUBNET_A], ["--vpc-endpoint-type", "Gateway"], "InvalidParameter",
     "Endpoint type (Gateway) does not match available service types ([Interface])."),
    ([SUBNET_A], ["--vpc-id", "vpc-1"], "InvalidVpcID.NotFound",
     "The vpc ID 'vpc-1' does not exist"),
    ([SUBNET_A], ["--service-name", "com.none"], "InvalidServiceName",
     "The Vpc Endpoint Service 'com.none' does not exist"),
    ([SUBNET_A], ["--region", "eu-west-1"], "InvalidVpcID.NotFound",
     f"The vpc ID '{VPC}' does not exist"),
])
def test_endpoint_that_cannot_be(cloud, aws, subnets, more, code, text):
    assert refused(aws, *CREATE, "--subnet-ids", *subnets, *more, code=code) == text
    assert cloud.get("vpcEndpoints") == [] == cloud.get("interfaces")


def test_two_subnets_in_a_zone(cloud, aws):
    second = cloud.add("subnets", vpc=VPC, cidr="127.77.5.0/24", zone="us-east-1a",
                       zoneId="use1-az1")["id"]
    assert refused(aws, *CREATE, "--subnet-ids", SUBNET_A, second,
                   code="DuplicateSubnetsInSameZone") == (
        f"Found another VPC endpoint subnet in the availability zone of {second}. VPC endpoint "
        "subnets should be in different availability zones supported by the VPC endpoint service.")


def test_things_of_another_vpc(cloud, aws):
    other = cloud.add("vpcs", cidr="10.9.0.0/16")["id"]
    subnet = cloud.add("subnets", vpc=other, cidr="10.9.1.0/24", zone="us-east-1a",
                       zoneId="use1-az1")["id"]
    group = cloud.add("securityGroups", vpc=other, name="theirs")["id"]
    refused(aws, *CREATE, "--subnet-ids", subnet)
    refused(aws, *CREATE, "--subnet-ids", SUBNET_A, "--security-group-ids", group)


def test_full_subnet(cloud, aws):
    tiny = cloud.add("subnets", vpc=VPC, cidr="127.77.9.0/28", zone="us-east-1d",
                     zoneId="use1-az4")["id"]
    for _ in range(11):
        assert len(create(aws, subnets=[tiny])["NetworkInterfaceIds"]) == 1
    refused(aws, *CREATE, "--subnet-ids", tiny, code="InsufficientFreeAddressesInSubnet")


def test_client_token(cloud, aws):
    first = create(aws, "--client-token", "once")
    assert create(aws, "--client-token", "once") == first
    connected = register(cloud, first["VpcEndpointId"])
    cloud.wait_for(f"endpoints/{connected['privateEndpointConnectionId']}", state="ACTIVE")
    again = create(aws, "--client-token", "once", subnets=[SUBNET_D, SUBNET_A])
    assert again["VpcEndpointId"] == first["VpcEndpointId"] and again["State"] == "available"
    assert refused(aws, *CREATE, "--subnet-ids", SUBNET_A, "--client-token", "once",
                   code="IdempotentParameterMismatch") == (
        "Arguments on this idempotent request are inconsistent with arguments used in previous "
        "request(s).")
    assert create(aws, "--client-token", "twice")["VpcEndpointId"] != first["VpcEndpointId"]
    assert len(cloud.get("vpcEndpoints")) == 2


def test_listings_lag(cloud, aws):
    cloud.settings(listingLagSeconds=60)
    made = create(aws)["VpcEndpointId"]
    assert aws.ok("describe-vpc-endpoints")["VpcEndpoints"] == []
    assert refused(aws, "describe-vpc-endpoints", "--vpc-endpoint-ids", made,
                   code="InvalidVpcEndpointId.NotFound") == \
        f"The Vpc Endpoint Id '{made}' does not exist"
    cloud.settings(listingLagSeconds=0)
    assert endpoint_of(aws, made)
    cloud.settings(listingLagSeconds=60)
    cloud.settings(listingLagSeconds=0, deletingSeconds=60)
    aws.ok("delete-vpc-endpoints", "--vpc-endpoint-ids", made)
    assert endpoint_of(aws, made)["State"] == "deleting"


# ---- the two sides --------------------------------------------------------------------------------

def test_discovered_registered_available(cloud, aws):
    cloud.settings(acceptSeconds=60, availableSeconds=60)
    made = create(aws)["VpcEndpointId"]
    with cloud.client() as client:
        seen, = client.get(CONNECTIONS)["privateEndpointConnections"]
        assert (seen["endpointId"], seen["endpointState"]) == (made, "DISCOVERED")
        connection = register(cloud, made)
        number = connection["privateEndpointConnectionId"]
        assert number == seen["privateEndpointConnectionId"]
        assert connection["endpointState"] == "PENDING"
        assert endpoint_of(aws, made)["State"] == "pendingAcceptance"
        cloud.patch(f"endpoints/{number}", state="ACTIVE")
        assert endpoint_of(aws, made)["State"] == "pending"
        step, = cloud.get(f"vpcEndpoints/{made}")["then"]
        assert step["state"] == "available"
        cloud.patch(f"vpcEndpoints/{made}", state="available")
        assert client.ask("DELETE", f"{CONNECTIONS}/{number}").status == 200
        cloud.wait_for(f"vpcEndpoints/{made}", state="rejected")
        assert client.get(CONNECTIONS)["totalSize"] == 0  # and it is not discovered again


def test_discovery_takes_its_time(cloud, aws):
    def seen():
        with cloud.client() as client:
            return client.get(CONNECTIONS)["totalSize"]
    cloud.settings(discoverSeconds=60)
    create(aws)
    assert seen() == 0
    cloud.settings(discoverSeconds=0, discovers=False)
    assert seen() == 0
    cloud.settings(discovers=True)
    assert seen() == 1


def test_connection_of_an_endpoint_that_is_not_there(cloud, aws):
    number = register(cloud, "vpce-1")["privateEndpointConnectionId"]
    failed = cloud.wait_for(f"endpoints/{number}", state="FAILED")
    assert failed["message"] == "The VPC Endpoint Id '{vpce-1 []}' does not exist"
    made = connect(cloud, aws)
    aws.ok("delete-vpc-endpoints", "--vpc-endpoint-ids", made)
    connection, = (c for c in cloud.get("endpoints") if c["endpointId"] == made)
    assert connection["state"] == "FAILED" and made in connection["message"]
    aws.ok("delete-vpc-endpoints", "--vpc-endpoint-ids", create(aws)["VpcEndpointId"])
    with cloud.client() as client:  # one that was only discovered leaves nothing
        assert client.get(CONNECTIONS)["totalSize"] == 2


def test_without_vpcs_every_endpoint_is_accepted():
    with Emulator() as cloud, cloud.client() as client:
        cloud.settings(acceptSeconds=0)
        number = client.ask("POST", CONNECTIONS, {"endpointId": "vpce-9"}).json[
            "privateEndpointConnectionId"]
        cloud.wait_for(f"endpoints/{number}", state="ACTIVE")


def test_deleting(cloud, aws):
    cloud.settings(deletingSeconds=60)
    made = connect(cloud, aws)
    gone = aws.ok("delete-vpc-endpoints", "--vpc-endpoint-ids", made, "vpce-1")["Unsuccessful"]
    assert gone == [{"Error": {"Code": "InvalidVpcEndpoint.NotFound",
                               "Message": "The Vpc Endpoint Id 'vpce-1' does not exist"},
                     "ResourceId": "vpce-1"}]
    assert endpoint_of(aws, made)["State"] == "deleting"
    assert aws.ok("delete-vpc-endpoints", "--vpc-endpoint-ids", made)["Unsuccessful"] == []
    refused(aws, "modify-vpc-endpoint", "--vpc-endpoint-id", made, "--add-security-group-ids",
            APP_GROUP, code="IncorrectState")
    cloud.patch(f"vpcEndpoints/{made}", state="deleted")
    assert endpoint_of(aws, made)["State"] == "deleted" and cloud.get("interfaces") == []
    cloud.patch(f"vpcEndpoints/{made}", then=[{"afterSeconds": 0, "remove": True}])
    refused(aws, "describe-vpc-endpoints", "--vpc-endpoint-ids", made,
            code="InvalidVpcEndpointId.NotFound")


def test_groups_and_subnets_change(cloud, aws):
    made = connect(cloud, aws)

    def modify(*arguments):
        assert aws.ok("modify-vpc-endpoint", "--vpc-endpoint-id", made, *arguments) == \
            {"Return": True}
        return endpoint_of(aws, made)
    seen = modify("--add-security-group-ids", APP_GROUP, "--remove-security-group-ids",
                  DEFAULT_GROUP, "--remove-subnet-ids", SUBNET_D)
    assert [g["GroupId"] for g in seen["Groups"]] == [APP_GROUP]
    assert seen["SubnetIds"] == [SUBNET_A] and len(seen["NetworkInterfaceIds"]) == 1
    assert len(modify("--add-subnet-ids", SUBNET_D)["NetworkInterfaceIds"]) == 2
    for wrong in (["--add-subnet-ids", SUBNET_B], ["--remove-security-group-ids", APP_GROUP]):
        refused(aws, "modify-vpc-endpoint", "--vpc-endpoint-id", made, *wrong)
    refused(aws, "modify-vpc-endpoint", "--vpc-endpoint-id", "vpce-1", "--private-dns-enabled",
            code="InvalidVpcEndpointId.NotFound")


# ---- private DNS ----------------------------------------------------------------------------------

def test_private_dns_and_its_conditions(cloud, aws):
    enable = ("modify-vpc-endpoint", "--private-dns-enabled", "--vpc-endpoint-id")
    made = create(aws)["VpcEndpointId"]
    assert refused(aws, *enable, made).startswith("Private DNS can only be enabled after the ")
    register(cloud, made)
    cloud.wait_for(f"vpcEndpoints/{made}", state="available")
    assert refused(aws, *enable, made) == (
        "Enabling private DNS requires both enableDnsSupport and enableDnsHostnames VPC attributes "
        f"set to true for {VPC}")
    assert dns_query(cloud.dns, HOST) == ("NXDOMAIN", [])
    enable_private_dns(cloud, aws, made)
    seen = endpoint_of(aws, made)
    assert seen["PrivateDnsEnabled"] and seen["DnsEntries"][-1]["DnsName"] == HOST
    assert dns_query(cloud.dns, HOST) == ("NOERROR", [("127.77.1.4", 60), ("127.77.4.4", 60)])
    assert dns_query(cloud.dns, HOST, "AAAA") == ("NOERROR", [])
    assert dns_query(cloud.public_dns, HOST) == ("NXDOMAIN", [])
    second = connect(cloud, aws)
    assert refused(aws, *enable, second) == (
        f"private-dns-enabled cannot be set because there is already a conflicting DNS domain for "
        f"{HOST} in the VPC {VPC}")
    aws.ok("modify-vpc-endpoint", "--no-private-dns-enabled", "--vpc-endpoint-id", made)
    assert dns_query(cloud.dns, HOST) == ("NXDOMAIN", [])
    aws.ok(*enable, second)
    cloud.patch(f"services/{GROUP}", dnsName="")
    assert "does not provide a private DNS name" in refused(aws, *enable, second)


def test_dns_follows_the_world(cloud, aws):
    made = connect(cloud, aws)
    enable_private_dns(cloud, aws, made)
    cloud.patch(f"vpcs/{VPC}", dnsSupport=False)
    assert dns_query(cloud.dns, HOST) == ("SERVFAIL", [])
    cloud.patch(f"vpcs/{VPC}", dnsSupport=True)
    assert dns_query(cloud.dns, HOST.upper())[0] == "NOERROR"
    own = endpoint_of(aws, made)["DnsEntries"][1]["DnsName"]  # of the first zone
    for server in cloud.dns, cloud.public_dns:
        assert dns_query(server, own) == ("NOERROR", [("127.77.1.4", 60)])
    cloud.patch(f"vpcEndpoints/{made}", state="pending")
    assert dns_query(cloud.dns, HOST) == ("NXDOMAIN", [])
    cloud.add("publicNames", name="example.org", a=["192.0.2.1"])
    for server in cloud.dns, cloud.public_dns:
        assert dns_query(server, "example.org")[1] == [("192.0.2.1", 30)]
    assert {q.get("server") for q in cloud.queries() if q["name"] == "example.org"} == {
        None, "public"}


def test_hosted_zones(cloud, aws):
    made = connect(cloud, aws)
    zone = cloud.add("hostedZones", name=HOST, vpc=VPC, a=["10.9.9.9"])
    enable = ("modify-vpc-endpoint", "--private-dns-enabled", "--vpc-endpoint-id", made)
    cloud.patch(f"vpcs/{VPC}", dnsHostnames=True)
    assert "conflicting DNS domain" in refused(aws, *enable)
    assert dns_query(cloud.dns, HOST) == ("NOERROR", [("10.9.9.9", 300)])
    ask = ("list-hosted-zones-by-vpc", "--vpc-id", VPC, "--vpc-region", "us-east-1")
    assert aws.zones(*ask)["HostedZoneSummaries"] == [
        {"HostedZoneId": zone["id"], "Name": HOST + ".", "Owner": {"OwningAccount": "123456789012"}}]
    shown = aws.zones("get-hosted-zone", "--id", zone["id"])
    assert shown["HostedZone"]["Config"]["PrivateZone"] and len(shown["VPCs"]) == 2
    leave = ("disassociate-vpc-from-hosted-zone", "--hosted-zone-id", zone["id"], "--vpc",
             f"VPCRegion=us-east-1,VPCId={VPC}")
    assert aws.zones(*leave)["ChangeInfo"]["Status"] == "INSYNC"
    assert aws.zones(*ask)["HostedZoneSummaries"] == []
    refused(aws, *leave, code="VPCAssociationNotFound", service="route53")
    aws.ok(*enable)
    assert dns_query(cloud.dns, HOST)[1][0] == ("127.77.1.4", 60)
    # A zone further up hides all public names below it; the endpoint's is more specific.
    cloud.add("publicNames", name="x.tidb-cloud.com", a=["192.0.2.1"])
    cloud.add("hostedZones", name="tidb-cloud.com", vpc=VPC, shared=False)
    assert dns_query(cloud.dns, "x.tidb-cloud.com") == ("NXDOMAIN", [])
    assert dns_query(cloud.dns, HOST)[0] == "NOERROR"


def test_refusals_of_route_53(cloud, aws):
    zone = cloud.add("hostedZones", name="a.example", vpc=VPC, shared=False)["id"]
    leave = ("disassociate-vpc-from-hosted-zone", "--vpc", f"VPCRegion=us-east-1,VPCId={VPC}")
    ask = ("list-hosted-zones-by-vpc", "--vpc-id", VPC, "--vpc-region", "us-east-1")
    for arguments, code in (
            ((*leave, "--hosted-zone-id", "Z1"), "NoSuchHostedZone"),
            (("list-hosted-zones-by-vpc", "--vpc-id", "vpc-1", "--vpc-region", "us-east-1"),
             "InvalidVPCId"),
            ((*leave, "--hosted-zone-id", zone), "LastVPCAssociation")):
        refused(aws, *arguments, code=code, service="route53")
    cloud.add("credentials", accessKeyId="AKIAEXAMPLE", denies=["ListHostedZonesByVPC"])
    refused(aws, *ask, code="AccessDenied", service="route53")
    cloud.patch("credentials/AKIAEXAMPLE", expired=True)
    refused(aws, *ask, code="ExpiredToken", service="route53")
    cloud.remove("credentials/AKIAEXAMPLE")
    cloud.add("credentials", accessKeyId="AKIAOTHER")
    refused(aws, *ask, code="InvalidClientTokenId", service="route53")


def test_scenario_with_all_of_it_is_read_again(cloud, aws):
    made = connect(cloud, aws)
    enable_private_dns(cloud, aws, made)
    cloud.add("hostedZones", name="a.example", vpc=VPC)
    state = cloud.state()
    state["keys"][0]["privateKey"] = PRIVATE_KEY
    with Emulator(state) as again:
        assert again.state() == cloud.state()
        assert dns_query(again.dns, HOST)[1] == dns_query(cloud.dns, HOST)[1]


# ---- Starter and Essential ------------------------------------------------------------------------

def test_instances_of_starter_and_essential(cloud):
    cloud.add("instances", id="77", displayName="small", plan="ESSENTIAL")
    with ApiClient(cloud.serverless_api_url, cloud.ca, PUBLIC_KEY, PRIVATE_KEY) as client:
        answer = client.once("GET", "/v1beta1/clusters/77")
        client.take_challenge(answer)
        seen = client.once("GET", "/v1beta1/clusters/77").json
        assert (seen["clusterId"], seen["displayName"], seen["clusterPlan"], seen["state"]) == (
            "77", "small", "ESSENTIAL", "ACTIVE")
        assert client.once("GET", "/v1beta1/clusters/78").status == 404
    assert [r["service"] for r in cloud.requests()[-2:]] == ["serverless"] * 2
    with cloud.client() as client:
        assert client.ask("GET", "/v1beta1/clusters/77").status == 404
