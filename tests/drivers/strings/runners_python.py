# SPDX-License-Identifier: Apache-2.0
"""Python."""
from typing import NamedTuple

from programs import OUT, run_command, setup, write


class Python(NamedTuple):
    needs: str = "python"

    def why_not(self):
        return setup("python") or (setup("built") if self.needs == "built" else None)

    def run(self, program, folder, env=None):
        path = write(folder, "main.py", program)
        return run_command(["/usr/bin/python3", "-W", "error::SyntaxWarning", path], folder,
                           {**(env or {}), "PYTHONPATH": str(OUT / "python")})


RUNNERS = {
    "pymysql": Python(),
    "mysqlclient": Python("built"),
    "mysql-connector-python": Python(),
    "aiomysql": Python(),
    "asyncmy": Python(),
    "sqlalchemy-pymysql": Python(),
    "sqlalchemy-mysqlclient": Python("built"),
    "sqlalchemy-connector": Python(),
    "django": Python("built"),
    "peewee": Python(),
    "tortoise": Python(),
}
OVER_ANOTHER = ("django", "peewee", "tortoise")
