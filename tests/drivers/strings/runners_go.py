# SPDX-License-Identifier: Apache-2.0
"""Go."""
import shutil
from typing import NamedTuple

from programs import HERE, missing, run_command, setup, write


class Go(NamedTuple):
    def why_not(self):
        return missing("go") or setup("go")

    def run(self, program, folder, env=None):
        write(folder, "main.go", program)
        for name in ("go.mod", "go.sum"):
            shutil.copy(HERE / "go" / name, folder)
        code, out, errors = run_command(
            ["go", "build", "-mod=mod", "-buildvcs=false", "-o", "main", "."], folder)
        return (code, out, errors) if code else run_command([folder / "main"], folder, env)


RUNNERS = {
    "go": Go(),
    "gorm": Go(),
    "ent": Go(),
    "bun-go": Go(),
    "xorm": Go(),
}
OVER_ANOTHER = ("gorm", "ent", "bun-go", "xorm")
REFUSED = {(client, "verify-ca", None) for client in RUNNERS}  # crypto/tls checks the name as well
