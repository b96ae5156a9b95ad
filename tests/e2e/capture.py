# SPDX-License-Identifier: Apache-2.0
"""What really goes over loopback: tshark, on a server's port, into a file.

    with Capture(server.port) as capture:
        …
        assert b"secret" not in capture.bytes()
"""
import contextlib
import os
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path

from built import tethered

WAIT_SECONDS = 30


def why_missing():
    if not shutil.which("tshark"):
        return "tshark is not installed"
    return None if os.geteuid() == 0 else "capturing needs root"


class Capture:
    def __init__(self, port):
        self.dir = Path(tempfile.mkdtemp(prefix="tidblink-capture-"))
        self.file = self.dir / "packets.pcap"
        # Datagrams to nobody mark the beginning and the end in the file.
        self.marker = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.marker.bind(("127.0.0.1", 0))
        self.marker_port = self.marker.getsockname()[1]
        self.filter = f"tcp port {port} or udp port {self.marker_port}"
        self.process = None
        self.marks = 0

    def __enter__(self):
        # tshark leaves the capturing to dumpcap, which gives up root and must write here still.
        self.dir.chmod(0o777)
        self.process = subprocess.Popen(
            tethered(["tshark", "-i", "lo", "-f", self.filter, "-F", "pcap", "-w", self.file,
                      "-q"]),
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        self._mark()
        return self

    def _mark(self):
        """Returns when a datagram sent by now is in the file, and so is all that was before it."""
        self.marks += 1
        text = f"tidblink-mark-{self.marks}-".encode()
        deadline = time.monotonic() + WAIT_SECONDS
        while not self.file.exists() or text not in self.file.read_bytes():
            assert self.process.poll() is None, self.process.stderr.read().decode()
            assert time.monotonic() < deadline, "tshark captures nothing"
            self.marker.sendto(text, ("127.0.0.1", self.marker_port))
            time.sleep(0.05)

    def bytes(self):
        """Everything captured up to now, as it was on the wire."""
        self._mark()
        return self.file.read_bytes()

    def dissect(self, *fields, display="mysql", port=None):
        """Rows of these fields of the packets that tshark's own dissector takes for `display`."""
        self._mark()
        command = ["tshark", "-r", self.file, "-Y", display, "-T", "fields"]
        for field in fields:
            command += ["-e", field]
        if port:
            command += ["-d", f"tcp.port=={port},mysql"]
        done = subprocess.run(command, check=True, capture_output=True, text=True,
                              timeout=WAIT_SECONDS)
        return [line.split("\t") for line in done.stdout.splitlines()]

    def __exit__(self, *_):
        with contextlib.suppress(ProcessLookupError):
            self.process.terminate()
        self.process.wait(WAIT_SECONDS)
        self.process.stderr.close()
        self.marker.close()
        shutil.rmtree(self.dir, ignore_errors=True)
