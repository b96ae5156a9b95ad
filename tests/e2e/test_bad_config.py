# SPDX-License-Identifier: Apache-2.0
"""Bad configurations: each ends with exit code 2 and says file, line, key and what was expected."""
import os
import resource
import socket
import subprocess

import pytest

import client
from built import built, is_portable
from proxy import ORDERS, Proxy

WAIT_SECONDS = 30
USAGE, DONE = 2, 0
# What the state source `none` needs to know.
PLACE = "host = db.example\nport = 4000\n"


def clean_environment(**added):
    """Ours without what tidblink reads."""
    kept = {name: value for name, value in os.environ.items()
            if not name.startswith(("TIDBLINK_", "TIDBCLOUD_"))}
    return {**kept, **added}


KEYS = {"TIDBCLOUD_PUBLIC_KEY": "public", "TIDBCLOUD_PRIVATE_KEY": "private"}


class Run:
    """One configuration, and what `tidblink proxy` says about it and ends with."""

    def __init__(self, directory):
        self.dir = directory
        self.file = directory / "tidblink.conf"

    def __call__(self, text, *arguments, env=None, before=(), limit=None):
        self.file.write_bytes(text if isinstance(text, bytes) else text.encode())
        done = subprocess.run(
            [*before, built("app/tidblink"), "proxy", "--config", self.file, *arguments],
            env=clean_environment(**(env or {})), stdin=subprocess.DEVNULL, capture_output=True,
            text=True, timeout=WAIT_SECONDS, check=False,
            preexec_fn=limit and (lambda: resource.setrlimit(resource.RLIMIT_NOFILE,
                                                             (limit, limit))))
        self.output, self.error = done.stdout, done.stderr
        return done.returncode

    def refused(self, text, expected, *arguments, **options):
        """`expected` is the whole error, where FILE stands for the file's path; with --check too."""
        expected = expected.replace("FILE:", f"{self.file}:")
        for extra in ["--check"], []:
            code = self(text, *arguments, *extra, **options)
            assert self.error == f"tidblink proxy: {expected}\n"
            assert (code, self.output) == (USAGE, "")

    def fails_to_start(self, text, *words, **options):
        """The configuration is good, and what it names is not: the log says so."""
        code = self(text, **options)
        line = self.error.splitlines()[-1]
        assert " error cannot start " in line, self.error
        for word in words:
            assert word in line, self.error
        assert code == USAGE


@pytest.fixture
def run(tmp_path):
    return Run(tmp_path)


def settings(directory, **more):
    """Lines that keep a proxy away from everything outside of the directory."""
    names = {"state-source": "none", "state-dir": directory / "state", "aws-cli": "off",
             "admin-listen": "off", "admin-socket": directory / "admin.sock",
             **{name.replace("_", "-"): value for name, value in more.items()}}
    return "".join(f"{name} = {value}\n" for name, value in names.items() if value is not None)


# ---- the file -----------------------------------------------------------------------------------

