"""An IP-Adapter on a loaded base's UNet, attached while it is used.

The image encoder is on the device only while it encodes, and where a base offloads, the adapter only while it is
attached. Without it the UNet computes what it computed before one was loaded. Knows no prompt and no LoRA.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from PIL import Image

from bootstrap.backends.loaded import LoadedBase
from bootstrap.backends.reference_settings import ReferenceSettings
from bootstrap.backends.saving_memory import moved
from bootstrap.errors import BackendError
from scoring.offloaded import Offloaded

__all__ = ["IpAdapter"]


class IpAdapter:
    """An IP-Adapter, loaded for one base. Raises BackendError when its files do not fit."""

    def __init__(self, base: LoadedBase, folder: Path, settings: ReferenceSettings) -> None:
        self._base, self._unet = base, base.denoiser
        plain = dict(self._unet.attn_processors)
        _load(base, folder, settings)
        self._projection = self._unet.encoder_hid_proj
        self.processors: Mapping[str, Any] = {name: self._unet.attn_processors[name] for name in plain}
        self._in_turn: list[Any] = []
        if base.settings.offload:
            own = [one for one in self.processors.values() if isinstance(one, torch.nn.Module)]
            self._in_turn = [self._projection, *own]
        encoder = base.pipe.image_encoder.requires_grad_(False).eval()
        self.encoding = Offloaded([encoder], base.device, instead_of=[base.pipe.vae] if base.settings.offload else [])
        self._detach(plain)
        for part in self._in_turn:
            part.to("cpu")

    def features(self, image: Image.Image) -> torch.Tensor:
        """Features (2, 1, ...): of no picture, which is a grey one to the encoder of IP-Adapter Plus, and of this."""
        layers = type(self._projection.image_projection_layers[0]).__name__ != "ImageProjection"
        with torch.inference_mode():
            own, none = self._base.pipe.encode_image(image, torch.device(self._base.device), 1, layers)
        return torch.stack([none, own]).to(self._base.device)

    @contextlib.contextmanager
    def attached(self, processors: Mapping[str, Any], plain: Mapping[str, Any], strength: float) -> Iterator[None]:
        """The UNet heeds references with this strength through ``processors``, and then has the ``plain`` ones."""
        with moved(self._in_turn, self._base.device, back="cpu"):
            self._unet.set_attn_processor(dict(processors))
            self._unet.encoder_hid_proj = self._projection
            self._unet.register_to_config(encoder_hid_dim_type="ip_image_proj")
            self._base.pipe.set_ip_adapter_scale(strength)
            try:
                yield
            finally:
                self._detach(plain)

    def _detach(self, plain: Mapping[str, Any]) -> None:
        self._unet.encoder_hid_proj = None  # first: its own attention layers are counted among the UNet's
        self._unet.set_attn_processor(dict(plain))
        self._unet.register_to_config(encoder_hid_dim_type=None)


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
