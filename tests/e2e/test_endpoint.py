# SPDX-License-Identifier: Apache-2.0
"""tidblink endpoint: each verb, and the undoing of a set-up on both sides, however it is broken off."""
import json
import re

import pytest

from emulator import CLUSTER
from setup_world import (DEFAULT_GROUP, GROUP, NOTE, OTHER_VPC, SUBNET, VPC, World, check_columns,
                         check_secrets)

ELSEWHERE = "subnet-0a1b2c3d4e5f60091"
NOBODY_S = "vpce-0000000000000dead"


def add_far(found):
    found["vpcs"].append({"id": OTHER_VPC, "cidr": "127.78.0.0/16"})
    found["subnets"].append({"id": ELSEWHERE, "vpc": OTHER_VPC, "cidr": "127.78.1.0/24",
                             "zone": "us-east-1a", "zoneId": "use1-az1"})


def register(world, endpoint, **fields):
    return world.cloud.add("endpoints", **{"group": GROUP, "endpointId": endpoint["id"],
                                           "state": "ACTIVE", **fields})


def without_cli(world):
    world.options["aws-cli"] = "off"
    world.write_config()


@pytest.fixture
def ready(world):
    """After a set-up; requests count from here."""
    world.cloud.patch(f"vpcs/{VPC}", dnsHostnames=True)
    endpoint = world.add_endpoint(state="available", privateDns=True)
    register(world, endpoint)
    world.cluster["endpoint-id"] = endpoint["id"]
    world.write_config()
    world.ready_id = endpoint["id"]
    return world


# ---- words --------------------------------------------------------------------------------------

@pytest.mark.parametrize("words, text", [
    ([], "nothing to do: expected command, create, enable-dns, wait, list or delete"),
    (["crate"], 'did you mean "create"?'), (["list", "orders", "sales"], "this command takes one"),
    (["list", "--nope"], "--nope")])
def test_wrong_usage(world, words, text):
    done = world.run("endpoint", *words)
    assert done.code == 2 and text in done.err
    assert world.requests() == []


def test_cluster_that_is_not_there(world):
    world.cloud.remove(f"clusters/{CLUSTER}")
    for verb in "command", "create", "enable-dns", "wait", "list", "delete":
        done = world.run("endpoint", verb)
        assert (done.code, done.out) == (2, "") and CLUSTER in done.err


def test_key_that_is_refused(world):
    done = world.run("endpoint", "list", env={"TIDBCLOUD_PRIVATE_KEY": "wrong"})
    assert done.code == 4 and "401" in done.err
    check_secrets(done)


# ---- command ------------------------------------------------------------------------------------

def test_command_of_a_finished_set_up(ready):
    done = ready.run("endpoint", "command")
    assert done.code == 0 and ready.changes() == []
    assert "# private DNS: is enabled" in done.out
    assert "create-vpc-endpoint" not in done.out
    check_columns(done)


def test_command_takes_subnets_and_groups(world):
    done = world.run("endpoint", "command", "orders", "--subnet-ids", SUBNET,
                     "--security-group-ids", DEFAULT_GROUP)
    assert f"--subnet-ids {SUBNET}" in done.text and f"--group-id {DEFAULT_GROUP}" in done.text
    check_columns(done)


# ---- create -------------------------------------------------------------------------------------

def test_create_registers_what_is_there(world):
    endpoint = world.add_endpoint()
    for _ in range(2):  # and once is enough
        done = world.run("endpoint", "create")
        assert done.code == 0, done
        assert f"{endpoint['id']} is registered" in done.text
    assert world.changes() == ["POST privateEndpointConnections"]


def test_create_of_a_named_endpoint(world):
    """Without the CLI nobody is asked whether it exists; TiDB Cloud will say."""
    without_cli(world)
    done = world.run("endpoint", "create", "orders", "--endpoint-id", NOBODY_S)
    assert done.code == 0, done
    assert [c["endpointId"] for c in world.connections()] == [NOBODY_S]
    done = world.run("endpoint", "wait", "orders", "--endpoint-id", NOBODY_S)
    assert done.code == 3 and "FAILED" in done.err


