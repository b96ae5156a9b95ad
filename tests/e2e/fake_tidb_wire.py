# SPDX-License-Identifier: Apache-2.0
"""What the fake TiDB has on the wire: packets as TiDB writes and reads them (pingcap/tidb,
pkg/server/conn.go, internal/packetio.go, internal/parse/parse.go), and one connection's bytes."""
import contextlib
import hashlib
import secrets
import socket
import ssl
import struct
import threading

LONGEST = 0xFFFFFF  # of a packet's payload; then more follows (dev.mysql.com, "MySQL Packets")

# Capabilities (dev.mysql.com, "Capabilities Flags").
CONNECT_WITH_DB, PROTOCOL_41, SSL = 1 << 3, 1 << 9, 1 << 11
SECURE_CONNECTION, PLUGIN_AUTH, CONNECT_ATTRS = 1 << 15, 1 << 19, 1 << 20
LENENC_AUTH, DEPRECATE_EOF = 1 << 21, 1 << 24
COMPRESS, ZSTD = 1 << 5, 1 << 26
# server.go, defaultCapability; and the greeting of a TiProxy, which can be in front of TiDB.
TIDB_CAPABILITIES, TIPROXY_CAPABILITIES = 0x051BAEAF, 0x053BEEEF

NATIVE, SHA2 = "mysql_native_password", "caching_sha2_password"
CLEAR, TOKEN = "mysql_clear_password", "tidb_auth_token"


class Malformed(Exception):
    """A packet that ends inside a field."""


class Fields:
    """Reads the fields of a payload one after the other."""

    def __init__(self, payload):
        self.left = payload

    def take(self, size):
        if size > len(self.left):
            raise Malformed
        part, self.left = self.left[:size], self.left[size:]
        return part

    def number(self, size):
        return int.from_bytes(self.take(size), "little")

    def text(self):
        """Up to a NUL."""
        at = self.left.find(b"\0")
        part = self.take(at if at >= 0 else len(self.left) + 1)
        self.take(1)
        return part

    def length(self):
        first = self.number(1)
        return first if first < 0xFB else self.number({0xFC: 2, 0xFD: 3, 0xFE: 8}.get(first, 0))


def lenenc(data):
    """A string behind its length (dev.mysql.com, "Basic Data Types")."""
    size = len(data)
    if size < 0xFB:
        return bytes([size]) + data
    width = 2 if size < 1 << 16 else 3 if size < 1 << 24 else 8
    return {2: b"\xfc", 3: b"\xfd", 8: b"\xfe"}[width] + size.to_bytes(width, "little") + data


