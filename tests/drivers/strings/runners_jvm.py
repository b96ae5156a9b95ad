# SPDX-License-Identifier: Apache-2.0
"""Java."""
from pathlib import Path
from typing import NamedTuple

from programs import BUILT, java_command, missing, run_command

MARIADB_JAR = "/usr/share/java/mariadb-java-client.jar"
MYSQL_JAR = str(BUILT / "jars/mysql-connector-j-9.7.0.jar")  # tests/drivers/setup fetches it
JNA = "/usr/share/java/jna.jar:/usr/share/java/jna-platform.jar"


class Java(NamedTuple):
    """One driver in the class path: MariaDB's takes MySQL's URLs as well, and reads them otherwise."""
    jar: str

    def why_not(self):
        return missing("java", "javac") or (None if Path(self.jar).exists() else f"no {self.jar}")

    def run(self, program, folder, env=None):
        return run_command(java_command(program, folder, f"{self.jar}:{JNA}"), folder, env)


RUNNERS = {
    "jdbc": Java(MYSQL_JAR),
    "jdbc-mariadb": Java(MARIADB_JAR),
}
REFUSED = {
    ("jdbc", "socket", None),            # it has no unix sockets
    ("jdbc-mariadb", None, "golden"),    # its URL has no way to carry some of these characters
}
