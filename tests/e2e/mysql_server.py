# SPDX-License-Identifier: Apache-2.0
"""A private MySQL 9.7 server for tests, which has no other passwords than caching_sha2_password and
sha256_password. It comes from the root that scripts/fetch-mysql unpacks.

    with MySQL() as server:
        server.add_user("app", "secret")
        server.query("SELECT 1")                      # as root, over the unix socket
        server.connect(user="app", password="secret") # over TCP: asks for the server's RSA key
        server.connect(user="app", password="secret",
                       ssl={"ca": str(server.ca), "check_hostname": False})
        server.flush()                                # the next log-in is a full one again
        subprocess.run([*mysql_client(), f"--port={server.port}", …])
"""
import os
import shutil
import subprocess

from mysql_root import mysql_client, mysql_root, root_command, why_missing
from sql_server import SqlServer

__all__ = ["MySQL", "mysql_client", "mysql_root", "why_missing"]


class MySQL(SqlServer):
    """`options`, `bind`: as with MariaDB. `certs`: paths of (ca, cert, key) in place of those that
    the server makes for itself, which name neither a host nor an address. They are copied, so the
    server's account need not be able to read them. `ca`, `public_key`: files for clients."""
    name = "mysqld"

    def __init__(self, options=(), bind="127.0.0.1", certs=None):
        self.root = mysql_root()
        self.program = root_command("usr/sbin/mysqld")
        super().__init__(options, bind)
        self.certs = certs
        self.account = []
        self.ca = self.data / "ca.pem"
        self.public_key = self.data / "public_key.pem"  # RSA, for who does without TLS
        if certs:
            self.ca, self.cert, self.key = (self.dir / f"{n}.pem" for n in ("ca", "cert", "key"))

    def add_user(self, name, password, plugin="caching_sha2_password", require=""):
        """A user with every right, from everywhere. `require`: "REQUIRE SSL", for example."""
        self.query("DROP USER IF EXISTS %s@'%%'", (name,))
        self.query(f"CREATE USER %s@'%%' IDENTIFIED WITH {plugin} BY %s {require}",
                   (name, password))
        self.query("GRANT ALL ON *.* TO %s@'%%'", (name,))

    def flush(self):
        """Empties the cache of caching_sha2_password: each user's next log-in is a full one."""
        self.query("FLUSH PRIVILEGES")

    def _install(self):
        if not self._account_may_run():
            self.identity, self.account = {}, ["--user=root"]
            os.chown(self.dir, 0, 0)
        if self.certs:
            for source, copy in zip(self.certs, (self.ca, self.cert, self.key)):
                shutil.copyfile(source, copy)
                os.chmod(copy, 0o600)
                if self.identity:
                    os.chown(copy, self.identity["user"], self.identity["group"])
        self._run([*self._base(), "--initialize-insecure"])

    def _account_may_run(self):
        """False when the root is below a directory that is closed to the lesser account, which the
        host's own programs never are. Then the server runs as root, which it wants to be told."""
        try:
            subprocess.run([*self.program, "--no-defaults", "--version"], check=True, cwd="/",
                           capture_output=True, stdin=subprocess.DEVNULL, **self.identity)
        except (OSError, subprocess.CalledProcessError):
            return not self.identity
        return True

    def _base(self):
        share = self.root / "usr/share/mysql"
        return [*self.program, "--no-defaults", f"--datadir={self.data}",
                f"--basedir={self.root}/usr", f"--lc-messages-dir={share}",
                f"--character-sets-dir={share}/charsets", *self.account]

    def _command(self):
        certs = [f"--ssl-ca={self.ca}", f"--ssl-cert={self.cert}",
                 f"--ssl-key={self.key}"] if self.certs else []
        return [
            *self._base(), f"--plugin-dir={self.root}/usr/lib/mysql/plugin", "--secure-file-priv=",
            f"--socket={self.socket}", f"--port={self.port}", f"--bind-address={self.bind}",
            f"--pid-file={self.dir}/pid", "--mysqlx=OFF", "--performance-schema=OFF",
            "--skip-name-resolve", "--skip-log-bin", "--innodb-buffer-pool-size=32M",
            "--innodb-flush-log-at-trx-commit=0", "--innodb-fast-shutdown=2",
            "--max-connections=2000", "--max-allowed-packet=256M", *certs]
