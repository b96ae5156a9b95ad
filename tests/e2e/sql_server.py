# SPDX-License-Identifier: Apache-2.0
"""What MariaDB and MySQL servers for tests share: own directory, own socket, own port, gone
afterwards. A class of its own for each (mariadb.py, mysql_server.py) knows the program."""
import os
import pwd
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pymysql

from built import tethered
from claims import own_port

START_SECONDS = 180  # others start servers beside this one
STOP_SECONDS = 30


def server_account():
    """Debian makes `mysql` with mariadb-server only, and mariadb-server-core is enough here."""
    try:
        return pwd.getpwnam("mysql")
    except KeyError:
        return pwd.getpwnam("nobody")


class SqlServer:
    """Runs as the current user, or as a lesser one for root, whom the servers refuse to serve."""
    name = ""  # of the program, in messages and in the directory's name

    def __init__(self, options=(), bind="127.0.0.1"):
        self.options = list(options)
        self.bind = bind
        self.host = "127.0.0.1"
        self.port = None
        self.process = None
        # Not pytest's tmp_path: it is closed to other users (mysql), and its paths are longer than
        # the 107 bytes that a unix socket may have.
        self.dir = Path(tempfile.mkdtemp(prefix=f"tidblink-{self.name}-"))
        self.data = self.dir / "data"
        self.socket = self.dir / "s.sock"
        self.log = self.dir / "server.log"
        # A server that starts removes every temporary table that it finds in its TMPDIR, so that
        # none may be another's.
        self.environment = {**os.environ, "TMPDIR": str(self.dir)}
        self.identity = {}
        if os.geteuid() == 0:
            account = server_account()
            os.chown(self.dir, account.pw_uid, account.pw_gid)
            self.identity = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}

    def start(self):
        try:
            self._give_key()
            self._install()
            self.port = own_port()
            if not self._launch():
                raise RuntimeError(f"{self.name} did not start")
            self.query("CREATE DATABASE IF NOT EXISTS test")
        except BaseException:
            self.dump()
            self.stop()
            raise
        return self

    def _give_key(self):
        """A file that only its owner reads."""
        for option in self.options:
            name, _, path = option.partition("=")
            if name == "--ssl-key" and self.identity:
                os.chown(path, self.identity["user"], self.identity["group"])

    def stop(self):
        """Ends the server and removes everything it had. May be called twice."""
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.process = None
        shutil.rmtree(self.dir, ignore_errors=True)

    def __enter__(self):
        return self.start()

    def __exit__(self, kind, value, trace):
        if kind is not None:
            self.dump()
        self.stop()

    def connect(self, **arguments):
        """A PyMySQL connection over TCP; every argument of pymysql.connect may be given."""
        place = {"host": self.host, "port": self.port}
        if "unix_socket" in arguments:
            place = {}
        return pymysql.connect(**{**place, "connect_timeout": 10, **arguments})

    def query(self, sql, values=None):
        """Runs one statement as root and returns its rows."""
        conn = self.connect(unix_socket=str(self.socket), user="root", autocommit=True)
        try:
            with conn.cursor() as cursor:
                cursor.execute(sql, values)
                return cursor.fetchall()
        finally:
            conn.close()

    def log_text(self):
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def dump(self):
        print(f"---- {self.log}\n{self.log_text()}", file=sys.stderr)

    def _install(self):
        """Makes the data directory; root has no password there, on the socket of this test only."""
        raise NotImplementedError

    def _command(self):
        """What starts the server, without the options that the test gave."""
        raise NotImplementedError

    def _run(self, command):
        with open(self.log, "ab") as log:
            subprocess.run(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, check=True,
                           timeout=START_SECONDS, cwd=self.dir, env=self.environment,
                           **self.identity)

    def _launch(self):
        """Starts the server; True when it answers, False when it ended before that."""
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                tethered([*self._command(), *self.options]), stdout=log, stderr=log, cwd=self.dir,
                stdin=subprocess.DEVNULL, env=self.environment, **self.identity)
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            try:
                self.query("SELECT 1")
                return True
            except pymysql.err.OperationalError:
                # Nothing tells when it is ready: ask until it answers or has ended.
                try:
                    self.process.wait(0.05)
                    return False
                except subprocess.TimeoutExpired:
                    continue
        raise RuntimeError(f"{self.name} did not answer within {START_SECONDS} s")