def test_create_without_an_endpoint(world):
    done = world.run("endpoint", "create")
    assert done.code == 2 and world.changes() == []
    assert "which endpoint? AWS shows none of this service in this VPC: expected --endpoint-id" \
        in done.err


def test_create_repairs_what_has_failed(world):
    endpoint = world.add_endpoint()
    old = register(world, endpoint, state="FAILED", message="no answer")
    done = world.run("endpoint", "create")
    assert done.code == 0, done
    assert world.changes() == [f"DELETE {old['id']}", "POST privateEndpointConnections"]
    (connection,) = world.connections()
    assert connection["id"] != old["id"] and connection["state"] in ("PENDING", "ACTIVE")


def test_create_of_one_that_had_been_accepted(world):
    """TiDB Cloud turns its endpoint down with the deletion, and AWS does not take it back."""
    endpoint = world.add_endpoint(state="available")
    register(world, endpoint, state="FAILED", message="no answer")
    done = world.run("endpoint", "create")
    assert done.code == 3, done
    assert f"the connection of {endpoint['id']} is deleted, and AWS says rejected: it cannot be " \
           "registered again" in done.err
    assert f"tidblink endpoint delete orders --endpoint-id {endpoint['id']}" in done.err
    assert world.run("endpoint", "delete", "orders", "--endpoint-id", endpoint["id"],
                     "--yes").code == 0
    assert world.run("setup", "--apply").code == 0
    assert world.check_ready()["id"] != endpoint["id"]


def test_create_that_was_broken_off_between_its_halves(world):
    world.cloud.settings(deleteSeconds=60)
    endpoint = world.add_endpoint()
    old = register(world, endpoint, state="FAILED")
    process = world.start("endpoint", "create")
    world.wait_change(f"DELETE {old['id']}")
    world.kill(process)
    world.cloud.patch(f"endpoints/{old['id']}", state="DELETING",
                      then=[{"afterSeconds": 1, "remove": True}])
    done = world.run("endpoint", "create")
    assert done.code == 0, done
    (connection,) = world.connections()
    assert connection["id"] != old["id"]


# ---- wait, enable-dns ---------------------------------------------------------------------------

def test_wait(world):
    world.cloud.settings(acceptSeconds=60)
    world.add_endpoint()
    assert world.run("endpoint", "create").code == 0
    process = world.start("endpoint", "wait")
    world.read_until(process, "so far")
    world.cloud.patch(f"endpoints/{world.connections()[0]['id']}", state="ACTIVE")
    done = world.finish(process)
    assert done.code == 0 and "8. acceptance: ACTIVE (Active)" in done.text


@pytest.mark.parametrize("verb", ["wait", "enable-dns"])
def test_what_nobody_has_registered_is_not_waited_for(world, verb):
    done = world.run("endpoint", verb)
    assert done.code == 3 and world.changes() == [], done
    assert "no endpoint of this cluster is known to be ours, so there is nothing to wait for. Next: " \
           "tidblink setup orders" in done.err
    endpoint = world.add_endpoint()
    done = world.run("endpoint", verb)
    assert done.code == 3 and world.changes() == []
    assert f"{endpoint['id']} is not registered with TiDB Cloud yet. Next: tidblink endpoint create " \
           "orders" in done.err


def test_registration_that_somebody_undoes_while_it_is_waited_for(world):
    world.cloud.settings(acceptSeconds=60)
    world.add_endpoint()
    assert world.run("endpoint", "create").code == 0
    process = world.start("endpoint", "wait")
    world.read_until(process, "so far")
    world.cloud.remove(f"endpoints/{world.connections()[0]['id']}")
    done = world.finish(process)
    assert done.code == 3, done
    assert "acceptance: follows the registration, and nothing before it is left to wait for" in done.err


def test_wait_has_an_end(world):
    world.cloud.settings(acceptSeconds=60)
    world.add_endpoint()
    assert world.run("endpoint", "create").code == 0
    done = world.run("endpoint", "wait", "--max", "500ms")
    assert done.code == 3 and "It is still so after" in done.err


