"""A person's verdicts re-rank what is judged next, when that is worth it; stored, told, and the same every time."""

import json
from types import SimpleNamespace

import numpy as np
import pytest

from bootstrap.config import load
from bootstrap.records import Frame, Job, JobKind, Shot, Verdict, VerdictKind
from bootstrap.review.person_verdicts import judge
from bootstrap.store.decisions import VerdictFit
from bootstrap.store.store import Store
from loops import choose as room
from loops.verdict_fit import DOUBTED, by_verdicts
from scoring.base import Measurement

CONFIG = load("puppet", overrides=["loop.calibrate_on=lookalikes"])
NAMES = ["clip", "face"]


def frame(id, kind=JobKind.CANDIDATE, adapter="a"):
    shot = Shot(
        "front",
        "front",
        "portrait",
        {
            "expression": "smile",
            "pose": "standing",
            "outfit": "default",
            "background": "forest",
            "style": "cel shading",
        },
    )
    return Frame(Job(id, kind, 1, 1, shot, id, "", 1, {}), id, id, adapter)


@pytest.fixture
def story(monkeypatch):
    """90 frames, of which a person judged 60 by the face alone; clip says nothing of them."""
    random = np.random.default_rng(0)
    decoys = [frame(f"d{n:03d}", JobKind.LOOKALIKE) for n in range(100)]
    frames = [frame(f"c{n:03d}") for n in range(90)]
    measured = {f.job.id: dict(zip(NAMES, map(Measurement, random.normal(0, 1, 2)), strict=True)) for f in decoys}
    measured |= {
        f.job.id: {"clip": Measurement(random.normal(0, 1)), "face": Measurement(random.normal(1, 2))} for f in frames
    }
    kinds = {True: VerdictKind.KEEP, False: VerdictKind.REJECT}
    verdicts = {
        f.job.id: Verdict(f.job.id, kinds[measured[f.job.id]["face"].value > 1], "person", ()) for f in frames[:60]
    }
    monkeypatch.setattr("loops.strata.usable_decoys", lambda *_: {JobKind.LOOKALIKE: decoys, JobKind.EXCHANGED: []})
    notes, decided = [], {}
    store = SimpleNamespace(verdicts=lambda: verdicts, decide=decided.setdefault)
    judges = SimpleNamespace(identity=NAMES)
    engine = SimpleNamespace(store=store, config=CONFIG, judges=judges, note=notes.append)
    return SimpleNamespace(
        engine=engine, frames=frames, measured=measured, verdicts=verdicts, notes=notes, decided=decided
    )


def taught(story):
    ranks = room.ranked(story.engine, story.frames, story.measured)
    return ranks, *by_verdicts(story.engine, story.frames, ranks, story.measured, 2, 1)


def test_verdicts_that_teach_something_take_the_place_of_the_fixed_rule(story):
    fixed, learned, doubted = taught(story)
    face = {id: story.measured[id]["face"].value for id in learned}
    new = sorted(learned)[60:]
    agree = [np.corrcoef([face[id] for id in new], [by[id].score for id in new])[0, 1] for by in (fixed, learned)]
    assert agree[1] > 0.9 > agree[0] + 0.1
    assert doubted
    assert all(face[id] < 1.5 for id in doubted), "what the person would reject"
    (text,) = story.notes
    assert text.startswith("60 verdicts of yours teach the gate (log-loss ")
    told = json.loads(story.decided["lesson-r02w1"])
    assert told["used"]
    assert told["loss"] < told["rule_loss"]
    assert told["scorers"] == NAMES


def test_the_same_rows_decide_the_same(story):
    assert taught(story) == taught(story)


def test_few_verdicts_change_nothing_and_say_nothing(story):
    for id in sorted(story.verdicts)[29:]:
        del story.verdicts[id]
    fixed, learned, doubted = taught(story)
    assert (learned, doubted, story.notes) == (fixed, set(), [])


def test_rejected_duplicates_do_not_count_for_they_say_nothing_of_the_picture(story):
    for id, one in list(story.verdicts.items()):
        if one.kind is VerdictKind.REJECT:
            story.verdicts[id] = Verdict(id, one.kind, "person", ("duplicate",))
    fixed, learned, _ = taught(story)
    assert learned == fixed


def test_verdicts_that_teach_nothing_better_leave_the_ranks_and_say_so(story):
    for n, (id, one) in enumerate(story.verdicts.items()):
        story.verdicts[id] = Verdict(id, VerdictKind.KEEP if n % 2 else VerdictKind.REJECT, one.by, ())
    fixed, learned, doubted = taught(story)
    assert (learned, doubted) == (fixed, set())
    assert "leave the gate as it is" in story.notes[0]
    assert not json.loads(story.decided["lesson-r02w1"])["used"]


def test_a_run_with_many_verdicts_tells_what_they_are_worth(given, call, tmp_path):
    """One scorer alone cannot be combined better than itself: the run says so, in its report too, and goes on."""
    run, given = tmp_path / "run", [*given, "--set", "loop.candidates_a_place=16", "--set", "base.sampling.width=32"]
    assert call("run", *given, "--out", run, "--approval", "human").code == 3
    with Store.open(run, exclusive=False) as store:
        frames = [f for f in store.frames(kind=JobKind.CANDIDATE) if store.verdicts()[f.job.id].p is not None]
        for n, one in enumerate(frames[:40]):
            judge(store, one, VerdictKind.REJECT if n % 6 else VerdictKind.KEEP)
    call("reject", run, frames[0].job.id)
    call("approval", run, "auto")
    assert call("run", *given, "--out", run, "--approval", "human").code == 0
    with Store.open(run, exclusive=False) as store:
        fits = store.decisions(VerdictFit)
        assert fits
        assert not fits[0].used
    assert "leave the gate as it is" in (run / "report.html").read_text()


def test_what_a_person_would_likely_reject_is_not_kept(tiny, call, tmp_path, monkeypatch):
    monkeypatch.setattr(room, "by_verdicts", lambda engine, frames, ranks, *rest: (ranks, set(ranks)))
    run = tmp_path / "run"
    call("run", *tiny, "--out", run, "--rounds", "1")
    with Store.open(run, exclusive=False) as store:
        assert not store.kept()
        said = [one.reasons for one in store.verdicts().values() if one.p is not None]
        assert said
        assert all(DOUBTED in reasons for reasons in said)
