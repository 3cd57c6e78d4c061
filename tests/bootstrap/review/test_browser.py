"""The review page in a real browser, by keyboard, with a thousand frames, on a phone, in two windows.

Drives the system's Chromium; skips where there is none.
"""

import os
import shutil
import sqlite3
import statistics
import threading
import time
from contextlib import closing

import pytest
from PIL import Image

from bootstrap.config import load
from bootstrap.records import Job, JobKind, Shot, Verdict, VerdictKind
from bootstrap.review.serve import Address, listen
from bootstrap.store.store import DATABASE
from scoring.measurement import digest_of

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")
FRAMES = 1000
VIEWS = load("puppet").views
VIEW_FAMILIES, FRAMINGS = tuple(VIEWS.families), tuple(VIEWS.framings)
PATIENCE = float(os.environ.get("REVIEW_PATIENCE", "12"))
"""A busy machine may take this many times as long as the bars say: 2 s to open, 50 ms a key; 1 measures."""

PRESS = """key => {
  const began = performance.now();
  document.body.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
  document.body.offsetHeight;
  return performance.now() - began;
}"""
"""Press a key; milliseconds until the page shows what it did."""


@pytest.fixture(scope="module")
def browser():
    with playwright.sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.fixture
def many(store, config):
    """A thousand candidates beside the four that are there; they share eight pictures, as only their number matters."""
    jobs = []
    for n in range(FRAMES):
        view_family, framing = VIEW_FAMILIES[n % 6], FRAMINGS[n % 4]
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
    store.plan(jobs)
    folder = store.directory / "frames" / "r01w1"
    drawn = [Image.new("RGB", (96, 96), (30 * n, 90, 200 - 20 * n)) for n in range(8)]
    for n, image in enumerate(drawn):
        image.save(folder / f"{n}.png")
    digests = [digest_of(image) for image in drawn]
    rows = [(job.id, f"frames/r01w1/{n % 8}.png", digests[n % 8], "a1", "fake") for n, job in enumerate(jobs)]
    with closing(sqlite3.connect(store.directory / DATABASE)) as db, db:
        db.executemany("INSERT INTO frames (id, path, digest, adapter, drawer) VALUES (?, ?, ?, ?, ?)", rows)
    kinds = (VerdictKind.KEEP, VerdictKind.REJECT, VerdictKind.UNDECIDED)
    verdicts = [Verdict(job.id, kinds[n % 3], "gate", ("a reason",), (n + 1) / 1001, 1.0) for n, job in enumerate(jobs)]
    store.set_verdicts(verdicts, 1, 1)
    return store


@pytest.fixture
def served(store):
    """The page's address while a server thread runs."""
    import uvicorn

    from bootstrap.review.web_app import build

    listening = listen(Address("127.0.0.1", 0))
    address = Address("127.0.0.1", listening.getsockname()[1])
    app = build(store, address.hosts)
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", access_log=False, lifespan="off"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    yield address.url
    server.should_exit = True
    thread.join()
    listening.close()


@pytest.fixture
def page(browser, served):
    """An open page on which nothing goes wrong unheard."""
    one = browser.new_page(viewport={"width": 1200, "height": 850})
    troubles = []
    one.on("pageerror", lambda error: troubles.append(str(error)))
    one.on("console", lambda entry: entry.type == "error" and troubles.append(entry.text))
    one.goto(served)
    one.wait_for_selector("#grid li")
    yield one
    one.close()
    assert [text for text in troubles if "ERR_FAILED" not in text] == [], "a request that a test cuts off is no trouble"


def becomes(page, expression, seconds=20.0):
    """Wait until something is true on the page (asked from outside: the page itself forbids evaluating text)."""
    until = time.monotonic() + seconds
    while not page.evaluate(expression):
        assert time.monotonic() < until, expression
        time.sleep(0.005)


