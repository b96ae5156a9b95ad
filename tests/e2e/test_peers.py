# SPDX-License-Identifier: Apache-2.0
"""Who may connect to a unix socket: allow-users and allow-groups of a cluster, and the admin's."""
import contextlib
import json
import os
import re
import subprocess
import sys

import pytest

import client
from proxy import Proxy
from scenes import ready
from servers import Server

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root to become other users")

UID, GID, GROUP, OTHER = 61234, 61234, 61300, 61400  # nobody has them
DENIED = 'tidblink_refused_total{reason="denied"}'

# Becomes a user, connects, prints what it reads: of the admin an answer, else a packet.
CHILD = """
import os, socket, sys
path, uid, gid, groups, ask = sys.argv[1], *map(int, sys.argv[2:4]), sys.argv[4], sys.argv[5]
os.setgroups([int(group) for group in groups.split(",") if group])
os.setgid(gid)
os.setuid(uid)
with socket.socket(socket.AF_UNIX) as sock:
    sock.settimeout(30)
    sock.connect(path)
    if ask:
        sock.sendall(f"{ask} HTTP/1.0\\r\\n\\r\\n".encode())
        out = b"".join(iter(lambda: sock.recv(65536), b""))
    else:
        out = sock.recv(65536)
        if out[4] == 255:  # an error: the rest, to the end
            out += b"".join(iter(lambda: sock.recv(65536), b""))
    sys.stdout.buffer.write(out)
"""


def as_user(path, uid, gid=GID, groups=(), ask=""):
    done = subprocess.run(
        [sys.executable, "-c", CHILD, str(path), str(uid), str(gid), ",".join(map(str, groups)), ask],
        capture_output=True, timeout=60, check=True)
    return done.stdout


def refusal(path, uid, **who):
    packet = as_user(path, uid, **who)
    assert packet[4] == 0xFF, packet
    return int.from_bytes(packet[5:7], "little"), packet[7:].decode("ascii")


@contextlib.contextmanager
def guarded(cloud, tmp=None, **section):
    """A proxy with one unix listener that the file system opens to everybody."""
    with Server() as server:
        ready(cloud, server.port)
        proxy = Proxy(cloud, {}, {"spares": 0, "threads": 1, "socket-mode": "0666"})
        proxy.dir.chmod(0o755)
        path = proxy.dir / "orders.sock"
        proxy.clusters = {"orders": {"cluster-id": "1379661944646413143", "listen": f"unix:{path}",
                                     **{k.replace("_", "-"): v for k, v in section.items()}}}
        with proxy:
            proxy.wait_verdict("allow")
            yield proxy, path, server


def greeted(path, uid, **who):
    return as_user(path, uid, **who)[4] == 10


def test_users_by_name_and_by_id(cloud):
    with guarded(cloud, allow_users=f"root, {UID}") as (proxy, path, _):
        assert greeted(path, 0)
        assert greeted(path, UID)
        code, text = refusal(path, OTHER)
        assert code == 1130
        assert text == (f"tidblink: uid {OTHER} may not connect to orders here: allow-users = root, "
                        f"{UID}. Connect as one of these, or add it there and run: tidblink reload")
        line = proxy.wait_log("connection closed .*close=refused").string
        assert re.search(rf" client=pid:\d+,uid:{OTHER} ", line) and "error=denied" in line, line
        assert re.search(r" conn=\d+ ", line), line
        assert proxy.metric(DENIED) == 1


def test_root_is_not_special(cloud):
    with guarded(cloud, allow_users=UID) as (_, path, _):
        assert refusal(path, 0)[0] == 1130
        assert greeted(path, UID)


