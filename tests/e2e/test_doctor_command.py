# SPDX-License-Identifier: Apache-2.0
"""tidblink doctor as a command: what it prints for people and for programs, its command line, and
what it makes of a running proxy."""
import contextlib
import json
import os
import pty
import re
import socket
import subprocess

import pytest

from built import built
from doctor_scene import HOPS, SECONDS, VPCE, running_proxy, wait_until_fine
from emulator import CLUSTER, ENDPOINT, HOST

# ---- the running proxy --------------------------------------------------------------------------

def test_what_the_running_proxy_sees(scene):
    with running_proxy(scene):
        report = scene.doctor()
        assert report.status("proxy") == "ok", report.text()
        assert "new connections: allow; 2 addresses" in report["proxy"]["saw"]
        scene.cloud.patch(f"endpoints/{ENDPOINT}", state="PENDING")
        report = scene.doctor()
        assert report.first == "connection"
        assert report["connection"]["fix"].startswith("tidblink endpoint wait orders")
        while report.status("proxy") == "ok":  # it has not looked again
            report = scene.doctor()
        assert report["proxy"]["because_of"] == "connection"
        assert "new connections: hold" in report["proxy"]["saw"]
        scene.cloud.patch(f"endpoints/{ENDPOINT}", state="PENDING",
                          then=[{"afterSeconds": 1, "state": "ACTIVE"}])
        scene.sh(report["connection"]["fix"])
        assert wait_until_fine(scene, "proxy").status("connection") == "ok"


def test_a_proxy_that_does_not_serve_the_cluster(scene):
    with running_proxy(scene):
        text = scene.file.read_text()
        scene.file.write_text(text.replace("[cluster orders]", "[cluster other]"))
        done = scene.text("other", "--json")
        [proxy] = [hop for hop in json.loads(done.stdout)["clusters"][0]["hops"]
                   if hop["hop"] == "proxy"]
        assert proxy["status"] == "warn"
        assert "does not serve other" in proxy["saw"]


def test_a_key_of_root_that_a_group_may_read(scene_without_cli):
    """As a service's user gets it: nothing is wrong, and nothing may be taken from that user."""
    scene = scene_without_cli
    (scene.dir / "private.key").chmod(0o640)
    assert scene.doctor().status("key-files") == "ok"
    (scene.dir / "private.key").chmod(0o644)
    scene.sh(scene.doctor()["key-files"]["fix"])
    assert (scene.dir / "private.key").stat().st_mode & 0o777 == 0o640


def test_a_proxy_that_hangs(scene):
    path = str(scene.dir / "admin.sock")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen(1)
        assert "did not answer in time" in scene.doctor()["proxy"]["saw"]


# ---- the command --------------------------------------------------------------------------------

STATUS_LINE = re.compile(r"^(ok   |warn |FAIL |skip ) \S")


def test_lines_can_be_read_aloud_and_copied(scene):
    """A word first, no line over 80 columns but commands, nothing in colour alone."""
    scene.cloud.patch(f"vpcEndpoints/{VPCE}", privateDns=False)
    done = scene.text("orders")
    lines = done.stdout.splitlines()
    assert done.returncode == 3
    assert "\033" not in done.stdout
    for line in lines[1:]:
        assert STATUS_LINE.match(line) or line.startswith("      ") or not line or \
            line.startswith("First thing to fix: ") or line == lines[-1], line
        assert len(line) <= 80 or re.match(r" +(fix: )?aws ", line), line
    assert len([line for line in lines if STATUS_LINE.match(line)]) == len(HOPS)
    assert lines[-2].startswith("First thing to fix: private DNS: ")
    scene.sh(lines[-1])
    assert scene.text("orders").returncode == 0
    assert scene.text("orders").stdout.endswith("\nNothing to fix.\n")


def test_texts_of_others_cannot_steer_the_terminal(scene):
    scene.cloud.patch(f"clusters/{CLUSTER}", displayName="or\x1b[2Jders")
    scene.cloud.patch(f"endpoints/{ENDPOINT}", state="FAILED", message="no\x1b[31m\nsuch\x07")
    done = scene.text("orders")
    assert "or [2Jders is ACTIVE" in done.stdout
    assert "why: no [31m such" in done.stdout
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f]", done.stdout)
    assert not re.search(r"\\u00[01]", scene.text("orders", "--json").stdout)


def test_colour_on_a_terminal_only(scene):
    def shown(**environment):
        master, slave = pty.openpty()
        env = {**scene.environment(), **environment}
        with subprocess.Popen([built("app/tidblink"), "doctor", "orders", "--config", scene.file],
                              env=env, stdin=subprocess.DEVNULL, stdout=slave) as process:
            os.close(slave)
            text = b""
            with contextlib.suppress(OSError):  # its end
                while part := os.read(master, 65536):
                    text += part
            assert process.wait(SECONDS) == 0
        os.close(master)
        return text.decode()

    assert "\033[32mok\033[0m    configuration: " in shown(NO_COLOR="")
    assert "\033" not in shown(NO_COLOR="1")


