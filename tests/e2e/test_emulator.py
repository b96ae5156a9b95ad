# SPDX-License-Identifier: Apache-2.0
"""tidblink-emulator itself: what other suites build on must be true."""
import contextlib
import http.client
import json
import signal
import socket
import ssl
import subprocess
import time
from pathlib import Path

import pytest

from api_client import ApiClient
from built import built
from dns_client import dns_query
from emulator import PRIVATE_KEY, PUBLIC_KEY, SCENARIOS, ControlError, Emulator

CLUSTER, GROUP, ENDPOINT = "1379661944646413143", "1916928318022840320", "1934235512477589504"
HOST = "privatelink-19169283.muznnz1umf3p.clusters.tidb-cloud.com"
CLUSTERS = "/v1beta1/clusters"
GROUPS = f"{CLUSTERS}/{CLUSTER}/tidbNodeGroups"
ENDPOINTS = f"{GROUPS}/{GROUP}/privateEndpointConnections"
ALL_ENDPOINTS = f"{CLUSTERS}/-/tidbNodeGroups/-/privateEndpointConnections"
EARLY_SECONDS = 0.05  # libevent counts a timer from the beginning of the loop's turn


def client_of(cloud, **key):
    return ApiClient(cloud.api_url, cloud.ca, key.pop("public_key", PUBLIC_KEY),
                     key.pop("private_key", PRIVATE_KEY), **key)


@pytest.fixture
def client(cloud):
    with client_of(cloud) as client:
        yield client


@pytest.fixture(scope="module")
def calm_cloud():
    """One for all tests that change nothing."""
    with Emulator() as emulator:
        yield emulator


def curl(cloud, path, *options, key=f"{PUBLIC_KEY}:{PRIVATE_KEY}"):
    """(exit code, standard output) of the curl program."""
    done = subprocess.run(
        ["curl", "--silent", "--noproxy", "*", "--max-time", "20", "--cacert", cloud.ca,
         "--digest", "--user", key, *options, cloud.api_url + path],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False)
    return done.returncode, done.stdout


# ---- every answer is what the swagger document says (ApiClient.ask checks it) ---------------------

@pytest.mark.parametrize("scenario", sorted(path.name for path in SCENARIOS.glob("*.json")))
def test_every_answer_fits_the_swagger_document(scenario):
    with Emulator(scenario) as cloud, client_of(cloud) as client:
        cloud.settings(requestsPerMinute=10000)
        seen = client.get(f"{CLUSTERS}?pageSize=100")["clusters"]
        assert len(seen) == len(cloud.state()["clusters"])
        for cluster in seen:
            path = f"{CLUSTERS}/{cluster['clusterId']}"
            assert client.get(path) == cluster
            for group in client.get(f"{path}/tidbNodeGroups")["tidbNodeGroups"]:
                at = f"{path}/tidbNodeGroups/{group['tidbNodeGroupId']}"
                assert client.get(at) == group
                assert client.ask("GET", f"{at}/privateLinkService").status in (200, 404)
                at += "/privateEndpointConnections"
                for endpoint in client.get(at)["privateEndpointConnections"]:
                    assert client.get(f"{at}/{endpoint['privateEndpointConnectionId']}") == endpoint
        client.get(ALL_ENDPOINTS)
        for region in client.get("/v1beta1/regions")["regions"]:
            assert client.get(f"/v1beta1/regions/{region['regionId']}") == region


@pytest.mark.parametrize("path, status, code", [
    (f"{CLUSTERS}/1", 404, 5),
    (f"{CLUSTERS}/1/tidbNodeGroups", 404, 5),
    (f"{GROUPS}/1", 404, 5),
    (f"{CLUSTERS}/1/tidbNodeGroups/{GROUP}", 404, 5),
    (f"{GROUPS}/1/privateLinkService", 404, 5),
    (f"{ENDPOINTS}/1", 404, 5),
    ("/v1beta1/regions/aws-eu-west-1", 404, 5),
    (f"{CLUSTERS}?projectId=1", 403, 7),
    (f"{ALL_ENDPOINTS}?projectId=1", 403, 7),
    (f"{CLUSTERS}/-/tidbNodeGroups/{GROUP}/privateEndpointConnections", 400, 3),
    (f"{CLUSTERS}?pageSize=ten", 400, 3),
    (f"{CLUSTERS}?pageSize=-1", 400, 3),
    (f"{CLUSTERS}?skip=-1", 400, 3),
    (f"{CLUSTERS}?pageToken=made-up", 400, 3),
    ("/v1beta1/backups", 404, 5),
    ("/", 404, 5),
    ("/v1beta1/clusters/a/b/c/d/e/f/g/h", 400, 3),
    ("/v1beta1/clusters/%00", 400, 3),
])
def test_documented_errors(calm_cloud, path, status, code):
    with client_of(calm_cloud) as client:
        answer = client.ask("GET", path)
    assert (answer.status, answer.json["code"]) == (status, code)
    assert answer.json["message"]


