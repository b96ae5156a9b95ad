# SPDX-License-Identifier: Apache-2.0
"""tidblink connect -- CMD: what the command is given, how it ends, and what ends it."""
import json
import re
import resource
import signal
import subprocess
from pathlib import Path

import pytest

from built import built, linux_only
from connecting import Connect, once, python
from emulator import ENDPOINT, PRIVATE_KEY, PUBLIC_KEY
from scenes import ready
from servers import Greeter

CONNECTED = ("sock = socket.create_connection(at())", "assert sock.recv(1)")


@pytest.fixture
def server():
    with Greeter() as greeter:
        yield greeter


@pytest.fixture
def open_cloud(cloud, server):
    ready(cloud, server.port)
    return cloud


def wait_gone(pid):
    """Until no process has the number; nobody but init may reap it, so its state counts as well."""
    status = Path(f"/proc/{pid}/stat")
    while True:
        try:
            if status.read_text().rpartition(")")[2].split()[0] == "Z":
                return
        except (FileNotFoundError, ProcessLookupError):
            return


# ---- exit codes -----------------------------------------------------------------------------------

@pytest.mark.parametrize("command, code", [
    (["true"], 0),
    (["sh", "-c", "exit 3"], 3),
    (["sh", "-c", "kill -KILL $$"], 128 + signal.SIGKILL),
    (["sh", "-c", "kill -SEGV $$"], 128 + signal.SIGSEGV),
])
def test_the_commands_exit_code_is_ours(open_cloud, command, code):
    assert once(open_cloud, "--", *command) == (code, "", "")


@pytest.mark.parametrize("make, code, words", [
    (None, 127, "no such command: expected a program's path, or its name"),
    ("file", 126, "cannot be run: Permission denied"),
    ("folder", 126, "cannot be run: Permission denied"),
])
def test_a_command_that_cannot_be_run(open_cloud, tmp_path, make, code, words):
    path = tmp_path / "command"
    if make == "file":
        path.write_text("text")
    if make == "folder":
        path.mkdir()
    seen = once(open_cloud, "--", path)
    assert seen[:2] == (code, "")
    assert f"tidblink connect: {path}" in seen[2] and words in seen[2], seen


def test_a_name_that_is_not_in_path(open_cloud):
    code, _, errors = once(open_cloud, "--", "tidblink-no-such-command")
    assert code == 127 and "tidblink-no-such-command: no such command" in errors


def test_arguments_are_the_commands_own(open_cloud):
    """Whatever they look like, they are not ours."""
    words = ["--help", "--port", "1", "a b", "", "--", "orders", "$HOME"]
    code, out, _ = once(open_cloud, "--", *python("say(json.dumps(sys.argv[1:]))"), *words)
    assert code == 0
    assert json.loads(out) == words


# ---- what it is given -----------------------------------------------------------------------------

def test_it_can_connect_and_gets_our_streams(open_cloud):
    done = python(*CONNECTED, "say('greeted')", "os.write(2, b'to standard error\\n')")
    assert once(open_cloud, "--", *done) == (0, "greeted", "to standard error")


def test_no_key_reaches_it(open_cloud):
    code, out, _ = once(open_cloud, "--", *python("say(json.dumps(dict(os.environ)))"))
    assert code == 0 and "TIDBLINK_CONNECT_ADDRESS" in out
    assert "TIDBCLOUD_P" not in out and PRIVATE_KEY not in out and PUBLIC_KEY not in out


def test_its_names_are_no_options_of_ours(open_cloud):
    """A tidblink that the command starts must not take the address for the cluster's."""
    _, out, _ = once(open_cloud, "--", *python("say('\\n'.join(os.environ))"))
    names = {name for name in out.splitlines() if name.startswith("TIDBLINK_CONNECT")}
    assert names == {f"TIDBLINK_CONNECT_{part}" for part in ("ADDRESS", "HOST", "PORT")}
    text = subprocess.run([built("app/tidblink"), "proxy", "--help"], capture_output=True, text=True,
                          check=True).stdout
    options = set(re.findall(r"^ +--([a-z-]+)", text, re.M))
    assert "connect-timeout" in options
    assert not names & {"TIDBLINK_" + option.upper().replace("-", "_") for option in options}


