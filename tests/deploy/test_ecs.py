# SPDX-License-Identifier: Apache-2.0
"""deploy/ecs: valid by the AWS CLI's own model, and true to what tidblink is."""
import json
import shutil

import pytest

from built import ROOT, built
from tools import run, seconds_of

TASK = ROOT / "deploy/ecs/task-definition.json"
FARGATE_STOP_S = 120  # docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerDefinition.html


def register(path):
    """The CLI checks its input before it looks for anybody to send it to; nobody is there."""
    if not shutil.which("aws", path="/usr/bin"):
        pytest.skip("the package awscli is not installed")
    return run(["/usr/bin/aws", "--region", "us-east-1", "--endpoint-url", "http://127.0.0.1:1",
                "ecs", "register-task-definition", "--cli-input-json", f"file://{path}"],
               AWS_ACCESS_KEY_ID="none", AWS_SECRET_ACCESS_KEY="none", AWS_MAX_ATTEMPTS="1",
               AWS_EC2_METADATA_DISABLED="true", AWS_PAGER="")[1]


def test_the_cli_takes_it():
    assert "Could not connect to the endpoint URL" in register(TASK)


def test_what_the_cli_would_say(tmp_path):
    wrong = tmp_path / "wrong.json"
    wrong.write_text(TASK.read_text().replace('"HEALTHY"', "7"))
    said = register(wrong)
    assert "Parameter validation failed" in said and "condition" in said


@pytest.fixture
def containers():
    task = json.loads(TASK.read_text())
    return {container["name"]: container for container in task["containerDefinitions"]}


def test_the_application_waits_for_it(containers):
    assert containers["shop"]["dependsOn"] == [
        {"containerName": "tidblink", "condition": "HEALTHY"}]
    check = containers["tidblink"]["healthCheck"]
    kind, program, *words = check["command"]
    assert (kind, program) == ("CMD", "/usr/bin/tidblink")  # no shell is in the image
    assert seconds_of(words[words.index("--max") + 1]) < check["timeout"]
    code, said = run([built("app/tidblink"), *words, "--admin-socket", "/nonexistent/a.sock"])
    assert code == 3, said


def test_least_privilege(containers):
    tidblink = containers["tidblink"]
    assert tidblink["user"] == "65532:65532"
    assert tidblink["readonlyRootFilesystem"] is True
    assert tidblink["linuxParameters"] == {"capabilities": {"drop": ["ALL"]}}
    assert {mount["containerPath"] for mount in tidblink["mountPoints"]} == {
        "/var/lib/tidblink", "/run/tidblink"}
    secret = {entry["name"] for entry in tidblink["secrets"]}
    assert secret == {"TIDBCLOUD_PUBLIC_KEY", "TIDBCLOUD_PRIVATE_KEY"}
    assert not secret & {entry["name"] for entry in tidblink["environment"]}


def test_its_environment_is_a_valid_configuration(containers):
    tidblink = containers["tidblink"]
    environment = {entry["name"]: entry["value"] for entry in tidblink["environment"]}
    secrets = {entry["name"]: "secret" for entry in tidblink["secrets"]}
    code, said = run([built("app/tidblink"), *tidblink["command"], "--check"], **environment,
                     **secrets)
    assert (code, said) == (0, "configuration is valid: 1 cluster\n  orders on 127.0.0.1:4000\n")


def test_the_stop_has_time(containers):
    tidblink = containers["tidblink"]
    environment = {entry["name"]: entry["value"] for entry in tidblink["environment"]}
    drain_s = seconds_of(environment["TIDBLINK_DRAIN_TIMEOUT"])
    assert drain_s + 5 <= tidblink["stopTimeout"] <= FARGATE_STOP_S
