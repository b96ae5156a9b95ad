# SPDX-License-Identifier: Apache-2.0
"""The warm AWS CLI is the AWS CLI: the shim that tests give to programs does what aws does."""
import os
import signal
import subprocess
import time

import pytest

from aws_program import AwsProgram, plain_aws
from emulator import Emulator

VPC = "vpc-0a1b2c3d4e5f60001"


@pytest.fixture(scope="module")
def cloud():
    with Emulator("setup.json") as cloud:
        yield cloud


@pytest.mark.parametrize("arguments", [
    ("describe-subnets", "--filters", f"Name=vpc-id,Values={VPC}"),
    ("describe-vpcs", "--vpc-ids", VPC, "--output", "text", "--query", "Vpcs[].CidrBlock"),
    ("describe-vpcs", "--vpc-ids", "vpc-1"),
    ("describe-vpcs", "--vpc-idz", "vpc-1"),
    ("describe-nothing",),
    ("--version",),
])
def test_shim_and_program_say_the_same(cloud, warm_aws, arguments):
    plain, warm = (AwsProgram(cloud.aws, program).run("ec2", *arguments)
                   for program in (plain_aws(), warm_aws.shim))
    assert (warm.returncode, warm.stdout, warm.stderr) == \
        (plain.returncode, plain.stdout, plain.stderr)
    assert warm.stdout + warm.stderr


def test_shim_brings_environment_and_folder(cloud, warm_aws, tmp_path):
    (tmp_path / "config").write_text("[profile far]\nregion = eu-west-1\n"
                                     "aws_access_key_id = MINE\naws_secret_access_key = x\n")
    aws = AwsProgram(cloud.aws, warm_aws.shim, AWS_CONFIG_FILE="config")
    del aws.environment["AWS_REGION"]
    done = subprocess.run(
        [aws.program, "--profile", "far", "--endpoint-url", cloud.aws, "ec2", "describe-vpcs",
         "--query", "length(Vpcs)"],
        env=aws.environment, cwd=tmp_path, capture_output=True, text=True, timeout=30, check=True)
    assert done.stdout == "0\n"  # the VPC is in another region
    assert cloud.requests()[-1]["key"] == "MINE"


def test_a_killed_shim_takes_its_cli_along(cloud, warm_aws):
    cloud.fault("hang", match="aws DescribeVpcs", count=1)
    aws = AwsProgram(cloud.aws, warm_aws.shim)
    with subprocess.Popen([aws.program, "--endpoint-url", cloud.aws, "ec2", "describe-vpcs"],
                          env=aws.environment, stdout=subprocess.PIPE) as shim:
        deadline = time.monotonic() + 20
        while cloud.get("faults"):
            assert time.monotonic() < deadline
        os.kill(shim.pid, signal.SIGKILL)
        assert shim.stdout.read() == b""  # ends when the CLI, which has it too, is gone
    assert AwsProgram(cloud.aws, warm_aws.shim).ok("describe-vpcs")["Vpcs"]
