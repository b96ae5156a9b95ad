# SPDX-License-Identifier: Apache-2.0
"""tidblink setup on a day without trouble: the plan, the way, going it again, and what it prints."""
import json
import re

import pytest

from emulator import CLUSTER, HOST, PRIVATE_KEY
from servers import TIDB
from setup_world import (APP_GROUP, DEFAULT_GROUP, SALES, SALES_GROUP, SALES_HOST, SALES_SERVICE,
                         SERVICE, SUBNET, VPC, World, check_columns, check_secrets, squeezed)

STEPS = ["cluster", "service", "vpc", "attributes", "endpoint", "group", "connection", "accepted",
         "dns", "name", "test", "configuration"]
# What a whole set-up asks to be changed, in this order.
WAY = ["ModifyVpcAttribute", "CreateVpcEndpoint", "AuthorizeSecurityGroupIngress",
       "POST privateEndpointConnections", "ModifyVpcEndpoint"]


def commands(done):
    """What somebody would copy: the lines between the steps, as they are."""
    lines = done.out.split("\n\n")[0].splitlines()[1:]
    return "\n".join(line for line in lines if not re.match(r"  \S| {12}", line))


# ---- the plan -----------------------------------------------------------------------------------

def test_plan_changes_nothing_and_shows_every_step(world):
    before = world.config.read_text()
    done = world.run("setup")
    assert (done.code, done.err) == (0, "")
    assert world.changes() == [] and world.config.read_text() == before
    assert done.steps() == {
        1: "ok", 2: "ok", 3: "ok", 4: "to do", 5: "to do", 6: "later", 7: "later", 8: "later",
        9: "later", 10: "later", 11: "later", 12: "later"}
    assert f"3. VPC and subnets: {VPC}: {SUBNET} (use1-az1)" in done.text
    assert f"port {world.port}" in done.text
    assert "Nothing was changed. The same command with --apply takes the steps." in done.text
    assert "TiCDC" in done.text and "need VPC peering instead." in done.text
    check_columns(done)
    check_secrets(done)


def test_plan_prints_the_commands(world):
    text = squeezed(commands(world.run("setup")).replace("\\\n", ""))
    group = "'VpcEndpoints[0].Groups[0].GroupId'"
    where = f"--region us-east-1 --endpoint-url {world.cloud.aws}"
    tags = "'ResourceType=vpc-endpoint,Tags=[{Key=tidblink-cluster,Value=orders}]'"
    assert text == " ".join([
        f"aws ec2 modify-vpc-attribute {where} --vpc-id {VPC} --enable-dns-hostnames",
        f"VPCE=$( aws ec2 create-vpc-endpoint {where} --vpc-endpoint-type Interface",
        f"--vpc-id {VPC} --service-name {SERVICE} --subnet-ids {SUBNET}",
        f"--no-private-dns-enabled --tag-specifications {tags}",
        "--query VpcEndpoint.VpcEndpointId --output text)",
        f'GROUP=$( aws ec2 describe-vpc-endpoints {where} --vpc-endpoint-ids "$VPCE"',
        f"--query {group} --output text)",
        f'aws ec2 authorize-security-group-ingress {where} --group-id "$GROUP"',
        f"--protocol tcp --port {world.port} --source-group {APP_GROUP}",
        'tidblink endpoint create orders --endpoint-id "$VPCE"',
        'tidblink endpoint wait orders --endpoint-id "$VPCE"',
        f'aws ec2 modify-vpc-endpoint {where} --vpc-endpoint-id "$VPCE" --private-dns-enabled'])


@pytest.mark.parametrize("source", [["setup"], ["endpoint", "command"]])
def test_printed_commands_lead_to_an_endpoint(world, source):
    """Pasted into a shell one after the other, as they are."""
    plan = world.run(*source)
    script = commands(plan) if source == ["setup"] else plan.out
    done = world.shell(script)
    assert done.code == 0, (script, done)
    assert world.changes() == WAY
    assert world.run("setup").steps()[12] == "to do"
    assert world.run("setup", "--apply").code == 0
    assert world.changes() == WAY
    world.check_ready()


# ---- the way ------------------------------------------------------------------------------------

def test_apply_takes_every_step_once(world):
    before = world.config.read_text()
    done = world.run("setup", "--apply")
    assert (done.code, done.err) == (0, "")
    assert world.changes() == WAY
    endpoint = world.check_ready()
    assert done.steps() == {number: "ok" for number in range(1, 13)}
    assert world.config.read_text() == f"{before}endpoint-id = {endpoint['id']}\n"
    assert endpoint["subnets"] == [SUBNET] and endpoint["securityGroups"] == [DEFAULT_GROUP]
    assert endpoint["tags"] == {"tidblink-cluster": "orders"}
    assert world.ingress() == [f"tcp {world.port} from {APP_GROUP}"]
    assert f"127.77.1.4:{world.port} greets" in done.text and TIDB in done.text
    check_columns(done)
    check_secrets(done)


