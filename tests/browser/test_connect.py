# SPDX-License-Identifier: Apache-2.0
"""The Connect dialog: the very strings of `tidblink dsn`, the clipboard, and the keyboard alone."""
import json
import subprocess

import pytest

from built import built
from emulator import CLUSTER, ENDPOINT, Emulator
from pages import card, expect, printed, shown


@pytest.fixture(scope="module")
def proxy(browser):
    with Emulator() as cloud:
        cloud.patch(f"endpoints/{ENDPOINT}", state="ACTIVE")
        with shown(cloud, {"orders": {"cluster-id": CLUSTER}}) as proxy:
            yield proxy


@pytest.fixture
def page(visits, proxy):
    page = visits.open(proxy.page, permissions=["clipboard-read", "clipboard-write"])
    card(page, "orders").locator(".connect").click()
    page.locator("#string-text").wait_for()
    return page


def has_string(page, text):
    """Byte for byte, when it has come."""
    expect(page.locator("#string-text")).to_have_js_property("textContent", text)


def test_all_clients_are_there_and_can_be_found(page):
    done = subprocess.run([built("app/tidblink"), "dsn", "--list", "--json"], check=True, timeout=60,
                          stdout=subprocess.PIPE)
    ids = {client["client"] for client in json.loads(done.stdout)}
    values = "() => [...document.getElementById('client').options].map((option) => option.value)"
    assert set(page.evaluate(values)) == ids
    page.locator("#find").fill("spring")
    found = page.evaluate(values)
    assert 0 < len(found) < 10 and page.locator("#client").input_value() == found[0]
    page.locator("#find").fill("no such client")
    page.get_by_role("alert").wait_for()
    assert "No client has this in its name" in page.get_by_role("alert").inner_text()


@pytest.mark.parametrize("to", ["proxy", "endpoint"])
def test_string_is_that_of_dsn(page, proxy, to):
    given = {"user": "o'neil \"x\" &<b>", "database": "a b"}
    for field, text in given.items():
        page.locator(f"#{field}").fill(text)
    page.locator(f"input[value={to}]").check()
    clients = ["mysql", "go", "jdbc", "prisma", "systemd", "laravel"]
    rows = json.loads(printed(
        proxy, "orders", "--client", ",".join(clients), "--json", "--user", given["user"],
        "--database", given["database"], *(["--direct"] if to == "endpoint" else [])))
    for row in rows:
        page.locator("#client").select_option(row["client"])
        has_string(page, row["text"])
        notes = page.locator("#string .notes")
        for note in row["notes"].splitlines():
            assert note in notes.inner_text()
        assert ("<PASSWORD>: " in notes.inner_text()) == row["password_placeholder"]
        assert (page.locator("#setup-text").count() == 1) == ("setup" in row)
    # And the text of the command, which is more than the JSON's.
    assert printed(proxy, "orders", "--client", clients[-1], "--user", given["user"], "--database",
                   given["database"], *(["--direct"] if to == "endpoint" else [])) == rows[-1]["text"]


def test_copy_fills_the_clipboard(page, proxy):
    page.locator("#client").select_option("jdbc")
    has_string(page, printed(proxy, "orders", "--client", "jdbc"))
    section = page.locator("#string section", has=page.locator("#string-text"))
    section.locator(".copy").click()
    section.locator(".copy", has_text="Copied").wait_for()
    assert page.evaluate("navigator.clipboard.readText()") == printed(
        proxy, "orders", "--client", "jdbc")
    assert page.locator("#say").inner_text() == "Copied"


def test_copy_works_without_a_clipboard_api(page, proxy):
    """On an origin that is not secure, as the page by an address of another host."""
    page.evaluate("Object.defineProperty(navigator, 'clipboard', {value: undefined, configurable: true})")
    page.evaluate("""() => document.addEventListener("copy", () => {
      window.copied = getSelection().toString();
    })""")
    section = page.locator("#string section", has=page.locator("#string-text"))
    section.locator(".copy").click()
    section.locator(".copy", has_text="Copied").wait_for()
    assert page.evaluate("copied") == printed(proxy, "orders", "--client", "params")


