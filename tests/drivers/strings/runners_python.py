# SPDX-License-Identifier: Apache-2.0
"""Python."""
from typing import NamedTuple

from programs import MIGRATION, OUT, run_command, setup, write


class Python(NamedTuple):
    needs: str = "python"

    def why_not(self):
        return setup("python") or (setup("built") if self.needs == "built" else None)

    def run(self, program, folder, env=None):
        path = write(folder, "main.py", program)
        return run_command(["/usr/bin/python3", "-W", "error::SyntaxWarning", path], folder,
                           {**(env or {}), "PYTHONPATH": str(OUT / "python")})


ALEMBIC = """
from alembic import context
from sqlalchemy import engine_from_config

settings = context.config.get_section("alembic")
with engine_from_config(settings, prefix="sqlalchemy.").connect() as conn:
    context.configure(connection=conn)
    with context.begin_transaction():
        context.run_migrations()
"""
REVISION = """
from alembic import op

revision, down_revision = "1", None


def upgrade():
    for statement in %r:
        op.execute(statement)
"""


class Alembic(Python):
    migrates = True

    def run(self, string, folder, env=None):
        (folder / "versions").mkdir()
        write(folder, "versions/proof.py", REVISION % MIGRATION.rstrip(";").split(";\n"))
        write(folder, "env.py", ALEMBIC)
        write(folder, "alembic.ini", "[alembic]\nscript_location = .\n" + string)
        return run_command(["/usr/bin/python3", "-m", "alembic", "upgrade", "head"], folder,
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
    "alembic": Alembic("built"),
    "django": Python("built"),
    "peewee": Python(),
    "tortoise": Python(),
}
OVER_ANOTHER = ("alembic", "django", "peewee", "tortoise")
