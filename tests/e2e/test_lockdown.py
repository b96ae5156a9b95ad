# SPDX-License-Identifier: Apache-2.0
"""What a proxy gives up once it has started: which system calls it makes, what fails from inside of
it, what nobody sees of it from outside, and that everything else goes on."""
import contextlib
import ctypes
import errno
import os
import re
import select
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from pathlib import Path

import pytest

from built import built, linux_only, tethered
from certs import Authority
from fake_tidb import FakeTidb, User
from proxy import ORDERS, Proxy
from tls_scenes import RawClient, dashed
from trespass import Trespass

pytestmark = linux_only("sandbox")

ENDPOINT = "endpoints/1934235512477589504"
CLUSTER = "clusters/1379661944646413143"
IN_FORCE = r"info sandbox landlock=abi(\d+) seccomp=on exec=denied"
LIBC = ctypes.CDLL(None, use_errno=True)
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root may look into the process")


def show_sandbox(proxy):
    """(paths, calls, the calls that only the sanitizer has) of a proxy's configuration."""
    text = subprocess.run(
        [built("app/tidblink"), "proxy", "--config", proxy.write_config(), "--show-sandbox"],
        check=True, stdout=subprocess.PIPE, text=True, timeout=30).stdout
    paths, calls = text.removeprefix("paths:\n").split("calls:\n")
    words = [line.split() for line in calls.splitlines()]
    return (paths.splitlines(), {name for name, *note in words if note != ["(sanitizer)"]},
            {name for name, *note in words if note == ["(sanitizer)"]})


class Scene:
    """TLS on both sides, the control API, private DNS, unix and TCP listeners, a server."""

    def __init__(self, cloud, directory):
        self.cloud, self.dir = cloud, directory
        self.pair = Authority().server(directory, ["127.0.0.1"])
        self.server = FakeTidb(self.pair, {"app": User("secret")})

    def proxy(self, options=None, env=None, **cluster):
        self.cloud.patch(CLUSTER, port=self.server.port)
        self.cloud.patch(ENDPOINT, state="ACTIVE")
        self.cloud.settings(requestsPerMinute=1000000)
        orders = {**ORDERS, "tls-ca": self.pair.ca, "tls-server-name": "127.0.0.1",
                  **dashed(cluster)}
        return Proxy(self.cloud, {"orders": orders}, {"threads": 1, **(options or {})}, env)

    def visit(self, proxy):
        with RawClient(proxy.port()) as client:
            client.start_tls().log_in("app", "secret")
            assert client.query("SELECT 1") == [b"1"]


@pytest.fixture
def scene(cloud, tmp_path):
    scene = Scene(cloud, tmp_path)
    with scene.server:
        yield scene


def poke(proxy):
    """The worker has something to do."""
    def connect():
        with contextlib.suppress(OSError), RawClient(proxy.port()):
            pass
    return connect


# ---- from inside ---------------------------------------------------------------------------------

FORBIDDEN = {
    "read-passwd": errno.EACCES, "read-outside": errno.EACCES, "write-outside": errno.EACCES,
    "make-outside": errno.EACCES, "list-outside": errno.EACCES, "remove-outside": errno.EACCES,
    "exec": errno.EPERM, "fork": errno.ENOSYS, "listen": errno.EPERM, "bind": errno.EACCES,
    "packets": errno.ENOSYS, "raw": errno.ENOSYS, "ptrace": errno.EPERM,
    "write-memory": errno.EPERM, "kill": errno.EPERM, "unshare": errno.EPERM,
    "io-uring": errno.EPERM, "code": errno.ENOSYS}
# The sanitizer needs the calls behind these.
CALL_OF = {"fork": "clone", "ptrace": "ptrace", "kill": "kill"}


def test_what_fails_from_inside_in_every_thread(scene):
    """Main, worker and control; the same attempts succeed with the sandbox off."""
    with Trespass() as trespass, scene.proxy(env=trespass.env()) as proxy:
        version = int(proxy.wait_log(IN_FORCE)[1])
        proxy.wait_verdict("allow")
        extra = show_sandbox(proxy)[2]
        trespass.call()
        found = trespass.wait(3, poke(proxy))
        expected = {name: {sys} for name, sys in FORBIDDEN.items()
                    if CALL_OF.get(name) not in extra and not (name == "bind" and version < 4)}
        assert {name: found[name] for name in expected} == expected
        assert found["socket"] == found["read-hosts"] == {0}
        assert (trespass.outside / "secret").read_text() == "nobody's business\n"
        assert (trespass.outside / "victim").exists()
        assert not (trespass.outside / "made").exists()
        scene.visit(proxy)


