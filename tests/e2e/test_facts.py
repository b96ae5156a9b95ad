# SPDX-License-Identifier: Apache-2.0
"""clusters, status, wait and dsn --direct against the emulated cloud: what they show, what their
exit codes say, and what they do when the control API does not help."""
import json
import re
import shutil
import subprocess

import pytest

from built import built
from emulator import CLUSTER, ENDPOINT, HOST
from proxy import Proxy


@pytest.fixture
def config(cloud):
    """A configuration for the emulated cloud; nobody runs a proxy with it."""
    proxy = Proxy(cloud)
    yield proxy.write_config()
    shutil.rmtree(proxy.dir)


def run(config, *arguments):
    return subprocess.run([built("app/tidblink"), arguments[0], "--config", config, *arguments[1:]],
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)


def status(config, *arguments):
    """The exit code and the one cluster of status --json."""
    result = run(config, "status", "--json", *arguments)
    return result.returncode, json.loads(result.stdout)[0]


# ---- clusters ---------------------------------------------------------------------------------

def test_clusters(config):
    result = run(config, "clusters")
    assert (result.returncode, result.stderr) == (0, "")
    lines = result.stdout.splitlines()
    assert lines[0] == "project 1372813089454000000"
    assert lines[2].split() == ["NAME", "ID", "REGION", "STATE", "PORT", "ALIAS"]
    assert lines[3].split() == ["orders", CLUSTER, "aws-us-east-1", "ACTIVE", "4000", "orders"]


def test_clusters_json(config):
    clusters = json.loads(run(config, "clusters", "--json").stdout)["clusters"]
    assert [(c["id"], c["alias"], c["state"]) for c in clusters] == [(CLUSTER, "orders", "ACTIVE")]
    # What the list was not asked for is not said to be nothing.
    assert not {"endpoints", "service"} & set(clusters[0]["groups"][0])


# ---- status -----------------------------------------------------------------------------------

def test_status_shows_both_vocabularies_and_the_next_step(config):
    result = run(config, "status", "orders")
    assert result.returncode == 3
    assert max(map(len, result.stdout.splitlines())) <= 80
    text = re.sub(r"\s+", " ", result.stdout)
    assert "cluster ACTIVE (Available): it is running" in text
    assert "service ACTIVE (Active)" in text
    assert "endpoint PENDING (Pending): TiDB Cloud is accepting it; usually about 5 minutes" in text
    assert "vpce-0a1b2c3d4e5f67890 (endpoint-id)" in text
    assert "connects not yet; clients are held for a moment, then told why (endpoint PENDING)" in text
    assert "next This usually takes about 5 minutes. Wait for it with: tidblink endpoint wait orders" in text
    assert f"address {HOST}:4000" in text


@pytest.mark.parametrize("state, console, code, connections", [
    ("ACTIVE", "Active", 0, "allow"), ("PENDING", "Pending", 3, "hold"),
    ("DELETING", "Deleting", 3, "refuse"), ("FAILED", "Failed", 3, "refuse")])
def test_status_of_each_endpoint_state(cloud, config, state, console, code, connections):
    cloud.patch(f"endpoints/{ENDPOINT}", unchecked=True, state=state)
    returned, shown = status(config)
    endpoint = shown["cluster"]["groups"][0]["endpoints"][0]
    assert (endpoint["state"], endpoint["console"]) == (state, console)
    assert (returned, shown["new_connections"]) == (code, connections)


def test_status_without_an_endpoint(cloud, config):
    cloud.remove(f"endpoints/{ENDPOINT}")
    result = run(config, "status")
    assert result.returncode == 3
    text = re.sub(r"\s+", " ", result.stdout)
    assert "endpoint none (Not Configured): no private endpoint is registered yet" in text
    assert "connects no; clients are told why (endpoint none) next Create it" in text
    assert status(config)[1]["cluster"]["groups"][0]["endpoints"] == []


