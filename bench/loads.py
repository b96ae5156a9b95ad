# SPDX-License-Identifier: Apache-2.0
"""Runs the load generators against one peer and returns what was measured as a flat dict. Every
dict has "errors" and "first_error"."""
import contextlib
import json
import re
import subprocess
import time

import machine

GB = 1e9


class Failed(Exception):
    """The load itself did not run: that is a bug or a timeout, not a figure."""


def run_json(run, program, *arguments, seconds):
    command = [run.tool(program), *map(str, arguments)]
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=seconds + 60, check=False)
    except subprocess.TimeoutExpired as error:
        raise Failed(f"{program} did not end: {' '.join(map(str, command))}") from error
    try:
        return json.loads(done.stdout.strip().splitlines()[-1])
    except (IndexError, ValueError) as error:
        raise Failed(f"{program} ended with {done.returncode}: {done.stderr.strip()}") from error


class Cpu:
    """CPU time of a peer while something runs."""

    def __init__(self, peer):
        self.peer = peer
        self.before = peer.cpu_ns() if peer.processes else None

    def us(self):
        return None if self.before is None else (self.peer.cpu_ns() - self.before) / 1e3


def with_rates(found, cpu_us):
    """Adds per-second and per-request figures to what a load printed."""
    found["rate"] = found["requests"] / found["seconds"]
    found["mb_s"] = found["bytes"] / found["seconds"] / 1e6
    if cpu_us is not None and found["total_requests"]:
        found["cpu_us"] = cpu_us / found["total_requests"]
    if cpu_us is not None and found["total_bytes"]:
        found["cpu_ms_gb"] = cpu_us / 1e3 / (found["total_bytes"] / GB)
    return found


def load(run, peer, target, mode, seconds, *more):
    cpu = Cpu(peer)
    found = run_json(run, "load", mode, "--port", peer.port(target), "--ms", int(seconds * 1000),
                     *peer.load_options(target), *more, seconds=seconds)
    return with_rates(found, cpu.us())


def mysql_load(run, peer, target, mode, seconds, *more):
    cpu = Cpu(peer)
    tls = ["--tls-ca", run.certs.ca] if peer.client_tls else []
    found = run_json(run, "mysql_load", mode, "--port", peer.port(target), "--ms",
                     int(seconds * 1000), *tls, *more, seconds=seconds)
    return with_rates(found, cpu.us())


def pinned(run, peer, target):
    """The peer and the server, every thread of them, on CPU 0."""
    server = run.servers[target]

    def tasks():
        own = server.tasks() if hasattr(server, "tasks") else machine.tasks_of(server.process.pid)
        return own + peer.tasks()
    return machine.pinned(tasks)


SYSBENCH = ["--db-driver=mysql", "--mysql-host=127.0.0.1", "--mysql-user=bench",
            "--mysql-password=bench", "--mysql-db=sbtest", "--tables=4", "--db-ps-mode=disable"]


def sysbench_prepare(run, target, rows):
    run.servers[target].query("CREATE DATABASE IF NOT EXISTS sbtest")
    subprocess.run(["sysbench", "oltp_read_write", *SYSBENCH, f"--table-size={rows}",
                    "--mysql-ssl=off", f"--mysql-port={run.targets[target]}", "prepare"],
                   stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=True, timeout=300)
    run.sysbench_rows[target] = rows


