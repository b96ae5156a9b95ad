# SPDX-License-Identifier: Apache-2.0
"""The commands as a person or a script meets them: help, exit codes, what is wrong with a
configuration and where, and what never reaches a command line."""
import json
import os
import re
import signal
import socket
import subprocess
from pathlib import Path

import pytest

from built import ROOT, built
from proxy import Proxy

COMMANDS = ["proxy", "connect", "dsn", "clusters", "status", "setup", "endpoint", "doctor", "wait",
            "drain", "reload"]
# A cluster that needs no cloud; nobody listens on its port.
UNCHECKED = {"state-source": "none"}
NOWHERE = {"orders": {"host": "127.0.0.1", "port": "1"}}


def run(*arguments, env=None, preexec=None):
    clean = {k: v for k, v in os.environ.items() if not k.startswith("TIDB")}
    return subprocess.run([built("app/tidblink"), *map(str, arguments)], env={**clean, **(env or {})},
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60,
                          preexec_fn=preexec)


@pytest.fixture
def config(tmp_path):
    """config(text) writes a configuration file and returns its path."""
    def write(text):
        path = tmp_path / "tidblink.conf"
        path.write_text(f"state-dir = {tmp_path}/state\nadmin-listen = off\n{text}")
        return path
    return write


# ---- help and usage ---------------------------------------------------------------------------

def test_help_lists_every_command():
    result = run("--help")
    assert result.returncode == 0
    for command in COMMANDS:
        assert re.search(rf"^  {command} ", result.stdout, re.M)


def test_no_command_is_wrong_usage():
    result = run()
    assert result.returncode == 2
    assert result.stdout == ""
    assert "usage: tidblink COMMAND" in result.stderr


def test_version_names_the_libraries():
    result = run("--version")
    assert result.returncode == 0
    names = [line.split()[0] for line in result.stdout.splitlines()]
    assert names == ["tidblink", "libevent", "openssl", "c-ares", "libcurl", "cjson"]


@pytest.mark.parametrize("command", COMMANDS)
def test_command_help_fits_a_terminal(command):
    result = run(command, "--help")
    assert result.returncode == 0
    assert result.stdout.startswith(f"usage: tidblink {command}")
    assert max(map(len, result.stdout.splitlines())) <= 80


def test_usage_of_proxy_names_check():
    assert run("proxy", "--help").stdout.startswith("usage: tidblink proxy [--check] [--take-over] [")


@pytest.mark.parametrize("arguments, text", [
    (["prox"], 'tidblink: unknown command "prox"; did you mean "proxy"?'),
    (["proxy", "--hold-timeot", "4s", "a"],
     'tidblink proxy: --hold-timeot: unknown option; did you mean "hold-timeout"?'),
    (["proxy", "a", "--listen"], "tidblink proxy: --listen: expected a value behind it"),
    (["status"], "tidblink status: which cluster? Expected a CLUSTER (tidblink clusters lists them)"),
    (["status", "a", "b"], 'tidblink status: "b": this command takes one CLUSTER'),
    (["clusters", "a"], 'tidblink clusters: "a": this command takes no CLUSTER'),
    (["wait", "--for", "ever"],
     'tidblink wait: --for: "ever" is not valid: expected started, live, ready or active'),
    (["dsn", "a", "--client", "pymsql"],
     'tidblink dsn: --client: no client "pymsql": dsn --list shows them; did you mean "pymysql"?'),
    (["dsn", "a", "--tls", "yes"],
     'tidblink dsn: --tls: "yes" is not valid: expected off, client, verify-ca or verify-identity'),
])
def test_wrong_usage(arguments, text):
    result = run(*arguments)
    assert result.returncode == 2
    assert result.stderr.splitlines()[0] == text
    assert result.stdout == ""


@pytest.mark.parametrize("words", [
    ["--list"], ["--host", "127.0.0.1", "--port", "4000", "--client", "url"]])  # with notes behind it
def test_a_full_disk_behind_standard_output_is_a_failure(words):
    with open("/dev/full", "w") as full:
        result = subprocess.run([built("app/tidblink"), "dsn", *words], stdout=full,
                                stderr=subprocess.PIPE, text=True, timeout=60)
    assert result.returncode == 1
    assert "standard output" in result.stderr


# ---- configuration ----------------------------------------------------------------------------

