# SPDX-License-Identifier: Apache-2.0
"""Connections that can be sorted, why the last ones ended, rates, and what doctor found."""
import re

import pytest

from pages import SENT, card, expect, width_beyond



def rows(page, what="tbody tr", part="#connections"):
    return [[cell.strip() for cell in row.locator("td").all_inner_texts()]
            for row in page.locator(f"{part} {what}").all()]


def column(page, title, part="#connections"):
    heads = [re.sub(r"\W+$", "", head) for head in page.locator(f"{part} th").all_inner_texts()]
    return [row[heads.index(title)] for row in rows(page, part=part)]


def sort_by(page, title):
    page.get_by_role("columnheader", name=title).get_by_role("button").click()


def orders(page):
    return {re.sub(r"\W+$", "", head.inner_text()): head.get_attribute("aria-sort")
            for head in page.locator("#connections th").all()}


@pytest.fixture
def page(visits, busy):
    page = visits.open(busy.page)
    page.locator("#connections tbody tr").nth(len(SENT) - 1).wait_for()
    return page


def test_open_connections_are_listed(page):
    assert page.locator("#connections .count").inner_text() == f"{len(SENT)} open."
    assert set(column(page, "Cluster")) == {"cluster-active"}
    assert set(column(page, "Step")) == {"relay"}
    assert all(client.startswith("127.0.0.1:") for client in column(page, "Client"))


def test_largest_first_then_smallest(page):
    sort_by(page, "From client")
    assert column(page, "From client") == ["2.0 MB", "40 KB", "300 B", "5 B"]
    assert orders(page)["From client"] == "descending"
    sort_by(page, "From client")
    assert column(page, "From client") == ["5 B", "300 B", "40 KB", "2.0 MB"]
    assert {title for title, order in orders(page).items() if order != "none"} == {"From client"}
    assert orders(page)["From client"] == "ascending"


def test_order_stays_and_is_asked_of_the_proxy(page):
    """Of very many only some are listed: then the proxy has to choose the right ones."""
    with page.expect_response("**/api/v1/connections?*sort=oldest*"):
        sort_by(page, "Age")  # it was ascending
        assert orders(page)["Age"] == "descending"
    with page.expect_response("**/api/v1/connections?*sort=bytes*"):
        sort_by(page, "From server")
    with page.expect_response("**/api/v1/connections?*sort=idle*"):
        sort_by(page, "Idle")
    assert orders(page)["Idle"] == "descending"


def test_sorting_by_keyboard_keeps_the_focus(page):
    page.get_by_role("columnheader", name="Client", exact=True).get_by_role("button").focus()
    page.keyboard.press("Enter")
    assert orders(page)["Client"] == "ascending"
    page.keyboard.press("Space")
    assert orders(page)["Client"] == "descending"
    page.wait_for_event("response", lambda answer: "/api/v1/connections" in answer.url)
    assert page.evaluate("document.activeElement.dataset.key") == "client"
    ports = [int(client.split(":")[1].split()[0]) for client in column(page, "Client")]
    assert ports == sorted(ports, reverse=True)


def test_ends_have_their_reason(page, busy):
    ended = list(zip(*(column(page, title, part="#closings")
                       for title in ("Cluster", "Why", "What was said"))))
    refused = next(row for row in ended if row[0] == "endpoint-failed")
    assert refused[1] == "refused" and "The endpoint does not exist in the region" in refused[2]
    assert [row[1] for row in ended if row[0] == "cluster-active"] == ["killed"]


def test_rates_are_drawn_and_told(page):
    page.locator("#chart-bytes").wait_for()
    told = page.locator("#chart-open svg").get_attribute("aria-label")
    assert re.fullmatch(rf"Open connections, of \d+ at most: now {len(SENT)}; highest in .* {len(SENT)}",
                        told)
    assert page.locator("#chart-open strong").inner_text() == str(len(SENT))
    for chart in ("open", "opened", "refused", "bytes"):
        drawn = page.locator(f"#chart-{chart} path.line").first.get_attribute("d")
        assert re.fullmatch(r"M[\d.]+ [\d.]+(L[\d.]+ [\d.]+)+", drawn), drawn


def test_addresses_have_their_connect_times(page):
    facts = card(page, "cluster-active").locator(".facts").inner_text()
    assert re.search(r"127\.0\.0\.1\s*\d+\.\d+ ms", facts), facts


def test_findings_of_doctor_are_shown(page):
    page.locator("#doctor").wait_for()
    text = page.locator("#doctor h3").inner_text()
    assert text.startswith("endpoint-failed: first thing to fix: ") and text.endswith(" ago")
    failed = page.locator("#doctor li", has_text="FAIL").first
    assert failed.locator("use").get_attribute("href") == "#mark-refuse"
    others = page.locator("#doctor details")
    assert not others.locator("li").first.is_visible()
    others.locator("summary").click()
    others.locator("li").first.wait_for()
    # It stays open while the page refreshes.
    for _ in range(2):
        page.wait_for_event("response", lambda answer: "/api/v1/doctor" in answer.url)
    assert others.locator("li").first.is_visible()


def test_wide_tables_scroll_by_themselves(visits, busy):
    page = visits.open(busy.page, viewport={"width": 360, "height": 800})
    scroller = page.locator("#connections .scroller")
    scroller.wait_for()
    assert width_beyond(page) <= 0
    assert scroller.evaluate("(found) => found.scrollWidth > found.clientWidth")
    scroller.focus()
    page.keyboard.press("ArrowRight")
    expect(scroller).not_to_have_js_property("scrollLeft", 0)


def test_a_proxy_without_a_part_has_no_such_part(visits, busy):
    """As one of another version: the page shows what there is."""
    asked = []

    def prepare(page):
        for path in ("connections", "history", "doctor"):
            page.route(f"**/api/v1/{path}*", lambda route: route.fulfill(status=404, body="no\n"))
        page.on("request", lambda request: asked.append(request.url))

    page = visits.open(busy.page, prepare=prepare)
    for _ in range(2):
        page.wait_for_event("response", lambda answer: answer.url.endswith("/api/v1/status"))
    assert page.locator("section:visible").count() == 0
    assert not page.locator("#gone").is_visible()
    assert sum("/connections" in url for url in asked) == 1
