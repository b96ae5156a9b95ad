# SPDX-License-Identifier: Apache-2.0
"""The log as an operator and his programs see it: bursts are bounded and lose nothing, both formats
say the same, the journal gets priorities, every line about a connection has its id."""
import json
import os
import re
import shutil
import signal
import subprocess
import threading

import pytest

import client
from built import built
from emulator import ENDPOINT
from proxy import WAIT_SECONDS, Proxy
from scenes import ready, running, served
from servers import Server

BURST = 3
INTERVAL_SECONDS = 10
CLOSED = 'tidblink_closed_total{reason="refused"}'
REFUSED = 'tidblink_refused_total{reason="state"}'
DROPPED = "tidblink_connections_dropped_total"


def refuse_many(port, count, threads=8):
    """So many clients, each of which reads to the end."""
    left = iter(range(count))
    lock = threading.Lock()

    def run():
        while True:
            with lock:
                if next(left, None) is None:
                    return
            with client.connect(port) as sock:
                client.read_to_the_end(sock)

    running_threads = [threading.Thread(target=run) for _ in range(threads)]
    for thread in running_threads:
        thread.start()
    for thread in running_threads:
        thread.join()


def events_of(lines, message, format_):
    """(lines, events that they stand for) of a message."""
    found = []
    for line in lines:
        if format_ == "json" and line.startswith("{"):
            facts = json.loads(line)
            if facts["message"] == message:
                found.append(1 + facts.get("repeated", 0))
        elif format_ == "text" and f" {message} " in line:
            repeated = re.search(r" repeated=(\d+)$", line)
            found.append(1 + int(repeated[1]) if repeated else 1)
    return len(found), sum(found)


@pytest.mark.parametrize("format_", ["text", "json"])
def test_thousands_of_refusals_are_few_lines_and_none_is_lost(cloud, format_):
    """By events: however long it takes, there are the first lines and one for each interval."""
    count = 3000
    cloud.patch(f"endpoints/{ENDPOINT}", state="FAILED")
    with Proxy(cloud, options={"log-burst": BURST, "log-format": format_,
                               "max-connections": 20}) as proxy:
        proxy.wait_verdict("refuse", "FAILED")
        refuse_many(proxy.port(), count)
        proxy.wait_metric("tidblink_connections_opened_total", count)
        proxy.wait_open(0)
        metrics = proxy.metrics()
        proxy.stop_program()
        lines, events = events_of(proxy.lines, "connection closed", format_)
        _, dropped = events_of(
            proxy.lines,
            "too many refused clients at once: closed without a word; raise max-connections",
            format_)
        times = [line for line in proxy.lines if "connection closed" in line]
    print(f"{count} clients, {lines} lines: {times[-1]}")
    assert metrics[CLOSED] == metrics[REFUSED] == events
    assert metrics[DROPPED] == dropped
    assert events + dropped == count
    # The first ones, one per interval, and the rest at the end.
    seconds = seconds_of(times[-1]) - seconds_of(times[0])
    assert lines <= BURST + seconds // INTERVAL_SECONDS + 2, lines


def seconds_of(line):
    hours, minutes, seconds = re.search(r"T(\d\d):(\d\d):(\d\d\.\d{3})Z", line).groups()
    return int(hours) * 3600 + int(minutes) * 60 + float(seconds)


def test_a_sum_is_written_while_the_burst_goes_on(cloud):
    """Not only at the end: the timer of the main loop writes it."""
    cloud.patch(f"endpoints/{ENDPOINT}", state="FAILED")
    with Proxy(cloud, options={"log-burst": 1}) as proxy:
        proxy.wait_verdict("refuse", "FAILED")
        for _ in range(5):
            client.refusal(proxy.port())
        proxy.wait_log(r"connection closed .*close=refused .* repeated=3$",
                       seconds=WAIT_SECONDS + INTERVAL_SECONDS)


def test_served_connections_keep_their_lines(cloud):
    with Server() as server:
        ready(cloud, server.port)
        with running(cloud, **{"log-burst": 1}) as proxy:
            for _ in range(10):
                near, far = served(proxy, server)
                near.sendall(b"\x01\x00\x00\x00\x01")
                near.close()
                client.read_all(far)
                far.close()
            proxy.wait_log("connection closed .*close=client-quit", 10)


def test_burst_is_reloaded(cloud):
    cloud.patch(f"endpoints/{ENDPOINT}", state="FAILED")
    with Proxy(cloud, options={"log-burst": 1}) as proxy:
        proxy.wait_verdict("refuse", "FAILED")
        proxy.options["log-burst"] = 0
        proxy.write_config()
        proxy.signal(1)
        proxy.wait_log("configuration reloaded changed=.*log-burst")
        for count in range(1, 6):
            client.refusal(proxy.port())
            proxy.wait_log("connection closed .*close=refused", count)


