"""The set that our run would have with a gate that knows the truth: its own candidates, chosen by the judge.

The difference to ours is what the gate loses; the difference to the ceiling is what the drawer cannot draw. Draws
nothing, and changes nothing in the run.
"""

from __future__ import annotations

from dataclasses import replace

from bootstrap.dataset.generated import GeneratedFrames, balanced
from bootstrap.errors import UsageError
from bootstrap.records import Frame, JobKind, TrainItem
from bootstrap.shots import quotas
from bootstrap.store.store import DATABASE, Store
from loops.archive import Archive
from loops.engine import Engine
from scoring.select import choose
from tests.benchmarks.puppetbench.gate import likeness_of
from tests.benchmarks.puppetbench.stage import Stage

RUN = "ours"


def perfect_set(stage: Stage) -> list[TrainItem]:
    """Seeds and the most similar candidates of the finished run under its quotas, weighted and captioned as ours.

    Raises UsageError when the run is not there.
    """
    run = stage.folder / RUN
    if not (run / DATABASE).is_file():
        raise UsageError(f"there is no run in '{run}'", "let ours compete first")
    with Store.open(run, exclusive=False) as store:
        engine = replace(stage.engine, store=store)
        archive = Archive.of(store)
        seen = {"measured": archive.measurements, "adapters": archive.adapters}
        frames = GeneratedFrames(run, _likest(stage, engine), **seen)
        pictures = frames.items(stage.config, engine.wording, "character")
        return balanced(stage.training_set("character"), pictures, stage.config.loop)


def _likest(stage: Stage, engine: Engine) -> list[Frame]:
    frames = engine.store.frames(kind=JobKind.CANDIDATE)
    alike = likeness_of(engine.store, frames, stage.truth.likeness)
    places = quotas(engine.config.loop.target, engine.config.views)
    chooser, looks = engine.chooser, engine.looks(frames)
    options = [chooser.candidate(frame, alike[frame.job.id], looks[frame.job.id]) for frame in frames]
    limits, rules = chooser.quotas(places), chooser.rules
    picked = {pick.id for pick in choose(options, limits, sum(places.values()), [], chooser.seed_looks, rules)}
    return [frame for frame in frames if frame.job.id in picked]
