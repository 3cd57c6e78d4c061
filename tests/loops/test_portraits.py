"""Drawing from the seed: what is shown to whom, which decoys calibrate it, and how few rounds it takes."""

from dataclasses import replace
from pathlib import Path

import pytest

from bootstrap.backends.reference_settings import ReferenceSettings
from bootstrap.captions.wording import Wording
from bootstrap.config import load
from bootstrap.records import Frame, JobKind, Reference, Seed
from bootstrap.shots import Planner
from loops.archive import Archive
from loops.decoys import strata
from loops.jobs import JobMaker, Wave
from loops.plan import WavePlanner
from loops.shown import Shown
from loops.training_set import TrainingSets
from scoring.measurement import Measurement
from tests.loops.test_plan import EMPTY, RED, of

CONFIG = load("puppet", overrides=["loop.lookalikes=8", "loop.most_decoys=8", "loop.candidates_a_place=3"])
SETTINGS = ReferenceSettings(path="x", file="x.safetensors", strength=0.7, most=2)
PORTRAITS = [Reference(f"p{n}.png", f"{n}" * 64, 0.7) for n in range(5)]


def seed(name, view_family):
    return Seed(f"{name}.png", name * 64, "", view_family, view_family, "portrait", "default", (), "file")


SHOWN = Shown(SETTINGS, [seed("a", "front"), seed("b", "behind"), seed("c", "profile")], PORTRAITS)
ALONE = Wave(1, 1, named=frozenset(RED.identity), adapter=False)


@pytest.fixture(scope="module")
def planned():
    maker = JobMaker(Wording.of(RED, CONFIG), CONFIG)
    planner = WavePlanner(Planner(RED, CONFIG.views, CONFIG.subject), maker, CONFIG.loop)
    return planner.plan(Archive(), ALONE, EMPTY, {JobKind.STRANGER: []}, SHOWN)


def test_candidates_are_drawn_from_the_seeds_nearest_first(planned):
    for job in of(planned, JobKind.CANDIDATE):
        own = {"front": "a.png", "behind": "b.png"}[job.shot.view_family]
        assert [one.path for one in job.references] == [own, "a.png" if own != "a.png" else "b.png"]
        assert {one.strength for one in job.references} == {0.7}


def test_their_decoys_are_the_same_shots_in_the_same_words_shown_somebody_else(planned):
    assert {job.kind for job in planned} == {JobKind.CANDIDATE, JobKind.STRANGER}
    candidates = {job.shot.key: job for job in of(planned, JobKind.CANDIDATE)}
    strangers = of(planned, JobKind.STRANGER)
    shared = [job for job in strangers if job.shot.key in candidates]
    assert shared
    for job in shared:
        twin = candidates[job.shot.key]
        assert (job.prompt, job.random_seed) == (twin.prompt, twin.random_seed)
    assert {one for job in strangers for one in job.references} <= set(PORTRAITS)
    assert len({job.references for job in strangers}) > 1


def test_without_a_lora_no_prompt_has_the_trigger(planned):
    assert not [job for job in planned if RED.trigger in job.prompt]


def frame(name, kind, *references):
    planner = Planner(RED, CONFIG.views, CONFIG.subject)
    (shot,) = planner.plan({("front", "portrait"): 1}, [])
    job = JobMaker(Wording.of(RED, CONFIG), CONFIG).wave_job(kind, ALONE, shot)
    return Frame(replace(job, id=name, references=references), f"{name}.png", name, "")


def test_a_frame_drawn_from_the_seed_stands_beside_strangers_alone():
    kinds = {"s": JobKind.STRANGER, "l": JobKind.LOOKALIKE, "x": JobKind.EXCHANGED}
    decoys = {kind: [frame(name, kind)] for name, kind in kinds.items()}
    measured = {name: {"clip": Measurement(0.5)} for name in ("c", "w", *kinds)}
    candidates = [frame("c", JobKind.CANDIDATE, PORTRAITS[0]), frame("w", JobKind.CANDIDATE)]
    found = {next(iter(one.candidates)): one for one in strata(candidates, decoys, measured, ["clip"], "lookalikes")}
    assert [list(null) for null in found["c"].nulls] == [["s"]]


@pytest.mark.parametrize(("number", "stand_in"), [(0, True), (3, True), (20, False)])
def test_what_a_finished_lora_draws_from_words_stands_beside_strangers_where_look_alikes_are_few(number, stand_in):
    alike = [frame(f"l{place}", JobKind.LOOKALIKE) for place in range(number)]
    decoys = {JobKind.LOOKALIKE: alike, JobKind.STRANGER: [frame("s", JobKind.STRANGER)]}
    drawn = replace(frame("w", JobKind.PROBE), adapter="final-r02")
    measured = {name: {"clip": Measurement(0.5)} for name in ("w", "s", *(one.job.id for one in alike))}
    (found,) = strata([drawn], decoys, measured, ["clip"], "lookalikes")
    assert set(found.lookalikes) == {one.job.id for one in alike} | ({"s"} if stand_in else set())
    assert len(found.nulls) == 1


def test_a_drawer_that_never_changes_draws_the_set_in_one_round():
    alone = load("puppet", overrides=["base.reference.with_lora=false"])
    assert not alone.trains_to_draw
    assert CONFIG.trains_to_draw
    assert alone.schedule.goals == CONFIG.schedule.goals == ()
    for changed in (["base.reference.beside_steps=0"], ["base.reference=null"]):
        config = load("puppet", overrides=changed)
        assert config.trains_to_draw
        assert config.schedule == config.loop


def test_the_finished_lora_is_asked_by_its_trigger_all_the_same():
    sets = TrainingSets(Path(), CONFIG, Wording.of(RED, CONFIG), None, [], 96)
    assert sets.named_traits(Archive(), 2, "character") == frozenset()


def test_a_run_without_a_model_is_shown_nothing():
    assert load("puppet", backend="fake").base.reference is None
