# SPDX-License-Identifier: Apache-2.0
"""One DNS question over UDP and what came back, for servers under test."""
import ipaddress
import random
import socket
import struct

TYPES = {"A": 1, "AAAA": 28, "TXT": 16}
RCODES = {0: "NOERROR", 1: "FORMERR", 2: "SERVFAIL", 3: "NXDOMAIN", 4: "NOTIMP", 5: "REFUSED"}


def encode_name(name):
    labels = [label.encode() for label in name.rstrip(".").split(".")]
    return b"".join(bytes([len(label)]) + label for label in labels) + b"\0"


def skip_name(packet, at):
    while packet[at]:
        if packet[at] >= 0xC0:  # a pointer ends the name
            return at + 2
        at += packet[at] + 1
    return at + 1


def dns_query(address, name, kind="A", timeout=5):
    """(rcode, [(address, ttl)]) from the server at (host, port); TimeoutError on silence."""
    number = random.randrange(65536)
    question = encode_name(name) + struct.pack(">HH", TYPES[kind], 1)
    family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as client:
        client.settimeout(timeout)
        client.connect(address)
        client.send(struct.pack(">HHHHHH", number, 0x0100, 1, 0, 0, 0) + question)
        packet = client.recv(4096)
    got, flags, questions, answers, _, _ = struct.unpack_from(">HHHHHH", packet)
    assert got == number and flags & 0x8000 and questions == 1
    at = skip_name(packet, 12) + 4
    found = []
    for _ in range(answers):
        at = skip_name(packet, at)
        type_, _, ttl, length = struct.unpack_from(">HHIH", packet, at)
        at += 10
        if type_ == TYPES[kind]:
            found.append((str(ipaddress.ip_address(packet[at:at + length])), ttl))
        at += length
    return RCODES[flags & 0xF], found
