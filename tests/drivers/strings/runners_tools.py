# SPDX-License-Identifier: Apache-2.0
"""Tools that are no libraries."""
from typing import NamedTuple

from programs import OUT, run_command, setup, write

# What DuckDB's own command line does with a script: all of it, and the last rows are printed.
SHELL = """
import pathlib, duckdb
found = duckdb.connect().execute(pathlib.Path("example.sql").read_text(encoding="utf-8"))
print(*found.fetchone())
"""


class DuckDb(NamedTuple):
    """Its Python module in place of its command line. The extension, which INSTALL would download,
    is where INSTALL would have put it."""

    def why_not(self):
        return setup("duckdb")

    def run(self, program, folder, env=None):
        [extension] = (OUT / "duckdb").glob("duckdb_extension_mysql/extensions/*/mysql.duckdb_extension")
        version = extension.parent.name
        home = folder / ".duckdb/extensions" / version / "linux_amd64"
        home.mkdir(parents=True)
        (home / "mysql_scanner.duckdb_extension").symlink_to(extension)
        write(folder, "example.sql", program)
        return run_command(["/usr/bin/python3", "-c", SHELL], folder,
                           {**(env or {}), "HOME": str(folder), "PYTHONPATH": str(OUT / "duckdb")})


RUNNERS = {
    "duckdb": DuckDb(),
}
OUT_OF_REACH = {"grafana": "Grafana is in none of the registries in reach"}
