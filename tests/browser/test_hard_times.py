# SPDX-License-Identifier: Apache-2.0
"""The page while what it asks is slow, silent, broken, of another version, or serves other clusters."""
import contextlib
import http.server
import json
import re
import threading
import time

import pytest

from claims import claimed_port
from pages import card, expect, refreshed, shown

WAIT_SECONDS = 30
NOWHERE = {"host": "127.0.0.1", "port": "1"}

# Time runs a hundred times as fast for the page's own timers, and is written down.
HURRY = """window.delays = [];
const later = window.setTimeout;
window.setTimeout = (what, ms, ...more) => { delays.push(ms); return later(what, ms / 100, ...more); };"""


def next_status(page, count=1):
    for _ in range(count):
        page.wait_for_event("response", lambda answer: answer.url.endswith("/api/v1/status"))


@pytest.mark.parametrize("path, answer", [
    ("history", {}), ("connections", {"open": 1}), ("doctor", {"clusters": [{"alias": "x"}]}),
    ("doctor", {"clusters": [{"alias": "x", "hops": [{"hop": "h", "status": "constructor"}]}]})])
def test_a_part_that_cannot_be_shown_stops_no_other(visits, busy, path, answer):
    """As one of another version."""
    def prepare(page):
        page.route(f"**/api/v1/{path}*", lambda route: route.fulfill(json=answer))

    page = visits.open(busy.page, prepare=prepare)
    next_status(page, 3)
    for part in {"connections", "doctor"} - {path}:
        page.locator(f"#{part} .box > *").first.wait_for()
    stale = page.locator("[data-stale]").evaluate_all("(found) => found.map(({id}) => id)")
    assert stale == {"history": ["traffic"], "connections": ["connections", "closings"]}.get(path, [path])
    assert not page.locator("#gone").is_visible()
    visits.forgive("console: ")


@pytest.mark.parametrize("how", ["silent", "broken"])
def test_a_part_without_an_answer_is_not_the_whole_proxy(visits, busy, how):
    def answer(route):
        if how == "broken":
            route.fulfill(body="{", content_type="application/json")

    page = visits.open(busy.page, prepare=lambda page: page.route("**/api/v1/connections*", answer))
    next_status(page, 3)
    page.locator("#doctor .box > *").first.wait_for()
    assert not page.locator("#gone").is_visible()
    assert page.locator("#say").inner_text() == ""


def test_states_of_another_kind_are_not_shown_as_news(visits, busy):
    """Whoever reads the page must not believe that it goes on."""
    page = visits.open(busy.page)
    page.route("**/api/v1/status", lambda route: route.fulfill(json={"clusters": 7}))
    expect(page.locator("#gone")).to_have_text(re.compile("load the page again"))
    page.unroute("**/api/v1/status")
    page.locator("#gone").wait_for(state="hidden")
    visits.forgive("console: ")


def test_it_asks_less_often_while_nobody_answers(visits, busy):
    """Behind ssh -L each question is a line of an error on somebody's terminal."""
    page = visits.open(busy.page, prepare=lambda page: page.add_init_script(HURRY))
    page.route("**/api/v1/status", lambda route: route.abort())
    page.locator("#gone").wait_for()
    page.evaluate("delays.length = 0")
    asked = []
    page.on("requestfailed", lambda request: asked.append(request.url))
    while len(asked) < 8:
        page.wait_for_event("requestfailed")
    delays = page.evaluate("delays")
    assert delays == sorted(delays) and delays[-1] == delays[-2] >= 15_000, delays
    page.unroute("**/api/v1/status")
    page.locator("#gone").wait_for(state="hidden")
    page.evaluate("delays.length = 0")
    next_status(page, 2)
    assert set(page.evaluate("delays")) == {2000}


def test_a_day_costs_no_memory(visits, busy):
    page = visits.open(busy.page, prepare=lambda page: page.add_init_script(HURRY))
    tools = page.context.new_cdp_session(page)
    tools.send("Performance.enable")

    def used():
        tools.send("HeapProfiler.collectGarbage")
        metrics = {row["name"]: row["value"] for row in tools.send("Performance.getMetrics")["metrics"]}
        return metrics["Nodes"], metrics["JSEventListeners"], metrics["JSHeapUsedSize"]

    for part in ("connections", "closings", "traffic", "doctor"):
        page.locator(f"#{part}").wait_for()
    next_status(page, 50)
    before = used()
    next_status(page, 150)
    # What has been let go is counted until the browser has come to it; what is kept becomes ever more.
    deadline = time.monotonic() + WAIT_SECONDS
    while True:
        after = used()
        if after[0] < before[0] * 1.3 and after[1] == before[1] and after[2] < before[2] * 1.5:
            return
        assert time.monotonic() < deadline, (before, after)
        page.wait_for_timeout(100)


# ---- other clusters, another version --------------------------------------------------------------