def test_group_of_another_cluster_is_not_found(cloud, client):
    cluster = cloud.get(f"clusters/{CLUSTER}")
    cloud.add("clusters", **{**cluster, "id": "2", "displayName": "billing"})
    assert client.ask("GET", f"{CLUSTERS}/2/tidbNodeGroups/{GROUP}").status == 404
    assert client.get(f"{CLUSTERS}/2/tidbNodeGroups/-/privateEndpointConnections")["totalSize"] == 0
    assert client.get(f"{GROUPS}/-/privateEndpointConnections")["totalSize"] == 1


# ---- digest ---------------------------------------------------------------------------------------

def test_curl_authenticates(cloud):
    code, out = curl(cloud, CLUSTERS)
    assert code == 0
    assert json.loads(out)["clusters"][0]["displayName"] == "orders"
    assert [(r["auth"], r["status"]) for r in cloud.requests()] == [("none", 401), ("ok", 200)]


def test_nonce_is_good_for_many_requests_each_nc_once(cloud, client):
    for _ in range(5):
        client.get(CLUSTERS)
    assert [r.get("nc") for r in cloud.requests()] == [None, 1, 2, 3, 4, 5]
    client.nc = 2  # 3 was used
    answer = client.once("GET", CLUSTERS)
    assert answer.status == 401 and answer.challenges[0]["stale"] == "true"
    assert cloud.requests()[-1]["auth"] == "replayed nc"
    client.nc = 99  # a hole is fine, and so is what comes late, once
    assert client.once("GET", CLUSTERS).status == 200
    client.nc = 97
    assert client.once("GET", CLUSTERS).status == 200
    client.nc = 97
    assert client.once("GET", CLUSTERS).status == 401
    client.nc = 10  # too late to be sure
    assert client.once("GET", CLUSTERS).status == 401


def test_old_nonce_is_stale(cloud, client):
    client.get(CLUSTERS)
    cloud.settings(nonceSeconds=0)
    answer = client.once("GET", CLUSTERS)
    assert answer.status == 401 and answer.challenges[0]["stale"] == "true"
    assert answer.challenges[0]["nonce"] != client.nonce
    cloud.settings(nonceSeconds=300)
    client.take_challenge(answer)
    assert client.once("GET", CLUSTERS).status == 200


def test_unknown_nonce_is_stale_for_the_right_key_only(cloud, client):
    client.realm, client.nonce = "tidbcloud", "0123456789abcdef"
    assert client.once("GET", CLUSTERS).challenges[0].get("stale") == "true"
    client.private_key = "wrong"
    assert "stale" not in client.once("GET", CLUSTERS).challenges[0]


@pytest.mark.parametrize("key", [
    {"private_key": "wrong"}, {"public_key": "nobody"}, {"private_key": ""}])
def test_wrong_key(cloud, key):
    with client_of(cloud, **key) as client:
        answer = client.ask("GET", CLUSTERS)
    assert answer.status == 401 and "stale" not in answer.challenges[0]
    assert answer.json["code"] == 16
    assert cloud.requests()[-1]["auth"] == "wrong key"
    assert "X-Ratelimit-Limit-Minute" not in answer.headers


def test_wrong_key_with_curl(cloud):
    code, out = curl(cloud, CLUSTERS, "--write-out", "%{http_code}", key=f"{PUBLIC_KEY}:wrong")
    assert code == 0 and out.endswith("401")
    assert len(cloud.requests()) == 2


