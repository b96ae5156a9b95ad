# SPDX-License-Identifier: Apache-2.0
"""Behind the sandbox: what starts programs for a proxy, and what a reload can still reach."""
import contextlib
import errno
import os
import re
import select
import shutil
import signal
import time
from pathlib import Path

import pytest

import client
from built import linux_only
from certs import Authority
from proxy import ORDERS
from spawners import keeper_and_starter
from test_lockdown import (IN_FORCE, Strace, needs_root, poke, scene,  # noqa: F401
                           show_sandbox)
from trespass import Trespass

pytestmark = linux_only("sandbox")


# ---- a reload ------------------------------------------------------------------------------------

def reload_fails(proxy, pattern):
    mark = proxy.mark()
    proxy.signal(signal.SIGHUP)
    proxy.wait_log(rf"error configuration not reloaded.*{pattern}", after=mark)


def test_a_reload_that_names_a_file_out_of_reach_is_refused(scene, tmp_path):  # noqa: F811
    """As a whole: the other change is not made either. A restart takes both."""
    away = tmp_path / "away" / "ca.pem"
    away.parent.mkdir()
    away.write_bytes(scene.pair.ca.read_bytes())
    (tmp_path / "here").mkdir()
    here = tmp_path / "here" / "ca.pem"
    here.write_bytes(scene.pair.ca.read_bytes())
    with scene.proxy(tls_ca=here) as proxy:
        proxy.wait_log(IN_FORCE)
        proxy.clusters["orders"]["tls-ca"] = away
        proxy.options["max-connections"] = "7"
        proxy.write_config()
        reload_fails(proxy, rf"tls-ca: {away} is out of reach of the sandbox.*[Rr]estart")
        assert proxy.status()["connections"]["max"] != 7
        scene.visit(proxy)
        proxy.clusters["orders"]["tls-ca"] = here
        proxy.write_config()
        mark = proxy.mark()
        proxy.signal(signal.SIGHUP)
        proxy.wait_log("configuration reloaded", after=mark)
        assert proxy.status()["connections"]["max"] == 7


@pytest.mark.parametrize("sandbox", ["on", "strict"])
def test_another_configuration_file_in_its_place(scene, sandbox):  # noqa: F811
    with scene.proxy({"sandbox": sandbox}) as proxy:
        proxy.wait_log(IN_FORCE)
        mark = proxy.mark()
        path = proxy.write_config()
        part = path.with_suffix(".new")
        part.write_bytes(path.read_bytes())
        part.replace(path)
        proxy.signal(signal.SIGHUP)
        proxy.wait_log("configuration reloaded" if sandbox == "on" else
                       rf"not reloaded.*config: {path} is out of reach of the sandbox", after=mark)


OTHER_ETC = 'etc=$1; shift; mount --bind "$etc" /etc; exec "$@"'
USED_OF_ETC = ["passwd", "group", "nsswitch.conf", "ld.so.cache", "ssl/openssl.cnf"]


