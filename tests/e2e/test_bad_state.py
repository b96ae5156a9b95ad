# SPDX-License-Identifier: Apache-2.0
"""The last known state and the state sources: restarts on bad days, documents that are missing, old
or broken."""
import datetime
import json
import re
import signal

import pytest

import client
from built import linux_only
from emulator import CLUSTER, ENDPOINT, HOST
from proxy import ORDERS, Proxy
from servers import GREETING, Greeter

ENDPOINT_PATH = f"endpoints/{ENDPOINT}"
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
FAST = {"hold-timeout": "100ms", "api-timeout": "1s"}


@pytest.fixture
def server():
    with Greeter() as greeter:
        yield greeter


@pytest.fixture
def known(cloud, server):
    """A cloud whose endpoint is ACTIVE."""
    cloud.settings(requestsPerMinute=1000000)
    cloud.patch(f"clusters/{CLUSTER}", port=server.port)
    cloud.patch(ENDPOINT_PATH, state="ACTIVE")
    return cloud


def greeted(port):
    with client.connect(port) as sock:
        return client.read_greeting(sock) == GREETING


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "state"


def remembered(cloud, folder, state, verdict):
    """The document that a proxy leaves behind which saw the endpoint in this state."""
    cloud.patch(ENDPOINT_PATH, state=state)
    with Proxy(cloud, options={**FAST, "state-dir": folder}) as proxy:
        proxy.wait_verdict(verdict, state)
    return folder / "state.json"


