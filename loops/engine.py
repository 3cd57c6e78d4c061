"""What a run works with, in one place: the store, the backend, the panel, the words and the plan.

Knows no order of stages; the rounds do. Loads no model.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from bootstrap.backends.base import Drawer, Trainer
from bootstrap.backends.parameters import parameters_text
from bootstrap.captions.wording import Wording
from bootstrap.character import Character
from bootstrap.config import RunConfig
from bootstrap.errors import Interrupted
from bootstrap.events import Event, Noted, Progress
from bootstrap.machine.clock import Clock
from bootstrap.panel.judges import Judges
from bootstrap.records import Adapter, Frame, Job, JobKind, Seed
from bootstrap.seeds import SeedCaptioner
from bootstrap.shots import Planner
from bootstrap.store.store import PERSON, Store
from loops.budget import Budget
from loops.safe_point import check_clock, check_disk
from loops.stopping import usable_rounds
from scoring.base import Picture

__all__ = ["Engine"]


@dataclass
class Engine:
    """An open run with everything it needs. ``stop_asked`` is read at safe points only.

    ``attended``: somebody sits at this process and is waited for; ``judging`` sets the panel before the seeds and the
    pictures that a person approved.
    """

    store: Store
    drawer: Drawer
    trainer: Trainer
    judges: Judges
    config: RunConfig
    character: Character
    stop_asked: bool = False
    stopped_by: str = ""
    clock: Clock = field(default_factory=Clock)
    budget: Budget | None = None
    attended: bool = False
    judging: Callable[[Sequence[Picture]], Judges] | None = None

    @cached_property
    def wording(self) -> Wording:
        """Shots into words."""
        return self.judges.wording

    @cached_property
    def planner(self) -> Planner:
        """Deficits into shots."""
        return Planner(self.character, self.config.views, self.config.subject)

    @cached_property
    def captioner(self) -> SeedCaptioner:
        """What seeds show; their captions are already stored, so nothing is read any more."""
        return SeedCaptioner(self.wording, lambda image, phrases: "")

    @cached_property
    def seeds(self) -> list[Seed]:
        """The seeds with their captions."""
        return self.store.seeds()

    def emit(self, event: Event) -> None:
        """Store and tell an event."""
        self.store.append_event(event)

    def note(self, text: str) -> None:
        """Tell a person something once; a resumed run does not repeat it."""
        if not any(isinstance(event, Noted) and event.text == text for event in self.store.events()):
            self.emit(Noted(text))

    def progress(self, stage: str, done: int, total: int, detail: str = "") -> None:
        """Emit how far a stage is; also a safe point (see `loops.safe_point`).

        Raises Interrupted when asked to stop, OutputError before the disk is full.
        """
        self.store.append_event(Progress(stage, done, total, detail))
        check_clock(self.clock, self.emit)
        if self.budget:
            self.budget.hours.save()
        if self.stop_asked:
            raise Interrupted(f"stopped at a safe point by {self.stopped_by}".removesuffix(" by "))
        check_disk(self.store, self.drawer)

    def parameters(self, job: Job, adapter: Adapter | None) -> str:
        """How a picture was made, as tools read it from a PNG."""
        base = self.config.base
        return parameters_text(job, base.sampling, adapter.id if adapter else "", base.name)

    def adapter(self, name: str) -> Adapter | None:
        """The adapter of that name, if it was trained."""
        return next((adapter for adapter in self.store.adapters() if adapter.id == name), None)

    @property
    def sound_rounds(self) -> set[int]:
        """Numbers of the rounds that did not drift, the one being played, and 0 for a person's own pictures."""
        rounds = self.store.rounds()
        usable = usable_rounds([one for one in rounds if one.outcome is not None])
        return usable | {one.number for one in rounds if one.outcome is None} | {0}

    def usable_keeps(self) -> list[Frame]:
        """Kept frames of every round that did not drift, in plan order: what may be trained on and shipped.

        What a person kept counts in any case.
        """
        rounds = self.sound_rounds
        verdicts = self.store.verdicts()
        by_person = {id for id, verdict in verdicts.items() if verdict.by == PERSON}
        return [f for f in self.store.kept() if f.job.round in rounds or f.job.id in by_person]

    def candidates(self) -> list[Frame]:
        """Every candidate frame so far, in plan order; a person's own pictures (round 0) once they are measured."""
        frames = self.store.frames(kind=JobKind.CANDIDATE)
        measured = self.store.measurements([frame.job.id for frame in frames if not frame.job.round])
        return [frame for frame in frames if frame.job.round or frame.job.id in measured]

    def unseen(self, frames: Sequence[Frame]) -> dict[str, tuple[str, ...]]:
        """By frame, the axes whose tag the picture does not show, as the panel measured them."""
        measured = self.store.measurements([frame.job.id for frame in frames])
        return {id: self.judges.unseen(values) for id, values in measured.items()}

    @property
    def side(self) -> int:
        """The side of training pictures in pixels."""
        return max(self.drawer.resolution)
