# SPDX-License-Identifier: Apache-2.0
"""SIGTERM and real sessions: who is between two statements ends at once, who is in a transaction may
finish it, whoever the server is and whether tidblink or nobody speaks TLS with it."""
import os
import signal
import subprocess
import threading
import time

import pymysql
import pytest

from built import built
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


def open_in_transaction(proxy, **options):
    busy = connect(proxy, **options)
    run(busy, "BEGIN")
    run(busy, "INSERT INTO t (word) VALUES ('kept')")
    return busy


def not_ended(proxy, connection, mark):
    return not any("close=" in line and place(connection) in line for line in proxy.lines[mark:])


def test_tls_to_the_cluster(mysql97):
    """tidblink speaks TLS with the cluster, and knows from the login on whose turn it is."""
    mysql97.add_user(USER, PASSWORD)
    mysql97.query("CREATE DATABASE IF NOT EXISTS drain")
    mysql97.query("CREATE TABLE IF NOT EXISTS drain.t "
                  "(id INT PRIMARY KEY AUTO_INCREMENT, word TEXT)")
    orders = {"tls": "verify-ca", "tls-ca": mysql97.ca}
    with draining(mysql97, orders) as proxy:
        idle, fresh, busy = connect(proxy), connect(proxy), open_in_transaction(proxy)
        run(idle, "SELECT 1")
        mark = proxy.mark()
        proxy.signal(signal.SIGTERM)
        wait_end(proxy, idle)
        wait_end(proxy, fresh)
        stays(busy)
        assert not_ended(proxy, busy, mark)
        run(busy, "COMMIT")
        wait_end(proxy, busy)
        assert proxy.wait() == 0


def test_the_applications_own_tls_is_judged_by_silence(mysql97):
    mysql97.add_user(USER, PASSWORD)
    mysql97.query("CREATE DATABASE IF NOT EXISTS drain")
    with draining(mysql97, {"tls": "passthrough"}, drain_timeout="6s") as proxy:
        idle = connect(proxy, ssl={"ca": str(mysql97.ca), "check_hostname": False})
        run(idle, "SELECT 1")
        proxy.signal(signal.SIGTERM)
        line = proxy.wait_log(r"connection closed .*close=drained .*idle_ms=(\d+)")
        assert int(line[1]) >= 2000
        assert proxy.wait() == 0


def test_a_file_that_is_being_loaded(mariadb, tmp_path):
    """The server has spoken last, and waits for the client's file."""
    mariadb.add_user(USER, PASSWORD)
    mariadb.query("CREATE DATABASE IF NOT EXISTS drain")
    mariadb.query("CREATE TABLE IF NOT EXISTS drain.words (word TEXT)")
    os.mkfifo(tmp_path / "words")
    with draining(mariadb) as proxy:
        loader, done = connect(proxy, local_infile=True), []
        before = proxy.metric('tidblink_bytes_total{dir="to_client"}')
        thread = threading.Thread(target=lambda: done.append(run(
            loader, f"LOAD DATA LOCAL INFILE '{tmp_path}/words' INTO TABLE words")))
        thread.start()
        proxy.wait_metric_above('tidblink_bytes_total{dir="to_client"}', before)
        idle = connect(proxy)
        mark = proxy.mark()
        proxy.signal(signal.SIGTERM)
        wait_end(proxy, idle)
        with open(tmp_path / "words", "w", encoding="ascii") as file:
            file.write("one\ntwo\n")
        thread.join(WAIT_SECONDS)
        assert done and "reset" not in "".join(proxy.lines[mark:])
        wait_end(proxy, loader)
        assert proxy.wait() == 0
    assert len(mariadb.query("SELECT * FROM drain.words")) == 2


def test_drain_and_wait(mariadb):
    """tidblink drain --wait returns when the proxy has ended, not before."""
    mariadb.add_user(USER, PASSWORD)
    mariadb.query("CREATE DATABASE IF NOT EXISTS drain")
    with draining(mariadb) as proxy:
        busy = connect(proxy)
        run(busy, "BEGIN")
        command = [built("app/tidblink"), "drain", "--wait", "--config", proxy.dir / "tidblink.conf"]
        result = subprocess.run([*command, "--max", "500ms"], env=proxy.env, capture_output=True,
                                text=True, check=False)
        assert result.returncode == 3 and "still draining" in result.stderr
        waits = subprocess.Popen(command, env=proxy.env)
        stays(busy)
        assert waits.poll() is None and proxy.process.poll() is None
        run(busy, "COMMIT")
        assert waits.wait(WAIT_SECONDS) == 0
        assert proxy.wait() == 0
