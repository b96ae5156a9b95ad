# SPDX-License-Identifier: Apache-2.0
"""--via with programs: ssh's shared connection, many at once, and what is left when things end."""
import contextlib
import os
import signal
import socket
import threading
import time
from pathlib import Path

import pymysql
import pytest

from built import linux_only
from claims import own_port
from connecting import Connect, python
from emulator import CLUSTER
from jumps import Command, Http, Socks, Ssh
from spawners import keeper_and_starter
from test_via import USER, PASSWORD, connect, query, refusal, through, world  # noqa: F401

SECONDS = 60


def own_children(pid):
    found = {}
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError, ValueError, IndexError):
            number = int(entry.name)
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
            if int(fields[1]) == pid:
                found[number] = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
    return found


def children(pid):
    """The programs that this process has started, itself or by its spawner: {pid: command line}. What
    programs leave behind (ssh's master) are children of the spawner's keeper, and not among them."""
    found = own_children(pid)
    for keeper in [number for number, words in found.items() if words == "tidblink spawner "]:
        del found[keeper]
        for starter, words in own_children(keeper).items():
            found.update(own_children(starter) if words == "tidblink spawner " else {})
    return found


def with_text(text):
    """The processes that have this in their command line, zombies aside."""
    found = {}
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError, ValueError):
            number = int(entry.name)
            words = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            if text in words and number != os.getpid():
                found[number] = words
    return found


def wait_until(check, what):
    deadline = time.monotonic() + SECONDS
    while not (seen := check()):
        assert time.monotonic() < deadline, f"{what}: not so: {seen}"
        time.sleep(0.02)
    return seen


def wait_no_process(text):
    wait_until(lambda: not with_text(text), f"no process with {text}: {with_text(text)}")


def served(proxy):
    """A connection, when what failed a moment ago is tried again."""
    deadline = time.monotonic() + SECONDS
    while True:
        try:
            return connect(proxy)
        except pymysql.err.OperationalError:
            assert time.monotonic() < deadline
            time.sleep(0.1)


