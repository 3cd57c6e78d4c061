"""Looks at every page of a finished run as a browser shows it: what axe finds, what overflows, what the console says.

    python -m tests.benchmarks.pages runs/demo --axe axe.min.js --out pictures

`axe.min.js` is of npm's `axe-core`. Each page is opened on a phone (390 pixels), at 1280 and 1920 pixels, at 200 %, and
in the dark scheme; the pictures are for a person to look at. Exits 1 if something was found.
"""

from __future__ import annotations

import argparse
import contextlib
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typer
from playwright.sync_api import Browser, Page, sync_playwright

PORT = 8399
TALLEST = 6000
"""Pixels of a picture of a page."""


@dataclass(frozen=True)
class Look:
    """A way to look: a window, and how much it is enlarged."""

    name: str
    width: int
    height: int = 900
    zoom: int = 1
    dark: bool = False


LOOKS = (
    Look("phone", 390, 844),
    Look("1280", 1280),
    Look("1920", 1920, 1080),
    Look("200%", 640, 450, 2),
    Look("dark", 1280, dark=True),
)
AXE = "async () => (await axe.run(document)).violations.map(v => v.id + ': ' + v.nodes.slice(0, 3).map(n => n.target))"
OVERFLOW = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"


@contextlib.contextmanager
def review_of(run: Path) -> Iterator[str]:
    """The address of a run's review page, served by the command while the block runs."""
    command = [sys.executable, "-m", "bootstrap", "review", str(run), "--port", str(PORT)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as serving:
        assert serving.stdout is not None
        try:
            yield next(word for word in serving.stdout.readline().split() if word.startswith("http"))
        finally:
            serving.terminate()


def pages_of(run: Path) -> dict[str, str]:
    """Name → address of the pages that lie in a run."""
    return {path.relative_to(run).as_posix(): path.absolute().as_uri() for path in sorted(run.rglob("*.html"))}


def look_at(browser: Browser, name: str, url: str, look: Look, axe: Path, out: Path) -> list[str]:
    """What is wrong with a page in one look; its picture goes to ``out``."""
    scheme: Any = "dark" if look.dark else "light"
    viewport: Any = {"width": look.width, "height": look.height}
    page = browser.new_page(viewport=viewport, device_scale_factor=look.zoom, color_scheme=scheme, bypass_csp=True)
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: said.append(str(error)))
    page.goto(url, wait_until="networkidle")
    wide = int(page.evaluate(OVERFLOW))
    page.add_script_tag(path=axe)
    found = [f"axe {each}" for each in page.evaluate(AXE)]
    _picture(page, look, out / f"{name.replace('/', '-')}-{look.name}.png")
    page.close()
    if wide > 0:
        found.append(f"overflows by {wide} pixels")
    return [f"{name} {look.name}: {each}" for each in (*found, *said)]


def _picture(page: Page, look: Look, path: Path) -> None:
    tall = min(int(page.evaluate("() => document.documentElement.scrollHeight")), TALLEST)
    page.screenshot(path=path, full_page=True, clip={"x": 0, "y": 0, "width": look.width, "height": tall})


def main() -> None:
    """Look at everything, write the pictures, print what was found."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("run", type=Path)
    arguments.add_argument("--axe", type=Path, required=True)
    arguments.add_argument("--out", type=Path, default=Path("pages"))
    arguments.add_argument("--also", action="append", default=[], metavar="NAME=URL", help="a page that is served")
    given = arguments.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    found = []
    with sync_playwright() as driver, review_of(given.run) as review:
        browser = driver.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        pages = {**pages_of(given.run), "review": review, **dict(each.split("=", 1) for each in given.also)}
        for name, url in pages.items():
            for look in LOOKS:
                found += look_at(browser, name, url, look, given.axe, given.out)
        browser.close()
    typer.echo("\n".join([*found, f"{len(pages)} pages in {len(LOOKS)} looks, {len(found)} findings"]))
    sys.exit(bool(found))


if __name__ == "__main__":
    main()
