# SPDX-License-Identifier: Apache-2.0
"""tidblink setup and what gets in its way: keys and rights, outages, lost answers, its own state
folder, a second one at the same time, signals."""
import json
import os
import signal
from pathlib import Path

import pytest

from built import is_portable
from setup_world import NOTE, SUBNET, VPC, World, check_columns, check_secrets, squeezed
from terminal import Terminal

POST = "POST /v1beta1/clusters"
# In each row a set-up that lacks one of them leaves what needs the next one undone.
RIGHTS = [["ModifyVpcAttribute", "DescribeVpcEndpoints", "DescribeVpcs", "DescribeSubnets",
           "CreateVpcEndpoint"],
          ["AuthorizeSecurityGroupIngress", "ModifyVpcEndpoint"]]


def deny(world, *actions):
    world.cloud.patch("credentials/AKIAEXAMPLE", denies=list(actions))


# ---- what AWS refuses ---------------------------------------------------------------------------

def test_session_that_expires_in_the_middle(warm_aws):
    """With a profile, the command that renews it is named."""
    with World(warm_aws, env={"AWS_ACCESS_KEY_ID": None, "AWS_SECRET_ACCESS_KEY": None}) as world:
        credentials = world.dir / "credentials"
        credentials.write_text("[work]\naws_access_key_id = AKIAEXAMPLE\n"
                               "aws_secret_access_key = aws-example-secret\n")
        world.env["AWS_SHARED_CREDENTIALS_FILE"] = str(credentials)
        world.options["aws-profile"] = "work"
        world.write_config()
        process = world.start("setup", "--apply")
        world.wait_change("CreateVpcEndpoint")
        world.cloud.patch("credentials/AKIAEXAMPLE", expired=True)
        done = world.finish(process)
        assert done.code == 4, done
        assert "RequestExpired" in done.err and "`aws sso login --profile work`" in done.err
        check_secrets(done)
        # So does one that was expired from the beginning.
        done = world.run("setup", "--apply")
        assert done.code == 4 and "`aws sso login --profile work`" in done.err
        world.cloud.patch("credentials/AKIAEXAMPLE", expired=False)
        done = world.run("setup", "--apply")
        assert done.code == 0, done
        assert world.changes().count("CreateVpcEndpoint") == 1
        world.check_ready()


def test_no_credentials(warm_aws):
    with World(warm_aws, env={"AWS_ACCESS_KEY_ID": None, "AWS_SECRET_ACCESS_KEY": None}) as world:
        done = world.run("setup", "--apply")
        assert done.code == 4 and world.changes() == []
        assert "Unable to locate credentials" in squeezed(done.err)
        assert "aws configure" in done.err
        assert world.run("setup").code == 0  # a plan with every command all the same


@pytest.mark.parametrize("actions", RIGHTS, ids=["before", "after"])
def test_each_missing_right_is_named(world, actions):
    """What was done before it stays, and the rest follows when the right is given."""
    for action in actions:
        deny(world, action)
        done = world.run("setup", "--apply")
        assert done.code == 4, (action, done)
        assert f"these credentials need the IAM action ec2:{action}" in done.err
        assert "Encoded" not in done.err
        check_columns(done)
    deny(world)
    assert world.run("setup", "--apply").code == 0
    world.check_ready()


def test_rights_that_setup_can_do_without(world):
    """What cannot be looked at is said, and left to whoever may."""
    world.cloud.patch(f"vpcs/{VPC}", dnsHostnames=True)
    rule = f"tcp {world.port} from 0.0.0.0/0"
    world.cloud.patch("securityGroups/sg-0a1b2c3d4e5f60001", ingress=[rule])
    deny(world, "DescribeSecurityGroups", "DescribeVpcAttribute", "DescribeNetworkInterfaces")
    done = world.run("setup", "--apply")
    assert done.code == 0, done
    assert done.steps()[4] == done.steps()[6] == "skip"
    for action in ("DescribeSecurityGroups", "DescribeVpcAttribute"):
        assert f"IAM action ec2:{action}" in done.text
    world.check_ready()


def test_right_to_tag_is_named(world):
    world.cloud.fault("awsError", match="aws CreateVpcEndpoint", code="UnauthorizedOperation",
                      status=403, count=1, message="You are not authorized to perform this operation. "
                      "User: arn:aws:iam::1:user/u is not authorized to perform: ec2:CreateTags on "
                      "resource: x because no identity-based policy allows the ec2:CreateTags action")
    done = world.run("setup", "--apply")
    assert done.code == 4 and "need the IAM action ec2:CreateTags" in done.err
    assert world.run("setup", "--apply").code == 0
    world.check_ready()


