# SPDX-License-Identifier: Apache-2.0
"""tidblink setup and what it finds: clusters and services in every state, endpoints and connections
that are there already, half there, or on their way out."""
import pytest

from emulator import CLUSTER
from setup_world import (DEFAULT_GROUP, GROUP, OTHER_VPC, VPC, World, check_columns)

GONE = "vpce-0000000000000dead"


def stopped(world, code, *options):
    """What --apply says when it stops before it has changed anything."""
    done = world.run("setup", "--apply", *options)
    assert done.code == code and world.changes() == [], done
    assert "STOP" in done.out
    check_columns(done)
    return done.err


# ---- the cluster --------------------------------------------------------------------------------

def test_paused_cluster_is_resumed_only_when_asked(world):
    world.cloud.patch(f"clusters/{CLUSTER}", state="PAUSED")
    text = stopped(world, 3)
    assert "PAUSED (Paused). Resume it in the TiDB Cloud console, or add --resume (a running" in text
    plan = world.run("setup", "--resume")
    assert plan.code == 0 and plan.steps()[1] == "to do" and world.changes() == []
    world.cloud.settings(resumeSeconds=60)
    process = world.start("setup", "--apply", "--resume")
    world.read_until(process, "1. cluster: RESUMING (Resuming)")
    world.cloud.patch(f"clusters/{CLUSTER}", state="ACTIVE")
    assert world.finish(process).code == 0
    assert world.changes()[0] == f"POST {CLUSTER}:resumeCluster"
    world.check_ready()


def test_cluster_that_is_pausing_is_resumed_later(world):
    world.cloud.patch(f"clusters/{CLUSTER}", state="PAUSING")
    process = world.start("setup", "--apply", "--resume")
    world.read_until(process, "1. cluster: PAUSING")
    world.cloud.patch(f"clusters/{CLUSTER}", state="PAUSED")
    assert world.finish(process).code == 0
    world.check_ready()


@pytest.mark.parametrize("state", ["CREATING", "RESUMING"])
def test_cluster_that_will_run_soon_is_waited_for(world, state):
    world.cloud.patch(f"clusters/{CLUSTER}", state=state)
    process = world.start("setup", "--apply")
    lines = world.read_until(process, "so far")
    assert f"wait 1. cluster: {state}" in lines
    assert "usually several minutes, 0 s so far" in lines
    # An outage while it waits is waited out as well.
    world.cloud.fault("status", status=503, match="/v1beta1", count=30)
    world.wait_struck()
    world.cloud.patch(f"clusters/{CLUSTER}", state="ACTIVE")
    assert world.finish(process).code == 0
    world.check_ready()


@pytest.mark.parametrize("state", ["MAINTENANCE", "RESTORING"])
def test_cluster_that_runs_while_something_is_done_to_it(world, state):
    world.cloud.patch(f"clusters/{CLUSTER}", state=state)
    assert world.run("setup").steps()[1] == "ok"


@pytest.mark.parametrize("state", ["DELETING", "INACTIVE"])
def test_cluster_that_is_no_more(world, state):
    world.cloud.patch(f"clusters/{CLUSTER}", state=state)
    assert f"cluster: {state}" in stopped(world, 3)


def test_paused_node_group(world):
    world.cloud.patch(f"groups/{GROUP}", state="PAUSED")
    assert "node group DefaultGroup is PAUSED" in stopped(world, 3)


def test_cluster_that_is_not_there(world):
    world.cloud.remove(f"clusters/{CLUSTER}")
    assert CLUSTER in stopped(world, 2)


# ---- the private link service -------------------------------------------------------------------

def test_service_that_is_being_made_is_waited_for(world):
    world.cloud.patch(f"services/{GROUP}", state="CREATING")
    plan = world.run("setup")
    assert plan.code == 0 and plan.steps()[2] == "wait"
    check_columns(plan)
    process = world.start("setup", "--apply")
    lines = world.read_until(process, "so far")
    assert "wait 2. private link service: CREATING" in lines
    assert "usually 3 to 5 minutes, 0 s so far" in lines
    world.cloud.patch(f"services/{GROUP}", state="ACTIVE")
    assert world.finish(process).code == 0
    world.check_ready()


