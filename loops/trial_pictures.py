"""The pictures of a trial: planned, drawn with some weights and measured. They join no set. Knows no model."""

from __future__ import annotations

from collections.abc import Sequence

from bootstrap.records import Frame, Job, JobKind
from loops.blends import Weights
from loops.draw import draw
from loops.engine import Engine
from loops.jobs import Wave
from loops.measure import measure

__all__ = ["trial_pictures"]


def trial_pictures(engine: Engine, wave: Wave, weights: Weights | None, jobs: Sequence[Job]) -> list[Frame]:
    """What ``weights`` draw of the jobs of a wave, without pictures that are lost; what is done is not done again."""
    engine.store.plan(jobs)
    draw(engine, wave.round, wave.number, weights)
    drawn = engine.store.frames(wave.round, wave.number, JobKind.TRIAL)
    frames = [frame for frame in drawn if frame.job.id not in engine.lost]
    measure(engine, frames)
    return frames
