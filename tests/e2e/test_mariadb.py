# SPDX-License-Identifier: Apache-2.0
"""The server that the other suites stand on: it starts, serves, and leaves nothing behind."""
import pymysql
import pytest

from mariadb import MariaDB


def test_serves_a_user_over_tcp(mariadb):
    mariadb.add_user("starter", "it's \"q\" \\ %s")
    conn = mariadb.connect(user="starter", password="it's \"q\" \\ %s", database="test")
    with conn.cursor() as cursor:
        cursor.execute("SELECT CURRENT_USER()")
        assert cursor.fetchone() == ("starter@%",)
    conn.close()
    with pytest.raises(pymysql.err.OperationalError):
        mariadb.connect(user="starter", password="wrong")


def test_a_failed_start_shows_its_log_and_cleans_up(capsys):
    server = MariaDB(options=["--no-such-option"])
    with pytest.raises(RuntimeError):
        server.start()
    assert "no-such-option" in capsys.readouterr().err
    assert not server.dir.exists()