@pytest.mark.parametrize("broken", [
    lambda text: text.replace("qop=auth", "qop=auth-int"),
    lambda text: text.replace("nc=00000001", "nc=1"),
    lambda text: text.replace('cnonce="0a4f113b"', 'cnonce=""'),
    lambda text: text.replace(f'uri="{CLUSTERS}"', 'uri="/v1beta1/regions"'),
    lambda text: text.replace('realm="tidbcloud"', 'realm="other"'),
    lambda text: text.replace("algorithm=MD5", "algorithm=SHA-512"),
    lambda text: text + ', nc=00000001',
    lambda text: text + ', opaque="',
    lambda text: text + ', x="' + "x" * 3000 + '"',
    lambda text: "Digest x",
])
def test_malformed_credentials(cloud, client, broken):
    client.take_challenge(client.once("GET", CLUSTERS))
    client.nc = 1
    header = broken(client.authorization("GET", CLUSTERS))
    assert client.once("GET", CLUSTERS, headers={"Authorization": header}).status == 401
    assert cloud.requests()[-1]["auth"] == "malformed"


def test_basic_authentication_is_none(cloud, client):
    assert client.once("GET", CLUSTERS, headers={"Authorization": "Basic eDp5"}).status == 401
    assert cloud.requests()[-1]["auth"] == "none"


def test_sha_256(cloud):
    cloud.settings(digests=["SHA-256", "MD5"])
    for algorithm in "SHA-256", "MD5":
        with client_of(cloud, algorithm=algorithm) as client:
            assert len(client.once("GET", CLUSTERS).challenges) == 2
            client.get(CLUSTERS)
    assert curl(cloud, CLUSTERS)[0] == 0
    assert cloud.requests()[-1]["auth"] == "ok"
    cloud.settings(digests=["SHA-256"])
    with client_of(cloud) as client:
        client.realm, client.nonce = "tidbcloud", "x"
        assert "stale" not in client.once("GET", CLUSTERS).challenges[0]  # MD5 is not offered


def test_forbidden_key(cloud, client):
    cloud.patch(f"keys/{PUBLIC_KEY}", forbidden=True)
    answer = client.ask("GET", CLUSTERS)
    assert (answer.status, answer.json["code"]) == (403, 7)


def test_secrets_are_not_shown(cloud):
    cloud.patch(f"keys/{PUBLIC_KEY}", privateKey="another-secret")
    with pytest.raises(ControlError) as refusal:
        cloud.patch(f"keys/{PUBLIC_KEY}", privateKey=["a-wrong-secret"])
    shown = json.dumps(cloud.state()) + str(refusal.value) + cloud.log_text()
    assert "secret" not in shown and PRIVATE_KEY not in shown
    assert curl(cloud, CLUSTERS, key=f"{PUBLIC_KEY}:another-secret")[0] == 0


# ---- lists ----------------------------------------------------------------------------------------

def add_clusters(cloud, count):
    first = cloud.get(f"clusters/{CLUSTER}")
    for number in range(count):
        cloud.add("clusters", **{**first, "id": f"{number}", "displayName": f"more-{number}"})


def test_pages(cloud, client):
    add_clusters(cloud, 24)
    ids = [cluster["id"] for cluster in cloud.get("clusters")]
    assert len(client.get(CLUSTERS)["clusters"]) == 10
    assert len(client.get(f"{CLUSTERS}?pageSize=0")["clusters"]) == 10
    seen, path = [], f"{CLUSTERS}?pageSize=7"
    while path:
        page = client.get(path)
        assert page["totalSize"] == 25 and len(page["clusters"]) <= 7
        seen += [cluster["clusterId"] for cluster in page["clusters"]]
        token = page.get("nextPageToken")
        path = token and f"{CLUSTERS}?pageSize=7&pageToken={token}"
    assert seen == ids


def test_page_token_belongs_to_its_request(cloud, client):
    add_clusters(cloud, 12)
    token = client.get(CLUSTERS)["nextPageToken"]
    assert len(client.get(f"{CLUSTERS}?pageToken={token}")["clusters"]) == 3
    assert client.ask("GET", f"{CLUSTERS}?pageSize=5&pageToken={token}").status == 400
    assert client.ask("GET", f"{ALL_ENDPOINTS}?pageToken={token}").status == 400


def test_page_size_is_at_most_100(cloud, client):
    cloud.settings(requestsPerMinute=1000)
    add_clusters(cloud, 109)
    page = client.get(f"{CLUSTERS}?pageSize=1000")
    assert len(page["clusters"]) == 100 and page["nextPageToken"]