def shift(document, seconds):
    """The document as if everything in it had happened that much earlier."""
    def earlier(match):
        moment = datetime.datetime.strptime(match[0], "%Y-%m-%dT%H:%M:%SZ")
        return (moment - datetime.timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")

    document.write_text(TIME.sub(earlier, document.read_text()))


def endpoint_state(document):
    found = json.loads(document.read_text())
    return found["clusters"][0]["groups"][0]["endpoints"][0]["state"]["text"]


# ---- restarts while the API is down ---------------------------------------------------------------

@pytest.mark.parametrize("age_s", [0, 2 * 86400], ids=["fresh", "two-days-old"])
def test_restart_during_an_outage_serves(known, folder, age_s):
    shift(remembered(known, folder, "ACTIVE", "allow"), age_s)
    known.fault("dropTls")
    with Proxy(known, options={**FAST, "state-dir": folder}) as proxy:
        proxy.wait_verdict("allow", "ACTIVE")
        assert greeted(proxy.port())
        shown = proxy.wait_cluster("orders", lambda api: not api["ok"])
        assert (shown["new_connections"], shown["state"]) == ("allow", "ACTIVE")
        assert shown["age_s"] >= age_s
        assert proxy.metric("tidblink_connections_unchecked_total") == 0


def test_restart_with_a_key_that_is_refused_serves(known, folder):
    remembered(known, folder, "ACTIVE", "allow")
    known.patch("keys/demo-public", privateKey="another")
    with Proxy(known, options={**FAST, "state-dir": folder}) as proxy:
        shown = proxy.wait_cluster("orders", lambda api: api.get("error") == "api-key")
        assert (shown["new_connections"], shown["state"]) == ("allow", "ACTIVE")
        assert greeted(proxy.port())


def test_a_stored_refusal_stands(known, folder):
    shift(remembered(known, folder, "FAILED", "refuse"), 3600)
    known.fault("dropTls")
    with Proxy(known, options={**FAST, "state-dir": folder}) as proxy:
        proxy.wait_verdict("refuse", "FAILED")
        errno, text = client.refusal(proxy.port())
        assert errno == 1105
        assert "FAILED (TiDB Cloud could not set it up; last heard 60 min ago)" in text, text


def test_a_stored_transition_is_believed_for_15_minutes(known, folder):
    document = remembered(known, folder, "PENDING", "hold")
    known.fault("dropTls")
    shift(document, 13 * 60)
    with Proxy(known, options={**FAST, "state-dir": folder}) as proxy:
        proxy.wait_verdict("hold", "PENDING")
        proxy.wait_cluster("orders", lambda api: not api["ok"])
        errno, text = client.refusal(proxy.port())
        assert errno == 1053 and "PENDING" in text
    shift(document, 3 * 60)
    with Proxy(known, options={**FAST, "state-dir": folder}) as proxy:
        shown = proxy.wait_cluster("orders", new_connections="allow-unchecked")
        assert "state" not in shown and "age_s" not in shown
        assert greeted(proxy.port())


@pytest.mark.parametrize("text, words", [
    ("", "not JSON"), ("{", "not JSON"), ("[]", "no object"), ("{}", "no state document"),
    ('{"format": "tidblink-state", "version": 2, "clusters": []}', "version 2"),
    ('{"format": "tidblink-state", "version": 1, "clusters": [{"id": 5}]}', "clusters"),
], ids=["empty", "cut", "array", "foreign", "newer", "wrong-type"])
def test_a_broken_state_file_is_said_and_replaced(known, folder, text, words):
    folder.mkdir()
    (folder / "state.json").write_text(text)
    with Proxy(known, options={**FAST, "state-dir": folder}) as proxy:
        line = proxy.wait_log("warn starting without the last known state reason=").string
        assert f"{folder}/state.json" in line and words in line, line
        proxy.wait_verdict("allow", "ACTIVE")
        assert greeted(proxy.port())
    assert endpoint_state(folder / "state.json") == "ACTIVE"


def test_the_state_of_other_clusters_is_nothing(known, folder):
    """The directory of an older configuration."""
    remembered(known, folder, "ACTIVE", "allow")
    known.fault("dropTls")
    with Proxy(known, {"other": {"cluster-id": "4711"}}, {**FAST, "state-dir": folder}) as proxy:
        shown = proxy.wait_cluster("other", lambda api: not api["ok"], new_connections="hold")
        assert "facts" not in shown and "host" not in shown


def test_the_file_is_whole_after_a_kill(known, folder):
    known.patch(ENDPOINT_PATH, state="PENDING")
    for state, verdict in ("ACTIVE", "allow"), ("PENDING", "hold"), ("ACTIVE", "allow"):
        proxy = Proxy(known, options={**FAST, "state-dir": folder}).start()
        try:
            known.patch(ENDPOINT_PATH, state=state)
            proxy.wait_verdict(verdict, state)
            proxy.signal(signal.SIGKILL)
            assert proxy.wait() == -signal.SIGKILL
        finally:
            proxy.stop()
        assert endpoint_state(folder / "state.json") == state


# ---- state-source = file: -------------------------------------------------------------------------

def follower(cloud, document, clusters=None, **options):
    """A proxy without a key that reads another one's document."""
    none = {name: None for name in (
        "api-url", "api-ca", "api-public-key-file", "api-private-key-file")}
    return Proxy(cloud, clusters, {**FAST, **none, "state-source": f"file:{document}", **options})


def test_the_document_of_another_tidblink(known, folder):
    with Proxy(known, options={**FAST, "state-dir": folder}) as teacher:
        teacher.wait_verdict("allow", "ACTIVE")
        known.clear_requests()
        with follower(known, folder / "state.json") as proxy:
            proxy.wait_verdict("allow", "ACTIVE")
            assert greeted(proxy.port())
            assert proxy.status()["state_source"] == f"file:{folder}/state.json"
            known.patch(ENDPOINT_PATH, state="FAILED")
            proxy.wait_verdict("refuse", "FAILED")
            assert client.refusal(proxy.port())[0] == 1105
            asked = {request["key"] for request in known.requests() if "key" in request}
            assert asked <= {"demo-public"}  # the teacher's; this one has none


def test_a_document_that_comes_later(known, folder, tmp_path):
    written = remembered(known, folder, "ACTIVE", "allow")
    document = tmp_path / "shared.json"
    with follower(known, document) as proxy:
        shown = proxy.wait_cluster("orders", lambda api: not api["ok"])
        assert f"cannot open {document}: No such file or directory" in shown["api"]["reason"]
        errno, text = client.refusal(proxy.port())
        assert errno == 1053 and str(document)[:40] in text, text
        document.write_bytes(written.read_bytes())
        proxy.wait_verdict("allow", "ACTIVE")
        assert greeted(proxy.port())
        # Broken, then gone: what is known stands, and the trouble is shown.
        for change, words in (lambda: document.write_text("{"), "not JSON"), (
                document.unlink, "No such file"):
            change()
            shown = proxy.wait_cluster("orders", lambda api: words in api.get("reason", ""))
            assert (shown["new_connections"], shown["state"]) == ("allow", "ACTIVE")
            assert greeted(proxy.port())
        # Whole again.
        document.write_bytes(written.read_bytes())
        proxy.wait_cluster("orders", lambda api: api["ok"], new_connections="allow")


@linux_only("sandbox")
def test_a_document_out_of_reach(known, folder):
    """Its writer puts another file in its place each time, and `strict` knows the first one only."""
    written = remembered(known, folder, "ACTIVE", "allow")
    with follower(known, written, sandbox="strict") as proxy:
        proxy.wait_verdict("allow", "ACTIVE")
        new = written.with_suffix(".new")
        new.write_bytes(written.read_bytes())
        new.replace(written)
        shown = proxy.wait_cluster("orders", lambda api: not api["ok"])
        assert shown["api"]["reason"].endswith(
            f"cannot open {written}: Permission denied. It may be out of reach of the sandbox: restart "
            "tidblink to use it"), shown


def test_a_document_without_our_cluster(known, folder):
    written = remembered(known, folder, "ACTIVE", "allow")
    with follower(known, written, {"other": {"cluster-id": "4711"}}) as proxy:
        proxy.wait_log("verdict cluster=other ")
        errno, text = client.refusal(proxy.port("other"))
        assert errno in (1053, 1105) and "other" in text, text


def test_an_outage_of_the_document_with_control_loss_refuse(known, server, tmp_path):
    clusters = {"orders": {**ORDERS, "host": HOST, "port": server.port}}
    with follower(known, tmp_path / "missing", clusters, **{"control-loss": "refuse"}) as proxy:
        proxy.wait_verdict("refuse")
        errno, text = client.refusal(proxy.port())
        assert errno == 1053 and "control-loss = refuse is set" in text
    with follower(known, tmp_path / "missing", clusters) as proxy:
        proxy.wait_log("verdict .*verdict=allow .*unchecked=yes")
        assert greeted(proxy.port())


# ---- state-source = none --------------------------------------------------------------------------

def test_no_check_at_all_is_said(known, server):
    clusters = {"orders": {"host": HOST, "port": server.port}}
    known.patch(ENDPOINT_PATH, state="FAILED")
    with Proxy(known, clusters, {**FAST, "state-source": "none"}) as proxy:
        proxy.wait_log("warn state-source is none: connections are not checked")
        proxy.wait_log("verdict .*verdict=allow .*unchecked=yes")
        assert greeted(proxy.port())
        assert proxy.status()["state_source"] == "none"
        assert proxy.cluster()["new_connections"] == "allow-unchecked"
        assert proxy.metric("tidblink_connections_unchecked_total") == 1
        assert known.requests() == []