def test_service_that_is_not_there_yet(world):
    service = world.cloud.get(f"services/{GROUP}")
    world.cloud.remove(f"services/{GROUP}")
    process = world.start("setup", "--apply")
    world.read_until(process, "2. private link service: TiDB Cloud shows none yet")
    world.cloud.add("services", **service)
    done = world.finish(process)
    assert done.code == 0, done
    world.check_ready()


def test_service_that_is_being_deleted(world):
    world.cloud.patch(f"services/{GROUP}", state="DELETING")
    assert "private link service: DELETING" in stopped(world, 3)


# ---- endpoints that are there -------------------------------------------------------------------

@pytest.mark.parametrize("discovers", [True, False])
def test_endpoint_of_the_vpc_is_adopted(world, discovers):
    """Somebody has made it in the console; TiDB Cloud has seen it or not."""
    world.cloud.settings(discovers=discovers)
    endpoint = world.add_endpoint()
    plan = world.run("setup")
    assert f"ok 5. interface endpoint: {endpoint['id']}, pendingAcceptance for AWS" in plan.text
    assert f"--endpoint-id {endpoint['id']}" in plan.text
    done = world.run("setup", "--apply")
    assert done.code == 0, done
    assert "CreateVpcEndpoint" not in world.changes()
    assert world.check_ready()["id"] == endpoint["id"]


def test_registered_endpoint_is_adopted(world):
    endpoint = world.add_endpoint()
    world.cloud.add("endpoints", group=GROUP, endpointId=endpoint["id"], state="ACTIVE")
    assert world.run("setup", "--apply").code == 0
    assert world.changes() == ["ModifyVpcAttribute", "AuthorizeSecurityGroupIngress",
                               "ModifyVpcEndpoint"]
    world.check_ready()


def test_of_two_endpoints_the_one_that_tidb_cloud_knows_is_ours(world):
    world.cloud.settings(discovers=False)
    other, ours = world.add_endpoint(), world.add_endpoint()
    world.cloud.add("endpoints", group=GROUP, endpointId=ours["id"], state="ACTIVE")
    assert world.run("setup", "--apply").code == 0
    assert world.configured_id() == ours["id"]
    assert world.cloud.get(f"vpcEndpoints/{other['id']}")["state"] == "pendingAcceptance"


def test_endpoint_of_another_vpc_is_not_adopted(warm_aws):
    def add(found):
        found["vpcs"].append({"id": OTHER_VPC, "cidr": "127.78.0.0/16"})
        found["subnets"].append({"id": "subnet-9", "vpc": OTHER_VPC, "cidr": "127.78.1.0/24",
                                 "zone": "us-east-1a", "zoneId": "use1-az1"})
    with World(warm_aws, edit=add) as world:
        other = world.cloud.add("vpcEndpoints", vpc=OTHER_VPC, service=GROUP,
                                subnets=["subnet-9"])
        world.cloud.add("endpoints", group=GROUP, endpointId=other["id"], state="ACTIVE")
        done = world.run("setup", "--apply")
        assert done.code == 0, done
        assert len(world.endpoints()) == 2
        assert world.configured_id() not in (other["id"], None)
        assert not world.cloud.get(f"vpcEndpoints/{other['id']}")["privateDns"]


@pytest.mark.parametrize("state", [None, "deleted", "rejected", "failed", "expired"])
def test_configured_endpoint_that_is_gone_is_replaced(warm_aws, state):
    with World(warm_aws, cluster={"endpoint-id": GONE}) as world:
        if state:
            world.add_endpoint(id=GONE, state=state)
        done = world.run("setup", "--apply")
        assert done.code == 0, done
        assert world.check_ready()["id"] == world.configured_id() != GONE
        assert world.config.read_text().count("endpoint-id") == 1