@contextlib.contextmanager
def one_that_restarts(clusters):
    """A proxy on one port; restart(clusters) starts it again."""
    with claimed_port(["127.0.0.1"]) as port:
        options = {"state-source": "none", "admin-listen": f"127.0.0.1:{port}"}
        with shown(None, {alias: NOWHERE for alias in clusters}, options) as proxy:
            def restart(aliases):
                proxy.stop_program()
                proxy.clusters = {alias: NOWHERE for alias in aliases}
                proxy.launch()

            proxy.restart = restart
            yield proxy


def test_clusters_come_and_go(visits):
    with one_that_restarts(["orders"]) as proxy:
        page = visits.open(proxy.page)
        assert page.locator("#index a").count() == 0
        proxy.restart(["billing", "orders"])
        card(page, "billing").wait_for()
        expect(page.locator("#index a bdi")).to_have_text(["billing", "orders"])
        assert page.locator("#index").evaluate("(found) => found.nextElementSibling.id") == "clusters"
        proxy.restart(["orders"])
        card(page, "billing").wait_for(state="detached")
        expect(page.locator("#index a")).to_have_count(0)
        assert page.locator("article").count() == 1


def test_dialog_of_a_cluster_that_is_gone_says_so(visits):
    with one_that_restarts(["billing", "orders"]) as proxy:
        page = visits.open(proxy.page)
        card(page, "billing").locator(".connect").click()
        page.locator("#string-text").wait_for()
        proxy.restart(["orders"])
        expect(page.locator("#dialog-state")).to_have_text(re.compile("not served any more"))
        assert page.locator("#dialog-state use").get_attribute("href") == "#mark-refuse"


def test_another_version_brings_its_own_page(visits, busy):
    page = visits.open(busy.page)
    real = json.loads(busy.admin("/api/v1/status")[1])
    with page.expect_navigation():
        page.route("**/api/v1/status", lambda route: route.fulfill(json={**real, "version": "99.0"}))
    refreshed(page)
    # Once: the new one is what it is.
    page.evaluate("window.same = true")
    next_status(page, 2)
    assert page.evaluate("window.same")


# ---- the dialog -----------------------------------------------------------------------------------

def test_no_string_of_another_cluster(visits, busy):
    """Who copies at once connects to the wrong database."""
    page = visits.open(busy.page)
    card(page, "cluster-active").locator(".connect").click()
    page.locator("#string-text").wait_for()
    page.keyboard.press("Escape")
    page.route("**/api/v1/dsn?*", lambda route: None)  # never answered
    with page.expect_request("**/api/v1/dsn?*cluster=endpoint-failed*"):
        card(page, "endpoint-failed").locator(".connect").click()
    assert page.locator("#string").inner_text() == ""


def test_a_string_that_never_comes_is_said(visits, busy):
    page = visits.open(busy.page)
    card(page, "cluster-active").locator(".connect").click()
    page.locator("#string-text").wait_for()
    page.route("**/api/v1/dsn?*", lambda route: None)
    page.locator("#user").fill("app")
    # It is of another user, and looks like that.
    assert page.locator("#string").get_attribute("aria-busy") == "true"
    expect(page.get_by_role("alert")).to_have_text("The proxy does not answer.")
    assert page.locator("#string-text").count() == 0
    page.unroute("**/api/v1/dsn?*")
    page.locator("#user").fill("other")
    page.locator("#string-text").wait_for()
    assert page.locator("#string").get_attribute("aria-busy") is None


def test_what_happens_is_said_inside_an_open_dialog(visits, busy):
    """All behind it is inert, and no screen reader hears it."""
    page = visits.open(busy.page, permissions=["clipboard-read", "clipboard-write"])
    card(page, "cluster-active").locator(".connect").click()
    page.locator("#string-text").wait_for()
    page.locator("#string .copy").first.click()
    tools = page.context.new_cdp_session(page)

    def said():
        nodes = tools.send("Accessibility.getFullAXTree")["nodes"]
        names = {node["nodeId"]: node for node in nodes}
        regions = [node for node in nodes if not node["ignored"] and node["role"]["value"] == "status"]
        return [names[child]["name"]["value"] for region in regions for child in region["childIds"]]

    page.locator("#string .copy", has_text="Copied").wait_for()
    assert said() == ["Copied"]


# ---- the pages of others --------------------------------------------------------------------------

class Elsewhere(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(f'<link rel="icon" href="data:,"><a href="{self.server.link}">status</a>'.encode())

    def log_message(self, *_):
        pass


@pytest.fixture
def elsewhere(busy):
    """The address of a page of another site: localhost is another than 127.0.0.1."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Elsewhere) as server:
        server.link = busy.page
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://localhost:{server.server_address[1]}/"
        server.shutdown()


def test_a_page_of_another_site_keeps_nobody_busy(visits, busy, elsewhere):
    context = visits.browser.new_context()
    visits.contexts.append(context)
    page = context.new_page()
    page.goto(elsewhere)
    # One that were answered as anybody's would be held. (It is not shown to the page either way.)
    ask = "(url) => fetch(url, {mode: 'no-cors', signal: AbortSignal.timeout(5000)}).catch(({name}) => name)"
    assert page.evaluate(ask, busy.page + "wait?for=active") == "TypeError"
    page.get_by_role("link").click()
    refreshed(page)
    assert card(page, "cluster-active").count() == 1
