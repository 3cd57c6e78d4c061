"""Variations: some candidates begin from a good picture, their decoys from somebody else's, and copies are rejected."""

import csv
import re
from collections import Counter
from dataclasses import replace

import pytest

from bootstrap.backends.variation_settings import VariationSettings
from bootstrap.config import load
from bootstrap.errors import ConfigError
from bootstrap.events import Noted
from bootstrap.records import JobKind, Shot
from bootstrap.store.rows import job_from, text_of
from bootstrap.store.store import Store
from loops.decoys import strata
from loops.starts import Begin, Starts, starts_of
from scoring.measurement import Measurement
from tests.loops.test_portraits import PORTRAITS, frame

SETTINGS = VariationSettings(share=0.4, strength=0.5)
QUICK = (
    "loop.showcase=0", "loop.acceptance.weights=[]", "loop.final_candidates=1", "loop.waves=2",
    "loop.candidates_a_place=2", "views.framings={upper body: 1.0}", "views.framing_hides={}",
)  # fmt: skip


def shots(number=200, **more):
    return [Shot("front", "front", "portrait", {"outfit": "dress"}, take=take, **more) for take in range(number)]


def begin(name, framing="portrait", view_family="front", **axes):
    return Begin(f"{name}.png", name, view_family, "front", framing, axes)


def test_a_share_of_the_candidates_begins_from_the_most_alike_picture_of_its_own_place():
    own = [
        begin("plain"),
        begin("dressed", outfit="dress"),
        begin("far", "full body"),
        begin("back", view_family="above"),
    ]
    starts = Starts(SETTINGS, own, [begin("other")])
    found = Counter(start and start.path for start in map(starts.candidate, shots()))
    assert found.keys() == {None, "dressed.png"}
    assert 60 < found["dressed.png"] < 100
    assert {starts.stranger(shot).path for shot in shots()} == {"other.png"}
    assert starts.candidate(next(filter(starts.candidate, shots()))).strength == 0.5
    for missing in (Starts(SETTINGS, own, []), Starts(SETTINGS, own[2:], [begin("other")])):
        assert not any(map(missing.candidate, shots())), "nobody else, or no picture of the place"


def test_why_no_more_candidates_begin_from_a_picture_is_told():
    places = [
        *shots(4),
        *(replace(shot, framing="full body") for shot in shots(2)),
        replace(shots(1)[0], framing="bust"),
    ]
    starts = Starts(SETTINGS, [begin("own"), begin("far", "full body")], [begin("other")])
    jobs = [replace(frame("c", JobKind.CANDIDATE).job, shot=shot) for shot in places]
    jobs[0] = replace(jobs[0], start=PORTRAITS[0])
    place = "of their view and framing"
    assert starts.told(jobs) == (
        "1 of 7 candidates begin from a picture; from noise: 3 by base.variations.share,"
        f" 1 without a seed or an approved picture {place}, 2 without a usable decoy {place}"
    )
    assert starts.told(jobs[:1]) == "1 of 1 candidates begin from a picture"


def test_what_a_person_approved_is_begun_from_and_other_individuals_by_decoys():
    approved, other = frame("c1", JobKind.CANDIDATE), frame("l1", JobKind.LOOKALIKE)
    stranger = frame("s1", JobKind.STRANGER)
    begun = replace(stranger, job=replace(stranger.job, start=PORTRAITS[0]))
    usable = {JobKind.LOOKALIKE: [other], JobKind.STRANGER: [stranger, begun], JobKind.EXCHANGED: []}
    starts = starts_of(SETTINGS, [], [approved], usable)
    assert [one.path for one in starts.own] == [approved.path]
    assert [one.path for one in starts.others] == [other.path, stranger.path]
    assert starts_of(None, [], [approved], usable) is None


