"""Planning a wave: candidates where places are empty, and the decoys that calibrate them.

A decoy is the same shot with the same random seed and settings, but not the character: (a) the base with all trait
words, made once a run; (b) the adapter under test with two or more identity traits exchanged, made for each adapter.
Pure but for the store it reads; the same archive gives the same plan.
"""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from collections.abc import Mapping, Sequence

from bootstrap.events import WavePlanned
from bootstrap.records import Job, JobKind, Phase, Shot, random_seed_of
from bootstrap.shots import Cell
from loops.choose import empty_places
from loops.decoys import DECOYS, usable_decoys
from loops.engine import Engine
from loops.train import drawing_round, named_traits, teachable
from scoring.calibrate import decoys_needed

__all__ = ["exchange", "plan_wave", "planned"]


def plan_wave(engine: Engine, number: int, wave: int, places: Mapping[Cell, int]) -> None:
    """Store the jobs of a wave in one transaction; a wave that is planned already stays as it is."""
    if planned(engine, number, wave):
        return
    shots = _candidates(engine, empty_places(engine, places))
    jobs = [_job(engine, JobKind.CANDIDATE, number, wave, shot) for shot in shots]
    for kind in DECOYS:
        jobs += _decoys(engine, kind, number, wave, shots)
    decoys = len(jobs) - len(shots)
    engine.store.plan(jobs, WavePlanned(number, wave, len(shots), decoys))


def planned(engine: Engine, number: int, wave: int) -> bool:
    """Whether a wave has its jobs; a finished run that goes on has only previews where its next round begins."""
    return any(job.kind is not JobKind.PROBE for job in engine.store.jobs(number, wave))


def _candidates(engine: Engine, empty: Mapping[Cell, int]) -> list[Shot]:
    """Several shots for each empty place, new ones each time."""
    each = engine.config.loop.candidates_a_place
    wanted = {cell: math.ceil(count * each) for cell, count in empty.items()}
    return engine.planner.plan(wanted, [job.shot for job in engine.store.jobs(kind=JobKind.CANDIDATE)])


def _decoys(engine: Engine, kind: JobKind, number: int, wave: int, shots: Sequence[Shot]) -> list[Job]:
    """Decoys that a view family still needs: the candidates' own shots first, then more of the same kind.

    Only those that passed the checks count as there, so a view family whose decoys fail them gets more, up to a limit.
    """
    ours = [job for job in engine.store.jobs(kind=kind) if kind is JobKind.LOOKALIKE or job.round == number]
    made, known = Counter(job.shot.view_family for job in ours), {job.id for job in ours}
    usable = usable_decoys(engine, engine.store.measurements())[kind]
    there = Counter(frame.job.shot.view_family for frame in usable if frame.job.id in known)
    jobs = []
    for view_family, asked in Counter(shot.view_family for shot in shots).items():
        wanted = _wanted(engine, kind, number, asked)
        missing = min(wanted - there[view_family], engine.config.loop.most_decoys - made[view_family])
        used = {job.shot.key for job in ours}
        own = [shot for shot in shots if shot.view_family == view_family and shot.key not in used][: max(0, missing)]
        more = engine.planner.plan(
            _spread(own or shots, view_family, missing - len(own)), [*shots, *(j.shot for j in ours)]
        )
        jobs += [_job(engine, kind, number, wave, shot) for shot in [*own, *more]]
    return jobs


def _wanted(engine: Engine, kind: JobKind, number: int, candidates: int) -> int:
    """Decoys a view family: the configured start, more where the candidates need it, up to the limit."""
    loop, phase = engine.config.loop, _phase(engine, number)
    start = loop.lookalikes if kind is JobKind.LOOKALIKE else loop.exchanged
    if kind is JobKind.EXCHANGED and loop.calibrate_on == "lookalikes" and teachable(engine, number, phase):
        return 0  # nothing would be ranked among them
    keeps = max(1, round(candidates / loop.candidates_a_place))
    return min(loop.most_decoys, max(start, decoys_needed(candidates, keeps, loop.gate_level))) if start else 0


def _spread(like: Sequence[Shot], view_family: str, number: int) -> dict[Cell, int]:
    """``number`` further places in a view family, over the framings that the candidates have."""
    framings = [shot.framing for shot in like if shot.view_family == view_family] or ["upper body"]
    cells: Counter[Cell] = Counter((view_family, framings[n % len(framings)]) for n in range(max(0, number)))
    return dict(cells)


def _job(engine: Engine, kind: JobKind, number: int, wave: int, shot: Shot) -> Job:
    wording, seed = engine.wording, random_seed_of(engine.config.random_seed, shot.key)
    exchanged = exchange(engine, shot) if kind is JobKind.EXCHANGED else None
    traits = wording.traits(shot, exchanged)
    known = traits if kind is JobKind.LOOKALIKE else _understood(engine, number, shot, traits)
    prompt = wording.prompt(shot, known, trigger=kind is not JobKind.LOOKALIKE)
    mark = hashlib.sha256(f"{shot.key}|{kind}".encode()).hexdigest()[:10]
    return Job(
        id=f"{kind.value}-r{number:02d}w{wave}-{mark}",
        kind=kind,
        round=number,
        wave=wave,
        shot=shot,
        prompt=prompt,
        negative=wording.negative(engine.config.base.negative),
        random_seed=seed,
        traits=traits,
    )


def _understood(engine: Engine, number: int, shot: Shot, traits: Mapping[str, str]) -> dict[str, str]:
    """The identity words that an adapter of this round learned as words, and those of somebody else.

    Captions of the character phase withhold them; asked for in words all the same, the character comes out worse than
    by the trigger alone (likeness .62 against .79, see the log of experiments).
    """
    taught = drawing_round(engine, number)
    named = named_traits(engine, taught.number if taught else number, _phase(engine, number))
    own = engine.wording.traits(shot)
    return {axis: tag for axis, tag in traits.items() if tag in named or tag != own[axis]}


def _phase(engine: Engine, number: int) -> Phase:
    return next(one.phase for one in engine.store.rounds() if one.number == number)


def exchange(engine: Engine, shot: Shot) -> dict[str, str]:
    """Other words for two or three identity traits that the shot can show, drawn from what the shot is.

    The first axis of the panel's list is always among them: a decoy must not be the character by accident.
    """
    panel, seen = engine.config.panel, engine.wording.traits(shot)
    axes = [axis for axis in panel.identity if axis in seen and axis in panel.vocabulary]
    axes[1:] = sorted(axes[1:], key=lambda axis: random_seed_of(engine.config.random_seed, shot.key, "axis", axis))
    count = 2 + random_seed_of(engine.config.random_seed, shot.key, "count") % 2
    return {
        axis: _other(
            panel.vocabulary[axis], seen[axis], random_seed_of(engine.config.random_seed, shot.key, "word", axis)
        )
        for axis in axes[:count]
    }


def _other(words: Sequence[str], word: str, draw: int) -> str:
    others = [other for other in words if other != word and not word.endswith(f" {other}")]
    return others[draw % len(others)]
