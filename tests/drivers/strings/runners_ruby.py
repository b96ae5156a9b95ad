# SPDX-License-Identifier: Apache-2.0
"""Ruby, with the gems that Debian has."""
from typing import NamedTuple

from programs import missing, run_command, write


class Ruby(NamedTuple):
    gem: str

    def why_not(self):
        if reason := missing("ruby"):
            return reason
        code, _, _ = run_command(["ruby", "-e", f"require '{self.gem}'"], "/")
        return f"ruby has no {self.gem}" if code else None

    def run(self, program, folder, env=None):
        if program.startswith("require "):
            return run_command(["ruby", write(folder, "main.rb", program)], folder, env)
        return run_command(["sh", "-e", write(folder, "example.sh", program)], folder, env)


RUNNERS = {
    "mysql2-gem": Ruby("mysql2"),
    "rails": Ruby("active_record"),
    "rails-url": Ruby("active_record"),
    "sequel": Ruby("sequel"),
}
NO_GEM = "RubyGems is no registry in reach, and Debian 12 has no package ruby-trilogy"
OUT_OF_REACH = {"trilogy": NO_GEM, "rails-trilogy": NO_GEM}
# Debian 12's mysql2 warns that it does not know ssl_mode, and goes on without a look at the name.
OLD_GEM = "mysql2 0.5.3 with MariaDB's library does not check the certificate's name"
LIMITS = {(client, "another name"): OLD_GEM for client in RUNNERS}
