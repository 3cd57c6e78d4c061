"""Which jobs a wave gets: candidates for empty places, decoys of both kinds for their families."""

from dataclasses import replace

import pytest

from bootstrap.captions.wording import Wording
from bootstrap.character import Character
from bootstrap.config import load
from bootstrap.records import Frame, JobKind, Round
from bootstrap.shots import Planner
from bootstrap.store.store import Store
from loops.archive import Archive
from loops.jobs import JobMaker, Wave
from loops.plan import WavePlanner

SHORT = ["loop.exchanged=6", "loop.lookalikes=8", "loop.most_decoys=8", "loop.candidates_a_place=3"]
RED = Character(
    name="Red",
    trigger="redchr",
    core=("1girl", "solo"),
    invariant={"hair": "red hair, bob cut", "eyes": "red eyes"},
    outfits={"default": {"tags": "white shirt"}, "night": {"tags": "blue dress"}},
)
EMPTY = {("front", "portrait"): 2, ("behind", "full body"): 1}
FIRST = Wave(1, 1, named=frozenset(RED.identity))
NONE = {JobKind.LOOKALIKE: [], JobKind.EXCHANGED: []}


def wave_planner(*overrides):
    config = load("puppet", backend="fake", overrides=[*SHORT, *overrides])
    return WavePlanner(
        Planner(RED, config.views, config.subject), JobMaker(Wording.of(RED, config), config), config.loop
    )


@pytest.fixture
def planned():
    """The jobs of a first wave with both kinds of decoys."""
    return wave_planner("loop.calibrate_on=both").plan(Archive(), FIRST, EMPTY, NONE)


def of(jobs, kind):
    return [job for job in jobs if job.kind is kind]


def test_decoys_are_the_candidates_own_shots_and_seeds_first(planned):
    candidates = {job.shot.key: job for job in of(planned, JobKind.CANDIDATE)}
    for kind in (JobKind.LOOKALIKE, JobKind.EXCHANGED):
        shared = [job for job in of(planned, kind) if job.shot.key in candidates]
        assert shared
        assert all(job.random_seed == candidates[job.shot.key].random_seed for job in shared)


def test_lookalikes_have_every_trait_but_no_trigger(planned):
    for job in of(planned, JobKind.LOOKALIKE):
        assert "redchr" not in job.prompt
        assert "red hair" in job.prompt


def test_exchanged_decoys_keep_the_trigger_and_change_two_traits_or_more(planned):
    own = {"hair_color": "red hair", "hair_style": "bob cut", "eye_color": "red eyes"}
    for job in of(planned, JobKind.EXCHANGED):
        changed = [axis for axis, tag in job.traits.items() if own[axis] != tag]
        assert len(changed) >= 2
        assert "hair_color" in changed
        assert job.prompt.startswith("redchr")
        assert "red hair" not in job.prompt


def test_random_seeds_come_from_what_a_shot_is(planned):
    by_key = {}
    for job in planned:
        by_key.setdefault(job.shot.key, set()).add(job.random_seed)
    assert all(len(seeds) == 1 for seeds in by_key.values())
    assert len({next(iter(seeds)) for seeds in by_key.values()}) == len(by_key)
    assert len({job.id for job in planned}) == len(planned)


def test_every_empty_place_gets_its_candidates(planned):
    places = [(job.shot.view_family, job.shot.framing) for job in of(planned, JobKind.CANDIDATE)]
    assert {cell: places.count(cell) for cell in EMPTY} == {("front", "portrait"): 6, ("behind", "full body"): 3}
    assert len(places) == 9


def test_the_same_archive_gives_the_same_plan_and_a_later_wave_new_shots(planned):
    planner = wave_planner("loop.calibrate_on=both")
    assert planner.plan(Archive(), FIRST, EMPTY, NONE) == planned
    later = planner.plan(Archive(jobs=planned), replace(FIRST, number=2), EMPTY, NONE)
    shots = [{job.shot.key for job in of(jobs, JobKind.CANDIDATE)} for jobs in (planned, later)]
    assert not shots[0] & shots[1]