@pytest.mark.parametrize("action", ["CreateVpcEndpoint", "ModifyVpcEndpoint",
                                    "DescribeVpcEndpoints"])
def test_too_many_requests_to_aws_are_waited_out(world, action):
    world.cloud.fault("awsError", match=f"aws {action}", code="RequestLimitExceeded", status=503,
                      message="Request limit exceeded.", skip=int(action.startswith("Describe")), count=3)
    done = world.run("setup", "--apply")
    assert done.code == 0, done
    assert "RequestLimitExceeded: Request limit exceeded" in done.text
    assert done.text.count("doing 5.") == done.text.count("doing 9.") == 1
    world.check_ready()


def test_aws_that_cannot_be_reached_in_the_middle(world):
    process = world.start("setup", "--apply")
    world.wait_change("CreateVpcEndpoint")
    world.cloud.fault("status", match="aws ", status=503, count=4)
    world.wait_struck()
    done = world.finish(process)
    assert done.code == 0, done
    world.check_ready()


def test_listings_that_lag_behind_a_change(world):
    """EC2 says for a while that private DNS is off: it is not asked for again at once."""
    script = world.dir / "aws-lags"
    script.write_text("""#!/bin/sh
case "$*" in
*modify-vpc-endpoint*) [ -f lag ] || echo 3 >lag ;;
*describe-vpc-endpoints*)
    lag=$(cat lag 2>/dev/null)
    if [ "${lag:-0}" -gt 0 ]; then
        echo $((lag - 1)) >lag
        aws "$@" | sed 's/"PrivateDnsEnabled": true/"PrivateDnsEnabled": false/'
        exit
    fi ;;
esac
exec aws "$@"
""")
    script.chmod(0o755)
    world.options["aws-cli"] = script
    world.write_config()
    done = world.run("setup", "--apply")
    assert done.code == 0, done
    assert 1 <= world.changes().count("ModifyVpcEndpoint") <= 3
    world.check_ready()


@pytest.mark.parametrize("program", ["/bin/true", "/bin/false", "/bin/echo"])
def test_program_that_is_not_the_aws_cli(warm_aws, program):
    with World(warm_aws, aws_cli=program) as world:
        done = world.run("setup", "--apply")
        assert done.code == 1 and world.changes() == [], done
        assert "interface endpoint: AWS cannot be asked from here (" in done.err


# ---- what TiDB Cloud refuses --------------------------------------------------------------------

def test_key_that_may_not_create(world):
    world.cloud.fault("status", match=POST, status=403)
    done = world.run("setup", "--apply")
    assert done.code == 4
    assert "private endpoint connection: " in done.err and "403" in done.err
    assert "Organization Owner" in done.err and "Project Owner" in done.err
    world.cloud.clear_faults()
    assert world.run("setup", "--apply").code == 0
    world.check_ready()


@pytest.mark.parametrize("env", [{"TIDBCLOUD_PRIVATE_KEY": "wrong"}, {}])
def test_key_that_is_refused(world, env):
    if not env:
        world.cloud.patch("keys/demo-public", forbidden=True)
    for words in ["setup", "--apply"], ["setup"], ["setup", "--json"]:
        done = world.run(*words, env=env)
        assert done.code == 4 and done.err.startswith("tidblink setup: cluster: ")
        check_secrets(done)
    assert world.changes() == []


def test_no_key(world):
    del world.env["TIDBCLOUD_PRIVATE_KEY"]
    done = world.run("setup", "--apply")
    assert done.code in (2, 4) and "TIDBCLOUD_PRIVATE_KEY" in done.err
    assert world.changes() == []


def test_too_many_requests_are_waited_out(world):
    """As long as the API says."""
    world.cloud.fault("status", match=POST, status=429, retryAfterSeconds=1, count=1)
    done = world.run("setup", "--apply")
    assert done.code == 0, done
    assert "waiting 1 s: " in done.err and "429" in done.err
    world.check_ready()


# ---- outages and lost answers -------------------------------------------------------------------

@pytest.mark.parametrize("does", ["lose", "cut", "malformed", "contentType"])
def test_registration_whose_answer_is_lost(warm_aws, does):
    with World(warm_aws, api_timeout="1s") as world:
        world.cloud.fault(does, match=POST, count=1)
        done = world.run("setup", "--apply")
        assert done.code == 0, done
        assert [r["fault"] for r in world.requests() if "fault" in r] == [does]
        world.check_ready()


