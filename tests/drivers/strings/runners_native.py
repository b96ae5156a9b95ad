# SPDX-License-Identifier: Apache-2.0
"""C."""
import subprocess
from typing import NamedTuple

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


RUNNERS = {
    "mariadb-c": C(),
}
REFUSED = {("mariadb-c", "verify-ca", None)}  # it verifies the name as well, or nothing
