# SPDX-License-Identifier: Apache-2.0
"""Bad days of the control API: what a client gets, and what is shown, when nothing is known and when
something is."""
import socket

import pytest

import client
from certs import Authority
from emulator import CLUSTER, ENDPOINT, GROUP, HOST
from proxy import ORDERS, Proxy
from servers import GREETING, Greeter

CLUSTER_PATH, ENDPOINT_PATH = f"clusters/{CLUSTER}", f"endpoints/{ENDPOINT}"
KEY_PATH = "keys/demo-public"


@pytest.fixture
def server():
    with Greeter() as greeter:
        yield greeter.port


@pytest.fixture
def known(cloud, server):
    """A cloud whose endpoint is ACTIVE and asked about often, because another one is PENDING."""
    cloud.settings(requestsPerMinute=1000000)
    cloud.patch(CLUSTER_PATH, port=server)
    cloud.patch(ENDPOINT_PATH, state="ACTIVE")
    cloud.add("endpoints", group=GROUP, endpointId="vpce-another", state="PENDING")
    return cloud


def greeted(port):
    """Whether a client gets the server's greeting."""
    with client.connect(port) as sock:
        return client.read_greeting(sock) == GREETING


def placed(server):
    """A cluster whose host and port are configured."""
    return {**ORDERS, "host": HOST, "port": server}


def both(server):
    return {"orders": dict(ORDERS), "placed": placed(server)}


# ---- nothing known: a wrong key is a mistake of the deployment ------------------------------------

@pytest.mark.parametrize("change, undo, error, text", [
    ({"privateKey": "another"}, {"privateKey": "demo-private"}, "api-key",
     "tidblink: the state of orders is not known: the control API does not accept the API key "
     "(401). Check api-public-key-file and api-private-key-file with: tidblink doctor orders"),
    ({"forbidden": True}, {"forbidden": False}, "api-forbidden",
     "tidblink: the state of orders is not known: the API key may not look at it (403). Use a key "
     "of its organization or project; check with: tidblink doctor orders"),
], ids=["401", "403"])
def test_refused_key_with_nothing_known_refuses(known, server, change, undo, error, text):
    """Also with host and port: a check that never happens must not pass unnoticed."""
    known.patch(KEY_PATH, **change)
    with Proxy(known, {"orders": placed(server)}) as proxy:
        proxy.wait_verdict("refuse")
        assert client.refusal(proxy.port()) == (1105, text)
        assert proxy.wait_log(r"the control API gave no answer .*error=(\S+)")[1] == error
        shown = proxy.cluster()
        assert (shown["api"]["ok"], shown["api"]["error"]) == (False, error)
        assert (shown["new_connections"], shown["refusal"]) == ("refuse", text)
        assert proxy.metric('tidblink_api_up{cluster="orders"}') == 0
        # It goes on with nothing but the right key.
        known.patch(KEY_PATH, **undo)
        proxy.wait_log("the control API answers again")
        proxy.wait_verdict("allow", "ACTIVE")
        assert greeted(proxy.port())


# ---- nothing known: an outage ---------------------------------------------------------------------

OUTAGES = [
    # fault, error, words of the reason
    ({"does": "status", "status": 500}, "api-unreachable", ": 500, "),
    ({"does": "status", "status": 503}, "api-unreachable", ": 503, "),
    ({"does": "hang"}, "api-unreachable", "within 2000 ms"),
    ({"does": "dropTls"}, "api-unreachable", "no answer from https://"),
    ({"does": "cut"}, "api-unreachable", "no answer from https://"),
    ({"does": "malformed"}, "api-answer", "not JSON"),
    ({"does": "huge"}, "api-answer", "larger than 8388608 bytes"),
    ({"does": "contentType"}, "api-answer", "text/html"),
    ({"does": "status", "status": 302, "body": ""}, "api-answer", "a redirect"),
    ({"does": "status", "status": 200, "body": "<html>Log in to the hotel's network</html>"},
     "api-answer", "not JSON"),
    ({"does": "status", "status": 200, "body": "{}"}, "api-answer", "expected"),
    ({"does": "status", "status": 200, "body": "[" * 100000}, "api-answer", "nested"),
    ({"does": "status", "status": 429}, "api-rate", ": 429, "),
]
OUTAGE_NAMES = ["500", "503", "hang", "dropTls", "cut", "malformed", "huge", "contentType", "302",
                "portal", "empty", "deep", "429"]
FAST = {"api-timeout": "2s", "hold-timeout": "100ms"}


