# SPDX-License-Identifier: Apache-2.0
"""What is measured: one Test per table, in groups. A test's function returns the figures of one
peer in one round; `columns` say what is shown of them and against whom."""
import contextlib

import deadname
import loads
import machine
import peers


class Column:
    """`ratio`: whether ratios to the references are shown too; `spread`: the smallest and the
    largest besides the median."""

    def __init__(self, key, title, form="{:.1f}", ratio=False, spread=False):
        self.key, self.title, self.form = key, title, form
        self.ratio, self.spread = ratio, spread


class Test:
    def __init__(self, name, group, title, function, keys, columns, refs=("haproxy-1",),
                 needs=("echo",), seconds=2.0, rounds=None, fresh=False, clear=False, derive=None):
        """`rounds`: at most so many; `fresh`: a new process each time; `clear`: TIME_WAIT first;
        `derive`: completes {peer: figures} of one round."""
        self.name, self.group, self.title, self.function = name, group, title, function
        self.keys, self.columns, self.refs, self.needs = keys, columns, refs, needs
        self.seconds, self.rounds, self.fresh, self.clear = seconds, rounds, fresh, clear
        self.derive = derive

    def estimate(self):
        """Seconds of one round, roughly."""
        return len(self.keys) * (self.seconds + (3 if self.fresh else 0.6))


def added(results):
    """The p50 that the peer adds to direct, of the same round."""
    base = results.get("direct", {}).get("p50_us")
    for key, found in results.items():
        if base and key != "direct" and "p50_us" in found:
            found["added_us"] = found["p50_us"] - base


RATE = Column("rate", "per s", "{:.0f}", True)
CPU = Column("cpu_us", "CPU µs each", "{:.2f}", True)
P50 = Column("p50_us", "p50 µs", "{:.2f}")
P99 = Column("p99_us", "p99 µs", "{:.0f}", True)
ADDED = Column("added_us", "added p50 µs", "{:.2f}", True)
LATENCY = [ADDED, P50, P99, CPU]
THROUGHPUT = [RATE, P99, CPU]
BULK = [Column("mb_s", "MB/s", "{:.0f}", True), Column("cpu_ms_gb", "CPU ms/GB", "{:.1f}", True)]
GREETED = [Column("p50_us", "greeting p50 µs", "{:.0f}", True),
           Column("p99_us", "greeting p99 µs", "{:.0f}"),
           Column("whole_p50_us", "first reply p50 µs", "{:.0f}", True),
           Column("samples", "samples", "{:.0f}")]
IDLE = [Column("pss_each", "PSS B each", "{:.0f}", True), Column("rss_mb", "RSS MB", "{:.1f}"),
        Column("idle_us_s", "idle CPU µs/s", "{:.0f}"),
        Column("kept", "16 busy: with ÷ without", "{:.3f}", spread=True),
        Column("with_idle", "with, per s", "{:.0f}"), Column("ready", "connections", "{:.0f}")]
CHURN = [Column("first_mb", "RSS MB after the first", "{:.2f}"),
         Column("last_mb", "after the last", "{:.2f}"),
         Column("grown", "last ÷ first", "{:.3f}", spread=True)]
DEAD = [Column("p50_us", "p50 µs", "{:.0f}"), Column("p90_us", "p90 µs", "{:.0f}"),
        Column("p99_us", "p99 µs", "{:.0f}", spread=True),
        Column("max_us", "max µs", "{:.0f}", spread=True), Column("samples", "samples", "{:.0f}")]


# ---- the functions: (run, peer, seconds) -> figures -------------------------------------------


def ping(connections, *more):
    return lambda run, peer, seconds: loads.load(
        run, peer, "echo", "ping", seconds, "--connections", connections, *more)


def ping_pinned(run, peer, seconds):
    with loads.pinned(run, peer, "echo"):
        return loads.load(run, peer, "echo", "ping", seconds, "--cpu", 0)


def mysql_ping_pinned(run, peer, seconds):
    with loads.pinned(run, peer, "mariadb"):
        return loads.mysql_load(run, peer, "mariadb", "ping", seconds, "--cpu", 0)


def stream(connections, *more):
    def function(run, peer, seconds):
        return loads.load(run, peer, "echo", "stream", seconds, "--connections", connections,
                          "--size", run.stream_bytes, *more)
    return function


def mysql(mode, *more):
    return lambda run, peer, seconds: loads.mysql_load(
        run, peer, "mariadb", mode, seconds, *more)


