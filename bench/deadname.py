# SPDX-License-Identifier: Apache-2.0
"""A name with three addresses of which one takes no connection: a DNS server of a few lines, and
an address whose queue is full, so that the kernel drops every SYN for it."""
import socket
import struct
import threading

TTL = 60
A, IN = 1, 1
FILLERS = 8


class Dns:
    """Answers A with the addresses of a name, everything else with nothing. On 127.0.0.1, UDP."""

    def __init__(self, names):
        self.names = names
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.ends = False
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def _serve(self):
        while True:
            query, client = self.socket.recvfrom(2048)
            if self.ends:
                return
            if len(query) > 16:
                self.socket.sendto(self._answer(query), client)

    def _answer(self, query):
        labels, at = [], 12
        while at < len(query) and query[at]:
            labels.append(query[at + 1:at + 1 + query[at]].decode("ascii", "replace"))
            at += 1 + query[at]
        question = query[12:at + 5]
        kind = struct.unpack("!H", question[-4:-2])[0]
        found = self.names.get(".".join(labels).lower())
        addresses = found if found and kind == A else []
        flags = 0x8180 if found else 0x8183
        head = struct.pack("!HHHHHH", struct.unpack("!H", query[:2])[0], flags, 1,
                           len(addresses), 0, 0)
        records = b"".join(struct.pack("!HHHIH", 0xc00c, A, IN, TTL, 4) + socket.inet_aton(one)
                           for one in addresses)
        return head + question + records

    def stop(self):
        self.ends = True
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as waker:
            waker.sendto(b"", ("127.0.0.1", self.port))
        self.thread.join(5)
        self.socket.close()


class BlackHole:
    """With a full accept queue Linux neither answers nor refuses a SYN."""

    def __init__(self, host, port):
        self.sockets = [socket.socket()]
        self.sockets[0].setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.sockets[0].bind((host, port))
        self.sockets[0].listen(0)
        for _ in range(FILLERS):
            filler = socket.socket()
            filler.setblocking(False)
            filler.connect_ex((host, port))
            self.sockets.append(filler)

    def stop(self):
        for one in self.sockets:
            one.close()