def test_it_gets_the_limits_and_signals_that_we_got(open_cloud):
    ask = python("import resource",
                 "say(str(resource.getrlimit(resource.RLIMIT_NOFILE)))",
                 "say(open('/proc/self/status').read())")
    code, out, _ = once(open_cloud, "--", *ask)
    assert code == 0
    assert out.splitlines()[0] == str(resource.getrlimit(resource.RLIMIT_NOFILE))
    assert re.search(r"^SigBlk:\s*0+$", out, re.M), out


def test_it_gets_the_descriptors_that_we_got_and_none_of_ours(open_cloud, tmp_path):
    (tmp_path / "given").write_text("what the shell has opened")
    with open(tmp_path / "given", "rb") as given:
        ask = python(f"say(os.read({given.fileno()}, 99).decode())", "os.execlp('ls', 'ls', '/proc/self/fd')")
        number = str(given.fileno())
        with Connect(open_cloud, "--", *ask, descriptors=[given.fileno()]) as connect:
            assert connect.wait() == 0
            said = connect.out.text.splitlines()
    assert said[0] == "what the shell has opened"
    # The standard streams, that one, and the folder that ls reads.
    assert len(said[1:]) == 5 and {"0", "1", "2", number} < set(said[1:]), said


# ---- signals --------------------------------------------------------------------------------------

@pytest.mark.parametrize("number", [
    signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2])
def test_signals_are_passed_on(open_cloud, number):
    child = python(f"signal.signal({int(number)}, lambda *_: os._exit(42))", "say('ready')", "wait()")
    with Connect(open_cloud, "--", *child) as connect:
        connect.wait_out("ready")
        connect.signal(number)
        assert connect.wait() == 42


def test_a_command_that_does_not_handle_sigterm(open_cloud):
    with Connect(open_cloud, "--", *python("say('ready')", "wait()")) as connect:
        connect.wait_out("ready")
        connect.signal(signal.SIGTERM)
        assert connect.wait() == 128 + signal.SIGTERM


def test_sigint_is_the_terminals_business(open_cloud):
    """To us alone it does nothing: Ctrl-C reaches the command by itself."""
    child = python("signal.signal(signal.SIGUSR1, lambda *_: os._exit(7))", "say('ready')", "wait()")
    with Connect(open_cloud, "--", *child) as connect:
        connect.wait_out("ready")
        connect.signal(signal.SIGINT)
        connect.signal(signal.SIGUSR1)
        assert connect.wait() == 7


def test_ctrl_c_reaches_the_command(open_cloud):
    child = python("signal.signal(signal.SIGINT, lambda *_: (say('interrupted'), os._exit(9)))",
                   "say('ready')", "wait()")
    with Connect(open_cloud, "--", *child, terminal=True) as connect:
        connect.wait_out("ready")
        connect.press(b"\x03")
        connect.wait_out("interrupted")
        assert connect.wait() == 9


def test_it_reads_from_the_terminal(open_cloud):
    child = python("say('name?')", "say('hello ' + input())", "say(str(os.getpgrp() == os.tcgetpgrp(0)))")
    with Connect(open_cloud, "--", *child, terminal=True) as connect:
        connect.wait_out(r"^name\?$")
        connect.press(b"world\n")
        connect.wait_out("^hello world$")
        connect.wait_out("^True$")
        assert connect.wait() == 0


def test_a_command_that_ignores_sigterm_is_killed(open_cloud):
    child = python("signal.signal(signal.SIGTERM, lambda *_: say('no'))", "say('ready')", "wait()")
    with Connect(open_cloud, "--", *child, options={"drain-timeout": "500ms"}) as connect:
        connect.wait_out("ready")
        connect.signal(signal.SIGTERM)
        connect.wait_out("^no$")
        assert connect.wait() == 128 + signal.SIGKILL


def test_a_stopped_command_takes_sigterm(open_cloud):
    child = python("say(str(os.getpid()))", "os.kill(os.getpid(), signal.SIGSTOP)", "wait()")
    with Connect(open_cloud, "--", *child) as connect:
        pid = int(connect.wait_out(r"^(\d+)$")[1])
        while Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "T":
            pass
        connect.signal(signal.SIGTERM)
        assert connect.wait() == 128 + signal.SIGTERM


@linux_only("signal for the end of a parent")
def test_sigkill_to_us_ends_the_command(open_cloud):
    with Connect(open_cloud, "--", *python("say(str(os.getpid()))", "wait()")) as connect:
        pid = int(connect.wait_out(r"^(\d+)$")[1])
        connect.process.kill()
        wait_gone(pid)
        connect.wait()


