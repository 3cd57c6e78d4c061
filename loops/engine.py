"""What a run works with, in one place: store, drawer, trainer, panel and configuration, and what is made of them.

Handed to nothing that decides: rules take records (see `loops.archive`). Knows no order of stages. Loads no model.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from bootstrap.backends.base import Drawer, Trainer
from bootstrap.backends.parameters import parameters_outside, parameters_text
from bootstrap.captions.wording import Wording
from bootstrap.character import Character
from bootstrap.config import RunConfig
from bootstrap.config.training_pixels import side_of
from bootstrap.errors import Interrupted
from bootstrap.events import Event, Noted, Progress
from bootstrap.machine.clock import Clock
from bootstrap.panel.judges import Judges
from bootstrap.panel.models import PanelModels
from bootstrap.records import OUTSIDE_KINDS, Adapter, Frame, Job, Round, Seed
from bootstrap.runs.control_pictures import ControlPictures
from bootstrap.runs.spending import Spending
from bootstrap.runs.upkeep import freed_paths
from bootstrap.seeds import SeedCaptioner
from bootstrap.shots import Cell, Planner, places
from bootstrap.store.decisions import Blend, MendingPlanned
from bootstrap.store.store import Store
from bootstrap.studio.pooled_panel import PooledPanel
from loops.archive import Archive
from loops.budget import Budget
from loops.choose import Chooser, Look
from loops.jobs import JobMaker
from loops.plan import WavePlanner
from loops.safe_point import check_clock, check_disk
from loops.stopping import drawing_round
from loops.training_set import TrainingSets
from scoring.measurement import Picture

__all__ = ["Engine"]


@dataclass
class Engine:
    """An open run with everything it needs. ``stop_asked`` is read at safe points only.

    ``drawer`` draws with the base, those ``outside`` by their names what the base does not draw where a run has such
    drawers; a paid one is paid out of the ``purse``. ``panel_pool`` measures where several workers do.
    ``attended``: somebody sits at this process and is waited for; ``judging`` sets the panel, of ``panel_models``,
    before the seeds and the pictures that a person approved; ``lost`` are the frames whose pictures are not to be had.
    """

    store: Store
    drawer: Drawer
    trainer: Trainer
    judges: Judges
    panel_models: PanelModels
    config: RunConfig
    character: Character
    stop_asked: bool = False
    stopped_by: str = ""
    clock: Clock = field(default_factory=Clock)
    budget: Budget | None = None
    attended: bool = False
    judging: Callable[[Sequence[Picture]], Judges] | None = None
    lost: frozenset[str] = frozenset()
    outside: Mapping[str, Drawer] = field(default_factory=dict)
    purse: Spending | None = None
    panel_pool: PooledPanel | None = None

    @cached_property
    def wording(self) -> Wording:
        """Shots into words."""
        return self.judges.wording

    @cached_property
    def planner(self) -> Planner:
        """Deficits into shots."""
        return Planner(self.character, self.config.views, self.config.subject, self.seeds)

    @cached_property
    def captioner(self) -> SeedCaptioner:
        """What seeds show; their captions are stored by now, so no picture is read for it."""
        return SeedCaptioner(self.wording, lambda image, phrases: "")

    @cached_property
    def seeds(self) -> list[Seed]:
        """The seeds with their captions."""
        return self.store.seeds()

    @cached_property
    def job_makers(self) -> tuple[JobMaker, ...]:
        """Shots into jobs: for what draws candidates, or for each of two that share them."""
        makers, shared = [], self.config.second is not None
        for one in self.config.alone:
            control = ControlPictures(one, self.store.directory).of
            makers.append(JobMaker(self.wording, one, control, one.drawn_by if shared else ""))
        return tuple(makers)

    @cached_property
    def job_maker(self) -> JobMaker:
        """Shots into jobs; of two that share candidates, for the one that draws with the LoRA of a round."""
        with_lora = [one for one in self.job_makers if one.config.trains_to_draw]
        return (with_lora or self.job_makers)[0]

    @cached_property
    def wave_planner(self) -> WavePlanner:
        """Empty places into the jobs of a wave."""
        return WavePlanner(self.planner, self.job_maker, self.config.schedule)

    @cached_property
    def training_sets(self) -> TrainingSets:
        """Kept frames and seeds into training sets."""
        directory, side = self.store.directory, self.side
        return TrainingSets(directory, self.config, self.wording, self.captioner, self.seeds, side)

    @property
    def chooser(self) -> Chooser:
        """Admitted frames into places."""
        return Chooser(self.planner, self.config, self.judges.seed_looks)

    @property
    def side(self) -> int:
        """The side of training pictures in pixels."""
        return side_of(self.config.base, self.drawer.resolution)

    def archive(self) -> Archive:
        """What the run holds now, as far as a person is read."""
        return Archive.of(self.store, self.lost)

    def places(self, goal: int) -> dict[Cell, int]:
        """The places of the first ``goal`` pictures, and those that a round adds where the finished LoRA falls."""
        found = places(goal, self.config.loop.target, self.config.views)
        for mending in self.store.decisions(MendingPlanned):
            for place, count in mending.add.items():
                view_family, _, framing = place.partition("/")
                found[view_family, framing] = found.get((view_family, framing), 0) + count
        return found

    def looks(self, frames: Iterable[Frame]) -> dict[str, Look]:
        """The look of each frame, by its id."""
        return {frame.job.id: self.judges.looks(frame, self.store) for frame in frames}

    def drawing_round(self, rounds: Sequence[Round], number: int) -> Round | None:
        """The earlier round whose adapter draws round ``number``, after a drift (see `loops.stopping`)."""
        gone = freed_paths(self.store)  # any other can be trained again
        drawable = {adapter.id for adapter in self.store.adapters() if adapter.path not in gone}
        return drawing_round(rounds, number, self.config.loop, drawable)

    def emit(self, event: Event) -> None:
        """Store an event and hand it to the listeners."""
        self.store.append_event(event)

    def note(self, text: str) -> None:
        """Emit a note once; a resumed run does not repeat it."""
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

    def parameters(self, job: Job, adapter: Adapter | Blend | None) -> str:
        """How a picture was made, as tools read it from a PNG."""
        drawer, base = self.drawer_of(job), self.config.base
        if drawer is not self.drawer:
            return parameters_outside(job, drawer.name)
        return parameters_text(job, base.sampling, adapter.id if adapter else "", base.short_name)

    def drawer_of(self, job: Job) -> Drawer:
        """What draws a job."""
        if job.kind not in OUTSIDE_KINDS:
            return self.drawer
        return self.outside.get(job.drawer or self.config.drawn_by, self.drawer)

    def price_of(self, drawer: Drawer) -> float:
        """What a picture of a drawer is paid with out of the purse; 0 for nothing."""
        prices = [one.price for one in self.config.drawers if self.outside.get(one.name) is drawer]
        return sum(prices) if self.purse is not None else 0.0

    @property
    def can_pay(self) -> bool:
        """Whether another picture can be drawn: not where each one's price is over what the run may still spend."""
        return self.purse is None or any(self.purse.holds(one.price) for one in self.config.alone)

    def close(self) -> None:
        """Free the models that draw and train."""
        self.drawer.close()
        for drawer in self.outside.values():
            drawer.close()

    def adapter(self, name: str) -> Adapter | None:
        """The adapter of that name, if it was trained."""
        return next((adapter for adapter in self.store.adapters() if adapter.id == name), None)
