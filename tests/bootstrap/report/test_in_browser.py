"""Report and missing shots in a real browser: no page is wider than its window, and paper shows what is folded away.

Drives the system's Chromium; skips where there is none.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from typing import Any

import pytest

from bootstrap.records import Shot
from bootstrap.report import write_report
from bootstrap.report.wanted_page import WantedShot, write_wanted
from bootstrap.store.store import Store

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")
WIDTHS = (390, 640, 1280, 1920)
"""A phone, a window of 1280 pixels at 200 %, and two screens."""
SKIPPED = """() => {
  const levels = [...document.querySelectorAll("h1, h2, h3, h4")].map(one => Number(one.tagName[1]));
  return levels.filter((level, n) => level > (levels[n - 1] ?? 0) + 1);
}"""
WHOLE = """[...document.querySelectorAll(".card, figure, svg")]
  .every(one => getComputedStyle(one).breakInside === "avoid")"""
OUTSIDE = "[...document.body.children].filter(one => !one.matches('header, nav, main')).map(one => one.tagName)"


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with playwright.sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.fixture
def pages(store: Store) -> list[str]:
    """Addresses of a report and of a list of missing shots with a name that cannot be broken between words."""
    wanted = [
        WantedShot("behind-full-body-" + "3fa2" * 20, Shot("behind", "behind", "full body", {}, 0), "Draw.", "1girl")
    ]
    report = write_report(store, store.directory / "report.html", "Mika")
    return [path.as_uri() for path in (report, write_wanted(store, "Mika", store.directory / ("x" * 90), wanted))]


def test_no_page_is_wider_than_its_window_and_its_outline_is_whole(browser: Any, pages: list[str]) -> None:
    page = browser.new_page()
    for address in pages:
        page.goto(address)
        page.evaluate("document.querySelectorAll('details').forEach(one => (one.open = true))")
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 800})
            assert page.evaluate("document.documentElement.scrollWidth") <= width, address
        assert page.evaluate(SKIPPED) == [], "no level of heading is left out"
        assert page.evaluate(OUTSIDE) == [], "everything lies in a landmark"
        assert page.evaluate("[...document.images].every(one => one.alt)")
    page.close()


def test_paper_shows_what_is_folded_away_in_the_colours_of_light(browser: Any, pages: list[str]) -> None:
    page = browser.new_page(color_scheme="dark")
    page.goto(pages[0])
    tall = "[...document.querySelectorAll('details')].every(one => one.offsetHeight > 100)"
    background = "getComputedStyle(document.body).backgroundColor"
    assert (page.evaluate(tall), page.evaluate(background)) == (False, "rgb(23, 24, 27)")
    page.emulate_media(media="print")
    assert (page.evaluate(tall), page.evaluate(background)) == (True, "rgb(255, 255, 255)")
    assert page.evaluate(WHOLE)
    page.close()
