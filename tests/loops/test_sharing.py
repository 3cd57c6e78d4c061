"""Two drawers share the candidates of a run: the one that passes more gets more, and none is given up."""

from collections import Counter
from dataclasses import replace
from itertools import count
from types import SimpleNamespace

import pytest

from bootstrap.backends.fake import FakeBackend
from bootstrap.backends.outside.refusals import refusal_card
from bootstrap.backends.sampling import SamplingSettings
from bootstrap.errors import BackendError
from bootstrap.records import JobKind, Shot
from bootstrap.store.decisions import SharesChosen
from bootstrap.store.store import Store
from loops.decoys import strata
from loops.sharing import Tally, dealt, shares_by, yields_of
from scoring.calibrate import FEWEST
from scoring.measurement import Measurement
from tests.loops.test_portraits import PORTRAITS, frame

SETTINGS = (
    "loop.target=18", "loop.rounds=1", "loop.waves=2", "loop.candidates_a_place=1", "loop.lookalikes=4",
    "loop.showcase=0", "loop.acceptance.weights=[]", "loop.final_candidates=1", "base.sampling.batch_size=1",
    "base.reference.strengths=[]",
)  # fmt: skip
SMALL = SamplingSettings(steps=1, width=32, height=32, batch_size=1)
PAINTER = "kind: comfyui\nname: painter\nworkflow: none.json\nmost: 1\n"


class Painter:
    """A drawer that refuses nine of ten candidates."""

    name, fingerprint, resolution, batch_size = "painter", "painter:1", (32, 32), 1

    def __init__(self, fails_at=None):
        self.fake, self.fails_at, self.drawn = FakeBackend(SMALL), fails_at, []

    def draw(self, jobs, adapter):
        assert adapter is None
        for job in jobs:
            if len(self.drawn) == self.fails_at:
                raise BackendError("out of paint")
            assert job.references
            self.drawn.append(job.id)
            ((_, image),) = next(self.fake.draw([replace(job, references=())], None))
            if job.kind is JobKind.CANDIDATE and job.random_seed % 10:
                image = refusal_card(self.resolution, "no paint")
            yield [(job, image)]

    def close(self):
        pass


@pytest.fixture
def go(call, tiny, tmp_path, monkeypatch):
    """Run a painter and the base, which is shown the seed; every batch takes a second."""
    (tmp_path / "painter.yaml").write_text(PAINTER)
    monkeypatch.setattr("bootstrap.cli.run.check_drawers", lambda config: None)

    def start(name="run", fails_at=None):
        monkeypatch.setattr("loops.draw.time", SimpleNamespace(monotonic=count().__next__))
        painter = Painter(fails_at)
        monkeypatch.setattr("loops.open_engine.open_drawers", lambda *given: {"painter": painter})
        words = [word for setting in SETTINGS for word in ("--set", setting)]
        drawers = ["--drawer", "base", "--drawer", tmp_path / "painter.yaml", "--reference", "attention"]
        return call("run", *tiny, *drawers, *words, "--out", tmp_path / name)

    return start


def shared(run):
    with Store.open(run, exclusive=False) as store:
        frames = {frame.job.id: (frame.digest, frame.drawer, frame.job.drawer) for frame in store.frames()}
        return frames, store.decisions(SharesChosen), store.frames()


def test_the_better_drawer_gets_more_and_a_run_that_failed_ends_the_same(go, tmp_path):
    whole = go()
    assert whole.code == 0, whole.err
    found, (first, second), frames = shared(tmp_path / "run")
    assert all(set(by_drawer.values()) == {0.5} for by_drawer in first.shares.values())
    assert all(by_drawer["base"] > 0.6 for by_drawer in second.shares.values())
    assert all(by_drawer["painter"] >= 0.2 for by_drawer in second.shares.values())
    candidates = [one for one in frames if one.job.kind is JobKind.CANDIDATE]
    by_wave = [Counter(one.drawer for one in candidates if one.job.wave == wave) for wave in (1, 2)]
    assert by_wave[0]["painter"] == pytest.approx(by_wave[0]["fake"], abs=2)
    assert by_wave[1]["fake"] > by_wave[1]["painter"] > 0
    strangers = Counter(one.drawer for one in frames if one.job.kind is JobKind.STRANGER)
    assert strangers["painter"] >= 24 <= strangers["fake"]
    assert "painter and base draw half of the candidates each" in whole.out + whole.err
    by_painter = [one for one in found.values() if one[1] == "painter"]
    assert go(name="failed", fails_at=len(by_painter) - 1).code == 1, "within the second wave"
    assert go(name="failed").code == 0
    assert shared(tmp_path / "failed")[:2] == (found, [first, second])


