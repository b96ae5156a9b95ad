# SPDX-License-Identifier: Apache-2.0
"""What the catalogue says of a client's test is what this suite does with the client."""
import json
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from built import built  # noqa: E402
from runners import OUT_OF_REACH, RUNNERS, proven, proven_everywhere  # noqa: E402
from string_files import READERS, WHOLE  # noqa: E402
from test_string_examples import PASSWORDS  # noqa: E402
from test_strings_drivers import print_string  # noqa: E402

ENOUGH = 35


def catalogue():
    done = subprocess.run([built("app/tidblink"), "dsn", "--list", "--json"], check=True,
                          stdout=subprocess.PIPE, timeout=60)
    return {row["client"]: row["test"] for row in json.loads(done.stdout)}


def test_proven_is_who_has_a_test():
    said = {client for client, test in catalogue().items() if test == "yes"}
    assert said == proven() | {*WHOLE}


def test_every_test_is_of_a_client_of_the_catalogue():
    assert {*RUNNERS, *READERS, *OUT_OF_REACH} <= {*catalogue()}


def test_who_is_out_of_reach_is_not_proven():
    assert not {*OUT_OF_REACH} & {*RUNNERS, *WHOLE}


def prints(client, password, **place):
    try:
        print_string(client, user="app", password=password, database="shop", **place)
    except ValueError:
        return False
    return True


def test_enough_are_proven_everywhere():
    """Through the proxy and straight, verifying, with each password: what is refused is no proof."""
    places = {"proxy": {"host": "127.0.0.1", "port": 4000, "tls": "off"},
              "verify-identity": {"host": "db.example", "port": 4000, "direct": "yes",
                                  "tls": "verify-identity", "ca_path": "/ca.pem"}}
    printed = {client for client in proven()
               if all(prints(client, password, **place)
                      for password in PASSWORDS.values() for place in places.values())}
    assert printed == proven_everywhere()
    assert len(printed) >= ENOUGH, f"only {len(printed)}: {', '.join(sorted(printed))}"
