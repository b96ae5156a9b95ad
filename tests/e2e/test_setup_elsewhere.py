# SPDX-License-Identifier: Apache-2.0
"""tidblink setup where it cannot do all itself: without the AWS CLI, on Google Cloud and Azure, and
for what is no Dedicated cluster."""
import re
import shutil
import subprocess

import pytest

from emulator import CLUSTER
from setup_world import (APP_GROUP, DEFAULT_GROUP, GROUP, SERVICE, SUBNET, VPC, World,
                         check_columns, squeezed)

GCP_SERVICE = "projects/tidb-prod/regions/us-west1/serviceAttachments/psc-0a1b2c3d"
AZURE_SERVICE = ("/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/tidb/providers/"
                 "Microsoft.Network/privateLinkServices/pls-0a1b2c3d")
AZURE_ID = ("/subscriptions/66666666-7777-8888-9999-000000000000/resourceGroups/My_Group/providers/"
            "Microsoft.Network/privateEndpoints/tidb-" + CLUSTER)
STARTER = "10000000000000000001"


def commands(done):
    lines = done.out.split("\n\n")[0].splitlines()[1:]
    return "\n".join(line for line in lines if not re.match(r"  \S| {12}", line))


def without_cli(world, program):
    world.options["aws-cli"] = program
    world.write_config()


# ---- without the AWS CLI ------------------------------------------------------------------------

@pytest.mark.parametrize("program, why", [
    ("off", "aws-cli is off"), ("/nowhere/aws", "there is no AWS CLI /nowhere/aws: install it"),
    ("no-such-aws", "there is no AWS CLI no-such-aws")])
def test_without_the_cli_every_command_is_printed(world, program, why):
    without_cli(world, program)
    plan = world.run("setup")
    assert plan.code == 0 and plan.steps()[5] == "by hand"
    assert why in plan.text
    check_columns(plan)
    text = squeezed(commands(plan).replace("\\\n", ""))
    for words in ["--enable-dns-support", "--enable-dns-hostnames",
                  f"--service-name {SERVICE} --subnet-ids {SUBNET} --no-private-dns-enabled",
                  f'--group-id "$GROUP" --protocol tcp --port {world.port} --source-group {APP_GROUP}',
                  'tidblink endpoint create orders --endpoint-id "$VPCE"',
                  'tidblink endpoint wait orders --endpoint-id "$VPCE"',
                  '--vpc-endpoint-id "$VPCE" --private-dns-enabled']:
        assert words in text
    assert "Run the commands of what is by hand or skipped yourself; the same command with --apply " \
           "takes the other steps." in plan.text
    done = world.run("setup", "--apply")
    assert done.code == 3 and world.changes() == []
    assert "Run the command where it can, then setup again with --endpoint-id" in done.err


def test_commands_of_a_machine_without_the_cli_work_on_another(world):
    without_cli(world, "off")
    script = commands(world.run("setup"))
    without_cli(world, "aws")
    done = world.shell(script)
    assert done.code == 0, (script, done)
    assert world.run("setup", "--apply").code == 0
    world.check_ready()


def test_tidb_cloud_s_half_without_the_cli(world):
    """The other half is done by somebody else, while setup waits."""
    world.cloud.patch(f"vpcs/{VPC}", dnsHostnames=True)
    endpoint = world.add_endpoint()
    without_cli(world, "off")
    done = world.run("setup", "--apply")
    assert done.code == 3 and world.changes() == []
    assert f"TiDB Cloud shows {endpoint['id']}: if it is one of this VPC" in done.err
    process = world.start("setup", "orders", "--endpoint-id", endpoint["id"], "--apply")
    said = world.read_until(process, "wait 10.")
    assert f"5. interface endpoint: {endpoint['id']} (not looked at)" in said
    assert f"--vpc-endpoint-id {endpoint['id']} --private-dns-enabled" in said.replace("\\ ", "")
    there = f"aws --region us-east-1 --endpoint-url {world.cloud.aws} ec2"
    elsewhere = world.shell(
        f"{there} authorize-security-group-ingress --group-id {DEFAULT_GROUP} --protocol tcp "
        f"--port {world.port} --cidr 127.77.0.0/16\n"
        f"{there} modify-vpc-endpoint --private-dns-enabled --vpc-endpoint-id {endpoint['id']}")
    assert elsewhere.code == 0, elsewhere
    done = world.finish(process)
    assert done.code == 0, done
    assert world.changes()[0] == "POST privateEndpointConnections"
    world.check_ready()
    assert world.configured_id() == endpoint["id"]
    # Whether the security group lets it in was not looked at.
    plan = world.run("setup").text
    assert "Nothing is left to do." not in plan and "What is left is for you to run" in plan


# ---- Google Cloud and Azure ---------------------------------------------------------------------

