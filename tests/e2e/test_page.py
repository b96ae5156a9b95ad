# SPDX-License-Identifier: Apache-2.0
"""The status page without a browser: what it says and forbids, and what its dialog asks for."""
import base64
import contextlib
import hashlib
import http.client
import json
import re
import subprocess
from html import unescape
from urllib.parse import quote, urlencode

import pytest

from built import built, tethered
from emulator import CLUSTER, ENDPOINT, HOST, Emulator
from proxy import Proxy, UnixConnection

MANY = ["params", "url", "mysql", "go", "jdbc", "pymysql", "prisma", "rails", "laravel", "systemd",
        "powershell", "kubernetes-secret"]
AWKWARD = ["app", "o'neil", 'say "yes"', "a b&c=d+e%20f", "b\\d$HOME", "\u03b1\u03b2"]


@contextlib.contextmanager
def serving(cloud, **orders):
    with Proxy(cloud, {"orders": {"cluster-id": CLUSTER, **orders}}) as proxy:
        proxy.wait_log("verdict .*verdict=(allow|hold|refuse)")
        yield proxy


@pytest.fixture(scope="module")
def proxy():
    with Emulator() as cloud:
        cloud.patch(f"endpoints/{ENDPOINT}", state="ACTIVE")
        with serving(cloud) as proxy:
            yield proxy


def ask(proxy, path, method="GET", body=None):
    connection = UnixConnection(proxy.options["admin-socket"])
    try:
        connection.request(method, path, body)
        response = connection.getresponse()
        return response.status, response.headers, response.read().decode()
    finally:
        connection.close()


def dsn(proxy, **query):
    code, _, text = ask(proxy, "/api/v1/dsn?" + urlencode({"cluster": "orders", **query}))
    return code, json.loads(text)


def printed(proxy, *words):
    """What the command prints, and what it says beside it."""
    result = subprocess.run(
        tethered([built("app/tidblink"), "dsn", "orders", "--config", proxy.dir / "tidblink.conf",
                  *words]), stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60)
    return result.returncode, result.stdout, result.stderr.decode()


def text_of(page):
    """What a browser without script shows, roughly."""
    body = page.split("<main", 1)[1].split("</main>")[0]
    return unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", body)))


# ---- the document ---------------------------------------------------------------------------------

def test_policy_names_what_is_inside_and_nothing_else(proxy):
    code, headers, page = ask(proxy, "/")
    assert code == 200 and headers["Content-Type"] == "text/html; charset=utf-8"
    policy = dict(part.split(" ", 1) for part in headers["Content-Security-Policy"].split("; "))
    for directive in ("default-src", "base-uri", "form-action", "frame-ancestors"):
        assert policy[directive] == "'none'"
    assert policy["connect-src"] == "'self'" and policy["img-src"] == "data:"
    for tag in ("script", "style"):
        found = re.findall(rf"<{tag}>(.*?)</{tag}>", page, re.DOTALL)
        assert len(found) == len(re.findall(rf"<{tag}\b", page)) == 1
        digest = base64.b64encode(hashlib.sha256(found[0].encode()).digest()).decode()
        assert policy[f"{tag}-src"] == f"'sha256-{digest}'"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cache-Control"] == "no-store"
    # No address that a browser would go to by itself.
    assert not re.search(r"(?:src|href|url)\s*[=(]\s*[\"']?(?:https?:)?//", page)
    assert not re.search(r"\son\w+=|style=", page)


def test_it_is_small(proxy):
    assert len(ask(proxy, "/")[2].encode()) < 64 * 1024


def test_states_are_text_in_the_document(proxy):
    text = text_of(ask(proxy, "/")[2])
    assert "1 cluster: 1 served" in text
    assert "Private endpoint: it is ready to use" in text
    assert "vpce-0a1b2c3d4e5f67890" in text and f"{HOST}:4000" in text


def test_next_step_is_a_command(cloud):
    with serving(cloud) as proxy:
        page = ask(proxy, "/")[2]
        assert "<code>tidblink wait --for active --max 10m orders</code>" in page
        assert "TiDB Cloud is accepting it; usually about 5 minutes" in text_of(page)


