# SPDX-License-Identifier: Apache-2.0
"""What the suites about TLS share: a proxy in front of fake TiDBs, and a MySQL client made of a raw
socket, which can do what no driver does.

    with proxy_for(server, tls_ca=pair.ca) as proxy, RawClient(proxy.port()) as client:
        client.log_in("app", "secret")
        assert client.query("SELECT 1") == [b"1"]
"""
import contextlib
import socket
import ssl

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding

import fake_tidb_wire as wire
from fake_tidb_wire import NATIVE, SHA2
from proxy import Proxy

WAIT_SECONDS = 30
# LONG_PASSWORD, LONG_FLAG, PROTOCOL_41, TRANSACTIONS, SECURE_CONNECTION, MULTI_STATEMENTS,
# MULTI_RESULTS, PLUGIN_AUTH, DEPRECATE_EOF
CAPABILITIES = 0x010BA205
OK, ERR, SWITCH, MORE = 0x00, 0xFF, 0xFE, 0x01
FULL, FAST = b"\x01\x04", b"\x01\x03"
WANT_KEY = b"\x02"


def dashed(options):
    return {name.replace("_", "-"): value for name, value in options.items()}


def section(server, **options):
    """A cluster of the configuration; options_with_underscores, None leaves one out."""
    return {"host": "127.0.0.1", "port": server.port, **dashed(options)}


def proxy_of(clusters, **options):
    """A proxy of several clusters, without spares and with one thread unless asked."""
    return Proxy(None, clusters, {"state-source": "none", "spares": 0, "threads": 1,
                                  "log-level": "trace", **dashed(options)})


def proxy_for(server, options=None, **orders):
    return proxy_of({"orders": section(server, **orders)}, **(options or {}))


class Refused(Exception):
    """An ERR packet: number, state (None without a marker), text."""

    def __init__(self, payload):
        self.number = int.from_bytes(payload[1:3], "little")
        self.state, text = None, payload[3:]
        if text[:1] == b"#":
            self.state, text = text[1:6].decode("ascii"), text[6:]
        self.text = text.decode("ascii")
        super().__init__(self.number, self.state, self.text)


