# SPDX-License-Identifier: Apache-2.0
"""Between a client and tidblink: replaces the client's answer to the greeting, or keeps it back. So
a real client gets the errors that only broken, old or slow clients are refused with."""
import socket
import threading

from refuser import packet

# HandshakeResponse320 (dev.mysql.com): capabilities without PROTOCOL_41, maximum size, user, auth.
OLD_ANSWER = packet(1, b"\x05\x00\x00\x00\x01app\0" + b"secret\0")
BROKEN_ANSWER = packet(1, b"\x00\xa2\x0f\x00")


class Meddler:
    """`answer`: what goes on in place of the client's; None: nothing does."""

    def __init__(self, port, answer):
        self.target, self.answer = port, answer
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
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
                client, _ = self.listener.accept()
            except OSError:
                return
            with client, socket.create_connection(("127.0.0.1", self.target)) as server:
                client.settimeout(20)
                server.settimeout(20)
                try:
                    self._meddle(client, server)
                except OSError:
                    pass  # it left

    def _meddle(self, client, server):
        client.sendall(server.recv(65536))  # the greeting
        client.recv(65536)
        if self.answer:
            server.sendall(self.answer)
        while data := server.recv(65536):
            client.sendall(data)
        client.shutdown(socket.SHUT_WR)
        while client.recv(65536):
            pass