def sysbench(run, peer, target, script, threads, seconds):
    cpu = Cpu(peer)
    try:
        done = subprocess.run(
            ["sysbench", script, *SYSBENCH, f"--table-size={run.sysbench_rows[target]}",
             f"--mysql-port={peer.port(target)}", f"--threads={threads}",
             f"--mysql-ssl={'on' if peer.client_tls else 'off'}",
             f"--time={max(1, round(seconds))}", "--percentile=99", "run"],
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=seconds + 60,
            check=False, cwd=run.certs.sysbench)
    except subprocess.TimeoutExpired as error:
        raise Failed(f"sysbench did not end within {seconds + 60} s") from error
    text = done.stdout
    number = {name: re.search(pattern, text) for name, pattern in {
        "rate": r"queries:\s+\d+\s+\(([\d.]+) per sec", "p99": r"99th percentile:\s+([\d.]+)",
        "queries": r"queries:\s+(\d+)", "again": r"reconnects:\s+(\d+)"}.items()}
    fatal = [line for line in (text + done.stderr).splitlines() if "FATAL" in line]
    if done.returncode != 0 or not all(number.values()):
        return {"errors": max(1, len(fatal)),
                "first_error": fatal[0] if fatal else f"sysbench ended with {done.returncode}"}
    found = {name: float(match[1]) for name, match in number.items()}
    result = {"rate": found["rate"], "p99_us": found["p99"] * 1000, "errors": int(found["again"]),
              "first_error": "sysbench lost connections" if found["again"] else ""}
    cpu_us = cpu.us()
    if cpu_us is not None and found["queries"]:
        result["cpu_us"] = cpu_us / found["queries"]
    return result


class Idle:
    """`load idle` under way: connections that are open and held, or come and go in rounds."""

    def __init__(self, run, peer, target, connections, rounds=1):
        self.process = subprocess.Popen(
            [run.tool("load"), "idle", "--port", str(peer.port(target)),
             *map(str, peer.load_options(target)), "--connections", str(connections),
             "--rounds", str(rounds), "--sources", "200"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        # A load that does not answer must not hold up the bench.
        self.timer = machine.after(600, self.process.kill)

    def read(self):
        line = self.process.stdout.readline()
        if not line:
            raise Failed("load idle ended early")
        return json.loads(line)

    def go_on(self):
        self.process.stdin.write("\n")
        self.process.stdin.flush()

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        self.timer.cancel()
        with contextlib.suppress(OSError):
            self.process.stdin.close()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()


def add_errors(into, found):
    into["errors"] = into.get("errors", 0) + found.get("errors", 0)
    into["first_error"] = into.get("first_error") or found.get("first_error", "")


def idle(run, peer, target, connections, seconds, settle):
    """Memory and CPU of idle connections, and what they cost sixteen busy ones."""
    result = {}
    ping = ("--connections", 16)
    pss, rss = peer.memory("Pss"), peer.memory("Rss")
    with Idle(run, peer, target, connections) as held:
        ready = held.read()
        result["ready"] = ready["ready"]
        time.sleep(settle)
        if peer.processes:
            count = max(1, ready["ready"])
            result["pss_each"] = (peer.memory("Pss") - pss) / count
            result["rss_each"] = (peer.memory("Rss") - rss) / count
            result["rss_mb"] = peer.memory("Rss") / 1e6
            cpu, since = Cpu(peer), time.monotonic()
            time.sleep(settle * 2)
            result["idle_us_s"] = cpu.us() / (time.monotonic() - since)
        busy = load(run, peer, target, "ping", seconds, *ping)
        add_errors(result, busy)
        held.go_on()
        add_errors(result, held.read())  # has what happened while they were held
    alone = load(run, peer, target, "ping", seconds, *ping)
    add_errors(result, alone)
    result.update(with_idle=busy["rate"], without=alone["rate"])
    if alone["rate"]:
        result["kept"] = busy["rate"] / alone["rate"]
    return result


def churn(run, peer, connections, rounds, settle):
    """All connections come and go; the memory afterwards must not grow."""
    result = {"rss_list": []}
    with Idle(run, peer, "echo", connections, rounds) as held:
        for _ in range(rounds):
            held.read()
            held.go_on()
            closed = held.read()
            time.sleep(settle)
            run.time_wait.clear()
            result["rss_list"].append(round(peer.memory("Rss") / 1e6, 2))
            held.go_on()
    add_errors(result, closed)
    first, last = result["rss_list"][0], result["rss_list"][-1]
    result.update(first_mb=first, last_mb=last, grown=last / first if first else 0.0)
    return result
