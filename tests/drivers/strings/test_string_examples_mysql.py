# SPDX-License-Identifier: Apache-2.0
"""The same programs with MySQL 9.7, which knows the password by caching_sha2_password alone: each
log-in is a full one, by the server's RSA key through the proxy and inside of TLS straight to it."""
import shutil
import sys
import tempfile
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

from certs import Authority  # noqa: E402
from mysql_server import MySQL, why_missing  # noqa: E402
from scenes import LONG  # noqa: E402
from runners import LIMITS, OVER_ANOTHER, RUNNERS  # noqa: E402
from test_string_examples import DONE, World, own_name, run_example, runner_of  # noqa: E402

PLACES = ("proxy", "verify-identity")
# What a driver says that does not know the plugin, or not without TLS.
CANNOT = {
    ("mysqljs", "proxy"): "ER_NOT_SUPPORTED_AUTH_MODE",
    ("dbt", "proxy"): "Authentication requires secure connection",
    ("r2dbc", "proxy"): "must require SSL",
}


def mysql_cases():
    """Of a client over another one the first is enough, and none in the short form."""
    return [(client, place) for client in RUNNERS for place in PLACES
            if client not in OVER_ANOTHER or (LONG and place == "proxy")
            if LONG or place == "proxy"]


class MysqlWorld(World):
    """One server: who is refused is found out with MariaDB."""

    def __init__(self):
        self.name = own_name()
        self.dir = Path(tempfile.mkdtemp(prefix="tidblink-examples-"))
        pair = Authority().server(self.dir, [self.name, "127.0.0.1"])
        self.ca = pair.ca
        self.server = MySQL(certs=(pair.ca, pair.cert, pair.key))

    def servers(self):
        return (self.server,)

    def write_authorities(self):
        """It is done: the server's own copies are nobody else's to read."""

    def __exit__(self, *failure):
        super().__exit__(*failure)
        shutil.rmtree(self.dir, ignore_errors=True)


@pytest.fixture(scope="module")
def world():
    reason = why_missing()
    if reason:
        pytest.skip(f"MySQL 9.7: {reason}")
    with MysqlWorld() as world:
        yield world


@pytest.mark.parametrize("client, place", mysql_cases())
def test_example_with_mysql(client, place, record_property, world, tmp_path):
    runner = runner_of(client)
    world.server.flush()
    result = run_example(world, runner, client, place, "golden", tmp_path)
    if isinstance(result, str):  # test_string_examples.py checks that
        record_property("string_refused", result)
    elif (client, place) in CANNOT:
        assert result[0] != 0 and CANNOT[client, place] in result[1] + result[2]
    elif (client, place) in LIMITS:
        pytest.skip(LIMITS[client, place])
    else:
        assert result[:2] == (0, DONE), result[2]
