# SPDX-License-Identifier: Apache-2.0
"""Every client in every TLS mode against every server: the modes, what a cell does, the table.

A cell logs in (where the plugin is caching_sha2_password: with a user of its own, whose first login
is a full one), reads a row and 1 MB, tries a wrong password, and looks at both legs: at the
server's through the server, at the client's in the proxy's log."""
import hashlib
import itertools
import re
from typing import NamedTuple

from clients import CLIENTS, WITHOUT_UNIX_SOCKETS, Link, run
from expectations import expected_output
from matrix_expectations import expected
from proxy import Proxy

PASSWORD = "it's \"q\" \\ %s"
# The other one is the first with TLS off.
MATRIX_CLIENTS = tuple(client for client in CLIENTS if client != "mariadb-skip-ssl")


# With TLS the last who speaks sends a close_notify, and who has closed its socket by then answers it
# with a reset. In passthrough that is between the two ends, and passes for what it is; where tidblink
# itself sends it, the client has said COM_QUIT, and it is known for that.
QUITS = "close=(client|server)-quit "
QUITS_TLS = "close=(client|server)-(quit|reset) "


class Mode(NamedTuple):
    """`options`: of the cluster; `tls`: what the client is told (clients.Link); `server_tls`,
    `client_tls`: whether there is TLS on the leg, None: as the client likes it."""
    options: dict
    tls: str
    server_tls: object
    client_tls: object = None
    unix: bool = False
    refusal: object = None     # the errno that it must print
    own_cert: bool = False     # client-tls-cert

    @property
    def passes(self):
        return self.options["tls"] == "passthrough"

    @property
    def verifies(self):
        return self.options["tls"].startswith("verify")

    @property
    def offers_tls(self):
        return self.passes or self.verifies and (self.unix or self.options.get("client-tls") != "off")


PASS, FULL = {"tls": "passthrough"}, {"tls": "verify-full"}
REQUIRED, OPTIONAL, OFF = ({"client-tls": how} for how in ("required", "optional", "off"))
MODES = {
    "passthrough; client: off": Mode(PASS, "off", False),
    "passthrough; client: default": Mode(PASS, "default", None),
    "passthrough; client: verify": Mode(PASS, "verify", True),
    "passthrough, required; client: verify": Mode({**PASS, **REQUIRED}, "verify", True),
    "passthrough, required; client: off": Mode({**PASS, **REQUIRED}, "off", None, refusal=3159),
    "off; client: off": Mode({"tls": "off"}, "off", False, False),
    "verify-full, off; client: off": Mode({**FULL, **OFF}, "off", True, False),
    "verify-full, off; client: default": Mode({**FULL, **OFF}, "default", True, False),
    "verify-full, off; client: on": Mode({**FULL, **OFF}, "on", True, False),
    "verify-full, optional; client: off": Mode({**FULL, **OPTIONAL}, "off", True, False),
    "verify-full, optional; client: default": Mode({**FULL, **OPTIONAL}, "default", True),
    "verify-full, optional; client: on": Mode({**FULL, **OPTIONAL}, "on", True, True),
    "verify-ca; client: default": Mode({"tls": "verify-ca"}, "default", True),
    "verify-full, required; client: on": Mode({**FULL, **REQUIRED}, "on", True, True),
    "verify-full, required; client: off": Mode({**FULL, **REQUIRED}, "off", True, refusal=3159),
    "verify-full, required, cert; client: verify":
        Mode({**FULL, **REQUIRED}, "verify", True, True, own_cert=True),
    "verify-full, off; unix; client: default": Mode({**FULL, **OFF}, "default", True, unix=True),
    "verify-full, required; unix; client: default":
        Mode({**FULL, **REQUIRED}, "default", True, unix=True),
}


class Cell(NamedTuple):
    client: str
    mode: str
    server: str

    def __str__(self):
        return f"{self.client} | {self.mode} | {self.server}"

    def cannot(self):
        """Why there is nothing to run, or None."""
        if MODES[self.mode].unix and self.client in WITHOUT_UNIX_SOCKETS:
            return "the client has no unix sockets"
        return None


def every_cell(servers):
    return [Cell(*each) for each in itertools.product(MATRIX_CLIENTS, MODES, servers)]


