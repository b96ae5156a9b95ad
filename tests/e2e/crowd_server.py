# SPDX-License-Identifier: Apache-2.0
"""A program that greets thousands and hangs up when they do; it prints its port. It ends with its
standard input, so that it never outlives who started it."""
import contextlib
import resource
import selectors
import socket
import sys

from servers import greeting


def main():
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
    ready = selectors.DefaultSelector()
    ready.register(listener, selectors.EVENT_READ)
    ready.register(sys.stdin, selectors.EVENT_READ)
    print(listener.getsockname()[1], flush=True)
    number = 0
    while True:
        for key, _ in ready.select():
            sock = key.fileobj
            if sock is sys.stdin:
                return
            if sock is listener:
                number += 1
                near, _ = listener.accept()
                ready.register(near, selectors.EVENT_READ)
                with contextlib.suppress(OSError):  # it has left already
                    near.sendall(greeting(number))
                continue
            with contextlib.suppress(OSError):
                if sock.recv(65536):
                    continue
            ready.unregister(sock)
            sock.close()


if __name__ == "__main__":
    main()