@pytest.mark.parametrize("text, error", [
    ("hold-timeot = 4s\n", 'FILE:3: hold-timeot: unknown option: expected one that tidblink proxy '
     '--help lists; did you mean "hold-timeout"?'),
    ("threads = many\n", 'FILE:3: threads: "many" is not valid: expected a whole number from 0 to 64'),
    ("hold-timeout = 4\n", 'FILE:3: hold-timeout: "4" is not valid: expected a unit behind the '
     'number, as in 4ms or 4s'),
    ("[cluster a]\n[cluster b]\n[cluster a]\n",
     "FILE:5: [cluster a] is already on line 3: expected each section once"),
    ("[cluster a]\nlisten = 127.0.0.1:0\nlisten = 127.0.0.1:0\n",
     "FILE:5: listen is already set on line 4: expected it once in a section"),
    ("[clusters a]\n", "FILE:3: [clusters a]: unknown section: expected [cluster NAME]"),
    ("threads\n", 'FILE:3: "threads" is not an option: expected "name = value" or "[kind name]"'),
    ("# " + "x" * 198 + "\n", "FILE:3: the line is too long: expected at most 198 bytes"),
    ("", "no cluster: expected a CLUSTER on the command line, or a [cluster NAME] section in FILE"),
])
def test_wrong_configuration(config, text, error):
    path = config(text)
    result = run("proxy", "--check", "--config", path)
    assert result.returncode == 2
    assert result.stderr.splitlines()[0] == "tidblink proxy: " + error.replace("FILE", str(path))


def test_commands_that_texts_name_exist():
    """Whoever is refused is told to run one of them."""
    texts = "".join((ROOT / path).read_text() for path in (
        "control/verdict_row.c", "control/verdict_text.c", "control/verdict.c", "resolver/text.c"))
    named = set(re.findall(r"tidblink ([a-z]+) (?:[a-z0-9-]+ )*CLUSTER", texts))
    assert {"setup", "endpoint", "status", "doctor", "wait"} <= named
    for command in sorted(named):
        assert run(command, "--help").returncode == 0, command


def test_check_validates_and_ends(config):
    result = run("proxy", "--check", "--config", config("[cluster a]\n[cluster b]\n"),
                 env={"TIDBCLOUD_PUBLIC_KEY": "p", "TIDBCLOUD_PRIVATE_KEY": "s"})
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout == ("configuration is valid: 2 clusters\n"
                             "  a on 127.0.0.1:4000\n  b on 127.0.0.1:4001\n")


def test_check_finds_unreadable_files(config):
    path = config("api-public-key-file = /nonexistent\napi-private-key-file = /nonexistent\n[cluster a]\n")
    result = run("proxy", "--check", "--config", path)
    assert result.returncode == 2
    assert "api-public-key-file: cannot read /nonexistent: No such file" in result.stderr


def test_every_option_of_the_sample_is_valid(tmp_path):
    """With every commented option in force: names, types and bounds of the sample are right."""
    sample = (ROOT / "doc/tidblink.conf").read_text()
    text = re.sub(r"^# ?(?=\[|[a-z0-9-]+ = )", "", sample, flags=re.M)
    assert "\nhold-timeout = 4s\n" in text and "\n[cluster orders]\n" in text
    path = tmp_path / "tidblink.conf"
    path.write_text(text)
    result = run("dsn", "--list", "--config", path)
    assert (result.returncode, result.stderr) == (0, "")
    path.write_text(sample)
    assert run("dsn", "--list", "--config", path).returncode == 0


def test_environment_names_its_variable(config):
    result = run("proxy", "--check", "a", "--config", config(""), env={"TIDBLINK_BACKLOG": "0"})
    assert result.returncode == 2
    assert 'TIDBLINK_BACKLOG: "0" is not valid' in result.stderr


def test_max_connections_needs_descriptors(config):
    def limit():
        import resource
        resource.setrlimit(resource.RLIMIT_NOFILE, (256, 256))

    result = run("proxy", "--check", "a", "--config", config("threads = 1\n"), preexec=limit)
    assert result.returncode == 2
    assert ("max-connections = 500 needs 1229 open files, and the limit is 256: raise it "
            "(LimitNOFILE=, ulimit -Hn), or set max-connections to at most 13") in result.stderr


def test_port_in_use(config):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        path = config(f"state-source = none\n[cluster a]\nhost = 127.0.0.1\nport = 1\n"
                      f"listen = 127.0.0.1:{port}\n")
        result = run("proxy", "--config", path)
    assert result.returncode == 2
    assert f"127.0.0.1:{port} is already in use" in result.stderr


