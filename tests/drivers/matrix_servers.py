# SPDX-License-Identifier: Apache-2.0
"""The servers of the matrix, each with a certificate of one authority for the names by which tests
call it, and with one way to ask them all."""
import itertools
import shutil
import tempfile
import threading
from pathlib import Path

from certs import Authority
from fake_tidb import NATIVE, SHA2, FakeTidb, User
from mariadb import MariaDB
from matrix import PASSWORD
from mysql_server import MySQL, why_missing

ROWS, ROW_BYTES = 100, 10_000
# Recursion, because MySQL has no sequences.
BULK = (f"SELECT CONCAT(n, ':', REPEAT('x', {ROW_BYTES})) FROM (WITH RECURSIVE s(n) AS (SELECT 1 "
        f"UNION ALL SELECT n + 1 FROM s WHERE n < {ROWS}) SELECT n FROM s) AS numbers")
WHO = "SELECT CONCAT('x', 'y ', (SELECT VARIABLE_VALUE FROM {}.session_status " \
      "WHERE VARIABLE_NAME = 'Ssl_version'))"


class Files:
    """An authority's certificate, and a certificate for this machine with its key."""

    def __init__(self):
        self.dir = Path(tempfile.mkdtemp(prefix="tidblink-matrix-"))
        self.dir.chmod(0o755)  # the servers run as another user
        self.ca, self.cert, self.key = (self.dir / f"{n}.pem" for n in ("ca", "cert", "key"))
        authority = Authority()
        authority.write(self.ca)
        authority.issue(["localhost", "127.0.0.1"], self.cert, self.key)
        self.server_key = self.dir / "server-key.pem"  # will belong to who the server runs as
        shutil.copyfile(self.key, self.server_key)
        self.server_key.chmod(0o600)
        self.other_ca = self.dir / "other-ca.pem"
        Authority("another authority").write(self.other_ca)

    def remove(self):
        shutil.rmtree(self.dir, ignore_errors=True)


class Real:
    """A MariaDB or a MySQL."""
    is_tidb = False

    def __init__(self, server, schema, plugin):
        self.server, self.plugin = server, plugin
        self.who_query = WHO.format(schema)
        self.bulk_query = BULK
        self.users = itertools.count()
        self.lock = threading.Lock()
        server.start()
        self.port = server.port

    def new_user(self):
        """Nobody has logged in as it yet: with caching_sha2_password the first time is in full."""
        with self.lock:
            user = f"app{next(self.users)}"
            self.server.add_user(user, PASSWORD)
            return user

    def check_row(self, output):
        """Whether the server has TLS with who asked."""
        assert output.startswith("xy "), output
        version = output[3:].strip()
        assert version in ("", "TLSv1.2", "TLSv1.3"), output
        return version != ""

    def bulk_rows(self):
        return "".join(f"{n}:{'x' * ROW_BYTES}\n" for n in range(1, ROWS + 1)).encode()

    def stop(self):
        self.server.stop()


class Fake:
    """The fake TiDB, which keeps what it was sent."""
    is_tidb = True
    who_query = "SELECT CONNECTION_ID()"
    bulk_query = f"BULK {ROWS} {ROW_BYTES}"

    def __init__(self, files, plugin):
        self.plugin = plugin
        self.server = FakeTidb(files, users={}, plugin=plugin)
        self.port = self.server.port
        self.users = itertools.count()

    def new_user(self):
        user = f"app{next(self.users)}"
        self.server.users[user] = User(PASSWORD, self.plugin)
        return user

    def check_row(self, output):
        """Whether it has TLS with who asked; no connection to it is without what it says."""
        [conn] = [conn for conn in self.server.conns if conn.id == int(output)]
        assert not conn.error, conn.error
        assert conn.tls == bool(conn.tls_version)
        return conn.tls

    def bulk_rows(self):
        return (b"x" * ROW_BYTES + b"\n") * ROWS

    def stop(self):
        self.server.close()


def mariadb(files):
    return Real(MariaDB(options=[f"--ssl-cert={files.cert}", f"--ssl-key={files.server_key}"]),
                "information_schema", "mysql_native_password")


def mysql(files):
    return Real(MySQL(certs=(files.ca, files.cert, files.key)), "performance_schema",
                "caching_sha2_password")


# name: (how it is started, why it cannot be)
SERVERS = {
    "MariaDB": (mariadb, lambda: None),
    "MySQL 9.7": (mysql, why_missing),
    "TiDB, native": (lambda files: Fake(files, NATIVE), lambda: None),
    "TiDB, sha2": (lambda files: Fake(files, SHA2), lambda: None),
}
