# SPDX-License-Identifier: Apache-2.0
"""tidblink setup and where the endpoint belongs: VPC, subnets, zones, region, security groups, DNS
attributes, and a machine that is somewhere else."""
import pytest

from emulator import HOST
from setup_world import (APP_GROUP, DEFAULT_GROUP, GROUP, MACHINE, OTHER_VPC, SECOND, SUBNET,
                         UNSERVED, VPC, World, check_columns)

TWIN = "subnet-0a1b2c3d4e5f60011"  # in the zone of SUBNET
FAR = {"id": OTHER_VPC, "cidr": "127.78.0.0/16", "name": "far"}
FAR_SUBNET = {"id": "subnet-0a1b2c3d4e5f60091", "vpc": OTHER_VPC, "cidr": "127.78.1.0/24",
              "zone": "us-east-1a", "zoneId": "use1-az1"}
FAR_GROUP = {"id": "sg-0a1b2c3d4e5f60091", "vpc": OTHER_VPC, "name": "default"}


def add_far(found, region="us-east-1"):
    found["vpcs"].append({**FAR, "region": region})
    found["subnets"].append(FAR_SUBNET)
    found["securityGroups"].append(FAR_GROUP)


def not_on_ec2(found):
    found["instance"] = []


def refused(world, *options):
    """What --apply says when it exits with 2 and has changed nothing; the plan says it too."""
    done, plan = (world.run("setup", *words, *options) for words in (["--apply"], []))
    assert (done.code, plan.code) == (2, 2), (done, plan)
    assert done.err == plan.err and done.err.startswith("tidblink setup: VPC and subnets: ")
    assert world.changes() == []
    check_columns(plan)
    return done.err


# ---- subnets ------------------------------------------------------------------------------------

@pytest.mark.parametrize("separator", [" ", ","])
def test_two_subnets(world, separator):
    subnets = separator.join([SUBNET, SECOND])
    done = world.run("setup", "--apply", "--subnet-ids", subnets)
    assert done.code == 0, done
    assert f"{VPC}: {SUBNET} (use1-az1), {SECOND} (use1-az4)" in done.text
    assert world.check_ready()["subnets"] == [SUBNET, SECOND]
    assert f"{HOST} is 127.77.1.4, 127.77.4.4" in done.text


def test_subnet_in_a_zone_that_is_not_served(world):
    text = refused(world, "--subnet-ids", f"{SUBNET} {UNSERVED} {SECOND}")
    assert f"{UNSERVED} is in use1-az2, and the service is only in use1-az1, use1-az4" in text
    assert f'Leave it out: --subnet-ids "{SUBNET} {SECOND}"' in text
    text = refused(world, "--subnet-ids", UNSERVED)
    assert f"Subnets of this VPC that can be used: {SUBNET} (use1-az1), {SECOND} (use1-az4)" in text


def test_instance_in_a_zone_that_is_not_served(warm_aws):
    def move(found):
        found["instance"][0].update(subnet=UNSERVED, address="127.77.2.10")
    with World(warm_aws, edit=move) as world:
        assert f"{UNSERVED} is in use1-az2" in refused(world)
        assert world.run("setup", "--apply", "--subnet-ids", SECOND).code == 0
        assert world.check_ready()["subnets"] == [SECOND]


def test_service_that_names_no_zones(warm_aws):
    with World(warm_aws, edit=lambda found: found["services"][0].pop("zones")) as world:
        assert world.run("setup", "--apply", "--subnet-ids", UNSERVED).code == 0
        world.check_ready()


def test_zones_that_only_aws_tells(warm_aws):
    with World(warm_aws, edit=lambda found: found["services"][0].update(tellsZones=False)) as world:
        text = refused(world, "--subnet-ids", f"{SUBNET} {UNSERVED}")
        assert f"{UNSERVED} is in us-east-1b, and the service is only in us-east-1a, " \
               f'us-east-1d. Leave it out: --subnet-ids "{SUBNET}"' in text
        assert world.run("setup", "--apply", "--subnet-ids", SECOND).code == 0
        assert world.check_ready()["subnets"] == [SECOND]


def test_two_subnets_in_one_zone(warm_aws):
    def add(found):
        found["subnets"].append({"id": TWIN, "vpc": VPC, "cidr": "127.77.11.0/24",
                                 "zone": "us-east-1a", "zoneId": "use1-az1"})
    with World(warm_aws, edit=add) as world:
        text = refused(world, "--subnet-ids", f"{SUBNET} {TWIN}")
        assert f"{SUBNET} and {TWIN} are both in use1-az1: an endpoint has one subnet in each " \
               "zone. Leave one of them out" in text


