"""A run opened to compare LoRAs: its base, its panel before its seeds, and pictures that join no plan.

What is drawn lies in a folder of its own, so the same command continues where it was cut off; the run is only read.
Knows no order of stages and chooses nothing.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from PIL import Image

from bootstrap.backends.base import Drawer, Trainer
from bootstrap.captions.wording import Wording
from bootstrap.character import Character
from bootstrap.compare.bleed import BleedCheck
from bootstrap.compare.grid import Cell
from bootstrap.config import PanelConfig, RunConfig
from bootstrap.panel.axes import checked_axes, read_on_heads
from bootstrap.panel.head_references import heads_of_seeds
from bootstrap.panel.judges import Judges, judges_for
from bootstrap.panel.models import PanelModels
from bootstrap.panel.references import references_of
from bootstrap.records import Frame, Job, JobKind, Reference, Shot, random_seed_of
from bootstrap.runs.run_models import open_base, open_models
from bootstrap.store.files import make_folder, write_image
from bootstrap.store.store import Store
from scoring.axis import AxisCheck
from scoring.measurement import Measurement, digest_of
from scoring.panel import Panel, Seat

__all__ = ["BESIDE_LORA", "FOLDER", "PICTURES", "READS", "Measured", "OpenRun", "open_run"]

FOLDER = "compare"
"""Where pictures and pages lie in a run, unless a person names another folder."""
PICTURES = "pictures"
"""Where the pictures lie in that folder."""
READS = "reads "
"""How the names of the further checks begin, one an axis: they show what the LoRA loses, and select nothing."""
UNSEEN_AXES = ("pose", "top", "bottom")
"""Axes of the pose and the clothes that were never trained on; read beside the identity traits where the panel can."""
BESIDE_LORA = 0.5
"""Strength of references beside a LoRA, at most: more draws no more alike and obeys less; LOG "Drawing from the
seed"."""
AT_ONCE = 64
Measured = dict[str, dict[str, Measurement]]
OnProgress = Callable[[str, int, int], None]
"""Called with a cell's name, the pictures drawn so far, and how many there will be."""


