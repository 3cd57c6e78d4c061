"""What the report leads with: the base, the first LoRA and the finished one in the same shots; no part of the set."""

import pytest
from PIL import Image

from bootstrap.records import JobKind, Shot
from bootstrap.report.frame_figures import FrameFigures
from bootstrap.report.showcase_picture import showcase_html
from bootstrap.report.showcase_rows import showcase_of
from bootstrap.runs.standing import standing
from bootstrap.runs.status import status
from bootstrap.store.store import Store
from loops.archive import Archive
from loops.showcase import scene_of, showcase_shots
from scoring.measurement import Measurement

FRAMINGS = {"portrait": 0.2, "upper body": 0.35}


@pytest.fixture
def shown(grown):
    """A finished run, open to be read, and its showcase."""
    with Store.open(grown, exclusive=False) as store:
        yield store, showcase_of(store)


def test_three_rows_draw_the_same_shots_with_the_same_random_seeds(shown):
    store, showcase = shown
    asked = [[(f.job.shot, f.job.random_seed, f.job.negative) for f in row.frames] for row in showcase.rows]
    assert asked[0] == asked[1] == asked[2]
    final = store.adapters()[-1].id
    assert [{f.adapter for f in row.frames} for row in showcase.rows] == [{""}, {"r01-style"}, {final}]


def test_each_row_says_what_it_was_asked(shown):
    base, first, finished = shown[1].rows
    assert base.label == "base, every trait in words"
    assert first.label == "LoRA on your picture alone, every trait in words"
    assert finished.label == "this LoRA, trigger only"
    for row in (base, first):
        assert all("red hair" in frame.job.prompt for frame in row.frames)
    assert not any("red hair" in frame.job.prompt for frame in finished.frames)
    triggered = [all("redchr" in frame.job.prompt for frame in row.frames) for row in shown[1].rows]
    assert triggered == [False, True, True]


def test_its_pictures_are_measured_and_count_nowhere(shown):
    store, showcase = shown
    ids = {frame.job.id for row in showcase.rows for frame in row.frames}
    assert ids <= store.measurements().keys()
    archive = Archive.of(store)
    chosen_from = [*archive.candidates, *archive.of_kind(JobKind.LOOKALIKE)]
    assert not ids & {*store.verdicts(), *(frame.job.id for frame in chosen_from)}
    assert status(store)["kept"] == len(store.kept())
    assert standing(store).stage == "finished"


def test_the_rest_of_a_run_is_the_same_without_it_and_it_may_be_drawn_later(tiny, grown, call, tmp_path):
    run = tmp_path / "run"
    assert call("run", *tiny, "--out", run, "--set", "loop.showcase=0").code == 0
    assert "were not drawn in this run" in (run / "report.html").read_text()
    assert not (run / "showcase.png").exists()
    assert call("report", run, "--showcase", tmp_path / "x.png").line.startswith(f'error: "{run}" has no showcase')
    with Store.open(run, exclusive=False) as ours, Store.open(grown, exclusive=False) as theirs:
        assert ours.jobs() == [job for job in theirs.jobs() if job.kind is not JobKind.SHOWCASE]
        assert [f.digest for f in ours.kept()] == [f.digest for f in theirs.kept()]
        rounds, families = ours.rounds(), {job.shot.view_family for job in ours.jobs()}
    assert call("run", *tiny, "--out", run, "--set", "loop.showcase=8").code == 0
    with Store.open(run, exclusive=False) as store:
        assert store.rounds() == rounds, "no further round"
        shown = [row.frames for row in showcase_of(store).rows]
        assert [len(frames) for frames in shown] == [8, 8, 8]
        assert {frame.job.shot.view_family for frame in shown[0]} == families


def test_the_report_leads_with_it_and_the_set_is_below(grown):
    text = (grown / "report.html").read_text()
    places = [text.index(part) for part in ('class="showcase"', 'id="set"', 'id="numbers"', ">Seeds<")]
    assert places == sorted(places)
    assert "A fake run: painted discs stand in for pictures" in text
    assert 'alt="this LoRA, trigger only: front ' in text
    with Image.open(grown / "showcase.png") as picture:
        assert picture.width > 2 * 160
        assert picture.height > 4 * 160


def test_the_picture_is_written_again_at_any_size(grown, call, tmp_path):
    file = tmp_path / "small.jpg"
    assert call("report", grown, "--showcase", file, "--side", 64).code == 0
    with Image.open(file) as picture:
        assert (picture.format, picture.width < 1000) == ("JPEG", True)
    done = call("report", grown, "--showcase", tmp_path / "small.txt")
    assert (done.code, ".txt" in done.line) == (2, True)


@pytest.mark.parametrize(("lead", "said"), [
    (0.2, "finds this LoRA more alike to your picture (0.70 against 0.50; in 2 of 2 shots)."),
    (-0.2, "finds the LoRA on your picture alone more alike (0.50 against 0.30; in 2 of 2 shots). It needs every"),
    (0.0, "finds both LoRAs about as alike to your picture (0.50 against 0.50)."),
])  # fmt: skip
def test_it_says_which_lora_is_more_alike(finished, lead, said):
    run, _ = finished
    with Store.open(run, exclusive=False) as store:
        values = {}
        for row, value in zip(showcase_of(store).rows, (0.1, 0.5, 0.5 + lead), strict=True):
            values |= {frame.job.id: {"clip": Measurement(value)} for frame in row.frames}
        store.add_measurements(values, {"clip": "v"})
        found = showcase_of(store)
    assert said in found.found
    assert [row.likeness.split(", ")[0] for row in found.rows][:2] == ["clip 0.10", "clip 0.50"]


def test_a_lost_picture_of_it_is_drawn_again(finished, call):
    run, tiny = finished
    lost = next(run.glob("frames/*/showcase-*.png"))
    before = lost.read_bytes()
    lost.unlink()
    assert call("run", *tiny, "--out", run).code == 0
    assert lost.read_bytes() == before


def test_no_shot_of_the_set_is_shown_and_every_view_family_comes_first():
    probe = [Shot("front", "front", framing, {"pose": pose}) for framing in FRAMINGS for pose in ("sitting", "waving")]
    probe += [Shot("behind", "behind", "portrait", {"pose": "sitting"})]
    taken = {scene_of(Shot("front", "front", "upper body", {"pose": "sitting"}, take=3))}
    assert showcase_shots(probe, taken, 2, FRAMINGS) == [probe[3], probe[4]]
    assert showcase_shots(probe, taken, 9, FRAMINGS) == [probe[0], probe[1], probe[3], probe[4]]


def test_where_no_lora_on_the_seed_alone_drew_the_page_says_so(shown, grown, monkeypatch):
    store, whole = shown
    assert whole.absent == ""
    every = store.frames
    monkeypatch.setattr(store, "frames", lambda *a, **b: [f for f in every(*a, **b) if f.adapter != "r01-style"])
    found = showcase_of(store)
    assert [row.label.partition(",")[0] for row in found.rows] == ["base", "this LoRA"]
    said = "A LoRA on your picture alone was not drawn in this run: its file had been deleted."
    assert found.absent == said
    assert f"<p>{said}</p>" in showcase_html(store, FrameFigures(store, grown), found)