def permissive():
    """A client's context that verifies nothing, as drivers that only "require" TLS."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def encrypt(password, salt, pem):
    """dev.mysql.com, "Caching_sha2_password information": OAEP, of the password XOR the salt."""
    text = password + b"\0"
    masked = bytes(byte ^ salt[at % len(salt)] for at, byte in enumerate(text))
    return serialization.load_pem_public_key(pem).encrypt(masked, padding.OAEP(
        padding.MGF1(hashes.SHA1()), hashes.SHA1(), None))


class RawClient:
    """`place`: a TCP port, or a unix socket's path. `one_byte`: a send for each byte."""

    def __init__(self, place, one_byte=False, capabilities=CAPABILITIES, greeted=True):
        is_tcp = isinstance(place, int)
        self.sock = socket.socket(socket.AF_INET if is_tcp else socket.AF_UNIX)
        self.sock.settimeout(WAIT_SECONDS)
        self.sock.connect(("127.0.0.1", place) if is_tcp else str(place))
        if is_tcp:
            self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.is_unix, self.one_byte, self.capabilities = not is_tcp, one_byte, capabilities
        self.tls, self.into, self.out = None, ssl.MemoryBIO(), ssl.MemoryBIO()
        self.sequence, self.pem = 0, None
        self.plugin, self.greeting = NATIVE, None
        self.held = b""  # goes out together with the next bytes
        if greeted:
            self.read_greeting()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.sock.close()

    # ---- bytes --------------------------------------------------------------------------------

    def send_raw(self, data):
        data, self.held = self.held + data, b""
        step = 1 if self.one_byte else max(len(data), 1)
        for at in range(0, len(data), step):
            self.sock.sendall(data[at:at + step])

    def send(self, data):
        if self.tls:
            self.tls.write(data)
            data = self.out.read()
        self.send_raw(data)

    def _receive(self, size):
        if not self.tls:
            return self.sock.recv(size)
        while True:
            try:
                return self.tls.read(size)
            except ssl.SSLWantReadError:
                self._feed()

    def _feed(self):
        part = self.sock.recv(65536)
        if part:
            self.into.write(part)
        else:
            self.into.write_eof()

    def read_exactly(self, size):
        parts = []
        while size:
            part = self._receive(min(size, 1 << 20))
            if not part:
                raise EOFError(f"closed with {size} bytes missing")
            parts.append(part)
            size -= len(part)
        return b"".join(parts)

    def read_to_the_end(self):
        """What comes before the end: with TLS, before a close_notify; anything else raises."""
        parts = []
        while part := self._receive(65536):
            parts.append(part)
        return b"".join(parts)

    # ---- packets ------------------------------------------------------------------------------

    def take(self):
        """The next packet's payload; its number must be the one that is due."""
        head = self.read_exactly(4)
        payload = self.read_exactly(int.from_bytes(head[:3], "little"))
        assert head[3] == self.sequence, f"number {head[3]}, not {self.sequence}: {payload!r}"
        self.sequence = (self.sequence + 1) % 256
        if payload[:1] == bytes([ERR]):
            raise Refused(payload)
        return payload

    def put(self, payload):
        self.send(wire.frame(payload, self.sequence))
        self.sequence = (self.sequence + 1) % 256

    # ---- the login ----------------------------------------------------------------------------

    def read_greeting(self):
        payload = self.greeting = self.take()
        fields = wire.Fields(payload[1:])
        fields.text()
        self.connection_id = fields.number(4)
        self.salt = fields.take(8)
        fields.take(1)
        low = fields.number(2)
        fields.take(3)
        self.offered = low | fields.number(2) << 16
        fields.take(11)
        self.salt += fields.take(12)

    @property
    def offers_tls(self):
        return bool(self.offered & wire.SSL)

    def head(self):
        """The first 32 bytes of a HandshakeResponse, which are also a SSLRequest."""
        ssl_bit = wire.SSL if self.tls else 0
        return (self.capabilities | ssl_bit).to_bytes(4, "little") + (1 << 24).to_bytes(
            4, "little") + b"\x2e" + bytes(23)

    def start_tls(self, context=None, coalesced=False, name=None):
        """`coalesced`: SSLRequest and ClientHello in one segment, and the handshake's end in one
        with what is sent next."""
        self.tls = (context or permissive()).wrap_bio(self.into, self.out, server_hostname=name)
        request = wire.frame(self.head(), self.sequence)
        self.sequence += 1
        if coalesced:
            self.held = request
        else:
            self.send_raw(request)
        while True:
            try:
                self.tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                self.send_raw(self.out.read())
                self._feed()
            except ssl.SSLError:
                self.send_raw(self.out.read())
                raise
        self.held = self.out.read()
        if not coalesced:
            self.send_raw(b"")
        return self

    def proof(self, password):
        """What the plugin sends first."""
        if self.plugin == NATIVE:
            return wire.native_scramble(password, self.salt) if password else b""
        if self.plugin == SHA2:
            return wire.sha2_scramble(password, self.salt) if password else b""
        return password + b"\0"

    def response(self, user, password):
        proof = self.proof(password)
        return (self.head() + user.encode() + b"\0" + bytes([len(proof)]) + proof +
                self.plugin.encode() + b"\0")

    def log_in(self, user="app", password="secret", plugin=NATIVE, pem=None):
        """The OK; `pem`: a public key that is known already."""
        self.plugin, self.pem = plugin, pem
        password = password.encode()
        self.put(self.response(user, password))
        return self.authenticate(password)

    def authenticate(self, password):
        while True:
            payload = self.take()
            if payload[:1] == bytes([OK]):
                self.sequence = 0
                return payload
            if payload[:1] == bytes([SWITCH]):
                plugin, _, data = payload[1:].partition(b"\0")
                self.plugin, self.salt = plugin.decode(), data[:20]
                self.put(self.proof(password))
            elif payload == FULL:
                self.give_password(password)
            elif payload != FAST:
                self.put(b"answer to " + payload)

    def give_password(self, password):
        if self.tls or self.is_unix:
            self.put(password + b"\0")
            return
        if not self.pem:
            self.put(WANT_KEY)
            self.pem = self.take()[1:]
        self.put(encrypt(password, self.salt, self.pem))

    # ---- commands -----------------------------------------------------------------------------

    def query(self, text):
        """The rows' bytes of a one-column result; [] for an OK."""
        self.sequence = 0
        self.put(b"\x03" + text.encode())
        if self.take()[:1] == bytes([OK]):
            return []
        self.take()  # the column
        rows = []
        while (payload := self.take())[:1] != b"\xfe" or len(payload) > 9:
            fields = wire.Fields(payload)
            rows.append(fields.take(fields.length()))
        return rows


def refused(place, user="app", password="secret", tls=False):
    """The refusal that a login gets, wherever it comes, after which the proxy must close."""
    client = None
    try:
        client = RawClient(place)
        if tls:
            client.start_tls()
        client.log_in(user, password)
    except Refused as refusal:
        if client:
            assert client.read_to_the_end() == b""
            client.sock.close()
        return refusal
    raise AssertionError("it was let in")


def logged_in(place, user="app", password="secret", tls=False, plugin=NATIVE):
    """A client that has its OK."""
    client = RawClient(place)
    with contextlib.ExitStack() as stack:
        stack.enter_context(client)
        if tls:
            client.start_tls()
        client.log_in(user, password, plugin)
        stack.pop_all()
    return client