def test_state_source_none_is_said_at_start():
    with Proxy(clusters=NOWHERE, options=UNCHECKED) as proxy:
        proxy.wait_log("state-source is none: connections are not checked")


# ---- secrets ----------------------------------------------------------------------------------

@pytest.mark.parametrize("arguments", [
    ["dsn", "a", "--password", "hunter2"],
    ["dsn", "a", "--password=hunter2"],
    ["proxy", "a", "--api-private-key", "hunter2"],
])
def test_no_option_takes_a_secret(arguments):
    result = run(*arguments)
    assert result.returncode == 2
    assert "hunter2" not in result.stdout + result.stderr


def test_keys_leave_the_environment_and_reach_no_log():
    keys = {"TIDBCLOUD_PUBLIC_KEY": "PUBLICHUNTER", "TIDBCLOUD_PRIVATE_KEY": "PRIVATEHUNTER"}
    with Proxy(clusters=NOWHERE, options=UNCHECKED, env=keys) as proxy:
        environment = Path(f"/proc/{proxy.process.pid}/environ").read_bytes()
        assert b"PRIVATEHUNTER" not in environment
        assert b"PUBLICHUNTER" not in environment
        status = json.dumps(proxy.status())
    assert "HUNTER" not in proxy.log_text() + status


def test_password_is_shown_only_when_asked(tmp_path):
    secret = tmp_path / "password"
    secret.touch(mode=0o600)
    secret.write_text("hun;ter@2\n")
    url = ["dsn", "a", "--client", "url", "--user", "app", "--password-file", secret]
    assert run(*url).stdout == "mysql://app:<PASSWORD>@127.0.0.1:4000/\n"
    assert run(*url, "--reveal").stdout == "mysql://app:hun%3Bter%402@127.0.0.1:4000/\n"
    result = run("dsn", "a", "--client", "url", "--reveal", "--password-env", "PW", env={"PW": "x"})
    assert result.stdout == "mysql://root:x@127.0.0.1:4000/\n"
    result = run("dsn", "a", "--reveal")
    assert result.returncode == 2
    assert "expected --password-file or --password-env" in result.stderr


# ---- dsn --------------------------------------------------------------------------------------

def test_dsn_list_and_all():
    listed = [row["client"] for row in json.loads(run("dsn", "--list", "--json").stdout)]
    assert {"mysql", "jdbc", "go", "pymysql", "mysql2"} <= set(listed)
    result = run("dsn", "a", "--client", "all", "--user", "app", "--database", "shop", "--json")
    rows = json.loads(result.stdout)
    assert [row["client"] for row in rows] == listed
    # Theirs name no database.
    assert [row["client"] for row in rows if "shop" not in row["text"]] == ["lightning", "ticdc"]
    lines = run("dsn", "--list").stdout.splitlines()
    assert len(lines) == len(listed) + 1
    assert max(map(len, lines)) <= 80


def test_dsn_follows_the_configuration(config):
    path = config("[cluster a]\n[cluster b]\ntls-ca = /etc/ca.pem\n"
                  "[cluster c]\ntls-ca = /etc/ca.pem\ntls = passthrough\n")
    go = ["dsn", "--config", path, "--client", "mysql", "--user", "u"]
    assert "-P 4000" in run(*go, "a").stdout
    proxied = run(*go, "b").stdout
    assert "-P 4001" in proxied
    # The proxy verifies the cluster, and has no certificate of its CA.
    assert "--ssl-mode=DISABLED" in proxied and "ssl-ca" not in proxied
    passed = run(*go, "c").stdout
    assert "-P 4002" in passed
    assert "--ssl-mode=VERIFY_CA --ssl-ca=/etc/ca.pem" in passed
    straight = run(*go, "b", "--direct", "--host", "p.example", "--port", "4000").stdout
    assert "-h p.example" in straight
    assert "--ssl-mode=VERIFY_IDENTITY" in straight
    result = run(*go)
    assert result.returncode == 2
    assert "which cluster? The configuration has 3" in result.stderr
    assert "/run/t.sock" in run(*go, "a", "--socket", "/run/t.sock").stdout


@pytest.mark.parametrize("name, hint", [
    ("analytcs", '; did you mean "analytics"?'), ("billing", ""), ("orders/tp", "")])
