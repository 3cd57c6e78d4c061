"""Drawing from reference pictures on a loaded base: through an IP-Adapter, through attention to them, or both.

What is encoded of a picture is cached. Without references the UNet computes what it always does. Knows no prompt and
no LoRA.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from PIL import Image

from bootstrap.backends.ip_adapter import IpAdapter
from bootstrap.backends.latents import pixels_of
from bootstrap.backends.loaded import LoadedBase
from bootstrap.backends.reference_attention import ReferenceAttention
from bootstrap.backends.reference_settings import ReferenceSettings
from bootstrap.backends.shown_pictures import open_shown
from bootstrap.machine.device import reporting_memory
from bootstrap.pictures import square
from bootstrap.records import Reference

__all__ = ["LoadedReferences", "ShownToBatch"]


@dataclass(frozen=True)
class ShownToBatch:
    """What a batch of n pictures is shown.

    ``features`` are an adapter's, (2, n, r, ...): of the unguided half, which sees no picture, and of the other.
    ``look`` is called with each timestep before its prediction. ``latents`` are the first, second … reference of each
    picture, (n, c, h, w), for a base that sees them beside what it draws, and ``strength`` is how much it heeds them.
    """

    features: torch.Tensor | None = None
    look: Callable[[torch.Tensor], None] | None = None
    latents: Sequence[torch.Tensor] = ()
    strength: float = 1.0


class LoadedReferences:
    """What draws from references, loaded for one base. Raises BackendError when it cannot be used."""

    def __init__(self, base: LoadedBase, folder: Path | None, settings: ReferenceSettings, pictures: Path) -> None:
        """``folder`` holds the adapter, None where there is none; references have paths relative to ``pictures``."""
        self._base, self._pictures, self._settings = base, pictures, settings
        self._plain = dict(base.denoiser.attn_processors)
        self._adapter = IpAdapter(base, folder, settings) if folder else None
        self._attention = ReferenceAttention(base) if settings.attention else None
        self._processors = self._adapter.processors if self._adapter else self._plain
        if self._attention:
            self._processors = self._attention.processors(self._processors)
        self._features: dict[str, torch.Tensor] = {}
        self._latents: dict[str, torch.Tensor] = {}
        self._held = False

    def alike(self, references: Sequence[Reference]) -> tuple[float, ...]:
        """What pictures that are predicted together have in common: how strongly each reference counts."""
        return tuple(one.strength for one in references)

    @property
    def by_timestep(self) -> bool:
        """Whether only pictures of one timestep can be predicted together: references are noised as they are."""
        return self._attention is not None

    def prepare(self, references: Sequence[Reference]) -> None:
        """Encode pictures before they are shown. Raises BackendError as `shown` does."""
        self._encode(list({one.sha256: one for one in references}.values()))

    @contextlib.contextmanager
    def shown(self, rows: Sequence[Sequence[Reference]]) -> Iterator[ShownToBatch]:
        """The UNet heeds these references of each picture, which have equally many, of one strength.

        Raises BackendError for one that is missing, or not the picture that was planned with.
        """
        different = {reference.sha256: reference for row in rows for reference in row}
        self._encode(list(different.values()))
        strength, features = rows[0][0].strength, None
        if self._adapter:
            shown = [torch.cat([self._features[one.sha256] for one in row], dim=1) for row in rows]
            features = torch.stack(shown, dim=1)
        if self._attention:
            places = {sha256: place for place, sha256 in enumerate(different)}
            numbers = [[places[one.sha256] for one in row] for row in rows]
            own = torch.stack([self._features[sha256][1] for sha256 in different]) if self._adapter else None
            latents = [self._latents[sha256].to(self._base.device) for sha256 in different]
            self._attention.show(latents, numbers, strength * self._settings.attention, own)
        with self._attached(strength):
            yield ShownToBatch(features, self._attention.look if self._attention else None)

    @contextlib.contextmanager
    def held(self, references: Sequence[Reference]) -> Iterator[None]:
        """What shows references stays attached, with the strength of these; meanwhile none of another is shown."""
        with self._attached(references[0].strength):
            self._held = True
            try:
                yield
            finally:
                self._held = False

    @contextlib.contextmanager
    def _attached(self, strength: float) -> Iterator[None]:
        if self._held:
            yield
            return
        if self._adapter:
            with self._adapter.attached(self._processors, self._plain, strength):
                yield
            return
        self._base.denoiser.set_attn_processor(dict(self._processors))
        try:
            yield
        finally:
            self._base.denoiser.set_attn_processor(dict(self._plain))

    def _encode(self, references: Sequence[Reference]) -> None:
        """Encode the pictures that are not encoded yet."""
        missing = [one for one in references if one.sha256 not in self._features | self._latents]
        images = {one.sha256: square(open_shown(self._pictures, one, "reference")) for one in missing}
        if self._adapter:
            with self._adapter.encoding, reporting_memory("choose --reference none"):
                for sha256, image in images.items():
                    self._features[sha256] = self._adapter.features(image)
        if self._attention:
            side = min(self._base.resolution)
            for sha256, image in images.items():
                pixels = pixels_of(image.resize((side, side), Image.Resampling.LANCZOS)).to(self._base.device)
                self._latents[sha256] = self._attention.encoded(pixels).cpu()
