"""What the report leads with: shots of the probe, drawn also by the base and by the first LoRA.

The finished LoRA has drawn its pictures when it was chosen, by its trigger alone. The others are asked for the same
shots with every trait in words, with the same random seeds: the base, and the LoRA that was trained on a person's
pictures alone, or the base that is shown them where it draws without a LoRA. All are measured and none is judged. Knows
no page.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from bootstrap.records import Adapter, Frame, Job, JobKind, Shot
from bootstrap.runs.upkeep import freed_paths
from loops.budget import showcase_fits
from loops.draw import draw
from loops.engine import Engine
from loops.measure import measure
from loops.shown import Shown

__all__ = ["draw_showcase", "showcase_shots"]

BASE, FIRST = 101, 102
"""The waves of the two rows, beyond those of the final weights (20 at most)."""


def draw_showcase(engine: Engine, number: int, adapter: Adapter, taken: Sequence[Frame]) -> None:
    """Draw and measure the rows beside the previews of the finished LoRA ``adapter`` of round ``number``, once.

    No shot that a frame of the set (``taken``) has. Left out where the hours of a run are too short for it.
    """
    store = engine.store
    if not store.jobs(number, kind=JobKind.SHOWCASE):
        jobs = _jobs(engine, number, adapter, {scene_of(frame.job.shot) for frame in taken})
        if not jobs or (engine.budget and not showcase_fits(store, engine.budget, number, len(jobs))):
            return
        store.plan(jobs)
    draw(engine, number, BASE, None)
    draw(engine, number, FIRST, first_adapter(engine))
    drawn = store.frames(number, kind=JobKind.SHOWCASE)
    shots = {frame.job.shot for frame in drawn}
    previews = [frame for frame in _previews(engine, number, adapter) if frame.job.shot in shots]
    measure(engine, [frame for frame in [*drawn, *previews] if frame.job.id not in engine.lost])


def showcase_shots(
    probe: Sequence[Shot], taken: Collection[str], count: int, framings: Mapping[str, float]
) -> list[Shot]:
    """At most ``count`` shots of the probe, in its order: of each view family in turn one, then another.

    First the framing that the set has most of (its share by ``framings``), then what adds most variety. ``taken`` are
    the scenes of the set; none of them is shown.
    """
    left = [shot for shot in probe if scene_of(shot) not in taken]
    chosen: list[Shot] = []
    while left and len(chosen) < count:
        for view_family in dict.fromkeys(shot.view_family for shot in left):
            if len(chosen) < count:
                members = [shot for shot in left if shot.view_family == view_family]
                chosen.append(max(members, key=lambda shot: (framings[shot.framing], _new_values(shot, chosen))))
        left = [shot for shot in left if shot not in chosen]
    return [shot for shot in probe if shot in chosen]


def scene_of(shot: Shot) -> str:
    """What a shot asks for, whichever take of it."""
    return replace(shot, take=0).key


def first_adapter(engine: Engine) -> Adapter | None:
    """The LoRA of the first round, which was trained on a person's pictures alone; None where that trained none."""
    rounds = [adapter for adapter in engine.store.adapters() if not adapter.is_final]
    return next((adapter for adapter in rounds if adapter.round == 1), None)


def _jobs(engine: Engine, number: int, adapter: Adapter, taken: Collection[str]) -> list[Job]:
    """The jobs of both rows; of the base's alone where nothing else drew, or its LoRA was freed."""
    previews = {frame.job.shot: frame.job for frame in _previews(engine, number, adapter)}
    shots = showcase_shots(list(previews), taken, engine.config.loop.showcase, engine.config.views.framings)
    maker, first = engine.job_maker, first_adapter(engine)
    jobs = [maker.showcase_job(previews[shot], BASE, trigger=False) for shot in shots]
    drawn = first is not None and first.path not in freed_paths(engine.store)
    beside = first is None or engine.config.trains_beside
    if not drawn and engine.config.base.reference is None:
        return jobs
    for shot in shots:
        job = maker.showcase_job(previews[shot], FIRST, trigger=drawn)
        if (settings := engine.config.base.reference) and beside:
            job = replace(job, references=Shown(settings, engine.seeds, ()).candidate(shot))
        jobs.append(job)
    return jobs


def _previews(engine: Engine, number: int, adapter: Adapter) -> list[Frame]:
    """What the finished LoRA drew of the probe."""
    frames = engine.store.frames(number, kind=JobKind.PROBE)
    return [frame for frame in frames if frame.adapter == adapter.id]


def _new_values(shot: Shot, chosen: Sequence[Shot]) -> int:
    """How many values of a shot none of the chosen has: framing, outfit, background and whatever else varies."""
    axes = ("view", "framing", *shot.axes)
    return sum(all(shot[axis] != other[axis] for other in chosen) for axis in axes)
