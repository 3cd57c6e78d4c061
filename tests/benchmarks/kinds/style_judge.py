"""How surely a picture is drawn in one style and not in another. Knows no model, no kind and no disk.

A style lies in colours and in texture, wherever these are in the picture, so pictures of one shot are compared by what
does not depend on place: quantiles of every channel, and the spectrum of lightness by frequency and direction.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Images = NDArray[np.uint8]
Floats = NDArray[np.float64]

LIGHTNESS = np.array((0.299, 0.587, 0.114))
QUANTILES = np.linspace(0.03, 0.97, 16)
RINGS = (0.05, 0.08, 0.1, 0.125, 0.16, 0.2, 0.25, 0.35, 0.5)
"""Borders of the bands of frequency, in cycles a pixel: textures repeat every 3 to 16 pixels."""
DIRECTIONS = 8


def surely_in_style(image: Images, true: Images, others: Sequence[Images]) -> float:
    """Share of other styles that a picture is less like than the true one, 0..1; .5 is chance.

    Every picture is uint8 (96, 96, 3) and shows the same shot. Colours and texture count alike, and in each the more a
    number differs between the styles the more it counts.
    """
    distances = np.zeros(1 + len(others))
    for seen in (colors, texture):
        known = np.stack([seen(one) for one in (true, *others)])
        apart = np.abs(known - seen(image)) * known.std(axis=0)
        each = apart.mean(axis=1)
        distances += each / max(float(each[1:].mean()), 1e-9)
    own, rest = distances[0], distances[1:]
    return float((rest > own).mean() + 0.5 * (rest == own).mean())


def colors(image: Images) -> Floats:
    """Quantiles of each channel, in 0..1."""
    found = np.quantile(image.reshape(-1, 3) / 255, QUANTILES, axis=0)
    return np.asarray(found.ravel(), np.float64)


def texture(image: Images) -> Floats:
    """The logarithm of the mean power of lightness in each band of frequency and direction."""
    grey = image / 255 @ LIGHTNESS
    high, wide = grey.shape
    window = np.outer(np.hanning(high), np.hanning(wide))
    power = np.abs(np.fft.fft2((grey - grey.mean()) * window)) ** 2
    ys, xs = np.meshgrid(np.fft.fftfreq(high), np.fft.fftfreq(wide), indexing="ij")
    ring = np.digitize(np.hypot(ys, xs), RINGS)
    direction = (np.mod(np.arctan2(ys, xs), np.pi) / np.pi * DIRECTIONS).astype(int) % DIRECTIONS
    place, inside = ring * DIRECTIONS + direction, (ring > 0) & (ring < len(RINGS))
    bins = len(RINGS) * DIRECTIONS
    total = np.bincount(place[inside], power[inside], bins)
    count = np.bincount(place[inside], minlength=bins)
    return np.asarray(np.log(total[count > 0] / count[count > 0] + 1e-4), np.float64)