def settled(store, count, seconds=20.0):
    """Wait until that many verdicts of a person are rows."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        given = {id: one for id, one in store.verdicts().items() if one.by == "person"}
        if len(given) >= count:
            return given
        time.sleep(0.1)
    raise AssertionError(f"{len(given)} of {count} verdicts arrived")


def test_a_thousand_frames_open_soon_and_are_judged_by_keyboard(many, page, served):
    began = time.monotonic()
    page.goto(served)
    becomes(page, f"document.querySelectorAll('#grid li').length === {FRAMES + 4}")
    assert time.monotonic() - began < 2 * PATIENCE
    page.keyboard.press("Home")
    page.keyboard.press("Enter")
    assert page.is_visible("#single")
    waits = [page.evaluate(PRESS, "kr"[n % 2]) for n in range(30)]
    assert page.inner_text("#shows").startswith("31 of ")
    assert statistics.median(waits) < 50 * PATIENCE
    given = settled(many, 30)
    assert sum(one.kind is VerdictKind.KEEP for one in given.values()) == 15
    page.keyboard.press("u")
    becomes(page, "document.getElementById('message').textContent.startsWith('undone: rejected')")
    becomes(page, "JSON.parse(localStorage[`review-queue:${document.body.dataset.run}`]).length === 0")
    assert len([one for one in many.verdicts().values() if one.by == "person"]) == 29


def test_reasons_the_seed_captions_and_help(page, store):
    page.keyboard.press("Home")
    page.keyboard.press("Enter")
    page.keyboard.press("1")
    page.keyboard.press("3")
    page.keyboard.press("r")
    (verdict,) = settled(store, 1).values()
    assert verdict.reasons == ("face", "hands")
    page.keyboard.press("ArrowLeft")
    assert page.get_attribute("#chips [value=hands]", "aria-pressed") == "true"
    page.keyboard.down("f")
    assert "/seeds/0" in page.get_attribute("#large", "src")
    page.keyboard.up("f")
    assert "/pictures/" in page.get_attribute("#large", "src")
    becomes(page, "document.getElementById('caption').value.startsWith('mikachr')")
    page.fill("#caption", "mikachr, k and r are letters here")
    page.click("#save-caption")
    becomes(page, "document.getElementById('caption-by').textContent === 'yours'")
    assert list(store.person.captions().values()) == ["mikachr, k and r are letters here"]
    page.click("#close")
    page.keyboard.press("?")
    assert page.is_visible("#help")
    page.keyboard.press("Escape")
    assert not page.is_visible("#help")


def test_a_late_answer_replaces_nothing_that_was_typed(page):
    page.keyboard.press("Home")
    page.keyboard.press("Enter")
    becomes(page, "document.getElementById('caption').value.startsWith('mikachr')")
    held = []
    page.route("**/api/frames/*", lambda route: held.append(route))
    page.keyboard.press("ArrowRight")
    becomes(page, "document.getElementById('caption').value === ''")
    page.fill("#caption", "mikachr, typed at once")
    for route in held:
        route.continue_()
    becomes(page, "document.querySelector('#why h2') !== null")
    assert page.input_value("#caption") == "mikachr, typed at once"


def test_quotas_filter_and_blind_hides_the_gate(page):
    page.click("#quotas [data-view-family=behind]")
    labels = page.eval_on_selector_all("#grid button", "all => all.map(one => one.getAttribute('aria-label'))")
    assert labels
    assert all(label.startswith("behind") for label in labels)
    page.click("#blind")
    assert "kept" not in page.get_attribute("#grid button >> nth=0", "aria-label")
    assert page.get_attribute("#quotas [data-view-family=behind]", "aria-pressed") == "true"


def test_a_server_that_goes_away_loses_no_verdict(page, store):
    page.keyboard.press("Enter")
    page.route("**/api/verdicts", lambda route: route.abort())
    page.keyboard.press("k")
    becomes(page, "document.getElementById('message').textContent.includes('wait here')")
    page.unroute("**/api/verdicts")
    page.reload()
    assert len(settled(store, 1)) == 1


def test_two_windows_never_lose_a_verdict(page, browser, served, store):
    other = browser.new_page()
    other.goto(served)
    other.wait_for_selector("#grid li")
    for one, key in ((page, "k"), (other, "r")):
        one.keyboard.press("Home")
        one.keyboard.press("Enter")
        one.keyboard.press(key)
        settled(store, 1)
    becomes(other, "document.getElementById('message').textContent.includes('another window judged: kept')")
    (id,) = settled(store, 1)
    assert [one.kind.value for one in store.verdict_history(id)][1:] == ["keep", "reject"]
    other.close()


def test_a_phone_has_room_for_everything(browser, served):
    phone = browser.new_page(viewport={"width": 375, "height": 720}, has_touch=True, color_scheme="dark")
    phone.goto(served)
    phone.wait_for_selector("#grid li")
    assert phone.evaluate("document.documentElement.scrollWidth") <= 375
    phone.tap("#grid button >> nth=0")
    assert phone.evaluate("document.getElementById('single').scrollWidth") <= 375
    phone.tap("#keep")
    becomes(phone, "document.getElementById('shows').textContent.startsWith('2 of ')")
    phone.close()


def test_a_copy_is_cropped_by_keyboard_covered_by_mouse_and_tags_change_together(page, store):
    count = len(store.frames(kind=JobKind.CANDIDATE))
    page.keyboard.press("Home")
    page.keyboard.press("e")
    assert page.evaluate("document.activeElement.id") == "region"
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Shift+ArrowUp")
    edges = [page.input_value(f"#edge-{edge}") for edge in ("left", "top", "right", "bottom")]
    assert edges == ["9", "10", "89", "89"]
    page.select_option("#edit-framing", "close-up")
    page.click("#crop")
    becomes(page, "document.getElementById('message').textContent.startsWith('a copy, cropped')")
    cropped = store.frames(round=0)[-1]
    assert (cropped.job.shot.framing, cropped.drawer) == ("close-up", "person")
    assert page.inner_text("#shows").count("close-up")
    page.click("#edit-button")
    box = page.locator("#large").bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2 - 40, box["y"] + box["height"] / 2 - 40)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 2 + 40, box["y"] + box["height"] / 2 + 40)
    page.mouse.up()
    assert float(page.input_value("#edge-left")) < 50 < float(page.input_value("#edge-right"))
    page.click("#cover")
    becomes(page, "document.getElementById('message').textContent.startsWith('a copy, covered')")
    page.keyboard.press("e")
    page.keyboard.press("Escape")
    assert page.is_visible("#single")
    assert not page.is_visible("#edit")
    page.keyboard.press("Escape")
    page.click("#retag summary")
    page.fill("#retag-add", "umbrella")
    page.click("#retag-apply")
    becomes(page, "document.getElementById('message').textContent.includes('captions changed')")
    assert len(store.person.captions()) == count + 2
    page.click("#retag-undo")
    becomes(page, "document.getElementById('message').textContent.includes('as they were')")
    assert store.person.captions() == {}


def selected(page):
    return page.eval_on_selector_all("#grid input:checked", "all => all.map(one => one.dataset.id)")


def test_many_are_selected_rejected_and_taken_back_by_keyboard_and_mouse(many, page):
    page.click("#grid input >> nth=1")
    page.click("#grid button >> nth=4", modifiers=["Shift"])
    assert len(selected(page)) == 4
    assert page.inner_text("#batch-count") == "4 selected"
    page.click("#grid input >> nth=2")
    assert len(selected(page)) == 3
    page.keyboard.press("Escape")
    assert not page.is_visible("#batch")
    page.focus("#grid [aria-current]")
    page.keyboard.press("Home")
    first = page.get_attribute("#grid [tabindex='0']", "data-id")
    page.keyboard.press("Space")
    page.keyboard.press("Shift+ArrowDown")
    across = page.evaluate("getComputedStyle(document.getElementById('grid')).gridTemplateColumns.split(' ').length")
    ids = selected(page)
    assert (len(ids), ids[0]) == (across + 1, first), "down a row"
    assert not page.is_visible("#single"), "Space opens nothing"
    page.keyboard.press("3")
    page.keyboard.press("r")
    given = settled(many, across + 1)
    assert {one.reasons for one in given.values()} == {("hands",)}
    assert set(given) == set(ids)
    page.keyboard.press("u")
    becomes(page, "document.getElementById('message').textContent.startsWith('undone:')")
    becomes(page, "JSON.parse(localStorage[`review-queue:${document.body.dataset.run}`]).length === 0")
    assert not [one for one in many.verdicts().values() if one.by == "person"]
    page.keyboard.press("Control+a")
    assert page.inner_text("#batch-count") == f"{FRAMES + 4} selected"
    page.keyboard.press("Escape")
    page.keyboard.press("End")
    assert page.get_attribute("#grid [tabindex='0']", "data-id") == page.get_attribute(
        "#grid li:last-child button", "data-id"
    )
    assert page.locator("#grid [tabindex='0']").count() == 1, "the grid is one stop of the Tab key"


def test_ids_the_command_tags_of_the_selected_and_pairs(page, store):
    page.evaluate("void (navigator.clipboard.writeText = () => Promise.reject(new Error('not allowed')))")
    page.click("#grid input >> nth=0")
    page.click("#grid input >> nth=1")
    ids = selected(page)
    page.click("#batch-command")
    assert page.input_value("#copy-text") == f"bootstrap reject {store.directory} {' '.join(ids)}"
    page.keyboard.press("Escape")
    page.click("#batch-tags")
    page.fill("#retag-add", "umbrella")
    page.click("#retag-apply")
    becomes(page, "document.getElementById('message').textContent.startsWith('2 of 2 captions')")
    assert set(store.person.captions()) == set(ids)
    page.click("#undo-last")
    becomes(page, "document.getElementById('message').textContent.includes('as they were')")
    assert store.person.captions() == {}
    page.route(
        "**/api/near-duplicates",
        lambda route: route.fulfill(json={"pairs": [{"one": ids[0], "other": ids[1], "bits": 2}]}),
    )
    page.click("#pairs-button")
    becomes(page, "document.querySelectorAll('#pairs li').length === 1")
    page.click("#pairs li button >> nth=1")
    given = settled(store, 2)
    assert (given[ids[0]].kind, given[ids[0]].reasons) == (VerdictKind.REJECT, ("duplicate",))
    assert given[ids[1]].kind is VerdictKind.KEEP
    page.keyboard.press("u")
    becomes(page, "JSON.parse(localStorage[`review-queue:${document.body.dataset.run}`]).length === 0")
    assert not [one for one in store.verdicts().values() if one.by == "person"]