def test_skip(cloud, client):
    add_clusters(cloud, 4)
    assert [c["clusterId"] for c in client.get(f"{CLUSTERS}?skip=3")["clusters"]] == ["2", "3"]
    beyond = client.get(f"{CLUSTERS}?skip=50")
    assert beyond == {"clusters": [], "totalSize": 5}


def test_filters(cloud, client):
    add_clusters(cloud, 3)
    cloud.patch("clusters/1", state="PAUSED")
    cloud.add("projects", id="2")
    cloud.patch("clusters/2", project="2")

    def ids(query):
        return [c["clusterId"] for c in client.get(f"{CLUSTERS}?{query}")["clusters"]]
    assert ids("clusterIds=0&clusterIds=1") == ["0", "1"]
    assert ids("clusterStates=PAUSED") == ["1"]
    assert ids("regionIds=aws-eu-west-1") == []
    assert ids("projectId=2") == ["2"]
    assert client.get(f"{ALL_ENDPOINTS}?projectId=2")["totalSize"] == 0
    assert client.get(f"{ALL_ENDPOINTS}?cloudProvider=gcp")["totalSize"] == 0
    assert client.get(f"{ALL_ENDPOINTS}?cloudProvider=aws")["totalSize"] == 1
    assert client.get("/v1beta1/regions?cloudProvider=gcp")["totalSize"] == 0


# ---- rate limit -----------------------------------------------------------------------------------

def test_rate_limit(cloud, client):
    cloud.settings(requestsPerMinute=3)
    for left in "2", "1", "0":
        answer = client.ask("GET", CLUSTERS)
        assert answer.status == 200
        assert answer.headers["X-Ratelimit-Limit-Minute"] == "3"
        assert answer.headers["X-Ratelimit-Remaining-Minute"] == left
        assert 0 < int(answer.headers["X-Ratelimit-Reset"]) <= 60
    answer = client.ask("GET", CLUSTERS)
    assert (answer.status, answer.json["code"]) == (429, 49900007)
    assert answer.headers["X-Ratelimit-Remaining-Minute"] == "0"
    cloud.add("keys", publicKey="other", privateKey="x")  # each key has its own
    with client_of(cloud, public_key="other", private_key="x") as other:
        assert other.ask("GET", CLUSTERS).status == 200


# ---- changing through the API ---------------------------------------------------------------------

def test_endpoint_from_creation_to_removal(cloud, client):
    cloud.settings(acceptSeconds=0.1, deleteSeconds=0.1)
    answer = client.ask("POST", ENDPOINTS, {"endpointId": "vpce-1"})
    assert answer.status == 200 and answer.json["endpointState"] == "PENDING"
    number = answer.json["privateEndpointConnectionId"]
    assert client.ask("POST", ENDPOINTS, {"endpointId": "vpce-1"}).status == 409
    cloud.wait_for(f"endpoints/{number}", state="ACTIVE")
    assert client.get(f"{ENDPOINTS}/{number}")["endpointState"] == "ACTIVE"
    assert client.ask("DELETE", f"{ENDPOINTS}/{number}").json == {}
    assert client.get(f"{ENDPOINTS}/{number}")["endpointState"] == "DELETING"
    deadline = time.monotonic() + 10
    while client.ask("GET", f"{ENDPOINTS}/{number}").status != 404:
        assert time.monotonic() < deadline
    assert client.ask("DELETE", f"{ENDPOINTS}/{number}").status == 404


def test_discovered_endpoint_is_registered(cloud, client):
    cloud.patch(f"endpoints/{ENDPOINT}", state="DISCOVERED")
    body = {"endpointId": cloud.get(f"endpoints/{ENDPOINT}")["endpointId"]}
    created = client.ask("POST", ENDPOINTS, body).json
    assert created["privateEndpointConnectionId"] == ENDPOINT
    assert created["endpointState"] == "PENDING"


@pytest.mark.parametrize("body", [None, {}, {"endpointId": ""}, {"endpointId": 1}, []])
def test_endpoint_without_id(client, body):
    assert client.ask("POST", ENDPOINTS, body).status == 400


