# SPDX-License-Identifier: Apache-2.0
"""What is said on the socket of a take-over (app/handover_wire.h), for tests that say it themselves."""
import socket

import client

WAIT_SECONDS = 60
RECORD_BYTES = 1024


def record(*fields):
    return "\0".join(fields).encode().ljust(RECORD_BYTES, b"\0")


def reach(address):
    sock = socket.socket(socket.AF_UNIX)
    sock.settimeout(WAIT_SECONDS)
    sock.connect(address.removeprefix("unix:"))
    return sock


def ask_for_all(asker):
    """As a process that takes over does, up to its "ready"."""
    asker.sendall(record("ask", "1", "9.9", "take"))
    while not client.read_exactly(asker, RECORD_BYTES).startswith(b"end\0"):
        pass
