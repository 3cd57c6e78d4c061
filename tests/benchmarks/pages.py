"""The pages of a run against their bars, in a real Chromium: accessible by axe-core, and never wider than the window.

    npm pack axe-core && tar xzf axe-core-*.tgz package/axe.min.js
    python tests/benchmarks/pages.py RUN --axe package/axe.min.js [--shots FOLDER]

Looks at report.html, acceptance.html, compare/compare.html and missing.html where the run has them, all unfolded,
and at the review page: its grid, a selection, near-duplicates, the help, one picture. Each at 1280, 1920 and 390 pixels
and at 200 % (640 pixels with two device pixels each), light and dark. Prints JSON: the violations and what overflows;
exits 1 where there are any. Bars: none of either. --shots keeps a picture of each.
"""

import argparse
import json
import shutil
import sys
import threading
from pathlib import Path

import uvicorn
from playwright.sync_api import sync_playwright

from bootstrap.review.serve import Address, listen
from bootstrap.review.web_app import build
from bootstrap.store.store import Store

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
WINDOWS = {"1280": (1280, 1), "1920": (1920, 1), "390": (390, 1), "200%": (640, 2)}
"""Name → width in CSS pixels, and device pixels for each."""
FILES = ("report.html", "acceptance.html", "compare/compare.html", "missing.html")
WIDER = """() => [document.documentElement, ...document.querySelectorAll("#single")]
  .filter(one => one.scrollWidth > one.clientWidth && one.clientWidth).map(one => one.id || "page")"""
AXE = "axe.run(document).then(found => found.violations.map(one => [one.id, one.nodes.length, one.nodes[0].html]))"
STATES = {
    "grid": [],
    "selection": [("click", "#grid input >> nth=0"), ("click", "#grid input >> nth=1")],
    "near-duplicates": [("press", "Escape"), ("click", "#pairs-button")],
    "help": [("press", "Escape"), ("press", "?")],
    "one picture": [("press", "Escape"), ("click", "#grid button >> nth=0")],
}
"""State of the review page → what leads to it from the one before."""


class Looker:
    """Looks at pages in one window and collects what is wrong."""

    def __init__(self, page, name, axe, shots):
        self.page, self.name, self.axe, self.shots = page, name, axe, shots
        self.wrong = []

    def look(self, what):
        """Measure what the window shows now."""
        self.page.wait_for_load_state("networkidle")
        for wide in self.page.evaluate(WIDER):
            self.wrong.append([self.name, what, "overflows", wide])
        self.page.evaluate(f"{self.axe}; 0")
        for violation in self.page.evaluate(AXE):
            self.wrong.append([self.name, what, *violation])
        if self.shots:
            self.page.screenshot(path=self.shots / f"{what}-{self.name}.png".replace(" ", "-").replace("/", "-"))

    def act(self, how, where):
        """Click somewhere, or press a key."""
        if how == "click":
            self.page.click(where)
        else:
            self.page.keyboard.press(where)


def look_at_all(looker, run, address):
    """The run's files, then the states of its review page."""
    for name in FILES:
        if (run / name).is_file():
            looker.page.goto((run / name).resolve().as_uri())
            looker.page.evaluate("document.querySelectorAll('details').forEach(one => (one.open = true))")
            looker.look(name)
    looker.page.goto(address)
    looker.page.wait_for_selector("#show")
    looker.page.select_option("#show", "all")
    for state, steps in STATES.items():
        for how, where in steps:
            looker.act(how, where)
        looker.look(f"review, {state}")


def measure(options):
    """Everything that is wrong, in every window."""
    axe, wrong = options.axe.read_text(encoding="utf-8"), []
    with Store.open(options.run, exclusive=False) as store, sync_playwright() as driver:
        listening = listen(Address("127.0.0.1", 0))
        address = Address("127.0.0.1", listening.getsockname()[1])
        app = build(store, address.hosts)
        server = uvicorn.Server(uvicorn.Config(app, log_level="error", access_log=False, lifespan="off"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
            for scheme in ("light", "dark"):
                for name, (width, scale) in WINDOWS.items():
                    viewport = {"width": width, "height": 900 // scale}
                    context = browser.new_context(
                        viewport=viewport, device_scale_factor=scale, color_scheme=scheme, bypass_csp=True
                    )
                    looker = Looker(context.new_page(), f"{scheme} {name}", axe, options.shots)
                    look_at_all(looker, options.run, address.url)
                    wrong += looker.wrong
                    context.close()
        finally:
            server.should_exit = True
            thread.join()
    return wrong


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("--axe", type=Path, required=True, help="axe.min.js of axe-core")
    parser.add_argument("--shots", type=Path, help="a folder for pictures of every page")
    given = parser.parse_args()
    if given.shots:
        given.shots.mkdir(parents=True, exist_ok=True)
    found = measure(given)
    print(json.dumps({"wrong": found}, indent=2))  # noqa: T201
    sys.exit(bool(found))
