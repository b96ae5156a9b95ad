# SPDX-License-Identifier: Apache-2.0
"""Raw sockets as MySQL clients: what reaches a client, byte for byte."""
import contextlib
import socket
import struct

WAIT_SECONDS = 30


def connect(port, host="127.0.0.1"):
    return socket.create_connection((host, port), WAIT_SECONDS)


def connect_unix(path):
    sock = socket.socket(socket.AF_UNIX)
    sock.settimeout(WAIT_SECONDS)
    sock.connect(str(path))
    return sock


def read_all(sock):
    """Everything until the other side closes."""
    parts = []
    while part := sock.recv(65536):
        parts.append(part)
    return b"".join(parts)


def read_refusal(sock):
    """(errno, text) of an ERR packet before the greeting, after which the server must close."""
    packet = read_all(sock)
    assert len(packet) > 7, packet
    assert int.from_bytes(packet[:3], "little") == len(packet) - 4, packet
    assert packet[3] == 0 and packet[4] == 0xFF, packet
    assert packet[7:8] != b"#", "no SQLSTATE marker before the greeting"
    return int.from_bytes(packet[5:7], "little"), packet[7:].decode("ascii")


def refusal(port):
    with connect(port) as sock:
        return read_refusal(sock)


def read_greeting(sock):
    """The greeting packet."""
    head = b""
    while len(head) < 4:
        part = sock.recv(4 - len(head))
        assert part, "closed before the greeting"
        head += part
    size = int.from_bytes(head[:3], "little")
    body = b""
    while len(body) < size:
        part = sock.recv(size - len(body))
        assert part, "closed inside the greeting"
        body += part
    assert body[0] == 10, body
    return head + body


def connection_id(packet):
    """The server's id of the connection, from its greeting."""
    at = packet.index(b"\0", 5) + 1
    return int.from_bytes(packet[at:at + 4], "little")


def read_exactly(sock, size):
    parts = []
    while size:
        part = sock.recv(min(size, 1 << 20))
        assert part, f"closed with {size} bytes missing"
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def read_packet(sock):
    """The first packet, a greeting or a refusal."""
    head = read_exactly(sock, 4)
    return head + read_exactly(sock, int.from_bytes(head[:3], "little"))


def reset(sock):
    """Closes with RST instead of FIN."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


def read_to_the_end(sock):
    """What arrives before the end, whether that is a FIN or a reset."""
    parts = []
    with contextlib.suppress(ConnectionResetError):
        while part := sock.recv(65536):
            parts.append(part)
    return b"".join(parts)
