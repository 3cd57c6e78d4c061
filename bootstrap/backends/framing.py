"""A training picture at the size it is trained at, with a record of how it was cut, for bases conditioned on sizes.

A picture is never squeezed: it is cut at its edges to the base's shape, or to the nearest bucket. Knows no model.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageOps

from bootstrap.backends.masks import subject_mask
from bootstrap.backends.shapes import Size, bucket_for
from bootstrap.errors import BackendError
from bootstrap.pictures import as_rgb, open_any
from bootstrap.records import TrainItem
from bootstrap.training.recipe import TrainRecipe

__all__ = ["CropWindow", "Framed", "cut_of", "framed", "place_of"]


@dataclass(frozen=True)
class CropWindow:
    """How a picture was cut, in pixels: its size, left and top of the cut after enlarging, and the size left."""

    original: Size
    corner: tuple[int, int]
    target: Size


@dataclass(frozen=True)
class Framed:
    """A picture as it is trained on, how it was cut, and where its subject is (mode L; None: everywhere)."""

    image: Image.Image
    cut: CropWindow
    mask: Image.Image | None = None


def framed(item: TrainItem, resolution: Size, recipe: TrainRecipe, crop: int = 0) -> Framed:
    """A training picture at the base's size, or in its bucket; ``crop`` 0 is centred, the others spread over the cut.

    Raises BackendError when it cannot be read.
    """
    mask = None
    try:
        with open_any(Path(item.path)) as opened:
            upright = ImageOps.exif_transpose(opened)
            picture = as_rgb(upright)
            if recipe.masked_loss:
                mask = subject_mask(upright, item)
    except OSError as error:
        raise BackendError(f'training picture "{item.path}" cannot be read ({error})', "restore it") from error
    target, place = resolution, place_of(crop, recipe.latent_crops)
    if recipe.enable_bucket:
        target = bucket_for(picture.size, resolution, recipe.bucket_reso_steps)
    if mask is not None:
        mask = _fitted(mask, target, place)
    return Framed(_fitted(picture, target, place), cut_of(picture.size, target, place), mask)


def place_of(crop: int, crops: int) -> float:
    """Where a crop is taken: 0 at the left and top, 1 at the right and bottom; the first one is centred."""
    if not crop:
        return 0.5
    return (crop - 1) / (crops - 2) if crops > 2 else 0.0


def cut_of(original: Size, target: Size, place: float = 0.5) -> CropWindow:
    """How a picture of one size is cut to another; ``place`` is where, see `place_of`."""
    scale = max(target[0] / original[0], target[1] / original[1])
    left = (original[0] * scale - target[0]) * place
    top = (original[1] * scale - target[1]) * place
    return CropWindow(original, (round(left), round(top)), target)


def _fitted(image: Image.Image, target: Size, place: float) -> Image.Image:
    return ImageOps.fit(image, target, Image.Resampling.LANCZOS, centering=(place, place))