def test_apply_says_what_it_does_and_waits_for(world):
    world.cloud.settings(acceptSeconds=1.5)
    done = world.run("setup", "--apply")
    assert done.code == 0
    for line in [f"doing 5. interface endpoint: to be created in the VPC VPCE=$( aws ec2 create",
                 "doing 6. security group:", "doing 7. private endpoint connection:",
                 "wait 8. acceptance: PENDING (Pending): TiDB Cloud is accepting it; usually about"
                 " 5 minutes, 0 s so far",
                 "ok 8. acceptance: ACTIVE (Active), after ", "doing 9. private DNS:", "doing 12. "]:
        assert line in done.text
    # What repeats itself every tenth of a second is said once.
    assert done.text.count("wait 8.") <= 2


def test_apply_prints_connection_strings(world):
    text = world.run("setup", "--apply").out
    assert "\norders is ready. Connection strings, straight to the private endpoint:\n" in text
    assert f"\nmysql --comments -u root -h {HOST} -P {world.port} " in text
    assert f"\nmysql://root:<PASSWORD>@{HOST}:{world.port}/?" in text
    assert f"\njdbc:mysql://{HOST}:{world.port}/?user=root" in text
    assert "tidblink dsn orders --direct --client all" in text
    direct = world.run("dsn", "--direct", "--client", "mysql", "orders")
    assert direct.out.strip() in text


def test_second_apply_changes_nothing(world):
    assert world.run("setup", "--apply").code == 0
    config = world.config.read_text()
    world.mark()
    done = world.run("setup", "--apply")
    assert (done.code, done.err) == (0, "")
    assert world.changes() == [] and world.config.read_text() == config
    assert done.steps() == {number: "ok" for number in range(1, 13)}
    assert "doing" not in done.text and "orders is ready" in done.text
    assert "Nothing is left to do." in world.run("setup").text


def test_endpoint_id_goes_into_its_section_and_nothing_else_changes(warm_aws):
    with World(warm_aws) as world:
        text = world.config.read_text()
        other = f"[cluster other]\ncluster-id = 1\nendpoint-id = vpce-0other\n"
        text = (text.replace("cluster-id", "  cluster-id").replace("# ours", "# ours; \ttheirs ")
                + f"; the end\n\n{other}")
        world.config.write_text(text)
        world.config.chmod(0o640)
        assert world.run("setup", "orders", "--apply").code == 0
        endpoint = world.check_ready()
        assert world.config.read_text().replace(f"endpoint-id = {endpoint['id']}\n", "") == text
        assert world.config.stat().st_mode & 0o777 == 0o640
        world.mark()
        assert world.run("setup", "orders", "--apply").steps()[12] == "ok"


@pytest.mark.parametrize("word", [CLUSTER, "orders"])
def test_cluster_without_a_section_gets_one(warm_aws, word):
    with World(warm_aws, alias=None) as world:
        before = world.config.read_text()
        done = world.run("setup", word, "--apply")
        assert done.code == 0, done
        endpoint = world.check_ready()
        added = world.config.read_text().removeprefix(before)
        assert added.split() == ["[cluster", f"{word}]", "endpoint-id", "=", endpoint["id"]]


@pytest.mark.parametrize("word", [CLUSTER, "orders"])
def test_section_of_another_name_that_has_the_cluster_s_id_is_its_section(warm_aws, word):
    """A second one would have a proxy serve the cluster twice."""
    with World(warm_aws, alias="shop") as world:
        before = world.config.read_text()
        done = world.run("setup", word, "--apply")
        assert done.code == 0, done
        endpoint = world.check_ready()
        assert world.config.read_text() == f"{before}endpoint-id = {endpoint['id']}\n"
        # What it says of the endpoint counts as well.
        assert f"has endpoint-id = {endpoint['id']}" in world.run("setup", word).text
        assert world.run("endpoint", "delete", word, "--yes").code == 0
        assert world.config.read_text() == before


def test_section_of_the_cluster_but_of_another_group_is_left_alone(warm_aws):
    with World(warm_aws, alias="shop", cluster={"group": "reports"}) as world:
        before = world.config.read_text()
        assert world.run("setup", CLUSTER, "--apply").code == 0
        added = world.config.read_text().removeprefix(before)
        assert added.split()[:2] == ["[cluster", f"{CLUSTER}]"]


@pytest.mark.parametrize("edit", [
    ("[cluster orders]", "[cluster  orders]"), ("[cluster orders]", "\t[ cluster\torders ] # ours")])