def google(found):
    found["regions"] = [{"id": "gcp-us-west1", "displayName": "Oregon (us-west1)"}]
    found["clusters"][0]["region"] = "gcp-us-west1"
    found["services"][0].update(serviceName=GCP_SERVICE, zones=[])
    off_aws(found)


def azure(found):
    found["regions"] = [{"id": "azure-eastus2", "displayName": "East US 2"}]
    found["clusters"][0]["region"] = "azure-eastus2"
    found["services"][0].update(serviceName=AZURE_SERVICE, zones=[])
    off_aws(found)


def off_aws(found):
    for kind in "vpcs", "subnets", "securityGroups", "instance":
        found[kind] = []


def check_other_cloud(world, plan, name, done):
    """What both have in common: nothing of AWS is asked or told."""
    assert plan.code == 0 and done.code == 0, (plan, done)
    assert not [r for r in world.requests() if r.get("service") in ("ec2", "imds")]
    assert f"the cluster is on {name}" in plan.text and plan.steps()[5] == "by hand"
    assert "aws ec2" not in plan.out + done.out
    check_columns(plan)
    assert done.steps() == {1: "ok", 2: "ok", 3: "skip", 4: "skip", 5: "ok", 6: "skip", 7: "ok",
                            8: "ok", 9: "skip", 10: "skip", 11: "skip", 12: "ok"}


def test_google_cloud(warm_aws):
    with World(warm_aws, edit=google) as world:
        plan = world.run("setup")
        text = squeezed(commands(plan).replace("\\\n", ""))
        name = f"tidb-{CLUSTER}"
        assert f"gcloud compute addresses create {name} --region=us-west1 --subnet=SUBNET" in text
        assert f"gcloud compute forwarding-rules create {name} --region=us-west1 " \
               f"--network=NETWORK --address={name} --target-service-attachment={GCP_SERVICE}" in text
        done = world.run("setup", "--apply")
        assert done.code == 3 and world.changes() == []
        assert "is created with Google Cloud's own commands. Run them, then setup again with " \
               "--endpoint-id (its name)" in done.err
        done = world.run("setup", "orders", "--apply", "--endpoint-id", name)
        check_other_cloud(world, plan, "Google Cloud", done)
        assert world.connections()[0]["endpointId"] == world.configured_id() == name
        assert "wait 8. acceptance: PENDING" in done.text
        # Undone by TiDB Cloud's half and the provider's own commands.
        done = world.run("endpoint", "delete", "--yes")
        assert done.code == 0 and world.connections() == [] and world.configured_id() is None
        assert f"gcloud compute forwarding-rules delete {name} --region=us-west1" in done.text
        assert f"gcloud compute addresses delete {name} --region=us-west1" in done.text
        assert "AWS" not in done.out + done.err


def test_azure(warm_aws):
    """Its IDs are long, and the connection is told the address as well."""
    with World(warm_aws, edit=azure) as world:
        plan = world.run("setup")
        text = squeezed(commands(plan).replace("\\\n", ""))
        name = f"tidb-{CLUSTER}"
        assert f"az network private-endpoint create --name {name} --resource-group GROUP " \
               f"--location eastus2 --vnet-name VNET --subnet SUBNET --connection-name {name} " \
               f"--manual-request true --private-connection-resource-id {AZURE_SERVICE}" in text
        shown = f"az network private-endpoint show --name {name} --resource-group GROUP --query"
        assert f"{shown} id --output tsv NIC=$({shown} 'networkInterfaces[0].id' --output tsv) " \
               "az network nic show --ids \"$NIC\" --output tsv --query " \
               "'ipConfigurations[0].[privateIPAddress || privateIpAddress]'" in text
        done = world.run("setup", "--apply")
        assert done.code == 3 and "--endpoint-id (its resource ID) and --private-ip" in done.err
        done = world.run("setup", "orders", "--apply", "--endpoint-id", AZURE_ID,
                         "--private-ip", "10.1.2.3")
        check_other_cloud(world, plan, "Azure", done)
        (connection,) = world.connections()
        assert connection["endpointId"] == world.configured_id() == AZURE_ID
        assert connection["privateIpAddress"] == "10.1.2.3"
        assert world.run("setup", "--apply").code == 0  # it is in the file now
        done = world.run("endpoint", "delete", "--yes")
        assert done.code == 0 and f"az network private-endpoint delete --ids {AZURE_ID}" in \
            squeezed(done.out.replace("\\\n", ""))
        assert world.connections() == []


@pytest.mark.parametrize("edit, endpoint_id", [(google, "tidb-elsewhere"), (azure, AZURE_ID)])
def test_connection_of_another_network_is_not_adopted(warm_aws, edit, endpoint_id):
    with World(warm_aws, edit=edit) as world:
        world.cloud.add("endpoints", group=GROUP, endpointId=endpoint_id, state="ACTIVE")
        plan = world.run("setup")
        assert plan.code == 0 and plan.steps()[5] == "by hand"
        assert f"TiDB Cloud shows {endpoint_id}: if it is this network's, name that one" in plan.text
        assert "gcloud compute" in plan.text or "az network private-endpoint create" in plan.text
        done = world.run("setup", "--apply")
        assert done.code == 3 and world.configured_id() is None
        done = world.run("setup", "orders", "--apply", "--endpoint-id", endpoint_id)
        assert done.code == 0 and world.configured_id() == endpoint_id, done


