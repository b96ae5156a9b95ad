# SPDX-License-Identifier: Apache-2.0
"""tidblink-emulator's control port, scenario and command line."""
import contextlib
import http.client
import json
import signal
import socket
import ssl
import subprocess
import time

import pytest

from built import built
from dns_client import dns_query
from emulator import (
    CLUSTER, ENDPOINT, GROUP, HOST, PRIVATE_KEY, PUBLIC_KEY,
    SCENARIOS, ControlError, Emulator)

CLUSTERS = "/v1beta1/clusters"


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
     "$.stat: no such field; expected one of id, group, endpointId, state, message, "
     "privateIpAddress, host, port, then"),
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
        "status": 200, "number": 2}
    cloud.clear_requests()
    assert cloud.requests() == []


def test_limits_of_requests(cloud):
    assert cloud.curl(CLUSTERS, "--header", "X-Long: " + "x" * 40000, "--write-out",
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
    ({"cluster": []}, ": $.cluster: no such part; expected settings, keys, credentials, projects, "
     "regions, clusters, groups, services, endpoints, names, publicNames, instances, vpcs, "
     "subnets, securityGroups, instance, vpcEndpoints, interfaces, hostedZones, faults"),
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
     'dropTls, dnsSilence, dnsServfail, dnsDelay, lose, awsError, found "explode"'),
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
        assert cloud.curl(CLUSTERS)[0] == 0


def test_made_certificate(cloud):
    with cloud.client() as client:
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