def sysbench(script, threads):
    return lambda run, peer, seconds: loads.sysbench(
        run, peer, "mariadb", script, threads, seconds)


def connect(run, peer, seconds):
    return loads.load(run, peer, "echo", "connect", seconds, "--connections", 16,
                      "--sources", 200)


def far(target, interval_ms, burst):
    def function(run, peer, seconds):
        return loads.load(run, peer, target, "connect", seconds, "--connections", 200,
                          "--interval-us", interval_ms * 1000, "--burst", burst)
    return function


def idle(run, peer, seconds):
    return loads.idle(run, peer, "echo", run.idle_connections, seconds, run.settle)


def churn(run, peer, seconds):
    return loads.churn(run, peer, run.idle_connections, run.churn_rounds, run.settle / 5)


class Three:
    """A cluster with three addresses, one of them dead or all alive, and a tidblink for it."""

    def __init__(self, run, dead):
        self.run, self.dead = run, dead
        self.stack = contextlib.ExitStack()

    def __enter__(self):
        with contextlib.ExitStack() as stack:
            port = machine.free_port()
            hosts = [f"127.3.0.{i}" for i in (1, 2, 3)]
            alive = hosts[1:] if self.dead else hosts
            listen = [word for host in alive for word in ("--listen", host)]
            server = machine.Process([self.run.tool("backend"), "--port", port, *listen],
                                     self.run.dir / "three.log", json_line=True)
            stack.callback(server.stop)
            if self.dead:
                hole = deadname.BlackHole(hosts[0], port)
                stack.callback(hole.stop)
            dns = deadname.Dns({"three.bench.internal": hosts})
            stack.callback(dns.stop)
            view = _View(self.run, {"three": port})
            peer = peers.Tidblink(view, "tidblink-three", "", {"three": "three.bench.internal"},
                                  dns_servers=f"127.0.0.1:{dns.port}").start()
            stack.callback(peer.stop)
            self.stack = stack.pop_all()
            return peer

    def __exit__(self, kind, value, trace):
        self.stack.close()


class _View:
    """The run, with other servers."""

    def __init__(self, run, targets):
        self.dir, self.tidblink, self.time_wait = run.dir, run.tidblink, run.time_wait
        self.targets = targets


def three(dead):
    def function(run, peer, seconds):
        with Three(run, dead) as proxy:
            # From the first connection on: nothing is known about the dead address yet.
            return loads.load(run, proxy, "three", "connect", seconds, "--connections", 500,
                              "--interval-us", 10000, "--warmup-ms", 0)
    return function


# ---- the table of tests -----------------------------------------------------------------------


def _latency():
    yield Test("p1", "p1", "1 connection, client, proxy and server on CPU 0: added p50",
               ping_pinned, ["direct", "nft", "haproxy-1", "haproxy-splice", "nginx", "socat",
                             "tidblink-1", "tidblink-batch", "tidblink-copy"], LATENCY,
               derive=added)
    yield Test("p1-unpinned", "p1", "1 connection, not pinned (busy polling)", ping(1),
               ["direct", "haproxy-1", "nginx", "tidblink-1", "tidblink-busy"],
               [Column("p50_us", "p50 µs", "{:.2f}", True), P99, CPU],
               refs=("haproxy-1", "direct"))
    yield Test("p1-mariadb", "p1", "MariaDB COM_PING, 1 connection, all on CPU 0: added p50",
               mysql_ping_pinned, ["direct", "nft", "haproxy-1", "nginx", "router", "tidblink-1",
                                   "tidblink-batch"], LATENCY, needs=("mariadb",), derive=added)


def _throughput():
    for count in (16, 128):
        yield Test(f"thr{count}", "throughput", f"{count} connections, 1 thread", ping(count),
                   ["direct", "nft", "haproxy-1", "nginx", "socat", "tidblink-1",
                    "tidblink-batch"], THROUGHPUT)
        yield Test(f"thr{count}-2t", "throughput", f"{count} connections, 2 threads", ping(count),
                   ["haproxy-2", "tidblink-2"], THROUGHPUT, refs=("haproxy-2",))
    for script in ("oltp_point_select", "oltp_read_write"):
        for count in (16, 128):
            name = f"{script.replace('oltp_', 'sb-').replace('_', '-')}-{count}"
            yield Test(name, "sysbench", f"sysbench {script}, {count} threads, MariaDB",
                       sysbench(script, count),
                       ["direct", "haproxy-1", "haproxy-2", "nginx", "router", "tidblink-1",
                        "tidblink-2", "tidblink-batch"], THROUGHPUT, needs=("mariadb",),
                       seconds=3.0)


