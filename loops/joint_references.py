"""What the regions of joint pictures are drawn from: each member's seeds, and for look-alikes portraits of others.

As in a run of one subject (`loops.portraits`): whatever a drawer copies of any reference would count as likeness, so
look-alikes are drawn from references too. Knows no model.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bootstrap.records import JobKind, Reference, Shot
from loops.bundle import NUMBER
from loops.couple_shots import JointShot, JointShots
from loops.draw import draw
from loops.several import Several
from loops.shown import Shown
from loops.shown_of_run import shown_of

__all__ = ["JointReferences", "joint_references"]

PORTRAITS = 8
"""Others whose portraits are drawn for each member: in a run of one subject 16 serve hundreds of decoys."""
WAVE = 10
"""The wave of the portraits, before that of the candidates."""


@dataclass(frozen=True)
class JointReferences:
    """What each member is drawn from, by its place in the run's list; empty where the base draws from words alone."""

    members: Sequence[Shown] = ()
    with_lora: bool = True

    def candidate(self, one: JointShot) -> list[tuple[Reference, ...]]:
        """The references of each region, from the left: the member's seeds."""
        return [self.members[place].candidate(shot) for place, shot in self._placed(one)]

    def others(self, one: JointShot) -> list[tuple[Reference, ...]]:
        """Portraits of others in their place."""
        return [self.members[place].stranger(shot) for place, shot in self._placed(one)]

    def _placed(self, one: JointShot) -> list[tuple[int, Shot]]:
        return list(zip(one.order, one.each, strict=True)) if self.members else []


def joint_references(several: Several, shots: JointShots) -> JointReferences:
    """What joint pictures are drawn from. Draws the portraits first where the run has none yet."""
    engine, settings = several.engine, several.engine.config.base.reference
    if settings is None:
        return JointReferences()
    jobs = [shots.portraits(place, PORTRAITS, WAVE) for place in range(len(several.members))]
    engine.store.plan([job for each in jobs for job in each])
    draw(engine, NUMBER, WAVE, None)
    frames = {frame.job.id: frame for frame in engine.store.frames(NUMBER, WAVE, JobKind.LOOKALIKE)}
    found = []
    for member, own in zip(several.members, jobs, strict=True):
        found.append(shown_of(engine, settings, member.seeds, [frames[job.id] for job in own]))
    with_lora = settings.with_lora and not settings.beside_steps  # a finished LoRA was not trained beside them
    return JointReferences(found, with_lora)
