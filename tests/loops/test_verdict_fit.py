"""A person's verdicts re-rank what is judged next, when that predicts them better; stored, noted, always the same."""

from dataclasses import dataclass, field

import numpy as np
import pytest

from bootstrap.records import Frame, Job, JobKind, Shot, Verdict, VerdictKind
from bootstrap.review.person_verdicts import judge
from bootstrap.store.decisions import VerdictFit
from bootstrap.store.store import Store
from loops import ranking
from loops.decoys import strata
from loops.ranking import ranked_among
from loops.verdict_fit import Fitted, decision_of, fit_to_verdicts, note_on
from scoring.measurement import Measurement

SCORERS = ["clip", "face"]
LEVEL = 0.3
AXES = {"expression": "smile", "pose": "standing", "outfit": "default", "background": "forest", "style": "cel shading"}


def frame(id, kind=JobKind.CANDIDATE):
    return Frame(Job(id, kind, 1, 1, Shot("front", "front", "portrait", AXES), id, "", 1, {}), id, id, "a")


@dataclass
class Judged:
    """90 frames, of which a person judged 60 by the face alone; clip says nothing of them."""

    measured: dict = field(default_factory=dict)
    verdicts: dict = field(default_factory=dict)
    frames: list = field(default_factory=list)
    groups: list = field(default_factory=list)

    def fitted(self):
        """The ranks of the fixed rule, and the fitted ones."""
        ranks = ranked_among(self.groups)
        return ranks, fit_to_verdicts(self.frames, ranks, self.groups, self.verdicts, SCORERS, LEVEL)


@pytest.fixture
def judged():
    random = np.random.default_rng(0)
    decoys = [frame(f"d{n:03d}", JobKind.LOOKALIKE) for n in range(100)]
    frames = [frame(f"c{n:03d}") for n in range(90)]
    measured = {f.job.id: dict(zip(SCORERS, map(Measurement, random.normal(0, 1, 2)), strict=True)) for f in decoys}
    measured |= {
        f.job.id: {"clip": Measurement(random.normal(0, 1)), "face": Measurement(random.normal(1, 2))} for f in frames
    }
    kinds = {True: VerdictKind.KEEP, False: VerdictKind.REJECT}
    verdicts = {
        f.job.id: Verdict(f.job.id, kinds[measured[f.job.id]["face"].value > 1], "person", ()) for f in frames[:60]
    }
    both = {JobKind.LOOKALIKE: decoys, JobKind.EXCHANGED: []}
    return Judged(measured, verdicts, frames, strata(frames, both, measured, SCORERS, "lookalikes"))


def test_a_fit_that_predicts_verdicts_better_takes_the_place_of_the_fixed_rule(judged):
    fixed, fitted = judged.fitted()
    face = {id: judged.measured[id]["face"].value for id in fitted.ranks}
    new = sorted(fitted.ranks)[60:]
    agree = [np.corrcoef([face[id] for id in new], [by[id].score for id in new])[0, 1] for by in (fixed, fitted.ranks)]
    assert agree[1] > 0.9 > agree[0] + 0.1
    assert fitted.doubted
    assert all(face[id] < 1.5 for id in fitted.doubted), "what the person would reject"
    assert note_on(fitted.fit).startswith("the gate is fitted to 60 verdicts of yours (log-loss ")
    stored = decision_of(fitted.fit, SCORERS, 2, 1)
    assert stored.used
    assert stored.loss < stored.rule_loss
    assert (stored.round, stored.wave, stored.scorers) == (2, 1, ("clip", "face"))


def test_the_same_rows_decide_the_same(judged):
    assert judged.fitted() == judged.fitted()


def test_few_verdicts_change_nothing_and_are_not_mentioned(judged):
    for id in sorted(judged.verdicts)[29:]:
        del judged.verdicts[id]
    fixed, fitted = judged.fitted()
    assert fitted == Fitted(fixed)


def test_rejected_duplicates_do_not_count_for_they_say_nothing_of_the_picture(judged):
    for id, one in list(judged.verdicts.items()):
        if one.kind is VerdictKind.REJECT:
            judged.verdicts[id] = Verdict(id, one.kind, "person", ("duplicate",))
    fixed, fitted = judged.fitted()
    assert fitted.ranks == fixed


def test_a_fit_that_predicts_no_better_leaves_the_ranks_and_says_so(judged):
    for n, (id, one) in enumerate(judged.verdicts.items()):
        judged.verdicts[id] = Verdict(id, VerdictKind.KEEP if n % 2 else VerdictKind.REJECT, one.by, ())
    fixed, fitted = judged.fitted()
    assert (fitted.ranks, fitted.doubted) == (fixed, frozenset())
    assert "leave the gate as it is" in note_on(fitted.fit)
    assert not decision_of(fitted.fit, SCORERS, 2, 1).used


def test_a_run_with_many_verdicts_says_how_well_they_are_predicted(given, call, tmp_path):
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
    monkeypatch.setattr(ranking, "fit_to_verdicts", lambda frames, ranks, *rest: Fitted(ranks, frozenset(ranks)))
    run = tmp_path / "run"
    call("run", *tiny, "--out", run, "--rounds", "1")
    with Store.open(run, exclusive=False) as store:
        assert not store.kept()
        reasons = [one.reasons[0] for one in store.verdicts().values() if one.p is not None]
        assert reasons
        assert set(reasons) == {"a person would likely reject it, by the verdicts so far"}