def test_dsn_gives_no_other_clusters_address(config, name, hint):
    path = config("[cluster orders]\n[cluster analytics]\n")
    url = ["dsn", "--config", path, "--client", "url", name]
    for arguments in [[], ["--host", "localhost"]]:
        result = run(*url, *arguments)
        assert (result.returncode, result.stdout) == (2, "")
        assert result.stderr.splitlines()[0] == (
            f"tidblink dsn: {name} has no [cluster NAME] section in {path}, so the proxy's port for "
            f"it is not known: expected a section, or --port{hint}")
    assert run(*url, "--port", "4009").stdout == "mysql://root:<PASSWORD>@127.0.0.1:4009/\n"


def test_dsn_asks_the_running_proxy_for_its_port():
    with Proxy(clusters=NOWHERE, options=UNCHECKED) as proxy:
        path = proxy.dir / "tidblink.conf"
        result = run("dsn", "--config", path, "--client", "url", "orders")
        assert result.stdout == f"mysql://root:<PASSWORD>@127.0.0.1:{proxy.port()}/\n"
        proxy.stop_program()
        result = run("dsn", "--config", path, "--client", "url", "orders")
        assert result.returncode == 1
        assert "start it, or give --port" in result.stderr


# ---- wait -------------------------------------------------------------------------------------

def test_wait_outlasts_a_proxy_that_is_not_there_yet():
    proxy = Proxy(clusters=NOWHERE, options=UNCHECKED)
    waiting = subprocess.Popen([built("app/tidblink"), "wait", "--max", "30s", "--config",
                                proxy.write_config()], stderr=subprocess.PIPE, text=True)
    with proxy:
        assert waiting.wait(30) == 0
    waiting.stderr.close()


def test_wait_says_why_it_gave_up():
    with Proxy(clusters=NOWHERE, options=UNCHECKED) as proxy:
        wait = ["wait", "--config", proxy.dir / "tidblink.conf"]
        assert run(*wait, "--for", "ready").returncode == 0
        assert run(*wait, "--for", "live", "--max", "0s").returncode == 0
        result = run(*wait, "--for", "active", "--max", "300ms")
        assert result.returncode == 3
        assert result.stderr == ("tidblink wait: not active after 300ms: cluster orders: it is "
                                 "served, but its state could not be checked\n")


def test_wait_for_a_cluster_that_is_not_served_ends_at_once():
    with Proxy(clusters=NOWHERE, options=UNCHECKED) as proxy:
        # run gives up long before --max.
        result = run("wait", "--config", proxy.dir / "tidblink.conf", "--max", "1h", "billing")
        assert result.returncode == 2
        assert result.stderr.splitlines()[0] == "tidblink wait: cluster billing: not served here"


def test_wait_without_a_proxy(config):
    result = run("wait", "--max", "100ms", "--config", config(""))
    assert result.returncode == 3
    assert "no proxy answers on" in result.stderr


@pytest.mark.parametrize("words", [
    ["wait", "--max", "1h"], ["drain"], ["drain", "--wait"], ["reload"], ["connections"],
    ["connections", "--kill", "1"]], ids=" ".join)
def test_no_proxy_can_be_asked_without_its_socket(config, words):
    result = run(*words, "--config", config("admin-socket = off\n"))
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr.splitlines()[0] == (
        f"tidblink {words[0]}: admin-socket is off, so no proxy can be asked: expected its path")


# ---- drain and reload -------------------------------------------------------------------------

def test_reload_and_drain_through_the_socket():
    with Proxy(clusters=NOWHERE, options=UNCHECKED) as proxy:
        path = proxy.dir / "tidblink.conf"
        assert run("reload", "--config", path).returncode == 0
        proxy.wait_log("configuration reloaded changed=nothing")
        # What the command itself finds wrong, the proxy finds too; it alone sees its own variables.
        path.write_text(path.read_text() + "nonsense = 1\n")
        result = run("reload", "--config", path)
        assert result.returncode == 2
        assert "nonsense: unknown option" in result.stderr
        path.write_text(path.read_text().replace("nonsense = 1\n", ""))
        assert run("drain", "--config", path).returncode == 0
        assert proxy.wait() == 0


def test_drain_without_a_proxy(config):
    result = run("drain", "--config", config(""))
    assert result.returncode == 1
    assert "no proxy answers on" in result.stderr