@pytest.mark.parametrize("text, expected", [
    # Names.
    ("hold-timeut = 4s\n",
     'FILE:1: hold-timeut: unknown option: expected one that tidblink proxy --help lists; '
     'did you mean "hold-timeout"?'),
    ("[cluster orders]\n\nend-point-id = vpce-1\n",
     'FILE:3: end-point-id: unknown option: expected one that tidblink proxy --help lists; '
     'did you mean "endpoint-id"?'),
    ("Hold-Timeout = 4s\n",
     'FILE:1: Hold-Timeout: unknown option: expected one that tidblink proxy --help lists; '
     'did you mean "hold-timeout"?'),
    ("listen = 127.0.0.1:0\n", "FILE:1: listen: expected inside a [cluster NAME] section"),
    ("[cluster orders]\nlog-level = debug\n",
     "FILE:2: log-level: expected before the first section: it is not an option of one cluster"),
    ("[server orders]\n", "FILE:1: [server orders]: unknown section: expected [cluster NAME]"),
    ("[cluster]\n", "FILE:1: [cluster]: unknown section: expected [cluster NAME]"),
    # Form.
    ("# a comment\nhold-timeout 4s\n",
     'FILE:2: "hold-timeout 4s" is not an option: expected "name = value" or "[kind name]"'),
    ("hold-timeout\n",
     'FILE:1: "hold-timeout" is not an option: expected "name = value" or "[kind name]"'),
    ("[cluster orders\n", 'FILE:1: "[cluster orders" is not a section head: expected "[kind name]"'),
    ("log-level = info\nlog-level = info\n",
     "FILE:2: log-level is already set on line 1: expected it once in a section"),
    ("[cluster orders]\n[cluster billing]\n[cluster orders]\n",
     "FILE:3: [cluster orders] is already on line 1: expected each section once"),
    ("[cluster  orders ]\n[cluster orders]\n",
     "FILE:2: [cluster orders] is already on line 1: expected each section once"),
    ("\n# " + "x" * 197 + "\n", "FILE:2: the line is too long: expected at most 198 bytes"),
    ("state-dir = /" + "d" * 190 + "\n",
     "FILE:1: the line is too long: expected at most 198 bytes"),
    (b"log-level = info\0\n", "FILE:1: a NUL byte: expected a text file"),
    # Types.
    ("max-connections =\n",
     'FILE:1: max-connections: "" is not valid: expected a whole number from 1 to 1000000'),
    ("max-connections = many\n",
     'FILE:1: max-connections: "many" is not valid: expected a whole number from 1 to 1000000'),
    ("max-connections = -1\n",
     'FILE:1: max-connections: "-1" is not valid: expected a whole number from 1 to 1000000'),
    ("source = here\n",
     'FILE:1: source: "here" is not valid: expected an IP address'),
    ("max-connections = 0\n",
     'FILE:1: max-connections: "0" is not valid: expected a whole number from 1 to 1000000'),
    ("hold-timeout = 4\n",
     'FILE:1: hold-timeout: "4" is not valid: expected a unit behind the number, as in 4ms or 4s'),
    ("hold-timeout = 11m\n",
     'FILE:1: hold-timeout: "11m" is not valid: expected a duration from 0s to 10m, written like '
     "250ms, 4s, 2m or 1h"),
    ("allow-loopback = maybe\n",
     'FILE:1: allow-loopback: "maybe" is not valid: expected on or off'),
    ("log-level = loud\n",
     'FILE:1: log-level: "loud" is not valid: expected error, warn, info, debug or trace'),
    ("control-loss = ignore\n",
     'FILE:1: control-loss: "ignore" is not valid: expected allow or refuse'),
    ("socket-mode = 999\n",
     'FILE:1: socket-mode: "999" is not valid: expected an octal file mode such as 0660'),
    ("state-source = etcd\n",
     'FILE:1: state-source: "etcd" is not valid: expected api, file:PATH or none'),
    ("state-dir = state\n",
     'FILE:1: state-dir: "state" is not valid: expected a path from the root, or off'),
    ("api-url = ftp://example\n",
     'FILE:1: api-url: "ftp://example" is not valid: expected https://HOST[:PORT]'),
    ("dns-servers = 10.0.0.2,, 10.0.0.3\n",
     'FILE:1: dns-servers: "10.0.0.2,, 10.0.0.3" is not valid: expected items with commas between '
     "them, none of them empty"),
    ("dns-servers = resolver\n",
     'FILE:1: dns-servers: "resolver" is not valid: expected an IP address, or IP:PORT'),
    ("[cluster orders]\ncluster-id = orders\n",
     'FILE:2: cluster-id: "orders" is not valid: expected digits, as tidblink clusters shows them'),
    ("[cluster orders]\nendpoint-id = 4711\n",
     'FILE:2: endpoint-id: "4711" is not valid: expected vpce-..., a name on Google '
     'Cloud, a resource ID on Azure'),
    ("[cluster orders]\nport = 70000\n",
     'FILE:2: port: "70000" is not valid: expected a whole number from 0 to 65535'),
    # Addresses.
    ("[cluster orders]\nlisten = 127.0.0.1:0, localhost:4000\n",
     'FILE:2: listen: "localhost:4000" is not valid: expected an IP address and a port such as '
     "127.0.0.1:4000 or [::1]:4000, or unix:/PATH"),
    ("[cluster orders]\nlisten = unix:orders.sock\n",
     'FILE:2: listen: "unix:orders.sock" is not valid: expected unix:/PATH from the root'),
    (f"[cluster orders]\nlisten = unix:/{'s' * 107}\n",
     f"FILE:2: listen: the socket path /{'s' * 107} is 108 bytes long: expected at most 107"),
    ("[cluster orders]\nlisten = 0.0.0.0:4000\n",
     "FILE:1: [cluster orders]: listen: 0.0.0.0:4000 can be reached from other machines: expected "
     "a loopback address, or allow-remote = on"),
    ("admin-listen = 0.0.0.0:9400\n[cluster orders]\n",
     "admin-listen: 0.0.0.0:9400 can be reached from other machines: expected a loopback address, "
     "or allow-remote = on"),
    ("admin-listen = unix:/tmp/x\n",
     'FILE:1: admin-listen: "unix:/tmp/x" is not valid: expected IP:PORT or off (the unix socket is '
     "admin-socket)"),
    ("[cluster orders]\nlisten = 127.0.0.1:4000\n[cluster billing]\nlisten = [::1]:1, 127.0.0.1:4000\n",
     "FILE:3: [cluster billing]: listen: 127.0.0.1:4000 is taken by cluster orders: expected an "
     "address for each"),
    ("[cluster orders]\nlisten = 127.0.0.1:4000, 127.0.0.1:4000\n",
     "FILE:1: [cluster orders]: listen: 127.0.0.1:4000 is taken by cluster orders: expected an "
     "address for each"),
    # What belongs together.
    ("state-source = none\n[cluster orders]\nport = 4000\n",
     "FILE:2: [cluster orders]: state-source is none, so nobody tells where the cluster is: "
     "expected host and port"),
    ("api-public-key-file = /dev/null\n[cluster orders]\n",
     "api-private-key-file: not set, while the other key file is: expected both"),
])
def test_errors_of_the_file_say_where_and_what(run, text, expected):
    run.refused(text, expected)