def test_section_is_found_as_the_reader_reads_it(world, edit):
    world.config.write_text(world.config.read_text().replace(*edit))
    before = world.config.read_text()
    assert world.run("setup", "--apply").code == 0
    endpoint = world.check_ready()
    assert world.config.read_text() == f"{before}endpoint-id = {endpoint['id']}\n"
    assert world.run("setup").code == 0


@pytest.mark.parametrize("name", ["Orders #1", "a ;b", "a]b"])
def test_name_that_no_section_can_have(warm_aws, name):
    """The file stays as it is, and readable."""
    def rename(found):
        found["clusters"][0]["displayName"] = name
    with World(warm_aws, edit=rename, alias=None) as world:
        before = world.config.read_text()
        done = world.run("setup", name, "--apply")
        assert done.code == 0, done
        endpoint = world.check_ready()
        assert world.config.read_text() == before
        assert f'no section can be called "{name}"; add to your file, under a plain name: ' \
               f"[cluster NAME], cluster-id = {CLUSTER}, endpoint-id = {endpoint['id']}" in done.text
        assert world.run("setup", name).code == 0


def test_without_a_file_the_line_to_write_is_told(warm_aws):
    with World(warm_aws, alias=None) as world:
        text = world.config.read_text()
        options = [f"--{line.replace(' = ', '=').removesuffix('=on')}" for line in
                   text.splitlines()]
        done = world.run("setup", CLUSTER, "--apply", *options, env={"TIDBLINK_CONFIG": "/dev/null"})
        assert done.code == 0, done
        assert f"add to yours: endpoint-id = {world.check_ready()['id']}" in done.text



# ---- several clusters ---------------------------------------------------------------------------

def test_several_clusters_in_one_run(warm_aws):
    with World(warm_aws, sales=True) as world:
        with world.config.open("a") as config:
            config.write(f"[cluster sales]\ncluster-id = {SALES}\n")
        world.cloud.settings(acceptSeconds=1.0)
        done = world.run("setup", "orders", "sales", "--apply")
        assert (done.code, done.err) == (0, "")
        assert len(world.endpoints()) == len(world.endpoints(SALES_GROUP)) == 1
        orders, sales = world.endpoints()[0], world.endpoints(SALES_GROUP)[0]
        assert orders["privateDns"] and sales["privateDns"]
        assert len(world.ingress()) == len(world.ingress(world.sales_port)) == 1
        assert f"{HOST} is 127.77.1.4" in done.text and f"{SALES_HOST} is 127.77.1.5" in done.text
        assert "orders is ready" in done.text and "sales is ready" in done.text
        assert world.config.read_text().count("endpoint-id = ") == 2
        # Both were waited for at once: one is registered before the other is accepted.
        assert [c for c in world.changes() if "Private" in c or "Endpoint" in c].index(
            "ModifyVpcEndpoint") >= 4
        assert SALES_SERVICE in done.text
        check_columns(done)
        world.mark()
        assert world.run("setup", "orders", "sales", "--apply").code == 0
        assert world.changes() == []
        plan = json.loads(world.run("setup", "sales", "orders", "--json").out)
        assert [found["alias"] for found in plan] == ["sales", "orders"]


def test_one_cluster_that_cannot_go_on_does_not_hold_up_the_other(warm_aws):
    with World(warm_aws, sales=True) as world:
        world.cloud.patch(f"clusters/{CLUSTER}", state="PAUSED")
        done = world.run("setup", CLUSTER, SALES, "--apply")
        assert done.code == 3
        assert f"{CLUSTER}: cluster: PAUSED (Paused)" in done.err
        assert world.endpoints() == []
        assert world.endpoints(SALES_GROUP)[0]["privateDns"]
        assert f"{SALES} is ready. Connection strings" in done.text
        assert f"{CLUSTER} is ready" not in done.text


def test_clusters_in_different_vpcs_are_set_up_one_by_one(warm_aws):
    with World(warm_aws, sales=True) as world:
        foreign = "subnet-0a1b2c3d4e5f60099"
        done = world.run("setup", CLUSTER, SALES, "--apply", "--subnet-ids", f"{SUBNET} {foreign}")
        assert done.code == 2 and world.changes() == []
        assert f"{foreign} is no subnet of {VPC}" in done.err
        assert "Clusters in different VPCs are set up one by one, each with its subnets" in done.err


def test_clusters_that_are_waited_for_share_the_quota(warm_aws):
    """Each makes the pause between two looks longer: with a second of it, six seconds have room
    for one look at the beginning, three in pauses, and two that the steps take themselves."""
    with World(warm_aws, sales=True, poll_interval_changing="1s") as world:
        world.cloud.settings(acceptSeconds=60)
        assert world.run("setup", CLUSTER, SALES, "--apply", "--max", "1s").code == 3
        world.mark()
        assert world.run("setup", CLUSTER, SALES, "--apply", "--max", "6s").code == 3
        looks = [r for r in world.requests() if r.get("path", "").endswith(f"clusters/{CLUSTER}")]
        assert len(looks) <= 6


