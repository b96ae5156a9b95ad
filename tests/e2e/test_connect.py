# SPDX-License-Identifier: Apache-2.0
"""tidblink connect without a command: where it listens, what it prints, and when."""
import contextlib
import os
import signal
import socket
import stat

import pymysql
import pytest

import client
from built import is_portable, linux_only
from connecting import Connect, once
from emulator import CLUSTER, ENDPOINT
from scenes import ready
from servers import GREETING, Greeter

FIRST, COUNT = 21000, 2000  # app/connect_port.h
LAST = FIRST + COUNT - 1


@pytest.fixture
def server():
    with Greeter() as greeter:
        yield greeter


@pytest.fixture
def open_cloud(cloud, server):
    """The endpoint is ACTIVE and leads to a server."""
    ready(cloud, server.port)
    return cloud


def greeted(sock):
    with sock:
        return client.read_greeting(sock) == GREETING


# ---- the port -------------------------------------------------------------------------------------

def test_the_address_alone_is_printed(open_cloud):
    with Connect(open_cloud) as connect:
        assert FIRST <= connect.port() <= LAST
        assert greeted(client.connect(connect.port()))
        connect.signal(signal.SIGTERM)
        assert connect.wait() == 0
        assert connect.out.text == f"127.0.0.1:{connect.port()}"


def home_of(name):
    """Its own port, as app/connect_port.c has it: people keep it in their settings."""
    hashed = 0xcbf29ce484222325
    for byte in name.encode():
        hashed = (hashed ^ byte) * 0x100000001b3 % 2**64
    return FIRST + hashed % COUNT


def is_free(port):
    with socket.socket() as probe, contextlib.suppress(OSError):
        probe.bind(("127.0.0.1", port))
        return True
    return False


def test_the_port_stays_the_same(calm_cloud, server):
    """Of a cluster whose port nobody has: other tests run beside this one."""
    name = next(name for name in map(str, range(os.getpid() * 1000, 10**12)) if is_free(home_of(name)))
    section = {"cluster-id": name, "host": "127.0.0.1", "port": server.port}
    for _ in range(2):
        with Connect(calm_cloud, options={"state-source": "none"}, section=section) as connect:
            assert connect.port() == home_of(name)
            assert greeted(client.connect(connect.port()))
    with Connect(calm_cloud, cluster="orders/g", options={"state-source": "none"}, section=section,
                 env={"TIDBLINK_HOST": "127.0.0.1", "TIDBLINK_PORT": str(server.port)}) as connect:
        assert (connect.port() - home_of(name + "/g")) % COUNT < 100


def test_another_cluster_has_another_port(open_cloud):
    with Connect(open_cloud) as one, Connect(open_cloud, cluster="orders/other") as other:
        assert one.port()
        # Whatever becomes of it: it listens while it waits.
        assert other.wait_error("waiting: |no such node group")
        assert one.process.poll() is None


def test_a_taken_port_falls_back_to_the_next_free_one(open_cloud):
    """In the order of the ports; whoever else has some of them."""
    with Connect(open_cloud) as first, Connect(open_cloud) as second:
        one, other = first.port() - FIRST, second.port() - FIRST
        assert 0 < min((one - other) % COUNT, (other - one) % COUNT) < 100
        assert greeted(client.connect(first.port())) and greeted(client.connect(second.port()))
        # What a start that failed has left must not be in the way of the next.
        for connect in first, second:
            connect.signal(signal.SIGTERM)
            assert connect.wait() == 0


def test_a_given_port(open_cloud):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        code, out, errors = once(open_cloud, "--port", port)
        assert (code, out) == (2, "")
        assert f"--port: 127.0.0.1:{port} is already in use" in errors
        shows = f"lsof -nP -iTCP:{port} " if is_portable() else f"ss -ltnp 'sport = :{port}' "
        assert "leave --port out" in errors and shows in errors
    with Connect(open_cloud, "--port", port) as connect:
        assert connect.port() == port


def test_the_configurations_listen_is_used_and_a_given_port_beats_it(open_cloud, tmp_path):
    path = tmp_path / "o.sock"
    section = {"listen": f"unix:{path}"}
    with Connect(open_cloud, section=section) as connect:
        connect.wait_out(f"^{path}$")
        assert greeted(client.connect_unix(path))
    with Connect(open_cloud, section=section) as connect:  # the killed one's socket is replaced
        connect.wait_out(f"^{path}$")
        connect.stop()
    assert not path.exists()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with Connect(open_cloud, "--port", port, section=section) as connect:
        assert connect.port() == port