def test_command_is_one_for_a_shell(cloud):
    with Proxy(cloud, {"o&r": {"cluster-id": CLUSTER}}) as proxy:
        proxy.wait_log("verdict .*verdict=hold")
        assert "<code>tidblink wait --for active --max 10m &#39;o&amp;r&#39;</code>" in \
            ask(proxy, "/")[2]


def test_long_alias_does_not_cut_the_command(cloud):
    """The verdict's own text ends after some bytes, and half a command is another one."""
    alias = "a" * 180
    with Proxy(cloud, {alias: {"cluster-id": CLUSTER}}) as proxy:
        proxy.wait_log("verdict .*verdict=hold")
        assert f"<code>tidblink wait --for active --max 10m {alias}</code>" in ask(proxy, "/")[2]


def test_reason_of_a_failure_is_shown(cloud):
    cloud.patch(f"endpoints/{ENDPOINT}", state="FAILED", message='no "such" <endpoint> & more')
    with serving(cloud) as proxy:
        page = ask(proxy, "/")[2]
        assert "<bdi>no &quot;such&quot; &lt;endpoint&gt; &amp; more</bdi>" in page
        assert "tidblink endpoint delete orders</code>" in page
        assert "then create it again" in text_of(page)


# ---- strings --------------------------------------------------------------------------------------

def test_catalogue_is_the_one_of_dsn_list(proxy):
    result = subprocess.run([built("app/tidblink"), "dsn", "--list", "--json"], timeout=60,
                            stdout=subprocess.PIPE, check=True)
    assert json.loads(ask(proxy, "/api/v1/clients")[2]) == json.loads(result.stdout)


@pytest.mark.parametrize("to", ["proxy", "endpoint"])
def test_every_string_is_what_dsn_prints(proxy, to):
    direct = ["--direct"] if to == "endpoint" else []
    code, out, _ = printed(proxy, "--client", "all", "--json", "--user", "o'neil", "--database",
                           'a "b" c', *direct)
    assert code == 0
    rows = json.loads(out)
    assert len(rows) > 100
    for row in rows:
        code, answer = dsn(proxy, client=row["client"], to=to, user="o'neil", database='a "b" c')
        if "error" in row:
            assert (code, answer["reason"]) == (400, row["error"])
        else:
            assert (code, answer) == (200, row)


@pytest.mark.parametrize("client", ["go", "systemd"])
@pytest.mark.parametrize("user", AWKWARD)
def test_awkward_users_arrive_whole(proxy, client, user):
    code, out, words = printed(proxy, "--client", client, "--user", user)
    answer_code, answer = dsn(proxy, client=client, user=user)
    if code == 0:
        assert (answer_code, answer["text"] + "\n") == (200, out.decode())
    else:
        assert answer_code == 400 and answer["reason"] in words


def test_a_listener_on_a_socket_alone(cloud, tmp_path):
    cloud.patch(f"endpoints/{ENDPOINT}", state="ACTIVE")
    with serving(cloud, listen=f"unix:{tmp_path}/orders.sock") as proxy:
        assert dsn(proxy, client="mysql")[1]["text"] + "\n" == \
            printed(proxy, "--client", "mysql")[1].decode()
        code, answer = dsn(proxy, client="url")
        assert code == 400 and "no common form" in answer["reason"]


@pytest.mark.parametrize("query, code, reason", [
    ("", 400, "expected at least cluster=ALIAS&client=NAME"),
    ("cluster=orders", 400, "expected at least"),
    ("cluster=nobody&client=go", 404, 'serves no cluster "nobody"'),
    ("cluster=orders&client=%ff", 404, 'no client "?"'),
    ("cluster=x" + "%c3%a9" * 40 + "&client=go", 404, "\u00e9?\""),  # cut in a character
    ("cluster=orders&client=gopher", 404, 'no client "gopher"'),
    ("cluster=orders&client=go&to=mars", 400, "to: expected proxy or endpoint"),
    ("cluster=orders&client=go&password=x", 400, "no parameter has this name"),
    ("cluster=orders&client=go&client=url", 400, "client: given twice"),
    ("cluster=orders&client=go&user=a%0ab", 400, "control characters"),
    ("cluster=orders&client=go&user=%ff", 400, "not valid UTF-8"),
    ("cluster=orders&client=go&user=" + "x" * 200, 400, "at most 128"),
    ("cluster=orders&client=go&user=", 400, "the user is empty"),
])
def test_what_cannot_be_printed_says_why(proxy, query, code, reason):
    seen, headers, text = ask(proxy, "/api/v1/dsn?" + query)
    assert (seen, headers["Content-Type"]) == (code, "application/json")
    assert reason in json.loads(text)["reason"]
    assert "password=x" not in text


