# SPDX-License-Identifier: Apache-2.0
"""Ports and networks of 127.0.0.0/8 that one process of tests has to itself, whatever other
processes run at the same time: for listeners that are opened later, by another program, on an
address and a port that are known before, and for ports where nobody shall listen.

    with claimed_port(["127.77.1.4", "127.77.2.4"]) as port:
        …
    port = own_port()  # until this process ends

A claim is a socket that is bound and never used, on an address that nobody uses otherwise; that of a
port is UDP's, which is in nobody's way who listens on 0.0.0.0. It ends with its process, however that
ends. Claimed ports are none that the kernel gives to whoever
asks for some port, or to outgoing connections (ip(7), ip_local_port_range)."""
import contextlib
import random
import socket

PORTS_KEEPER = "127.77.255.254"
NETWORK_PORT = 4000
PORTS = range(10000, 20000)  # `tidblink connect` has 21000 to 22999
kept = []  # claims of this process


def is_free(address, port, kind=socket.SOCK_STREAM):
    with socket.socket(type=kind) as probe:
        try:
            probe.bind((address, port))
        except OSError:
            return False
        return True


def claim_port(addresses):
    """(port, claim): one that is free on all of the addresses, for TCP and UDP."""
    while True:
        claim = socket.socket(type=socket.SOCK_DGRAM)
        port = random.choice(PORTS)
        with contextlib.suppress(OSError):  # another process has it
            claim.bind((PORTS_KEEPER, port))
            if all(is_free(address, port, kind) for address in addresses
                   for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM)):
                return port, claim
        claim.close()


@contextlib.contextmanager
def claimed_port(addresses):
    """One that is free on all of the addresses, and that nobody else gets from here meanwhile."""
    port, claim = claim_port(addresses)
    with claim:
        yield port


def own_port(address="127.0.0.1"):
    """One that is free there, and ours until this process ends."""
    port, claim = claim_port([address])
    kept.append(claim)
    return port


def claim_network(numbers):
    """An n for which 127.n.0.0/16 is ours, and what is to be kept for as long as it shall be."""
    for number in numbers:
        claim = socket.socket()
        try:
            claim.bind((f"127.{number}.255.254", NETWORK_PORT))
            return number, claim
        except OSError:
            claim.close()
    raise RuntimeError(f"none of 127.{numbers[0]}.0.0/16 and those behind it is free")
