# SPDX-License-Identifier: Apache-2.0
"""Rust: the crates are compiled once by setup, a program takes rustc a second or two."""
import functools
import json
from typing import NamedTuple

from programs import OUT, missing, run_command, setup, write

CRATES = ("diesel", "mysql", "mysql_async", "sea_orm", "sqlx", "tokio")


@functools.cache
def externs():
    """Where cargo has put the crates that the programs name."""
    with (OUT / "rust/artifacts.json").open() as lines:
        built = [json.loads(line) for line in lines]
    files = {one["target"]["name"]: name for one in built for name in one["filenames"]
             if name.endswith(".rlib")}
    return [word for crate in CRATES for word in ("--extern", f"{crate}={files[crate]}")]


class Rust(NamedTuple):
    def why_not(self):
        return missing("cargo", "rustc") or setup("rust")

    def run(self, program, folder, env=None):
        path = write(folder, "main.rs", program)
        code, out, errors = run_command(
            ["rustc", "--edition", "2021", "-L", f"dependency={OUT / 'rust/target/debug/deps'}",
             *externs(), "-o", "main", path], folder)
        return (code, out, errors) if code else run_command([folder / "main"], folder, env)


RUNNERS = {
    "sqlx": Rust(),
    "seaorm": Rust(),
    "rust-mysql": Rust(),
    "mysql-async": Rust(),
    "diesel": Rust(),
}
OVER_ANOTHER = ("seaorm",)
LIMITS = {("diesel", "another name"): "diesel over MariaDB's library, as it is built here, does not "
          "check the certificate's name"}
