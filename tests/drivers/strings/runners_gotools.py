# SPDX-License-Identifier: Apache-2.0
"""Programs written in Go that migrate schemas: goose's and golang-migrate's own, and what dbmate's and
Atlas's do, without the drivers of other databases. The strings that a shell reads are run by one."""
from typing import NamedTuple

from programs import MIGRATION, OUT, missing, run_command, setup, write

TOOLS = OUT / "gotools"


class Tool(NamedTuple):
    program: str
    arguments: tuple
    file: str
    around: tuple = ("", "")  # the SQL
    exports: bool = False  # the string is for the environment, where the others have an argument
    migrates = True

    def why_not(self):
        return missing("go") or setup("gotools")

    def run(self, string, folder, env=None):
        write(folder, self.file, MIGRATION.join(self.around))
        command = [TOOLS / self.program, *(string if part == "STRING" else part
                                           for part in self.arguments)]
        if self.exports:
            command = ["sh", "-ec", string + '\nexec "$@"', "sh", *command]
        return run_command(command, folder, env)


RUNNERS = {
    "golang-migrate": Tool("migrate", ("-path", ".", "-database", "STRING", "up"),
                           "1_proof.up.sql"),
    "goose": Tool("goose", ("up",), "00001_proof.sql", ("-- +goose Up\n", ""), exports=True),
    "atlas": Tool("atlas", ("STRING", "proof.sql"), "proof.sql"),
    "dbmate": Tool("dbmate", (), "1_proof.sql", ("-- migrate:up\n", "\n-- migrate:down\n"),
                   exports=True),
}
OVER_ANOTHER = tuple(RUNNERS)
REFUSED = {("atlas", "socket", None)}  # its URL has no place for every path