def test_no_cluster_is_wrong_usage(run):
    for extra in ["--check"], []:
        assert run("log-level = info\n", *extra) == USAGE
        assert run.error.splitlines() == [
            "tidblink proxy: no cluster: expected a CLUSTER on the command line, or a "
            f"[cluster NAME] section in {run.file}",
            "tidblink proxy --help shows the usage"]


@pytest.mark.parametrize("path, reason", [
    ("missing.conf", "No such file or directory"), ("", "Is a directory")])
def test_a_file_that_cannot_be_read(run, tmp_path, path, reason):
    assert run("", "--config", tmp_path / path) == USAGE
    assert run.error.startswith(f"tidblink proxy: {tmp_path / path}: cannot ")
    assert run.error.endswith(f" the configuration file: {reason}\n")


# ---- precedence ---------------------------------------------------------------------------------

def test_flags_override_the_environment_and_that_overrides_the_file(run):
    text = "[cluster orders]\nlisten = 127.0.0.1:5001\n"
    environment = {**KEYS, "TIDBLINK_LISTEN": "127.0.0.1:5002"}
    assert run(text, "--check", env=KEYS) == DONE
    assert run.output == "configuration is valid: 1 cluster\n  orders on 127.0.0.1:5001\n"
    assert run(text, "--check", env=environment) == DONE
    assert run.output == "configuration is valid: 1 cluster\n  orders on 127.0.0.1:5002\n"
    assert run(text, "--check", "orders", "--listen", "127.0.0.1:5003", env=environment) == DONE
    assert run.output == "configuration is valid: 1 cluster\n  orders on 127.0.0.1:5003\n"
    assert run.error == ""


@pytest.mark.parametrize("environment, arguments, expected", [
    ({"TIDBLINK_MAX_CONNECTIONS": "lots"}, [],
     'TIDBLINK_MAX_CONNECTIONS: "lots" is not valid: expected a whole number from 1 to 1000000'),
    ({}, ["--max-connections", "lots"],
     '--max-connections: "lots" is not valid: expected a whole number from 1 to 1000000'),
    ({"TIDBCLOUD_DEDICATED_ENDPOINT": "example"}, [],
     'TIDBCLOUD_DEDICATED_ENDPOINT: "example" is not valid: expected https://HOST[:PORT]'),
    ({}, ["--hold-timeot", "1s"], '--hold-timeot: unknown option; did you mean "hold-timeout"?'),
    ({}, ["--hold-timeout"], "--hold-timeout: expected a value behind it"),
    ({}, ["--listen", "127.0.0.1:0"],
     "--listen: it is an option of one cluster: expected behind a CLUSTER"),
    ({}, ["orders", "orders"], "cluster orders is named twice"),
    ({}, ["orders/"], '"orders/" is no cluster: expected NAME or NAME/GROUP'),
])
def test_errors_of_environment_and_flags_name_them(run, environment, arguments, expected):
    assert run("[cluster orders]\n", *arguments, env=environment) == USAGE
    assert run.error.splitlines()[0] == f"tidblink proxy: {expected}"


def test_an_option_of_one_cluster_in_the_environment_of_two(run):
    run.refused("[cluster orders]\n[cluster billing]\n",
                "the environment sets endpoint-id for one cluster, and there are 2: set it in the "
                "[cluster NAME] sections", env={"TIDBLINK_ENDPOINT_ID": "vpce-1"})


