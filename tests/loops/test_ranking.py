"""The gate: which decoys a candidate is ranked among, and what the gate finds of the candidates of an archive."""

from dataclasses import dataclass, replace

import pytest

from bootstrap.config import load
from bootstrap.panel.judges import TRAITS
from bootstrap.records import Frame, Job, JobKind, Round, Shot, Verdict, VerdictKind
from loops.archive import Archive
from loops.decoys import strata, trait_slack, usable_decoys
from loops.ranking import GATE, admitted, gated, ranked_among
from scoring.calibrate import Ranked
from scoring.measurement import Measurement

AXES = {"expression": "smile", "pose": "standing", "outfit": "default", "background": "forest", "style": "cel shading"}


def frame(id, kind=JobKind.CANDIDATE, adapter="a", view_family="front", number=1):
    shot = Shot(view_family, view_family, "portrait", AXES)
    return Frame(Job(id, kind, number, 1, shot, id, "", 1, {}), id, id, adapter)


NEAR = [frame(f"n{n}", JobKind.LOOKALIKE, "") for n in range(30)]
"""Look-alikes, as near to the seeds as the candidate."""
FAR = [frame(f"x{n}", JobKind.EXCHANGED) for n in range(30)]
"""Exchanged decoys, far from the seeds."""


def measurements(candidate="c"):
    values = {one.job.id: 0.8 + n / 100 for n, one in enumerate(NEAR)}
    values |= {one.job.id: n / 100 for n, one in enumerate(FAR)}
    return {id: {"clip": Measurement(value)} for id, value in (values | {candidate: 0.9}).items()}


def rank_of(candidate, calibrate_on, exchanged=FAR):
    decoys = {JobKind.LOOKALIKE: NEAR, JobKind.EXCHANGED: exchanged}
    return ranked_among(strata([candidate], decoys, measurements(), ["clip"], calibrate_on))["c"]


@pytest.mark.parametrize(("asked", "beaten"), [("exchanged", True), ("lookalikes", False), ("both", False)])
def test_the_configuration_says_which_decoys_calibrate(asked, beaten):
    assert (rank_of(frame("c"), asked).p < 0.05) is beaten


def test_what_the_base_drew_is_ranked_among_other_characters():
    """Whatever calibrates: among its own look-alikes none of the base's drawings could stand out."""
    exchanged = [replace(one, adapter="") for one in FAR]
    assert rank_of(frame("c", adapter=""), "lookalikes", exchanged).p < 0.05


def test_another_adapters_exchanged_decoys_calibrate_nothing():
    exchanged = [replace(one, adapter="b") for one in FAR]
    assert rank_of(frame("c"), "exchanged", exchanged).p > 0.05, "the look-alikes stand in"


def test_the_gate_admits_each_view_family_by_itself_and_keeps_what_was_kept():
    frames = [frame("a"), frame("b"), frame("kept"), frame("behind", view_family="behind"), frame("silent")]
    p = {"a": 0.001, "b": 0.9, "kept": 0.9, "behind": 0.9}
    ranks = {id: Ranked(1.0, value, "clip", ("clip",)) for id, value in p.items()}
    assert admitted(frames, ranks, {"kept"}, 0.1) == {"a", "kept"}


@dataclass
class OneScorer:
    """A panel of one identity scorer, and a trait check that some frames fail."""

    failing: tuple = ()
    identity = ("clip",)

    def failures(self, values, traits_at=0.0):
        return ["traits"] if values[TRAITS].value < traits_at else []

    def usable_decoy(self, frame, values, traits_at=0.0):
        return frame.job.id not in self.failing


def archive_of(*candidates, verdicts=()):
    rounds, frames = [Round(1, "style", 16)], [*NEAR, *candidates]
    traits = {id: {**values, TRAITS: Measurement(1.0)} for id, values in measurements().items()}
    traits |= {f.job.id: {"clip": Measurement(2.0), TRAITS: Measurement(0.5)} for f in candidates}
    return Archive(rounds=rounds, frames=frames, measurements=traits, verdicts={v.frame: v for v in verdicts})


def test_candidates_are_checked_ranked_and_admitted_and_what_is_decided_is_left_alone():
    kept = Verdict("kept", VerdictKind.KEEP, GATE, ("fills",))
    rejected = Verdict("rejected", VerdictKind.REJECT, "person", ())
    archive = archive_of(frame("new"), frame("kept"), frame("rejected"), verdicts=[kept, rejected])
    found = gated(archive, OneScorer(), load("puppet"))
    assert [one.job.id for one in found.candidates] == ["new"]
    assert [one.job.id for one in found.admitted] == ["new"]
    assert found.fit is None


@pytest.mark.parametrize(("level", "passes"), [(0.3, True), (0.01, False)])
def test_the_level_of_the_configuration_decides_what_the_gate_admits(level, passes):
    config = load("puppet", overrides=[f"loop.gate_level={level}"])
    found = gated(archive_of(frame("new")), OneScorer(), config)  # above all 30 decoys: p = 1 / 31
    assert bool(found.admitted) is passes


def test_a_person_s_own_picture_is_a_candidate_once_it_is_measured():
    own = frame("own", adapter="", number=0)
    archive = archive_of(own)
    assert archive.candidates == [own]
    unmeasured = {id: values for id, values in archive.measurements.items() if id != "own"}
    assert replace(archive, measurements=unmeasured).candidates == []


def test_only_measured_decoys_that_pass_the_checks_count():
    archive = archive_of()
    measured = {id: values for id, values in archive.measurements.items() if id != "n1"}
    usable = usable_decoys(replace(archive, measurements=measured), OneScorer(failing=("n0",)), load("puppet"))
    assert [one.job.id for one in usable[JobKind.LOOKALIKE]] == [f"n{n}" for n in range(2, 30)]
    assert usable[JobKind.EXCHANGED] == []


def test_the_trait_check_gives_way_where_the_base_s_own_look_alikes_fail_it():
    config = load("puppet", overrides=["panel.trait_failures=0.1"])
    margins = {f"n{n}": {TRAITS: Measurement(-1.0 + n / 10)} for n in range(30)}
    slack = trait_slack(Archive(frames=NEAR, measurements=margins), config)
    assert slack["front"] == -0.7
    assert slack["behind"] == 0.0, "nothing was drawn there"
