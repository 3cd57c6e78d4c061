"""The page of a character file in a real browser, by keyboard and on a phone; skips where there is no Chromium."""

import json
import shutil
import threading
import time

import pytest
from PIL import Image

from bootstrap.config import load
from bootstrap.panel.draft import Reading
from bootstrap.review.draft_app import build_draft
from bootstrap.review.open_draft import DraftPicture, OpenDraft
from bootstrap.review.serve import Address, listen

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")
CONTENT = {
    "name": "Mika",
    "trigger": "mikachr",
    "base": "puppet",
    "core": "1girl, mikachr character focus",
    "invariant": {"hair_color": "red hair", "eye_color": "", "skin": ""},
    "outfits": {"default": {"tags": "red dress"}},
    "seeds": [{"file": "seed.png", "view": "front", "framing": "portrait", "tags": "smile"}],
}


@pytest.fixture
def draft(tmp_path):
    pictures = [DraftPicture("seed.png", tmp_path / "seed.png", 0, Image.new("RGB", (96, 96), "red"))]
    by = "by embedded:clip, on heads"
    readings = [Reading("eye_color", "", 0.1, by=by), Reading("skin", "fair skin", 4.0, by=by)]
    commands = ["bootstrap check seed.png character.json"]
    return OpenDraft(CONTENT, load("puppet"), pictures, tmp_path / "c.json", readings, next_commands=commands)


@pytest.fixture
def page(draft):
    """The open page; nothing goes wrong on it unheard."""
    import uvicorn

    listening = listen(Address("127.0.0.1", 0))
    address = Address("127.0.0.1", listening.getsockname()[1])
    app = build_draft(draft, address.hosts)
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", access_log=False, lifespan="off"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    troubles = []
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        one = browser.new_page(viewport={"width": 390, "height": 800})
        one.on("pageerror", lambda error: troubles.append(str(error)))
        one.on(
            "console", lambda entry: entry.type == "error" and "409" not in entry.text and troubles.append(entry.text)
        )
        one.goto(address.url)
        one.wait_for_selector("#captions dd")
        yield one
        browser.close()
    server.should_exit = True
    thread.join()
    listening.close()
    assert troubles == []


def becomes(page, expression, seconds=20.0):
    """Wait until something is true on the page (asked from outside: the page itself forbids evaluating text)."""
    until = time.monotonic() + seconds
    while not page.evaluate(expression):
        assert time.monotonic() < until, expression
        time.sleep(0.01)


def test_a_file_is_written_by_keyboard(page, draft):
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert page.inner_text("#counts") == "3 blanks"
    page.click('text=Use "fair skin"')
    becomes(page, "document.getElementById('counts').textContent === '2 blanks'")
    page.focus("#seed-list .view")
    assert "not sure, so left blank" in page.inner_text("#invariant")
    page.click("#jump")
    assert page.evaluate("document.activeElement.value") == "smile"
    page.click("#jump")
    assert page.evaluate("document.activeElement.getAttribute('aria-label')") == "tags of eye_color"
    page.keyboard.type("gre")
    offered = page.evaluate("[...document.activeElement.list.options].map((one) => one.value)")
    assert "green eyes" in offered
    page.keyboard.type("en eyes, ")
    assert "green eyes, red eyes" in page.evaluate("[...document.activeElement.list.options].map((one) => one.value)")
    becomes(page, "document.getElementById('captions').textContent.includes('red hair, green eyes')")
    page.fill("#trigger", "cat")
    becomes(page, "document.querySelector('[data-field=trigger] .found').textContent.includes('an ordinary word')")
    page.fill("#trigger", "")
    becomes(page, "document.getElementById('trigger').getAttribute('aria-invalid') === 'true'")
    assert page.is_visible("#waits")
    page.fill("#trigger", "mkonee")
    page.keyboard.press("Tab")
    assert page.input_value("#core") == "1girl, mkonee character focus"
    page.focus("#poses-new")
    page.keyboard.type("dancing")
    page.keyboard.press("Enter")
    page.select_option("#seed-list .view", "behind")
    becomes(page, "document.getElementById('captions').textContent.includes('from behind')")
    draft.out.write_text("another's")
    page.keyboard.press("Control+s")
    becomes(page, "document.getElementById('replace').open")
    page.keyboard.press("Escape")
    assert draft.out.read_text() == "another's"
    page.click("#save")
    becomes(page, "document.getElementById('replace').open")
    page.click("[value=replace]")
    page.wait_for_selector("#commands code")
    assert page.inner_text("#commands code") == "bootstrap check seed.png character.json"
    written = json.loads(draft.out.read_text())
    assert (written["trigger"], written["invariant"]["eye_color"].rstrip(", ")) == ("mkonee", "green eyes")
    assert written["poses"] == ["dancing"]
    assert written["seeds"][0]["view"] == "behind"
    assert (draft.out.parent / "c.json.bak").read_text() == "another's"
