# SPDX-License-Identifier: Apache-2.0
"""The client programs themselves, straight against the real server: what they say can be trusted."""
import hashlib

import pytest

from clients import CLIENTS, plain_link, run

PASSWORD = "it's \"q\" \\ %s & ;@:/?#="


@pytest.fixture(scope="module")
def app(mariadb):
    mariadb.add_user("app", PASSWORD)
    return mariadb


@pytest.mark.parametrize("client", CLIENTS)
def test_prints_the_rows(client, available, app):
    result = run(client, app.host, app.port, "app", PASSWORD, "test", "connect-and-select",
                 link=plain_link(client),
                 query="SELECT CONCAT(seq, ' ', CURRENT_USER()) FROM seq_1_to_3")
    assert result == (0, "1 app@%\n2 app@%\n3 app@%\n", "")


@pytest.mark.parametrize("client", CLIENTS)
def test_digests_a_large_result(client, available, app):
    rows = "".join(f"{i}:{'x' * 10_000}\n" for i in range(1, 1001)).encode()
    result = run(client, app.host, app.port, "app", PASSWORD, "test", "result",
                 link=plain_link(client),
                 query="SELECT CONCAT(seq, ':', REPEAT('x', 10000)) FROM seq_1_to_1000")
    assert result == (0, f"{hashlib.sha256(rows).hexdigest()} {len(rows)}\n", "")


@pytest.mark.parametrize("client", CLIENTS)
def test_connects_and_says_so(client, available, app):
    result = run(client, app.host, app.port, "app", PASSWORD, "test", "print-error",
                 link=plain_link(client))
    assert result == (0, "connected\n", "")


@pytest.mark.parametrize("client", CLIENTS)
def test_fails_with_the_servers_error(client, available, app):
    for password, query, error in [
            ("wrong", "SELECT 1", "Access denied for user 'app'"),
            (PASSWORD, "SELECT no_such_column", "no_such_column")]:
        result = run(client, app.host, app.port, "app", password, "test", "result", query=query,
                     link=plain_link(client))
        assert result.code != 0
        assert result.stdout == ""
        assert error in result.stderr