def test_without_a_sandbox_the_same_attempts_succeed(scene):
    """Or the test above would prove nothing."""
    with Trespass() as trespass, scene.proxy({"sandbox": "off"}, trespass.env()) as proxy:
        proxy.wait_log(r"info sandbox off reason=configured")
        trespass.call()
        found = trespass.wait(1, lambda: None)
        for name in ("read-passwd", "read-outside", "write-outside", "make-outside",
                     "list-outside", "listen", "bind", "fork", "code"):
            assert found[name] == {0}, name
        assert (found["exec"], found["ptrace"]) == ({errno.ENOENT}, {errno.ESRCH})
        assert not (trespass.outside / "victim").exists()


@pytest.mark.parametrize("sandbox, sys", [("on", 0), ("strict", errno.EACCES)])
def test_what_lies_beside_the_configuration_file(scene, sandbox, sys):
    """`on` lets an editor put another file into its place, `strict` does not."""
    proxy = scene.proxy({"sandbox": sandbox})
    with Trespass() as trespass:
        proxy.env.update(trespass.env(), TIDBLINK_TEST_OUTSIDE=str(proxy.dir))
        (proxy.dir / "secret").touch()
        with proxy:
            proxy.wait_log(IN_FORCE)
            trespass.call()
            assert trespass.wait(3, poke(proxy))["read-outside"] == {sys}
            scene.visit(proxy)


def test_a_folder_that_many_share_is_not_given_away_for_a_file(scene, tmp_path):
    """And a link is followed to where the file is."""
    (tmp_path / "own").mkdir()
    link = tmp_path / "own" / "ca.pem"
    with tempfile.NamedTemporaryFile(dir="/tmp", prefix="tidblink-ca-", suffix=".pem") as ca:
        ca.write(scene.pair.ca.read_bytes())
        ca.flush()
        link.symlink_to(ca.name)
        proxy = scene.proxy(tls_ca=link)
        paths = show_sandbox(proxy)[0]
        shutil.rmtree(proxy.dir)
    assert f"{ca.name} read tls-ca" in paths and f"{tmp_path}/own/ read tls-ca" in paths
    assert not any(line.startswith("/tmp/ ") for line in paths), paths


# ---- which calls ---------------------------------------------------------------------------------

def test_every_name_of_the_list_is_a_call(scene):
    """A name that libseccomp does not have would be left out without a word."""
    resolve = ctypes.CDLL("libseccomp.so.2").seccomp_syscall_resolve_name_arch
    resolve.argtypes = [ctypes.c_uint32, ctypes.c_char_p]
    x86_64, aarch64 = 0xC000003E, 0xC00000B7  # linux/audit.h
    for name in show_sandbox(scene.proxy())[1]:
        assert max(resolve(machine, name.encode()) for machine in (x86_64, aarch64)) >= 0, name


class Strace:
    """The calls of a process that runs already, from now on."""

    def __init__(self, process, directory):
        self.file = directory / "strace"
        self.strace = subprocess.Popen(
            ["strace", "-f", "-o", self.file, "-p", str(process.pid)], stderr=subprocess.PIPE,
            text=True)
        line = self.strace.stderr.readline()
        assert "attached" in line, line
        threading.Thread(target=self.strace.stderr.read, daemon=True).start()

    def calls(self):
        """When it has ended: the names, and those that were refused by the filter."""
        self.strace.wait(30)
        text = self.file.read_text()
        names = set(re.findall(r"^\d+ +(\w+)\(", text, re.MULTILINE))
        refused = re.findall(r"^\d+ +(\w+)\(.*= -1 (?:ENOSYS|EPERM)\b.*$", text, re.MULTILINE)
        return names, set(refused)