def test_subnet_twice_is_the_same_subnet(world):
    assert world.run("setup", "--apply", "--subnet-ids", f"{SUBNET} {SUBNET}").code == 0
    assert world.check_ready()["subnets"] == [SUBNET]


def test_unknown_subnet(world):
    text = refused(world, "--subnet-ids", "subnet-00000000000000000")
    assert f"subnet-00000000000000000 is no subnet of {VPC} in us-east-1. Subnets that can be " \
           f"used: {SUBNET} (use1-az1), {SECOND} (use1-az4)" in text


def test_many_subnets_are_shown_as_far_as_there_is_room(warm_aws):
    def add(found):
        for n in range(100, 160):
            found["subnets"].append({"id": f"subnet-0a1b2c3d4e5f60{n}", "vpc": VPC, "zoneId":
                                     "use1-az1", "cidr": f"127.77.{n}.0/24", "zone": "us-east-1a"})
    with World(warm_aws, edit=add) as world:
        text = refused(world, "--subnet-ids", UNSERVED)
        assert text.endswith(f"subnet-0a1b2c3d4e5f60103 (use1-az1) and 56 more\n")


# ---- the VPC ------------------------------------------------------------------------------------

def test_unknown_vpc(world):
    text = refused(world, "--vpc-id", "vpc-00000000000000000", "--subnet-ids", SUBNET)
    assert "vpc-00000000000000000: there is no such VPC in us-east-1" in text


def test_another_vpc_than_the_instance_s(warm_aws):
    with World(warm_aws, edit=add_far) as world:
        text = refused(world, "--vpc-id", OTHER_VPC)
        assert f"which subnets of {OTHER_VPC}? --subnet-ids" in text
        assert f"they can be {FAR_SUBNET['id']} (use1-az1)" in text
        done = world.run("setup", "--apply", "--vpc-id", OTHER_VPC, "--subnet-ids",
                         FAR_SUBNET["id"])
        assert done.code == 0, done
        assert [e["vpc"] for e in world.endpoints()] == [OTHER_VPC]
        assert world.cloud.get(f"securityGroups/{FAR_GROUP['id']}")["ingress"] == \
            [f"tcp {world.port} from 127.78.0.0/16"]
        assert done.steps()[10] == done.steps()[11] == "skip"
        where = f"this machine is in {VPC}, the endpoint in {OTHER_VPC}"
        assert f"not from this machine ({where}). On one in the VPC: tidblink doctor orders" in done.text
        assert "orders is ready" not in done.text
        assert f"orders is set up; not tested from here: {where}. Where the application runs: " \
               "tidblink doctor orders Connection strings" in done.text


# ---- a machine that is not in AWS ---------------------------------------------------------------

def test_machine_that_is_no_instance_needs_vpc_and_subnets(warm_aws):
    with World(warm_aws, edit=not_on_ec2) as world:
        text = refused(world)
        assert "which VPC? This machine is no EC2 instance that tells its own: expected " \
               "--vpc-id and --subnet-ids" in text
        assert "which subnets of" in refused(world, "--vpc-id", VPC)


def test_machine_that_is_no_instance(warm_aws):
    """Outside the VPC its names mean nothing."""
    with World(warm_aws, edit=not_on_ec2) as world:
        world.options["dns-servers"] = "%s:%d" % world.cloud.public_dns
        world.write_config()
        done = world.run("setup", "--apply", "--vpc-id", VPC, "--subnet-ids", SUBNET)
        assert done.code == 0, done
        assert done.steps()[10] == done.steps()[11] == "skip"
        assert "10. private host name: not from this machine (DNS server" in done.text
        assert f"says that {HOST} does not exist (NXDOMAIN)" in done.text
        assert "11. connection test: not from this machine (the name does not resolve)" \
            in done.text
        assert "On one in the VPC: tidblink doctor orders" in done.text
        assert "wait 10. private host name: DNS server" in done.text  # names take time to spread
        assert "orders is ready" not in done.text and "orders is set up; not tested from here: DNS " in done.text
        check_columns(done)
        assert world.ingress() == [f"tcp {world.port} from 127.77.0.0/16"]
        world.check_ready()
        world.mark()
        assert world.run("setup", "--apply").code == 0
        assert world.changes() == []


def test_machine_that_is_no_instance_and_sees_the_name_after_a_while(warm_aws):
    """A container in the VPC: it does not know where it is, and the name spreads slowly."""
    with World(warm_aws, edit=not_on_ec2, poll_interval_changing="500ms") as world:
        world.cloud.add("names", name=HOST, answer="NXDOMAIN")
        process = world.start("setup", "--apply", "--vpc-id", VPC, "--subnet-ids", SUBNET)
        world.read_until(process, "wait 10. private host name: DNS server")
        world.cloud.remove(f"names/{HOST}")
        done = world.finish(process)
        assert done.code == 0, done
        assert done.steps()[10] == done.steps()[11] == "ok" and "orders is ready" in done.text


