# SPDX-License-Identifier: Apache-2.0
"""One connection of the fake TiDB: what it may do otherwise than TiDB (Plan), what it is sent
(Connection), and whom it lets in (User). TiDB's side of it is in pingcap/tidb, pkg/server/conn.go:
handshake, readOptionalSSLRequestAndHandshakeResponse, checkAuthPlugin, authSha."""
import contextlib
import socket
import ssl
import threading
from dataclasses import dataclass, field

import fake_tidb_sql as sql
import fake_tidb_wire as wire
from fake_tidb_wire import CLEAR, NATIVE, SHA2, TOKEN, Stream

TOO_MANY = (1040, "08004", "Too many connections")
STEPS = ("accepted", "greeted", "ssl-request", "tls", "response", "ok")
PLACES = ("accepted", "greeting-half", "greeted", "hello", "tls-half", "tls", "response", "auth",
          "ok-half", "ok", "command")


@dataclass
class User:
    """`plugin`: NATIVE, SHA2, CLEAR, TOKEN, or a name nobody knows: then the client is switched to
    it with `switch_data` (None: salt and NUL), each of `rounds` is sent and answered, and whatever
    the answers are, it is let in. CLEAR and TOKEN compare the clear text."""
    password: str = ""
    plugin: str = NATIVE
    rounds: tuple = ()
    switch_data: bytes = None


@dataclass
class Plan:
    """What one connection does otherwise than TiDB.

    `at` maps a place (PLACES) to what happens there, before what follows it: "close" (as TiDB, with
    a close_notify on TLS), "cut" (FIN only), "reset" (RST), "hang" (reads, says nothing more), or a
    threading.Event that is waited for. "hello" is a ClientHello that has come, "tls-half" half of
    the answer sent, "auth" the moment before OK, "command" a command that is not answered yet."""
    at: dict = field(default_factory=dict)
    refuse: tuple = None         # (number, state, text): ERR in place of the greeting
    garbage: bytes = None        # in place of the greeting, then closed
    greeting: bytes = None       # the payload of another greeting
    strip_ssl: bool = False      # the greeting's SSL bit, as somebody in the middle would
    one_byte: bool = False       # a send per byte
    errors: tuple = ()           # (number, state, text) …: after the HandshakeResponse, closed
    huge: bool = False           # after it: a packet of 0xFFFFFF bytes is begun, no more comes
    inject: tuple = ()           # after it: payloads (b"" is one) that are not answered …
    rounds: tuple = ()           # … and payloads that are, before the log-in goes on
    fast_auth: bool = False      # caching_sha2_password: 01 03 and OK, as MySQL from its cache
    close_notify: bool = True    # False: every "close" is a "cut"

    def __post_init__(self):
        assert set(self.at) <= set(PLACES), self.at


# conn.go's handshake() writes it, and server.go's onConn() once more.
DOUBLE_REFUSAL = Plan(errors=(TOO_MANY, TOO_MANY))


class _Over(Exception):
    """The connection ends here, and so."""


class _Refused(Exception):
    """(number, state, text)"""


MALFORMED = (1105, "HY000", "malform packet error")