@needs_root
def test_a_steady_proxy_makes_listed_calls_only(scene, tmp_path):
    """Connections by TCP and unix socket, TLS on both sides, polls, a reload, metrics, a drain."""
    socket = tmp_path / "run" / "orders.sock"
    socket.parent.mkdir()
    # The sanitizer looks for leaks at the end, by calls of its own, and cannot be traced meanwhile.
    env = {"ASAN_OPTIONS": f"{os.environ.get('ASAN_OPTIONS', '')}:detect_leaks=0".lstrip(":")}
    with scene.proxy({"log-level": "info"}, env, listen=f"127.0.0.1:0, unix:{socket}") as proxy:
        listed = show_sandbox(proxy)[1]
        proxy.wait_log(IN_FORCE)
        proxy.wait_verdict("allow")
        strace = Strace(proxy.process, tmp_path)
        for _ in range(5):
            scene.visit(proxy)
        with RawClient(socket) as client:
            client.log_in("app", "secret")
        scene.cloud.wait_polls(3)
        mark = proxy.mark()
        proxy.signal(signal.SIGHUP)
        proxy.wait_log(r"configuration reloaded", after=mark)
        scene.visit(proxy)
        assert proxy.admin("/metrics")[0] == 200
        proxy.signal(signal.SIGTERM)
        proxy.wait_log(r" stopped$")
        proxy.wait()
        names, refused = strace.calls()
    assert {"epoll_wait", "accept4", "connect", "openat"} <= names
    assert (names - listed, refused) == ({"clone3"} & names, {"clone3"} & names)


# ---- from outside --------------------------------------------------------------------------------

# Root without the rights of root, so that it is only the same user.
AS_OTHERS = ["setpriv", "--bounding-set", "-all", "--"]
LOOK = """
import ctypes, sys
pid, found = int(sys.argv[1]), []
for name in ("environ", "mem", "maps"):
    try:
        open(f"/proc/{pid}/{name}", "rb").close()
        found.append(name)
    except PermissionError:
        pass
if ctypes.CDLL(None).ptrace(0x4206, pid, 0, 0) == 0:
    found.append("ptrace")
print(*found)
"""


@needs_root
def test_nobody_of_the_same_user_looks_into_it(scene):
    def look(pid):
        command = [*AS_OTHERS, "/usr/bin/python3", "-c", LOOK, str(pid)]
        return subprocess.run(command, check=True, text=True, stdout=subprocess.PIPE,
                              timeout=30).stdout.split()
    proxy = scene.proxy()
    proxy.wrapper = AS_OTHERS
    with proxy:
        proxy.wait_log(IN_FORCE)
        assert look(proxy.process.pid) == []
        # The same look at a program that says when it runs, or this would prove nothing.
        other = subprocess.Popen(tethered([*AS_OTHERS, "sh", "-c", "echo; exec sleep 60"]),
                                 stdout=subprocess.PIPE)
        assert other.stdout.read(1)
        assert look(other.pid) == ["environ", "mem", "maps", "ptrace"]
        other.kill()
        other.wait()


def test_the_key_is_in_locked_memory_and_not_in_the_environment(scene):
    key = "key-4711-of-the-environment"
    env = {"TIDBCLOUD_PUBLIC_KEY": "demo-public", "TIDBCLOUD_PRIVATE_KEY": key}
    with scene.proxy({"api-public-key-file": None, "api-private-key-file": None}, env) as proxy:
        proxy.wait_log(IN_FORCE)
        status = Path(f"/proc/{proxy.process.pid}/status").read_text()
        assert int(re.search(r"^VmLck:\s+(\d+) kB$", status, re.MULTILINE)[1]) > 0
        if os.geteuid() == 0:
            assert key.encode() not in Path(f"/proc/{proxy.process.pid}/environ").read_bytes()


def test_a_crash_leaves_no_core(scene):
    """SIGQUIT, which no sanitizer takes."""
    proxy = scene.proxy()
    proxy.wrapper = ["prlimit", "--core=unlimited"]
    try:
        proxy.start().wait_log(IN_FORCE)
        proxy.signal(signal.SIGQUIT)
        _, status = os.waitpid(proxy.process.pid, 0)
        proxy.process.returncode = -os.WTERMSIG(status)
        assert os.WTERMSIG(status) == signal.SIGQUIT and not os.WCOREDUMP(status)
    finally:
        proxy.kill()
        shutil.rmtree(proxy.dir, ignore_errors=True)


# ---- a reload ------------------------------------------------------------------------------------

def reload_fails(proxy, pattern):
    mark = proxy.mark()
    proxy.signal(signal.SIGHUP)
    proxy.wait_log(rf"error configuration not reloaded.*{pattern}", after=mark)