def many(proxy, count, held):
    """So many connections at the same time, each of which has asked something."""
    failures, connections, lock = [], [], threading.Lock()

    def one(number):
        try:
            connection = connect(proxy)
            held.callback(connection._force_close)
            assert query(connection, "SELECT %s", number) == ((number,),)
            with lock:
                connections.append(connection)
        except Exception as failure:
            failures.append(failure)

    threads = [threading.Thread(target=one, args=[number]) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures, failures
    return connections


# ---- ssh's shared connection ----------------------------------------------------------------------

def test_connections_after_the_first_need_no_login(world):
    with Ssh() as jump, through(world, jump) as proxy:
        for _ in range(4):
            with connect(proxy) as connection:
                assert query(connection, "SELECT 1") == ((1,),)
        assert jump.logins() == 1
        assert list(jump.dir.glob("tidblink-ssh.*/m"))
        proxy.stop_program()
        # Its end, without the minute that it would wait for more.
        wait_no_process(str(jump.client_config))
        assert not list(jump.dir.glob("tidblink-ssh.*"))


@pytest.mark.parametrize("config, logins", [
    ([], 9),
    (["MaxSessions 1"], 9),  # of shells; a forwarded connection is none
])
def test_fifty_at_once(world, config, logins):
    """No more log in than may begin together; the others share what the first has opened."""
    with Ssh(*config) as jump, through(world, jump, threads=2) as proxy, \
            contextlib.ExitStack() as held:
        connections = many(proxy, 50, held)
        assert jump.logins() <= logins, jump.log_text()
        assert len(children(proxy.process.pid)) == 50
        for connection in connections[:25]:
            connection._force_close()
        wait_until(lambda: len(children(proxy.process.pid)) == 25, "25 programs are left")
        held.close()
        wait_until(lambda: not children(proxy.process.pid), "no program is left")


def test_a_master_that_was_killed(world):
    """It has ended and left its socket: the next connection is the next master."""
    with Ssh() as jump, through(world, jump) as proxy:
        with connect(proxy) as connection:
            query(connection, "SELECT 1")
        socket_path = next(jump.dir.glob("tidblink-ssh.*/m"))
        master = next(number for number, words in with_text(str(socket_path)).items()
                      if "[mux]" in words or "ssh: " in words)
        os.kill(master, signal.SIGKILL)
        wait_until(lambda: master not in with_text(str(socket_path)), "it has ended")
        with connect(proxy) as connection:
            assert query(connection, "SELECT 1") == ((1,),)
        assert jump.logins() == 2


@linux_only("process that starts programs")
def test_who_started_the_master_was_killed(world):
    """The connection's own program ends with it; ssh's master stays for the next one, whose program
    another starter starts, and which ends the master when the proxy ends."""
    with Ssh() as jump, through(world, jump) as proxy:
        proxy.wait_log("info sandbox .* exec=spawner")
        with connect(proxy) as connection:
            query(connection, "SELECT 1")
            keeper, starter = keeper_and_starter(proxy.process.pid)
            os.kill(starter, signal.SIGKILL)
            proxy.wait_log("warn the process that starts programs was killed")
            with pytest.raises(pymysql.err.OperationalError):
                while True:
                    query(connection, "SELECT 1")
        with connect(proxy) as connection:
            assert query(connection, "SELECT 1") == ((1,),)
        assert jump.logins() == 1
        assert keeper_and_starter(proxy.process.pid)[0] == keeper
        folder = next(jump.dir.glob("tidblink-ssh.*"))
        proxy.stop_program()
        wait_no_process(str(folder))
        assert not folder.exists()


def test_forwarding_that_is_forbidden_is_told_with_ssh_s_words(world):
    """Through the master ssh's client only says that it was refused: one that goes alone says why."""
    with Ssh("PermitOpen 127.0.0.1:1") as jump, through(world, jump) as proxy:
        for _ in range(2):
            text = refusal(proxy)
            assert "open failed: administratively prohibited: open failed" in text, text


def test_the_reason_comes_through_a_master_too(world):
    other = own_port()
    with Ssh() as jump, through(world, jump) as proxy:
        with connect(proxy) as connection:
            query(connection, "SELECT 1")
            world.patch(f"clusters/{CLUSTER}", port=other)
            proxy.wait_cluster("orders", port=other)
            assert "open failed: connect failed: Connection refused" in refusal(proxy)
            assert jump.logins() == 2  # the second told why


def test_a_wrong_key(world):
    with Ssh() as jump, through(world, jump) as proxy:
        jump.use_key("stranger")
        text = refusal(proxy)
        assert "Permission denied (publickey" in text and ") (exit code 255)." in text
        assert text.endswith("Try it in a terminal: ssh bastion")
        # Once, and not again without a master: servers count.
        assert jump.log_text().count("Connection from 127.0.0.1") - 1 == 1
        jump.use_key("user")
        with served(proxy) as connection:
            assert query(connection, "SELECT 1") == ((1,),)


def test_an_unknown_host(world):
    with Ssh() as jump, through(world, jump) as proxy:
        (jump.dir / "known_hosts").write_text("")
        assert "Host key verification failed" in refusal(proxy)


def test_the_folder_that_a_kill_left_is_removed(world):
    with Ssh() as jump:
        with through(world, jump) as proxy:
            with connect(proxy) as connection:
                query(connection, "SELECT 1")
            left = next(jump.dir.glob("tidblink-ssh.*"))
            proxy.kill()
            with through(world, jump) as again, connect(again) as connection:
                assert query(connection, "SELECT 1") == ((1,),)
                assert not left.exists()


# ---- a person at a terminal -----------------------------------------------------------------------

@contextlib.contextmanager
def at_a_terminal(world, jump, *words):
    with Connect(world, "--via", jump.via, *words, env=jump.environment, terminal=True) as found:
        yield found


def test_a_passphrase_is_asked_for_once(world):
    with Ssh() as jump:
        jump.use_key("locked")
        with at_a_terminal(world, jump) as found:
            found.out.wait_prompt("Enter passphrase for key '.*locked'")
            found.press(jump.passphrase.encode() + b"\n")
            port = int(found.wait_out(r"^127\.0\.0\.1:(\d+) leads to orders")[1])
            for _ in range(3):
                with pymysql.connect(host="127.0.0.1", port=port, user=USER, password=PASSWORD,
                                     connect_timeout=SECONDS) as connection:
                    assert query(connection, "SELECT 1") == ((1,),)
            assert jump.logins() == 1
            found.press(b"\x03")
            assert found.wait() == 0
            wait_no_process(str(jump.client_config))


def test_ctrl_c_at_the_question_ends_it(world):
    with Ssh() as jump:
        jump.use_key("locked")
        with at_a_terminal(world, jump) as found:
            found.out.wait_prompt("Enter passphrase")
            found.signal(signal.SIGINT)
            assert found.wait() == 128 + signal.SIGINT
            wait_no_process(str(jump.client_config))


def test_a_login_that_fails_at_a_terminal(world):
    with Ssh() as jump:
        jump.use_key("stranger")
        with at_a_terminal(world, jump) as found:
            found.wait_out("Permission denied")
            found.wait_out("the login at the jump ssh://bastion failed .*ssh's exit code 255.*: ssh bastion$")
            assert found.wait() == 1


def test_ctrl_c_of_a_commands_user_leaves_the_jump_alone(world):
    """It reaches everything in the foreground; what is shared must not be there."""
    with Ssh() as jump:
        child = python("signal.signal(signal.SIGINT, lambda *_: say('interrupted'))",
                       "say('ready %d' % at()[1])", "wait()")
        with at_a_terminal(world, jump, "--", *child) as found:
            port = int(found.wait_out(r"ready (\d+)")[1])
            with pymysql.connect(host="127.0.0.1", port=port, user=USER, password=PASSWORD,
                                 connect_timeout=SECONDS) as connection:
                assert query(connection, "SELECT 1") == ((1,),)
                found.press(b"\x03")
                found.wait_out("interrupted")
                assert query(connection, "SELECT 2") == ((2,),)
            found.signal(signal.SIGTERM)
            assert found.wait() == 128 + signal.SIGTERM
            wait_no_process(str(jump.client_config))


# ---- ends -----------------------------------------------------------------------------------------

PROGRAMS = pytest.mark.parametrize("kind", ["ssh", "command"])
JUMPS = {"ssh": Ssh, "command": Command, "socks5h": Socks, "http": Http}


@PROGRAMS
def test_the_program_ends_with_its_connection(world, kind):
    with JUMPS[kind]() as jump, through(world, jump) as proxy:
        connection = connect(proxy)
        assert len(children(proxy.process.pid)) == 1
        connection._force_close()
        wait_until(lambda: not children(proxy.process.pid), "no program is left")


@PROGRAMS
def test_no_program_outlives_a_kill(world, kind):
    with JUMPS[kind]() as jump, through(world, jump) as proxy:
        with contextlib.suppress(pymysql.err.Error), connect(proxy) as connection:
            query(connection, "SELECT 1")
            programs = children(proxy.process.pid)
            assert len(programs) == 1
            proxy.kill()
            for number in programs:
                wait_until(lambda n=number: not Path(f"/proc/{n}/fd").exists() or
                           not _is_alive(n), "it has ended with us")


def _is_alive(number):
    try:
        return Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@PROGRAMS
def test_the_program_dies_under_its_connection(world, kind):
    with JUMPS[kind]() as jump, through(world, jump) as proxy:
        connection = connect(proxy)
        program, = children(proxy.process.pid)
        os.kill(program, signal.SIGKILL)
        # ssh's shared connection has the stream itself, and goes on until it notices.
        proxy.wait_log(r"the program of a jump ended under its connection .*exit_code=137")
        proxy.wait_log(rf"connection closed .*via={kind} close=server-(quit|reset) step=relay")
        with pytest.raises(pymysql.err.OperationalError):
            query(connection, "SELECT 1")
        with connect(proxy) as again:
            assert query(again, "SELECT 1") == ((1,),)


@pytest.mark.parametrize("kind", ["ssh", "socks5h", "http"])
def test_the_jump_dies_under_its_connections(world, kind):
    with JUMPS[kind]() as jump, through(world, jump) as proxy:
        connections = [connect(proxy) for _ in range(2)]
        jump.stop_program()
        proxy.wait_log(rf"connection closed .*via={kind} close=server-(quit|reset)", 2)
        for connection in connections:
            with pytest.raises(pymysql.err.OperationalError):
                query(connection, "SELECT 1")
        jump.start()
        with served(proxy) as again:
            assert query(again, "SELECT 1") == ((1,),)


def test_a_client_that_leaves_while_the_program_starts(world):
    with Command() as jump, through(world, jump, via="command:sleep 60") as proxy:
        with socket.create_connection(("127.0.0.1", proxy.port())):
            wait_until(lambda: children(proxy.process.pid), "it has started")
        proxy.wait_log("connection closed .*close=client-gone step=dial")
        wait_until(lambda: not children(proxy.process.pid), "no program is left")


def test_a_program_that_ignores_its_end_is_killed(world):
    words = "sh -c 'trap : TERM HUP; while :; do sleep 60; done'"
    with Command() as jump, through(world, jump, via=f"command:{words}",
                                    dial_budget="500ms") as proxy:
        assert "it has not answered in time" in refusal(proxy)
        wait_until(lambda: not children(proxy.process.pid), "no program is left")


@PROGRAMS
def test_drain(world, kind):
    """As without a jump: who is idle ends soon, and then the program has ended as well."""
    with JUMPS[kind]() as jump, through(world, jump, drain_timeout="3s") as proxy:
        connection = connect(proxy)
        query(connection, "SELECT 1")
        programs = children(proxy.process.pid)
        proxy.signal(signal.SIGTERM)
        assert proxy.wait() == 0
        proxy.wait_log(rf"connection closed .*via={kind} close=drained")
        assert not any(_is_alive(number) for number in programs)
        connection._force_close()


def descriptors(pid):
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


@pytest.mark.parametrize("kind", JUMPS)
def test_clients_that_leave_in_every_step(world, kind):
    """Nothing is left of them, nor when all ends under those that are still on their way."""
    with JUMPS[kind]() as jump, through(world, jump, threads=2) as proxy:
        with connect(proxy) as connection:
            query(connection, "SELECT 1")
        wait_until(lambda: not children(proxy.process.pid), "no program is left")
        proxy.wait_open(0)
        before = descriptors(proxy.process.pid)
        place = ("127.0.0.1", proxy.port())
        for number in range(120):
            sock = socket.create_connection(place, SECONDS)
            if number % 4 == 0:
                sock.recv(4)
            elif number % 4 == 1:
                time.sleep(number / 4000)  # whatever step it is in then
            sock.close()
        proxy.wait_open(0)
        wait_until(lambda: not children(proxy.process.pid), "no program is left")
        wait_until(lambda: descriptors(proxy.process.pid) <= before, "no descriptor is left")
        with contextlib.ExitStack() as held:
            for _ in range(40):
                held.enter_context(socket.create_connection(place, SECONDS))
            programs = children(proxy.process.pid)
            for _ in range(2):
                proxy.signal(signal.SIGTERM)
            assert proxy.wait() == 0
            assert not any(_is_alive(number) for number in programs)