class Connection:
    """What one connection was sent, filled in as it goes on. Packets are whole, with their heads.
    `ended`: by the client "quit", "eof", "close_notify", "reset", "alert"; by the server "server
    close" (an ERR or a plan did), "server cut", "server reset"."""

    def __init__(self, server, sock, number, plan):
        self.server, self.id, self.plan = server, number, plan
        self.host, self.peer_port = sock.getpeername()[:2]
        self.salt = server.salt or wire.make_salt()
        self.steps, self.ended, self.error = [], None, None
        self.greeting = self.ssl_request = self.response = self.same_prefix = None
        self.tls, self.tls_version, self.cipher, self.sni = False, None, None, None
        self.resumed, self.tls_error = False, None
        self.capabilities = self.effective = self.collation = self.max_packet = 0
        self.user, self.database, self.auth, self.attributes = None, None, None, {}
        self.client_plugin = self.plugin = None  # the client's first one; the one that counted
        self.switched, self.password = False, None
        self.auth_packets = []   # payloads after the HandshakeResponse
        self.sequences = []      # of the client's packets until OK
        self.commands = []       # (number, body)
        self.sequence, self.packet, self.order = 0, b"", None
        self.stream = Stream(sock, plan.one_byte)
        self.thread = threading.Thread(target=self._run, daemon=True)

    # ---- for tests ----------------------------------------------------------------------------

    @property
    def raw(self):
        """The first 64 KiB from the client as they were on the wire: no secret may be in them."""
        return bytes(self.stream.raw)

    @property
    def close_notify(self):
        return self.stream.close_notify

    @property
    def queries(self):
        return [body.decode(errors="replace") for number, body in self.commands
                if number == sql.COM_QUERY]

    def wait(self, check, what):
        """Until check(self) is true; what it returned."""
        return self.server.wait(lambda: check(self), lambda: f"{what}: {self.describe()}")

    def wait_step(self, step):
        assert step in STEPS, step
        self.wait(lambda conn: step in conn.steps or conn.ended, f"no {step}")
        assert step in self.steps, f"ended without {step}: {self.describe()}"
        return self

    def wait_command(self, count=1):
        """The count-th command: (number, body)."""
        self.wait(lambda conn: len(conn.commands) >= count, f"no {count} commands")
        return self.commands[count - 1]

    def wait_ended(self):
        return self.wait(lambda conn: conn.ended, "not ended")

    def end(self, how="close"):
        """The server ends it: "close", "cut" or "reset" as in Plan."""
        self.order = how
        with contextlib.suppress(OSError):  # ended already
            self.stream.sock.shutdown(socket.SHUT_RD)  # wakes its thread, and is not on the wire
        self.wait_ended()

    def send(self, payload, sequence=0):
        """A packet nobody asked for."""
        self.stream.write(wire.frame(payload, sequence))

    def describe(self):
        return (f"connection {self.id}: steps={','.join(self.steps)} ended={self.ended} "
                f"error={self.error} tls={self.tls_version} tls_error={self.tls_error} "
                f"resumed={self.resumed} sni={self.sni} user={self.user} plugin={self.plugin} "
                f"sequences={self.sequences} commands={self.commands[:20]}")

    # ---- its thread ---------------------------------------------------------------------------

    def _note(self, step=None, **fields):
        with self.server.changed:
            vars(self).update(fields)
            self.steps += [step] if step else []
            self.server.changed.notify_all()

    def _run(self):
        how = "close"
        try:
            self._serve()
            ended = "server close"
        except _Over as over:
            how = over.args[0] if over.args[0] != "quit" else "close"
            ended = "quit" if over.args[0] == "quit" else f"server {how}"
        except EOFError:
            ended = "close_notify" if self.stream.close_notify else "eof"
        except ssl.SSLError as error:  # an alert, when no handshake is under way any more
            self._note(error=str(error), tls_error=error.reason)
            ended = "alert"
        except OSError as error:
            self._note(error=str(error))
            ended = "reset"
        if self.order:
            how, ended = self.order, f"server {self.order}"
        self.stream.close("cut" if how == "close" and not self.plan.close_notify else how)
        self._note(ended=ended)

    def _serve(self):
        try:
            if self._greet():
                self._log_in()
                self._welcome()
                self._obey()
        except _Refused as refused:
            self._refuse(*refused.args)
        except wire.Malformed:
            self._refuse(*MALFORMED)
        except EOFError as end:
            # TiDB tells even those who have left; who hangs (no text) tells nobody
            if end.args and not self.order and "ok" not in self.steps:
                with contextlib.suppress(OSError):
                    self._refuse(1105, "HY000", str(end))
            raise

    def _at(self, place):
        action = self.plan.at.get(place)
        if action in ("close", "cut", "reset"):
            raise _Over(action)
        if action == "hang":
            self._hang()
        elif action is not None:
            while not action.wait(0.02):
                if self.order:
                    raise _Over(self.order)

    def _hang(self):
        while self.stream.receive():
            pass
        raise _Over(self.order) if self.order else EOFError

    def _read(self):
        payload = b""
        while True:
            head = self.stream.read_exactly(4)
            size, expected = int.from_bytes(head[:3], "little"), self.sequence
            part = self.stream.read_exactly(size)
            if "ok" not in self.steps:
                self._note(sequences=[*self.sequences, head[3]])
            if head[3] != expected:
                raise _Refused(8052, "HY000", f"invalid sequence, received {head[3]} while "
                                              f"expecting {expected}")
            self.sequence = (expected + 1) % 256
            payload += part
            if size < wire.LONGEST:
                self.packet = head + payload
                return payload

    def _write(self, *payloads):
        parts = []
        for payload in payloads:
            parts.append(wire.frame(payload, self.sequence))
            self.sequence = (self.sequence + 1 + len(payload) // wire.LONGEST) % 256
        self.stream.write(b"".join(parts))

    def _refuse(self, number, state, text):
        """With the state only when the client's capabilities are known (conn.go, writeError)."""
        self._note(error=f"{number} {text}")
        if "ok" in self.steps:
            return  # a command's packet cannot be read: TiDB closes without a word
        self._write(wire.error(number, state if self.effective & wire.PROTOCOL_41 else None, text))

    # ---- the connection phase -----------------------------------------------------------------

    def _greet(self):
        """False: there is none."""
        plan, server = self.plan, self.server
        self._note("accepted")
        self._at("accepted")
        if plan.garbage is not None:
            self.stream.write(plan.garbage)
            return False
        if plan.refuse:
            self._refuse(*plan.refuse)
            return False
        offered = server.capabilities & ~(wire.SSL if plan.strip_ssl else 0)
        payload = plan.greeting or wire.greeting(
            server.version, self.id, self.salt, offered, server.plugin)
        packet = wire.frame(payload, 0)
        self.sequence = 1
        half = len(packet) // 2
        self.stream.write(packet[:half])
        self._at("greeting-half")
        self.stream.write(packet[half:])
        self._note("greeted", greeting=packet)
        self._at("greeted")
        return True

    def _read_response(self):
        """The HandshakeResponse's payload, after a SSLRequest or not."""
        payload = self._read()
        first = wire.Fields(payload)
        if not first.number(2) & wire.PROTOCOL_41:
            raise _Refused(1251, "08004", "Client does not support authentication protocol "
                           "requested by server; consider upgrading MySQL client")
        if len(payload) < 32:
            raise wire.Malformed
        if int.from_bytes(payload[:4], "little") & wire.SSL:
            if self.server.tls_context:
                self._note("ssl-request", ssl_request=self.packet)
                self._start_tls()
                payload = self._read()
                self._note(same_prefix=payload[:32] == self.ssl_request[4:])
        elif self.server.require_tls:
            raise _Refused(3159, "HY000", "Connections using insecure transport are prohibited "
                           "while --require_secure_transport=ON.")
        self._note(response=self.packet)
        return payload

    def _start_tls(self):
        try:
            self.stream.start_tls(self.server.tls_context, self._at,
                                  halve="tls-half" in self.plan.at)
        except ssl.SSLError as error:
            self._note(tls_error=error.reason or str(error))
            # It goes out in the clear, behind the alert: the packets are not TLS's yet.
            raise _Refused(1105, "HY000", f"tls: {self.tls_error}") from error
        tls = self.stream.tls
        self._note("tls", tls=True, tls_version=tls.version(), cipher=tls.cipher()[0],
                   resumed=tls.session_reused, sni=getattr(tls, "sni", None))
        self._at("tls")

    def _log_in(self):
        fields = wire.parse_response(self._read_response())
        self._note("response", **fields,
                   effective=fields["capabilities"] & self.server.capabilities)
        self._at("response")
        self._misbehave()
        user = self.server.users.get(self.user)
        if user is None:
            auth = self.auth
            if self.server.switch_unknown and self.client_plugin not in ("", NATIVE):
                auth = self._switch(NATIVE)
            raise self._denied(auth)
        auth = self._agree(user)
        check = {NATIVE: self._check_native, SHA2: self._check_sha2, CLEAR: self._check_clear,
                 TOKEN: self._check_clear}.get(user.plugin, self._check_rounds)
        auth, good = check(user, auth)
        if not good:
            raise self._denied(auth)
        if self.effective & (wire.COMPRESS | wire.ZSTD):
            raise _Refused(1105, "HY000", "this server cannot compress")

    def _misbehave(self):
        for number, state, text in self.plan.errors:
            self._refuse(number, state, text)
        if self.plan.errors:
            raise _Over("close")
        if self.plan.huge:
            self.stream.write(b"\xff\xff\xff" + bytes([self.sequence]) + b"\x01" * 1000)
            self._hang()
        for payload in self.plan.inject:
            self._write(payload)
        for payload in self.plan.rounds:
            self._ask(payload)

    def _ask(self, payload):
        self._write(payload)
        reply = self._read()
        self._note(auth_packets=[*self.auth_packets, reply])
        return reply

    def _switch(self, plugin, data=None):
        self._note(switched=True)
        data = self.salt + b"\0" if data is None else data
        return self._ask(b"\xfe" + plugin.encode() + b"\0" + data)

    def _denied(self, auth):
        return _Refused(1045, "28000", f"Access denied for user '{self.user}'@'{self.host}' "
                                       f"(using password: {'YES' if auth else 'NO'})")

    def _agree(self, user):
        """The client's proof in the user's plugin, to which it is switched when the greeting or
        the client named another one (checkAuthPlugin)."""
        self._note(plugin=user.plugin)
        if self.server.plugin == user.plugin == self.client_plugin:
            return self.auth
        if not self.effective & wire.PLUGIN_AUTH:
            if user.plugin != NATIVE:
                raise _Refused(1251, "08004", "Client does not support authentication protocol "
                               "requested by server; consider upgrading MySQL client")
            return self.auth
        plugin = CLEAR if user.plugin == TOKEN else user.plugin
        return self._switch(plugin, user.switch_data) or self.auth

    def _check_native(self, user, auth):
        password = user.password.encode()
        expected = wire.native_scramble(password, self.salt) if password else b""
        return auth, auth == expected

    def _check_sha2(self, user, auth):
        password = user.password.encode()
        if self.plan.fast_auth and auth:
            good = auth == wire.sha2_scramble(password, self.salt)
            if good:
                self._write(b"\x01\x03")
            return auth, good
        # Always the whole of it, TLS or not: what comes is the password (authSha).
        reply = self._ask(b"\x01\x04").strip(b"\0") if auth else b""
        self._note(password=reply)
        return reply, reply == password

    def _check_clear(self, user, auth):
        self._note(password=auth.removesuffix(b"\0"))
        return auth, self.password == user.password.encode()

    def _check_rounds(self, user, auth):
        for payload in user.rounds:
            self._ask(payload)
        return auth, True

    def _welcome(self):
        self._at("auth")
        packet = wire.frame(sql.OK, self.sequence)
        if "ok-half" in self.plan.at:
            self.stream.write(packet[:7])
            self._at("ok-half")
            packet = packet[7:]
        with self.server.changed:  # so that a client that has its OK finds it noted
            self.stream.write(packet)
            self._note("ok")
        self._at("ok")

    # ---- commands -----------------------------------------------------------------------------

    def _obey(self):
        while True:
            self.sequence = 0
            payload = self._read()
            if not payload:
                raise _Over("close")
            command, body = payload[0], payload[1:]
            self._note(commands=[*self.commands, (command, body)])
            self._at("command")
            if command == sql.COM_QUIT:
                raise _Over("quit")
            batch, size = [], 0
            for part in sql.answer(self, command, body):
                batch.append(part)
                size += len(part)
                if size > 65536:
                    self._write(*batch)
                    batch, size = [], 0
            if batch:
                self._write(*batch)