def test_next_step_needs_no_proxy(cloud, config):
    assert status(config)[1]["next_step"].endswith("tidblink endpoint wait orders")
    cloud.patch(f"clusters/{CLUSTER}", state="RESUMING")
    shown = status(config)[1]
    assert shown["next_step"].endswith("Wait for it with: tidblink status orders --watch")
    assert shown["cluster"]["next_step"] == "Wait for it with: tidblink status orders --watch"


@pytest.mark.parametrize("words", [[], ["--json"]])
def test_watch_ends_when_nobody_reads_any_more(config, words):
    with subprocess.Popen([built("app/tidblink"), "status", "--config", config, "--watch", *words],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as watching:
        assert watching.stdout.readline()
        watching.stdout.close()
        assert watching.wait(30) == 1
        assert "what it prints cannot be written: Broken pipe" in watching.stderr.read()


def test_since_when_is_left_out_when_nobody_has_seen_it(config):
    assert "since" not in status(config)[1]["cluster"]


def test_since_when_comes_from_the_proxy(cloud):
    with Proxy(cloud) as proxy:
        proxy.wait_verdict("hold", "PENDING")
        assert "since" in status(proxy.dir / "tidblink.conf")[1]["cluster"]


def test_status_of_nothing(config):
    result = run(config, "status", "nope")
    assert result.returncode == 2
    assert "no cluster has the ID or display name nope" in result.stderr


# ---- the control API does not help ------------------------------------------------------------

@pytest.mark.parametrize("command", ["status", "clusters"])
@pytest.mark.parametrize("http, code", [(401, 4), (403, 4), (503, 1)])
def test_exit_code_says_who_refused(cloud, config, command, http, code):
    cloud.fault("status", status=http, count=1000)
    result = run(config, command)
    assert result.returncode == code
    assert str(http) in result.stderr
    assert result.stdout == ""


def test_the_last_known_state_stands_in(cloud):
    cloud.patch(f"endpoints/{ENDPOINT}", state="ACTIVE")
    with Proxy(cloud) as proxy:
        config = proxy.dir / "tidblink.conf"
        proxy.wait_verdict("allow", "ACTIVE")
        cloud.fault("status", status=503, count=1000)
        result = run(config, "status")
        assert result.returncode == 0
        assert result.stderr.rstrip().endswith("; this is the last known state")
        assert "(last known state)" in result.stdout
        assert run(config, "clusters").stdout.splitlines()[3].split()[1] == CLUSTER
        # A key that is refused is a mistake to mend, not silence.
        cloud.clear_faults()
        cloud.fault("status", status=401, count=1000)
        assert run(config, "status").returncode == 4


# ---- dsn --direct and wait --------------------------------------------------------------------

def test_dsn_direct_asks_once_and_then_remembers(cloud, config):
    direct = ["dsn", "--direct", "--client", "params", "orders"]
    assert f"HOST      {HOST}\nPORT      4000\n" in run(config, *direct).stdout
    with Proxy(cloud) as proxy:
        proxy.wait_verdict("hold", "PENDING")
        cloud.fault("status", status=503, count=1000)
        assert HOST in run(proxy.dir / "tidblink.conf", *direct).stdout
        # What the disk does not know is asked.
        direct[-1] = "nope"
        assert "503" in run(proxy.dir / "tidblink.conf", *direct).stderr


def test_dsn_direct_knows_near_names(config):
    result = run(config, "dsn", "--direct", "ordrs")
    assert (result.returncode, result.stdout) == (2, "")
    assert "no cluster has the ID or display name ordrs" in result.stderr
    assert 'did you mean "orders"?' in result.stderr


def test_wait_ends_when_the_endpoint_becomes_active(cloud):
    with Proxy(cloud) as proxy:
        proxy.wait_verdict("hold", "PENDING")
        with subprocess.Popen([built("app/tidblink"), "wait", "--for", "active", "--max", "30s",
                               "--config", proxy.dir / "tidblink.conf", "orders"]) as waiting:
            proxy.wait_metric("tidblink_waits", 1)
            assert waiting.poll() is None
            cloud.patch(f"endpoints/{ENDPOINT}", state="ACTIVE")
            assert waiting.wait(30) == 0
