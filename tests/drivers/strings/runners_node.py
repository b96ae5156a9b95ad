# SPDX-License-Identifier: Apache-2.0
"""Node.js."""
from typing import NamedTuple

from programs import OUT, missing, run_command, setup, write


class Node(NamedTuple):
    def why_not(self):
        return missing("node", "npm") or setup("node")

    def run(self, program, folder, env=None):
        path = write(folder, "main.cjs", program)
        link = folder / "node_modules"
        if not link.exists():
            link.symlink_to(OUT / "node/node_modules")
        return run_command(["node", path], folder, env)


RUNNERS = {
    "mysql2": Node(),
    "mysql2-url": Node(),
    "mysqljs": Node(),
    "mariadb-node": Node(),
    "drizzle": Node(),
    "typeorm": Node(),
    "sequelize": Node(),
    "knex": Node(),
    "kysely": Node(),
    "mikroorm": Node(),
}
OVER_ANOTHER = ("drizzle", "typeorm", "sequelize", "knex", "kysely", "mikroorm")
REFUSED = {  # it does not verify the name
    ("mysqljs", "verify-identity", None),
    ("mysqljs", "another authority", None),
    ("mysqljs", "another name", None),
}
