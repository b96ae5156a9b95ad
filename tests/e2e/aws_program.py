# SPDX-License-Identifier: Apache-2.0
"""The real aws program for tests, plain and warm.

    AwsProgram(cloud.aws).ok("describe-vpcs")["Vpcs"]
    AwsProgram(cloud.aws, program=warm_aws.shim)         # the same, without the half second

A WarmAws is the same CLI in a process that stays (aws_warm.py says what that changes); its `shim`
is an executable named "aws" for programs under test. One test in test_aws_program.py holds both
against each other."""
import json
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
CLI_PYTHON = "/usr/bin/python3"  # of the package awscli
DEADLINE_SECONDS = 60
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "AKIAEXAMPLE", "AWS_SECRET_ACCESS_KEY": "example-secret"}

# Without Python's own start-up of modules it takes 20 ms. The exit code of a CLI that was killed,
# or of no CLI at all, is that of a killed program.
SHIM = """#!{python} -IS
import _socket, os, sys
import json
from array import array
link = _socket.socket(_socket.AF_UNIX, _socket.SOCK_SEQPACKET)
link.connect({socket!r})
request = dict(arguments=sys.argv[1:], cwd=os.getcwd(), environment=dict(os.environ))
link.sendmsg([json.dumps(request).encode()],
             [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, array("i", [1, 2]))])
code = link.recv(1)
os._exit(code[0] if code else 137)
"""


def plain_aws():
    """The Debian package's program before any other of that name; None if there is none."""
    if os.access("/usr/bin/aws", os.X_OK):
        return "/usr/bin/aws"
    return shutil.which("aws")


def aws_environment(**more):
    """Ours without anything that belongs to a real account, and with credentials for nobody."""
    mine = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return {**mine, **CREDENTIALS, "AWS_REGION": "us-east-1", "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull, "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_MAX_ATTEMPTS": "1", "AWS_PAGER": "", "NO_PROXY": "*", **more}


class AwsError(Exception):
    """EC2 or Route 53 refused: .code and .text."""

    def __init__(self, code, text):
        super().__init__(f"{code}: {text}")
        self.code, self.text = code, text


class AwsProgram:
    """`aws ec2` and `aws route53` against one endpoint."""

    def __init__(self, url, program=None, **environment):
        self.url = url
        self.program = program or plain_aws()
        self.environment = aws_environment(**environment)

    def run(self, service, *arguments, timeout=DEADLINE_SECONDS):
        return subprocess.run(
            [self.program, "--endpoint-url", self.url, "--output", "json", service, *arguments],
            stdin=subprocess.DEVNULL, capture_output=True, text=True, env=self.environment,
            timeout=timeout, check=False)

    def ok(self, *arguments, service="ec2"):
        """What it prints, read; AwsError when it is refused."""
        done = self.run(service, *arguments)
        if done.returncode == 0:
            return json.loads(done.stdout) if done.stdout.strip() else None
        refusal = re.search(r"An error occurred \(([^)]*)\) when calling the \w+ operation"
                            r"(?: \(reached max retries: \d\))?: (.*)", done.stderr)
        assert refusal, f"exit code {done.returncode}: {done.stderr}"
        raise AwsError(refusal[1], refusal[2].strip())

    def zones(self, *arguments):
        return self.ok(*arguments, service="route53")


class WarmAws:
    """One CLI for a whole test session. `shim` is the path of a program named aws."""

    def __init__(self):
        self.dir = Path(tempfile.mkdtemp(prefix="tidblink-aws-"))
        self.shim = self.dir / "aws"
        self.process = None

    def __enter__(self):
        socket_path = str(self.dir / "cli.sock")
        self.process = subprocess.Popen(
            [CLI_PYTHON, HERE / "aws_warm.py", socket_path], stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, env=aws_environment())
        line = self.process.stdout.readline()  # or nothing, when it ends
        assert line == b"ready\n", "the warm AWS CLI did not start"
        self.shim.write_text(SHIM.format(python=CLI_PYTHON, socket=socket_path))
        self.shim.chmod(0o755)
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()
        shutil.rmtree(self.dir, ignore_errors=True)
