# SPDX-License-Identifier: Apache-2.0
"""A service manager as a proxy sees it, for tests that play one: sd_notify(3) as datagrams, the sockets
of sd_listen_fds(3) as descriptors from 3 on."""
import array
import contextlib
import os
import re
import socket
import subprocess
import sys
import time

from proxy import Proxy

WAIT_SECONDS = 30


class Manager:
    """Where NOTIFY_SOCKET leads. `fds`: what was to be stored, by name."""

    def __init__(self, folder):
        self.path = folder / "notify"
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.sock.bind(str(self.path))
        self.heard, self.fds = [], {}

    def env(self, **more):
        return {"NOTIFY_SOCKET": str(self.path), **more}

    def hear(self, seconds):
        """The next message, None when there is none for so long."""
        self.sock.settimeout(seconds)
        fds = array.array("i")
        try:
            text, control, _, _ = self.sock.recvmsg(4096, socket.CMSG_SPACE(4 * 8))
        except TimeoutError:
            return None
        text = text.decode()
        for level, kind, content in control:
            if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
                fds.frombytes(content)
        name = re.search(r"^FDNAME=(.*)$", text, re.M)
        if "FDSTORE=1" in text:
            self.fds[name[1]] = fds[0]
        elif "FDSTOREREMOVE=1" in text:
            with contextlib.suppress(KeyError):
                os.close(self.fds.pop(name[1]))
        self.heard.append(text)
        return text

    def wait(self, pattern, after=0):
        deadline = time.monotonic() + WAIT_SECONDS
        while True:
            for text in self.heard[after:]:
                if found := re.search(pattern, text, re.M):
                    return found
            assert time.monotonic() < deadline, f"no {pattern!r} in {self.heard}"
            self.hear(1)

    def quiet(self, seconds, *but):
        """Nothing but these is heard for so long."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            text = self.hear(left)
            assert text is None or any(re.search(one, text) for one in but), text

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.sock.close()
        for fd in self.fds.values():
            os.close(fd)


# A program that becomes the one that it is told, with sockets from descriptor 3 on, as systemd does.
PASS = """
import os, sys
fds, names, *words = sys.argv[1:]
fds = [int(fd) for fd in fds.split(",") if fd]
high = [os.dup2(fd, 100 + i) for i, fd in enumerate(fds)]
for i, fd in enumerate(high):
    os.dup2(fd, 3 + i)
os.closerange(3 + len(fds), 300)
os.environ.update(LISTEN_FDS=str(len(fds)), LISTEN_FDNAMES=names, LISTEN_PID=str(os.getpid()))
os.execv(words[0], words)
"""


class Activated(Proxy):
    """Started with sockets: {name: socket}, or a list of pairs."""

    def __init__(self, sockets, *args, **options):
        super().__init__(*args, **options)
        pairs = list(sockets.items() if isinstance(sockets, dict) else sockets)
        self.sockets = [sock if isinstance(sock, int) else sock.fileno() for _, sock in pairs]
        for fd in self.sockets:
            os.set_inheritable(fd, True)
        names = ":".join(name for name, _ in pairs)
        self.tether = lambda words: [sys.executable, "-c", PASS, ",".join(map(str, self.sockets)),
                                     names, *words]

    def launch(self):
        # Popen would close them.
        popen = subprocess.Popen
        subprocess.Popen = lambda *args, **more: popen(*args, pass_fds=self.sockets, **more)
        try:
            return super().launch()
        finally:
            subprocess.Popen = popen


def listening(family=socket.AF_INET, place=("127.0.0.1", 0)):
    sock = socket.socket(family)
    sock.bind(place)
    sock.listen(8)
    return sock