def test_which_cluster(warm_aws):
    with World(warm_aws, alias=None) as world:
        done = world.run("setup", "--apply")
        assert (done.code, done.out) == (2, "")
        assert "which cluster? Expected a CLUSTER (tidblink clusters lists them)" in done.err
        done = world.run("setup", "ordrs", "--apply")
        assert done.code == 2
        assert "no cluster has the ID or display name ordrs in the default project" in done.err
        assert world.changes() == []


# ---- JSON ---------------------------------------------------------------------------------------

def check_json(text, endpoint_id=None):
    """The plan of the one cluster, whose fields are what they always are."""
    plans = json.loads(text)
    assert len(plans) == 1 and plans[0]["alias"] == "orders"
    assert set(plans[0]) <= {"alias", "endpoint_id", "steps"}
    assert plans[0].get("endpoint_id") == endpoint_id
    assert [step["step"] for step in plans[0]["steps"]] == STEPS
    for step in plans[0]["steps"]:
        assert {"step", "title", "status", "text"} <= set(step)
        assert set(step) <= {"step", "title", "status", "text", "usual", "command"}
        assert step["status"] in ("done", "to-do", "wait", "later", "by-hand", "blocked",
                                  "skipped")
        assert all(isinstance(value, str) and value for value in step.values())
    return {step["step"]: step for step in plans[0]["steps"]}


def test_json_of_the_plan(world):
    done = world.run("setup", "--json")
    assert (done.code, done.err) == (0, "")
    steps = check_json(done.out)
    assert steps["endpoint"]["status"] == "to-do" and steps["dns"]["status"] == "later"
    assert steps["endpoint"]["command"].startswith("VPCE=$(\naws ec2 create-vpc-endpoint")
    assert steps["accepted"]["usual"] == "about 5 minutes"
    assert world.changes() == []
    check_secrets(done)


def test_json_of_a_run_is_how_it_ended(world):
    done = world.run("setup", "--json", "--apply")
    assert done.code == 0
    steps = check_json(done.out, world.check_ready()["id"])
    assert {step["status"] for step in steps.values()} == {"done"}
    assert "doing" in done.err and PRIVATE_KEY not in done.err


def test_json_of_a_run_that_stopped(world):
    world.cloud.patch(f"clusters/{CLUSTER}", state="PAUSED")
    done = world.run("setup", "--json", "--apply")
    assert done.code == 3
    assert check_json(done.out)["cluster"]["status"] == "blocked"
    assert done.err.splitlines()[-1].startswith("tidblink setup: cluster: PAUSED (Paused)")


# ---- the consoles, colours ----------------------------------------------------------------------

def test_console_shows_clicks(world):
    done = world.run("setup", "--console")
    assert (done.code, done.err) == (0, "")
    assert world.changes() == []
    for words in ["In the TiDB Cloud console", "Create Private Endpoint Connection",
                  "In the AWS console (console.aws.amazon.com/vpc), region us-east-1", SERVICE,
                  f"select {VPC}", "use1-az1, use1-az4", f"TCP port {world.port}",
                  "Endpoint services that use NLBs", "Modify private DNS name"]:
        assert words in done.text
    check_columns(done)


def test_console_knows_the_endpoint(world):
    endpoint_id = world.add_endpoint()["id"]
    done = world.run("setup", "--console")
    assert f"VPC endpoint ID {endpoint_id}" in done.text
    check_columns(done)


def test_console_of_a_cluster_that_is_not_there(world):
    world.cloud.remove(f"clusters/{CLUSTER}")
    done = world.run("setup", "--console")
    assert done.code == 2 and "is not found" in done.text
    assert done.err.startswith("tidblink setup: cluster: ") and CLUSTER in done.err


def test_console_of_a_cluster_that_is_blocked(world):
    world.cloud.patch(f"clusters/{CLUSTER}", state="PAUSED")
    done = world.run("setup", "--console")
    assert done.code == 3 and "cluster: PAUSED (Paused)" in done.err


def test_apply_and_console_do_not_go_together(world):
    done = world.run("setup", "--console", "--apply")
    assert done.code == 2 and "--console" in done.err
    assert world.changes() == []


@pytest.mark.parametrize("env", [{"NO_COLOR": "1"}, {"TERM": "xterm-256color"}])
def test_output_is_plain(world, env):
    check_columns(world.run("setup", env=env))
    assert world.run("setup", "--help").code == 0
