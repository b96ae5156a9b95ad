# SPDX-License-Identifier: Apache-2.0
"""What TLS to the cluster costs: plain clients, TLS behind the proxy. The tiny server shows the
proxies' own cost, MySQL what is left of it with a database."""
import loads
import suite
from suite import BULK, GREETED, IDLE, LATENCY, THROUGHPUT, Test

STREAM_BYTES = 16 << 20  # the most that one query may have
IDLE_CONNECTIONS = 3000  # each costs the server and Router tens of kilobytes
SETTLE = 2.5  # also in a quick run: what idles is given back after a second or two
PROXIES = ["router-tls", "tidblink-pass", "tidblink-pass-tls", "tidblink-full"]
ONE = ["direct", "direct-tls", *PROXIES]
TWO = ["router-tls-2", "tidblink-full-2"]
REFS = ("router-tls", "direct-tls")


def ping(target, connections):
    return lambda run, peer, seconds: loads.load(
        run, peer, target, "ping", seconds, "--connections", connections)


def ping_pinned(run, peer, seconds):
    with loads.pinned(run, peer, "tls"):
        return loads.load(run, peer, "tls", "ping", seconds, "--cpu", 0)


def stream(target, connections, *more):
    return lambda run, peer, seconds: loads.load(
        run, peer, target, "stream", seconds, "--connections", connections, "--size",
        STREAM_BYTES, *more)


def connect(target):
    return lambda run, peer, seconds: loads.load(
        run, peer, target, "connect", seconds, "--connections", 16, "--sources", 200)


def mysql(mode, *more):
    return lambda run, peer, seconds: loads.mysql_load(
        run, peer, "mysql-tls", mode, seconds, *more)


def sysbench(threads):
    return lambda run, peer, seconds: loads.sysbench(
        run, peer, "mysql-tls", "oltp_point_select", threads, seconds)


def idle(run, peer, seconds):
    return loads.idle(run, peer, "tls", min(IDLE_CONNECTIONS, run.idle_connections), seconds,
                      SETTLE)


def _requests():
    yield Test("tls-p1", "tls-latency", "1 connection, client, proxy and server on CPU 0: added "
               "p50", ping_pinned, ONE, LATENCY, refs=REFS, needs=("tls",), derive=suite.added)
    for count in (16, 128):
        yield Test(f"tls-thr{count}", "tls-throughput", f"{count} connections, 1 thread",
                   ping("tls", count), ONE + ["tidblink-full-batch"], THROUGHPUT, refs=REFS,
                   needs=("tls",))
        yield Test(f"tls-thr{count}-2t", "tls-throughput", f"{count} connections, 2 threads",
                   ping("tls", count), TWO, THROUGHPUT, refs=("router-tls-2",), needs=("tls",))
    for count in (1, 16, 128):
        yield Test(f"tls-sb-{count}", "tls-sysbench",
                   f"sysbench oltp_point_select, {count} thread(s), MySQL",
                   sysbench(count), ["direct", "direct-tls", "router-tls", "router-tls-2",
                                     "tidblink-pass", "tidblink-full", "tidblink-full-2"],
                   THROUGHPUT, refs=REFS, needs=("mysql-tls",), seconds=3.0)


def _bulk():
    for way, more in (("down", ()), ("up", ("--upload",))):
        for count in (1, 4):
            yield Test(f"tls-{way}-{count}", "tls-bulk",
                       f"{'results' if way == 'down' else 'queries'} of 16 MiB, {count} stream(s)",
                       stream("tls", count, *more), ONE, BULK, refs=REFS, needs=("tls",))
    yield Test("tls-rows-1", "tls-bulk", "results of 16 MiB in rows of 128 bytes, 1 stream",
               stream("tls-rows", 1), ONE, BULK, refs=REFS, needs=("tls-rows",))
    yield Test("tls-mysql-bulk", "tls-bulk", "MySQL, results of 16 MiB, 1 connection",
               mysql("result"), ["direct", "router-tls", "tidblink-pass", "tidblink-full"], BULK,
               refs=("router-tls", "direct"), needs=("mysql-tls",))


def _connects():
    for name, target, title in (("-resumed", "tls", "sessions are resumed"),
                                ("-full", "tls-none", "the server gives no tickets")):
        yield Test(f"tls-connect{name}", "tls-connect",
                   f"connect, log in, 1 query, COM_QUIT; 16 at a time; {title}", connect(target),
                   ["direct", "direct-tls"] + ["direct-resume"] * (target == "tls") + PROXIES + TWO,
                   THROUGHPUT, refs=("router-tls",), needs=(target,), seconds=3.0, clear=True)
    yield Test("tls-mysql-connect", "tls-connect",
               "MySQL: connect, log in, SELECT 1, close; 16 threads",
               mysql("connect", "--connections", 16),
               ["direct", "direct-tls", "router-tls", "router-tls-2", "tidblink-pass",
                "tidblink-full", "tidblink-full-2"], THROUGHPUT, refs=("router-tls",),
               needs=("mysql-tls",), seconds=3.0, clear=True)
    for ms in (1, 2, 5):
        yield Test(f"tls-spares-{ms}ms", "tls-spares",
                   f"TiDB with TLS, {ms} ms away (one way): a connect every 40 ms",
                   suite.far(f"far-tls-{ms}ms", 40, 1),
                   ["direct", "direct-tls", "direct-resume", "router-tls", "tidblink-full",
                    "tidblink-full-spares"], GREETED, refs=("direct-tls",),
                   needs=(f"far-tls-{ms}ms",), seconds=3.0, rounds=5)


def _idle():
    yield Test("tls-idle", "tls-idle", "idle connections", idle,
               ["router-tls", "tidblink-pass", "tidblink-pass-tls", "tidblink-full"], IDLE,
               refs=("router-tls",), needs=("tls",), seconds=14.0, fresh=True, clear=True)


def tests():
    return [*_requests(), *_bulk(), *_connects(), *_idle()]