def test_endpoint_without_service(cloud, client):
    cloud.remove(f"services/{GROUP}")
    assert client.ask("POST", ENDPOINTS, {"endpointId": "vpce-1"}).status == 400
    assert client.ask("GET", f"{GROUPS}/{GROUP}/privateLinkService").status == 404


def test_pause_and_resume(cloud, client):
    cloud.settings(pauseSeconds=0.1, resumeSeconds=0.1)
    path = f"{CLUSTERS}/{CLUSTER}"
    assert client.ask("POST", f"{path}:resumeCluster").status == 400
    answer = client.ask("POST", f"{path}:pauseCluster")
    assert answer.status == 200 and answer.json["cluster"]["state"] == "PAUSING"
    cloud.wait_for(f"clusters/{CLUSTER}", state="PAUSED")
    assert client.get(path)["pausePlan"] == {"pauseType": "NORMAL"}
    assert client.ask("POST", f"{path}:resumeCluster").json["cluster"]["state"] == "RESUMING"
    cloud.wait_for(f"clusters/{CLUSTER}", state="ACTIVE")
    assert client.ask("POST", f"{CLUSTERS}/1:pauseCluster").status == 404
    assert client.ask("POST", f"{path}:deleteCluster").status == 404


# ---- faults of the API ----------------------------------------------------------------------------

def test_fault_status(cloud, client):
    cloud.fault("status", status=503, count=2)
    for _ in range(2):
        answer = client.ask("GET", CLUSTERS)
        assert (answer.status, answer.json["code"]) == (503, 14)
    client.get(CLUSTERS)
    assert cloud.get("faults") == []
    assert [r.get("fault") for r in cloud.requests()] == ["status", "status", None, None]


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
    assert curl(cloud, CLUSTERS)[0] == 0


def test_fault_hang(cloud, client):
    client.get(CLUSTERS)
    descriptors = Path(f"/proc/{cloud.process.pid}/fd")
    before = len(list(descriptors.iterdir()))
    cloud.fault("hang", count=1)
    assert curl(cloud, CLUSTERS, "--max-time", "0.5")[0] == 28
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
    assert curl(cloud, CLUSTERS)[0] == 18
    assert curl(cloud, CLUSTERS)[0] == 0


def test_fault_malformed(cloud):
    cloud.fault("malformed", count=1)
    code, out = curl(cloud, CLUSTERS)
    assert code == 0 and out.startswith('{"clusters":[{')
    with pytest.raises(json.JSONDecodeError):
        json.loads(out)


def test_fault_huge(cloud):
    cloud.fault("huge", megabytes=20, count=1)
    code, out = curl(cloud, CLUSTERS)
    assert code == 0 and 20 << 20 < len(out) < 21 << 20
    assert len(json.loads(out)["clusters"]) == 21
    cloud.fault("huge", megabytes=4096, count=1)  # more than the client takes
    assert curl(cloud, CLUSTERS, "--max-time", "0.5")[0] == 28


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
    with client_of(cloud) as client:
        where = client.connection.host, client.connection.port
    with socket.create_connection(where) as raw, \
            pytest.raises((ssl.SSLError, ConnectionResetError)):
        context.wrap_socket(raw, server_hostname=where[0])
    assert curl(cloud, CLUSTERS)[0] == 0
    assert [r["status"] for r in cloud.requests()] == [401, 200]


# ---- time -----------------------------------------------------------------------------------------

def test_steps_come_in_time(cloud):
    before = time.monotonic()
    shown = cloud.patch(f"endpoints/{ENDPOINT}", then=[
        {"afterSeconds": 0.2, "state": "FAILED", "message": "no such endpoint"},
        {"afterSeconds": 0.2, "remove": True}])
    assert shown["state"] == "PENDING" and len(shown["then"]) == 2
    seen = cloud.wait_for(f"endpoints/{ENDPOINT}", state="FAILED")
    assert time.monotonic() - before >= 0.2 - EARLY_SECONDS
    assert seen["message"] == "no such endpoint" and 0 <= seen["then"][0]["afterSeconds"] <= 0.2
    deadline = before + 10
    while cloud.get("endpoints"):
        assert time.monotonic() < deadline
    assert time.monotonic() - before >= 0.4 - EARLY_SECONDS


