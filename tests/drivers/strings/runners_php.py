# SPDX-License-Identifier: Apache-2.0
"""PHP, with the extensions and the frameworks' components that Debian has."""
from pathlib import Path
from typing import NamedTuple

from programs import OUT, missing, run_command, setup, write

DEBIAN = Path("/usr/share/php")


class Php(NamedTuple):
    """`classes`: what Composer would have put into vendor/autoload.php, in Debian's place."""
    classes: tuple = ()

    def why_not(self):
        return missing("php") or next((f"no {DEBIAN / path}" for path in self.classes
                                       if not (DEBIAN / path).exists()), None)

    def run(self, program, folder, env=None):
        vendor = folder / "vendor"
        vendor.mkdir(exist_ok=True)
        write(vendor, "autoload.php", "<?php\n" + "\n".join(
            f"require_once '{DEBIAN / path}';" for path in self.classes))
        if program.startswith("<?php"):
            return run_command(["php", write(folder, "main.php", program)], folder, env)
        return run_command(["sh", "-e", write(folder, "example.sh", program)], folder, env)


class Wordpress(Php):
    def why_not(self):
        return missing("php", "apt-get") or setup("wordpress")

    def run(self, program, folder, env=None):
        (folder / "wordpress").symlink_to(OUT / "wordpress/usr/share/wordpress")
        return Php.run(self, program, folder, env)


RUNNERS = {
    "pdo": Php(),
    "mysqli": Php(),
    "laravel": Php(("Dotenv/autoload.php", "Illuminate/Database/autoload.php",
                    "Illuminate/Support/helpers.php")),
    "symfony": Php(("Doctrine/DBAL/autoload.php", "Symfony/Component/Dotenv/autoload.php",
                    "Symfony/Component/Yaml/autoload.php")),
    "wordpress": Wordpress(),
}
# mysqlnd checks the name together with the issuer.
REFUSED = {(client, "verify-ca", None) for client in RUNNERS}
# WordPress cannot verify at all.
REFUSED |= {("wordpress", place, None)
            for place in ("verify-identity", "another authority", "another name")}