def test_registration_that_fails_without_being_done(world):
    world.cloud.fault("status", match=POST, status=500, count=1)
    assert world.run("setup", "--apply").code == 0
    assert world.changes().count("POST privateEndpointConnections") == 2
    world.check_ready()


@pytest.mark.parametrize("fault", [{"does": "status", "status": 503}, {"does": "hang"}])
def test_outage_of_the_api_in_the_middle_is_waited_out(warm_aws, fault):
    with World(warm_aws, api_timeout="500ms") as world:
        process = world.start("setup", "--apply")
        world.wait_change("POST privateEndpointConnections")
        world.cloud.fault(**fault, count=6)  # one call asks four times
        world.wait_struck()
        done = world.finish(process)
        assert done.code == 0, done
        world.check_ready()


def test_outage_that_begins_with_the_registration(warm_aws):
    """Nobody knows whether it was registered, for longer than one call asks again."""
    with World(warm_aws, api_timeout="200ms") as world:
        world.cloud.fault("status", match="/v1beta1", status=503, skip=9, count=30)
        world.cloud.fault("lose", match=POST, count=1)
        done = world.run("setup", "--apply")
        assert done.code == 0, done
        assert "wait" in done.text and "503" in done.text + done.err
        world.check_ready()


def test_api_that_is_down_from_the_beginning(warm_aws):
    with World(warm_aws, api_timeout="300ms") as world:
        world.cloud.fault("status", status=503)
        done = world.run("setup", "--apply")
        assert done.code == 1 and "503" in done.err and world.changes() == []


# ---- the note about a creation ------------------------------------------------------------------

@pytest.mark.parametrize("state_dir", ["off", "file/below", "/proc/nowhere"])
def test_state_folder_that_cannot_be_used(warm_aws, state_dir):
    """Found before anything is changed. --state-dir is what helps."""
    with World(warm_aws) as world:
        (world.dir / "file").write_text("")
        world.options["state-dir"] = world.dir / state_dir if "below" in state_dir else state_dir
        world.write_config()
        done = world.run("setup", "--apply")
        assert done.code == 1 and "state-dir" in done.err, done
        assert world.changes() == []
        assert world.run("setup").code == 0  # a plan needs none
        assert world.run("setup", "--apply", "--state-dir", world.dir / "new/deep").code == 0
        world.check_ready()


@pytest.mark.parametrize("text", ["{}", "x" * 5000])  # tests/unit/test_token.c has more
def test_damaged_note_is_not_overwritten(world, text):
    """It may stand for an endpoint that AWS is creating."""
    world.state_dir.mkdir()
    (world.state_dir / NOTE).write_text(text)
    done = world.run("setup", "--apply")
    assert done.code == 1 and world.changes() == []
    assert str(world.state_dir / NOTE) in done.err
    assert "look with aws ec2 describe-vpc-endpoints, then remove the file" in done.err
    assert (world.state_dir / NOTE).read_text() == text


def write_note(world, **fields):
    world.state_dir.mkdir(exist_ok=True)
    (world.state_dir / NOTE).write_text(json.dumps(
        {"client_token": "tidblink-of-old", "endpoint_id": "", "asked": "2026-01-01T00:00:00Z",
         **fields}))


def test_old_note_of_an_endpoint_that_never_came(world):
    """After ten minutes a listing does not lag any more."""
    write_note(world, endpoint_id="vpce-0000000000000dead")
    assert world.run("setup", "--apply").code == 0
    assert world.check_ready()["clientToken"] != "tidblink-of-old"


def test_note_whose_endpoint_has_been_deleted_since(world):
    """By somebody else, in the console: the token would only bring the old one back."""
    now = world.shell("date -u +%Y-%m-%dT%H:%M:%SZ").out.strip()
    old = world.add_endpoint(state="deleted", clientToken="tidblink-of-old")
    write_note(world, asked=now)
    assert world.run("setup", "--apply").code == 0
    assert world.check_ready()["id"] != old["id"]


def test_creation_that_was_refused_leaves_no_note(world):
    deny(world, "CreateVpcEndpoint")
    assert world.run("setup", "--apply").code == 4
    assert not (world.state_dir / NOTE).exists()
    deny(world)
    done = world.run("setup", "--apply", "--subnet-ids", SUBNET)
    assert done.code == 0 and "begun before" not in done.text


