# SPDX-License-Identifier: Apache-2.0
"""A TiDB as far as clients and proxies can see it, byte for byte, which records what it is sent and
misbehaves on command.

    with FakeTidb(pair, users={"app": User("secret", SHA2)}) as server:   # pair: certs.Pair
        server.plan_next(Plan(one_byte=True))      # for the next connection; server.plan: for all
        …
        conn = server.accept()                     # the next connection that came
        conn.wait_step("ok")
        assert conn.tls_version == "TLSv1.3" and conn.password == b"secret"

One connection is in fake_tidb_conn.py, packets are in fake_tidb_wire.py, answers to commands in
fake_tidb_sql.py. Not here: compression (such a client is refused) and a KeyUpdate of TLS 1.3, which
Python's ssl cannot send."""
import collections
import contextlib
import socket
import ssl
import threading
import time
import warnings

import fake_tidb_wire as wire
from fake_tidb_conn import DOUBLE_REFUSAL, PLACES, TOO_MANY, Connection, Plan, User
from fake_tidb_wire import CLEAR, NATIVE, SHA2, TIDB_CAPABILITIES, TIPROXY_CAPABILITIES, TOKEN

__all__ = ["CLEAR", "DOUBLE_REFUSAL", "NATIVE", "PLACES", "SHA2", "TIDB_CAPABILITIES",
           "TIPROXY_CAPABILITIES", "TOKEN", "TOO_MANY", "Connection", "FakeTidb", "Plan", "User"]

WAIT_SECONDS = 30
VERSIONS = {"1.1": ssl.TLSVersion.TLSv1_1, "1.2": ssl.TLSVersion.TLSv1_2,
            "1.3": ssl.TLSVersion.TLSv1_3}


class FakeTidb:
    """`pair`: anything with .cert and .key, a certs.Pair for one; None: no TLS. `users`: User by
    name. `tls`: lowest and highest version. `tickets`: of TLS 1.3; Go's server sends one."""

    def __init__(self, pair=None, users=None, version="8.0.11-TiDB-v8.5.3", capabilities=None,
                 plugin=NATIVE, salt=None, first_id=None, tls=("1.2", "1.3"), tickets=1,
                 require_tls=False, host="127.0.0.1", port=0):
        self.users = {"app": User("secret")} if users is None else users
        self.version, self.plugin, self.salt = version, plugin, salt
        self.require_tls = require_tls
        self.switch_unknown = True   # False: denied at once, where MatchIdentity fails in conn.go
        self.plan, self.plans = Plan(), collections.deque()
        self.changed = threading.Condition(threading.RLock())
        self.conns, self.accepted = [], 0
        self.tls_context = None
        if pair:
            self.use(pair, tls, tickets)
        offered = TIDB_CAPABILITIES if capabilities is None else capabilities
        self.capabilities = offered if pair else offered & ~wire.SSL
        self.listener = socket.create_server((host, port), backlog=128)
        self.host, self.port = self.listener.getsockname()[:2]
        self.next_id = self.port * 1000 + 1 if first_id is None else first_id
        self.thread = threading.Thread(target=self._accept, daemon=True)
        self.thread.start()

    def use(self, pair, tls=("1.2", "1.3"), tickets=1):
        """From now on this certificate, and new ticket keys: no earlier session is resumed."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # of TLS 1.1
            context.minimum_version, context.maximum_version = [VERSIONS[name] for name in tls]
        if "1.1" in tls:
            context.set_ciphers("DEFAULT:@SECLEVEL=0")
        context.load_cert_chain(pair.cert, pair.key)
        context.num_tickets = tickets
        if not tickets:
            context.options |= ssl.OP_NO_TICKET
        context.sni_callback = lambda tls, name, _: setattr(tls, "sni", name)
        self.tls_context = context

    def plan_next(self, *plans):
        """For the next connections, one each; those after them follow self.plan."""
        self.plans.extend(plans)

    def _accept(self):
        with contextlib.suppress(OSError):  # shut down
            while True:
                sock = self.listener.accept()[0]
                with self.changed:
                    plan = self.plans.popleft() if self.plans else self.plan
                    try:
                        conn = Connection(self, sock, self.next_id, plan)
                    except OSError:  # it has left already
                        sock.close()
                        continue
                    self.next_id += 1
                    self.conns.append(conn)
                    conn.thread.start()
                    self.changed.notify_all()

    # ---- what has come ------------------------------------------------------------------------

    def count(self, check):
        with self.changed:
            return sum(bool(check(conn)) for conn in self.conns)

    @property
    def connections(self):
        return len(self.conns)

    @property
    def handshakes(self):
        return self.count(lambda conn: conn.tls)

    @property
    def failed_handshakes(self):
        return self.count(lambda conn: conn.tls_error)

    @property
    def resumed(self):
        return self.count(lambda conn: conn.resumed)

    @property
    def logins(self):
        return self.count(lambda conn: "ok" in conn.steps)

    @property
    def open(self):
        return self.count(lambda conn: not conn.ended)

    def wait(self, check, what, seconds=WAIT_SECONDS):
        """Until check() is true; what it returned. `what`: a text or a function that makes one."""
        deadline = time.monotonic() + seconds
        with self.changed:
            while not (found := check()):
                left = deadline - time.monotonic()
                assert left > 0, what() if callable(what) else f"{what}\n{self.log_text()}"
                self.changed.wait(left)
            return found

    def wait_connections(self, count=1):
        self.wait(lambda: self.connections >= count, f"no {count} connections")

    def wait_handshakes(self, count=1):
        self.wait(lambda: self.handshakes >= count, f"no {count} TLS handshakes")

    def wait_failed_handshakes(self, count=1):
        self.wait(lambda: self.failed_handshakes >= count, f"no {count} failed TLS handshakes")

    def wait_resumed(self, count=1):
        self.wait(lambda: self.resumed >= count, f"no {count} resumed sessions")

    def wait_logins(self, count=1):
        self.wait(lambda: self.logins >= count, f"no {count} log-ins")

    def wait_open(self, count):
        self.wait(lambda: self.open == count, f"there are not {count} open connections")

    def accept(self):
        """The next connection, in the order in which they came."""
        self.wait_connections(self.accepted + 1)
        self.accepted += 1
        return self.conns[self.accepted - 1]

    def log_text(self):
        with self.changed:
            return "\n".join(conn.describe() for conn in self.conns)

    def close(self):
        with contextlib.suppress(OSError):  # closed already
            self.listener.shutdown(socket.SHUT_RDWR)
        self.thread.join()
        self.listener.close()
        for conn in self.conns:
            conn.order = conn.order or "cut"
            with contextlib.suppress(OSError):  # ended already
                conn.stream.sock.shutdown(socket.SHUT_RDWR)
        for conn in self.conns:
            conn.thread.join(WAIT_SECONDS)
            assert not conn.thread.is_alive(), f"it does not end: {conn.describe()}"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