def test_enable_dns_waits_for_the_acceptance(world):
    world.cloud.settings(acceptSeconds=60)
    world.add_endpoint()
    assert world.run("endpoint", "create").code == 0
    process = world.start("endpoint", "enable-dns")
    world.read_until(process, "wait 8.")
    assert "ModifyVpcEndpoint" not in world.changes()
    world.cloud.patch(f"endpoints/{world.connections()[0]['id']}", state="ACTIVE")
    done = world.finish(process)
    assert done.code == 0, done
    # Both attributes of the VPC are needed, too.
    assert world.changes()[-2:] == ["ModifyVpcAttribute", "ModifyVpcEndpoint"]
    assert world.endpoints()[0]["privateDns"]
    world.mark()
    assert world.run("endpoint", "enable-dns").code == 0
    assert world.changes() == []


def test_enable_dns_without_the_cli(ready):
    without_cli(ready)
    done = ready.run("endpoint", "enable-dns")
    assert done.code == 1 and "aws-cli is off" in done.err
    assert ready.changes() == []


def test_enable_dns_without_the_right(ready):
    ready.cloud.patch("credentials/AKIAEXAMPLE", denies=["DescribeVpcEndpoints"])
    done = ready.run("endpoint", "enable-dns")
    assert done.code == 4 and "IAM action ec2:DescribeVpcEndpoints" in done.err


# ---- list ---------------------------------------------------------------------------------------

def test_list(warm_aws):
    with World(warm_aws, edit=add_far) as world:
        ours = world.add_endpoint(state="available", privateDns=True)
        register(world, ours)
        far = world.cloud.add("vpcEndpoints", vpc=OTHER_VPC, service=GROUP, subnets=[ELSEWHERE])
        world.cloud.add("endpoints", group=GROUP, endpointId=NOBODY_S, state="FAILED",
                        message="no such endpoint")
        done = world.run("endpoint", "list")
        assert (done.code, done.err) == (0, "") and world.changes() == []
        rows = [line.split() for line in done.out.splitlines()]
        assert rows[0] == ["AWS", "TIDB", "CLOUD", "DNS", "ENDPOINT", "VPC"]
        assert ["available", "ACTIVE", "on", ours["id"], VPC] in rows
        assert ["pendingAccept...", "DISCOVERED", "off", far["id"], OTHER_VPC] in rows
        assert ["FAILED", NOBODY_S] in rows and len(rows) == 4
        check_columns(done)
        listed = {e["endpoint_id"]: e for e in json.loads(
            world.run("endpoint", "list", "--json").out)}
        assert listed[ours["id"]] == {
            "endpoint_id": ours["id"], "connection_id": world.connections()[0]["id"],
            "state": "ACTIVE", "console": "Active", "aws_state": "available", "vpc_id": VPC,
            "private_dns": True}
        assert listed[NOBODY_S]["message"] == "no such endpoint"
        assert "aws_state" not in listed[NOBODY_S]


def test_list_of_what_only_aws_knows(world):
    world.cloud.settings(discovers=False)
    endpoint = world.add_endpoint()
    assert ["pendingAccept...", "none", "off", endpoint["id"], VPC] in \
        [line.split() for line in world.run("endpoint", "list").out.splitlines()]


def test_list_of_nothing(world):
    assert json.loads(world.run("endpoint", "list", "--json").out) == []
    assert len(world.run("endpoint", "list").out.splitlines()) == 1


def test_list_without_the_cli(ready):
    without_cli(ready)
    done = ready.run("endpoint", "list")
    assert done.code == 0 and ["ACTIVE", ready.ready_id] in \
        [line.split() for line in done.out.splitlines()]
    assert "AWS was not asked: aws-cli is off" in done.err
    assert len(json.loads(ready.run("endpoint", "list", "--json").out)) == 1


# ---- delete -------------------------------------------------------------------------------------

def check_gone(world):
    assert world.endpoints() == [] and world.connections() == []
    assert world.configured_id() is None
    assert not (world.state_dir / NOTE).exists()


