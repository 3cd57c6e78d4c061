"""What a worker process does for a run: draws batches and measures pictures with models of its own, loaded once.

It gets everything it needs with its first task: no folder is shared. Knows no Ray, no round and no store.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from PIL import Image

from bootstrap.backends.base import Drawer, Trained
from bootstrap.captions.wording import Wording
from bootstrap.config import RunConfig
from bootstrap.errors import BackendError, OutOfMemoryError
from bootstrap.events import Emit
from bootstrap.panel.models import PanelModels
from bootstrap.records import Job, TrainItem
from bootstrap.training.processes import Meeting, Processes, joined_processes
from bootstrap.training.recipe import TrainRecipe
from scoring.measurement import Measurement, Picture
from scoring.panel import Panel

__all__ = ["Failure", "File", "Files", "Judged", "Rows", "Same", "SharingTrainer", "Worker", "raised"]

Rows = list[dict[str, Measurement]]
TRAINING = "train"
"""The folder of a training within that of the worker."""
SAME = "install the same versions and files on every machine"


@runtime_checkable
class SharingTrainer(Protocol):
    """A trainer that can share the passes of a step; see `bootstrap.backends.base.Trainer`."""

    def train(
        self, items: Sequence[TrainItem], recipe: TrainRecipe, workdir: Path, emit: Emit, processes: Processes = ...
    ) -> Trained:
        """Train a LoRA, together with other processes."""

    def use_tiles(self) -> bool:
        """Let the VAE work in tiles."""

    def blend(self, adapters: Sequence[tuple[Path, float]], out: Path) -> None:
        """Write several adapters as one."""


@dataclass(frozen=True, slots=True)
class File:
    """A file of the run: its path there, what identifies its content, and what fetches the content."""

    path: str
    key: str
    content: Any


class Files:
    """Files as workers get them; ``ship`` hands a content over, once for each content."""

    def __init__(self, ship: Callable[[bytes], Any]) -> None:
        """Nothing is handed over yet."""
        self._ship = ship
        self._shipped: dict[str, File] = {}

    def file(self, path: str, source: Path) -> File:
        """The file at ``source``, which workers find at ``path``."""
        content = source.read_bytes()
        key = hashlib.sha256(content).hexdigest()
        if path not in self._shipped or self._shipped[path].key != key:
            self._shipped[path] = File(path, key, self._ship(content))
        return self._shipped[path]


@dataclass(frozen=True, slots=True)
class Judged:
    """What a panel is set before, besides its models: words, seeds and what a person approved.

    ``fingerprints`` are the scorers' in the run.
    """

    wording: Wording
    references: Sequence[Picture]
    approved: Sequence[Picture]
    fingerprints: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Same:
    """What every process of a run has in common: the drawer's fingerprint, and the kind of device ("": any)."""

    drawer: str
    device: str


@dataclass(frozen=True, slots=True)
class Failure:
    """An expected failure of a worker, which its run raises."""

    message: str
    hint: str
    memory: bool


def raised(failure: Failure) -> BackendError:
    """The failure as the run raises it."""
    kind = OutOfMemoryError if failure.memory else BackendError
    return kind(failure.message, failure.hint)