def some_cells(servers):
    """Two modes for each client with each server, chosen so that each mode has several of both."""
    modes = list(MODES)
    found = set()
    for i, client in enumerate(MATRIX_CLIENTS):
        for j, server in enumerate(servers):
            for k in range(2):
                found.add(Cell(client, modes[(5 * i + 7 * j + 9 * k) % len(modes)], server))
    for place, names in (("client", MATRIX_CLIENTS), ("mode", modes), ("server", servers)):
        assert {getattr(cell, place) for cell in found} == set(names)
    return [cell for cell in every_cell(servers) if cell in found]


class Group:
    """The cells of one mode and one server, one after the other, through a proxy of their own."""

    def __init__(self, server, mode, authority):
        self.server, self.name, self.mode = server, mode, MODES[mode]
        self.authority = authority
        tls_ca = authority.ca if self.mode.options["tls"].startswith("verify") else None
        self.proxy = Proxy(None, {"orders": {
            "host": "127.0.0.1", "port": server.port, "tls-ca": tls_ca, **self.mode.options}},
            {"state-source": "none"})
        if self.mode.unix:
            self.proxy.clusters["orders"]["listen"] = f"unix:{self.proxy.dir}/c.sock"
        if self.mode.own_cert:
            self.proxy.options.update({
                "client-tls-cert": authority.cert, "client-tls-key": authority.key})

    def __enter__(self):
        self.proxy.start()
        return self

    def __exit__(self, kind, value, trace):
        self.proxy.__exit__(kind, value, trace)

    def run(self, client, user, action, key=False, password=PASSWORD, query="SELECT 1"):
        """(Result, the proxy's line about the connection)"""
        mark = self.proxy.mark()
        socket = f"{self.proxy.dir}/c.sock" if self.mode.unix else ""
        port = 0 if self.mode.unix else self.proxy.port()
        result = run(client, "127.0.0.1", port, user, password, "test", action, query=query,
                     link=Link(self.mode.tls, self.authority.ca, socket, key))
        return result, self.proxy.wait_log("connection closed .*", after=mark)[0]

    def cell(self, client):
        """Runs one cell, returns what the table says; AssertionError when it is not as expected."""
        user = self.server.new_user()
        if self.mode.refusal:
            return self.refused(client, user)
        shown, key = "ok", False
        fails = expected(client, self.mode, self.server)
        if fails:
            self.check_failure(client, user, fails, key)
            if not fails.setting:
                return f"cannot: {fails.reason}"
            shown, key = f"ok with {fails.setting}; without: {fails.reason}", True
        self.check_row(client, user, key)
        self.check_bulk(client, user, key)
        self.check_wrong_password(client, user, key)
        return shown

    def refused(self, client, user):
        result, line = self.run(client, user, "print-error")
        text = re.search(r'reason="?(tidblink: .*?)"( |$)', line)
        assert result.code != 0 and result.stdout == "", result
        assert text, line
        number = re.search(r"server_id=(\d+)", line)
        assert result.stderr == expected_output(
            client, self.mode.refusal, text[1], "HY000", port=self.proxy.port(),
            connection_id=number and number[1]), line
        return f"refused: error {self.mode.refusal}, whole text"

    def check_failure(self, client, user, fails, key):
        result, line = self.run(client, user, "print-error", key)
        assert result.code != 0 and re.search(fails.pattern, result.stderr), (result, line)

    def check_row(self, client, user, key):
        result, line = self.run(client, user, "connect-and-select", key,
                                query=self.server.who_query)
        assert result.code == 0, (result, line)
        server_tls = self.server.check_row(result.stdout)
        if self.mode.server_tls is not None:
            assert server_tls == self.mode.server_tls, (result, line)
        if self.mode.verifies:
            assert " tls=TLSv1." in line, line
        if self.mode.client_tls is not None:
            assert (" client_tls=TLSv1." in line) == self.mode.client_tls, line
        assert re.search(QUITS_TLS if self.mode.passes else QUITS, line), line

    def check_bulk(self, client, user, key):
        rows = self.server.bulk_rows()
        result, line = self.run(client, user, "result", key, query=self.server.bulk_query)
        assert result == (0, f"{hashlib.sha256(rows).hexdigest()} {len(rows)}\n", ""), line

    def check_wrong_password(self, client, user, key):
        result, line = self.run(client, user, "print-error", key, password="wrong")
        assert result.code != 0 and result.stdout == "", (result, line)
        assert "1045" in result.stderr, (result, line)
        assert f"Access denied for user '{user}'" in result.stderr, (result, line)
        assert not self.mode.verifies or "close=login-refused" in line, line