@pytest.mark.parametrize(
    ("drawers", "line"),
    [
        (["klein", "klein"], '--drawer "klein" is given twice'),
        (["klein", "base", "openai"], '--drawer "klein, base, openai": two drawers at most share the work'),
        (["folder:.", "base"], 'the drawer "folder" shares the work with no other: leave one out'),
        (["klein", "klein.yaml"], 'the drawer "klein" is given twice: leave one out, or give one another name'),
    ],
)
def test_what_cannot_share_is_one_line(call, tiny, tmp_path, monkeypatch, drawers, line):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "klein.yaml").write_text(PAINTER.replace("painter", "klein"))
    done = call("run", *tiny, *(word for name in drawers for word in ("--drawer", name)))
    assert done.code == 2
    assert line in done.err


def test_a_yield_counts_time_and_money_is_shrunk_and_has_a_floor():
    drawn = {"front": {"a": Tally(20, 10), "b": Tally(20, 10)}, "behind": {"a": Tally(20, 10), "b": Tally(0, 0)}}
    yields = yields_of(drawn, {"a": 1.0, "b": 2.0})
    assert shares_by(yields["front"]) == {"a": 0.67, "b": 0.33}
    assert 0 < yields["behind"]["b"] == pytest.approx(0.25, abs=0.01), "what is not known is as elsewhere"
    assert shares_by({"a": 1.0, "b": 0.0}) == {"a": 0.8, "b": 0.2}
    assert shares_by({"a": 0.0, "b": 0.0}) == {"a": 0.5, "b": 0.5}
    one_bad = yields_of({"front": {"a": Tally(2, 0), "b": Tally(2, 2)}}, {"a": 1.0, "b": 1.0})
    assert shares_by(one_bad["front"])["a"] > 0.2


def test_shots_are_dealt_by_what_they_are():
    shots = [Shot("front", "front", "portrait", take=take) for take in range(10)]
    mine = dealt(shots, {"front": {"a": 0.8, "b": 0.2}}, 0)
    assert {name: len(found) for name, found in mine.items()} == {"a": 8, "b": 2}
    assert mine == {name: [one for one in shots if one in found] for name, found in mine.items()}
    few = [dealt(shots[:2], {"front": {"a": 0.8, "b": 0.2}}, seed)["b"] for seed in range(30)]
    assert 6 < sum(map(len, few)) < 18, "a floor holds where there are only a few, too"
    assert mine != dealt(shots, {"front": {"a": 0.8, "b": 0.2}}, 1)


def test_a_frame_is_ranked_among_decoys_of_its_own_drawer_where_there_are_enough():
    def made(name, kind, drawer):
        found = frame(name, kind, PORTRAITS[0])
        return replace(found, job=replace(found.job, drawer=drawer))

    candidates = [made("c-a", JobKind.CANDIDATE, "a"), made("c-b", JobKind.CANDIDATE, "b")]
    strangers = [made(f"a{n}", JobKind.STRANGER, "a") for n in range(FEWEST)]
    strangers += [made(f"b{n}", JobKind.STRANGER, "b") for n in range(3)]
    measured = {one.job.id: {"clip": Measurement(0.5)} for one in [*candidates, *strangers]}
    groups = strata(candidates, {JobKind.STRANGER: strangers}, measured, ["clip"], "lookalikes")
    sizes = {next(iter(one.candidates)): len(one.lookalikes) for one in groups}
    assert sizes == {"c-a": FEWEST, "c-b": FEWEST + 3}