def test_refusal_is_said(page):
    page.locator("#user").fill("x" * 200)
    page.get_by_role("alert").wait_for()
    assert "at most 128" in page.get_by_role("alert").inner_text()


def test_next_step_can_be_copied(visits, busy):
    page = visits.open(busy.page, permissions=["clipboard-read", "clipboard-write"])
    box = card(page, "endpoint-failed").locator(".command")
    box.locator(".copy").click()
    box.locator(".copy", has_text="Copied").wait_for()
    assert page.evaluate("navigator.clipboard.readText()") == \
        "tidblink endpoint delete endpoint-failed"


def test_dialog_of_a_cluster_that_refuses_says_so(visits, busy):
    page = visits.open(busy.page)
    card(page, "cluster-active").locator(".connect").click()
    page.locator("#string-text").wait_for()
    assert not page.locator("#dialog-state").is_visible()
    page.keyboard.press("Escape")
    card(page, "endpoint-failed").locator(".connect").click()
    state = page.locator("#dialog-state")
    assert state.inner_text().startswith("Failed. New connections: no; clients are told why")
    assert state.locator("use").get_attribute("href") == "#mark-refuse"


# ---- the keyboard ---------------------------------------------------------------------------------

FOCUSED = """() => {
  const at = document.activeElement;
  return at.id || at.className || at.getAttribute("href") || at.tagName;
}"""
OUTLINE = "() => getComputedStyle(document.activeElement).outlineStyle"


def tab_to(page, name, steps=40):
    for _ in range(steps):
        page.keyboard.press("Tab")
        assert page.evaluate(OUTLINE) not in ("none", ""), page.evaluate(FOCUSED)
        if page.evaluate(FOCUSED) == name:
            return
    raise AssertionError(f"{name} is not reached by Tab")


def test_by_keyboard_alone(visits, proxy):
    page = visits.open(proxy.page, permissions=["clipboard-read", "clipboard-write"])
    page.keyboard.press("Tab")
    assert page.evaluate(FOCUSED) == "skip"
    tab_to(page, "connect")
    page.keyboard.press("Enter")
    page.locator("#string-text").wait_for()
    assert page.evaluate(FOCUSED) == "find"
    page.keyboard.type("go-sql")
    page.keyboard.press("ArrowDown")
    assert page.evaluate(FOCUSED) == "client"
    expect(page.locator("#client")).to_have_value("go")
    tab_to(page, "user")
    page.keyboard.type("app")
    has_string(page, printed(proxy, "orders", "--client", "go", "--user", "app"))
    tab_to(page, "copy")
    page.keyboard.press("Enter")
    page.locator("#string .copy", has_text="Copied").wait_for()
    assert page.evaluate("navigator.clipboard.readText()") == printed(
        proxy, "orders", "--client", "go", "--user", "app")
    # Focus stays inside: round and round.
    for _ in range(12):
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement === document.body || "
                             "Boolean(document.activeElement.closest('dialog'))")
    page.keyboard.press("Escape")
    page.locator("#dialog").wait_for(state="hidden")
    assert page.evaluate(FOCUSED) == "connect"


def test_dialog_says_what_it_is(page):
    dialog = page.get_by_role("dialog", name="Connect to orders")
    assert dialog.is_visible()
    assert page.evaluate("document.getElementById('dialog').matches(':modal')")
    dialog.get_by_role("button", name="Close").click()
    page.locator("#dialog").wait_for(state="hidden")


def test_client_is_remembered(page):
    page.locator("#client").select_option("rails")
    page.reload()
    card(page, "orders").locator(".connect").click()
    expect(page.locator("#client")).to_have_value("rails")
