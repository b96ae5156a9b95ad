# SPDX-License-Identifier: Apache-2.0
"""A server that refuses everybody, with the packets that tidblink refuses with."""
import socket
import struct
import threading

# What TiDB offers without TLS. Only the client's readiness to answer matters here.
CAPABILITIES = 0x051BA6AF
CONNECTION_ID = 0x1234
GREETING = (
    b"\x0a8.0.11-TiDB-v8.5.3\0" + struct.pack("<I", CONNECTION_ID) + b"12345678\0"
    + struct.pack("<HBHH", CAPABILITIES & 0xFFFF, 46, 2, CAPABILITIES >> 16) + b"\x15" + bytes(10)
    + b"9:;<=>?@ABCD\0mysql_native_password\0")


def packet(sequence, payload):
    return struct.pack("<I", len(payload))[:3] + bytes([sequence]) + payload


def error_packet(sequence, errno, text, state=None):
    marker = f"#{state}" if state else ""
    return packet(sequence, struct.pack("<BH", 0xFF, errno) + f"{marker}{text}".encode("ascii"))


class Refuser:
    """Answers each connection with one ERR packet, shuts down, reads until the client leaves.

    Without `state` the packet comes instead of the greeting and has no `#state` marker, as the
    protocol has it for that moment. With `state` it comes after the client's answer to a greeting.
    """

    def __init__(self, errno, text, state=None):
        self.greets = state is not None
        self.error = error_packet(2 if self.greets else 0, errno, text, state)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.host, self.port = self.listener.getsockname()
        self.thread = threading.Thread(target=self._serve)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, kind, value, trace):
        self.listener.shutdown(socket.SHUT_RDWR)  # wakes the accept
        self.thread.join()
        self.listener.close()

    def _serve(self):
        while True:
            try:
                conn, _ = self.listener.accept()
            except OSError:
                return
            with conn:
                conn.settimeout(10)
                try:
                    self._refuse(conn)
                except OSError:
                    pass  # it left without waiting, which is its right

    def _refuse(self, conn):
        if self.greets:
            conn.sendall(packet(0, GREETING))
            conn.recv(65536)
        conn.sendall(self.error)
        conn.shutdown(socket.SHUT_WR)
        while conn.recv(65536):
            pass
