"""The drawer and trainer of bases that diffusers loads: one loaded pipeline that draws and trains.

The adapter is attached, filled, reset and switched off in place; prompts are encoded once. Pictures are drawn in fixed
batches with a generator of their own for each job. Nothing is downloaded. Knows no run and no verdict.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import torch
from PIL import Image

from bootstrap.backends.attaching import AttachedAdapter
from bootstrap.backends.base import Trained, refuse_references
from bootstrap.backends.drawing import draw_batch
from bootstrap.backends.loaded import LoadedBase
from bootstrap.backends.loaded_control import LoadedControl
from bootstrap.backends.lora_trainer import LoraTrainer
from bootstrap.backends.native_references import ShowsReferences
from bootstrap.backends.regions import draw_regions
from bootstrap.backends.regularisation import regularisation_items
from bootstrap.backends.sampling import SamplingSettings
from bootstrap.backends.shapes import shape_of
from bootstrap.backends.shown_pictures import RegionFiles
from bootstrap.backends.start_pictures import StartPictures
from bootstrap.backends.tiles import TILE, use_tiles
from bootstrap.errors import BackendError
from bootstrap.events import Emit
from bootstrap.lora import save_kohya
from bootstrap.lora.blending import blended
from bootstrap.machine.device import reporting_memory
from bootstrap.records import Job, Reference, TrainItem
from bootstrap.training.processes import ALONE, Processes
from bootstrap.training.recipe import TrainRecipe

__all__ = ["DiffusersBackend", "LoadControl", "LoadReferences"]

LoadControl = Callable[[LoadedBase], LoadedControl]
LoadReferences = Callable[[LoadedBase], ShowsReferences]
LOWER = "lower base.sampling.batch_size, or the width and height"


class DiffusersBackend:
    """A base, loaded once: a diffusers folder or a checkpoint file. Raises BackendError when it cannot be used."""

    def __init__(
        self,
        base: Path,
        settings: SamplingSettings,
        device: str = "auto",
        references: LoadReferences | None = None,
        control: LoadControl | None = None,
        pictures: Path | None = None,
    ) -> None:
        """``references`` loads what draws from reference pictures, ``control`` what follows control pictures.

        The paths of what jobs begin from, and of the LoRAs of their regions, are relative to ``pictures``. Without it,
        such jobs are refused.
        """
        self.settings = settings
        self.base = LoadedBase(base, settings, device)
        self.adapter = AttachedAdapter(self.base)
        self.references = references(self.base) if references else None
        self.trainer = LoraTrainer(self.base, self.adapter, self.references)
        self.control = control(self.base) if control else None
        self.starts = StartPictures(self.base, pictures) if pictures else None
        self.regions = RegionFiles(pictures) if pictures else None

    @property
    def name(self) -> str:
        """What a frame records as its drawer."""
        return "diffusers"

    @property
    def fingerprint(self) -> str:
        """Base weights and sampling settings, and the weights of a ControlNet."""
        return f"{self.base.fingerprint}-{self.control.fingerprint}" if self.control else self.base.fingerprint

    @property
    def resolution(self) -> tuple[int, int]:
        """Width and height in pixels."""
        return self.base.resolution

    @property
    def batch_size(self) -> int:
        """Jobs a batch."""
        return self.settings.batch_size

    def draw(self, jobs: Sequence[Job], adapter: Path | None) -> Iterator[list[tuple[Job, Image.Image]]]:
        """Draw in fixed batches; see `bootstrap.backends.base`."""
        refuse_references(
            jobs,
            self.name,
            references=self.references is None,
            control=self.control is None,
            start=self.starts is None,
            regions=self.regions is None,
        )
        self.adapter.attach(adapter)
        if self.settings.offload:  # text encoders are loaded once for all of these
            with reporting_memory(LOWER):
                self.base.prompts.preload([text for job in jobs for text in (job.negative, job.prompt)])
        for start in range(0, len(jobs), self.batch_size):
            batch = jobs[start : start + self.batch_size]
            with reporting_memory(LOWER):
                pictures = self._drawn(batch)
                self.adapter.attach(adapter)
            yield [(job, pictures[job.id]) for job in batch]

    def _drawn(self, batch: Sequence[Job]) -> dict[str, Image.Image]:
        """The pictures of a batch; those of a shape that are shown as many pictures as strongly are drawn together."""
        together: dict[tuple[object, ...], list[Job]] = {}
        for job in batch:
            strengths = self._strengths(job.references)
            apart = [*(one.strength if one else None for one in (job.control, job.start)), job.lora_start]
            places = tuple((one.adapter, one.shift, *self._strengths(one.references)) for one in job.regions)
            together.setdefault((*shape_of(self.settings, job), places, *apart, *strengths), []).append(job)
        found: dict[str, Image.Image] = {}
        for jobs in together.values():
            found.update(zip([job.id for job in jobs], self._alike(jobs), strict=True))
        return found

    def _strengths(self, references: Sequence[Reference]) -> list[float]:
        """What jobs that are drawn together have in common of these references, a job's or those of one region."""
        strengths = [reference.strength for reference in references]
        if self.references is not None and any(strengths):
            return list(self.references.alike(references))
        return strengths

    def _alike(self, jobs: Sequence[Job]) -> list[Image.Image]:
        """The pictures of jobs of one shape that are shown as many pictures with the same strengths."""
        shown, controlled = None, None
        with contextlib.ExitStack() as attached:
            if self.references is not None and any(reference.strength for reference in jobs[0].references):
                shown = attached.enter_context(self.references.shown([job.references for job in jobs]))
            controls = [job.control for job in jobs if job.control]
            if self.control is not None and controls:
                controlled = attached.enter_context(self.control.attached(controls, shape_of(self.settings, jobs[0])))
            begun = self.starts.of(jobs) if self.starts is not None and jobs[0].start else None
            if self.regions is not None and jobs[0].regions:
                return draw_regions(self.base, self.adapter, jobs, self.regions, begun, self.references)
            switch = self.adapter.switch_denoiser if jobs[0].lora_start else None
            return draw_batch(self.base, jobs, shown, controlled, begun, switch)

    def train(
        self,
        items: Sequence[TrainItem],
        recipe: TrainRecipe,
        workdir: Path,
        emit: Emit,
        processes: Processes = ALONE,
    ) -> Trained:
        """Train a new adapter from the base; see `bootstrap.backends.base`. ``processes`` may train it together."""
        if not items:
            raise BackendError("there is no picture to train on", "give a seed")
        with reporting_memory("lower the recipe's batch_size or rank, or set its gradient_checkpointing"):
            regularisation = regularisation_items(items, recipe, workdir, lambda jobs: self.draw(jobs, None))
            return self.trainer.train(items, recipe, workdir, emit, regularisation, processes)

    def blend(self, adapters: Sequence[tuple[Path, float]], out: Path) -> None:
        """Write several adapters as one; see `bootstrap.backends.base`."""
        lora = blended([(self.adapter.read(path), weight) for path, weight in adapters])
        save_kohya(out, lora, {"ss_output_name": out.stem})

    def use_tiles(self) -> bool:
        """Let the VAE work in tiles from now on, where pictures are larger than one; see `bootstrap.backends.base`."""
        if max(self.resolution) <= TILE or self.base.pipe.vae.use_tiling:
            return False
        use_tiles(self.base.pipe)
        return True

    def close(self) -> None:
        """Free the model."""
        device = self.base.device
        del self.base, self.adapter, self.trainer, self.references, self.control, self.starts
        if device == "cuda":
            torch.cuda.empty_cache()
