# SPDX-License-Identifier: Apache-2.0
"""Prisma with a driver adapter, whose client is generated once from a schema without models; and Bun,
whose program is a package of npm's as well."""
import os
import subprocess
from typing import NamedTuple

from programs import OUT, missing, run_command, setup, write

NODE = 20  # the first of its versions that Prisma 7 runs on


def node_is_old():
    version = subprocess.run(["node", "--version"], stdout=subprocess.PIPE, text=True).stdout
    if int(version.lstrip("v").split(".")[0]) < NODE:
        return f"node {version.strip()} is older than {NODE}"
    return None


class Prisma(NamedTuple):
    def why_not(self):
        return missing("node", "npm") or node_is_old() or setup("prisma")

    def run(self, program, folder, env=None):
        path = write(folder, "main.cjs", program)
        for name in ("node_modules", "generated"):
            if not (folder / name).exists():
                (folder / name).symlink_to(OUT / "prisma" / name)
        return run_command(["node", path], folder, env)


class Bun(NamedTuple):
    def why_not(self):
        return missing("node", "npm") or setup("node") or (
            None if self.program().exists() else f"npm has no Bun for this machine ({os.uname().machine})")

    def program(self):
        return OUT / "node/node_modules/@oven/bun-linux-x64/bin/bun"

    def run(self, program, folder, env=None):
        return run_command([self.program(), write(folder, "main.mjs", program)], folder, env)


RUNNERS = {
    "prisma-adapter": Prisma(),
    "bun": Bun(),
}
OVER_ANOTHER = ("prisma-adapter",)
SLOW_TO_REFUSE = ("prisma-adapter",)  # its pool goes on for ten seconds, twice
OUT_OF_REACH = {
    "prisma": "its query engine is a binary that comes from Prisma's own servers, not from npm",
}
