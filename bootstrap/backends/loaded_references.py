"""Drawing from reference pictures: an IP-Adapter on a loaded base's UNet, attached while it is used.

The features of a picture are encoded once and cached; the image encoder is on the device only while it encodes, and
where a base offloads, the adapter only while it is attached. Without it the UNet computes what it computed before one
was loaded. Knows no prompt and no LoRA.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import torch

from bootstrap.backends.loaded import LoadedBase
from bootstrap.backends.reference_settings import ReferenceSettings
from bootstrap.backends.saving_memory import moved
from bootstrap.errors import BackendError
from bootstrap.machine.device import reporting_memory
from bootstrap.pictures import open_picture, square
from bootstrap.records import Reference
from scoring.measurement import digest_of
from scoring.offloaded import Offloaded

__all__ = ["LoadedReferences"]


class LoadedReferences:
    """An adapter that draws from references, loaded for one base. Raises BackendError when it cannot be used."""

    def __init__(self, base: LoadedBase, folder: Path, settings: ReferenceSettings, pictures: Path) -> None:
        """``folder`` holds the adapter; ``pictures`` is what the paths of references are relative to."""
        self._pictures = pictures
        self._base, self._unet = base, base.denoiser
        self._plain = dict(self._unet.attn_processors)
        _load(base, folder, settings)
        self._projection = self._unet.encoder_hid_proj
        self._with_adapter = {name: self._unet.attn_processors[name] for name in self._plain}
        self._in_turn: list[Any] = []
        if base.settings.offload:
            own = [one for one in self._with_adapter.values() if isinstance(one, torch.nn.Module)]
            self._in_turn = [self._projection, *own]
        encoder = base.pipe.image_encoder.requires_grad_(False).eval()
        self._encoding = Offloaded([encoder], base.device, instead_of=[base.pipe.vae] if base.settings.offload else [])
        self._features: dict[str, torch.Tensor] = {}
        self._detach()
        for part in self._in_turn:
            part.to("cpu")

    def encode(self, references: Sequence[Reference]) -> torch.Tensor:
        """Features (2, R, ...) of R references: those of no picture, for the unguided half, and their own.

        Raises BackendError for one that is missing, or not the picture that was planned with.
        """
        missing = [one for one in references if one.sha256 not in self._features]
        with self._encoding, reporting_memory("choose --reference none"):
            for reference in missing:
                self._features[reference.sha256] = self._encoded(reference)
        return torch.cat([self._features[one.sha256] for one in references], dim=1)

    @contextlib.contextmanager
    def attached(self, strength: float) -> Iterator[None]:
        """The UNet heeds references with this strength."""
        with moved(self._in_turn, self._base.device, back="cpu"):
            self._attach(strength)
            try:
                yield
            finally:
                self._detach()

    def _attach(self, strength: float) -> None:
        self._unet.set_attn_processor(dict(self._with_adapter))
        self._unet.encoder_hid_proj = self._projection
        self._unet.register_to_config(encoder_hid_dim_type="ip_image_proj")
        self._base.pipe.set_ip_adapter_scale(strength)

    def _detach(self) -> None:
        self._unet.encoder_hid_proj = None  # first: its own attention layers are counted among the UNet's
        self._unet.set_attn_processor(dict(self._plain))
        self._unet.register_to_config(encoder_hid_dim_type=None)

    def _encoded(self, reference: Reference) -> torch.Tensor:
        """Features (2, 1, ...) of no picture, which is a grey one to the encoder of IP-Adapter Plus, and of this."""
        path = self._pictures / reference.path
        if not path.is_file():
            raise BackendError(f'the reference "{path}" is missing', "restore it from a copy")
        image, data = open_picture(path)
        if reference.sha256 not in (hashlib.sha256(data).hexdigest(), digest_of(image)):
            raise BackendError(f'the reference "{path}" was altered', "restore it from a copy")
        layers = type(self._projection.image_projection_layers[0]).__name__ != "ImageProjection"
        with torch.inference_mode():
            own, none = self._base.pipe.encode_image(square(image), torch.device(self._base.device), 1, layers)
        return torch.stack([none, own]).to(self._base.device)


def _load(base: LoadedBase, folder: Path, settings: ReferenceSettings) -> None:
    """Load adapter and image encoder into the pipeline, from the disk alone; the image encoder into main memory."""
    from transformers import CLIPVisionModelWithProjection

    file, pipe = Path(settings.file), base.pipe
    try:
        encoder = CLIPVisionModelWithProjection.from_pretrained(folder / settings.image_encoder, dtype=pipe.dtype)
        pipe.register_modules(image_encoder=encoder)
        pipe.load_ip_adapter(str(folder), str(file.parent), file.name)
    except Exception as error:  # weights of another architecture make the libraries raise anything
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        problem = f'"{folder / settings.file}" does not fit this base: {reason}'
        raise BackendError(problem, "choose an adapter of its architecture, or --reference none") from error
