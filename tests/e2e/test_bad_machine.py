# SPDX-License-Identifier: Apache-2.0
"""Bad days of the machine: no space, no descriptors, no rights; and what must never be seen on it."""
import json
import os
import resource
import subprocess
import time
from pathlib import Path

import pymysql
import pytest

import client
from emulator import CLUSTER, ENDPOINT, PRIVATE_KEY, PUBLIC_KEY
from proxy import Proxy
from scenes import NoDescriptors
from servers import GREETING, Greeter

ENDPOINT_PATH = f"endpoints/{ENDPOINT}"
FAST = {"hold-timeout": "100ms"}
NOT_KEPT = "warn the last known state will not survive a restart"
KEPT_AGAIN = "info the last known state is kept on disk again"


@pytest.fixture
def known(cloud):
    """A cloud whose endpoint is ACTIVE and asked about often, because another one is PENDING."""
    with Greeter() as server:
        cloud.settings(requestsPerMinute=1000000)
        cloud.patch(f"clusters/{CLUSTER}", port=server.port)
        cloud.patch(ENDPOINT_PATH, state="ACTIVE")
        group = cloud.get(ENDPOINT_PATH)["group"]
        cloud.add("endpoints", group=group, endpointId="vpce-another", state="PENDING")
        yield cloud


def greeted(port):
    with client.connect(port) as sock:
        return client.read_greeting(sock) == GREETING


def stored_state(document):
    """Of the endpoint, in a document that must be whole."""
    found = json.loads(document.read_text())
    return found["clusters"][0]["groups"][0]["endpoints"][0]["state"]["text"]


def said(proxy, text):
    return proxy.log_text().count(text)


def wait_stored(document, state):
    deadline = time.monotonic() + 30
    while stored_state(document) != state:
        assert time.monotonic() < deadline, document.read_text()
        time.sleep(0.01)


def change_something(cloud):
    """That is worth a write and refuses nobody."""
    cloud.patch(f"clusters/{CLUSTER}", state="MODIFYING")


# ---- no space -------------------------------------------------------------------------------------

def private_tmpfs(directory):
    """A command that gives a program its own tiny file system at `directory`, unseen by others."""
    wrapper = ["unshare", "--mount", "sh", "-c",
               'mount -t tmpfs -o size=64k none "$0" && exec "$@"', str(directory)]
    directory.mkdir()
    tried = subprocess.run([*wrapper, "true"], capture_output=True, text=True, check=False)
    if tried.returncode != 0:
        pytest.skip("no right to mount a tmpfs in a namespace of its own (unshare --mount)")
    return wrapper


def fill(path):
    with path.open("wb", buffering=0) as filler, pytest.raises(OSError, match="No space left"):
        while True:
            filler.write(bytes(4096))


def test_disk_full_for_the_state_file(known, tmp_path):
    wrapper = private_tmpfs(tmp_path / "state")
    with Proxy(known, options={**FAST, "state-dir": tmp_path / "state"}, wrapper=wrapper) as proxy:
        proxy.wait_verdict("allow", "ACTIVE")
        folder = Path(f"/proc/{proxy.process.pid}/root{tmp_path}/state")
        wait_stored(folder / "state.json", "ACTIVE")
        fill(folder / "filler")
        known.patch(ENDPOINT_PATH, state="FAILED")
        proxy.wait_verdict("refuse", "FAILED")
        assert client.refusal(proxy.port())[0] == 1105
        line = proxy.wait_log(NOT_KEPT).string
        assert "state.json: No space left on device" in line
        known.wait_polls(3)
        assert said(proxy, NOT_KEPT) == 1
        # What was there is whole, and the room goes to nobody else.
        assert stored_state(folder / "state.json") == "ACTIVE"
        assert sorted(os.listdir(folder)) == ["filler", "state.json"]
        (folder / "filler").unlink()
        proxy.wait_log(KEPT_AGAIN)
        assert stored_state(folder / "state.json") == "FAILED"
        # The next time is news again.
        fill(folder / "filler")
        known.patch(ENDPOINT_PATH, state="ACTIVE")
        proxy.wait_log(NOT_KEPT, 2)