def test_endpoint_that_is_being_deleted_holds_the_name_until_it_is_gone(warm_aws):
    with World(warm_aws, cluster={"endpoint-id": GONE}) as world:
        world.add_endpoint(id=GONE, state="deleting")
        process = world.start("setup", "--apply")
        world.read_until(process, f"5. interface endpoint: {GONE} is still being deleted")
        assert "CreateVpcEndpoint" not in world.changes()
        world.cloud.patch(f"vpcEndpoints/{GONE}", state="deleted")
        assert world.finish(process).code == 0
        assert world.check_ready()["id"] == world.configured_id()


def test_endpoint_that_is_named_must_be_there(world):
    """One from the command line is not replaced in silence."""
    text = stopped(world, 2, "orders", "--endpoint-id", GONE)
    assert f"AWS shows no endpoint {GONE} of this service that lives" in text
    done = world.run("setup", "--apply", env={"TIDBLINK_ENDPOINT_ID": GONE})
    assert done.code == 2


def test_configured_endpoint_that_is_gone_and_another_that_lives(warm_aws):
    with World(warm_aws, cluster={"endpoint-id": GONE}) as world:
        endpoint = world.add_endpoint()
        assert world.run("setup", "--apply").code == 0
        assert world.check_ready()["id"] == endpoint["id"] == world.configured_id()


# ---- connections --------------------------------------------------------------------------------

def test_failed_connection_stops_with_its_message(world):
    endpoint = world.add_endpoint()
    world.cloud.add("endpoints", group=GROUP, endpointId=endpoint["id"], state="FAILED",
                    message="the endpoint did not answer")
    world.cloud.patch(f"vpcs/{VPC}", dnsHostnames=True)
    world.cloud.patch(f"securityGroups/{DEFAULT_GROUP}", ingress=["all from 0.0.0.0/0"])
    text = stopped(world, 3)
    assert f"{endpoint['id']} is FAILED: the endpoint did not answer. Delete both sides with " \
           "tidblink endpoint delete orders, then run setup again" in text
    assert world.run("endpoint", "delete", "orders", "--yes").code == 0
    assert world.run("setup", "--apply").code == 0
    assert world.check_ready(rules=0)["id"] != endpoint["id"]


def test_connection_that_is_being_deleted_is_waited_for(world):
    """What the deletion of an accepted one leaves at AWS is rejected, and another one is made."""
    endpoint = world.add_endpoint(state="available")
    connection = world.cloud.add("endpoints", group=GROUP, endpointId=endpoint["id"],
                                 state="DELETING")
    process = world.start("setup", "--apply")
    world.read_until(process, f"7. private endpoint connection: the one of {endpoint['id']} is being")
    world.cloud.remove(f"endpoints/{connection['id']}")
    done = world.finish(process)
    assert done.code == 0, done
    assert world.check_ready()["id"] != endpoint["id"]


def test_active_for_tidb_cloud_and_pending_for_aws(world):
    world.cloud.settings(availableSeconds=4)
    done = world.run("setup", "--apply")
    assert done.code == 0, done
    assert "8. acceptance: ACTIVE (Active) for TiDB Cloud, pending for AWS" in done.text
    world.check_ready()


def test_endpoint_that_fails_while_it_is_waited_for(world):
    world.cloud.settings(acceptSeconds=60)
    process = world.start("setup", "--apply")
    world.read_until(process, "8. acceptance: PENDING")
    connection = world.connections()[0]
    world.cloud.patch(f"endpoints/{connection['id']}", state="FAILED", message="no such service")
    done = world.finish(process)
    assert done.code == 3 and "acceptance: FAILED" in done.err


def test_waiting_has_an_end(world):
    world.cloud.settings(acceptSeconds=60)
    done = world.run("setup", "--apply", "--max", "1s")
    assert done.code == 3
    assert "acceptance: PENDING (Pending): TiDB Cloud is accepting it. It is still so after 1 s;" \
           " run the same command again to go on waiting" in done.err
    connection = world.connections()[0]
    world.cloud.patch(f"endpoints/{connection['id']}", state="ACTIVE")
    assert world.run("setup", "--apply").code == 0
    world.check_ready()
