# SPDX-License-Identifier: Apache-2.0
"""tidblink-emulator's faults, its steps in time, and its DNS."""
import http.client
import json
import socket
import ssl
import time
from pathlib import Path

import pytest

from dns_client import dns_query
from emulator import CLUSTER, ENDPOINT, GROUP, HOST, SCENARIOS, Emulator

CLUSTERS = "/v1beta1/clusters"
GROUPS = f"{CLUSTERS}/{CLUSTER}/tidbNodeGroups"
EARLY_SECONDS = 0.05  # libevent counts a timer from the beginning of the loop's turn
LONG_STEP_SECONDS = 3  # to be seen in it by a busy machine as well


# ---- faults of the API ----------------------------------------------------------------------------

def test_fault_status(cloud, client):
    cloud.fault("status", status=503, count=2)
    for _ in range(2):
        answer = client.ask("GET", CLUSTERS)
        assert (answer.status, answer.json["code"]) == (503, 14)
    client.get(CLUSTERS)
    assert cloud.get("faults") == []
    assert [r.get("fault") for r in cloud.requests()] == ["status", "status", None, None]
    cloud.fault("status", status=429, retryAfterSeconds=7, count=1)
    assert client.once("GET", CLUSTERS).headers["Retry-After"] == "7"
    assert "Retry-After" not in client.once("GET", CLUSTERS).headers


def test_fault_with_body_until_cleared(cloud, client):
    cloud.fault("status", status=200, body='{"clusters": 1}')
    for _ in range(3):
        assert client.once("GET", CLUSTERS).body == '{"clusters": 1}'
    cloud.clear_faults()
    client.get(CLUSTERS)


def test_fault_matches_method_and_path(cloud, client):
    cloud.fault("status", match="POST /v1beta1/clusters/")
    cloud.fault("status", match=GROUPS, status=502)
    client.get(CLUSTERS)
    assert client.ask("GET", f"{GROUPS}/{GROUP}").status == 502
    assert client.ask("POST", f"{CLUSTERS}/{CLUSTER}:pauseCluster").status == 500


def test_fault_lets_some_pass_first(cloud, client):
    client.get(CLUSTERS)
    cloud.fault("status", match=CLUSTERS, skip=2, count=1)
    client.get("/v1beta1/regions")  # does not match and does not count
    assert [client.ask("GET", CLUSTERS).status for _ in range(4)] == [200, 200, 500, 200]


def test_fault_that_begins_after_a_good_answer(cloud, client):
    client.get(CLUSTERS)
    cloud.fault("status", match=CLUSTERS, skip=1, count=1, after="GET /v1beta1/regions")
    cloud.fault("status", match="/v1beta1/regions", status=503, count=1)
    assert [client.ask("GET", CLUSTERS).status for _ in range(3)] == [200] * 3
    assert client.ask("GET", "/v1beta1/regions").status == 503
    assert [client.ask("GET", CLUSTERS).status for _ in range(3)] == [200] * 3
    client.get("/v1beta1/regions")
    assert [client.ask("GET", CLUSTERS).status for _ in range(3)] == [200, 500, 200]


def test_fault_delay(cloud, client):
    client.get(CLUSTERS)
    cloud.fault("delay", delaySeconds=0.3, count=1)
    before = time.monotonic()
    client.get(CLUSTERS)
    assert time.monotonic() - before >= 0.3 - EARLY_SECONDS
    cloud.fault("status", status=500, delaySeconds=0.3, count=1)
    assert client.ask("GET", CLUSTERS).status == 500
    assert time.monotonic() - before >= 0.6 - EARLY_SECONDS


def test_fault_delay_and_client_that_leaves(cloud, client):
    client.get(CLUSTERS)
    cloud.fault("delay", delaySeconds=0.2, count=1)
    client.connection.request("GET", CLUSTERS)
    client.close()
    deadline = time.monotonic() + 10
    while len(cloud.requests()) < 3:
        assert time.monotonic() < deadline
    assert cloud.curl(CLUSTERS)[0] == 0


def test_fault_hang(cloud, client):
    client.get(CLUSTERS)
    descriptors = Path(f"/proc/{cloud.process.pid}/fd")
    before = len(list(descriptors.iterdir()))
    cloud.fault("hang", count=1)
    assert cloud.curl(CLUSTERS, "--max-time", "0.5")[0] == 28
    client.get(CLUSTERS)  # others are served meanwhile
    assert cloud.requests()[2]["fault"] == "hang"
    deadline = time.monotonic() + 10
    while len(list(descriptors.iterdir())) > before:  # it saw that the client left
        assert time.monotonic() < deadline


