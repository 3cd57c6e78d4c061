from __future__ import annotations

import base64
import io
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from PIL import Image

from bootstrap.config import load
from bootstrap.pictures.sheets import contact_sheet, thumbnail
from bootstrap.records import VerdictKind
from bootstrap.report import write_report
from bootstrap.report.plots import curves, growth, histogram, stacked
from bootstrap.store.store import Store


class Page(HTMLParser):
    """Collects links, sources and text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.sources: list[str] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.links += [value or "" for name, value in attrs if name == "href"]
        self.sources += [value or "" for name, value in attrs if name == "src"]

    def handle_data(self, data: str) -> None:
        self.text += data


def written(store: Store) -> Page:
    out = write_report(store, store.directory / "report.html", "Mika & friends")
    return Page(out.read_text(encoding="utf-8"))


def test_the_page_shows_every_taken_frame_and_sends_no_request(store: Store) -> None:
    page = written(store)
    taken = [*store.kept(), *store.frames_judged(VerdictKind.PROVISIONAL)]
    assert len(taken) == 24
    assert {frame.path for frame in taken} <= set(page.links)
    assert all(source.startswith("data:image/webp;base64,") for source in page.sources)
    assert all((store.directory / link).is_file() for link in page.links if not link.startswith("#"))
    raw = (store.directory / "report.html").read_text(encoding="utf-8")
    assert re.findall(r"""(?:src|href)=["']?(?:https?:)?//|url\(|<script|@import""", raw) == []


def test_the_page_shows_what_happened(store: Store) -> None:
    text = written(store).text
    for expected in ("Mika & friends", "12 of 48", "The set 24",
                 "6 not taken, with reasons", "why 1", "held-out similarity 0.700",
                 "a2.safetensors", "clip",
                 "the tag 'mole' <cannot> be checked", "2 min 00 s", "round 1", "1 min 12 s", "smile <3"):  # fmt: skip
        assert expected in text


def test_reasons_are_counted_without_their_numbers(store: Store) -> None:
    page = written(store)
    assert len(re.findall(r"6\s*why(?! \d)", page.text)) == 2  # six frames of each round, each with its own number


def test_scores_are_shown_family_by_family_and_where_a_scorer_is_not_applicable(store: Store) -> None:
    raw = write_report(store, store.directory / "report.html", "Mika").read_text(encoding="utf-8")
    shown = raw[raw.index('id="scores"') : raw.index('id="round-2"')]
    assert re.findall(r'<div class="strip"><h3>([\w-]+)</h3>', shown) == list(load("puppet").views.families)
    assert shown.count("not applicable in these views") == 6  # the face scorer
    told = re.findall(r"A kept picture scores higher than a decoy in (\d+)% of the pairs: (good|fair|poor)", shown)
    assert told == [("83", "fair")] * 4
    assert shown.count("Nothing was kept here.") == 2
    assert shown.count('class="decoys" d=') == 6  # clip


def test_links_within_the_page_lead_somewhere(store: Store) -> None:
    raw = write_report(store, store.directory / "report.html", "Mika").read_text(encoding="utf-8")
    places = set(re.findall(r'href="#([\w-]+)"', raw))
    assert {"set", "scores", "round-1", "round-2", "time"} <= places <= set(re.findall(r'id="([\w-]+)"', raw))


def test_the_page_leads_to_the_files_that_are_there(store: Store) -> None:
    assert "Files" not in written(store).text
    for name in ("lora/mika chr.safetensors", "dataset/provenance.csv"):
        (store.directory / name).parent.mkdir()
        (store.directory / name).write_bytes(b"")
    page = written(store)
    assert {"lora/mika%20chr.safetensors", "dataset/provenance.csv"} <= set(page.links)
    assert "dataset/metadata.jsonl" not in page.links


def test_the_sheets_hold_the_taken_frames(store: Store) -> None:
    written(store)
    with Image.open(store.directory / "sheets" / "final.png") as sheet:
        colours = {colour for _, colour in sheet.convert("RGB").getcolors(1 << 20) or []}
    assert {(10 * 15, 90, 9), (10 * 17, 90, 9)} <= colours  # kept, provisional
    assert (10 * 16, 90, 9) not in colours  # rejected
    assert sorted(path.name for path in (store.directory / "sheets").iterdir()) == [
        "final.png", "round-1.png", "round-2.png",
    ]  # fmt: skip


def test_a_lost_picture_leaves_a_grey_place(store: Store) -> None:
    for frame in store.kept():
        (store.directory / frame.path).unlink()
    (store.directory / "seed.png").unlink()
    assert "Mika & friends" in written(store).text


def test_an_empty_run_has_a_page(tmp_path: Path) -> None:
    with Store.open(tmp_path / "run", create=True) as store:
        assert "Nothing is kept yet" in written(store).text
        assert not (store.directory / "sheets").exists()


def test_contact_sheet_places_pictures_in_rows() -> None:
    images = [Image.new("RGB", (4, 4), colour) for colour in ("red", "lime", "blue")]
    sheet = contact_sheet(images, 2, ["a"] * 3, side=20)
    seen = [sheet.getpixel(place) for place in ((16, 16), (42, 16), (16, 58))]
    assert seen == [(255, 0, 0), (0, 255, 0), (0, 0, 255)]
    assert contact_sheet([], 4).size == (172, 172)


def test_thumbnail_is_small_and_keeps_its_shape() -> None:
    data = base64.b64decode(thumbnail(Image.new("RGB", (400, 200), "red"), side=100).split(",")[1])
    with Image.open(io.BytesIO(data)) as image:
        assert image.size == (100, 50)


@pytest.mark.parametrize("values", [[], [0.5], [0.5, 0.5], [-1.0, 2.0, 0.3]])
def test_histogram_takes_any_number_of_values(values: list[float]) -> None:
    drawn = histogram({"decoys": values, "kept": []}, title="a <b>")
    assert drawn.count("<path") == bool(values)
    assert "nan" not in drawn
    assert "<b>" not in drawn


def test_growth_of_nothing_is_nothing() -> None:
    assert growth([]) == ""


@pytest.mark.parametrize("values", [[0.5], [0.5, 0.5], [None, 0.2, 0.4]])
def test_curves_leave_gaps_and_write_the_last_value(values: list[float | None]) -> None:
    drawn = curves({"held-out": values, "selecting": [None]}, "likeness")
    assert drawn.count("<circle") == sum(value is not None for value in values)
    assert f">{values[-1]:.3g}</text>" in drawn
    assert "nan" not in drawn


def test_curves_and_bars_of_nothing_are_nothing() -> None:
    assert curves({"kept": [None, None]}, "") == ""
    assert stacked({}, str) == ""
    assert stacked({"a": {"x": 0.0}}, lambda value: f"{value:g}").count("<b ") == 0


def test_stacked_parts_are_measured_against_the_longest_row() -> None:
    drawn = stacked({"a": {"x": 1.0, "y": 1.0}, "b": {"x": 4.0}}, lambda value: f"{value:g} s")
    assert re.findall(r"width:([\d.]+)%", drawn) == ["25.0", "25.0", "100.0"]
    assert re.findall(r"<em>(.*?)</em>", drawn) == ["2 s", "4 s"]