def test_unix_socket(open_cloud, tmp_path):
    path = tmp_path / "o.sock"
    with Connect(open_cloud, "--socket", path) as connect:
        connect.wait_out(f"^{path}$")
        assert stat.S_IMODE(os.stat(path).st_mode) == 0o660
        assert greeted(client.connect_unix(path))
        connect.stop()
        assert connect.out.text == str(path)
    assert not path.exists()


@pytest.mark.parametrize("words, error", [
    (["--port", "4000", "--socket", "/x"], "--port and --socket are both given"),
    (["--socket", "x"], "expected a path from the root"),
    (["--client", "mysqll"], 'no client "mysqll".*did you mean "mysql"'),
    (["--env", "url"], '--env: it is for a command: expected "-- CMD" at the end'),
    (["--password-file", "/x"], "--password-file: it is for a command"),
    (["--"], 'nothing behind "--"'),
    (["--env", "rail", "--", "true"], 'no form "rail".*did you mean "rails"'),
    (["--env", "url", "--socket", "/x", "--", "true"], "--env url: URLs have no common form"),
    (["--user", "a\nb", "--", "true"], "the user holds control characters"),
    (["--port", "0"], "--port"),
    (["--wait", "0s"], "--wait"),
])
def test_wrong_usage(open_cloud, words, error):
    with Connect(open_cloud, *words) as connect:
        assert connect.wait() == 2
        connect.wait_error(error)
        assert connect.out.text == ""


def test_several_clusters_and_none_named(open_cloud):
    with Connect(open_cloud, cluster=None, section={"listen": "127.0.0.1:0\n[cluster billing]"}) as connect:
        assert connect.wait() == 2
        connect.wait_error("which cluster.*2")


# ---- until the way is open ------------------------------------------------------------------------

def test_it_waits_until_the_endpoint_is_active(cloud, server):
    ready(cloud, server.port)
    cloud.patch(f"endpoints/{ENDPOINT}", state="PENDING")
    with Connect(cloud) as connect:
        connect.wait_error("tidblink connect: waiting: private endpoint .* PENDING")
        assert connect.out.text == ""
        cloud.patch(f"endpoints/{ENDPOINT}", state="ACTIVE")
        assert greeted(client.connect(connect.port()))


def test_the_wait_is_bounded(cloud):
    code, out, errors = once(cloud, "--wait", "1s", "--", "touch", "/nonexistent/never")
    assert (code, out) == (3, "")
    last = errors.splitlines()[-1]
    assert last.startswith("tidblink connect: not open after 1 s: private endpoint vpce-")
    assert "PENDING" in last and "tidblink endpoint wait orders" in last, last


@pytest.mark.parametrize("path, fields, words", [
    (f"clusters/{CLUSTER}", {"state": "PAUSED"}, "PAUSED.*[Rr]esume"),
    (f"endpoints/{ENDPOINT}", {"state": "FAILED"}, "FAILED.*tidblink endpoint delete orders"),
])
def test_a_refusing_state_ends_it_at_once(cloud, path, fields, words):
    cloud.patch(path, **fields)
    with Connect(cloud, "--wait", "10m") as connect:
        assert connect.wait() == 3
        connect.wait_error("^tidblink connect: .*" + words)
        assert connect.out.text == ""


def test_no_endpoint_ends_it_at_once(cloud):
    cloud.remove(f"endpoints/{ENDPOINT}")
    with Connect(cloud, "--wait", "10m") as connect:
        assert connect.wait() == 3
        connect.wait_error("tidblink setup orders")


def test_a_key_that_is_refused(cloud):
    with Connect(cloud, "--wait", "10m", env={"TIDBCLOUD_PRIVATE_KEY": "wrong"}) as connect:
        assert connect.wait() == 4
        connect.wait_error("401")


def test_a_name_that_does_not_resolve(cloud, server):
    ready(cloud, server.port)
    with Connect(cloud, "--wait", "1s", options={"dns-servers": "127.0.0.1:1"}) as connect:
        assert connect.wait() == 3
        connect.wait_error("not open after 1 s: .*DNS")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_while_it_waits(cloud, number):
    with Connect(cloud) as connect:
        connect.wait_error("waiting: ")
        connect.signal(number)
        assert connect.wait() == 128 + number
        assert connect.out.text == ""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_when_the_way_is_open(open_cloud, number, tmp_path):
    """A socket of its own: the port may be another test's at once."""
    path = tmp_path / "o.sock"
    with Connect(open_cloud, "--socket", path) as connect:
        connect.wait_out(f"^{path}$")
        assert greeted(client.connect_unix(path))
        connect.signal(number)
        assert connect.wait() == 0
        assert not path.exists()


