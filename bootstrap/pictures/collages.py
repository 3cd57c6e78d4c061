"""Pictures of one subject each made into one of several, and taken apart again. Knows no model and no run."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
from PIL import Image

__all__ = ["beside_each_other", "made_smaller", "parts_of"]


def beside_each_other(
    pictures: Sequence[Image.Image], size: tuple[int, int], shares: Sequence[float] = ()
) -> Image.Image:
    """The middles of pictures of one subject side by side, as a picture of ``size``.

    Of two the middle half of each is taken, where a whole body stands; more are made smaller, and what is missing above
    and below is the edge drawn out. ``shares`` are the widths of the parts, even where there are none.
    """
    width, height = size
    count = len(pictures)
    widths = [round(share * width) for share in shares] or [width // count] * count
    widths[-1] += width - sum(widths)
    scale = min(1.0, 2 / count)
    canvas, left = Image.new("RGB", size), 0
    for picture, wide in zip(pictures, widths, strict=True):
        fitted = picture.convert("RGB").resize((round(width * scale), round(height * scale)), Image.Resampling.LANCZOS)
        across, down = (fitted.width - wide) // 2, height - fitted.height
        strip = np.asarray(fitted)[:, max(0, across) : max(0, across) + wide]
        above = down // 2
        padded = np.pad(strip, ((above, down - above), (0, wide - strip.shape[1]), (0, 0)), mode="edge")
        canvas.paste(Image.fromarray(padded), (left, 0))
        left += wide
    return canvas


def made_smaller(picture: Image.Image, size: tuple[int, int]) -> Image.Image:
    """A picture that is wider than ``size``, made smaller to fit its width; its edges above and below are drawn out."""
    if picture.size == size:
        return picture
    height = round(picture.width * size[1] / size[0])
    above = (height - picture.height) // 2
    pixels = np.pad(np.asarray(picture), ((above, height - picture.height - above), (0, 0), (0, 0)), mode="edge")
    return Image.fromarray(pixels).resize(size, Image.Resampling.LANCZOS)


def parts_of(picture: Image.Image, count: int, borders: Sequence[float] = ()) -> list[Image.Image]:
    """The parts of a picture from left to right, each made as wide as it was by drawing out its edges.

    ``borders`` are where one ends and the next begins, as fractions of the width; even parts where there are none.
    """
    cuts = [0.0, *(borders or [number / count for number in range(1, count)]), 1.0]
    pixels, found = np.asarray(picture.convert("RGB")), []
    for start, end in itertools.pairwise(cuts):
        strip = pixels[
            :, round(start * picture.width) : max(round(end * picture.width), round(start * picture.width) + 1)
        ]
        missing = picture.width - strip.shape[1]
        left = missing // 2
        found.append(Image.fromarray(np.pad(strip, ((0, 0), (left, missing - left), (0, 0)), mode="edge")))
    return found
