"""A region of a picture drawn anew by a loaded base: masked denoising, everything outside of the region stays.

The region and what is around it are drawn at the base's size; the pixels of the region alone are put back. Knows no
file, and not why a region is painted over.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image, ImageFilter

from bootstrap.backends.drawing import draw_batch
from bootstrap.backends.latents import pixels_of
from bootstrap.backends.loaded import LoadedBase
from bootstrap.backends.start_pictures import BegunBatch
from bootstrap.records import Box, Job, JobKind, Shot

__all__ = ["painted_over"]

AROUND = 2.0
"""Side of what is drawn over the longer side of the region, at least: the base must see what goes on beside it."""
SOFT = 0.04
"""Radius over the shorter side of the region in which its edge is blended."""


@dataclass(frozen=True)
class _Window:
    """What is drawn: a part of the picture (pixels), and the region within it (pixels of the picture)."""

    part: tuple[int, int, int, int]
    region: tuple[int, int, int, int]


def painted_over(
    base: LoadedBase, image: Image.Image, box: Box, prompt: str, negative: str, strength: float = 1.0, seed: int = 0
) -> Image.Image:
    """A copy of an RGB picture with the region ``box`` (fractions) drawn anew.

    Args:
        base: what draws.
        image: the picture, of any size.
        box: the region.
        prompt: what the picture shows. negative: what must not be drawn.
        strength: share of the steps that are drawn, 0..1; below 1 the region begins from its own pixels.
        seed: random seed.
    """
    window = _window(image.size, box, base.resolution)
    size = base.resolution
    small = image.crop(window.part).resize(size, Image.Resampling.LANCZOS)
    mask = Image.new("L", image.size)
    mask.paste(255, window.region)
    with torch.inference_mode():
        mean, _ = base.architecture.latents.encode(base.pipe, pixels_of(small).to(base.device))
        drawn = torch.from_numpy(np.array(mask.crop(window.part).resize(size, Image.Resampling.BOX), np.float32) / 255)
        across = torch.nn.functional.adaptive_max_pool2d(drawn[None, None], mean.shape[-2:]).to(base.device)
    shot = Shot("", "", "", {})
    job = Job("painted-over", JobKind.CANDIDATE, 0, 0, shot, prompt, negative, seed, {})
    begun = BegunBatch(mean.float(), strength, (across > 0).float())
    (made,) = draw_batch(base, [job], begun=begun)
    width, height = window.part[2] - window.part[0], window.part[3] - window.part[1]
    copy = image.copy()
    copy.paste(made.resize((width, height), Image.Resampling.LANCZOS), window.part[:2])
    return Image.composite(copy, image, _softened(mask, window.region))


def _window(size: tuple[int, int], box: Box, drawn: tuple[int, int]) -> _Window:
    """A part of the base's proportions around the region, as far as the picture reaches."""
    edges = [round(edge * side) for edge, side in zip(box, size * 2, strict=True)]
    region = (edges[0], edges[1], max(edges[2], edges[0] + 1), max(edges[3], edges[1] + 1))
    least = AROUND * max((region[2] - region[0]) / drawn[0], (region[3] - region[1]) / drawn[1])
    scale = min(max(1.0, least), size[0] / drawn[0], size[1] / drawn[1])
    width, height = max(1, round(scale * drawn[0])), max(1, round(scale * drawn[1]))
    if width < region[2] - region[0] or height < region[3] - region[1]:
        width, height = size  # a region wider than the base's proportions fit in: the whole picture, squeezed
    left = min(max(0, (region[0] + region[2] - width) // 2), size[0] - width)
    top = min(max(0, (region[1] + region[3] - height) // 2), size[1] - height)
    return _Window((left, top, left + width, top + height), region)


def _softened(mask: Image.Image, region: tuple[int, int, int, int]) -> Image.Image:
    """The mask with a soft edge that lies inside the region: outside of it no pixel changes."""
    radius = SOFT * min(region[2] - region[0], region[3] - region[1])
    inner = Image.new("L", mask.size)
    edge = round(radius)
    inside = (region[0] + edge, region[1] + edge, region[2] - edge, region[3] - edge)
    if inside[2] <= inside[0] or inside[3] <= inside[1]:
        return mask
    inner.paste(255, inside)
    soft = inner.filter(ImageFilter.GaussianBlur(radius / 2))
    return Image.composite(soft, Image.new("L", mask.size), mask)