def assert_outage(proxy, error, words):
    """Nothing is known: allowed where the configuration says where, refused where it does not."""
    proxy.wait_log("verdict cluster=placed .*verdict=allow .*unchecked=yes")
    assert greeted(proxy.port("placed"))
    errno, text = client.refusal(proxy.port("orders"))
    assert errno == 1053
    assert text.startswith("tidblink: the state of orders is not known: the control API is of no "
                           "help ("), text
    assert text.endswith("Set host and port of orders in the configuration to connect unchecked")
    assert len(text) <= 380
    for alias, action in ("orders", "hold"), ("placed", "allow-unchecked"):
        shown = proxy.cluster(alias)
        assert shown["new_connections"] == action
        assert (shown["api"]["ok"], shown["api"]["error"]) == (False, error)
        assert words in shown["api"]["reason"], shown["api"]["reason"]
        assert "age_s" not in shown
    metrics = proxy.metrics()
    assert metrics['tidblink_api_up{cluster="orders"}'] == 0
    assert metrics["tidblink_connections_unchecked_total"] == 1
    assert metrics['tidblink_cluster_verdict{cluster="placed",action="allow-unchecked"}'] == 1


@pytest.mark.parametrize("fault, error, words", OUTAGES, ids=OUTAGE_NAMES)
def test_outage_with_nothing_known(known, server, fault, error, words):
    known.fault(**fault)
    with Proxy(known, both(server), FAST) as proxy:
        assert_outage(proxy, error, words)
        if error == "api-rate":
            return  # it waits for a minute
        known.clear_faults()
        proxy.wait_cluster("orders", new_connections="allow", state="ACTIVE")
        proxy.wait_cluster("placed", new_connections="allow", state="ACTIVE")
        assert greeted(proxy.port("orders"))
        assert proxy.metric("tidblink_connections_unchecked_total") == 1


def test_connection_to_the_api_refused(cloud, server):
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        url = f"https://127.0.0.1:{deaf.getsockname()[1]}"
        with Proxy(cloud, both(server), {**FAST, "api-url": url}) as proxy:
            assert_outage(proxy, "api-unreachable", f"no answer from {url}: Failed to connect")


def test_certificate_of_the_api_is_not_trusted(cloud, server, tmp_path):
    Authority("somebody else").write(tmp_path / "ca.pem")
    for trusted in None, tmp_path / "ca.pem":
        with Proxy(cloud, both(server), {**FAST, "api-ca": trusted}) as proxy:
            assert_outage(proxy, "api-unreachable", "for a CA of your own set api-ca")
            assert f"the certificate of {cloud.api_url} is not trusted" in \
                proxy.cluster()["api"]["reason"]
    # Not even the key's name was sent.
    assert cloud.requests() == []


def test_unchecked_is_not_unguarded(known, server):
    """Without the state a public address is as wrong as with it."""
    known.fault("status")
    known.patch(f"names/{HOST}", a=["93.184.216.34"])
    with Proxy(known, {"placed": placed(server)}, FAST) as proxy:
        proxy.wait_log("verdict .*unchecked=yes")
        errno, text = client.refusal(proxy.port("placed"))
        assert errno == 1042 and "93.184.216.34" in text


@pytest.mark.parametrize("fault, words", [
    ({"does": "status"}, "500"),
    ({"does": "malformed"}, "not JSON")], ids=["500", "malformed"])
def test_control_loss_refuse_refuses(known, server, fault, words):
    known.fault(**fault)
    with Proxy(known, {"placed": placed(server)}, {**FAST, "control-loss": "refuse"}) as proxy:
        proxy.wait_verdict("refuse")
        errno, text = client.refusal(proxy.port("placed"))
        assert errno == 1053
        assert text.startswith("tidblink: the state of placed is not known: the control API is of "
                               "no help ("), text
        assert words in text
        assert text.endswith(". control-loss = refuse is set; to find the cause: tidblink doctor "
                             "placed")
        known.clear_faults()
        proxy.wait_verdict("allow", "ACTIVE")
        assert greeted(proxy.port("placed"))


def test_a_client_that_is_held_during_an_outage_is_served_at_its_end(known, server):
    known.fault("status")
    with Proxy(known, options={**FAST, "hold-timeout": "60s"}) as proxy:
        proxy.wait_log("the control API gave no answer")
        with client.connect(proxy.port()) as sock:
            proxy.wait_metric('tidblink_connections{step="hold"}', 1)
            known.clear_faults()
            assert client.read_greeting(sock) == GREETING


