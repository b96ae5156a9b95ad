# SPDX-License-Identifier: Apache-2.0
"""The example program of each client that can be installed here, as it is printed, against a real
server: through the proxy, which speaks TLS to the server, and straight to it. The long form
(TIDBLINK_LONG=1) tries each with everything; the short one has some for each (runners.SHORT)."""
import socket
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

from certs import Authority  # noqa: E402
from mariadb import MariaDB  # noqa: E402
from proxy import Proxy  # noqa: E402
from programs import run_command  # noqa: E402
from runners import (FAILING, LIMITS, OUT_OF_REACH, PASSWORDS as NAMES,  # noqa: E402
                     RUNNERS, WORKING, cells, is_refused)
from test_strings_drivers import GOLDEN, print_string  # noqa: E402

PASSWORDS = dict(zip(NAMES, (GOLDEN, "pässwörd-Ω-😀")))
DATABASE = "shop"
DONE = "1 65536\n"


def own_name():
    """A name of this machine that leads to it: some clients check no certificate for an address."""
    name = socket.gethostname()
    try:
        return name if socket.gethostbyname(name).startswith("127.") else "127.0.0.1"
    except OSError:
        return "127.0.0.1"


class World:
    """A server with a certificate, the same with one for another name, and a proxy that verifies."""

    def __init__(self):
        self.authority = Authority()
        self.name = own_name()
        self.server = self._server([self.name, "127.0.0.1"])
        self.other = self._server(["db.example"])
        self.ca = self.server.dir / "ca.pem"
        self.wrong_ca = self.server.dir / "wrong-ca.pem"

    def _server(self, names):
        server = MariaDB()
        cert, key = server.dir / "cert.pem", server.dir / "key.pem"
        self.authority.issue(names, cert, key)
        server.options += [f"--ssl-cert={cert}", f"--ssl-key={key}"]
        return server

    def servers(self):
        return self.server, self.other

    def write_authorities(self):
        self.authority.write(self.ca)
        Authority("another authority").write(self.wrong_ca)

    def __enter__(self):
        self.write_authorities()
        for server in self.servers():
            server.start()
            server.query(f"CREATE DATABASE {DATABASE}")
            for user, password in PASSWORDS.items():
                server.add_user(user, password)
        cluster = {"host": "127.0.0.1", "port": self.server.port, "tls": "verify-full",
                   "tls-ca": self.ca, "client-tls": "off"}
        # Its own directory: the server's belongs to another user.
        self.proxy = Proxy(None, {"orders": cluster}, {"state-source": "none"})
        self.path = self.proxy.dir / "orders.sock"
        self.proxy.clusters["orders"]["listen"] = f"127.0.0.1:0, unix:{self.path}"
        self.proxy.__enter__()
        return self

    def __exit__(self, *failure):
        self.proxy.__exit__(*failure)
        for server in self.servers():
            server.__exit__(*failure)

    def log_text(self):
        return self.proxy.log_text()

    def empty(self):
        self.server.query(f"DROP DATABASE {DATABASE}")
        self.server.query(f"CREATE DATABASE {DATABASE}")

    def fill(self):
        """For a program that runs statements of its own alone."""
        self.server.query(f"DROP TABLE IF EXISTS {DATABASE}.parcel")
        self.server.query(f"CREATE TABLE {DATABASE}.parcel "
                          "SELECT 1 AS one, REPEAT('x', 65536) AS content")

    def proof(self):
        """What a program has left that runs SQL of a file; as an example would print it."""
        return "".join(f"{one} {size}\n"
                       for one, size in self.server.query(f"SELECT one, size FROM {DATABASE}.proof"))

    def request(self, place, user):
        account = {"user": user, "password": PASSWORDS[user], "database": DATABASE}
        if place == "socket":
            return {**account, "socket": self.path, "tls": "off"}
        if place == "proxy":
            return {**account, "host": "127.0.0.1", "port": self.proxy.port(), "tls": "off"}
        server = self.other if place == "another name" else self.server
        # The proxy's own port stands for a server that offers no TLS.
        port = self.proxy.port() if place == "no TLS" else server.port
        direct = {**account, "host": self.name, "port": port, "direct": "yes"}
        if place == "plain":
            return {**direct, "tls": "off"}
        ca = self.wrong_ca if place == "another authority" else self.ca
        mode = "verify-ca" if place == "verify-ca" else "verify-identity"
        return {**direct, "tls": mode, "ca_path": ca}


@pytest.fixture(scope="module")
def world():
    with World() as world:
        yield world


def runner_of(client):
    reason = RUNNERS[client].why_not()
    if reason:
        pytest.skip(f"{client}: {reason}")
    return RUNNERS[client]


def prepare(setup, folder):
    """What is printed as to be done first: shell commands, of which `export` lasts."""
    if not setup.startswith(("export ", "keytool ")):
        return {}
    code, out, errors = run_command(["sh", "-ec", setup + "\nenv -0"], folder)
    assert code == 0, errors
    return dict(pair.split("=", 1) for pair in out.split("\0") if pair)


def run_example(world, runner, client, place, user, folder):
    """(exit code, output, errors), or our reason why this client cannot do it."""
    request = world.request(place, user)
    migrates = getattr(runner, "migrates", False)
    example = getattr(runner, "has_example", not migrates)
    try:
        program, setup = print_string(client, **request, example="yes" if example else "no")
    except ValueError as refusal:
        return str(refusal)
    store = Path(f"{request.get('ca_path')}.p12")
    store.unlink(missing_ok=True)  # keytool would add a second one
    environment = prepare(setup, folder)
    if migrates:
        world.empty()
        code, out, errors = runner.run(program, folder, environment)
        return code, out if code else world.proof(), errors
    if not example:
        world.fill()
    if hasattr(runner, "write_string"):
        runner.write_string(print_string(client, **request)[0], folder)
    typed = {"password": PASSWORDS[user]} if getattr(runner, "types_password", False) else {}
    return runner.run(program, folder, environment, **typed)


def check_refused(world, client, place, user, refusal):
    """`refusal`: our text, or None. Refused is what the client's row says, and nothing else."""
    is_by_address = world.name == "127.0.0.1" and place in ("verify-identity", *FAILING)
    if not (refusal and is_by_address):
        assert is_refused(client, place, user) == bool(refusal), refusal


@pytest.mark.parametrize("client, place, user", cells(WORKING))
def test_example(client, place, user, record_property, world, tmp_path):
    result = run_example(world, runner_of(client), client, place, user, tmp_path)
    refusal = result if isinstance(result, str) else None
    check_refused(world, client, place, user, refusal)
    if refusal:
        record_property("string_refused", refusal)
    elif (client, place) in LIMITS:
        assert result[:2] != (0, DONE)
        pytest.skip(LIMITS[client, place])
    else:
        assert result[:2] == (0, DONE), result[2]


@pytest.mark.parametrize("client, place, user", cells(FAILING))
def test_example_that_must_fail(client, place, user, record_property, world, tmp_path):
    """Another authority's certificate, or one for another name, is noticed, and that there is none."""
    result = run_example(world, runner_of(client), client, place, user, tmp_path)
    refusal = result if isinstance(result, str) else None
    check_refused(world, client, place, user, refusal)
    if refusal:
        record_property("string_refused", refusal)
    elif (client, place) in LIMITS:  # it is not noticed, or there is nothing to notice
        pytest.skip(LIMITS[client, place])
    else:
        assert DONE not in result[1]
        assert result[0] != 0


@pytest.mark.parametrize("client", OUT_OF_REACH)
def test_out_of_reach(client):
    pytest.skip(f"{client}: {OUT_OF_REACH[client]}")
