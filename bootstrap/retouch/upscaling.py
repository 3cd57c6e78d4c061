"""One picture made larger, or sharper, and kept only where it still shows what its original shows.

Knows no file and no run: what enlarges and what refuses are handed in.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from PIL import Image

from bootstrap.retouch.upscale_guard import changed
from bootstrap.retouch.upscale_models import Lanczos, Upscaler
from bootstrap.seeds.sharpness import BLURRED, sharpness
from scoring.features import Encoder

__all__ = ["MOST_MADE", "Upscaled", "needs_upscaling", "upscale"]

MOST_MADE = 50_000_000
"""Pixels of an enlarged picture at most: larger ones cannot be opened as seeds."""


@dataclass(frozen=True)
class Upscaled:
    """A picture made larger. ``refused``: why what the model made was not taken; then Lanczos made ``image``."""

    image: Image.Image
    refused: str = ""


def needs_upscaling(image: Image.Image, upscaler: Upscaler, side: int) -> bool:
    """Whether a picture is smaller than the training size, or blurred at it where the model only restores."""
    if min(image.size) < side and upscaler.scale > 1:
        return True
    return upscaler.scale == 1 and 0 < sharpness(image, side) < BLURRED


def upscale(image: Image.Image, upscaler: Upscaler, encoders: Mapping[str, Encoder], side: int = 0) -> Upscaled:
    """An RGB picture enlarged by the model's factor, or until its shorter side has ``side`` pixels; never reduced.

    ``encoders`` judge identity (`bootstrap.retouch.upscale_guard`). Raises OutOfMemoryError.
    """
    image = image.convert("RGB")
    size = _wanted_size(image, upscaler, side)
    refused, source = "", image
    if upscaler.scale**2 * image.width * image.height > MOST_MADE:
        refused = f"{image.width}x{image.height} are too many pixels for a model that makes {upscaler.scale}x"
    elif not isinstance(upscaler, Lanczos):
        made = upscaler.enlarge(image)
        refused = changed(image, made, encoders)
        source = image if refused else made
    if source.size != size:
        source = source.resize(size, Image.Resampling.LANCZOS)
    return Upscaled(source, refused)


def _wanted_size(image: Image.Image, upscaler: Upscaler, side: int) -> tuple[int, int]:
    """The pixels that a picture gets, within `MOST_MADE`."""
    factor = max(1.0, side / min(image.size)) if side else float(upscaler.scale)
    factor = max(1.0, min(factor, (MOST_MADE / (image.width * image.height)) ** 0.5))
    return round(factor * image.width), round(factor * image.height)