def test_metadata_service_that_does_not_answer(world):
    """A container whose packets do not reach it: two seconds, and not an instance."""
    world.cloud.fault("hang", match="imds ")
    assert "which VPC?" in refused(world)


# ---- an endpoint of another VPC -----------------------------------------------------------------

def move_away(world):
    world.cloud.add("vpcs", **FAR)
    world.cloud.add("subnets", **FAR_SUBNET)
    world.cloud.add("securityGroups", **FAR_GROUP)
    world.cloud.patch(f"instance/{MACHINE}", vpc=OTHER_VPC, subnet=FAR_SUBNET["id"],
                      address="127.78.1.10", securityGroups=[FAR_GROUP["id"]])


def test_configured_endpoint_of_another_vpc(world):
    """No step may be taken in two VPCs: whoever runs it says which."""
    assert world.run("setup", "--apply").code == 0
    first = world.check_ready()
    move_away(world)
    world.mark()
    text = refused(world)
    assert f"endpoint-id {first['id']} is in {VPC}, and this machine in {OTHER_VPC}. For an " \
           f"endpoint here: tidblink setup orders --vpc-id {OTHER_VPC}; to go on with that " \
           f"one: --vpc-id {VPC}" in text
    assert world.run("setup", "--apply", "--vpc-id", VPC).code == 0
    assert len(world.endpoints()) == 1 and world.configured_id() == first["id"]
    world.mark()
    done = world.run("setup", "--apply", "--vpc-id", OTHER_VPC)
    assert done.code == 0, done
    (second,) = [e for e in world.endpoints() if e["vpc"] == OTHER_VPC]
    assert second["privateDns"] and world.configured_id() == second["id"]
    assert world.cloud.get(f"vpcs/{OTHER_VPC}")["dnsHostnames"] is True
    assert len(world.connections()) == 2


def test_endpoint_and_vpc_that_do_not_fit(world):
    assert world.run("setup", "--apply").code == 0
    first = world.check_ready()
    move_away(world)
    world.write_config()  # without the endpoint-id
    world.mark()
    text = refused(world, "--vpc-id", OTHER_VPC, "orders", "--endpoint-id", first["id"])
    assert f"endpoint-id {first['id']} is in {VPC}, and vpc-id is {OTHER_VPC}: leave out" in text


# ---- the region ---------------------------------------------------------------------------------

def test_region_that_is_not_the_cluster_s(world):
    text = refused(world, "--region", "eu-west-1")
    assert "--region is eu-west-1 and the cluster is in us-east-1" in text
    assert "Leave --region out" in text
    assert world.run("setup", "--region", "us-east-1").code == 0


def test_instance_in_another_region(warm_aws):
    def move(found):
        add_far(found, region="eu-west-1")
        found["instance"][0].update(vpc=OTHER_VPC, subnet=FAR_SUBNET["id"], address="127.78.1.10",
                                    securityGroups=[FAR_GROUP["id"]])
    with World(warm_aws, edit=move) as world:
        text = refused(world)
        assert "this machine is in eu-west-1 and the cluster in us-east-1" in text
        assert "Name a VPC there: --vpc-id, --subnet-ids" in text
        done = world.run("setup", "--apply", "--vpc-id", VPC, "--subnet-ids", SUBNET)
        assert done.code == 0, done
        assert done.steps()[10] == "skip" and world.check_ready()["vpc"] == VPC


@pytest.mark.parametrize("rule", [f"tcp {{port}} from {APP_GROUP}", "tcp from 127.77.4.0/24"])
def test_narrow_group_is_not_widened_from_outside_the_vpc(warm_aws, rule):
    """Nobody can tell from here where the application runs."""
    with World(warm_aws, edit=not_on_ec2) as world:
        rule = rule.format(port=world.port)
        rules = [f"all from {DEFAULT_GROUP}", rule]  # the first is AWS's own of a default group
        world.cloud.patch(f"securityGroups/{DEFAULT_GROUP}", ingress=rules)
        done = world.run("setup", "--apply", "--vpc-id", VPC, "--subnet-ids", SUBNET)
        assert done.code == 0, done
        assert "AuthorizeSecurityGroupIngress" not in world.changes()
        assert f"ok 6. security group: lets port {world.port} in from {rule.split()[-1]}; whether " \
               "the application is among them cannot be told from here" in done.text


# ---- security groups ----------------------------------------------------------------------------

