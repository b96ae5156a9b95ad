# SPDX-License-Identifier: Apache-2.0
"""A private MariaDB server for tests: own directory, own socket, own port, gone afterwards.

    with MariaDB() as server:
        server.add_user("app", "secret")
        server.query("SELECT 1")                      # as root, over the unix socket
        server.connect(user="app", password="secret") # over TCP, 127.0.0.1:server.port
"""
import os
import shutil

from sql_server import SqlServer


def server_program():
    """mariadbd lives in sbin, which a user's PATH may not have."""
    path = os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin"
    return shutil.which("mariadbd", path=path) or "mariadbd"


class MariaDB(SqlServer):
    """`options`: more mariadbd flags; `bind`: addresses as --bind-address takes them."""
    name = "mariadb"

    def add_user(self, name, password, require=""):
        """A user with every right, from everywhere. `require`: "REQUIRE SSL", for example."""
        self.query("CREATE OR REPLACE USER %s@'%%' IDENTIFIED BY %s " + require, (name, password))
        self.query("GRANT ALL ON *.* TO %s@'%%'", (name,))

    def _install(self):
        # auth "normal": root has no password, on a socket and a port of this test only. force: a
        # root made by debootstrap has no /etc/hosts, where the script would look itself up.
        self._run(["mariadb-install-db", "--no-defaults", f"--datadir={self.data}",
                   "--auth-root-authentication-method=normal", "--skip-test-db",
                   "--skip-name-resolve", "--force", f"--tmpdir={self.dir}"])

    def _command(self):
        return [
            server_program(), "--no-defaults", f"--datadir={self.data}", f"--socket={self.socket}",
            f"--port={self.port}", f"--bind-address={self.bind}", f"--pid-file={self.dir}/pid",
            # Each server removes every temporary table that it finds there when it starts.
            f"--tmpdir={self.dir}",
            "--skip-name-resolve", "--skip-log-bin", "--innodb-buffer-pool-size=32M",
            "--skip-innodb-use-native-aio",  # the machine has only so much of that for all
            "--innodb-flush-log-at-trx-commit=0", "--max-connections=2000",
            "--max-allowed-packet=256M", "--character-set-server=utf8mb4"]
