# SPDX-License-Identifier: Apache-2.0
"""tidblink setup and tidblink endpoint for a person at a terminal: what they ask, and what they do
with the answers."""
import pytest

from emulator import CLUSTER
from setup_world import GROUP, OTHER_VPC, SALES, SECOND, SUBNET, UNSERVED, VPC, World
from terminal import Terminal

QUESTION_CLUSTER, QUESTION_VPC = "Which cluster?", "Which VPC?"
QUESTION_SUBNET = "Which subnet? (several: --subnet-ids)"


def off_ec2(found):
    found["instance"] = []
    found["vpcs"].append({"id": OTHER_VPC, "cidr": "127.78.0.0/16", "name": "far"})


def test_cluster_vpc_and_subnet_are_asked_for(warm_aws):
    with World(warm_aws, sales=True, edit=off_ec2, alias=None) as world:
        with Terminal(world, "setup", "--apply") as terminal:
            asked = terminal.read_until(QUESTION_CLUSTER)
            assert "NUMBER CLUSTER ID REGION STATE" in asked
            assert f"1 orders {CLUSTER} aws-us-east-1 ACTIVE" in asked
            assert f"2 sales {SALES} aws-us-east-1 ACTIVE" in asked
            terminal.answer("1")
            asked = terminal.read_until(QUESTION_VPC)
            assert "NUMBER VPC CIDR NAME" in asked
            assert f"1 {VPC} 127.77.0.0/16 apps 2 {OTHER_VPC} 127.78.0.0/16 far" in asked
            terminal.answer("1")
            asked = terminal.read_until(QUESTION_SUBNET)
            assert "NUMBER SUBNET ZONE CIDR SERVED" in asked
            assert f"1 {SUBNET} use1-az1 127.77.1.0/24 yes" in asked
            assert f"2 {UNSERVED} use1-az2 127.77.2.0/24 no" in asked
            assert f"3 {SECOND} use1-az4 127.77.4.0/24 yes" in asked
            terminal.answer("3")
            done = terminal.finish()
        assert done.code == 0, done
        endpoint = world.check_ready()
        assert endpoint["vpc"] == VPC and endpoint["subnets"] == [SECOND]
        assert world.configured_id() == endpoint["id"]
        assert QUESTION_CLUSTER not in done.out  # standard output stays what was asked for


@pytest.mark.parametrize("answer", ["0", "4", "two", "", "-1", "1 2"])
def test_answer_that_is_none(warm_aws, answer):
    with World(warm_aws, sales=True, edit=off_ec2, alias=None) as world:
        with Terminal(world, "setup", "--apply") as terminal:
            terminal.read_until(QUESTION_CLUSTER)
            terminal.answer(answer)
            done = terminal.finish()
        assert done.code == 2, done
        assert f'"{answer}" is not one of the numbers: expected 1 to 2' in terminal.text
        assert world.changes() == []


def test_end_of_input_is_no_answer(warm_aws):
    with World(warm_aws, sales=True, edit=off_ec2, alias=None) as world:
        with Terminal(world, "setup") as terminal:
            terminal.read_until(QUESTION_CLUSTER)
            terminal.press("\x04")
            assert terminal.finish().code == 2
        assert "no answer" in terminal.text


def test_subnet_that_is_not_served_is_refused_after_all(warm_aws):
    with World(warm_aws, sales=True, edit=off_ec2) as world:
        with Terminal(world, "setup", "--apply", "--vpc-id", VPC) as terminal:
            terminal.read_until(QUESTION_SUBNET)
            terminal.answer("2")
            done = terminal.finish()
        assert done.code == 2 and world.changes() == []
        assert f"{UNSERVED} is in use1-az2" in terminal.text


def test_plan_asks_too(warm_aws):
    with World(warm_aws, sales=True, edit=off_ec2) as world:
        with Terminal(world, "setup") as terminal:
            terminal.read_until(QUESTION_VPC)
            terminal.answer("1")
            terminal.read_until(QUESTION_SUBNET)
            terminal.answer("1")
            done = terminal.finish()
        assert done.code == 0, done
        assert f"--vpc-id {VPC}" in done.text and f"--subnet-ids {SUBNET}" in done.text
        assert world.changes() == []


def test_nothing_is_asked_that_is_known(warm_aws):
    """On EC2; with JSON; with an endpoint that is there."""
    with World(warm_aws) as world:
        with Terminal(world, "setup") as terminal:
            assert terminal.finish().code == 0
        assert "Which" not in terminal.text
    with World(warm_aws, sales=True, edit=off_ec2) as world:
        with Terminal(world, "setup", "--json") as terminal:
            assert terminal.finish().code == 2
        assert "Which" not in terminal.text
        world.add_endpoint()
        with Terminal(world, "setup") as terminal:
            assert terminal.finish().code == 0
        assert "Which" not in terminal.text


def test_output_on_a_terminal_is_plain_with_no_color(world):
    world.env["NO_COLOR"] = "1"
    with Terminal(world, "setup") as terminal:
        terminal.finish()
    assert "\x1b" not in terminal.text


# ---- endpoint delete ----------------------------------------------------------------------------

def registered(world):
    endpoint = world.add_endpoint(state="available")
    world.cloud.add("endpoints", group=GROUP, endpointId=endpoint["id"], state="ACTIVE")
    return endpoint["id"]


def test_delete_asks(world):
    endpoint_id = registered(world)
    with Terminal(world, "endpoint", "delete") as terminal:
        asked = terminal.read_until("Delete it? Type yes:")
        assert f"This deletes {endpoint_id} in {VPC}, at TiDB Cloud and at AWS." in asked
        assert "Every connection through it ends, whoever it belongs to." in asked
        assert world.changes() == []
        terminal.answer("yes")
        done = terminal.finish()
    assert done.code == 0 and "done" in done.text
    assert world.endpoints() == world.connections() == []


@pytest.mark.parametrize("answer", ["y", "YES", "no", ""])
def test_delete_takes_nothing_but_yes(world, answer):
    registered(world)
    with Terminal(world, "endpoint", "delete") as terminal:
        terminal.read_until("Type yes:")
        terminal.answer(answer)
        done = terminal.finish()
    assert done.code == 1 and terminal.text.endswith("tidblink endpoint: nothing was deleted")
    assert world.changes() == []