def test_a_reload_that_names_a_file_out_of_reach_is_refused(scene, tmp_path):
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
def test_another_configuration_file_in_its_place(scene, sandbox):
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
def test_a_user_who_was_added_after_the_start(scene, tmp_path, sandbox, users, answer):
    """Where names are listed they can be looked up later, too; else it is not said that there is no
    such user."""
    etc = tmp_path / "etc"
    for name in USED_OF_ETC:
        (etc / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(Path("/etc") / name, etc / name)
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
def test_a_volume_right_below_the_root_folder(scene, tmp_path):
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


# ---- kernels -------------------------------------------------------------------------------------

def without_calls(*names):
    return ["/usr/bin/python3", str(Path(__file__).with_name("without_calls.py")), *names, "--"]


@pytest.mark.parametrize("missing, lines", [
    (["landlock_create_ruleset"], [r"warn this kernel has no Landlock: .*reason=\"Function not implemented\"",
                                   "info sandbox landlock=none seccomp=on exec=denied"]),
    (["seccomp"], [r"warn this kernel has no seccomp filters",
                   r"info sandbox landlock=abi\d+ seccomp=none exec=denied"]),
    (["landlock_create_ruleset", "seccomp"], ["info sandbox landlock=none seccomp=none exec=allowed"])])
def test_a_kernel_that_lacks_it(scene, missing, lines):
    proxy = scene.proxy()
    proxy.wrapper = without_calls(*missing)
    with proxy:
        for line in lines:
            proxy.wait_log(line)
        proxy.wait_verdict("allow")
        scene.visit(proxy)


@pytest.mark.parametrize("version", range(1, 7))
def test_older_versions_of_landlock(scene, version):
    library = Path(built("app/tidblink")).parents[1] / "tests/loop/old_kernel.so"
    if not library.exists():
        pytest.skip("the library of other kernels is for x86-64")
    sanitizer = os.environ.get("ASAN_OPTIONS", "")
    env = {"LD_PRELOAD": str(library), "TIDBLINK_TEST_LANDLOCK": str(version),
           "ASAN_OPTIONS": f"{sanitizer}:verify_asan_link_order=0".lstrip(":")}
    with scene.proxy(env=env) as proxy:
        proxy.wait_log(rf"info sandbox landlock=abi{version} seccomp=on exec=denied")
        proxy.wait_verdict("allow")
        scene.visit(proxy)


def test_what_is_in_force_is_in_the_status(scene):
    with scene.proxy() as proxy:
        version = proxy.wait_log(IN_FORCE)[1]
        assert proxy.status()["sandbox"].startswith(
            f"landlock=abi{version} seccomp=on exec=denied")


# ---- programs ------------------------------------------------------------------------------------

def spawner_of(pid):
    """The pid of the process that starts programs for this one."""
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            parent = int(path.read_text().rpartition(")")[2].split()[1])
            words = path.with_name("cmdline").read_bytes()
            if parent == pid and words == b"tidblink\0spawner\0":
                return int(path.parent.name)
    return None


BY_SPAWNER = IN_FORCE.replace("denied", "spawner")


def test_a_jump_is_started_by_the_spawner_alone(scene):
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
def test_the_spawner_has_nothing_and_ends_with_the_proxy(scene):
    key = "key-4711-of-the-environment"
    env = {"TIDBCLOUD_PUBLIC_KEY": "demo-public", "TIDBCLOUD_PRIVATE_KEY": key}
    options = {"api-public-key-file": None, "api-private-key-file": None}
    proxy = scene.proxy(options, env, via="command:socat - TCP:%h:%p")
    try:
        proxy.start().wait_log(BY_SPAWNER)
        pid = spawner_of(proxy.process.pid)
        assert key.encode() not in Path(f"/proc/{pid}/environ").read_bytes()
        fds = [os.readlink(path) for path in Path(f"/proc/{pid}/fd").iterdir()]
        # The one to the proxy.
        assert len([name for name in fds if name.startswith("socket:")]) == 1, fds
        # Who ends a service sends that to all of its processes; this one has to outlive the drain.
        os.kill(pid, signal.SIGTERM)
        handle = os.pidfd_open(pid)
        proxy.kill()
        assert select.select([handle], [], [], 30)[0] == [handle], "the spawner lives on"
        os.close(handle)
    finally:
        proxy.kill()
        shutil.rmtree(proxy.dir, ignore_errors=True)


AWS = """#!/bin/sh
printf '%s\\n' "$@" >{dir}/words
env >{dir}/environment
echo '{{"VpcEndpoints": [{{"VpcEndpointId": "{endpoint}", "State": "available"}}]}}'
mv {dir}/environment {dir}/environment.done
"""


def test_the_aws_cli_is_started_by_the_spawner(scene, tmp_path):
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
