# SPDX-License-Identifier: Apache-2.0
"""What the page shows of the states, with script and without, and that it goes with the times."""
import re

import pytest

from claims import claimed_port
from emulator import CLUSTER, ENDPOINT, Emulator
from pages import all_states, card, expect, refreshed, shown, width_beyond

# alias of states.json: the word, what it means, what new connections get, the command to copy
SHOWN = {
    "cluster-active": ("Active", "Private endpoint: it is ready to use", "allow", None),
    "cluster-upgrading": ("Upgrading", "Cluster: it is running and being upgraded", "allow", None),
    "cluster-creating": ("Creating", "Cluster: it is being created; usually 20 to 30 minutes", "hold",
                         "tidblink wait --for active --max 10m cluster-creating"),
    "cluster-paused": ("Paused", "Cluster: it has been paused", "refuse", None),
    "cluster-deleting": ("Deleting", "Cluster: it is being deleted", "refuse", "tidblink clusters"),
    "group-paused": ("Paused", "Node group: it has been paused", "refuse", None),
    "service-creating": ("Creating", "Private link service: it is being created", "hold",
                         "tidblink wait --for active --max 10m service-creating"),
    "endpoint-none": ("Not Configured", "no private endpoint is registered yet", "refuse",
                      "tidblink setup endpoint-none"),
    "endpoint-discovered": ("Discovered", "is not registered with TiDB Cloud", "refuse",
                            "tidblink endpoint create endpoint-discovered"),
    "endpoint-pending": ("Pending", "TiDB Cloud is accepting it; usually about 5 minutes", "hold",
                         "tidblink wait --for active --max 10m endpoint-pending"),
    "endpoint-deleting": ("Deleting", "Private endpoint: it is being deleted", "refuse",
                          "tidblink setup endpoint-deleting"),
    "endpoint-failed": ("Failed", "TiDB Cloud could not set it up", "refuse",
                        "tidblink endpoint delete endpoint-failed"),
}


@pytest.fixture(params=[True, False], ids=["script", "no-script"], scope="module")
def states_page(request, browser, states):
    """Of all states; a complaint would be in the tests with a page of their own."""
    context = browser.new_context(java_script_enabled=request.param)
    page = context.new_page()
    states.wait_log(r"verdict cluster=endpoint-none verdict=refuse")
    page.goto(states.page)
    if request.param:
        refreshed(page)
    yield page
    context.close()


@pytest.mark.parametrize("alias", SHOWN)
def test_state_is_told_by_word_shape_and_colour(states_page, alias):
    word, meaning, effect, command = SHOWN[alias]
    shows = card(states_page, alias)
    badge = shows.locator(".badge")
    assert badge.inner_text().strip() == word
    assert badge.locator("use").get_attribute("href") == f"#mark-{effect}"
    assert shows.get_attribute("data-effect") == effect
    assert meaning in shows.locator(".lead").inner_text()
    assert re.search(r"; for \d+ ", shows.locator(".lead").inner_text()) or alias == "endpoint-none"
    commands = [code.inner_text() for code in shows.locator(".command code").all()]
    assert commands == ([command] if command else [])


def test_reason_of_the_api_is_shown(states_page):
    hop = card(states_page, "endpoint-failed").locator(".way li", has_text="Private endpoint")
    assert "The endpoint does not exist in the region of the cluster." in hop.inner_text()
    assert "FAILED" in hop.inner_text()


def test_without_script_nothing_is_offered_that_needs_it(visits, states):
    page = visits.open(states.page, java_script_enabled=False)
    assert page.locator(".copy:visible, .connect:visible, dialog:visible").count() == 0
    assert "runs no script" in page.locator("noscript").inner_text()
    assert page.locator("article:visible").count() == 23


MAIN = """() => {
  const copy = document.getElementById("main").cloneNode(true);
  for (const time of copy.querySelectorAll("time"))
    time.replaceWith("AGE");
  const text = (id) => copy.querySelector("#" + id).outerHTML.replace(/quota \\d+/g, "quota");
  return ["overall", "process", "index", "clusters"].map(text);
}"""


def test_script_makes_the_same_elements(visits, states):
    """Or the page would jump at its first refresh, and one of the two would be wrong."""
    served = visits.open(states.page, is_loaded=False, java_script_enabled=False)
    # A browser without script can still be asked.
    before = served.evaluate(MAIN)
    assert visits.open(states.page).evaluate(MAIN) == before


# ---- it goes with the times -----------------------------------------------------------------------

def test_a_change_is_shown_and_said_once(visits, cloud):
    with shown(cloud, {"orders": {"cluster-id": CLUSTER}}) as proxy:
        page = visits.open(proxy.page)
        assert card(page, "orders").locator(".badge").inner_text().strip() == "Pending"
        page.evaluate("""() => {
          window.said = [];
          new MutationObserver(() => said.push(document.getElementById("say").textContent))
            .observe(document.getElementById("say"), {childList: true});
        }""")
        cloud.patch(f"endpoints/{ENDPOINT}", state="ACTIVE")
        card(page, "orders").locator(".badge", has_text="Active").wait_for()
        expect(page).to_have_title("1 cluster: 1 served - tidblink")
        for _ in range(2):  # nothing more is said when nothing changes
            page.wait_for_event("response", lambda answer: answer.url.endswith("/api/v1/status"))
        assert page.evaluate("said") == ["orders: Active"]