def test_patch_forgets_the_steps(cloud):
    cloud.patch(f"endpoints/{ENDPOINT}", then=[{"afterSeconds": 60, "state": "ACTIVE"}])
    assert "then" in cloud.patch(
        f"endpoints/{ENDPOINT}", then=[{"afterSeconds": 50, "state": "ACTIVE"}])
    assert "then" not in cloud.patch(f"endpoints/{ENDPOINT}", state="DISCOVERED")


def test_the_setup_scenario_lives():
    with Emulator("setup.json") as cloud, client_of(cloud) as client:
        path = f"{GROUPS}/{GROUP}/privateLinkService"
        assert client.get(path)["state"] == "CREATING"
        endpoints = client.get(f"{GROUPS}/{GROUP}")["endpoints"]
        assert "host" not in endpoints[1]  # not before the service is ready
        step, = cloud.get(f"services/{GROUP}")["then"]
        assert step["state"] == "ACTIVE" and 2 < step["afterSeconds"] <= 3
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


# ---- the control port -----------------------------------------------------------------------------

def test_state_is_a_scenario(cloud):
    state = cloud.state()
    state["keys"][0]["privateKey"] = PRIVATE_KEY  # the one thing that is not shown
    with Emulator(state) as again:
        assert again.state() == cloud.state()


def test_add_change_remove(cloud):
    added = cloud.add("endpoints", group=GROUP, endpointId="vpce-2")
    assert added["state"] == "PENDING"
    assert cloud.get(f"endpoints/{added['id']}") == added
    assert len(cloud.get("endpoints")) == 2
    cloud.remove(f"endpoints/{added['id']}")
    assert len(cloud.get("endpoints")) == 1
    cloud.remove(f"clusters/{CLUSTER}")  # and all that it owns
    state = cloud.state()
    assert not state["clusters"] + state["groups"] + state["services"] + state["endpoints"]
    assert state["names"]


@pytest.mark.parametrize("method, path, body, text", [
    ("PATCH", f"endpoints/{ENDPOINT}", {"state": "ACTIV"},
     '$.state: expected one of PENDING, ACTIVE, DELETING, FAILED, DISCOVERED, found "ACTIV"'),
    ("PATCH", f"endpoints/{ENDPOINT}", {"stat": 1},
     "$.stat: no such field; expected one of id, group, endpointId, state, message, host, port, then"),
    ("PATCH", f"endpoints/{ENDPOINT}", {"id": "1"}, "$.id: cannot be changed"),
    ("PATCH", f"endpoints/{ENDPOINT}", {"port": 1.5},
     "$.port: expected a whole number from 1 to 65535, found 1.5"),
    ("PATCH", f"endpoints/{ENDPOINT}", {"then": {}}, "$.then: expected a list of steps"),
    ("PATCH", f"endpoints/{ENDPOINT}", {"then": [{"state": "ACTIVE"}]},
     "$.then[0].afterSeconds: expected seconds, 0 to 86400"),
    ("PATCH", f"endpoints/{ENDPOINT}", {"then": [{"afterSeconds": 1, "state": 1}]},
     "$.then[0].state: expected one of PENDING, ACTIVE, DELETING, FAILED, DISCOVERED, found 1"),
    ("PATCH", f"endpoints/{ENDPOINT}", {"then": [{"afterSeconds": 1, "remove": False}]},
     "$.then[0].remove: expected true and no other change"),
    ("PATCH", f"endpoints/{ENDPOINT}", {"then": [{"afterSeconds": 1, "then": []}]},
     "$.then[0].then: a step has no steps of its own"),
    ("PATCH", f"endpoints/{ENDPOINT}", [], "$: expected an object"),
    ("PATCH", f"endpoints/{ENDPOINT}", None, "the body is not JSON"),
    ("PATCH", f"names/{HOST}", {"a": ["fd00::1"]},
     '$.a: expected a list of IPv4 addresses, found ["fd00::1"]'),
    ("PATCH", f"clusters/{CLUSTER}", {"region": "mars"},
     '$.region: expected the id of one of regions, found "mars"'),
    ("PATCH", "settings", {"digests": []}, "$.digests: expected a list of MD5, SHA-256, found []"),
    ("PATCH", "settings", {"nonceSeconds": True}, "$.nonceSeconds: expected seconds, 0 to 86400, found true"),
    ("POST", "endpoints", {"group": GROUP}, "$.endpointId: missing"),
    ("POST", "endpoints", {"id": "a/b", "group": GROUP, "endpointId": "x"},
     '$.id: expected a text without blanks and slashes, found "a/b"'),
    ("POST", "projects", {"id": "1372813089454000000"},
     '$.id: "1372813089454000000" is already one of projects'),
    ("GET", "endpoints/1", None, "no such object"),
    ("PUT", "endpoints", {}, "this path does not take this method"),
    ("DELETE", "settings", None, "this path does not take this method"),
    ("DELETE", "state", None, "this path does not take this method"),
    ("GET", "elsewhere", None, "no such path; there are state, requests, queries, settings, and "
     "per kind of object a list as in the scenario"),
])
def test_control_port_refuses(calm_cloud, method, path, body, text):
    before = calm_cloud.state()
    with pytest.raises(ControlError) as refusal:
        calm_cloud.order(method, path, body)
    assert str(refusal.value) == text
    assert calm_cloud.state() == before


