"""A loaded edit model, whose parts are on the device only while they compute; at rest all of it is in main memory.

So the base that trains and draws beside it has the device for itself, and makes room while the edit model draws.
Knows no run.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from PIL import Image

from bootstrap.backends.loading_quietly import loading
from bootstrap.backends.outside.edit_files import EditFiles
from bootstrap.backends.outside.edit_pipelines import EDITS, EditJob, TextOfJob
from bootstrap.backends.outside.edit_settings import EditSettings
from bootstrap.backends.saving_memory import moved
from bootstrap.backends.tiles import TILE, use_tiles
from bootstrap.errors import BackendError
from bootstrap.machine.device import reporting_memory
from scoring.offloaded import Offloaded

__all__ = ["LoadedEditor"]

LOWER = "--set drawer.offload=blocks, or lower drawer.width and drawer.height"
CAMERA = "camera"
"""The name of the camera LoRA in the transformer."""
DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


class LoadedEditor:
    """An edit model in main memory. Raises BackendError, in one line, when it does not load."""

    def __init__(
        self, files: EditFiles, settings: EditSettings, device: str, instead_of: Callable[[], Sequence[Any]]
    ) -> None:
        """``instead_of`` tells the models on the device that are in main memory while this one draws."""
        self._settings, self._device, self._instead_of = settings, device, instead_of
        self._edit = EDITS[settings.pipeline]
        with loading(files.folder, "choose a smaller drawer, or close other programs"):
            self.pipe = _load(files, settings, device)
        reading, drawing = [self.pipe.text_encoder], [self.pipe.transformer, self.pipe.vae]
        if settings.offload == "blocks" and device != "cpu":
            self._load_blocks_in_turn()
            use_tiles(self.pipe)
            drawing = [self.pipe.vae]
        if settings.offload == "none":
            self._reads: Any = contextlib.nullcontext()
            self._draws = Offloaded([*reading, *drawing], device)
        else:
            self._reads = Offloaded(reading, device, instead_of=drawing)
            self._draws = Offloaded(drawing, device)

    @contextlib.contextmanager
    def working(self) -> Iterator[None]:
        """A block in which its parts are loaded as they compute; what is on the device otherwise makes room."""
        with moved(self._instead_of(), "cpu", self._device), self._draws:
            yield

    def read(self, several: Sequence[EditJob]) -> list[TextOfJob]:
        """The text states of pictures, the text encoder loaded once for all. Raises BackendError, first of all."""
        for asked in several:
            self._edit.check(asked)
        with reporting_memory(LOWER), torch.no_grad(), self._reads:
            return [_on("cpu", self._edit.read(self.pipe, asked, self._settings, self._device)) for asked in several]

    def draw(self, asked: EditJob, text: TextOfJob) -> Image.Image:
        """A picture. Raises BackendError where it is not finite."""
        with reporting_memory(LOWER), torch.no_grad():
            pixels = self._edit.draw(self.pipe, asked, _on(self._device, text), self._settings).float()
        if not torch.isfinite(pixels).all():
            hint = "--set drawer.dtype=bfloat16, or float32"
            raise BackendError(f'"{asked.job.id}" came out as no finite picture', hint)
        values = (pixels * 255).round().to("cpu", torch.uint8).permute(1, 2, 0).numpy()
        return Image.fromarray(values)

    def use_tiles(self, resolution: tuple[int, int]) -> bool:
        """Let the VAE work in tiles; False where pictures are no larger than one, or it does so already."""
        if max(resolution) <= TILE or self.pipe.vae.use_tiling:
            return False
        use_tiles(self.pipe)
        return True

    def _load_blocks_in_turn(self) -> None:
        self.pipe.transformer.enable_group_offload(
            onload_device=torch.device(self._device),
            offload_device=torch.device("cpu"),
            offload_type="block_level",
            num_blocks_per_group=1,
            use_stream=self._device == "cuda",
        )


def _load(files: EditFiles, settings: EditSettings, device: str) -> Any:
    """The pipeline in main memory, in one type: neither pipeline converts between those of its parts."""
    import diffusers

    usual = torch.float32 if device == "cpu" else torch.bfloat16
    dtype = DTYPES.get(settings.dtype, usual)
    pipe = getattr(diffusers, settings.pipeline).from_pretrained(files.folder, local_files_only=True, dtype=dtype)
    if files.camera and settings.camera_lora:
        pipe.load_lora_weights(files.camera.parent, weight_name=files.camera.name, adapter_name=CAMERA)
        pipe.set_adapters([CAMERA], [settings.camera_lora.weight])
    for part in (pipe.transformer, pipe.text_encoder, pipe.vae):
        part.requires_grad_(False).eval()
    pipe.set_progress_bar_config(disable=True)
    return pipe


def _on(device: str, text: TextOfJob) -> TextOfJob:
    return {name: states if states is None else states.to(device) for name, states in text.items()}
