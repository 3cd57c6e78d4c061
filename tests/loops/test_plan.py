"""Which jobs a wave gets: candidates for empty places, decoys of both kinds for their families."""

import json

import pytest

from bootstrap.records import JobKind
from bootstrap.store.store import Store

SHORT = ["loop.exchanged=6", "loop.lookalikes=8", "loop.most_decoys=8", "loop.rounds=1", "loop.waves=1"]


@pytest.fixture
def planned(given, play, tmp_path):
    """The jobs of the first wave of a small run with both kinds of decoys."""
    both = [*SHORT, "loop.calibrate_on=both"]
    play([*given, *(part for text in both for part in ("--set", text))], tmp_path / "run")
    with Store.open(tmp_path / "run", exclusive=False) as store:
        yield store.jobs(1, 1)


def of(jobs, kind):
    return [job for job in jobs if job.kind is kind]


def test_decoys_are_the_candidates_own_shots_and_seeds_first(planned):
    candidates = {job.shot.key: job for job in of(planned, JobKind.CANDIDATE)}
    for kind in (JobKind.LOOKALIKE, JobKind.EXCHANGED):
        shared = [job for job in of(planned, kind) if job.shot.key in candidates]
        assert shared
        assert all(job.random_seed == candidates[job.shot.key].seed for job in shared)


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
    assert len({json.dumps(job.id) for job in planned}) == len(planned)


def test_an_adapter_is_asked_in_the_words_that_it_was_taught(given, play, tmp_path):
    settings = ["loop.exchanged=6", "loop.lookalikes=8", "loop.most_decoys=8", "loop.rounds=2", "loop.waves=1"]
    play([*given, *(part for text in settings for part in ("--set", text))], tmp_path / "run")
    with Store.open(tmp_path / "run", exclusive=False) as store:
        asked = {one.phase: of(store.jobs(one.number), JobKind.CANDIDATE) for one in store.rounds()}
    for phase, jobs in asked.items():
        named = [job for job in jobs if "red hair" in job.prompt]
        assert len(named) == (len(jobs) if phase == "style" else 0)
        assert all(job.prompt.startswith("redchr") and job.traits["hair_color"] == "red hair" for job in jobs)
    assert set(asked) == {"style", "character"}


def test_words_that_stayed_in_the_captions_are_asked_for(given, play, tmp_path):
    settings = ["loop.exchanged=0", "loop.rounds=2", "base.recipes.character.rare_tag_floor=1000"]
    play([*given, *(part for text in settings for part in ("--set", text))], tmp_path / "run")
    with Store.open(tmp_path / "run", exclusive=False) as store:
        jobs = of(store.jobs(2), JobKind.CANDIDATE)
        previews = of(store.jobs(), JobKind.PROBE)
    assert jobs
    assert previews
    assert all("red hair" in job.prompt for job in [*jobs, *previews])


def test_decoys_that_do_not_calibrate_are_not_drawn(tiny, call, tmp_path):
    settings = [*SHORT, "loop.calibrate_on=lookalikes"]
    call("run", *tiny, *(part for text in settings for part in ("--set", text)), "--out", tmp_path / "run")
    with Store.open(tmp_path / "run", exclusive=False) as store:
        jobs = store.jobs(1, 1)
    assert of(jobs, JobKind.LOOKALIKE)
    assert not of(jobs, JobKind.EXCHANGED)
