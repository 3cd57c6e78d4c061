"""Drawing from references that the base itself sees: their latents lie beside those that are drawn.

Each picture keeps its shape; it is made smaller where it has more pixels than the base draws. What is encoded is
cached. Knows no prompt and no LoRA.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import torch
from PIL import Image, ImageOps

from bootstrap.backends.latents import pixels_of
from bootstrap.backends.loaded import LoadedBase
from bootstrap.backends.loaded_references import LoadedReferences, ShownToBatch
from bootstrap.backends.shapes import Size
from bootstrap.backends.shown_pictures import open_shown
from bootstrap.records import Reference

__all__ = ["NativeReferences", "ShowsReferences"]


class NativeReferences:
    """What shows references to a base that sees them. Paths of references are relative to ``pictures``."""

    def __init__(self, base: LoadedBase, pictures: Path) -> None:
        self._base, self._pictures = base, pictures
        self._latents: dict[str, torch.Tensor] = {}

    def alike(self, references: Sequence[Reference]) -> tuple[float, ...]:
        """What pictures that are predicted together have in common: strengths and shapes of their references."""
        sides = [side for one in references for side in self._encoded(one).shape[2:]]
        return (*(one.strength for one in references), *sides)

    @property
    def by_timestep(self) -> bool:
        """Whether only pictures of one timestep can be predicted together: no."""
        return False

    def prepare(self, references: Sequence[Reference]) -> None:
        """Encode pictures before they are shown. Raises BackendError as `shown` does."""
        for one in references:
            self._encoded(one)

    @contextlib.contextmanager
    def shown(self, rows: Sequence[Sequence[Reference]]) -> Iterator[ShownToBatch]:
        """The base sees these references of each picture, which are `alike` and of one strength.

        Raises BackendError for one that is missing, or not the picture that was planned with.
        """
        latents = []
        for place in range(len(rows[0])):
            encoded = [self._encoded(row[place]) for row in rows]
            latents.append(torch.cat(encoded).to(self._base.device))
        yield ShownToBatch(latents=latents, strength=rows[0][0].strength)

    def held(self, references: Sequence[Reference]) -> contextlib.AbstractContextManager[None]:
        """Nothing is attached to the base, so that nothing need stay attached."""
        return contextlib.nullcontext()

    def _encoded(self, reference: Reference) -> torch.Tensor:
        """The latents of a picture, (1, c, h, w), in main memory."""
        if reference.sha256 not in self._latents:
            picture = open_shown(self._pictures, reference, "reference")
            fitted = ImageOps.fit(picture, self._size(picture.size), Image.Resampling.LANCZOS)
            with torch.inference_mode():
                pixels = pixels_of(fitted).to(self._base.device)
                mean, _ = self._base.architecture.latents.encode(self._base.pipe, pixels)
            self._latents[reference.sha256] = mean.float().cpu().clone()
        return self._latents[reference.sha256]

    def _size(self, size: Size) -> Size:
        """The size at which a picture is shown: its own, or the base's area, in sides that the base can draw."""
        width, height = self._base.resolution
        scale = min(1.0, (width * height / (size[0] * size[1])) ** 0.5)
        side = self._base.architecture.limits.side
        return max(1, int(size[0] * scale) // side) * side, max(1, int(size[1] * scale) // side) * side


ShowsReferences = LoadedReferences | NativeReferences
"""What shows a base references, in either way."""
