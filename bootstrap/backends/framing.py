"""A training picture at the size it is trained at, and what SDXL is told of how it was cut.

A picture is never squeezed: it is cut at its edges to the base's shape, or to the nearest bucket. Knows no model.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from PIL import Image, ImageOps

from bootstrap.backends.masks import subject_mask
from bootstrap.errors import BackendError
from bootstrap.records import TrainItem
from bootstrap.training.recipe import TrainRecipe

__all__ = ["Framed", "bucket_for", "centre_of", "framed", "size_condition"]

SLIMMEST = 0.5
"""Shortest side of a bucket over that of a square of the same area; sd-scripts' 512 of 1024."""
Size = tuple[int, int]
"""Width and height in pixels."""


@dataclass(frozen=True)
class Framed:
    """A picture as it is trained on, its size condition, shape (1, 6), and where its subject is (mode L; None: all)."""

    image: Image.Image
    sizes: torch.Tensor
    mask: Image.Image | None = None


def framed(item: TrainItem, resolution: Size, recipe: TrainRecipe, crop: int = 0) -> Framed:
    """A training picture at the base's size, or in its bucket; ``crop`` 0 is centred, the others spread over the cut.

    Raises BackendError when it cannot be read.
    """
    try:
        with Image.open(item.path) as opened:
            picture = opened.convert("RGB")
            mask = subject_mask(opened, item) if recipe.masked_loss else None
    except OSError as error:
        raise BackendError(f'training picture "{item.path}" cannot be read ({error})', "restore it") from error
    target = bucket_for(picture.size, resolution, recipe.bucket_reso_steps) if recipe.enable_bucket else resolution
    place = centre_of(crop, recipe.latent_crops)
    cut, covered = _fitted(picture, target, place), mask and _fitted(mask, target, place)
    return Framed(cut, size_condition(target, picture.size, place), covered)


def centre_of(crop: int, crops: int) -> float:
    """Where a crop is taken: 0 at the left and top, 1 at the right and bottom; the first one is centred."""
    return 0.5 if not crop else (crop - 1) / max(1, crops - 2) if crops > 2 else 0.0


def bucket_for(size: Size, resolution: Size, steps: int) -> Size:
    """The bucket whose shape is nearest to a picture's: no larger in area than ``resolution``, sides in ``steps``.

    sd-scripts' ``make_bucket_resolutions`` (library/model_util.py); of equally near ones the larger.
    """
    area = resolution[0] * resolution[1]
    side = area**0.5
    sides = range(max(steps, _stepped(side * SLIMMEST, steps)), int(side / SLIMMEST) + 1, steps)
    square = _stepped(side, steps)
    buckets = {(width, min(_stepped(area / width, steps), int(side / SLIMMEST))) for width in sides}
    fitting = {one for one in buckets | {(square, square)} if min(one) >= steps and one[0] * one[1] <= area}
    ratio = size[0] / size[1]
    return min(fitting | {resolution}, key=lambda one: (round(abs(one[0] / one[1] - ratio), 6), -one[0] * one[1], one))


def size_condition(target: Size, original: Size | None = None, place: float = 0.5) -> torch.Tensor:
    """SDXL's micro-conditioning, shape (1, 6): original height and width, cut at top and left, target height and width.

    Pixels; the cut is counted after enlarging, as in training of the base (arXiv 2307.01952, section 2.2). Without
    ``original`` it is that of a whole picture of this size. ``place`` is where it was cut, see `centre_of`.
    """
    width, height = original or target
    scale = max(target[0] / width, target[1] / height)
    left, top = ((have * scale - want) * place for have, want in zip((width, height), target, strict=True))
    return torch.tensor([[height, width, round(top), round(left), target[1], target[0]]], dtype=torch.float32)


def _fitted(image: Image.Image, target: Size, place: float) -> Image.Image:
    return ImageOps.fit(image, target, Image.Resampling.LANCZOS, centering=(place, place))


def _stepped(length: float, steps: int) -> int:
    return int(length) // steps * steps