def test_hung_request_ends_with_the_emulator(cloud, client):
    client.take_challenge(client.once("GET", CLUSTERS))
    cloud.fault("hang", count=1)
    client.connection.request("GET", CLUSTERS)
    deadline = time.monotonic() + 10
    while len(cloud.requests()) < 2:
        assert time.monotonic() < deadline
    # stop() fails when anything is left over


def test_fault_cut(cloud, client):
    cloud.fault("cut", count=1)
    with pytest.raises(http.client.IncompleteRead):
        client.ask("GET", CLUSTERS)
    cloud.fault("cut", count=1)
    assert cloud.curl(CLUSTERS)[0] == 18
    assert cloud.curl(CLUSTERS)[0] == 0


def test_fault_malformed(cloud):
    cloud.fault("malformed", count=1)
    code, out = cloud.curl(CLUSTERS)
    assert code == 0 and out.startswith('{"clusters":[{')
    with pytest.raises(json.JSONDecodeError):
        json.loads(out)


def test_fault_huge(cloud):
    cloud.fault("huge", megabytes=20, count=1)
    code, out = cloud.curl(CLUSTERS)
    assert code == 0 and 20 << 20 < len(out) < 21 << 20
    assert len(json.loads(out)["clusters"]) == 21
    cloud.fault("huge", megabytes=4096, count=1)  # more than the client takes
    assert cloud.curl(CLUSTERS, "--max-time", "0.5")[0] == 28


def test_fault_content_type(cloud, client):
    cloud.fault("contentType", count=1)
    answer = client.ask("GET", CLUSTERS)
    assert answer.headers["Content-Type"] == "text/html"
    assert client.ask("GET", CLUSTERS).headers["Content-Type"] == "application/json"


def test_fault_of_the_answer_spares_challenges(cloud, client):
    """So that `count` counts polls, whether or not a client has a nonce."""
    cloud.fault("malformed", count=1)
    answer = client.once("GET", CLUSTERS)
    assert answer.status == 401 and answer.json["code"] == 16
    client.take_challenge(answer)
    with pytest.raises(json.JSONDecodeError):
        client.once("GET", CLUSTERS).json


def test_fault_drop_tls(cloud):
    cloud.fault("dropTls", count=1)
    context = ssl.create_default_context(cafile=cloud.ca)
    with cloud.client() as client:
        where = client.connection.host, client.connection.port
    with socket.create_connection(where) as raw, \
            pytest.raises((ssl.SSLError, ConnectionResetError)):
        context.wrap_socket(raw, server_hostname=where[0])
    assert cloud.curl(CLUSTERS)[0] == 0
    assert [r["status"] for r in cloud.requests()] == [401, 200]


# ---- time -----------------------------------------------------------------------------------------

def test_steps_come_in_time(cloud):
    before = time.monotonic()
    shown = cloud.patch(f"endpoints/{ENDPOINT}", then=[
        {"afterSeconds": 0.2, "state": "FAILED", "message": "no such endpoint"},
        {"afterSeconds": LONG_STEP_SECONDS, "remove": True}])
    assert shown["state"] == "PENDING" and len(shown["then"]) == 2
    seen = cloud.wait_for(f"endpoints/{ENDPOINT}", state="FAILED")
    assert time.monotonic() - before >= 0.2 - EARLY_SECONDS
    assert seen["message"] == "no such endpoint" and \
        0 <= seen["then"][0]["afterSeconds"] <= LONG_STEP_SECONDS
    deadline = before + 60
    while cloud.get("endpoints"):
        assert time.monotonic() < deadline
    assert time.monotonic() - before >= 0.2 + LONG_STEP_SECONDS - EARLY_SECONDS


def test_patch_forgets_the_steps(cloud):
    cloud.patch(f"endpoints/{ENDPOINT}", then=[{"afterSeconds": 60, "state": "ACTIVE"}])
    assert "then" in cloud.patch(
        f"endpoints/{ENDPOINT}", then=[{"afterSeconds": 50, "state": "ACTIVE"}])
    assert "then" not in cloud.patch(f"endpoints/{ENDPOINT}", state="DISCOVERED")