def test_file_size_limit_for_the_state_file(known, tmp_path):
    """Beyond ulimit -f a write sends SIGXFSZ, which ends a program that does not expect it."""
    with Proxy(known, options={**FAST, "state-dir": tmp_path / "state"}) as proxy:
        proxy.wait_verdict("allow", "ACTIVE")
        wait_stored(tmp_path / "state" / "state.json", "ACTIVE")
        _, hard = resource.prlimit(proxy.process.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(proxy.process.pid, resource.RLIMIT_FSIZE, (100, hard))
        change_something(known)
        line = proxy.wait_log(NOT_KEPT).string
        assert "state.json: File too large" in line
        assert greeted(proxy.port())
        resource.prlimit(proxy.process.pid, resource.RLIMIT_FSIZE, (hard, hard))
        proxy.wait_log(KEPT_AGAIN)
        assert said(proxy, NOT_KEPT) == 1


def lesser_root():
    """Takes from root the right to write everywhere; nobody else needs it taken."""
    if os.geteuid() != 0:
        return []
    return ["setpriv", "--bounding-set", "-dac_override,-dac_read_search"]


def test_state_dir_that_cannot_be_written(known, tmp_path):
    folder = tmp_path / "state"
    folder.mkdir(mode=0o500)
    with Proxy(known, options={**FAST, "state-dir": folder}, wrapper=lesser_root()) as proxy:
        proxy.wait_verdict("allow", "ACTIVE")
        line = proxy.wait_log(NOT_KEPT).string
        assert str(folder) in line and "Permission denied" in line
        assert greeted(proxy.port())
        known.wait_polls(3)
        assert said(proxy, NOT_KEPT) == 1
        folder.chmod(0o700)
        proxy.wait_log(KEPT_AGAIN)
        assert stored_state(folder / "state.json") == "ACTIVE"


def test_state_dir_that_goes_away(known, tmp_path):
    folder = tmp_path / "state"
    with Proxy(known, options={**FAST, "state-dir": folder}) as proxy:
        proxy.wait_verdict("allow", "ACTIVE")
        wait_stored(folder / "state.json", "ACTIVE")
        folder.rename(tmp_path / "elsewhere")
        change_something(known)
        line = proxy.wait_log(NOT_KEPT).string
        assert "state.json: No such file or directory" in line
        assert greeted(proxy.port())
        (tmp_path / "elsewhere").rename(folder)
        proxy.wait_log(KEPT_AGAIN)


# ---- no descriptors -------------------------------------------------------------------------------

def cpu_seconds(pid):
    """User and system time of all threads of a process."""
    with open(f"/proc/{pid}/stat") as stat:
        fields = stat.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100


def assert_calm(proxy):
    """Neither spinning nor talking. A window to measure in, not a wait for anything."""
    mark, before = proxy.mark(), cpu_seconds(proxy.process.pid)
    time.sleep(1)
    assert cpu_seconds(proxy.process.pid) - before < 0.5
    assert proxy.mark() - mark < 10, "a flood of log lines"


def test_out_of_descriptors(known):
    """Who comes meanwhile waits in the kernel's queue; who is there stays; nobody spins."""
    with Proxy(known, options=FAST) as proxy:
        proxy.wait_verdict("allow", "ACTIVE")
        with client.connect(proxy.port()) as running:
            client.read_greeting(running)
            with NoDescriptors(proxy):
                waiting = [client.connect(proxy.port()) for _ in range(20)]
                line = proxy.wait_log("error cannot accept connections: paused for 1 s").string
                assert "Too many open files" in line
                assert_calm(proxy)
                running.setblocking(False)
                with pytest.raises(BlockingIOError):
                    running.recv(1)
            for sock in waiting:
                with sock:
                    assert client.read_greeting(sock) == GREETING
            known.patch(ENDPOINT_PATH, state="FAILED")
            proxy.wait_verdict("refuse", "FAILED")


def test_out_of_descriptors_with_somebody_at_the_admin_socket(known):
    with Proxy(known, options=FAST) as proxy:
        proxy.wait_verdict("allow", "ACTIVE")
        with NoDescriptors(proxy), client.connect_unix(proxy.options["admin-socket"]) as asking:
            asking.sendall(b"GET /liveness HTTP/1.0\r\n\r\n")
            line = proxy.wait_log("error cannot accept connections to the admin HTTP").string
            assert "Too many open files" in line
            assert_calm(proxy)
        assert proxy.admin("/liveness")[0] == 200


def free_descriptor(pid):
    """The lowest one, when nothing is opened or closed for a while."""
    def used():
        return sorted(int(fd) for fd in os.listdir(f"/proc/{pid}/fd"))

    seen = None
    while seen != (seen := used()):
        time.sleep(0.2)
    return next(fd for fd in range(len(seen) + 1) if fd not in seen)


def test_out_of_descriptors_for_the_way_to_the_server(known):
    """Accepted with the last one: the client is told, and the next one is served."""
    never = {"poll-interval": "1h", "poll-interval-changing": "1h"}
    with Proxy(known, options={**FAST, **never}) as proxy:
        pid = proxy.process.pid
        proxy.wait_verdict("allow", "ACTIVE")
        proxy.wait_log(" resolved ")
        before = resource.prlimit(pid, resource.RLIMIT_NOFILE)
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (free_descriptor(pid) + 1, before[1]))
        assert client.refusal(proxy.port()) == (
            1040, "tidblink: this proxy cannot open a connection to cluster orders: Too many open "
            "files. Raise its limit of open files (LimitNOFILE=, ulimit -n), or lower "
            "max-connections")
        resource.prlimit(pid, resource.RLIMIT_NOFILE, before)
        assert greeted(proxy.port())