def test_rate_limit_is_waited_for(known):
    """429: nobody asks before the time that the API gave, not for any number of held clients."""
    known.fault("status", status=429)
    with Proxy(known, options=FAST) as proxy:
        shown = proxy.wait_cluster("orders", new_connections="hold")
        assert shown["api"]["error"] == "api-rate"
        assert "429" in shown["api"]["reason"]
        asked = len(known.requests())
        for _ in range(5):
            assert "429" in client.refusal(proxy.port())[1]
        assert len(known.requests()) == asked
        again = proxy.cluster()["api"]
        assert again["next_poll"] == shown["api"]["next_poll"] > again.get("answered", "")
        assert again["failures"] == 1


# ---- with knowledge -------------------------------------------------------------------------------

def test_silence_changes_nothing(known):
    """What is known stands, and each failure is shown as what it is."""
    with Proxy(known, options=FAST) as proxy:
        proxy.wait_verdict("allow", "ACTIVE")
        mark = proxy.mark()
        with client.connect(proxy.port()) as running:
            client.read_greeting(running)
            for fault, error, words in OUTAGES:
                if fault["does"] == "dropTls":
                    continue  # the connection to the API is kept: there is no handshake to drop
                known.fault(**fault)
                shown = proxy.wait_cluster("orders", lambda api: words in api.get("reason", ""))
                assert shown["api"]["error"] == error
                assert (shown["new_connections"], shown["state"]) == ("allow", "ACTIVE")
                assert greeted(proxy.port())
                if error != "api-rate":  # the last one, as it waits for a minute
                    known.clear_faults()
                    proxy.wait_cluster("orders", lambda api: api["ok"])
            running.setblocking(False)
            with pytest.raises(BlockingIOError):
                running.recv(1)
        assert " verdict " not in "\n".join(proxy.log_text().splitlines()[mark:])
        assert proxy.metric("tidblink_connections_unchecked_total") == 0


@pytest.mark.parametrize("change, error", [
    ({"privateKey": "another"}, "api-key"), ({"forbidden": True}, "api-forbidden")],
    ids=["401", "403"])
def test_refused_key_changes_nothing(known, change, error):
    with Proxy(known, options=FAST) as proxy:
        proxy.wait_verdict("allow", "ACTIVE")
        known.patch(KEY_PATH, **change)
        shown = proxy.wait_cluster("orders", lambda api: api.get("error") == error)
        assert (shown["new_connections"], shown["state"]) == ("allow", "ACTIVE")
        assert greeted(proxy.port())


# ---- values that this version does not know -------------------------------------------------------

@pytest.mark.parametrize("path", [
    CLUSTER_PATH, f"groups/{GROUP}", f"services/{GROUP}", ENDPOINT_PATH])
def test_unknown_states_count_as_active(known, path):
    known.patch(path, unchecked=True, state="BRANDNEW")
    with Proxy(known) as proxy:
        proxy.wait_verdict("allow")
        assert greeted(proxy.port())
        known.wait_polls(3)
        proxy.wait_log("warn .*BRANDNEW")
        told = [line for line in proxy.log_text().splitlines()
                if "BRANDNEW" in line and " verdict " not in line]
        assert len(told) == 1 and " warn " in told[0], told
        assert "this version of tidblink does not know this state and treats it as ACTIVE" in \
            proxy.admin("/api/v1/status")[1]


# ---- absence --------------------------------------------------------------------------------------

@pytest.mark.parametrize("path, asked, words, next_step", [
    (ENDPOINT_PATH, "privateEndpointConnections",
     "tidblink: private endpoint vpce-0a1b2c3d4e5f67890 of orders cannot be used: none (no private "
     "endpoint is registered yet), 1 other endpoint is", ". Create it with: tidblink setup orders"),
    (CLUSTER_PATH, f"clusters/{CLUSTER}",
     "tidblink: cluster orders cannot be used: not found (it has been deleted, or it belongs to "
     "another organization than the API key)", ". To choose another cluster: tidblink clusters"),
], ids=["endpoint", "cluster"])
def test_absence_is_believed_after_two_polls(known, path, asked, words, next_step):
    with Proxy(known) as proxy:
        proxy.wait_verdict("allow", "ACTIVE")
        known.remove(path)
        known.clear_requests()
        proxy.wait_verdict("refuse")
        polls = [request for request in known.requests()
                 if request["path"].partition("?")[0].endswith(asked)]
        assert len(polls) >= 2
        errno, text = client.refusal(proxy.port())
        assert errno == 1105
        assert text.startswith(words) and text.endswith(next_step), text


