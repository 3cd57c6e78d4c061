"""The drawer that edits: a new picture of what references show, by an instruction, on this machine.

Loaded when it draws for the first time. A picture depends on its job alone. Knows no run and no verdict.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from PIL import Image

from bootstrap.backends.base import refuse_references
from bootstrap.backends.folder import digest_of_file, digest_of_weights
from bootstrap.backends.outside.edit_files import EditFiles
from bootstrap.backends.outside.edit_pipelines import EditJob
from bootstrap.backends.outside.edit_settings import EditSettings
from bootstrap.backends.outside.loaded_editor import LoadedEditor
from bootstrap.backends.shapes import shape_of
from bootstrap.backends.shown_pictures import open_shown
from bootstrap.errors import BackendError
from bootstrap.machine.device import pick_device
from bootstrap.records import Job

__all__ = ["EditDrawer"]

READ_TOGETHER = 16
"""Instructions for which the text encoder is loaded once; the states of one take 8 MB (klein, 512 words of 7680)."""


class EditDrawer:
    """Draws from references by an edit pipeline; uses no adapter of the run."""

    def __init__(
        self,
        settings: EditSettings,
        files: EditFiles,
        pictures: Path,
        device: str = "auto",
        instead_of: Callable[[], Sequence[Any]] = tuple,
    ) -> None:
        """References have paths relative to ``pictures``; for ``instead_of`` see `LoadedEditor`."""
        self.settings = settings
        self._files, self._pictures, self._instead_of = files, pictures, instead_of
        self._device = pick_device(device)
        self._editor: LoadedEditor | None = None

    @property
    def name(self) -> str:
        """What a frame records as its drawer."""
        return self.settings.name

    @cached_property
    def fingerprint(self) -> str:
        """Of the weights, the camera LoRA and the settings that change a picture."""
        camera = digest_of_file(self._files.camera) if self._files.camera else ""
        text = f"{digest_of_weights(self._files.folder)}{camera}{self.settings.identity()}"
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    @property
    def resolution(self) -> tuple[int, int]:
        """Width and height in pixels."""
        return self.settings.width, self.settings.height

    @property
    def batch_size(self) -> int:
        """One: each picture has references of its own."""
        return 1

    def draw(self, jobs: Sequence[Job], adapter: Path | None) -> Iterator[list[tuple[Job, Image.Image]]]:
        """Draw one picture after the other; see `bootstrap.backends.base`."""
        refuse_references(jobs, self.name, references=False)
        if adapter is not None:
            raise BackendError(f'drawer "{self.name}" cannot use a LoRA of the run', "set drawer.with_lora to false")
        editor = self._loaded()
        with editor.working():
            for start in range(0, len(jobs), READ_TOGETHER):
                several = [self._asked(job) for job in jobs[start : start + READ_TOGETHER]]
                for asked, text in zip(several, editor.read(several), strict=True):
                    yield [(asked.job, editor.draw(asked, text))]

    def use_tiles(self) -> bool:
        """Let the VAE work in tiles from now on, where pictures are larger than one; see `bootstrap.backends.base`."""
        return self._loaded().use_tiles(self.resolution)

    def close(self) -> None:
        """Free the model."""
        self._editor = None

    def _loaded(self) -> LoadedEditor:
        if self._editor is None:
            self._editor = LoadedEditor(self._files, self.settings, self._device, self._instead_of)
        return self._editor

    def _asked(self, job: Job) -> EditJob:
        """A job with its references opened, in order. Raises BackendError."""
        shown = [open_shown(self._pictures, one, "reference") for one in job.references if one.strength > 0]
        return EditJob(job, shown, shape_of(self.settings, job))
