# SPDX-License-Identifier: Apache-2.0
"""Command lines: the example is for a shell, and the password is typed at a terminal."""
import re
import shlex
from typing import NamedTuple

from mysql_root import mysql_root, root_command, why_missing
from programs import OUT, missing, setup, write
from test_strings_drivers import run_on_terminal


class Command(NamedTuple):
    program: str = ""
    types_password = True

    def why_not(self):
        return missing(self.program)

    def variables(self, folder):
        return {}

    def run(self, program, folder, env=None, password=""):
        write(folder, "example.sh", program)
        variables = {**(env or {}), **self.variables(folder)}
        lines = [f"export {name}={shlex.quote(str(value))}" for name, value in variables.items()
                 if name.isidentifier()]
        write(folder, "run.sh", "\n".join([*lines, "sh example.sh >out 2>errors"]))
        code, prompt = run_on_terminal(f"cd {shlex.quote(str(folder))} && sh run.sh", password, folder)
        out, errors = ((folder / name).read_text(errors="replace") for name in ("out", "errors"))
        return code, out, prompt + errors


class MysqlCommand(Command):
    """MySQL's own programs, from the private root, under their names in PATH."""

    def why_not(self):
        return why_missing()

    def variables(self, folder):
        programs = folder / "bin"
        programs.mkdir(exist_ok=True)
        for program in ("mysql", "mysql_config_editor", "mysqldump"):
            path = write(programs, program,
                         f'#!/bin/sh\nexec {shlex.join(root_command(f"usr/bin/{program}"))} "$@"')
            path.chmod(0o755)
        return {"PATH": f"{programs}:/usr/bin:/bin",
                "LIBMYSQL_PLUGIN_DIR": mysql_root() / "usr/lib/mysql/plugin"}


class MysqlDump(MysqlCommand):
    """It runs statements of its own: the row that is in the database must come back."""
    has_example = False

    def run(self, program, folder, env=None, password=""):
        code, dump, errors = MysqlCommand.run(self, program, folder, env, password)
        row = re.search(r"INSERT INTO `parcel` VALUES \((\d+),'(x*)'\);", dump)
        return code, f"{row[1]} {len(row[2])}\n" if row else dump[:1000], errors


class Mycli(Command):
    def why_not(self):
        return setup("mycli")

    def variables(self, folder):
        programs = folder / "bin"
        programs.mkdir(exist_ok=True)
        path = write(programs, "mycli", '#!/bin/sh\nexec /usr/bin/python3 -m mycli.main "$@"')
        path.chmod(0o755)
        return {"PATH": f"{programs}:/usr/bin:/bin", "PYTHONPATH": OUT / "mycli"}

    def run(self, program, folder, env=None, password=""):
        """PyMySQL sends a str as Latin-1: what is typed is the UTF-8 taken for that."""
        return Command.run(self, program, folder, env, password.encode().decode("latin-1"))


RUNNERS = {
    "mariadb": Command("mariadb"),
    "mysql": MysqlCommand(),
    "login-path": MysqlCommand(),
    "mycli": Mycli(),
    "mysqldump": MysqlDump(),
}
REFUSED = {("mariadb", "verify-ca", None)}  # it checks the name as well, or nothing
OUT_OF_REACH = {
    "mysqlsh": "MySQL Shell is in none of the registries in reach",
    "usql": "usql's Go module is not served by the module proxy in reach",
    "lightning": "TiDB's programs are in none of the registries in reach",
    "ticdc": "TiDB's programs are in none of the registries in reach",
}
