# SPDX-License-Identifier: Apache-2.0
"""C, Perl and ODBC, and the languages whose packages are not to be had."""
import subprocess
from typing import NamedTuple

from mysql_root import mysql_root, root_command, why_missing
from programs import missing, run_command, write


class C(NamedTuple):
    def why_not(self):
        return missing("gcc", "mariadb_config")

    def run(self, program, folder, env=None):
        path = write(folder, "main.c", program)
        flags = subprocess.check_output(["mariadb_config", "--cflags", "--libs"], text=True).split()
        code, out, errors = run_command(
            ["gcc", "-Wall", "-Werror", "-o", "main", path, *flags], folder)
        return (code, out, errors) if code else run_command([folder / "main"], folder, env)


class MysqlC(NamedTuple):
    """MySQL's own library, from the private root: compiled here, started by the root's loader."""

    def why_not(self):
        return missing("gcc") or why_missing()

    def run(self, program, folder, env=None):
        root = mysql_root()
        [library] = root.glob("usr/lib/*/libmysqlclient.so")
        path = write(folder, "main.c", program)
        (folder / "mysql").symlink_to(root / "usr/include/mysql")
        # The library wants a newer C library than the host's, which is not looked into here.
        code, out, errors = run_command(
            ["gcc", "-Wall", "-Werror", f"-I{folder}", f"-I{folder}/mysql", "-o", "main", path, library,
             "-Wl,--allow-shlib-undefined"], folder)
        plugins = {"LIBMYSQL_PLUGIN_DIR": str(root / "usr/lib/mysql/plugin")}
        return (code, out, errors) if code else run_command(
            root_command(folder / "main"), folder, {**(env or {}), **plugins})


class Script(NamedTuple):
    """`module`: the line that loads the driver, to see whether it is there."""
    program: str
    module: str
    option: str = "-e"

    def why_not(self):
        if reason := missing(self.program):
            return reason
        code, _, errors = run_command([self.program, self.option, self.module], "/")
        return f"{self.module}: {errors.strip()[:100]}" if code else None

    def run(self, program, folder, env=None):
        return run_command([self.program, write(folder, "main", program)], folder, env)


RUNNERS = {
    "mariadb-c": C(),
    "libmysqlclient": MysqlC(),
    "dbd-mariadb": Script("/usr/bin/perl", "use DBI; use DBD::MariaDB"),
    "dbd-mysql": Script("/usr/bin/perl", "use DBI; use DBD::mysql"),
    # Debian's own Python, where Debian's pyodbc is.
    "odbc-mariadb": Script("/usr/bin/python3", "import pyodbc; assert 'MariaDB Unicode' in "
                           "pyodbc.drivers()", "-c"),
}
REFUSED = {(client, "verify-ca", None) for client in RUNNERS  # they verify the name as well
           if client != "libmysqlclient"}
NO_TLS = "Debian builds DBD::mysql with MariaDB's library, where it refuses to ask for TLS"
LIMITS = {("dbd-mysql", place): NO_TLS
          for place in ("verify-identity", "another authority", "another name")}
OUT_OF_REACH = {
    "odbc": "MySQL Connector/ODBC is in none of the registries in reach",
    "connector-cpp": "Debian 12 has MySQL Connector/C++ 1.1 only, before OPT_HOSTNAME",
    "rmariadb": "CRAN is no registry in reach, and Debian 12 has no r-cran-rmariadb",
    "powershell": "PowerShell is in none of the registries in reach",
    "julia": "Julia's registry is not in reach",
    "swift": "Swift packages come from their own repositories, which are not in reach",
    "myxql": "Hex is no registry in reach",
    "ecto": "Hex is no registry in reach",
    "mysqlconnector": "NuGet is no registry in reach",
    "mysql-data": "NuGet is no registry in reach",
    "ef-core": "NuGet is no registry in reach",
}
