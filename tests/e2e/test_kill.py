# SPDX-License-Identifier: Apache-2.0
"""kill -9 at random moments: the last known state on disk is whole whatever was going on."""
import json
import random
import subprocess
import threading
import time

import pytest

from built import built
from emulator import CLUSTER, ENDPOINT
from proxy import Proxy

KILLS = 100
STATES = ("PENDING", "ACTIVE", "FAILED")


@pytest.fixture
def documents(cloud, tmp_path):
    """Two state documents of different length, written by a real proxy."""
    found = []
    for state, message in ("PENDING", ""), ("FAILED", "why " * 500):
        cloud.patch(f"endpoints/{ENDPOINT}", state=state, message=message)
        with Proxy(cloud) as proxy:
            proxy.wait_log(f"verdict .*state={state}")
            path = tmp_path / f"{state}.json"
            source = proxy.options["state-dir"] / "state.json"
            wait_for(lambda: source.exists() and state in source.read_text())
            path.write_bytes(source.read_bytes())
            found.append(path)
    return found


def wait_for(condition, seconds=30):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def check(path):
    """Whole and meaningful; which state it tells."""
    document = json.loads(path.read_text())
    cluster, = document["clusters"]
    assert cluster["id"] == CLUSTER
    return cluster["groups"][0]["endpoints"][0]["state"]["text"]


def test_killed_while_writing(documents, tmp_path):
    """A program that does nothing but write: most kills land inside a write."""
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    moments = random.Random(seed)
    directory = tmp_path / "state"
    directory.mkdir()
    seen, leftovers = set(), 0
    for _ in range(KILLS):
        writer = subprocess.Popen(
            [built("tests/loop/write_state"), directory, *documents], stdout=subprocess.PIPE)
        try:
            assert writer.stdout.readline() == b"writing\n"
            wait_for((directory / "state.json").exists)
            time.sleep(moments.uniform(0, 0.02))  # the random moment
        finally:
            writer.kill()
            writer.wait()
            writer.stdout.close()
        seen.add(check(directory / "state.json"))
        leftovers = len(list(directory.glob("*.new")))
    print(f"{leftovers} files of unfinished writes were left")
    assert seen == {"PENDING", "FAILED"}


def test_the_proxy_killed_while_states_change(cloud):
    """The whole program, restarted on what the last one left; the cloud never rests."""
    cloud.settings(requestsPerMinute=1000000)
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    moments = random.Random(seed)
    stop = threading.Event()

    def flap():
        number = 0
        while not stop.wait(0.01):
            number += 1
            cloud.patch(f"endpoints/{ENDPOINT}", state=STATES[number % len(STATES)])

    flapping = threading.Thread(target=flap)
    flapping.start()
    proxy = Proxy(cloud, options={"poll-interval-changing": "100ms"})
    document = proxy.options["state-dir"] / "state.json"
    try:
        for number in range(KILLS):
            mark = proxy.mark()
            proxy.launch()
            proxy.wait_log(" listening ", after=mark)
            if number == 0:
                wait_for(document.exists)
            time.sleep(moments.uniform(0, 0.2))  # the random moment
            proxy.kill()
            proxy.wait_log(r"^\(end of log\)$", after=mark)
            assert check(document) in STATES
        assert "broken" not in proxy.log_text()
        assert "cannot read" not in proxy.log_text()
    finally:
        stop.set()
        flapping.join()
        proxy.stop()