def _bulk():
    keys = ["direct", "nft", "haproxy-1", "haproxy-splice", "haproxy-64k", "nginx", "socat",
            "tidblink-1", "tidblink-copy"]
    refs = ("haproxy-1", "haproxy-splice", "direct")
    for way, more in (("down", ()), ("up", ("--upload",))):
        for count in (1, 4):
            yield Test(f"bulk-{way}-{count}", "bulk", f"64 MiB pieces {way}, {count} stream(s)",
                       stream(count, *more), keys, BULK, refs=refs)
    yield Test("mariadb-bulk", "mariadb-bulk", "MariaDB, 16 MiB results, 1 connection",
               mysql("result"), ["direct", "haproxy-1", "haproxy-splice", "nginx", "router",
                                 "tidblink-1", "tidblink-copy"], BULK,
               refs=("haproxy-1", "direct"), needs=("mariadb",))


def _sandbox():
    """What system calls cost when a filter looks at them."""
    keys, refs = ["tidblink-1", "tidblink-open"], ("tidblink-open",)
    yield Test("sandbox-p1", "sandbox", "1 connection, all on CPU 0", ping_pinned, keys,
               [Column("p50_us", "p50 µs", "{:.2f}", True), P99, CPU], refs=refs)
    for count in (16, 128):
        yield Test(f"sandbox-thr{count}", "sandbox", f"{count} connections", ping(count), keys,
                   THROUGHPUT, refs=refs)
    yield Test("sandbox-bulk", "sandbox", "64 MiB pieces down, 1 stream", stream(1), keys, BULK,
               refs=refs)
    yield Test("sandbox-connect", "sandbox", "connect, greeting, 1 request, close; 16 at a time",
               connect, keys, THROUGHPUT, refs=refs, clear=True)


def _connects():
    yield Test("connect", "connect", "connect, greeting, 1 request, close; 16 at a time", connect,
               ["direct", "nft", "haproxy-1", "haproxy-2", "nginx", "socat", "tidblink-1",
                "tidblink-2", "tidblink-batch", "tidblink-source"], THROUGHPUT,
               refs=("haproxy-1", "direct"), seconds=3.0, clear=True)
    yield Test("connect-mariadb", "connect",
               "MariaDB: connect, log in, SELECT 1, close; 16 threads",
               mysql("connect", "--connections", 16),
               ["direct", "haproxy-1", "nginx", "router", "tidblink-1", "tidblink-batch",
                "tidblink-source"], THROUGHPUT, refs=("haproxy-1", "direct"), needs=("mariadb",),
               seconds=3.0, clear=True)
    for ms in (1, 2, 5):
        for burst, interval in ((1, 20), (4, 80)):
            yield Test(f"spares-{ms}ms-x{burst}", "spares",
                       f"TiDB {ms} ms away (one way): {burst} connect(s) every {interval} ms",
                       far(f"far-{ms}ms", interval, burst),
                       ["direct", "haproxy-1", "tidblink-1", "tidblink-spares"], GREETED,
                       refs=("direct",), needs=(f"far-{ms}ms",), seconds=3.0, rounds=5)


def _connections():
    yield Test("idle", "idle", "idle connections", idle,
               ["direct", "haproxy-1", "nginx", "tidblink-1"], IDLE, seconds=14.0,
               fresh=True, clear=True)
    yield Test("churn", "churn", "all connections come and go", churn,
               ["haproxy-1", "nginx", "tidblink-1"], CHURN, seconds=25.0, rounds=3, fresh=True,
               clear=True)
    yield Test("dead-none", "dead", "three addresses, all alive: a connect every 10 ms",
               three(False), ["tidblink-1"], DEAD, refs=(), seconds=3.0)
    yield Test("dead-one", "dead", "three addresses, the first dead: a connect every 10 ms",
               three(True), ["tidblink-1"], DEAD, refs=(), seconds=3.0)


def all_tests():
    import suite_tls  # which knows this one
    return [*_latency(), *_throughput(), *_bulk(), *_sandbox(), *_connects(), *_connections(),
            *suite_tls.tests()]