def test_no_address_yet_is_a_conflict():
    options = {"state-source": "file:/nowhere/state.json"}
    with Proxy(clusters={"orders": {"cluster-id": "1"}}, options=options) as proxy:
        code, answer = dsn(proxy, client="go", to="endpoint")
        assert (code, answer["error"]) == (409, "state")
        assert dsn(proxy, client="go")[0] == 200


# ---- doctor ---------------------------------------------------------------------------------------

def findings(proxy):
    return json.loads(ask(proxy, "/api/v1/doctor")[2])["clusters"]


def test_doctor_hands_over_what_it_found(cloud):
    cloud.patch(f"endpoints/{ENDPOINT}", state="FAILED", message="not there")
    with serving(cloud) as proxy:
        assert findings(proxy) == []
        command = [built("app/tidblink"), "doctor", "--config", proxy.dir / "tidblink.conf"]
        result = subprocess.run(tethered(command + ["--json"]), stdout=subprocess.PIPE, timeout=100)
        assert result.returncode == 3
        said = json.loads(result.stdout)["clusters"][0]
        kept, = findings(proxy)
        assert (kept["alias"], kept["ok"], kept["first"]) == ("orders", False, said["first"])
        for name in ("hop", "status", "saw", "why", "fix", "fix_is_command"):
            assert [hop.get(name) for hop in kept["hops"]] == [hop.get(name) for hop in said["hops"]]
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", kept["at"])
        # The text form hands over as well, and takes the place of what was there.
        subprocess.run(tethered(command), stdout=subprocess.DEVNULL, timeout=100)
        assert len(findings(proxy)) == 1


def test_findings_come_over_the_socket_alone(proxy):
    assert ask(proxy, "/api/v1/doctor", "DELETE")[0] == 405
    with Proxy(clusters={"orders": {"host": "127.0.0.1", "port": "1"}},
               options={"state-source": "none", "admin-listen": "127.0.0.1:0"}) as other:
        port = int(other.wait_log(r"admin listening address=127\.0\.0\.1:(\d+)")[1])
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        connection.request("POST", "/api/v1/doctor", '{"clusters":[{"alias":"orders"}]}')
        assert connection.getresponse().status == 403
        connection.close()
        assert findings(other) == []


@pytest.mark.parametrize("body", ["", "{", "[]", '{"clusters":{}}', '{"clusters":"x"}', "\0\0"])
def test_what_is_no_document_is_refused(proxy, body):
    assert ask(proxy, "/api/v1/doctor", "POST", body)[0] == 400


def test_only_what_is_known_is_kept(proxy):
    given = {"secret": "s3cret", "clusters": [
        {"alias": "nobody", "hops": []}, {"hops": []}, 7,
        {"alias": "orders", "ok": True, "password": "s3cret", "hops": [
            {"hop": "keys", "status": "ok", "saw": "fine", "details": {"key": "s3cret"}}, 7]}]}
    code, _, text = ask(proxy, "/api/v1/doctor", "POST", json.dumps(given))
    assert (code, json.loads(text)) == (200, {"kept": 1})
    kept, = findings(proxy)
    del kept["at"]
    assert kept == {"alias": "orders", "ok": True, "hops": [
        {"hop": "keys", "status": "ok", "saw": "fine", "fix_is_command": False}]}


def test_too_long_a_document_is_refused(proxy):
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        assert ask(proxy, "/api/v1/doctor", "POST", "x" * (2 << 20))[0] in (400, 413)
    assert ask(proxy, "/liveness")[0] == 200


def test_names_do_not_break_out(proxy):
    """Of what a query brings, only the answer's JSON has it."""
    name = quote('</script><script>alert(1)</script>')
    _, headers, text = ask(proxy, f"/api/v1/dsn?cluster={name}&client=go")
    assert headers["Content-Type"] == "application/json"
    assert 'alert(1)' in json.loads(text)["reason"]