def test_a_variation_is_ranked_among_variations_of_others_of_its_strength():
    def made(name, kind, strength=0.0):
        found = frame(name, kind)
        start = replace(PORTRAITS[0], strength=strength) if strength else None
        return replace(found, job=replace(found.job, start=start))

    kinds = {"plain": 0.0, "weak": 0.3, "c": 0.6}
    candidates = [made(name, JobKind.CANDIDATE, strength) for name, strength in kinds.items()]
    decoys = {JobKind.STRANGER: [made("s3", JobKind.STRANGER, 0.3), made("s6", JobKind.STRANGER, 0.6)]}
    decoys[JobKind.LOOKALIKE] = [made("look", JobKind.LOOKALIKE)]
    names = ["plain", "weak", "c", "s3", "s6", "look"]
    found = strata(candidates, decoys, {name: {"clip": Measurement(0.5)} for name in names}, ["clip"], "lookalikes")
    assert {next(iter(one.candidates)): list(one.lookalikes) for one in found} == {
        "plain": ["look"], "weak": ["s3"], "c": ["s6"],
    }  # fmt: skip
    job = candidates[1].job
    assert job_from(text_of(job)) == job
    assert job_from(text_of(replace(job, start=None)).replace(',"start":null', "")) == replace(job, start=None)


def test_the_base_alone_makes_variations():
    with pytest.raises(ConfigError, match=r"base\.variations: the drawer .openai. draws, not the base"):
        load("puppet", own={"drawer": "openai", "base": {"variations": {"share": 0.3}}}, overrides=["drawer.cost=1"])
    assert load("puppet").base.variations is None


@pytest.mark.parametrize("strength", [0.7, 0.04])
def test_a_run_varies_what_a_person_approved_and_rejects_copies(call, tiny, tmp_path, strength):
    def go(*settings):
        words = [word for text in (*QUICK, *settings) for word in ("--set", text)]
        done = call("run", *tiny, *words, "--out", tmp_path / "run")
        assert done.code == 0, done.err

    go("loop.rounds=1", "loop.target=2")
    with Store.open(tmp_path / "run", exclusive=False) as store:
        (approved,) = [frame for frame in store.kept() if frame.job.shot.view_family == "front"]
    assert call("approve", tmp_path / "run", approved.job.id).code == 0
    go("loop.rounds=2", "loop.target=12", "base.variations.share=1", f"base.variations.strength={strength}")
    with Store.open(tmp_path / "run", exclusive=False) as store:
        frames, verdicts = {frame.path: frame for frame in store.frames()}, store.verdicts()
        begun, (seed,) = [frame for frame in frames.values() if frame.job.start], store.seeds()
        kept = [frame for frame in store.kept() if frame.job.start]
        told = [
            event.text for event in store.events() if isinstance(event, Noted) and " begin from a picture" in event.text
        ]
    assert told[0].startswith("round 2, wave 1: ")
    candidates = [frame for frame in begun if frame.job.kind is JobKind.CANDIDATE]
    assert sum(int(re.search(r"(\d+) of", text)[1]) for text in told) == len(candidates)
    strangers = [frame for frame in begun if frame.job.kind is JobKind.STRANGER]
    assert approved.path in {frame.job.start.path for frame in candidates} <= {approved.path, seed.path}
    assert {frames[frame.job.start.path].job.kind for frame in strangers} == {JobKind.LOOKALIKE}
    assert {frame.job.start.strength for frame in begun} == {strength}
    assert {(frame.job.round, frame.job.shot.view_family) for frame in begun} == {(2, "front")}
    assert len(strangers) >= 10
    reasons = {verdicts[one.job.id].reasons[0] for one in candidates if one.job.start.path == approved.path}
    assert (f"near-duplicate of {approved.job.id}" in reasons) == (strength == 0.04), reasons
    with (tmp_path / "run/dataset/provenance.csv").open(encoding="utf-8") as file:
        cells = [row["begun_from"] for row in csv.DictReader(file) if row["begun_from"]]
    wanted = [f"{one.job.start.path} {strength} {one.job.start.sha256}" for one in kept]
    assert kept
    assert sorted(cells) == sorted(wanted)
