"""The review page against its bars, in a real Chromium: opening 1,000 frames, a keystroke, 100 verdicts by keyboard.

    python tests/benchmarks/review.py [--frames 1000] [--times 5]

A run of that many frames (96 pixels a side, each its own picture) is made in a temporary folder and served. The page is
opened --times times; measured is the time until every card exists, and until the first screen of pictures is drawn. A
keystroke is measured in the page, from the key event to the frame after the next paint (two animation frames), and for
the hundred verdicts through the browser's own key events: K and R in turn, each shown on screen before the next. Then
two windows judge the same fifty frames at once, those that nobody has judged yet (a verdict that is in force already
makes no row); every verdict must become a row. Prints JSON; exits 1 when a bar is missed. Bars: 2 s to open, 50 ms for
a key (median), 100 verdicts in two minutes.
"""

import argparse
import contextlib
import json
import shutil
import sqlite3
import statistics
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
import uvicorn
from PIL import Image
from playwright.sync_api import sync_playwright

from bootstrap.character import Character
from bootstrap.config import load
from bootstrap.records import Job, JobKind, Seed, Shot, Verdict, VerdictKind
from bootstrap.review.serve import Address, listen
from bootstrap.review.web_app import build
from bootstrap.store.files import sha256_of
from bootstrap.store.store import DATABASE, Store
from scoring.measurement import Measurement

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
BARS = {"open_seconds": 2.0, "key_ms": 50.0, "hundred_seconds": 120.0}
PRESS = """key => new Promise(done => {
  const began = performance.now();
  document.body.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
  requestAnimationFrame(() => requestAnimationFrame(() => done(performance.now() - began)));
})"""
HANDLE = """key => {
  const began = performance.now();
  document.body.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
  document.body.offsetHeight;
  return performance.now() - began;
}"""
DRAWN = "() => [...document.querySelectorAll('#grid img')].slice(0, 12).every(one => one.complete && one.naturalWidth)"


def filled(store, count):
    """Fill a run with ``count`` judged candidates, each with its own picture and three measurements."""
    config, random = load("puppet", backend="fake"), np.random.default_rng(0)
    store.remember("config", config.model_dump_json())
    about = {"name": "Mika", "trigger": "mikachr", "invariant": {"hair": "blue hair"}}
    store.remember("character", Character.model_validate(about).model_dump_json())
    Image.new("RGB", (96, 96), "navy").save(store.directory / "seed.png")
    store.add_seed(
        Seed(
            "seed.png",
            sha256_of(store.directory / "seed.png"),
            "seed.png",
            "front",
            "front",
            "portrait",
            "default",
            (),
            "read",
        )
    )
    families, framings = list(config.views.families), list(config.views.framings)
    jobs = []
    for n in range(count):
        view_family, framing = families[n % len(families)], framings[n % len(framings)]
        view = next(iter(config.views.families[view_family].views))
        shot = Shot(
            view_family,
            view,
            framing,
            {
                "expression": "smile",
                "pose": "standing",
                "outfit": "default",
                "background": "forest",
                "style": "cel shading",
            },
            n,
        )
        jobs.append(Job(f"candidate-r01w1-{n:010x}", JobKind.CANDIDATE, 1, 1, shot, f"p{n}", "", n, {}))
    store.begin_round(1, "style", 48)
    store.plan(jobs)
    noise = random.integers(0, 255, (count, 12, 12, 3), np.uint8)
    big = [Image.fromarray(one).resize((96, 96), Image.Resampling.BICUBIC) for one in noise]
    store.add_frames([(job, image, "") for job, image in zip(jobs, big, strict=True)], "", "fake")
    values = {job.id: {name: Measurement(float(random.normal())) for name in ("clip", "face", "view")} for job in jobs}
    store.add_measurements(values, dict.fromkeys(("clip", "face", "view"), "v1"))
    kinds = (VerdictKind.KEEP, VerdictKind.REJECT, VerdictKind.UNDECIDED)
    verdicts = []
    for n, job in enumerate(jobs):
        verdicts.append(Verdict(job.id, kinds[n % 3], "gate", ("reason",), (n + 1) / (count + 1), 1.0))
    store.set_verdicts(verdicts, 1, 1)


def until(page, expression, seconds=60.0):
    """Wait until an expression is true on the page."""
    end = time.monotonic() + seconds
    while not page.evaluate(expression):
        if time.monotonic() > end:
            raise SystemExit(f"never: {expression}")
        time.sleep(0.005)


def opening(browser, url, count, times):
    """Seconds until every card exists, and until the first pictures are drawn too; each time in a new window."""
    cards, drawn = [], []
    for _ in range(times):
        page = browser.new_context(viewport={"width": 1200, "height": 850}).new_page()
        began = time.monotonic()
        page.goto(url)
        until(page, f"document.querySelectorAll('#grid li').length === {count}")
        cards.append(time.monotonic() - began)
        until(page, DRAWN)
        drawn.append(time.monotonic() - began)
        page.context.close()
    return cards, drawn