def test_delete_undoes_both_sides(ready):
    done = ready.run("endpoint", "delete", "--yes")
    assert (done.code, done.err) == (0, "")
    assert [c.partition(" ")[0] for c in ready.changes()] == ["DELETE", "DeleteVpcEndpoints"]
    check_gone(ready)
    assert "# ours" in ready.config.read_text()
    for words in [f"deleting the private endpoint connection of {ready.ready_id}",
                  f"deleting the interface endpoint {ready.ready_id}", "endpoint-id is taken out"]:
        assert words in done.text
    ready.mark()
    done = ready.run("endpoint", "delete", "--yes")
    assert done.code == 0 and "nothing to delete" in done.text and ready.changes() == []


def test_delete_of_one_that_the_environment_names(ready):
    done = ready.run("endpoint", "delete", "--yes", env={"TIDBLINK_ENDPOINT_ID": ready.ready_id})
    assert done.code == 0, done
    assert "TIDBLINK_ENDPOINT_ID still names it: unset it before the next setup" in done.text
    check_gone(ready)


def test_delete_refuses_when_nobody_is_there_to_be_asked(ready):
    done = ready.run("endpoint", "delete")
    assert done.code == 2 and "nobody is here to be asked: expected --yes" in done.err
    assert ready.changes() == []


def test_delete_without_the_cli(ready):
    """TiDB Cloud's half is done, the other one is told as the command for it."""
    without_cli(ready)
    done = ready.run("endpoint", "delete", "--yes")
    assert done.code == 0 and ready.connections() == [] and ready.configured_id() is None
    assert "AWS's side is left (aws-cli is off). To delete it:" in done.text
    check_columns(done)
    script = re.search(r"^aws ec2 (.*\\\n)*.*$", done.out, re.MULTILINE)[0]
    assert ready.shell(script).code == 0
    ready.wait(lambda: ready.endpoints() == [], "the endpoint is still there")


def test_delete_without_the_cli_and_without_a_name(world):
    """What TiDB Cloud shows may be another VPC's."""
    register(world, world.add_endpoint())
    without_cli(world)
    done = world.run("endpoint", "delete", "--yes")
    assert done.code == 2 and "expected --endpoint-id" in done.err
    assert world.changes() == []


def test_delete_of_another_vpc_s_needs_its_name(warm_aws):
    with World(warm_aws, edit=add_far) as world:
        far = world.cloud.add("vpcEndpoints", vpc=OTHER_VPC, service=GROUP, subnets=[ELSEWHERE],
                              state="available")
        register(world, far)
        done = world.run("endpoint", "delete", "--yes")
        assert done.code == 2 and world.changes() == []
        done = world.run("endpoint", "delete", "orders", "--endpoint-id", far["id"], "--yes")
        assert done.code == 0 and world.endpoints() == world.connections() == []


def test_delete_of_one_that_is_gone(ready):
    ready.cloud.remove(f"vpcEndpoints/{ready.ready_id}")
    ready.cloud.remove(f"endpoints/{ready.connections()[0]['id']}")
    done = ready.run("endpoint", "delete", "--yes")
    assert done.code == 0 and f"{ready.ready_id} is on neither side any more" in done.text
    assert ready.changes() == []
    check_gone(ready)


@pytest.mark.parametrize("gone", ["vpcEndpoints", "endpoints"])
def test_delete_of_half_an_endpoint(ready, gone):
    """Deleted in one of the consoles."""
    if gone == "vpcEndpoints":
        ready.cloud.remove(f"vpcEndpoints/{ready.ready_id}")
    else:
        ready.cloud.remove(f"endpoints/{ready.connections()[0]['id']}")
    assert ready.run("endpoint", "delete", "--yes").code == 0
    check_gone(ready)


def test_delete_leaves_the_old_ones_alone(world):
    """A listing has deleted endpoints for a while; the rejected one is what is left."""
    world.add_endpoint(state="deleted")
    rejected = world.add_endpoint(state="rejected")
    done = world.run("endpoint", "delete", "--yes")
    assert done.code == 0, done
    assert f"deleting the interface endpoint {rejected['id']}" in done.text
    assert rejected["id"] not in [e["id"] for e in world.cloud.get("vpcEndpoints")
                                  if e["state"] == "rejected"]