def frame(payload, sequence):
    """The payload's packets; the next one has `sequence` + their count as its number."""
    parts = []
    for at in range(0, len(payload) + 1, LONGEST):
        part = payload[at:at + LONGEST]
        parts += [len(part).to_bytes(3, "little"), bytes([(sequence + at // LONGEST) % 256]), part]
    return b"".join(parts)


def make_salt():
    """20 bytes of 7 bits, never NUL or '$', which ends a salt in stored passwords."""
    usable = [byte for byte in range(1, 128) if byte != ord("$")]
    return bytes(secrets.choice(usable) for _ in range(20))


def greeting(version, number, salt, capabilities, plugin):
    """The payload of a HandshakeV10, its fields in conn.go's order (writeInitialHandshake)."""
    return (b"\x0a" + version.encode() + b"\0" + (number & 0xFFFFFFFF).to_bytes(4, "little") +
            salt[:8] + b"\0" + struct.pack("<H", capabilities & 0xFFFF) +
            b"\x2e" + b"\x02\x00" +  # utf8mb4_bin, autocommit
            struct.pack("<H", capabilities >> 16) + bytes([len(salt) + 1]) + bytes(10) +
            salt[8:] + b"\0" + plugin.encode() + b"\0")


def error(number, state, text):
    """An ERR payload; `state` is None until the client's capabilities are known."""
    marker = b"#" + state.encode() if state else b""
    return b"\xff" + struct.pack("<H", number) + marker + text.encode()


def parse_response(payload):
    """The fields of a HandshakeResponse41 (parse.go, HandshakeResponseHeader and …Body)."""
    fields = Fields(payload)
    found = {"capabilities": fields.number(4), "max_packet": fields.number(4),
             "collation": fields.number(1), "database": None, "client_plugin": "",
             "attributes": {}}
    fields.take(23)
    has = found["capabilities"]
    found["user"] = fields.text().decode(errors="replace")
    if has & LENENC_AUTH and fields.left[:1] == b"\x01":  # TiDB's reading: there is none
        fields.take(2)
        found["auth"] = b""
    else:
        found["auth"] = (fields.take(fields.length()) if has & LENENC_AUTH else
                         fields.take(fields.number(1)) if has & SECURE_CONNECTION else
                         fields.text())
    if has & CONNECT_WITH_DB and fields.left:
        found["database"] = fields.text().decode(errors="replace")
    if has & PLUGIN_AUTH:
        found["client_plugin"] = fields.text().decode(errors="replace")
    if has & CONNECT_ATTRS and fields.left:
        found["attributes"] = parse_attributes(fields.take(fields.length()))
    return found


def parse_attributes(data):
    fields, found = Fields(data), {}
    while fields.left:
        key = fields.take(fields.length()).decode(errors="replace")
        found[key] = fields.take(fields.length()).decode(errors="replace")
    return found


def _xor(left, right):
    return bytes(a ^ b for a, b in zip(left, right))


def native_scramble(password, salt):
    """dev.mysql.com, "Native Authentication"."""
    first = hashlib.sha1(password).digest()
    return _xor(first, hashlib.sha1(salt + hashlib.sha1(first).digest()).digest())


def sha2_scramble(password, salt):
    """dev.mysql.com, "Caching_sha2_password information"."""
    first = hashlib.sha256(password).digest()
    return _xor(first, hashlib.sha256(hashlib.sha256(first).digest() + salt).digest())


class Stream:
    """One connection's bytes, plain and then TLS. TLS is done in memory, so that all that leaves
    passes `_send`, which can cut it to single bytes, halve it, or end before it."""
    RAW_BYTES = 1 << 16

    def __init__(self, sock, one_byte=False):
        self.sock, self.one_byte = sock, one_byte
        self.raw = bytearray()     # what came first, as it was on the wire
        self.tls = None
        self.close_notify = False  # the client sent one
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.lock = threading.RLock()  # a test may write while the connection's thread reads
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def receive(self, size=65536):
        """What has come, as it was on the wire; empty at the end."""
        part = self.sock.recv(size)
        self.raw += part[:self.RAW_BYTES - len(self.raw)]
        return part

    def _send(self, data):
        if not self.one_byte:
            self.sock.sendall(data)
            return
        for at in range(len(data)):
            self.sock.sendall(data[at:at + 1])

    def write(self, data):
        with self.lock:
            if self.tls is None:
                self._send(data)
            else:
                self.tls.write(data)
                self._send(self.outgoing.read())

    def read_exactly(self, size):
        data = bytearray()
        while len(data) < size:
            part = self._read(size - len(data))
            if not part:
                # Go's io.EOF and io.ErrUnexpectedEOF, which TiDB passes on as texts
                raise EOFError("unexpected EOF" if data else "EOF")
            data += part
        return bytes(data)

    def _read(self, size):
        if self.tls is None:
            return self.receive(size)
        while True:
            try:
                with self.lock:
                    part = self.tls.read(size)
            except ssl.SSLWantReadError:
                part = self.receive()
                if not part:
                    return b""
                self.incoming.write(part)
            except ssl.SSLZeroReturnError:
                part = b""
                self.close_notify = True
                return part
            else:
                self.close_notify |= not part
                return part

    def start_tls(self, context, at, halve=False):
        """The handshake; at("hello") when the ClientHello is there and, with `halve`,
        at("tls-half") when half of the answer is sent. An alert that says why it failed is sent."""
        self.tls = context.wrap_bio(self.incoming, self.outgoing, server_side=True)
        hooks = [(at, halve)]
        try:
            while not self._step():
                self._answer(hooks)
                part = self.receive()
                if not part:
                    raise EOFError("EOF")
                self.incoming.write(part)
            self._send(self.outgoing.read())
        except (ssl.SSLError, EOFError):
            self.tls = None  # what is said from now on is not TLS's
            with contextlib.suppress(ConnectionError):
                self._send(self.outgoing.read())
            raise

    def _step(self):
        """True: the handshake is over."""
        with contextlib.suppress(ssl.SSLWantReadError):
            self.tls.do_handshake()
            return True
        return False

    def _answer(self, hooks):
        data = self.outgoing.read()
        if data and hooks:
            at, halve = hooks.pop()
            at("hello")
            if halve:
                self._send(data[:len(data) // 2])
                at("tls-half")
                data = data[len(data) // 2:]
        # A client that dislikes the certificate may be gone before all is sent. Its alert can be
        # read all the same, and that is the answer.
        with contextlib.suppress(ConnectionError):
            self._send(data)

    def close(self, how):
        """"close": as TiDB does it, with a close_notify on TLS; "cut": without; "reset": RST."""
        if how == "close" and self.tls is not None:
            with self.lock:
                with contextlib.suppress(ssl.SSLError):  # its answer is not waited for
                    self.tls.unwrap()
                with contextlib.suppress(OSError):  # the client has left
                    self._send(self.outgoing.read())
        if how == "reset":
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()
