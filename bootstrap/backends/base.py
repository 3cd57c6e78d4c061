"""The boundary to what draws and what trains, so that the loop can be read and tested without a model.

Knows no run, no round and no verdict: neither a drawer nor a trainer decides anything about identity.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from PIL import Image

from bootstrap.errors import BackendError
from bootstrap.events import Emit
from bootstrap.records import Job, TrainItem
from bootstrap.training.recipe import TrainRecipe


@dataclass(frozen=True, slots=True)
class Trained:
    """What a training left behind: the weights (kohya-format safetensors, float32), steps in them, last mean loss.

    ``earlier`` are those that it kept on the way, the earliest first.
    """

    path: Path
    steps: int
    final_loss: float
    earlier: tuple[Trained, ...] = ()


def weights_file(workdir: Path, steps: int | None = None) -> Path:
    """Where a training leaves its weights: the finished ones, or those of a step on the way."""
    return workdir / ("adapter.safetensors" if steps is None else f"adapter-step{steps:08d}.safetensors")


def refuse_references(
    jobs: Sequence[Job],
    drawer: str,
    *,
    references: bool = True,
    control: bool = True,
    start: bool = True,
    regions: bool = True,
) -> None:
    """Raise BackendError where a job has references, a control picture or regions, or begins from a picture.

    ``references``, ``control``, ``start`` and ``regions`` are False for what a drawer can use.
    """
    for job in jobs:
        if references and (job.references or any(region.references for region in job.regions)):
            problem, hint = f'the references of job "{job.id}"', "choose a drawer that takes references"
        elif control and job.control:
            problem, hint = f'the control picture of job "{job.id}"', "choose a drawer with a ControlNet"
        elif start and job.start:
            problem, hint = f'the picture that job "{job.id}" begins from', "leave base.variations out"
        elif regions and job.regions:
            problem, hint = f'the regions of job "{job.id}"', "draw with a base on this machine"
        else:
            continue
        raise BackendError(f'drawer "{drawer}" cannot use {problem}', hint)


class Drawer(Protocol):
    """Draws jobs. What it is given besides words (an adapter, a job's references) is part of each call."""

    @property
    def name(self) -> str:
        """What a frame records as its drawer."""

    @property
    def fingerprint(self) -> str:
        """Identifies base weights and sampling settings; pictures of another fingerprint are not comparable."""

    @property
    def resolution(self) -> tuple[int, int]:
        """Width and height in pixels of the pictures it makes."""

    @property
    def batch_size(self) -> int:
        """How many jobs make one batch."""

    def draw(self, jobs: Sequence[Job], adapter: Path | None) -> Iterator[list[tuple[Job, Image.Image]]]:
        """Draw ``jobs`` in fixed batches of ``batch_size``, in the order given, yielding each finished batch.

        A picture depends only on its job, the adapter, and its place in its batch: the caller keeps batches whole.
        ``adapter`` None means the base alone. What it will not draw is a card that says why (see
        `bootstrap.backends.outside.refusals`). Raises BackendError, also for a job whose references it cannot use.
        """

    def use_tiles(self) -> bool:
        """Let the VAE work in tiles from now on; False where that takes no less memory, or is so already."""

    def close(self) -> None:
        """Free the model; the drawer cannot be used afterwards."""


class Trainer(Protocol):
    """Trains LoRAs for one base."""

    def train(self, items: Sequence[TrainItem], recipe: TrainRecipe, workdir: Path, emit: Emit) -> Trained:
        """Train a LoRA from the base on ``items`` into ``workdir``; continues from a checkpoint found there.

        The same items, recipe and base give the same weights, also when the training was killed and continued. One that
        meets numbers which are not finite ends with its last good weights and emits a `Noted`. Raises BackendError
        (no good weights yet, memory ran out, an optimizer's package is missing, pictures or weights unreadable).
        """

    def use_tiles(self) -> bool:
        """Let the VAE work in tiles from now on; False where that takes no less memory, or is so already."""

    def blend(self, adapters: Sequence[tuple[Path, float]], out: Path) -> None:
        """Write to ``out`` one adapter that draws as these do together, each times its weight (1 as it was trained).

        Files of any trainer that fit the base. Raises BackendError for one that does not, or is no plain LoRA.
        """


class Backend(Drawer, Trainer, Protocol):
    """A loaded base that both draws and trains. The adapter is attached, reset and detached in place."""