def test_security_groups_that_are_named(world):
    done = world.run("setup", "--apply", "--security-group-ids", f"{APP_GROUP},{DEFAULT_GROUP}")
    assert done.code == 0, done
    assert world.check_ready(rules=0)["securityGroups"] == [APP_GROUP, DEFAULT_GROUP]
    assert world.cloud.get(f"securityGroups/{APP_GROUP}")["ingress"][1:] == \
        [f"tcp {world.port} from {APP_GROUP}"]


def test_plan_with_a_named_security_group(world):
    done = world.run("setup", "--security-group-ids", APP_GROUP)
    assert f"--group-id {APP_GROUP} --protocol tcp" in done.text.replace("\\ ", "")
    assert "GROUP=" not in done.text


@pytest.mark.parametrize("rule", [
    "all from 0.0.0.0/0", "tcp from 127.77.1.10/32", "tcp 1024-65535 from 127.77.0.0/16",
    f"all from {APP_GROUP}"])
def test_security_group_that_lets_it_in_already(world, rule):
    world.cloud.patch(f"securityGroups/{DEFAULT_GROUP}", ingress=[rule])
    done = world.run("setup", "--apply")
    assert done.code == 0, done
    assert "AuthorizeSecurityGroupIngress" not in world.changes()
    assert "6. security group: lets port" in done.text
    world.check_ready(rules=0)


@pytest.mark.parametrize("rule", ["tcp 1-1024 from 0.0.0.0/0", "udp from 0.0.0.0/0",
                                  "all from 10.0.0.0/8"])
def test_security_group_whose_rules_are_about_something_else(world, rule):
    world.cloud.patch(f"securityGroups/{DEFAULT_GROUP}", ingress=[rule])
    assert world.run("setup", "--apply").code == 0
    world.check_ready()


def test_unknown_security_group(world):
    done = world.run("setup", "--apply", "--security-group-ids", "sg-00000000000000000")
    assert done.code == 1, done
    assert "The security group 'sg-00000000000000000' does not exist" in done.err
    assert world.endpoints() == []
    # What was refused does not stand in the way of what is right.
    assert world.run("setup", "--apply").code == 0
    world.check_ready()


# ---- DNS ----------------------------------------------------------------------------------------

def test_both_dns_attributes(world):
    world.cloud.patch(f"vpcs/{VPC}", dnsSupport=False)
    plan = world.run("setup")
    assert "private DNS needs DNS resolution and DNS hostnames, which are off" in plan.text
    assert plan.text.index("--enable-dns-support") < plan.text.index("--enable-dns-hostnames")
    assert world.run("setup", "--apply").code == 0
    assert world.changes().count("ModifyVpcAttribute") == 2
    assert world.cloud.get(f"vpcs/{VPC}")["dnsSupport"]
    world.check_ready()


def test_dns_attributes_that_are_on(world):
    world.cloud.patch(f"vpcs/{VPC}", dnsHostnames=True)
    assert world.run("setup", "--apply").code == 0
    assert "ModifyVpcAttribute" not in world.changes()


def test_private_dns_that_conflicts(world):
    """Somebody's own zone of that name, for one; AWS does not say which."""
    zone = world.cloud.add("hostedZones", name=HOST, vpc=VPC)
    done = world.run("setup", "--apply")
    assert done.code == 1, done
    assert "private DNS: aws ec2 modify-vpc-endpoint: InvalidParameter: private-dns-enabled cannot" \
           " be set because there is already a conflicting DNS domain for" in done.err
    world.cloud.remove(f"hostedZones/{zone['id']}")
    assert world.run("setup", "--apply").code == 0
    world.check_ready()


def test_name_that_does_not_resolve_yet_is_waited_for(world):
    """A resolver that has forgotten nothing yet, or one that is behind."""
    world.cloud.fault("dnsServfail", count=3, match=HOST)
    done = world.run("setup", "--apply")
    assert done.code == 0, done
    assert "wait 10. private host name: " in done.text
    assert "usually less than 2 minutes" in done.text


def test_cluster_that_does_not_answer_yet_is_waited_for(world):
    """A listener that lags behind its endpoint."""
    world.cloud.fault("delay", match=f"POST /v1beta1/clusters", delaySeconds=0.1, count=1)
    service = world.cloud.get(f"services/{GROUP}")
    world.cloud.patch(f"services/{GROUP}", backend="127.0.0.1:1")  # nobody is there
    process = world.start("setup", "--apply")
    lines = []
    for line in process.stdout:
        lines.append(line)
        if "wait" in line and "11. connection test" in line:
            break
    world.cloud.patch(f"services/{GROUP}", backend=service["backend"])
    done = world.finish(process)
    assert done.code == 0, (lines, done)
    assert "greets" in done.text