def test_states_that_no_api_knows(cloud, client):
    cloud.patch(f"clusters/{CLUSTER}", unchecked=True, state="HIBERNATING")
    answer = client.once("GET", CLUSTERS)
    client.take_challenge(answer)
    assert client.once("GET", CLUSTERS).json["clusters"][0]["state"] == "HIBERNATING"


def test_journal(cloud, client):
    client.get(f"{CLUSTERS}?pageSize=3")
    assert cloud.requests()[-1] == {
        "method": "GET", "path": f"{CLUSTERS}?pageSize=3", "auth": "ok", "key": PUBLIC_KEY, "nc": 1,
        "status": 200}
    cloud.clear_requests()
    assert cloud.requests() == []


def test_limits_of_requests(cloud):
    assert curl(cloud, CLUSTERS, "--header", "X-Long: " + "x" * 40000, "--write-out",
                "%{http_code}")[1].endswith("400")
    connection = http.client.HTTPConnection(cloud.control.hostname, cloud.control.port, timeout=20)
    with contextlib.closing(connection):
        connection.putrequest("POST", "/faults")
        connection.putheader("Content-Length", str(1 << 31))
        connection.endheaders()
        assert connection.getresponse().status == 413


# ---- the command line and the scenario ------------------------------------------------------------

def refused(*arguments):
    """What it says when it does not start; exit code 2 and nothing on standard output."""
    done = subprocess.run([built("emulator/tidblink-emulator"), *map(str, arguments)],
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30,
                          check=False)
    assert done.stdout == ""
    return done.returncode, done.stderr.strip()


def refused_scenario(tmp_path, text):
    path = tmp_path / "s.json"
    path.write_text(text if isinstance(text, str) else json.dumps(text))
    code, said = refused("--scenario", path)
    assert code == 2
    assert str(path) in said
    return said.split(str(path))[1]


@pytest.mark.parametrize("text, said", [
    ('{\n  "keys": [}', ":2:12: not JSON from here on"),
    ("", ":1:1: not JSON from here on"),
    ("{} {}", ":1:4: not JSON from here on"),
    ([], ": $: expected an object"),
    ({"cluster": []}, ": $.cluster: no such part; expected settings, keys, projects, regions, "
     "clusters, groups, services, endpoints, names, faults"),
    ({"keys": {}}, ": $.keys: expected a list of objects"),
    ({"keys": [1]}, ": $.keys[0]: expected an object"),
    ({"keys": [{"publicKey": "a"}]}, ": $.keys[0].privateKey: missing"),
    ({"keys": [{"publicKey": "a", "privateKey": ["sesame"]}]},
     ": $.keys[0].privateKey: expected a text, found something else"),
    ({"settings": {"requestsPerMinute": 0}},
     ": $.settings.requestsPerMinute: expected a whole number from 1 to 1000000, found 0"),
    ({"groups": [{"id": "1", "cluster": "2"}]},
     ': $.groups[0].cluster: expected the id of one of clusters, found "2"'),
    ({"projects": [{"id": "1"}, {"id": "1"}]},
     ': $.projects[1].id: "1" is already one of projects'),
    ('{"projects": [{"id": "1", "id": "2"}]}', ": $.projects[0].id: given twice"),
    ({"faults": [{"does": "explode"}]},
     ": $.faults[0].does: expected one of status, delay, hang, cut, malformed, huge, contentType, "
     'dropTls, dnsSilence, dnsServfail, dnsDelay, found "explode"'),
])
def test_scenario_errors(tmp_path, text, said):
    assert refused_scenario(tmp_path, text) == said