def test_an_empty_value_takes_the_default_back(run):
    """What ${UNSET:-} of a compose file makes of a variable."""
    empty = {"TIDBLINK_STATE_SOURCE": "", "TIDBLINK_API_URL": "", "TIDBLINK_LISTEN": ""}
    assert run("[cluster orders]\n", "--check", env={**KEYS, **empty}) == DONE
    assert run.output == "configuration is valid: 1 cluster\n  orders on 127.0.0.1:4000\n"
    text = "state-source =\napi-url =\nstate-dir =\n[cluster orders]\nlisten =\n"
    assert run(text, "--check", env=KEYS) == DONE
    assert run.output == "configuration is valid: 1 cluster\n  orders on 127.0.0.1:4000\n"


def test_the_port_that_kubernetes_puts_into_pods_is_no_option(run):
    environment = {**KEYS, "TIDBLINK_PORT": "tcp://10.0.0.1:4000"}
    assert run("[cluster orders]\n", "--check", env=environment) == DONE
    assert run.error == ""


def test_check_prints_what_would_be_served_and_touches_nothing(run, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        text = settings(tmp_path) + f"[cluster orders]\n{PLACE}listen = 127.0.0.1:{port}, " \
            f"unix:{tmp_path}/o.sock\n[cluster billing]\n{PLACE}"
        assert run(text, "--check") == DONE
    assert run.output == (f"configuration is valid: 2 clusters\n  orders on 127.0.0.1:{port}\n"
                          f"  orders on unix:{tmp_path}/o.sock\n  billing on 127.0.0.1:4001\n")
    assert run.error == ""
    assert [path.name for path in tmp_path.iterdir()] == ["tidblink.conf"]


# ---- addresses in use ---------------------------------------------------------------------------

def test_port_in_use(run, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        run.fails_to_start(
            settings(tmp_path) + f"[cluster orders]\n{PLACE}listen = 127.0.0.1:{port}\n",
            "error=listen", f"127.0.0.1:{port} is already in use: choose another port, or find who "
            "has it with " + (f"lsof -nP -iTCP:{port} -sTCP:LISTEN" if is_portable() else
                              f"ss -ltnp 'sport = :{port}'"))


def test_address_of_another_machine(run, tmp_path):
    run.fails_to_start(
        settings(tmp_path, allow_remote="on") + f"[cluster orders]\n{PLACE}listen = 192.0.2.1:0\n",
        "192.0.2.1:0 is not an address of this machine")


def test_source_of_another_machine(run, tmp_path):
    run.refused(
        settings(tmp_path, source="127.0.0.1,192.0.2.1") + f"[cluster orders]\n{PLACE}",
        'source: 192.0.2.1 is not an address of this machine: expected one that '
        f'"{"ifconfig" if is_portable() else "ip address"}" shows')


def test_unix_socket_of_a_live_process_is_left_alone(run, tmp_path):
    path = tmp_path / "o.sock"
    with socket.socket(socket.AF_UNIX) as live, socket.socket(socket.AF_UNIX) as caller:
        live.bind(str(path))
        live.listen()
        run.fails_to_start(
            settings(tmp_path) + f"[cluster orders]\n{PLACE}listen = unix:{path}\n",
            "error=listen", f"{path} is already in use: choose another path, or find who has it "
            f"with {'lsof -U' if is_portable() else 'ss -lxp'}")
        caller.connect(str(path))
        live.settimeout(WAIT_SECONDS)
        for _ in range(2):  # the proxy's look, then ours
            live.accept()[0].close()
    assert not [other for other in tmp_path.iterdir() if other.name.startswith("o.sock.")]


def test_a_file_at_the_unix_sockets_path_is_left_alone(run, tmp_path):
    path = tmp_path / "o.sock"
    path.write_text("precious")
    run.fails_to_start(settings(tmp_path) + f"[cluster orders]\n{PLACE}listen = unix:{path}\n",
                       f"{path} exists and is not a socket: choose another path, or remove it")
    assert path.read_text() == "precious"


def test_unix_socket_path_without_room_for_its_temporary_name(run, tmp_path):
    """Between what fits into sockaddr_un and what a socket can be made at."""
    folder = tmp_path / "x"
    folder.mkdir()
    path = f"{folder}/" + "s" * (104 - len(f"{folder}/"))
    run.fails_to_start(settings(tmp_path) + f"[cluster orders]\n{PLACE}listen = unix:{path}\n",
                       f"the socket path {path} is 104 bytes long: expected at most 100")
    assert not list(folder.iterdir())


def local(options):
    """A proxy that checks nothing and knows nobody; `options` of its cluster."""
    return Proxy(None, {"orders": {**ORDERS, "host": "db.example", "port": 4000, **options}},
                 {"state-source": "none", "dns-servers": "127.0.0.1:9"})


def test_a_stale_unix_socket_is_replaced(tmp_path):
    path = tmp_path / "o.sock"
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
    with local({"listen": f"unix:{path}"}) as proxy:
        assert proxy.address() == f"unix:{path}"
        with socket.socket(socket.AF_UNIX) as caller:
            caller.settimeout(WAIT_SECONDS)
            caller.connect(str(path))
            assert client.read_refusal(caller)[0] == 1042  # there is no DNS
    assert not path.exists()


# ---- keys ---------------------------------------------------------------------------------------

@pytest.mark.parametrize("content, words", [
    (b"", "is empty"), (b" \n\n", "is empty"), (b"x" * 2000, "is too long for a key"),
    (b"first\nsecond\n", "holds more than one line with a key"),
])
def test_key_files_without_a_key(run, tmp_path, content, words):
    (tmp_path / "public.key").write_text("demo-public\n")
    (tmp_path / "private.key").write_bytes(content)
    (tmp_path / "private.key").chmod(0o600)
    text = settings(tmp_path, state_source="api", api_url="https://127.0.0.1:9",
                    api_public_key_file=tmp_path / "public.key",
                    api_private_key_file=tmp_path / "private.key") + \
        "[cluster orders]\nlisten = 127.0.0.1:0\n"
    wrong = f"api-private-key-file: {tmp_path}/private.key {words}"
    run.fails_to_start(text, "error=option", wrong)
    assert run(text, "--check") == USAGE
    assert run.error == f"tidblink proxy: {wrong}\n"
    assert "first" not in run.error and "xxx" not in run.error


@pytest.mark.parametrize("kind, reason", [
    ("missing", "No such file or directory"),
    ("unreadable", "Permission denied: its mode is 0000, its owner uid %d, its group gid %d, and this "
     "process has uid %d, gid %d. Run: chmod u+r %s")])
def test_key_files_that_cannot_be_read(run, tmp_path, kind, reason):
    key = tmp_path / "private.key"
    (tmp_path / "public.key").write_text("demo-public\n")
    if kind == "unreadable":
        key.touch(mode=0)
        reason %= (*2 * (os.geteuid(), os.getegid()), key)
    # Root may read everything, unless it gives these rights away.
    before = []
    if os.geteuid() == 0:
        before = ["setpriv", "--bounding-set", "-dac_override,-dac_read_search"]
    run.refused(
        settings(tmp_path, state_source="api", api_public_key_file=tmp_path / "public.key",
                 api_private_key_file=key) + "[cluster orders]\n",
        f"api-private-key-file: {key} cannot be opened: {reason}", before=before)


def test_no_keys_at_all(run, tmp_path):
    text = settings(tmp_path, state_source="api", api_url="https://127.0.0.1:9") + \
        "[cluster orders]\nlisten = 127.0.0.1:0\n"
    run.fails_to_start(text, "error=option", "no public API key: set api-public-key-file, or "
                       "TIDBCLOUD_PUBLIC_KEY, or the systemd credential tidbcloud-public-key")
    run.fails_to_start(text, "no private API key: set api-private-key-file, or "
                       "TIDBCLOUD_PRIVATE_KEY, or the systemd credential tidbcloud-private-key",
                       env={"TIDBCLOUD_PUBLIC_KEY": "demo-public"})


# ---- limits -------------------------------------------------------------------------------------

def test_more_connections_than_descriptors(run, tmp_path):
    run.refused(
        settings(tmp_path, max_connections=500, threads=1) + f"[cluster orders]\n{PLACE}",
        "max-connections = 500 needs 1229 open files, and the limit is 256: raise it (LimitNOFILE=, "
        "ulimit -Hn), or set max-connections to at most 13", limit=256)
    assert run(settings(tmp_path, max_connections=13, threads=1) + f"[cluster orders]\n{PLACE}",
               "--check", limit=256) == DONE


def test_a_running_proxy_has_the_stronger_values():
    proxy = local({})
    proxy.options["max-connections"] = 10
    proxy.env["TIDBLINK_MAX_CONNECTIONS"] = "20"
    with proxy:
        assert proxy.metric("tidblink_connections_max") == 20