def test_it_says_who_is_still_connected(open_cloud):
    with Connect(open_cloud) as connect:
        near = client.connect(connect.port())
        client.read_greeting(near)
        connect.signal(signal.SIGINT)
        connect.wait_error("1 connection is still open: it gets up to 30 s to end")
        connect.signal(signal.SIGINT)
        assert connect.wait() == 0
        near.close()


def test_it_stays_when_the_state_turns(open_cloud):
    with Connect(open_cloud) as connect:
        assert greeted(client.connect(connect.port()))
        open_cloud.patch(f"endpoints/{ENDPOINT}", state="FAILED")
        while True:
            with client.connect(connect.port()) as sock:
                packet = client.read_packet(sock)
            if packet[4] == 0xFF:
                break
        assert b"FAILED" in packet
        open_cloud.patch(f"endpoints/{ENDPOINT}", state="ACTIVE")
        while not greeting_of(connect.port()):
            pass
        connect.stop()


def greeting_of(port):
    with client.connect(port) as sock:
        return client.read_packet(sock)[4] != 0xFF


# ---- what stays out of each other's way -----------------------------------------------------------

def test_no_http_and_a_folder_of_its_own(open_cloud):
    """A proxy with the same state-dir has admin.sock and state.json there, with all its clusters."""
    with Connect(open_cloud) as connect:
        connect.port()
        state = connect.folder / "state"
        assert not list(state.glob("admin.sock")) and not list(state.glob("state.json"))
        connect.stop()
        assert len(list(state.glob("connect/*/state.json"))) == 1
        assert stat.S_IMODE(state.stat().st_mode) == 0o700
        assert "admin" not in connect.errors.text


# ---- a terminal -----------------------------------------------------------------------------------

def test_a_terminal_shows_the_string_of_a_client(open_cloud):
    with Connect(open_cloud, "--user", "app", "--database", "shop", terminal=True) as connect:
        port = connect.wait_out(r"^127\.0\.0\.1:(\d+) leads to orders$")[1]
        connect.wait_out(rf"^mysql --comments -u app -h 127\.0\.0\.1 -P {port} -D shop -p$")
        connect.wait_out(r"^Ctrl-C ends it\.$")
        connect.press(b"\x03")
        assert connect.wait() == 0


def test_the_client_is_remembered(open_cloud, tmp_path):
    with Connect(open_cloud, "--client", "go", terminal=True, folder=tmp_path) as connect:
        connect.wait_out(r"^root:<PASSWORD>@tcp\(127\.0\.0\.1:\d+\)/\?parseTime=true$")
        connect.wait_out(r"<PASSWORD>: as it is")
    with Connect(open_cloud, terminal=True, folder=tmp_path) as connect:
        connect.wait_out(r"^root:<PASSWORD>@tcp\(")
    (tmp_path / "state" / "connect-client").write_text("none of ours\n")
    with Connect(open_cloud, terminal=True, folder=tmp_path) as connect:
        connect.wait_out(r"^mysql --comments ")


def test_a_client_that_cannot_do_it_is_no_obstacle(open_cloud, tmp_path):
    with Connect(open_cloud, "--client", "jdbc", "--socket", tmp_path / "o.sock", terminal=True) as connect:
        connect.wait_out("no string for it: .*unix sockets")
        connect.wait_out("Ctrl-C ends it")


# ---- a real server --------------------------------------------------------------------------------

def test_a_query(cloud, mariadb):
    mariadb.add_user("app", "connect-Secret-1")
    ready(cloud, mariadb.port)
    with Connect(cloud) as connect:
        port = connect.port()
        with contextlib.closing(pymysql.connect(
                host="127.0.0.1", port=port, user="app", password="connect-Secret-1")) as connection:
            with connection.cursor() as cursor:
                cursor.execute("SELECT 6 * 7")
                assert cursor.fetchall() == ((42,),)
        connect.stop()


SANDBOX = ("--log-level", "info", "--sandbox", "on")


@linux_only("sandbox")
def test_a_sandbox_when_it_is_asked_for(open_cloud, tmp_path):
    """The string that it prints and the client that it keeps are as ever."""
    for client_words in (["--client", "go"], []):
        with Connect(open_cloud, *SANDBOX, *client_words, terminal=True, folder=tmp_path) as connect:
            connect.wait_error(r"info sandbox landlock=abi\d+ seccomp=on exec=denied")
            connect.wait_out(r"@tcp\(127\.0\.0\.1:\d+\)/")
            connect.signal(signal.SIGTERM)
            assert connect.wait() == 0


@linux_only("sandbox")
def test_a_command_has_all_rights(open_cloud):
    with Connect(open_cloud, *SANDBOX, "--", "sh", "-c", "cat /etc/passwd >/dev/null") as connect:
        connect.wait_error("a command runs in its place")
        assert connect.wait() == 0