# ---- what it leaves behind ------------------------------------------------------------------------

# The parent goes when the child has connected; the child says when its connection has ended.
FORKS = python(
    "ready, told = os.pipe()",
    "if os.fork():",
    "    assert os.read(ready, 1)",
    "    os._exit(5)",
    "signal.signal(signal.SIGHUP, signal.SIG_IGN)",
    *CONNECTED,
    "os.write(told, b'x')",
    "while sock.recv(65536): pass",
    "say('the connection has ended')")


def test_a_command_that_forks(open_cloud):
    with Connect(open_cloud, "--", *FORKS, options={"drain-timeout": "1s"}) as connect:
        connect.wait_error("the command has ended, and 1 connection is still open: it gets up to 1 s")
        assert connect.wait() == 5
        assert connect.out.text == "the connection has ended"


def test_a_second_thought_ends_what_is_left(open_cloud):
    with Connect(open_cloud, "--", *FORKS, options={"drain-timeout": "1h"}) as connect:
        connect.wait_error("1 connection is still open")
        connect.signal(signal.SIGTERM)
        assert connect.wait() == 5


def test_a_command_whose_connections_end_with_it_leaves_nothing_to_say(open_cloud):
    child = python("socks = [socket.create_connection(at()) for _ in range(20)]",
                   "[sock.recv(1) for sock in socks]", "os._exit(0)")
    assert once(open_cloud, "--", *child) == (0, "", "")


# ---- before it runs -------------------------------------------------------------------------------

def test_it_runs_when_the_endpoint_is_active(cloud, server, tmp_path):
    ready(cloud, server.port)
    cloud.patch(f"endpoints/{ENDPOINT}", state="PENDING")
    with Connect(cloud, "--", *python(*CONNECTED, "say('served')")) as connect:
        connect.wait_error("waiting: .*PENDING")
        cloud.patch(f"endpoints/{ENDPOINT}", state="ACTIVE")
        connect.wait_out("served")
        assert connect.wait() == 0


def test_a_signal_before_it_runs(cloud):
    with Connect(cloud, "--", "true") as connect:
        connect.wait_error("waiting: ")
        connect.signal(signal.SIGQUIT)
        assert connect.wait() == 128 + signal.SIGQUIT


def test_it_runs_on_when_the_state_turns(open_cloud):
    child = python("say('ready')", "signal.signal(signal.SIGUSR1, lambda *_: None)",
                   "signal.pause()", "sock = socket.create_connection(at())", "say(repr(sock.recv(999)))")
    with Connect(open_cloud, "--", *child, options={"log-level": "info"}) as connect:
        connect.wait_out("ready")
        open_cloud.patch(f"endpoints/{ENDPOINT}", state="FAILED")
        connect.wait_error("verdict .*state=FAILED")
        connect.signal(signal.SIGUSR1)
        connect.wait_out("FAILED")
        assert connect.wait() == 0


def test_over_a_unix_socket(open_cloud, tmp_path):
    path = tmp_path / "o.sock"
    child = python("sock = socket.socket(socket.AF_UNIX)",
                   "sock.connect(os.environ['TIDBLINK_CONNECT_SOCKET'])",
                   "assert os.environ['TIDBLINK_CONNECT_ADDRESS'] == os.environ['TIDBLINK_CONNECT_SOCKET']",
                   "say(str(sock.recv(1) != b''))",
                   "say(repr(sorted(n for n in os.environ if 'DATABASE' in n or 'CONNECT_PORT' in n)))")
    code, out, _ = once(open_cloud, "--socket", path, "--", *child,
                        env={"TIDBLINK_CONNECT_PORT": "1"})
    assert (code, out.splitlines()) == (0, ["True", "[]"])


def test_what_was_ignored_stays_ignored(open_cloud):
    """As nohup wants it, for us and for the command."""
    ask = python("say(str(signal.getsignal(signal.SIGHUP) == signal.SIG_IGN))", "say('ready')", "wait()")
    with Connect(open_cloud, "--", *ask) as plain:
        plain.wait_out("^False$")
        plain.signal(signal.SIGTERM)
        plain.wait()
    with Connect(open_cloud, "--", *ask, ignored="HUP") as connect:
        connect.wait_out("^True$")
        connect.signal(signal.SIGHUP)
        connect.signal(signal.SIGTERM)
        assert connect.wait() == 128 + signal.SIGTERM