# ---- secrets --------------------------------------------------------------------------------------

PASSWORD, IN_A_QUERY = "correct-horse-battery", "staple-in-a-query"


def test_secrets_are_never_seen(known, mariadb):
    """Keys by environment, on good and on bad days, with every line logged."""
    mariadb.add_user("secretive", PASSWORD)
    known.patch(f"clusters/{CLUSTER}", port=mariadb.port)
    no_files = {"api-public-key-file": None, "api-private-key-file": None}
    keys = {"TIDBCLOUD_PUBLIC_KEY": PUBLIC_KEY, "TIDBCLOUD_PRIVATE_KEY": PRIVATE_KEY}
    with Proxy(known, options={**FAST, **no_files, "log-level": "trace"}, env=keys) as proxy:
        proxy.wait_verdict("allow", "ACTIVE")
        with pymysql.connect(host="127.0.0.1", port=proxy.port(), user="secretive",
                             password=PASSWORD) as connection, connection.cursor() as cursor:
            cursor.execute(f"SELECT '{IN_A_QUERY}'")
        for fault in {"does": "status"}, {"does": "status", "status": 401}, {"does": "cut"}:
            known.fault(**fault)
            proxy.wait_cluster("orders", lambda api: not api["ok"])
            known.clear_faults()
            proxy.wait_cluster("orders", lambda api: api["ok"])
        known.patch("keys/demo-public", privateKey="another")
        proxy.wait_cluster("orders", lambda api: api.get("error") == "api-key")
        process = Path(f"/proc/{proxy.process.pid}")
        seen = {
            "log": proxy.log_text(), "status": proxy.admin("/api/v1/status")[1],
            "metrics": proxy.admin("/metrics")[1],
            "environ": (process / "environ").read_bytes().decode(errors="replace"),
            "cmdline": (process / "cmdline").read_text(),
            "limits": (process / "limits").read_text(),
            "state": (Path(proxy.options["state-dir"]) / "state.json").read_text(),
        }
    assert "TIDBLINK" in seen["environ"] or "PATH=" in seen["environ"]  # it could be read
    for place, text in seen.items():
        for secret in PRIVATE_KEY, PASSWORD, IN_A_QUERY:
            assert secret not in text, f"{secret} is in the {place}"
    assert PUBLIC_KEY not in seen["environ"]
    core = next(line for line in seen["limits"].splitlines() if line.startswith("Max core file"))
    assert core.split()[4:6] == ["0", "0"]


def test_keys_of_files_are_never_seen(known):
    with Proxy(known, options={**FAST, "log-level": "trace"}) as proxy:
        proxy.wait_verdict("allow", "ACTIVE")
        process = Path(f"/proc/{proxy.process.pid}")
        for text in (proxy.log_text(), proxy.admin("/api/v1/status")[1],
                     (process / "environ").read_bytes().decode(errors="replace"),
                     (process / "cmdline").read_text()):
            assert PRIVATE_KEY not in text