def words(line):
    """{key: text} of a text line, without time, level and message."""
    found = {}
    for key, quoted, plain in re.findall(r' ([a-z_-]+)=(?:"((?:[^"\\]|\\.)*)"|(\S+))', line):
        found[key] = quoted or plain
    return found


def test_both_formats_have_the_same_keys(cloud):
    """Of the same events."""
    seen = {}
    for format_ in ("text", "json"):
        with Server() as server:
            ready(cloud, server.port)
            with running(cloud, **{"log-format": format_, "spares": 0}) as proxy:
                near, far = served(proxy, server)
                near.close()
                client.read_all(far)
                far.close()
                proxy.wait_log(r"connection closed\b")
                proxy.stop_program()
                lines = [line for line in proxy.lines if line != "(end of log)"]
        for message in ("starting", "listening", "verdict", "connection closed", "draining"):
            line = next(line for line in lines if re.search(rf'[ "]{message}[" ]', line))
            if format_ == "json":
                facts = json.loads(line)
                assert list(facts)[:3] == ["time", "level", "message"]
                keys = set(facts) - {"time", "level", "message"}
            else:
                keys = set(words(line))
            seen.setdefault(message, []).append(keys)
        if format_ == "json":
            for line in lines:
                assert isinstance(json.loads(line), dict)
    for message, (text_keys, json_keys) in seen.items():
        assert text_keys == json_keys, message


def test_trace_lines_have_the_connection_in_its_key(cloud):
    with Server() as server:
        ready(cloud, server.port)
        with running(cloud, **{"log-level": "trace", "spares": 0}) as proxy:
            near, far = served(proxy, server)
            near.close()
            far.close()
            line = proxy.wait_log("connection closed .*").string
            number = re.search(r" conn=(\d+) ", line)[1]
            for step in ("hold", "resolve", "dial", "handshake", "relay"):
                proxy.wait_log(rf" trace step conn={number} from=\w+ to={step}$")


def journal_of(arguments, folder, stream=None):
    """What a program writes to standard error, which is its journal."""
    path = folder / "journal"
    with open(path, "wb") as file:
        status = os.fstat(file.fileno())
        env = {**os.environ, "JOURNAL_STREAM": stream or f"{status.st_dev}:{status.st_ino}"}
        subprocess.run([built("app/tidblink"), "proxy", *map(str, arguments)], stderr=file,
                       stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, env=env,
                       timeout=WAIT_SECONDS, check=False)
    return path.read_text().splitlines()


def test_the_journal_gets_priorities_and_no_times(tmp_path):
    """A start that fails because its address is taken; standard error is a file here, and for the
    program that is what $JOURNAL_STREAM says."""
    with Server() as taken:
        arguments = ["--state-source", "none", "--state-dir", "off", "--admin-listen", "off", "orders",
                     "--host", "orders.example.com", "--port", "4000",
                     "--listen", f"127.0.0.1:{taken.port}"]
        lines = journal_of(arguments, tmp_path)
        assert re.match(r"<6>info starting version=", lines[0]), lines
        assert re.match(r"<4>warn state-source is none", lines[1]), lines
        assert re.match(r"<3>error cannot start error=listen", lines[2]), lines
        others = journal_of(arguments, tmp_path, "1:1")  # the variable is of somebody else's stream
        assert all(re.match(r"20\d\d-\d\d-\d\dT[\d:.]+Z (info|warn|error) ", line)
                   for line in others), others
        in_json = journal_of(["--log-format", "json", *arguments], tmp_path)
        assert [json.loads(line)["level"] for line in in_json] == ["info", "warn", "error"]


# ---- closed streams ------------------------------------------------------------------------------

@pytest.mark.parametrize("closed", ["<&- >&- 2>&-", "<&- 2>&-", "2>&-"])
def test_a_proxy_that_is_started_with_closed_streams(cloud, closed):
    """The log has no place, and must not get into what takes that number: bytes of it were signals."""
    proxy = Proxy(cloud, wrapper=["sh", "-c", f'exec "$@" {closed}', "sh"])
    try:
        proxy.launch()
        subprocess.run([built("app/tidblink"), "wait", "--for", "live", "--max", "30s", "--config",
                        proxy.dir / "tidblink.conf"], check=True, timeout=WAIT_SECONDS + 10)
        proxy.signal(signal.SIGUSR1)
        assert proxy.admin("/liveness")[0] == 200
        if os.geteuid() == 0:
            streams = [os.readlink(f"/proc/{proxy.process.pid}/fd/{fd}") for fd in range(3)]
            assert streams[2] == "/dev/null" and not any(":" in name for name in streams), streams
        proxy.signal(signal.SIGTERM)
        assert proxy.process.wait(WAIT_SECONDS) == 0
    finally:
        proxy.kill()
        shutil.rmtree(proxy.dir, ignore_errors=True)
