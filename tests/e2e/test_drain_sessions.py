# SPDX-License-Identifier: Apache-2.0
"""SIGTERM and real sessions: who is between two statements ends at once, who is in a transaction may
finish it, whoever the server is and whether tidblink or nobody speaks TLS with it."""
import signal
import subprocess
import time

import pymysql
import pytest

from mysql_root import mysql_client
from proxy import Proxy
from tls_scenes import dashed, section

LONG = "10m"  # nothing ends by itself within a test
USER, PASSWORD = "drain", "se cret"
WAIT_SECONDS = 30


@pytest.fixture(scope="module", params=["mariadb", "mysql97"])
def server(request):
    found = request.getfixturevalue(request.param)
    found.add_user(USER, PASSWORD)
    found.query("CREATE DATABASE IF NOT EXISTS drain")
    found.query("CREATE TABLE IF NOT EXISTS drain.t (id INT PRIMARY KEY AUTO_INCREMENT, word TEXT)")
    found.query("TRUNCATE drain.t")
    return found


def draining(server, orders=None, **options):
    """A proxy whose sessions tidblink can read: TLS is off."""
    return Proxy(None, {"orders": section(server, **{"tls": "off", **(orders or {})})}, {
        "state-source": "none", "spares": 0, "threads": 1, "drain-timeout": LONG,
        **dashed(options)})


def connect(proxy, **options):
    return pymysql.connect(host="127.0.0.1", port=proxy.port(), user=USER, password=PASSWORD,
                           database="drain", **{"autocommit": True, **options})


def run(connection, text):
    with connection.cursor() as cursor:
        cursor.execute(text)
        return cursor.fetchall()


def place(connection):
    return f"client=127.0.0.1:{connection._sock.getsockname()[1]} "


def wait_end(proxy, connection, reason="drained"):
    proxy.wait_log(f"connection closed .*{place(connection)}.*close={reason} ")
    assert connection._sock.recv(1) == b""


def stays(connection):
    run(connection, "SELECT 1")


def test_idle_ends_and_a_transaction_commits(server):
    with draining(server) as proxy:
        idle, busy, fresh, waiting = (connect(proxy) for _ in range(4))
        run(idle, "SELECT 1")
        run(busy, "BEGIN")
        run(busy, "INSERT INTO t (word) VALUES ('kept')")
        run(waiting, "SET autocommit = 0")
        run(waiting, "INSERT INTO t (word) VALUES ('lost')")
        mark = proxy.mark()
        proxy.signal(signal.SIGTERM)
        wait_end(proxy, idle)
        wait_end(proxy, fresh)
        # Longer than any look takes: they are idle, and inside.
        deadline = time.monotonic() + 1.5
        while time.monotonic() < deadline:
            assert proxy.process.poll() is None
            assert not any("close=" in line and (place(busy) in line or place(waiting) in line)
                           for line in proxy.lines[mark:])
            time.sleep(0.1)
        run(busy, "INSERT INTO t (word) VALUES ('too')")
        assert run(busy, "SELECT COUNT(*) FROM t") == ((2,),)
        run(busy, "COMMIT")
        wait_end(proxy, busy)
        run(waiting, "ROLLBACK")
        wait_end(proxy, waiting)
        assert proxy.wait() == 0
    assert server.query("SELECT word FROM drain.t ORDER BY id") in (
        [("kept",), ("too",)], (("kept",), ("too",)))


def test_a_long_statement_ends_by_itself(server):
    import threading
    with draining(server) as proxy:
        slow = connect(proxy)
        answer = []
        thread = threading.Thread(target=lambda: answer.append(run(slow, "SELECT SLEEP(1.5), 'x'")))
        before = proxy.metric('tidblink_bytes_total{dir="to_server"}')
        thread.start()
        proxy.wait_metric_above('tidblink_bytes_total{dir="to_server"}', before)
        proxy.signal(signal.SIGTERM)
        thread.join(WAIT_SECONDS)
        assert answer == [((0, "x"),)]
        wait_end(proxy, slow)
        assert proxy.wait() == 0


def test_who_does_not_finish_is_cut_and_that_is_told(server):
    with draining(server, drain_timeout="1s") as proxy:
        busy = connect(proxy)
        run(busy, "BEGIN")
        proxy.signal(signal.SIGTERM)
        wait_end(proxy, busy, "drain-timeout")
        assert proxy.wait() == 75
        proxy.wait_log("drained connections_cut=1")


@pytest.mark.parametrize("ending", ["COMMIT", "fails"])
def test_prepared_statements_and_failures(server, ending):
    """What has no flags of its own leaves the session where it was."""
    with draining(server) as proxy:
        busy, idle = connect(proxy), connect(proxy)
        run(busy, "START TRANSACTION READ ONLY")
        for connection in (busy, idle):
            run(connection, "PREPARE p FROM 'SELECT ?'")
            with pytest.raises(pymysql.err.Error):
                run(connection, "SELECT * FROM no_such_table")
        mark = proxy.mark()
        proxy.signal(signal.SIGTERM)
        wait_end(proxy, idle)
        stays(busy)
        if ending == "fails":
            with pytest.raises(pymysql.err.Error):
                run(busy, "INSERT INTO t (word) VALUES ('read only')")
            stays(busy)
        assert not any("close=" in line and place(busy) in line for line in proxy.lines[mark:])
        run(busy, "COMMIT")
        wait_end(proxy, busy)
        assert proxy.wait() == 0


def test_the_command_line_client_which_wants_no_eof(server):
    """MySQL's own clients ask for CLIENT_DEPRECATE_EOF: their results end in an OK packet."""
    if not mysql_client():
        pytest.skip("no mysql client")
    with draining(server) as proxy:
        def start():
            process = subprocess.Popen(
                [*mysql_client(), "--host=127.0.0.1", f"--port={proxy.port()}", f"--user={USER}",
                 "--get-server-public-key", "--ssl-mode=DISABLED", "--unbuffered", "--batch", "--skip-column-names", "drain"],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                bufsize=1, env={"MYSQL_PWD": PASSWORD, "PATH": "/usr/bin:/bin"})
            return process

        def ask(process, text):
            process.stdin.write(text + ";\n")
            process.stdin.flush()
            return process.stdout.readline().rstrip("\n")

        idle, busy = start(), start()
        assert ask(idle, "SELECT 'i'") == "i"
        busy.stdin.write("BEGIN;\n")
        assert ask(busy, "SELECT 'b'") == "b"
        proxy.signal(signal.SIGTERM)
        proxy.wait_log("connection closed .*close=drained ")
        assert ask(busy, "SELECT 'still'") == "still"
        busy.stdin.write("COMMIT;\n")
        busy.stdin.flush()
        proxy.wait_log("connection closed .*close=drained ", 2)
        assert proxy.wait() == 0
        for process in (idle, busy):
            process.kill()
            process.communicate()