def test_groups_of_the_peer(cloud):
    """Its effective one, and the others; many of them."""
    with guarded(cloud, allow_groups=f"root,{GROUP}") as (_, path, _):
        assert greeted(path, OTHER, gid=GROUP)
        assert greeted(path, OTHER, gid=0)
        assert greeted(path, OTHER, groups=[GROUP])
        assert greeted(path, OTHER, groups=[*range(62000, 62300), GROUP])
        code, text = refusal(path, OTHER, groups=range(62000, 62300))
        assert code == 1130 and f"allow-groups = root, {GROUP}." in text
    with guarded(cloud, allow_users=UID, allow_groups=GROUP) as (_, path, _):  # one is enough
        assert greeted(path, UID, groups=[])
        assert greeted(path, OTHER, groups=[GROUP])
        code, text = refusal(path, OTHER)
        assert f"allow-users = {UID}; allow-groups = {GROUP}." in text


def test_a_long_list_fits_into_the_error(cloud):
    users = ",".join(str(number) for number in range(100000, 100025))
    with guarded(cloud, allow_users=users) as (_, path, _):
        code, text = refusal(path, OTHER)
        assert code == 1130 and len(text) <= 380 and text.endswith("tidblink reload")


def test_the_list_is_reloaded(cloud):
    """For who comes; who is there stays. An unknown name changes nothing."""
    with guarded(cloud, allow_users=f"root,{UID}") as (proxy, path, server):
        near = client.connect_unix(path)
        client.read_greeting(near)
        far = server.accept()
        assert refusal(path, OTHER)[0] == 1130
        proxy.clusters["orders"]["allow-users"] = OTHER
        proxy.write_config()
        proxy.signal(1)
        proxy.wait_log("configuration reloaded changed=allow-users")
        assert greeted(path, OTHER)
        assert refusal(path, 0)[0] == 1130
        near.sendall(b"still")
        assert client.read_exactly(far, 5) == b"still"
        mark = proxy.mark()
        proxy.clusters["orders"]["allow-users"] = "nobody-of-this-name"
        proxy.write_config()
        proxy.signal(1)
        proxy.wait_log("error configuration not reloaded.*nobody-of-this-name", after=mark)
        assert greeted(path, OTHER)
        mark = proxy.mark()
        proxy.clusters["orders"]["allow-users"] = "daemon"  # looked up inside the sandbox
        proxy.write_config()
        proxy.signal(1)
        proxy.wait_log("configuration reloaded changed=allow-users", after=mark)
        assert greeted(path, 1)
        near.close()
        far.close()


def test_tcp_beside_it_is_warned_about(cloud):
    with Server() as server:
        ready(cloud, server.port)
        proxy = Proxy(cloud, {"orders": {"cluster-id": "1379661944646413143"}}, {"spares": 0})
        path = proxy.dir / "a.sock"
        proxy.clusters["orders"].update({"listen": f"127.0.0.1:0, unix:{path}", "allow-users": UID})
        with proxy:
            proxy.wait_verdict("allow")
            line = proxy.wait_log("warn allow-users and allow-groups are about unix sockets").string
            assert " cluster=orders address=127.0.0.1:0" in line
            with client.connect(proxy.port()) as near:
                client.read_greeting(near)  # which fails for an error


def test_the_admin_socket_is_for_root_and_its_own_user(cloud):
    """Also when its mode lets others in."""
    with Proxy(cloud, {"orders": {"cluster-id": "1379661944646413143"}}) as proxy:
        admin = proxy.options["admin-socket"]
        proxy.wait_log("admin listening")
        proxy.dir.chmod(0o755)
        os.chmod(admin, 0o666)
        assert b" 200 " in as_user(admin, 0, ask="GET /api/v1/status").split(b"\r\n")[0]
        for ask in ("GET /api/v1/status", "GET /metrics", "POST /drain", "POST /reload", "GET /none"):
            answer = as_user(admin, OTHER, ask=ask)
            assert b" 403 " in answer.split(b"\r\n")[0], answer
            assert b"only uid 0, which runs tidblink, and root may use this" in answer
        line = proxy.wait_log("warn a user who may not use the admin socket was refused").string
        assert re.search(rf" client=pid:\d+,uid:{OTHER}$", line), line
        assert json.loads(proxy.admin("/api/v1/status")[1])["draining"] is False
