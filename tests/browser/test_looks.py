# SPDX-License-Identifier: Apache-2.0
"""How the page looks to different eyes and on different windows: narrow, dark, calm, on paper, and to
axe-core."""
import pytest

from pages import barriers, card, width_beyond

WIDTHS = [320, 360, 768, 1280]


@pytest.mark.parametrize("width", WIDTHS)
def test_nothing_is_cut_off(visits, busy, width):
    page = visits.open(busy.page, viewport={"width": width, "height": 800})
    assert width_beyond(page) <= 0
    card(page, "cluster-active").locator(".connect").click()
    page.locator("#string-text").wait_for()
    box = page.locator("#dialog").bounding_box()
    assert box["x"] >= 0 and box["x"] + box["width"] <= width
    assert page.evaluate("() => { const found = document.getElementById('dialog'); "
                         "return found.scrollWidth - found.clientWidth; }") <= 0


def lightness(page, selector, what):
    """0 to 255."""
    return page.locator(selector).first.evaluate(
        "(found, what) => { const [r, g, b] = getComputedStyle(found)[what].match(/[\\d.]+/g);"
        " return 0.2126 * r + 0.7152 * g + 0.0722 * b; }", what)


def test_dark_and_light(visits, busy):
    light = visits.open(busy.page, color_scheme="light")
    dark = visits.open(busy.page, color_scheme="dark")
    for selector in ("body", ".card", ".badge"):
        assert lightness(light, selector, "backgroundColor") > 150, selector
        assert lightness(light, selector, "color") < 110, selector
        assert lightness(dark, selector, "backgroundColor") < 70, selector
        assert lightness(dark, selector, "color") > 140, selector


def test_calm_where_that_is_asked_for(visits, busy):
    seconds = "() => getComputedStyle(document.querySelector('button.connect')).transitionDuration"
    assert visits.open(busy.page, reduced_motion="reduce").evaluate(seconds) == "0s"
    assert visits.open(busy.page, reduced_motion="no-preference").evaluate(seconds) != "0s"


def test_on_paper(visits, busy):
    page = visits.open(busy.page, color_scheme="dark")
    page.emulate_media(media="print", color_scheme="dark")
    assert page.locator("article:visible").count() == 5
    assert page.locator("button:visible").count() == 0
    assert lightness(page, "body", "backgroundColor") > 254
    assert lightness(page, ".lead", "color") < 60
    assert lightness(page, ".card", "backgroundColor") > 200


@pytest.mark.parametrize("scheme, width", [("light", 360), ("dark", 1280)])
def test_no_barriers(visits, busy, scheme, width):
    page = visits.open(busy.page, color_scheme=scheme, reduced_motion="reduce",
                       viewport={"width": width, "height": 800})
    page.locator("#doctor, #closings, #connections").first.wait_for()
    assert barriers(page) == []
    card(page, "cluster-active").locator(".connect").click()
    page.locator("#string-text").wait_for()
    assert barriers(page) == []
