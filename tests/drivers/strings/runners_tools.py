# SPDX-License-Identifier: Apache-2.0
"""Tools that are no libraries."""
import json
from typing import NamedTuple

from programs import MIGRATION, OUT, run_command, setup, write

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


class Dbt(NamedTuple):
    """Its hooks run the SQL, on the connection that makes the tables of its models."""
    migrates = True

    def why_not(self):
        return setup("dbt")

    def run(self, string, folder, env=None):
        write(folder, "profiles.yml", string)
        hooks = ["USE {{ target.schema }}", *MIGRATION.rstrip(";").split(";\n"), "COMMIT"]
        write(folder, "dbt_project.yml", json.dumps(
            {"name": "proof", "version": "1.0", "profile": "tidb", "on-run-start": hooks}))
        (folder / "models").mkdir()
        write(folder, "models/numbers.sql", "select 1 as one")
        program = "from dbt.cli.main import cli; cli()"
        return run_command(["/usr/bin/python3", "-c", program, "--no-send-anonymous-usage-stats",
                            "run", "--profiles-dir", ".", "--project-dir", "."], folder,
                           {**(env or {}), "PYTHONPATH": str(OUT / "dbt")})


RUNNERS = {
    "duckdb": DuckDb(),
    "dbt": Dbt(),
}
OUT_OF_REACH = {"grafana": "no registry in reach has Grafana"}
OVER_ANOTHER = ("dbt",)
# Its profile has neither a socket nor TLS.
REFUSED = {("dbt", place, None)
           for place in ("socket", "verify-identity", "another authority", "another name")}
