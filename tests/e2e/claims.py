# SPDX-License-Identifier: Apache-2.0
"""Ports and networks of 127.0.0.0/8 that one process of tests has to itself, whatever other
processes run at the same time: for listeners that are opened later, by another program, on an
address and a port that are known before.

    with claimed_port(["127.77.1.4", "127.77.2.4"]) as port:
        …

A claim is a socket that is bound and never listens, on an address that nobody uses otherwise; it
ends with its process, however that ends."""
import contextlib
import socket

PORTS_KEEPER = "127.77.255.254"
NETWORK_PORT = 4000


def is_free(address, port):
    with socket.socket() as probe:
        try:
            probe.bind((address, port))
        except OSError:
            return False
        return True


@contextlib.contextmanager
def claimed_port(addresses):
    """One that is free on all of the addresses, and that nobody else gets from here meanwhile."""
    while True:
        with socket.socket() as claim:
            claim.bind((PORTS_KEEPER, 0))
            port = claim.getsockname()[1]
            if all(is_free(address, port) for address in addresses):
                yield port
                return


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