# Where it is broken off: the fault that holds it, and what must have happened by then.
STOPS = {"before the first": ("hang", "DELETE /v1beta1"),
         "the first is done": ("lose", "DELETE /v1beta1"),
         "the connection is gone": ("hang", "aws DeleteVpcEndpoints"),
         "the second is done": ("lose", "aws DeleteVpcEndpoints")}


@pytest.mark.parametrize("stop", STOPS)
def test_delete_that_was_broken_off(ready, stop):
    does, match = STOPS[stop]
    ready.cloud.fault(does, match=match, count=1)
    process = ready.start("endpoint", "delete", "--yes")
    ready.wait_struck()
    ready.kill(process)
    done = ready.run("endpoint", "delete", "--yes")
    assert done.code == 0, done
    check_gone(ready)


def test_delete_during_an_outage(ready):
    ready.cloud.fault("status", match="/v1beta1", status=503, skip=9, count=6)
    done = ready.run("endpoint", "delete", "--yes")
    assert done.code == 0, done
    check_gone(ready)


def test_delete_without_the_right(ready):
    ready.cloud.patch("credentials/AKIAEXAMPLE", denies=["DeleteVpcEndpoints"])
    done = ready.run("endpoint", "delete", "--yes")
    assert done.code == 4 and "IAM action ec2:DeleteVpcEndpoints" in done.err
    assert ready.configured_id() == ready.ready_id
    ready.cloud.patch("credentials/AKIAEXAMPLE", denies=[])
    assert ready.run("endpoint", "delete", "--yes").code == 0
    check_gone(ready)


def test_delete_waits_no_longer_than_it_may(ready):
    ready.cloud.settings(deleteSeconds=60)
    done = ready.run("endpoint", "delete", "--yes", "--max", "300ms")
    assert done.code == 3
    assert "the private endpoint connection is still being deleted; run the same command" in done.err


def test_delete_and_set_up_again(world):
    """What is deleted is not waited for, and not brought back by its token."""
    assert world.run("setup", "--apply").code == 0
    first = world.check_ready()
    assert world.run("endpoint", "delete", "--yes").code == 0
    check_gone(world)
    assert world.run("setup", "--apply").code == 0
    assert world.check_ready()["id"] != first["id"]


@pytest.mark.parametrize("does, lag", [("lose", 0), ("hang", 0), ("lose", 60), ("hang", 60)])
def test_delete_after_a_set_up_that_was_killed(world, does, lag):
    """Its note is on disk. What AWS does not list yet may come; nobody says it is gone."""
    world.cloud.settings(listingLagSeconds=lag)
    world.cloud.fault(does, match="aws CreateVpcEndpoint", count=1)
    process = world.start("setup", "--apply")
    world.wait_struck()
    world.kill(process)
    done = world.run("endpoint", "delete", "--yes")
    if does == "hang" or lag:
        assert done.code == 3 and "AWS does not list yet" in done.err
    else:
        assert done.code == 0, done
        check_gone(world)
    world.cloud.settings(listingLagSeconds=0)
    if does == "lose" and lag:
        assert world.run("endpoint", "delete", "--yes").code == 0
        check_gone(world)
    assert world.run("setup", "--apply").code == 0
    world.check_ready()


def test_delete_of_one_that_was_created_and_is_not_listed_yet(world):
    world.cloud.settings(listingLagSeconds=30)
    process = world.start("setup", "--apply")
    world.read_until(process, "AWS does not list it yet")
    world.kill(process)
    done = world.run("endpoint", "delete", "--yes")
    assert done.code == 0, done
    assert "DeleteVpcEndpoints" in world.changes()
    world.wait(lambda: world.endpoints() == [], "it is still there")
    assert not (world.state_dir / NOTE).exists()


def test_delete_while_setup_runs(world):
    world.cloud.fault("hang", match="aws CreateVpcEndpoint", count=1)
    process = world.start("setup", "--apply")
    world.wait_struck()
    done = world.run("endpoint", "delete", "--yes")
    assert done.code == 1 and "another tidblink is setting up this cluster" in done.err
    world.kill(process)
