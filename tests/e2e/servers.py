# SPDX-License-Identifier: Apache-2.0
"""A server for tests that need no more of a cluster than its greeting."""
import contextlib
import socket
import threading

# A HandshakeV10 packet (dev.mysql.com, "Protocol::HandshakeV10"), the capabilities those of TiDB.
_HANDSHAKE = (b"\x0a" + b"8.0.11-TiDB-v8.5.2\0" + (7).to_bytes(4, "little") + b"saltsalt\0" +
              b"\x8f\xa6" + b"\x2e" + b"\x02\x00" + b"\x7b\x01" + b"\x15" + bytes(10) +
              b"saltsaltsalt\0" + b"mysql_native_password\0")
GREETING = len(_HANDSHAKE).to_bytes(3, "little") + b"\0" + _HANDSHAKE


class Greeter:
    """Greets whoever comes and hangs up when they do."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port = self.listener.getsockname()[1]
        self.socks = []
        self.thread = threading.Thread(target=self._accept)
        self.thread.start()

    def _accept(self):
        with contextlib.suppress(OSError):  # shut down
            while True:
                self.socks.append(self.listener.accept()[0])
                threading.Thread(target=self._serve, args=[self.socks[-1]], daemon=True).start()

    @staticmethod
    def _serve(sock):
        with sock, contextlib.suppress(OSError):
            sock.sendall(GREETING)
            while sock.recv(65536):
                pass

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.thread.join()
        self.listener.close()
        for sock in self.socks:
            with contextlib.suppress(OSError):  # closed already
                sock.shutdown(socket.SHUT_RDWR)