def by_person(store):
    """Frame → a person's verdict in force."""
    return {id: verdict for id, verdict in store.verdicts().items() if verdict.by == "person"}


def rows_of_person(store):
    """How many verdicts of a person are stored, replaced ones among them."""
    with contextlib.closing(sqlite3.connect(store.directory / DATABASE)) as database:
        return database.execute("SELECT count(*) FROM verdicts WHERE by = 'person'").fetchone()[0]


def settled(store, count, seconds=60.0):
    """Seconds until that many verdicts of a person are rows."""
    began = time.monotonic()
    while len(by_person(store)) < count:
        if time.monotonic() - began > seconds:
            raise SystemExit(f"{len(by_person(store))} of {count} verdicts arrived")
        time.sleep(0.05)
    return time.monotonic() - began


def at_the_keys(page, script, count):
    return [page.evaluate(script, "kr"[n % 2]) for n in range(count)]


def hundred(page):
    """Seconds for a hundred verdicts by the browser's own keys, each shown on screen before the next."""
    page.keyboard.press("Home")
    began = time.monotonic()
    for n in range(100):
        before = page.inner_text("#shows")
        page.keyboard.press("kr"[n % 2])
        while page.inner_text("#shows") == before:
            time.sleep(0.001)
    return time.monotonic() - began


def two_windows(browser, store, url, count=50):
    """How many verdicts two windows give on the same frames at once, and how many of them became no row."""
    pages = [browser.new_page() for _ in range(2)]
    for page in pages:
        page.goto(url)
        until(page, "document.querySelectorAll('#grid li').length > 0")
        page.select_option("#show", "open")
        page.select_option("#sort", "plan")
        page.keyboard.press("Escape")
        page.evaluate("document.activeElement.blur()")
        until(page, f"document.querySelectorAll('#grid li').length >= {count}", 1.0)
        page.click("#grid button >> nth=0")
    before = rows_of_person(store)
    for n in range(count):
        pages[0].keyboard.press("kr"[n % 2])
        pages[1].keyboard.press("rk"[n % 2])
    for page in pages:
        until(page, "JSON.parse(localStorage[`review-queue:${document.body.dataset.run}`] || '[]').length === 0")
    time.sleep(1)
    return 2 * count, 2 * count - (rows_of_person(store) - before)


def measure(options):
    """Every figure, and which bars are missed."""
    with tempfile.TemporaryDirectory() as where, Store.open(Path(where) / "run", create=True) as store:
        filled(store, options.frames)
        listening = listen(Address("127.0.0.1", 0))
        address = Address("127.0.0.1", listening.getsockname()[1])
        app = build(store, address.hosts)
        server = uvicorn.Server(uvicorn.Config(app, log_level="error", access_log=False, lifespan="off"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            with sync_playwright() as driver:
                browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
                return figures(browser, store, address.url, options)
        finally:
            server.should_exit = True
            thread.join()


def figures(browser, store, url, options):
    """The figures in an open browser."""
    cards, drawn = opening(browser, url, options.frames, options.times)
    page = browser.new_page(viewport={"width": 1200, "height": 850})
    page.goto(url)
    until(page, f"document.querySelectorAll('#grid li').length === {options.frames}")
    page.keyboard.press("Home")
    grid = at_the_keys(page, PRESS, 40)
    page.keyboard.press("Home")
    page.keyboard.press("Enter")
    handled, painted = at_the_keys(page, HANDLE, 60), at_the_keys(page, PRESS, 60)
    settled(store, 160)
    seconds = hundred(page)
    late = settled(store, 260)
    words, lost = two_windows(browser, store, url)
    found = {
        "frames": options.frames, "chromium": browser.version,
        "open_seconds": statistics.median(cards), "open_seconds_worst": max(cards),
        "open_seconds_first_pictures": statistics.median(drawn), "open_seconds_first_pictures_cold": drawn[0],
        "key_ms": statistics.median(painted), "key_ms_95": statistics.quantiles(painted, n=20)[-1],
        "key_ms_handler": statistics.median(handled), "key_ms_grid": statistics.median(grid),
        "hundred_seconds": seconds, "hundred_seconds_until_stored": seconds + late,
        "two_windows_words": words, "two_windows_lost": lost,
    }  # fmt: skip
    missed = [name for name, bar in BARS.items() if found[name] > bar] + ["two_windows_lost"] * bool(lost)
    return {**{k: round(v, 3) if isinstance(v, float) else v for k, v in found.items()}, "missed": missed}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=1000, help="at least 310")
    parser.add_argument("--times", type=int, default=5)
    outcome = measure(parser.parse_args())
    print(json.dumps(outcome, indent=2))  # noqa: T201
    sys.exit(bool(outcome["missed"]))
