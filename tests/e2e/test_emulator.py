# SPDX-License-Identifier: Apache-2.0
"""tidblink-emulator's control API: what other suites build on must be true."""
import json
import time

import pytest

from emulator import (
    CLUSTER, ENDPOINT, GROUP, PRIVATE_KEY, PUBLIC_KEY, SCENARIOS,
    ControlError, Emulator)

CLUSTERS = "/v1beta1/clusters"
GROUPS = f"{CLUSTERS}/{CLUSTER}/tidbNodeGroups"
ENDPOINTS = f"{GROUPS}/{GROUP}/privateEndpointConnections"
ALL_ENDPOINTS = f"{CLUSTERS}/-/tidbNodeGroups/-/privateEndpointConnections"


# ---- every answer is what the swagger document says (ApiClient.ask checks it) ---------------------

@pytest.mark.parametrize("scenario", sorted(path.name for path in SCENARIOS.glob("*.json")))
def test_every_answer_fits_the_swagger_document(scenario):
    with Emulator(scenario) as cloud, cloud.client() as client:
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
    with calm_cloud.client() as client:
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
    code, out = cloud.curl(CLUSTERS)
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
    with cloud.client(**key) as client:
        answer = client.ask("GET", CLUSTERS)
    assert answer.status == 401 and "stale" not in answer.challenges[0]
    assert answer.json["code"] == 16
    assert cloud.requests()[-1]["auth"] == "wrong key"
    assert "X-Ratelimit-Limit-Minute" not in answer.headers


def test_wrong_key_with_curl(cloud):
    code, out = cloud.curl(CLUSTERS, "--write-out", "%{http_code}", key=f"{PUBLIC_KEY}:wrong")
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
        with cloud.client(algorithm=algorithm) as client:
            assert len(client.once("GET", CLUSTERS).challenges) == 2
            client.get(CLUSTERS)
    assert cloud.curl(CLUSTERS)[0] == 0
    assert cloud.requests()[-1]["auth"] == "ok"
    cloud.settings(digests=["SHA-256"])
    with cloud.client() as client:
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
    assert cloud.curl(CLUSTERS, key=f"{PUBLIC_KEY}:another-secret")[0] == 0


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
    with cloud.client(public_key="other", private_key="x") as other:
        assert other.ask("GET", CLUSTERS).status == 200


# ---- changing through the API ---------------------------------------------------------------------

def test_endpoint_from_creation_to_removal(cloud, client):
    cloud.settings(acceptSeconds=0.1, requestsPerMinute=1000000)
    answer = client.ask("POST", ENDPOINTS, {"endpointId": "vpce-1"})
    assert answer.status == 200 and answer.json["endpointState"] == "PENDING"
    number = answer.json["privateEndpointConnectionId"]
    assert client.ask("POST", ENDPOINTS, {"endpointId": "vpce-1"}).status == 409
    cloud.wait_for(f"endpoints/{number}", state="ACTIVE")
    assert client.get(f"{ENDPOINTS}/{number}")["endpointState"] == "ACTIVE"
    cloud.settings(deleteSeconds=3)
    assert client.ask("DELETE", f"{ENDPOINTS}/{number}").json == {}
    assert client.get(f"{ENDPOINTS}/{number}")["endpointState"] == "DELETING"
    deadline = time.monotonic() + 60
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