class Worker:
    """Draws and measures for one run, with its configuration; ``fetch`` turns what ships a value into the value.

    ``threads`` is what torch computes with on a processor: the same in every worker, so that each draws the same.
    """

    def __init__(
        self, config: RunConfig, same: Same, threads: int = 0, fetch: Callable[[Any], Any] | None = None
    ) -> None:
        """Load nothing yet; ``same`` is what this process must have in common with the run's."""
        self._config, self._same, self._threads = config, same, threads
        self._fetch = fetch or (lambda value: value)
        self._folder = Path(tempfile.mkdtemp(prefix="bootstrap-worker-"))
        self._drawer: Drawer | None = None
        self._models: PanelModels | None = None
        self._seated: tuple[str, Panel] | None = None
        self._there: dict[str, str] = {}

    def ready(self) -> int:
        """Its process, once it runs."""
        return os.getpid()

    def draw(
        self, jobs: Sequence[Job], adapter: File | None, files: Sequence[File], *, tiles: bool = False
    ) -> list[Image.Image] | Failure:
        """The pictures of a whole batch, in order."""
        try:
            for file in [*files, *([adapter] if adapter else [])]:
                self._place(file)
            drawer = self._opened_drawer()
            if tiles:
                drawer.use_tiles()
            drawn = [
                pair for batch in drawer.draw(jobs, self._folder / adapter.path if adapter else None) for pair in batch
            ]
        except BackendError as error:
            return Failure(error.message, error.hint, isinstance(error, OutOfMemoryError))
        return [image for _, image in drawn]

    def train(self, items: Sequence[TrainItem], recipe: TrainRecipe, files: Sequence[File], meeting: Meeting) -> None:
        """Compute this process' passes of a training; the paths of items are those of ``files``. Keeps nothing.

        Raises BackendError, and RuntimeError where another process is lost.
        """
        for file in files:
            self._place(file)
        backend = self._opened_drawer()
        if not isinstance(backend, SharingTrainer):
            raise BackendError("a worker's base cannot train together with others", "leave --train-together out")
        here = []
        for item in items:
            lora = str(self._folder / item.drawn_with) if item.drawn_with else ""
            here.append(replace(item, path=str(self._folder / item.path), drawn_with=lora))
        with joined_processes(meeting) as processes:
            backend.train(here, recipe, self._folder / TRAINING, lambda event: None, processes)
        shutil.rmtree(self._folder / TRAINING)
        self._there = {path: key for path, key in self._there.items() if not path.startswith(f"{TRAINING}/")}

    def measure(self, pictures: Sequence[Picture], judged: File) -> Rows | Failure:
        """The panel's answers for each picture, in order; ``judged`` ships what it is set before."""
        try:
            return list(self._panel(judged).measure(pictures))
        except BackendError as error:
            return Failure(error.message, error.hint, isinstance(error, OutOfMemoryError))

    def _place(self, file: File) -> None:
        """Write a file of the run where this process finds it, once."""
        if self._there.get(file.path) == file.key:
            return
        place = self._folder / file.path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(self._fetch(file.content))
        self._there[file.path] = file.key

    def _opened_drawer(self) -> Drawer:
        if self._drawer is None:
            from bootstrap.runs.run_models import open_base

            drawer = open_base(self._config, self._folder, self._opened_models()).drawer
            if drawer.fingerprint != self._same.drawer:
                raise BackendError("a worker's base is another one than the run's", SAME)
            self._drawer = drawer
        return self._drawer

    def _panel(self, judged: File) -> Panel:
        """The panel before these seeds. Raises BackendError where its models are other ones than the run's."""
        if self._seated is None or self._seated[0] != judged.key:
            from bootstrap.panel.judges import judges_for

            before: Judged = self._fetch(judged.content)
            arguments = before.wording, before.references, before.approved
            panel = judges_for(self._opened_models(), self._config.panel, *arguments).panel
            if panel.fingerprints != before.fingerprints:
                raise BackendError("a worker's panel has other models than the run's", SAME)
            self._seated = judged.key, panel
        return self._seated[1]

    def _opened_models(self) -> PanelModels:
        if self._models is None:
            from bootstrap.runs.run_models import open_panel

            self._check_device()
            self._models = open_panel(self._config, self._folder)
        return self._models

    def _check_device(self) -> None:
        """Compute as the run does. Raises BackendError where this machine has another kind of device."""
        if not self._same.device:
            return
        import torch

        from bootstrap.machine.device import pick_device

        if (device := pick_device()) != self._same.device:
            found = f'a worker computes on "{device}", the process of the run on "{self._same.device}"'
            raise BackendError(f"{found}: their pictures differ", "begin the run on a machine like the workers'")
        if self._threads:
            torch.set_num_threads(self._threads)
