"""What a run holds at one moment, as a record: read from the store once, so that rules ask no disk.

Knows no model, and decides nothing but which keeps count.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from bootstrap.dataset.frame_sights import kept_sights
from bootstrap.events import FramesJudged
from bootstrap.records import PREVIEW_KINDS, Frame, Job, JobKind, Round, Verdict, VerdictKind
from bootstrap.shots import Cell
from bootstrap.store.decisions import PictureRefused
from bootstrap.store.store import PERSON, Store
from loops.stopping import usable_rounds
from scoring.measurement import Measurement
from scoring.sight import Sight

__all__ = ["Archive", "Measured", "cell_of", "taken"]

Measured = Mapping[str, Mapping[str, Measurement]]
"""Frame id → scorer → measurement."""


def cell_of(frame: Frame) -> Cell:
    """The place a frame stands in."""
    return frame.job.shot.view_family, frame.job.shot.framing


def taken(frames: Sequence[Frame]) -> dict[Cell, int]:
    """Place → how many of these frames stand in it."""
    counts: dict[Cell, int] = {}
    for frame in frames:
        cell = cell_of(frame)
        counts[cell] = counts.get(cell, 0) + 1
    return counts


@dataclass(frozen=True)
class Archive:
    """Rounds, plan, pictures, measurements and verdicts of a run; jobs and frames stand in plan order.

    ``sights`` are what a reader saw on frames; ``captions`` are those that a person wrote; ``judged_waves`` are (round,
    wave) of the waves that were judged; ``refusals`` tell of frames that are only the card of a refusal why;
    ``adapters`` are the paths of the LoRAs in the run's folder, by id.
    """

    rounds: Sequence[Round] = ()
    jobs: Sequence[Job] = ()
    frames: Sequence[Frame] = ()
    measurements: Measured = field(default_factory=dict)
    verdicts: Mapping[str, Verdict] = field(default_factory=dict)
    captions: Mapping[str, str] = field(default_factory=dict)
    judged_waves: Collection[tuple[int, int]] = frozenset()
    refusals: Mapping[str, str] = field(default_factory=dict)
    sights: Mapping[str, Sight] = field(default_factory=dict)
    adapters: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, store: Store, lost: Collection[str] = ()) -> Archive:
        """The archive as it stands in the store, as far as a person is read there; without the frames of these ids."""
        judged = [event for event in store.events() if isinstance(event, FramesJudged)]
        return cls(
            rounds=store.rounds(),
            jobs=store.jobs(),
            frames=[frame for frame in store.frames() if frame.job.id not in lost],
            measurements=store.measurements(),
            verdicts=store.verdicts(),
            captions=store.person.captions(),
            judged_waves=frozenset((event.round, event.wave) for event in judged),
            refusals={one.job: one.why for one in store.decisions(PictureRefused)},
            sights=kept_sights(store),
            adapters={one.id: one.path for one in store.adapters()},
        )

    def planned(self, number: int, wave: int) -> bool:
        """Whether a wave has its jobs; a finished run that goes on has only previews where its next round begins."""
        jobs = [job for job in self.jobs if (job.round, job.wave) == (number, wave)]
        return any(job.kind not in PREVIEW_KINDS for job in jobs)

    def of_kind(self, kind: JobKind) -> list[Frame]:
        """The frames of a kind."""
        return [frame for frame in self.frames if frame.job.kind is kind]

    def judged(self, kind: VerdictKind) -> list[Frame]:
        """The frames whose verdict in force is ``kind``."""
        ids = {id for id, verdict in self.verdicts.items() if verdict.kind is kind}
        return [frame for frame in self.frames if frame.job.id in ids]

    @cached_property
    def kept(self) -> list[Frame]:
        """The frames whose verdict in force is keep."""
        return self.judged(VerdictKind.KEEP)

    @cached_property
    def provisional(self) -> list[Frame]:
        """The frames that fill empty places although nothing admitted them."""
        return self.judged(VerdictKind.PROVISIONAL)

    @cached_property
    def candidates(self) -> list[Frame]:
        """Every candidate frame so far; a person's own pictures (round 0) once they are measured."""
        frames = self.of_kind(JobKind.CANDIDATE)
        return [frame for frame in frames if frame.job.round or frame.job.id in self.measurements]

    @cached_property
    def sound_rounds(self) -> set[int]:
        """Numbers of the rounds that did not drift, the one being played, and 0 for a person's own pictures."""
        ended = [one for one in self.rounds if one.outcome is not None]
        played = {one.number for one in self.rounds if one.outcome is None}
        return usable_rounds(ended) | played | {0}

    @cached_property
    def usable_keeps(self) -> list[Frame]:
        """Kept frames of every round that did not drift: what may be trained on and shipped.

        What a person kept counts in any case.
        """
        by_person = {id for id, verdict in self.verdicts.items() if verdict.by == PERSON}
        return [one for one in self.kept if one.job.round in self.sound_rounds or one.job.id in by_person]

    def kept_before(self, number: int) -> list[Frame]:
        """The usable keeps of the rounds before that one."""
        return [frame for frame in self.usable_keeps if frame.job.round < number]

    def empty_places(self, places: Mapping[Cell, int]) -> dict[Cell, int]:
        """Places that no usable keep fills; none once as many are kept as there are places."""
        if len(self.usable_keeps) >= sum(places.values()):
            return {}
        filled = taken(self.usable_keeps)
        return {cell: count - filled.get(cell, 0) for cell, count in places.items() if count > filled.get(cell, 0)}