def test_silence_of_the_api_is_shown_beside_what_is_known(visits, cloud):
    cloud.patch(f"endpoints/{ENDPOINT}", state="ACTIVE")
    with shown(cloud, {"orders": {"cluster-id": CLUSTER}}) as proxy:
        page = visits.open(proxy.page)
        cloud.fault("status", status=503)
        notice = card(page, "orders").locator(".notice")
        notice.wait_for()
        assert notice.inner_text().startswith("Control API: ")
        assert re.search(r"What it said \d+ s ago stands\.", notice.inner_text())
        assert card(page, "orders").locator(".badge").inner_text().strip() == "Active"
        assert "gives no answer" in card(page, "orders").locator(".facts").inner_text()
        cloud.clear_faults()
        notice.wait_for(state="detached")


def test_focus_and_selection_outlive_a_refresh(visits, busy):
    page = visits.open(busy.page)
    button = card(page, "cluster-active").locator(".connect")
    button.focus()
    page.evaluate("""() => {
      window.first = document.activeElement;
      getSelection().selectAllChildren(document.querySelector("#cluster-1 .quote"));
      window.chosen = getSelection().toString();
    }""")
    for _ in range(2):
        page.wait_for_event("response", lambda answer: answer.url.endswith("/api/v1/status"))
    assert page.evaluate("document.activeElement === first")
    assert page.evaluate("chosen.length > 20 && getSelection().toString() === chosen")


def test_it_says_that_the_proxy_is_gone_and_that_it_is_back(visits):
    with claimed_port(["127.0.0.1"]) as port:
        options = {"state-source": "none", "admin-listen": f"127.0.0.1:{port}"}
        with shown(None, {"orders": {"host": "127.0.0.1", "port": "1"}}, options) as proxy:
            page = visits.open(proxy.page)
            assert not page.locator("#gone").is_visible()
            badge = card(page, "orders").locator(".badge")
            assert badge.inner_text().strip() == "Unchecked"
            assert badge.locator("use").get_attribute("href") == "#mark-unchecked"
            proxy.stop_program()
            expect(page.locator("#gone")).to_have_text(re.compile(
                r"does not answer any more\. What is shown is from \d+ s ago"))
            assert "does not answer" in page.locator("#say").inner_text()
            # How old it is goes on; what was shown stays.
            expect(page.locator("#gone")).to_have_text(re.compile(r" [1-9]\d* s ago"))
            assert page.locator("article").count() == 1
            proxy.start()
            page.locator("#gone").wait_for(state="hidden")
            assert "answers again" in page.locator("#say").inner_text()


def test_it_rests_while_nobody_looks(visits, busy):
    page = visits.open(busy.page, is_loaded=False)
    page.clock.install()
    page.reload()
    refreshed(page)
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    hide = """(hidden) => {
      Object.defineProperty(document, "hidden", {value: hidden, configurable: true});
      document.dispatchEvent(new Event("visibilitychange"));
    }"""
    page.evaluate(hide, True)
    page.clock.run_for(600_000)
    assert asked == []
    with page.expect_response("**/api/v1/status"):
        page.evaluate(hide, False)


# ---- names that mean harm -------------------------------------------------------------------------

SCRIPT = "<script>document.title='broken'</script><img src=x onerror=alert(1)>"
HOSTILE = {"script": SCRIPT, "quotes": "\"' onfocus='alert(1)' x=\"", "entities": "&lt;b&gt; &amp;amp;",
           "right to left": "\u202e\u05d0\u05d1\u05d2 (abc) \u0627\u0644", "long": "W" * 200,
           "close": "</bdi></article></main>", "escape": "\u001b[31m red \u0007"}


@pytest.fixture(scope="module")
def hostile(browser):
    """A proxy with clusters of such names, each with a message like its name."""
    names = all_states()
    with Emulator("states.json") as cloud:
        victims = dict(zip(HOSTILE, [alias for alias in names if alias.startswith("cluster-")]))
        for kind, alias in victims.items():
            number = int(names[alias]["cluster-id"])
            cloud.patch(f"clusters/{number}", displayName=HOSTILE[kind], state="ACTIVE")
            cloud.patch(f"endpoints/{number + 200}", state="FAILED", message=HOSTILE[kind])
        clusters = {kind.replace(" ", "-"): names[alias] for kind, alias in victims.items()}
        with shown(cloud, clusters) as proxy:
            for alias in clusters:
                proxy.wait_cluster(alias, state="FAILED")
            yield proxy


@pytest.mark.parametrize("script", [True, False], ids=["script", "no-script"])
def test_names_from_elsewhere_stay_text(visits, hostile, script):
    page = visits.open(hostile.page, java_script_enabled=script,
                       viewport={"width": 360, "height": 800})
    for kind, text in HOSTILE.items():
        shows = card(page, kind.replace(" ", "-"))
        # What cannot be shown has a blank or a sign in its place.
        as_shown = re.sub(r"[\0-\x1f]", "[ \ufffd]", re.escape(text))
        assert re.search(as_shown, shows.locator(".where").evaluate("(found) => found.textContent"))
        assert re.search(as_shown, shows.locator(".way").evaluate("(found) => found.textContent"))
    assert page.locator("article").count() == len(HOSTILE)
    assert page.locator("main script, main img, main b").count() == 0
    assert page.locator("footer").evaluate("(found) => found.parentElement.tagName") == "BODY"
    assert "tidblink" in page.title() and "broken" not in page.title()
    assert width_beyond(page) <= 0


def test_alias_that_means_harm_is_one(visits):
    """A CLUSTER of the command line may be any text; so may the name of a section."""
    alias = "o<b>r'd&ers"
    with shown(None, {alias: {"host": "127.0.0.1", "port": "1"}}, {"state-source": "none"}) as proxy:
        page = visits.open(proxy.page)
        assert page.locator("h2 bdi").first.inner_text() == alias
        page.locator(".connect").click()
        page.locator("#string-text").wait_for()
        assert page.locator("#dialog-title").inner_text() == f"Connect to {alias}"