def test_decoys_that_passed_the_checks_count_and_those_that_failed_them_are_replaced_to_a_limit():
    planner = wave_planner("loop.lookalikes=4", "loop.gate_level=0.4")
    jobs = planner.plan(Archive(), FIRST, {("front", "portrait"): 1}, NONE)
    made = of(jobs, JobKind.LOOKALIKE)
    passed = [Frame(job, job.id, job.id, "") for job in made[:1]]

    def further(usable):
        later = planner.plan(Archive(jobs=jobs), replace(FIRST, number=2), {("front", "portrait"): 1}, usable)
        return len(of(later, JobKind.LOOKALIKE))

    wanted = len(made)
    assert 4 <= wanted < 8
    assert further({**NONE, JobKind.LOOKALIKE: [Frame(job, job.id, job.id, "") for job in made]}) == 0
    assert further({**NONE, JobKind.LOOKALIKE: passed}) == min(wanted - 1, 8 - wanted)


def test_exchanged_decoys_are_made_anew_for_each_adapter():
    planner = wave_planner("loop.calibrate_on=both")
    jobs = planner.plan(Archive(), FIRST, EMPTY, NONE)
    frames = [Frame(job, job.id, job.id, "a") for job in jobs]
    usable = {kind: [one for one in frames if one.job.kind is kind] for kind in NONE}
    archive = Archive(jobs=jobs, frames=frames, rounds=[Round(1, "style", 4), Round(2, "style", 4)])
    later = planner.plan(archive, replace(FIRST, round=2), EMPTY, usable)
    assert not of(later, JobKind.LOOKALIKE)
    assert len(of(later, JobKind.EXCHANGED)) == len(of(jobs, JobKind.EXCHANGED))


def test_decoys_that_do_not_calibrate_are_not_drawn():
    planner = wave_planner("loop.calibrate_on=lookalikes")
    jobs = planner.plan(Archive(), FIRST, EMPTY, NONE)
    assert of(jobs, JobKind.LOOKALIKE)
    assert not of(jobs, JobKind.EXCHANGED)
    by_the_base = planner.plan(Archive(), replace(FIRST, adapter=False), EMPTY, NONE)
    assert of(by_the_base, JobKind.EXCHANGED), "its own drawings are look-alikes: other traits must calibrate"


def test_a_prompt_names_the_identity_tags_that_the_adapter_knows_as_words():
    config = load("puppet", backend="fake")
    maker = JobMaker(Wording.of(RED, config), config)
    (shot,) = Planner(RED, config.views, config.subject).plan({("front", "portrait"): 1}, [])
    visible = set(maker.wording.traits(shot).values())
    assert visible >= {"red hair", "bob cut"}
    for named in ((), ("red hair",), RED.identity):
        job = maker.wave_job(JobKind.CANDIDATE, replace(FIRST, named=named), shot)
        preview = maker.preview_job(replace(FIRST, named=named), shot)
        for prompt in (job.prompt, preview.prompt):
            assert {tag for tag in RED.identity if tag in prompt.split(", ")} == set(named) & visible
        assert set(job.traits.values()) == visible


def test_an_adapter_is_prompted_with_the_words_of_its_captions(given, call, tmp_path):
    settings = ["loop.exchanged=6", "loop.lookalikes=8", "loop.most_decoys=8", "loop.rounds=2", "loop.waves=1"]
    more = [part for text in settings for part in ("--set", text)]
    assert call("run", *given, *more, "--out", tmp_path / "run").code == 0
    with Store.open(tmp_path / "run", exclusive=False) as store:
        asked = {one.phase: of(store.jobs(one.number), JobKind.CANDIDATE) for one in store.rounds()}
    for phase, jobs in asked.items():
        named = [job for job in jobs if "red hair" in job.prompt]
        assert len(named) == (len(jobs) if phase == "style" else 0)
        assert all(job.prompt.startswith("redchr") and job.traits["hair_color"] == "red hair" for job in jobs)
    assert set(asked) == {"style", "character"}


def test_words_that_stayed_in_the_captions_are_in_the_prompts(given, call, tmp_path):
    hides = "subject.hides={smile: [eye_color], open mouth: [eye_color], closed eyes: [eye_color]}"
    settings = ["loop.exchanged=0", "loop.rounds=2", "base.recipes.character.rare_tag_floor=15", hides]
    more = [part for text in settings for part in ("--set", text)]
    assert call("run", *given, *more, "--out", tmp_path / "run").code == 0
    with Store.open(tmp_path / "run", exclusive=False) as store:
        jobs = of(store.jobs(2), JobKind.CANDIDATE)
        previews = of(store.jobs(), JobKind.PROBE)
    assert jobs
    assert previews
    for job in (*jobs, *previews):
        shown = job.shot["expression"] == "neutral expression" and job.shot.view_family != "behind"
        assert ("red hair" in job.prompt, "red eyes" in job.prompt) == (False, shown)