def test_absence_is_not_believed_while_connections_succeed(known):
    with Proxy(known) as proxy:
        proxy.wait_verdict("allow", "ACTIVE")
        assert greeted(proxy.port())
        mark = proxy.mark()
        known.remove(ENDPOINT_PATH)
        shown = proxy.wait_cluster("orders", state="none")
        assert (shown["new_connections"], shown["contradicted"]) == ("allow", True)
        known.remove(CLUSTER_PATH)
        shown = proxy.wait_cluster("orders", state="not found")
        assert (shown["new_connections"], shown["contradicted"]) == ("allow", True)
        assert greeted(proxy.port())
        proxy.wait_log("verdict .*verdict=allow .*state=none", after=mark)
        proxy.wait_log('verdict .*verdict=allow .*state="not found"', after=mark)


def test_one_poll_without_it_means_nothing(known):
    with Proxy(known) as proxy:
        proxy.wait_verdict("allow", "ACTIVE")
        mark = proxy.mark()
        known.clear_requests()
        known.fault("status", status=404, count=1, match=f"/v1beta1/clusters/{CLUSTER}")
        known.wait_polls(3)
        assert known.get("faults") == []
        assert " verdict " not in "\n".join(proxy.log_text().splitlines()[mark:])
        assert greeted(proxy.port())


# ---- several endpoints ----------------------------------------------------------------------------

ANY = {"orders": {"cluster-id": CLUSTER}}


def test_any_active_endpoint_allows(known):
    known.patch(ENDPOINT_PATH, state="FAILED")
    another = known.add("endpoints", group=GROUP, endpointId="vpce-third", state="ACTIVE")
    with Proxy(known, ANY) as proxy:
        proxy.wait_verdict("allow", "ACTIVE")
        assert greeted(proxy.port())
        known.patch(f"endpoints/{another['id']}", state="DISCOVERED")
        proxy.wait_verdict("hold", "PENDING")  # vpce-another


def test_when_all_endpoints_refuse_they_are_listed(known):
    known.remove("endpoints")
    known.add("endpoints", group=GROUP, endpointId="vpce-1", state="FAILED")
    known.add("endpoints", group=GROUP, endpointId="vpce-2", state="DISCOVERED")
    with Proxy(known, ANY) as proxy:
        proxy.wait_verdict("refuse")
        assert client.refusal(proxy.port()) == (
            1105, "tidblink: no private endpoint of orders is usable: vpce-1 FAILED, vpce-2 "
            "DISCOVERED. Say which is yours (endpoint-id), see: tidblink status orders")


def test_endpoint_id_picks_one(known):
    """Neither a better nor a worse sibling matters."""
    known.patch(ENDPOINT_PATH, state="FAILED", message="the endpoint was rejected")
    known.add("endpoints", group=GROUP, endpointId="vpce-third", state="ACTIVE")
    clusters = {"orders": dict(ORDERS),
                "third": {"cluster-id": CLUSTER, "endpoint-id": "vpce-third"}}
    with Proxy(known, clusters) as proxy:
        proxy.wait_log("verdict cluster=orders .*verdict=refuse .*state=FAILED")
        proxy.wait_log("verdict cluster=third .*verdict=allow .*state=ACTIVE")
        assert client.refusal(proxy.port("orders")) == (
            1105, "tidblink: private endpoint vpce-0a1b2c3d4e5f67890 of orders cannot be used: "
            "FAILED (TiDB Cloud could not set it up), the endpoint was rejected. Delete it with: "
            "tidblink endpoint delete orders, then create it again")
        assert greeted(proxy.port("third"))


def test_a_siblings_end_drains_nobody(known):
    known.patch(ENDPOINT_PATH, state="ACTIVE")
    sibling = known.add("endpoints", group=GROUP, endpointId="vpce-third", state="ACTIVE")
    clusters = {"orders": dict(ORDERS), "any": {"cluster-id": CLUSTER}}
    with Proxy(known, clusters, {"drain-timeout": "1s"}) as proxy:
        for alias in clusters:
            proxy.wait_log(f"verdict cluster={alias} .*verdict=allow")
        with client.connect(proxy.port("orders")) as ours, client.connect(proxy.port("any")) as other:
            client.read_greeting(ours)
            client.read_greeting(other)
            known.patch(f"endpoints/{sibling['id']}", state="DELETING")
            known.clear_requests()
            known.wait_polls(2)
            assert proxy.metric('tidblink_connections{step="relay"}') == 2
            # All that are left: refused, but whose they are is not known, so nothing is drained.
            for endpoint in known.get("endpoints"):
                known.patch(f"endpoints/{endpoint['id']}", state="DELETING")
            line = proxy.wait_log("verdict cluster=any .*verdict=refuse.*")
            assert "drain" not in line.string
            # Ours for sure: it is drained.
            proxy.wait_log("verdict cluster=orders .*verdict=refuse .*drain=yes")
            assert client.read_all(ours) == b""
            assert proxy.metric('tidblink_connections{step="relay"}') == 1


