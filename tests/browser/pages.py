# SPDX-License-Identifier: Apache-2.0
"""A proxy with its page, and a browser in it that hears every complaint.

    with shown(cloud, {"orders": {...}}) as proxy:
        page = visits.open(proxy.page)
        refreshed(page)
"""
import contextlib
import json
import os
import re
import shutil
import subprocess
from urllib.parse import urlsplit

from built import ROOT, built, tethered
from emulator import SCENARIOS
from proxy import Proxy

OUT = ROOT / "build-browser"
WHEELS = OUT / "wheels"
AXE = WHEELS / "axe_playwright_python" / "axe.min.js"
SENT = (5, 40_000, 300, 2_000_000)  # bytes, by the client of each open connection of `busy`
DECIDED = "verdict=(allow|hold|refuse)"

# Whoever is refused by the policy is heard.
LISTEN = """document.addEventListener("securitypolicyviolation", (event) =>
  console.error(`policy: ${event.violatedDirective} ${event.blockedURI} ${event.sample}`));"""


def expect(found):
    """Playwright's, which waits until it is so. (Its wait_for_function evaluates text in the page, which
    the page's policy forbids.)"""
    from playwright.sync_api import expect as until
    until.set_options(timeout=30_000)
    return until(found)


def why_missing():
    if not shutil.which("chromium"):
        return "no chromium in PATH"
    if (OUT / "stamp").exists():
        return None
    missing = OUT / "missing"
    return missing.read_text().strip() if missing.exists() else "run tests/browser/setup"


class Visits:
    """Pages in contexts of their own; complaints of any of them fail the test."""

    def __init__(self, browser):
        self.browser = browser
        self.contexts = []
        self.complaints = []

    def open(self, url, is_loaded=True, prepare=None, **options):
        """`is_loaded`: wait until the script has refreshed what the document brought; `prepare`: what
        is done with the page before it has an address."""
        context = self.browser.new_context(**{"viewport": {"width": 1280, "height": 800}, **options})
        self.contexts.append(context)
        page = context.new_page()
        page.add_init_script(LISTEN)
        self.listen(page, url)
        if prepare:
            prepare(page)
        page.goto(url)
        if is_loaded and options.get("java_script_enabled", True):
            refreshed(page)
        return page

    def listen(self, page, url):
        origin = urlsplit(url).netloc

        def on_request(request):
            where = urlsplit(request.url)
            if where.scheme != "data" and (where.scheme, where.netloc) != ("http", origin):
                self.complaints.append(f"a request to {request.url}")

        def on_console(message):
            # That a request was refused or not answered is part of some tests.
            if message.type in ("error", "warning") and \
                    not message.text.startswith("Failed to load resource"):
                self.complaints.append(f"console: {message.text}")

        page.on("request", on_request)
        page.on("console", on_console)
        page.on("pageerror", lambda error: self.complaints.append(f"error: {error}"))
        page.on("dialog", lambda dialog: self.complaints.append(f"dialog: {dialog.message}"))

    def forgive(self, start):
        """What a test has brought about itself: at least one complaint like this."""
        others = [text for text in self.complaints if not text.startswith(start)]
        assert len(others) < len(self.complaints)
        self.complaints = others

    def close(self):
        for context in self.contexts:
            context.close()


def refreshed(page):
    page.wait_for_selector("#fresh:not([hidden])")


@contextlib.contextmanager
def shown(cloud, clusters, options=None):
    """A proxy with these clusters, each decided; .page is the address of its page."""
    if cloud:
        cloud.settings(requestsPerMinute=1000000)
    given = {"admin-listen": "127.0.0.1:0", "spares": 0, "threads": 1, **(options or {})}
    with Proxy(cloud, clusters, given) as proxy:
        for alias in clusters:
            quoted = f'"?{re.escape(alias)}"?'
            if cloud:
                proxy.wait_log(rf"verdict cluster={quoted} {DECIDED}")
        port = proxy.wait_log(r"admin listening address=127\.0\.0\.1:(\d+)")[1]
        proxy.page = f"http://127.0.0.1:{port}/"
        yield proxy


def all_states():
    """The clusters of states.json, for a proxy: one per state, the alias says which."""
    scenario = json.loads((SCENARIOS / "states.json").read_text())
    return {cluster["displayName"]: {"cluster-id": cluster["id"]} for cluster in scenario["clusters"]}


def card(page, alias):
    """What the page shows about a cluster."""
    return page.locator("article", has=page.locator("h2", has_text=re.compile(f"^{re.escape(alias)}$")))


def printed(proxy, alias, *words):
    """What `tidblink dsn` prints for it, without the end of its last line."""
    config = proxy.dir / "tidblink.conf"
    command = [built("app/tidblink"), "dsn", alias, "--config", config, *words]
    done = subprocess.run(tethered(command), check=True, timeout=60, stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL)
    return done.stdout.decode().removesuffix("\n")


def width_beyond(page):
    """By how many pixels the page is wider than its window."""
    return page.evaluate("document.documentElement.scrollWidth - innerWidth")


def barriers(page):
    """What axe-core finds that is serious or critical: "rule: element" each."""
    page.evaluate(AXE.read_text())
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")["violations"]
    return [f"{rule['id']}: {node['html'][:200]}" for rule in found
            if rule["impact"] in ("serious", "critical") for node in rule["nodes"]]


def launch_options():
    """Chromium's own sandbox wants another user than root."""
    return {"executable_path": shutil.which("chromium"),
            "args": ["--no-sandbox"] if os.geteuid() == 0 else []}