def test_creation_that_was_begun_with_other_subnets(world):
    """EC2 refuses the token with other arguments; the endpoint of the first ones is what comes."""
    world.cloud.settings(listingLagSeconds=60)
    world.cloud.fault("lose", match="aws CreateVpcEndpoint", count=1)
    process = world.start("setup", "--apply")
    world.wait_struck()
    world.kill(process)
    process = world.start("setup", "--apply", "--subnet-ids", "subnet-0a1b2c3d4e5f60004")
    world.read_until(process, "one was asked for before, with other subnets or groups")
    world.cloud.settings(listingLagSeconds=0)
    done = world.finish(process)
    assert done.code == 0, done
    assert world.check_ready()["subnets"] == [SUBNET]


def test_second_setup_at_the_same_time(world):
    world.cloud.fault("hang", match="aws CreateVpcEndpoint", count=1)
    first = world.start("setup", "--apply")
    world.wait_struck()
    world.mark()
    second = world.run("setup", "--apply")
    assert second.code == 1 and world.changes() == []
    assert "another tidblink is setting up this cluster in this VPC" in second.err
    assert world.run("setup").code == 0  # looking is allowed
    world.kill(first)
    assert world.run("setup", "--apply").code == 0
    world.check_ready()


@pytest.mark.parametrize("note", ["in use", "damaged"])
def test_note_counts_at_a_terminal_too(world, note):
    """There, the step that needs it is looked at before anything is asked."""
    if note == "in use":
        world.cloud.fault("hang", match="aws CreateVpcEndpoint", count=1)
        first = world.start("setup", "--apply")
        world.wait_struck()
    else:
        world.state_dir.mkdir()
        (world.state_dir / NOTE).write_text("{broken")
    world.mark()
    with Terminal(world, "setup", "--apply") as terminal:
        done = terminal.finish()
    assert done.code == 1 and world.changes() == [], done
    if note == "in use":
        assert "another tidblink is setting up this cluster in this VPC" in terminal.text
        world.kill(first)
    else:
        assert "then remove the file" in terminal.text
        assert (world.state_dir / NOTE).read_text() == "{broken"


# ---- signals ------------------------------------------------------------------------------------

def children(pid):
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c(world, number):
    world.cloud.fault("hang", match="aws CreateVpcEndpoint", count=1)
    process = world.start("setup", "--apply")
    world.wait_struck()
    (child,) = children(process.pid)
    done = world.kill(process, number)  # it ends by the signal
    assert done.err == "\ntidblink: stopped. Nothing is lost: the same command goes on from here\n"
    if is_portable():
        os.kill(child, signal.SIGTERM)  # nothing tells it of our end
    world.wait(lambda: not os.path.exists(f"/proc/{child}"), "the AWS CLI goes on")
    assert world.run("setup", "--apply").code == 0
    world.check_ready()


def test_ctrl_c_while_it_waits(world):
    world.cloud.settings(acceptSeconds=60)
    process = world.start("setup", "--apply")
    world.read_until(process, "wait 8.")
    done = world.kill(process, signal.SIGINT)
    assert "the same command goes on from here" in done.err


def test_reader_that_goes_away(world):
    """As behind `| head`: a set-up that nobody can follow stops, and the same command goes on."""
    process = world.start("setup", "--apply")
    assert process.stdout.readline() == "orders\n"
    process.stdout.close()
    assert process.wait(60) == 1
    assert "what it prints cannot be written: Broken pipe" in process.stderr.read()
    process.stderr.close()
    world.running.remove(process)
    assert world.connections() == []
    assert world.run("setup", "--apply").code == 0
    world.check_ready()


# ---- options ------------------------------------------------------------------------------------

@pytest.mark.parametrize("port, whose", [(2379, "PD"), (20160, "TiKV")])
def test_ports_of_pd_and_tikv_are_refused_by_name(world, port, whose):
    done = world.run("setup", "orders", "--port", port, "--apply")
    assert done.code == 2 and world.requests() == []
    assert f"port {port} is {whose}'s, and a private endpoint carries SQL only" in done.err
    assert "VPC peering" in done.err


def test_states_that_come_from_elsewhere(world):
    done = world.run("setup", "--apply", "--state-source", f"file:{world.config}")
    assert done.code == 2 and world.requests() == []
    assert "only the control API itself can register an endpoint" in done.err
