# SPDX-License-Identifier: Apache-2.0
"""What a proxy gives up once it has started: which system calls it makes, what fails from inside of
it, what nobody sees of it from outside, and that everything else goes on."""
import contextlib
import ctypes
import errno
import os
import re
import shutil
import signal
import subprocess
import tempfile
import threading
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


def other_kernel(**variables):
    library = Path(built("app/tidblink")).parents[1] / "tests/loop/old_kernel.so"
    if not library.exists():
        pytest.skip("the library of other kernels is for x86-64")
    sanitizer = os.environ.get("ASAN_OPTIONS", "")
    return {"LD_PRELOAD": str(library), **variables,
            "ASAN_OPTIONS": f"{sanitizer}:verify_asan_link_order=0".lstrip(":")}


@pytest.mark.parametrize("version", range(1, 7))
def test_older_versions_of_landlock(scene, version):
    with scene.proxy(env=other_kernel(TIDBLINK_TEST_LANDLOCK=str(version))) as proxy:
        proxy.wait_log(rf"info sandbox landlock=abi{version} seccomp=on exec=denied")
        proxy.wait_verdict("allow")
        scene.visit(proxy)


def test_a_thread_that_stays_outside(scene):
    """The proxy serves, and does not say that it is fenced in; but why it is not."""
    with scene.proxy(env=other_kernel(TIDBLINK_TEST_LANDLOCK_THREADS="1")) as proxy:
        proxy.wait_log(f'error Landlock is not in force reason="{os.strerror(errno.E2BIG)}"')
        proxy.wait_log("info sandbox landlock=none seccomp=on")
        proxy.wait_verdict("allow")
        scene.visit(proxy)


def test_what_is_in_force_is_in_the_status(scene):
    with scene.proxy() as proxy:
        version = proxy.wait_log(IN_FORCE)[1]
        assert proxy.status()["sandbox"].startswith(
            f"landlock=abi{version} seccomp=on exec=denied")