# ---- names ----------------------------------------------------------------------------------------

def test_unknown_cluster_id(known):
    with Proxy(known, {"orders": {"cluster-id": "4711"}}) as proxy:
        proxy.wait_verdict("refuse")
        assert client.refusal(proxy.port()) == (
            1105, "tidblink: cluster orders cannot be used: not found (it has been deleted, or it "
            "belongs to another organization than the API key). To choose another cluster: "
            "tidblink clusters")


def test_unknown_display_name(known):
    with Proxy(known, {"ordres": {}}) as proxy:
        proxy.wait_verdict("refuse")
        errno, text = client.refusal(proxy.port("ordres"))
        assert errno == 1105
        assert "ordres" in text and "project" in text, text
        assert text.endswith(". List them with: tidblink clusters")
        # It appears later.
        known.add("clusters", id="4712", displayName="ordres", project="1372813089454000000",
                  region="aws-us-east-1")
        proxy.wait_cluster("ordres", cluster_id="4712")


def test_ambiguous_display_name_lists_the_ids(known):
    known.add("clusters", id="4712", displayName="orders", project="1372813089454000000",
              region="aws-us-east-1")
    with Proxy(known, {"orders": {}}) as proxy:
        proxy.wait_verdict("refuse")
        errno, text = client.refusal(proxy.port())
        assert errno == 1105
        assert CLUSTER in text and "4712" in text and "orders" in text, text


def test_display_name_instead_of_id(known):
    with Proxy(known, {"orders": {}}) as proxy:
        proxy.wait_verdict("allow", "ACTIVE")
        assert proxy.cluster()["cluster_id"] == CLUSTER
        assert greeted(proxy.port())


def test_name_and_group(known, server):
    known.add("groups", id="77", cluster=CLUSTER, displayName="reports", default=False)
    known.add("services", group="77", serviceName="com.amazonaws.vpce.us-east-1.vpce-svc-77",
              dnsName=HOST)
    reports = known.add("endpoints", group="77", endpointId="vpce-77", state="FAILED")
    with Proxy(known, {"orders": {}, "orders/reports": {}, "orders/nobody": {}}) as proxy:
        proxy.wait_log("verdict cluster=orders .*verdict=allow .*state=ACTIVE")
        proxy.wait_log("verdict cluster=orders/reports .*verdict=refuse .*state=FAILED")
        errno, text = client.refusal(proxy.port("orders/reports"))
        assert errno == 1105 and "vpce-77" in text
        assert greeted(proxy.port("orders"))
        known.patch(f"endpoints/{reports['id']}", state="ACTIVE")
        proxy.wait_cluster("orders/reports", new_connections="allow", state="ACTIVE")
        assert greeted(proxy.port("orders/reports"))
        proxy.wait_cluster("orders/nobody", new_connections="refuse")
        errno, text = client.refusal(proxy.port("orders/nobody"))
        assert errno == 1105
        assert "node group nobody of orders/nobody cannot be used: not found (the cluster has no " \
            "such node group). To see its groups: tidblink status orders/nobody" in text


# ---- digest ---------------------------------------------------------------------------------------

def test_one_challenge_for_one_nonce(known):
    with Proxy(known) as proxy:
        proxy.wait_verdict("allow")
        known.wait_polls(5)
        asked = known.requests()
        assert [request["status"] for request in asked].count(401) == 1
        assert [request["nc"] for request in asked[1:]] == list(range(1, len(asked)))


def test_an_old_nonce_costs_one_challenge(known):
    known.settings(nonceSeconds=1)
    with Proxy(known, options={"poll-interval-changing": "1s"}) as proxy:
        proxy.wait_verdict("allow", "ACTIVE")
        known.wait_polls(3)
        assert {"none", "ok", "stale nonce"} == {request["auth"] for request in known.requests()}
        assert proxy.cluster()["api"]["failures"] == 0
