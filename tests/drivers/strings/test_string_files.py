# SPDX-License-Identifier: Apache-2.0
"""What stands in a file or an environment, as the program reads it for which it is printed: the
values are those that were asked for."""
import random
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

from string_files import Missing, READERS  # noqa: E402
from test_strings_drivers import GOLDEN, print_string  # noqa: E402

PIECES = ["'", '"', "`", "\\", "$", "${x}", "$(x)", "#", " #", " ", "%", "%s", "&", "<", "{{", "\\n",
          "\\u0041", "é", "Ω", "😀", "=", ":", ";", "!", "a", "Z", "0", "@", "\u2028", "}", "#{x}"]
PASSWORDS = [GOLDEN, "pässwörd-Ω-😀", " blanks ", "plain", "$HOME", "a#b", "'quoted'", '"quoted"',
             "back\\slash\\", "true", "0123", "null", "%41%%", "it's \"`x`\"", "<b>&amp;</b>", "\\$x"]
RANDOM = random.Random(6)
PASSWORDS += ["".join(RANDOM.choices(PIECES, k=RANDOM.randint(1, 9))) for _ in range(10)]
USER, DATABASE = "it's \"me\"", "my $db"
# How much of it a format may refuse: only what its program has no way to read.
MAY_REFUSE = {"dotenv": 9, "directus": 9, "dotenv-expand": 14, "dotenv-php": 4, "dotenv-python": 5,
              "spring-boot": 6, "spring-boot-yaml": 6, "mybatis": 6, "hibernate": 4, "dbt": 8}
# Secrets that are not in the file, and a framework's own trimming.
WITHOUT_PASSWORD = {"ecs", "compose", "terraform"}


@pytest.mark.parametrize("client", READERS)
def test_the_program_reads_what_was_asked(client, tmp_path):
    refused = []
    for password in PASSWORDS:
        try:
            text, _ = print_string(client, host="127.0.0.1", port=4000, user=USER, password=password,
                                   database=DATABASE, tls="off")
        except ValueError as refusal:
            refused.append((password, str(refusal)))
            continue
        try:
            found = READERS[client](text, tmp_path)
        except Missing as reason:
            pytest.skip(f"{client}: {reason}")
        expected = {"host": "127.0.0.1", "port": "4000", "user": USER, "password": password,
                    "database": DATABASE}
        if client in WITHOUT_PASSWORD:
            assert password not in text or len(password) < 9
            del expected["password"]
        assert {name: found[name] for name in expected if name in found} == {
            name: value for name, value in expected.items() if name in found}, text
        assert {"user", *(set() if client in WITHOUT_PASSWORD else {"password"})} <= set(found)
    assert len(refused) <= MAY_REFUSE.get(client, 0), refused