def test_the_setup_scenario_lives():
    text = (SCENARIOS / "setup.json").read_text()
    assert text.count('"afterSeconds": 3,') == 1  # until the service is ready
    scenario = json.loads(text.replace('"afterSeconds": 3,', '"afterSeconds": 60,'))
    with Emulator(scenario) as cloud, cloud.client() as client:
        path = f"{GROUPS}/{GROUP}/privateLinkService"
        assert client.get(path)["state"] == "CREATING"
        endpoints = client.get(f"{GROUPS}/{GROUP}")["endpoints"]
        assert "host" not in endpoints[1]  # not before the service is ready
        step, = cloud.get(f"services/{GROUP}")["then"]
        assert step["state"] == "ACTIVE" and 0 < step["afterSeconds"] <= 60
        cloud.patch(f"services/{GROUP}", then=[{**step, "afterSeconds": 0.1}])
        cloud.wait_for(f"services/{GROUP}", state="ACTIVE")
        assert client.get(path)["state"] == "ACTIVE"
        assert client.get(f"{GROUPS}/{GROUP}")["endpoints"][1]["host"] == HOST
        assert dns_query(cloud.dns, HOST) == ("NXDOMAIN", [])
        cloud.patch(f"names/{HOST}", privateDns=True)
        assert dns_query(cloud.dns, HOST)[0] == "NOERROR"


# ---- DNS ------------------------------------------------------------------------------------------

def test_dns_addresses(cloud):
    assert dns_query(cloud.dns, HOST) == ("NOERROR", [("127.0.0.1", 30)])
    assert dns_query(cloud.dns, HOST, "AAAA") == ("NOERROR", [])
    assert dns_query(cloud.dns, HOST, "TXT") == ("NOERROR", [])
    assert dns_query(cloud.dns, HOST.upper())[1] == [("127.0.0.1", 30)]
    assert dns_query(cloud.dns, "x." + HOST) == ("NXDOMAIN", [])
    cloud.patch(f"names/{HOST}", a=["10.0.1.5", "10.0.2.5", "10.0.3.5"], aaaa=["fd00::5"],
                ttlSeconds=7)
    assert dns_query(cloud.dns, HOST)[1] == [
        ("10.0.1.5", 7), ("10.0.2.5", 7), ("10.0.3.5", 7)]
    assert dns_query(cloud.dns, HOST, "AAAA")[1] == [("fd00::5", 7)]
    assert cloud.queries()[0] == {"name": HOST, "type": "A", "answer": "addresses"}
    cloud.clear_queries()
    assert cloud.queries() == []


@pytest.mark.parametrize("change, answer", [
    ({"privateDns": False}, "NXDOMAIN"), ({"answer": "NXDOMAIN"}, "NXDOMAIN"),
    ({"answer": "SERVFAIL"}, "SERVFAIL"), ({"answer": "NODATA"}, "NOERROR")])
def test_dns_answers_without_address(cloud, change, answer):
    cloud.patch(f"names/{HOST}", **change)
    assert dns_query(cloud.dns, HOST) == (answer, [])


def test_dns_silence_and_delay(cloud):
    cloud.patch(f"names/{HOST}", answer="silence")
    with pytest.raises(TimeoutError):
        dns_query(cloud.dns, HOST, timeout=0.3)
    assert cloud.queries()[-1]["answer"] == "silence"
    cloud.patch(f"names/{HOST}", answer="addresses", delaySeconds=0.3)
    before = time.monotonic()
    assert dns_query(cloud.dns, HOST)[0] == "NOERROR"
    assert time.monotonic() - before >= 0.3 - EARLY_SECONDS


def test_dns_faults(cloud):
    cloud.fault("dnsServfail", count=1)
    assert dns_query(cloud.dns, HOST)[0] == "SERVFAIL"
    assert dns_query(cloud.dns, HOST)[0] == "NOERROR"
    cloud.fault("dnsSilence", match=HOST)
    assert dns_query(cloud.dns, "other.example")[0] == "NXDOMAIN"
    with pytest.raises(TimeoutError):
        dns_query(cloud.dns, HOST, timeout=0.3)
    cloud.clear_faults()
    cloud.fault("dnsDelay", delaySeconds=0.3)
    before = time.monotonic()
    assert dns_query(cloud.dns, "other.example")[0] == "NXDOMAIN"
    assert time.monotonic() - before >= 0.3 - EARLY_SECONDS


def test_dns_query_that_waits_ends_with_the_emulator(cloud):
    cloud.fault("dnsDelay", delaySeconds=60)
    with pytest.raises(TimeoutError):
        dns_query(cloud.dns, HOST, timeout=0.1)


def test_dns_garbage(cloud):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        for junk in b"", b"x", b"\0" * 12, b"\xff" * 512, b"\0\1\1\0\0\2" + b"\0" * 400:
            sender.sendto(junk, cloud.dns)
    assert dns_query(cloud.dns, HOST)[0] == "NOERROR"