@dataclass(frozen=True)
class OpenRun:
    """An open run with everything that draws and measures.

    ``character`` may have outfits that the run's own lacks; what is drawn goes into ``results``.
    """

    store: Store
    drawer: Drawer
    trainer: Trainer
    panel_models: PanelModels
    config: RunConfig
    character: Character
    results: Path

    def close(self) -> None:
        """Free the base."""
        self.drawer.close()

    def on_another(self, config: RunConfig) -> OpenRun:
        """The same run with the base of another configuration, before the same panel. Raises BackendError."""
        models = open_base(config, self.store.directory, self.panel_models)
        return replace(self, drawer=models.drawer, trainer=models.trainer, config=config)

    @cached_property
    def wording(self) -> Wording:
        """Shots into words, as the run words them."""
        return Wording.of(self.character, self.config)

    @cached_property
    def judges(self) -> Judges:
        """The run's panel with its seeds and what a person approved as references."""
        panel, run = self.config.panel, self.store.directory
        references = references_of(self.store.seeds(), run, panel)
        judges = judges_for(self.panel_models, panel, self.wording, references)
        pictures = [judges.picture(frame, self.store) for frame in self.store.approved()]
        return judges_for(self.panel_models, panel, self.wording, references, pictures) if pictures else judges

    @cached_property
    def readers(self) -> Panel:
        """One check for each identity trait, for each axis of what was never trained on, and for clothes that bleed."""
        panel = self.config.panel
        checked = checked_axes(panel, "clip")
        if checked is None:
            checked = tuple(panel.vocabulary)
        seats = []
        for axis in dict.fromkeys((*self.wording.identity, *UNSEEN_AXES)):
            if axis in panel.vocabulary and axis in (*checked, *UNSEEN_AXES):
                seats.append(self._reader(axis, panel))
        return Panel([*seats, Seat(BleedCheck(self.panel_models, self.wording), "check")])

    def _reader(self, axis: str, panel: PanelConfig) -> Seat:
        heads = None
        if read_on_heads(panel, "clip") and axis not in UNSEEN_AXES:
            heads = self.panel_models.crops(panel)
        models, words = self.panel_models, panel.vocabulary[axis]
        return Seat(AxisCheck(models.clip, models.features, axis, words, heads=heads, name=f"{READS}{axis}"), "check")

    @property
    def references(self) -> tuple[Reference, ...]:
        """The seeds as references beside a LoRA; none where the run draws from words."""
        settings = self.config.base.reference
        if settings is None:
            return ()
        strength = min(settings.strength, BESIDE_LORA)
        anchors = [seed for seed in self.store.seeds() if seed.anchor]
        if settings.crop == "head":
            anchors = heads_of_seeds(anchors, self.store.directory, self.panel_models, self.config.panel)
        return tuple(Reference(seed.path, seed.sha256, strength) for seed in anchors[: settings.most])

    def folder(self, cell: Cell, shots: Sequence[Shot]) -> Path:
        """Where the pictures of a cell lie; another base, sampler, prompt or weight is another folder."""
        prompts = [f"{job.random_seed} {job.prompt} | {job.negative}" for job in self.jobs(cell, shots, "")]
        return self.results / PICTURES / cell.key(self.drawer.fingerprint, *prompts)

    def jobs(self, cell: Cell, shots: Sequence[Shot], prefix: str) -> list[Job]:
        """The shots as this cell is prompted for them, with random seeds that are the same for all cells."""
        return [self._job(cell, shot, f"{prefix}{number:03d}") for number, shot in enumerate(shots)]

    def _job(self, cell: Cell, shot: Shot, id: str) -> Job:
        traits = self.wording.traits(shot)
        named = cell.checkpoint.named if cell.checkpoint else None
        if named is not None:
            traits = {axis: tag for axis, tag in traits.items() if tag in named}
        prompt = self.wording.prompt(shot, traits, trigger=cell.checkpoint is not None)
        return Job(
            id=id,
            kind=JobKind.PROBE,
            round=0,
            wave=0,
            shot=shot,
            prompt=", ".join((prompt, *cell.words)),
            negative=self.wording.negative(self.config.base.negative),
            random_seed=random_seed_of(self.config.random_seed, "compare", shot.key),
            traits=traits,
            references=cell.references,
        )

    def draw(self, cell: Cell, shots: Sequence[Shot], on_progress: OnProgress) -> list[Frame]:
        """The pictures of a cell: from disk if all are there, else all drawn. Raises BackendError, OutputError."""
        folder, jobs = self.folder(cell, shots), self.jobs(cell, shots, "")
        paths = [folder / f"{job.id}.png" for job in jobs]
        if not all(map(_can_be_read, paths)):
            self._draw_into(folder, cell, jobs, on_progress)
        named_jobs = self.jobs(cell, shots, f"compare-{folder.name}-")
        return [self._frame(job, path, cell) for job, path in zip(named_jobs, paths, strict=True)]

    def _draw_into(self, folder: Path, cell: Cell, jobs: Sequence[Job], on_progress: OnProgress) -> None:
        """Draw all jobs, then write their pictures into the folder."""
        images: dict[str, Image.Image] = {}
        make_folder(folder)
        with tempfile.TemporaryDirectory(dir=folder) as place:
            for batch in self.drawer.draw(jobs, self._adapter(cell, Path(place) / "blend.safetensors")):
                for job, image in batch:
                    images[job.id] = image
                on_progress(cell.name, len(images), len(jobs))
        for job in jobs:
            text = {"parameters": f"{job.prompt}\n{cell.name}"}
            write_image(folder / f"{job.id}.png", images[job.id].convert("RGB"), text)

    def _adapter(self, cell: Cell, blend: Path) -> Path | None:
        """The file that draws the cell; a checkpoint of the run by itself at weight 1 needs no blending."""
        if not cell.parts:
            return None
        within = cell.checkpoint is not None and cell.checkpoint.path.is_relative_to(self.store.directory)
        if cell.checkpoint is not None and within and len(cell.parts) == 1 and cell.weight == 1:
            return cell.checkpoint.path
        self.trainer.blend(cell.parts, blend)
        return blend

    def check_fit(self, cells: Sequence[Cell]) -> None:
        """Attach every file once, before anything is drawn. Raises BackendError naming one that does not fit."""
        files: dict[Path, None] = {}
        for cell in cells:
            files.update(dict.fromkeys(path for path, _ in cell.parts))
        with tempfile.TemporaryDirectory() as place:
            for number, path in enumerate(files):
                blend = Path(place) / f"{number}.safetensors"
                self.trainer.blend([(path, 1.0)], blend)
                for _ in self.drawer.draw([], blend):
                    pass
                blend.unlink()

    def _frame(self, job: Job, path: Path, cell: Cell) -> Frame:
        with Image.open(path) as image:
            digest = digest_of(image.convert("RGB"))
        place = path.absolute()  # joined to the folder of the run it stays as it is
        return Frame(job, str(place), digest, cell.name, self.drawer.name)

    def measure(self, frames: Sequence[Frame]) -> Measured:
        """The measurements of the run's panel for each frame, and those of the further checks."""
        found: Measured = {}
        for start in range(0, len(frames), AT_ONCE):
            chunk = frames[start : start + AT_ONCE]
            judged = self.judges.measure(chunk, self.store)
            read = self.readers.measure([self.judges.picture(frame, self.store) for frame in chunk])
            for frame, more in zip(chunk, read, strict=True):
                found[frame.job.id] = {**judged[frame.job.id], **more}
        return found


def _can_be_read(path: Path) -> bool:
    """Whether a picture is there, and whole."""
    try:
        with Image.open(path) as image:
            image.load()
    except Exception:  # a decoder fed with a damaged file may raise anything
        return False
    return True


def open_run(store: Store, config: RunConfig, character: Character, results: Path) -> OpenRun:
    """Load the base and the panel of a run to draw into ``results``. Raises BackendError naming what is missing."""
    models = open_models(config, store.directory)
    return OpenRun(store, models.drawer, models.trainer, models.panel_models, config, character, results)