@pytest.mark.parametrize("cloud", [google, azure])
def test_words_of_others_are_quoted(warm_aws, cloud):
    """Whatever TiDB Cloud calls a region, a shell only reads it."""
    def rename(found):
        cloud(found)
        region = found["clusters"][0]["region"] + ";(x)"
        found["regions"][0]["id"] = found["clusters"][0]["region"] = region
    with World(warm_aws, edit=rename) as world:
        script = commands(world.run("setup"))
        script += world.run("endpoint", "delete", "orders", "--yes", "--endpoint-id",
                            "tidb-a" if cloud is google else AZURE_ID).out
        assert script.count(";(x)") == len(re.findall(r"[= ]'[^ ';]*;\(x\)'", script)) >= 1, script


def test_azure_needs_the_address(warm_aws):
    with World(warm_aws, edit=azure) as world:
        done = world.run("setup", "orders", "--apply", "--endpoint-id", AZURE_ID, "--private-ip",
                         "10.1.2.3; touch x")
        assert done.code == 2 and '--private-ip: "10.1.2.3; touch x" is not valid' in done.err
        done = world.run("setup", "orders", "--apply", "--endpoint-id", AZURE_ID)
        assert done.code == 2 and "--private-ip" in done.err
        assert world.connections() == []


@pytest.mark.parametrize("edit, name, page", [
    (google, "Google Cloud", "Connect via Google Cloud Private Service Connect"),
    (azure, "Azure", "Connect via Azure Private Link")])
def test_console_of_another_cloud(warm_aws, edit, name, page):
    with World(warm_aws, edit=edit) as world:
        done = world.run("setup", "--console")
        assert done.code == 0 and page in done.text and "docs.pingcap.com/tidbcloud" in done.text
        check_columns(done)


def test_cloud_that_is_not_known(warm_aws):
    def alibaba(found):
        google(found)
        found["regions"][0]["id"] = found["clusters"][0]["region"] = "alicloud-ap-southeast-1"
    with World(warm_aws, edit=alibaba) as world:
        done = world.run("setup", "--apply")
        assert done.code == 3 and "has to be created in Alibaba Cloud, then setup again with" in \
            done.err


@pytest.mark.skipif(not shutil.which("gcloud"), reason="gcloud is not installed")
def test_gcloud_accepts_the_printed_commands(warm_aws):
    """Its argument parser does; without an account it stops behind that."""
    with World(warm_aws, edit=google) as world:
        script = commands(world.run("setup")).replace("\\\n", " ")
        done = world.run("setup", "orders", "--apply", "--endpoint-id", f"tidb-{CLUSTER}")
        script += "\n" + world.run("endpoint", "delete", "--yes").out.replace("\\\n", " ")
        lines = [line.split() for line in script.splitlines() if line.startswith("gcloud ")]
        assert len(lines) == 4
        env = {**world.env, "CLOUDSDK_CONFIG": str(world.dir / "gcloud"),
               "CLOUDSDK_CORE_PROJECT": "nobody-s", "CLOUDSDK_CORE_DISABLE_PROMPTS": "1",
               "CLOUDSDK_API_ENDPOINT_OVERRIDES_COMPUTE": "http://127.0.0.1:1/"}
        for line in lines:
            done = subprocess.run([*line, "--format=json"], env=env, capture_output=True,
                                  text=True, timeout=60, check=False, stdin=subprocess.DEVNULL)
            assert done.returncode == 1, done  # 2: wrong arguments
            assert "unrecognized arguments" not in done.stderr
            assert "active account selected" in done.stderr or "login" in done.stderr, done.stderr


# ---- not Dedicated ------------------------------------------------------------------------------

def test_starter_instance_is_called_by_its_name(warm_aws):
    def add(found):
        found["instances"] = [{"id": STARTER, "displayName": "playground"}]
    with World(warm_aws, edit=add, alias=None) as world:
        for words in ["--apply"], []:
            done = world.run("setup", STARTER, *words)
            assert done.code == 2, done
            assert f"{STARTER} is no Dedicated cluster: it is the Starter or Essential instance " \
                   "playground" in done.err
        done = world.run("endpoint", "list", STARTER)
        assert done.code == 2 and "playground" in done.err
        assert world.changes() == []
        # Where that API is not in reach, the answer is the plain one.
        done = world.run("setup", STARTER, "--serverless-api-url", "https://127.0.0.1:1")
        assert done.code == 2 and STARTER in done.err and "playground" not in done.err
