"""What the drawer of a round is shown, and the portraits of other individuals that its decoys are drawn from.

A look-alike drawn from words cannot calibrate a frame drawn from the seed: whatever the drawer copies of any reference
would count as likeness. So the decoys are drawn by the same drawer, with the same words and strength, from the portrait
of somebody else: a look-alike of the same named traits, drawn by the base in the seeds' own shots. Knows no model.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from bootstrap.config import ViewsConfig
from bootstrap.errors import StoreError
from bootstrap.records import Frame, Job, JobKind, Seed, Shot
from bootstrap.shots import Planner
from loops.decoys import trait_slack
from loops.draw import draw
from loops.engine import Engine
from loops.jobs import JobMaker, Wave
from loops.measure import measure
from loops.shown import Shown
from loops.shown_of_run import shown_of

__all__ = ["portrait_shots", "shown_in"]

PORTRAITS = 16
"""Other individuals whose portraits are drawn, once a run."""
FEWEST = 4
"""Portraits that must pass the checks; with fewer, all of them serve."""
WAVE = 0
"""The wave of the portraits, before the first of candidates."""


def shown_in(engine: Engine, round: int, maker: JobMaker | None = None) -> Shown | None:
    """What a round's drawer is shown, that of ``maker`` where two share the work.

    Draws and measures the portraits first where the run has none yet. None where it draws from words, or what it hands
    over comes from a folder.
    """
    settings = (maker or engine.job_maker).config.shown
    if settings is None:
        return None
    return shown_of(engine, settings, engine.seeds, _chosen(engine, _portraits(engine, round)))


def _portraits(engine: Engine, round: int) -> list[Frame]:
    """The portraits of other individuals, measured."""
    store = engine.store
    planned = [job for job in store.jobs(kind=JobKind.LOOKALIKE) if job.wave == WAVE]
    if not planned:
        planned = _planned(engine, round)
        store.plan(planned)
    number = planned[0].round
    draw(engine, number, WAVE, None)
    frames = [frame for frame in store.frames(number, WAVE) if frame.job.id not in engine.lost]
    measure(engine, frames)
    return frames


def _planned(engine: Engine, round: int) -> list[Job]:
    """The jobs of the portraits: each seed's own shot, by words."""
    wave, shots = Wave(round, WAVE, adapter=False), portrait_shots(engine.planner, engine.seeds, PORTRAITS)
    return [engine.job_maker.wave_job(JobKind.LOOKALIKE, wave, shot) for shot in shots]


def portrait_shots(planner: Planner, seeds: Sequence[Seed], count: int) -> list[Shot]:
    """So many shots of somebody else, each as one of the seeds that anchor is."""
    anchors, shots = [seed for seed in seeds if seed.anchor], []
    for number in range(count):
        seed = anchors[number % len(anchors)]
        (plain,) = planner.plan({_place(seed, planner.views): 1}, [])
        seen = dict(tag.split("=", 1) for tag in seed.tags if "=" in tag)
        own = {axis: seen[axis] for axis in plain.axes if axis in seen}
        if "outfit" in plain.axes:
            own["outfit"] = seed.outfit
        shots.append(replace(plain.having(own), view=seed.view or plain.view, take=number))
    return shots


def _place(seed: Seed, views: ViewsConfig) -> tuple[str, str]:
    """View family and framing of a seed; the most usual ones where they could not be read."""
    shares = {name: family.share for name, family in views.families.items()}
    usual = max(shares, key=shares.__getitem__), max(views.framings, key=views.framings.__getitem__)
    return seed.view_family or usual[0], seed.framing or usual[1]


def _chosen(engine: Engine, portraits: Sequence[Frame]) -> Sequence[Frame]:
    """The portraits that pass what decoys must pass."""
    archive = engine.archive()
    slack, usable = trait_slack(archive, engine.config), []
    for frame in portraits:
        at = slack[frame.job.shot.view_family]
        if engine.judges.usable_decoy(frame, archive.measurements[frame.job.id], at):
            usable.append(frame)
    chosen = usable if len(usable) >= FEWEST else portraits
    if not chosen:
        problem = "every portrait that decoys are drawn from is lost"
        raise StoreError(problem, "restore the run's frames from a copy, or begin a new run")
    return chosen