@pytest.mark.parametrize("arguments, said", [
    ((), "--scenario FILE is required; see --help"),
    (("--scenari", "x"), "unknown argument --scenari; see --help"),
    (("stray",), "unknown argument stray; see --help"),
    (("--scenario",), "--scenario needs a value"),
    (("--scenario", "x", "--tls-cert", "x"), "--tls-cert and --tls-key go together"),
    (("--scenario", "x", "--tls-cert", "x", "--tls-key", "x", "--ca-out", "x"),
     "--ca-out goes without --tls-cert: no CA is made then"),
    (("--scenario", "x", "--control-listen", "0.0.0.0:0"),
     "--control-listen: expected a loopback address, found 0.0.0.0:0"),
    (("--scenario", "x", "--dns-listen", "unix:/tmp/x"),
     "--dns-listen: expected an IP address and port"),
])
def test_command_line_errors(arguments, said):
    code, text = refused(*arguments)
    assert code == 2 and text.endswith(said)


def test_files_that_cannot_be_read_or_written(tmp_path):
    code, text = refused("--scenario", tmp_path / "none.json")
    assert code == 1 and "No such file" in text
    code, text = refused("--scenario", SCENARIOS / "demo.json", "--ca-out", tmp_path / "no" / "ca")
    assert code == 1 and "No such file" in text
    code, text = refused("--scenario", SCENARIOS / "demo.json", "--tls-cert",
                         SCENARIOS / "demo.json", "--tls-key", SCENARIOS / "demo.json")
    assert code == 1 and "cannot use the certificate" in text


def test_port_that_is_taken(cloud):
    taken = cloud.api_url.removeprefix("https://")
    code, text = refused("--scenario", SCENARIOS / "demo.json", "--api-listen", taken)
    assert code == 2 and taken in text and "in use" in text
    dns = ":".join(map(str, cloud.dns))
    code, text = refused("--scenario", SCENARIOS / "demo.json", "--dns-listen", dns)
    assert code == 2 and dns in text and "in use" in text


def test_given_certificate(tmp_path):
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:P-256", "-nodes", "-keyout", key, "-out", cert, "-days", "2",
                    "-subj", "/CN=x", "-addext", "subjectAltName=IP:127.0.0.1"],
                   check=True, capture_output=True)
    with Emulator(options=["--tls-cert", cert, "--tls-key", key]) as cloud:
        assert cloud.ca is None
        cloud.ca = str(cert)
        assert curl(cloud, CLUSTERS)[0] == 0


def test_made_certificate(cloud):
    with client_of(cloud) as client:
        where = client.connection.port
    context = ssl.create_default_context(cafile=cloud.ca)
    for host in "127.0.0.1", "localhost":
        with socket.create_connection(("127.0.0.1", where)) as raw, \
                context.wrap_socket(raw, server_hostname=host) as stream:
            assert stream.version() == "TLSv1.3"
    with socket.create_connection(("127.0.0.1", where)) as raw, \
            pytest.raises(ssl.SSLCertVerificationError):
        ssl.create_default_context().wrap_socket(raw, server_hostname="localhost")


def test_ready_file(tmp_path):
    ready = tmp_path / "ready.json"
    with Emulator(options=["--ready-file", ready]) as cloud:
        deadline = time.monotonic() + 10
        while not ready.exists():
            assert time.monotonic() < deadline
        assert json.loads(ready.read_text())["api_url"] == cloud.api_url


def test_listens_on_ipv6():
    with Emulator(options=["--dns-listen", "[::1]:0", "--control-listen", "[::1]:0"]) as cloud:
        assert dns_query(cloud.dns, HOST)[0] == "NOERROR"
        assert cloud.get("settings")["requestsPerMinute"] == 100


def test_sigint_ends_it_too(cloud):
    cloud.process.send_signal(signal.SIGINT)
    assert cloud.process.wait(10) == 0


def test_help():
    done = subprocess.run([built("emulator/tidblink-emulator"), "--help"], capture_output=True,
                          text=True, timeout=30, check=True)
    assert "--scenario" in done.stdout and done.stderr == ""
