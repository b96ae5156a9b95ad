# SPDX-License-Identifier: Apache-2.0
"""A crowd comes and goes ten times: descriptors and memory stay flat. Under the address sanitizer
memory says nothing, so the long form builds a release program of its own, or takes the one in the
build directory that TIDBLINK_RELEASE_BUILD names, and measures that."""
import os
import re
import resource
import subprocess
import sys
from pathlib import Path

import pytest

import client
from built import ROOT
from scenes import LONG, RELAYED, ready, running, wait_descriptors_at_most

CROWD = 9800 if LONG else 1000
TURNS = 10 if LONG else 5
GROWTH_KIB = 512            # what the last eight crowds may leave behind, all together
PER_CONNECTION_BYTES = 800  # the goal of issue 3
SECONDS = 120


@pytest.fixture
def server_port():
    program = Path(__file__).with_name("crowd_server.py")
    with subprocess.Popen([sys.executable, program], stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE, text=True) as process:
        yield int(process.stdout.readline())
        process.stdin.close()


@pytest.fixture
def many_descriptors():
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    if before[1] < 2 * CROWD + 200:
        pytest.skip(f"{CROWD} connections need {2 * CROWD + 200} open files, the limit is "
                    f"{before[1]} (ulimit -Hn)")
    resource.setrlimit(resource.RLIMIT_NOFILE, (before[1], before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


def pss_kib(pid):
    text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return int(re.search(r"^Pss: +(\d+) kB", text, re.MULTILINE)[1])


def come(proxy):
    """A crowd that has been greeted."""
    crowd, port = [], proxy.port()  # which is looked up in the log
    for _ in range(CROWD):
        crowd.append(client.connect(port))
        client.read_greeting(crowd[-1])
    proxy.wait_metric(RELAYED, CROWD, SECONDS)
    return crowd


def go(proxy, crowd, descriptors):
    """Half of it with a reset."""
    for number, sock in enumerate(crowd):
        client.reset(sock) if number % 2 else sock.close()
    proxy.wait_metric(RELAYED, 0, SECONDS)
    wait_descriptors_at_most(proxy, descriptors, SECONDS)


def check_counts(proxy):
    """Everybody was served, and ended as they did."""
    metrics = proxy.metrics()
    ends = {name.partition('"')[2].rstrip('"}'): value for name, value in metrics.items()
            if name.startswith("tidblink_closed_total") and value}
    assert metrics["tidblink_connections_opened_total"] == TURNS * CROWD
    assert ends == {"client-quit": TURNS * CROWD / 2, "client-reset": TURNS * CROWD / 2}


def test_a_crowd_comes_and_goes(cloud, server_port, many_descriptors):
    ready(cloud, server_port)
    with running(cloud, threads=2, max_connections=CROWD) as proxy:
        before = proxy.descriptors()
        for _ in range(TURNS):
            go(proxy, come(proxy), before)
        check_counts(proxy)


@pytest.fixture(scope="module")
def release_build(tmp_path_factory):
    directory = os.environ.get("TIDBLINK_RELEASE_BUILD")
    if directory:
        return str(ROOT / directory)
    directory = tmp_path_factory.mktemp("release")
    for command in (["meson", "setup", directory, "--buildtype=release"],
                    ["ninja", "-C", directory, "app/tidblink"]):
        subprocess.run(command, cwd=ROOT, check=True, stdin=subprocess.DEVNULL,
                       stdout=subprocess.DEVNULL, timeout=900)
    return str(directory)


@pytest.mark.skipif(not LONG, reason="TIDBLINK_LONG is not set: memory is measured in a build of "
                                     "its own")
def test_memory_stays_flat(cloud, server_port, many_descriptors, release_build, monkeypatch):
    ready(cloud, server_port)
    monkeypatch.setenv("TIDBLINK_BUILD", release_build)
    with running(cloud, threads=2, max_connections=CROWD) as proxy:
        before = proxy.descriptors()
        empty, full, left = pss_kib(proxy.process.pid), [], []
        for _ in range(TURNS):
            crowd = come(proxy)
            full.append(pss_kib(proxy.process.pid))
            go(proxy, crowd, before)
            left.append(pss_kib(proxy.process.pid))
        check_counts(proxy)
    each = (max(full) - empty) * 1024 / CROWD
    print(f"PSS in KiB: {empty} empty, {full} full, {left} left; {each:.0f} bytes a connection")
    assert max(full[2:]) - full[1] <= GROWTH_KIB and max(left[2:]) - left[1] <= GROWTH_KIB
    assert each <= PER_CONNECTION_BYTES