def test_each_cluster_of_the_file(scene):
    text = scene.file.read_text()
    scene.file.write_text(text + f"[cluster gone]\ncluster-id = 1\ntls-ca = {scene.pair.ca}\n")
    done = scene.text("--json")
    clusters = json.loads(done.stdout)["clusters"]
    assert [cluster["alias"] for cluster in clusters] == ["orders", "gone"]
    assert [cluster.get("first") for cluster in clusters] == [None, "cluster"]
    assert done.returncode == 3
    done = scene.text()
    assert re.findall(r"^(?:orders|gone)$", done.stdout, re.M) == ["orders", "gone"]


@pytest.mark.parametrize("words,text", [
    (["--keepalife=1s"], "unknown option"), (["orders", "other"], "one CLUSTER"),
    (["orders", "--json=maybe"], "json")])
def test_wrong_command_lines_are_usage_errors(scene, words, text):
    done = scene.text(*words)
    assert done.returncode == 2
    assert text in done.stderr
    assert done.stdout == ""


def test_no_cluster_at_all(scene):
    scene.file.write_text("")
    done = scene.text()
    assert done.returncode == 2
    assert "no cluster" in done.stderr


def test_a_broken_file_is_a_finding(scene):
    scene.file.write_text("[cluster")
    done = scene.text("orders")
    assert done.returncode == 3
    assert done.stdout.startswith("FAIL  configuration: ")
    assert done.stdout.count("because of: configuration") == len(HOPS) - 1


def test_its_options_are_part_of_the_commands(scene):
    scene.cloud.patch(f"clusters/{CLUSTER}", state="PAUSED")
    report = scene.doctor("--aws-profile", "some one")
    assert report["cluster"]["fix"] == (
        "tidblink setup orders --resume --apply '--aws-profile=some one' "
        f"--config={scene.file}")


def test_options_that_are_too_long_for_commands(scene_without_cli):
    """No command is printed with half of an option, or without one."""
    scene = scene_without_cli
    done = scene.text("orders", "--aws-profile", "a b " * 300)
    assert done.returncode == 2
    assert "--aws-profile: the options are too long for the commands" in done.stderr
    scene.cloud.patch(f"endpoints/{ENDPOINT}", state="FAILED", message="no such service")
    for size in 12, 920:
        hop = scene.doctor("--aws-profile", "a b " * (size // 4))["connection"]
        fix = hop["fix"]
        assert hop["fix_is_command"] == (size == 12)
        assert fix.count("--config=") == 2 if size == 12 else fix.endswith("too long to be printed")


def test_a_name_that_is_too_long_for_commands(scene_without_cli):
    """Without its cluster a command would go to another one."""
    scene = scene_without_cli
    scene.cloud.patch(f"clusters/{CLUSTER}", state="PAUSED")
    done = scene.text(f"{CLUSTER}/{'o' * 1300}", "--json")
    [cluster] = [hop for hop in json.loads(done.stdout)["clusters"][0]["hops"]
                 if hop["hop"] == "cluster"]
    assert (cluster["status"], cluster["fix_is_command"]) == ("fail", False), done.stdout
    assert "too long to be printed" in cluster["fix"]


# ---- without a key ------------------------------------------------------------------------------

def test_aws_is_looked_at_without_an_api_key(scene):
    """With endpoint-id nobody has to tell the service's name."""
    for part in "public", "private":
        (scene.dir / f"{part}.key").unlink()
    scene.set(api_public_key_file=None, api_private_key_file=None, region=None)
    scene.set_cluster(endpoint_id=VPCE, host=HOST, port=4000)
    report = scene.doctor()
    assert report["aws"]["saw"] == "answers, region us-east-1"  # this machine's
    for hop in ("endpoint", "endpoint-state", "vpc", "vpc-dns", "private-dns", "subnets",
                "ingress", "egress", "name", "tcp", "greeting"):
        assert report.status(hop) == "ok", report.text()
    scene.cloud.patch(f"vpcEndpoints/{VPCE}", privateDns=False)
    report = scene.doctor()
    assert report["private-dns"]["fix"].startswith("aws ec2 modify-vpc-endpoint "), report.text()


def test_nothing_to_ask_aws_about(scene):
    scene.set(api_public_key_file=None, api_private_key_file=None)
    scene.cloud.fault("hang", match="imds ")
    assert "set endpoint-id or vpc-id" in scene.doctor()["aws"]["saw"]