def own_etc(tmp_path):
    etc = tmp_path / "etc"
    for name in USED_OF_ETC:
        (etc / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(Path("/etc") / name, etc / name)
    return etc


def add_user(etc, line):
    """As useradd(8) does it: another file takes the place of the old one."""
    new = etc / "passwd+"
    new.write_text((etc / "passwd").read_text() + line)
    new.replace(etc / "passwd")


@needs_root
@pytest.mark.parametrize("sandbox, users, answer", [
    ("on", "root", "info configuration reloaded changed=allow-users"),
    ("on", "0", 'allow-groups: \\\\"newcomer\\\\" cannot be looked up in /etc/passwd: Permission denied.*restart tidblink'),
    ("strict", "root", "cannot be looked up in /etc/passwd: Permission denied.*restart tidblink")])
def test_a_user_who_was_added_after_the_start(scene, tmp_path, sandbox, users, answer):  # noqa: F811
    """Where names are listed they can be looked up later, too; else it is not said that there is no
    such user."""
    etc = own_etc(tmp_path)
    proxy = scene.proxy({"sandbox": sandbox}, allow_users=users,
                        listen=f"127.0.0.1:0, unix:{tmp_path}/orders.sock")
    proxy.wrapper = ["unshare", "--mount", "sh", "-ec", OTHER_ETC, "sh", etc]
    with proxy:
        proxy.wait_log(IN_FORCE)
        add_user(etc, "newcomer:x:61234:61234::/:/bin/false\n")
        proxy.clusters["orders"]["allow-users"] = f"{users}, newcomer"
        proxy.write_config()
        mark = proxy.mark()
        proxy.signal(signal.SIGHUP)
        line = proxy.wait_log("configuration (not )?reloaded", after=mark).string
        assert re.search(answer, line), line


@pytest.mark.parametrize("option, what", [
    ("client-tls-key", "though its mode 0600 lets uid"), ("tls-ca", "cannot read")])
def test_a_tls_file_that_took_the_place_of_one_out_of_reach(scene, tmp_path, option, what):  # noqa: F811
    """Nobody has asked for a reload. The log says what is behind it, and no nonsense about rights."""
    pair = Authority().server(tmp_path, ["localhost"])
    path = {"client-tls-key": pair.key, "tls-ca": scene.pair.ca}[option]
    options = {"client-tls-cert": pair.cert, "client-tls-key": pair.key, "sandbox": "strict"}
    with scene.proxy(options) as proxy:
        proxy.wait_log(IN_FORCE)
        new = Path(f"{path}.new")
        shutil.copy2(path, new)
        new.replace(path)
        line = proxy.wait_log("error a changed TLS file is not usable").string
        assert what in line and "restart tidblink to use it" in line, line
        assert "Run:" not in line, line
        scene.visit(proxy)


def name_server(etc, number):
    """As a DHCP client does it. Nobody answers there."""
    new = etc / "resolv.conf.new"
    new.write_text(f"nameserver 127.77.0.{number}\n")
    new.replace(etc / "resolv.conf")


@needs_root
@pytest.mark.parametrize("sandbox", ["on", "strict"])
def test_another_resolv_conf(scene, tmp_path, sandbox):  # noqa: F811
    """Its servers are asked; or the log says why not."""
    etc = own_etc(tmp_path)
    name_server(etc, 1)
    proxy = scene.proxy({"sandbox": sandbox, "dns-servers": None, "resolve-timeout": "200ms"})
    proxy.wrapper = ["unshare", "--mount", "sh", "-ec", OTHER_ETC, "sh", etc]
    with proxy:
        proxy.wait_log("info sandbox .*" + ("etc=readable" if sandbox == "on" else ""))
        proxy.wait_log("127.77.0.1")
        name_server(etc, 2)
        proxy.wait_log("127.77.0.2" if sandbox == "on" else
                       "warn the DNS servers stay as they were reason=\"cannot read /etc/resolv.conf: "
                       "Permission denied.*restart tidblink to use it")


# A root of its own in which $1 is mounted at /config, as Kubernetes mounts a volume.
MOUNTED = """
root=$2
mount -t tmpfs none "$root"
for path in /*; do
    if [ -L "$path" ]; then cp -P "$path" "$root$path"; continue; fi
    if [ -d "$path" ]; then mkdir "$root$path"; else touch "$root$path"; fi
    mount --rbind "$path" "$root$path"
done
mkdir "$root/config"
mount --bind "$1" "$root/config"
shift 2
exec chroot "$root" "$@"
"""


def fill_volume(volume, name, content):
    """As the kubelet does it: a folder of its own for each state, and a link that moves."""
    (volume / name).mkdir()
    (volume / name / "ca.pem").write_bytes(content)
    link = volume / "..data_tmp"
    link.symlink_to(name)
    old = os.readlink(volume / "..data") if (volume / "..data").exists() else None
    link.replace(volume / "..data")
    if old:
        shutil.rmtree(volume / old)


@needs_root
def test_a_volume_right_below_the_root_folder(scene, tmp_path):  # noqa: F811
    """A ConfigMap at /config, with files of which another state comes while the proxy runs."""
    volume, root = tmp_path / "volume", tmp_path / "root"
    volume.mkdir()
    root.mkdir()
    ca = scene.pair.ca.read_bytes()
    fill_volume(volume, "..2026_11_28", ca)
    (volume / "ca.pem").symlink_to("..data/ca.pem")
    proxy = scene.proxy(tls_ca="/config/ca.pem")
    proxy.wrapper = ["unshare", "--mount", "sh", "-ec", MOUNTED, "sh", volume, root]
    with proxy:
        proxy.wait_log(IN_FORCE)
        fill_volume(volume, "..2026_11_29", ca + b"\n")
        mark = proxy.mark()
        proxy.signal(signal.SIGHUP)
        line = proxy.wait_log("configuration (not )?reloaded", after=mark).string
        assert "info configuration reloaded" in line, line
        scene.visit(proxy)


# ---- programs ------------------------------------------------------------------------------------

BY_SPAWNER = IN_FORCE.replace("denied", "spawner")


def test_a_jump_is_started_by_the_spawner_alone(scene):  # noqa: F811
    """The proxy's own threads can start nothing, and its clients go through the jump's program."""
    via = "command:socat - TCP:%h:%p"
    with Trespass() as trespass, scene.proxy(env=trespass.env(), via=via, host="127.0.0.1") as proxy:
        proxy.wait_log(BY_SPAWNER)
        proxy.wait_verdict("allow")
        trespass.call()
        found = trespass.wait(3, poke(proxy))
        assert found["exec"] == {errno.EPERM} and found["read-passwd"] == {errno.EACCES}
        for _ in range(3):
            scene.visit(proxy)


@needs_root
def test_an_end_with_a_spawner_makes_listed_calls_only(scene, tmp_path):  # noqa: F811
    """Each refused call is a line of the kernel's audit log, which somebody looks into."""
    env = {"ASAN_OPTIONS": f"{os.environ.get('ASAN_OPTIONS', '')}:detect_leaks=0".lstrip(":")}
    via = "command:socat - TCP:%h:%p"
    with scene.proxy(env=env, via=via, host="127.0.0.1") as proxy:
        listed = show_sandbox(proxy)[1]
        proxy.wait_log(BY_SPAWNER)
        proxy.wait_verdict("allow")
        strace = Strace(proxy.process, tmp_path)
        scene.visit(proxy)
        proxy.signal(signal.SIGTERM)
        proxy.wait()
        names, refused = strace.calls()
    assert "sendmsg" in names
    assert (names - listed, refused) == ({"clone3"} & names, {"clone3"} & names)


@needs_root
def test_the_spawner_has_nothing_and_ends_with_the_proxy(scene):  # noqa: F811
    key = "key-4711-of-the-environment"
    env = {"TIDBCLOUD_PUBLIC_KEY": "demo-public", "TIDBCLOUD_PRIVATE_KEY": key}
    options = {"api-public-key-file": None, "api-private-key-file": None}
    proxy = scene.proxy(options, env, via="command:socat - TCP:%h:%p")
    try:
        proxy.start().wait_log(BY_SPAWNER)
        pid, starter = keeper_and_starter(proxy.process.pid)
        assert key.encode() not in Path(f"/proc/{pid}/environ").read_bytes()
        fds = [os.readlink(path) for path in Path(f"/proc/{pid}/fd").iterdir()]
        # The one to the proxy.
        assert len([name for name in fds if name.startswith("socket:")]) == 1, fds
        # Who ends a service sends that to all of its processes; this one has to outlive the drain.
        for process in (pid, starter):
            os.kill(process, signal.SIGTERM)
        handles = [os.pidfd_open(process) for process in (pid, starter)]
        proxy.kill()
        for handle in handles:
            assert select.select([handle], [], [], 30)[0] == [handle], "the spawner lives on"
            os.close(handle)
    finally:
        proxy.kill()
        shutil.rmtree(proxy.dir, ignore_errors=True)


def kill_all(*pids):
    for pid in pids:
        os.kill(pid, signal.SIGKILL)


def test_a_spawner_that_is_killed(scene):  # noqa: F811
    """Another one takes its place. With who keeps it dead as well there is none: what needs it is
    refused, and everybody who asks hears what to do."""
    via = "command:socat - TCP:%h:%p"
    with scene.proxy({"spares": 0}, via=via, host="127.0.0.1") as proxy:
        proxy.wait_log(BY_SPAWNER)
        proxy.wait_verdict("allow")
        scene.visit(proxy)
        keeper, starter = keeper_and_starter(proxy.process.pid)
        kill_all(starter)
        proxy.wait_log("warn the process that starts programs was killed.* exit_code=137$")
        scene.visit(proxy)
        assert proxy.admin("/readiness")[0] == 200
        kill_all(*keeper_and_starter(proxy.process.pid))
        proxy.wait_log("error the process that starts programs has ended: restart tidblink")
        code, text = proxy.admin("/readiness")
        assert code == 503 and "has ended: restart tidblink" in text, text
        assert proxy.admin("/liveness")[0] == 200  # others may be served well
        assert " exec=lost" in proxy.status()["sandbox"]
        code, text = client.refusal(proxy.port())
        assert code == 1042 and text.endswith(
            "cannot run socat: the process that starts programs has ended, and only a restart of "
            "tidblink makes another one. Restart tidblink"), text


AWS = """#!/bin/sh
printf '%s\\n' "$@" >{dir}/words
env >{dir}/environment
echo '{{"VpcEndpoints": [{{"VpcEndpointId": "{endpoint}", "State": "available"}}]}}'
mv {dir}/environment {dir}/environment.done
"""


def test_the_aws_cli_is_started_by_the_spawner(scene, tmp_path):  # noqa: F811
    program = tmp_path / "aws"
    program.write_text(AWS.format(dir=tmp_path, endpoint=ORDERS["endpoint-id"]))
    program.chmod(0o755)
    key = "key-4711-of-the-environment"
    options = {"aws-cli": program, "vpc-id": "vpc-0a"}
    with scene.proxy(options, {"TIDBCLOUD_PRIVATE_KEY": key}, endpoint_id=None) as proxy:
        proxy.wait_log(BY_SPAWNER)
        deadline = time.monotonic() + 30
        while not (tmp_path / "environment.done").exists():
            assert time.monotonic() < deadline, "the AWS CLI was not started"
            time.sleep(0.02)
        environment = (tmp_path / "environment.done").read_text()
        assert key not in environment and "AWS_PAGER=\n" in environment
        words = (tmp_path / "words").read_text().split()
        assert words[:2] == ["ec2", "describe-vpc-endpoints"] and words[-2:] == ["--output", "json"]
        scene.visit(proxy)
