"""A run opened for looking: its base, its panel before its seeds, and pictures of its LoRA that join no plan.

What is drawn lies in a folder of its own beside the run's frames, so the same command goes on where it was cut off; the
run's rows are only read. Knows no order of stages and chooses nothing.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from PIL import Image

from bootstrap.backends.base import Backend
from bootstrap.captions.wording import Wording
from bootstrap.character import Character
from bootstrap.compare.grid import Cell
from bootstrap.config import PanelConfig, RunConfig, embedded
from bootstrap.panel.judges import Eyes, Judges, judges_for, open_eyes, references_of
from bootstrap.records import Frame, Job, JobKind, Shot, random_seed_of
from bootstrap.store.files import make_folder, write_image
from bootstrap.store.store import Store
from scoring.base import Measurement, digest_of
from scoring.panel import Panel, Seat
from scoring.zeroshot import TraitCheck

__all__ = ["FOLDER", "READS", "Measured", "OpenRun", "open_bench"]

FOLDER = "compare"
"""Where pictures and pages lie in a run."""
READS = "reads "
"""How the names of the further readers begin, one an axis: they tell what falls, and select nothing."""
STRANGE_AXES = ("pose", "top", "bottom")
"""Axes of what was never taught; read beside the identity traits where the panel has words for them."""
AT_ONCE = 64
Measured = dict[str, dict[str, Measurement]]
Told = Callable[[str, int, int], None]


@dataclass(frozen=True)
class OpenRun:
    """An open run with everything that draws and measures. ``character`` may wear what the run's own does not."""

    store: Store
    backend: Backend
    eyes: Eyes
    config: RunConfig
    character: Character

    @cached_property
    def wording(self) -> Wording:
        """Shots into words, as the run words them."""
        return Wording.of(self.character, self.config)

    @cached_property
    def judges(self) -> Judges:
        """The run's panel with its seeds and what a person approved as references."""
        panel, run = self.config.panel, self.store.directory
        references = references_of(self.store.seeds(), run, panel)
        judges = judges_for(self.eyes, panel, self.wording, references)
        pictures = [judges.picture(frame, self.store) for frame in self.store.approved()]
        return judges_for(self.eyes, panel, self.wording, references, pictures) if pictures else judges

    @cached_property
    def readers(self) -> Panel:
        """One check for each identity trait, and for each axis of what was never taught."""
        panel = self.config.panel
        checked = tuple(panel.vocabulary) if panel.checked is None else panel.checked
        axes = [axis for axis in (*self.wording.identity, *STRANGE_AXES) if axis in panel.vocabulary]
        return Panel([self._reader(axis, panel) for axis in dict.fromkeys(axes) if axis in (*checked, *STRANGE_AXES)])

    def _reader(self, axis: str, panel: PanelConfig) -> Seat:
        heads = self.eyes.crops(panel) if panel.traits_from_head and axis not in STRANGE_AXES else None
        words = {axis: panel.vocabulary[axis]}
        check = TraitCheck(self.eyes.encoder, self.eyes.features, words, axes=[axis], heads=heads)
        check.name = f"{READS}{axis}"
        return Seat(check, "check")

    def folder(self, cell: Cell, shots: Sequence[Shot]) -> Path:
        """Where the pictures of a cell lie; another base, sampler, prompt or weight is another folder."""
        asked = [f"{job.random_seed} {job.prompt} | {job.negative}" for job in self.jobs(cell, shots, "")]
        return self.store.directory / FOLDER / "pictures" / cell.key(self.backend.fingerprint, *asked)

    def jobs(self, cell: Cell, shots: Sequence[Shot], prefix: str) -> list[Job]:
        """The shots as this cell is asked for them, with random seeds that are the same for all cells."""
        return [self._job(cell, shot, f"{prefix}{number:03d}") for number, shot in enumerate(shots)]

    def _job(self, cell: Cell, shot: Shot, id: str) -> Job:
        wording, named = self.wording, cell.checkpoint.named if cell.checkpoint else None
        traits = {axis: tag for axis, tag in wording.traits(shot).items() if named is None or tag in named}
        prompt = wording.prompt(shot, traits, trigger=cell.checkpoint is not None)
        return Job(
            id=id,
            kind=JobKind.PROBE,
            round=0,
            wave=0,
            shot=shot,
            prompt=", ".join((prompt, *cell.words)),
            negative=wording.negative(self.config.base.negative),
            random_seed=random_seed_of(self.config.random_seed, "compare", shot.key),
            traits=traits,
        )

    def draw(self, cell: Cell, shots: Sequence[Shot], told: Told) -> list[Frame]:
        """The pictures of a cell: those that are there, or all of them drawn. Raises BackendError, OutputError."""
        folder, jobs = self.folder(cell, shots), self.jobs(cell, shots, "")
        paths = [folder / f"{job.id}.png" for job in jobs]
        if not all(path.is_file() for path in paths):
            made: dict[str, Image.Image] = {}
            make_folder(folder)
            with tempfile.TemporaryDirectory(dir=folder) as place:
                for batch in self.backend.draw(jobs, self._adapter(cell, Path(place) / "blend.safetensors")):
                    made |= {job.id: image for job, image in batch}
                    told(cell.name, len(made), len(jobs))
            for job, path in zip(jobs, paths, strict=True):
                write_image(path, made[job.id].convert("RGB"), {"parameters": f"{job.prompt}\n{cell.name}"})
        own = self.jobs(cell, shots, f"compare-{folder.name}-")
        return [self._frame(job, path, cell) for job, path in zip(own, paths, strict=True)]

    def _adapter(self, cell: Cell, blend: Path) -> Path | None:
        """The file that draws as the cell says; a checkpoint of the run by itself at weight 1 needs no other."""
        if cell.checkpoint is None:
            return None
        within = cell.checkpoint.path.is_relative_to(self.store.directory)
        if within and len(cell.parts) == 1 and cell.weight == 1:
            return cell.checkpoint.path
        self.backend.blend(cell.parts, blend)
        return blend

    def try_on(self, cells: Sequence[Cell]) -> None:
        """Wear every file once, before anything is drawn. Raises BackendError naming one that does not fit the base."""
        files = dict.fromkeys(path for cell in cells for path, _ in cell.parts)
        with tempfile.TemporaryDirectory() as place:
            for number, path in enumerate(files):
                blend = Path(place) / f"{number}.safetensors"
                self.backend.blend([(path, 1.0)], blend)
                for _ in self.backend.draw([], blend):
                    pass
                blend.unlink()

    def _frame(self, job: Job, path: Path, cell: Cell) -> Frame:
        with Image.open(path) as image:
            digest = digest_of(image.convert("RGB"))
        where = path.relative_to(self.store.directory).as_posix()
        return Frame(job, where, digest, cell.name)

    def measure(self, frames: Sequence[Frame]) -> Measured:
        """What the run's panel says of each frame, and the further readers."""
        found: Measured = {}
        for start in range(0, len(frames), AT_ONCE):
            chunk = frames[start : start + AT_ONCE]
            judged = self.judges.measure(chunk, self.store)
            read = self.readers.measure([self.judges.picture(frame, self.store) for frame in chunk])
            for frame, more in zip(chunk, read, strict=True):
                found[frame.job.id] = {**judged[frame.job.id], **more}
        return found


def open_bench(store: Store, config: RunConfig, character: Character) -> OpenRun:
    """Load the base and the panel of a run. Raises BackendError naming what is missing."""
    if config.backend == "fake":
        from bootstrap.backends.fake import FakeBackend
        from bootstrap.panel.fake import fake_eyes

        return OpenRun(store, FakeBackend(config.base.sampling), fake_eyes(), config, character)
    from bootstrap.backends.diffusers import DiffusersBackend
    from bootstrap.machine.device import pick_device

    eyes = open_eyes(config.panel, store.directory / "features", pick_device())
    return OpenRun(store, DiffusersBackend(embedded(config.base.path), config.base.sampling), eyes, config, character)
