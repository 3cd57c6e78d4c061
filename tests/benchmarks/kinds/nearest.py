"""How surely a picture shows one individual and not its twins. Knows no model, no kind and no disk."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

import numpy as np
from numpy.typing import NDArray

Images = NDArray[np.uint8]
Floats = NDArray[np.float32]


def surely(image: Images, true: Sequence[Images], twins: Sequence[Sequence[Images]]) -> float:
    """Share of twins that a picture is less like than the true individual, 0..1; .5 is chance.

    Every picture uint8 (H, W, 3) shows the same shot, and each individual is compared by the nearest of its pictures.
    Smoothed colours are compared, the more a pixel differs between the individuals the more it counts: where they
    differ in clothes alone, only clothes count. A picture that is a pixel off is compared in its place.
    """
    candidates = [np.stack([smoothed(one) for one in pictures]) for pictures in (true, *twins)]
    weight = np.stack([one[0] for one in candidates]).std(axis=0).mean(axis=-1, keepdims=True)
    seen = [np.roll(smoothed(image), shift, axis=(0, 1)) for shift in product((-1, 0, 1), repeat=2)]
    distances = []
    for one in candidates:
        distances.append(min(float((np.abs(one - each) * weight).mean(axis=(1, 2, 3)).min()) for each in seen))
    own, others = distances[0], np.asarray(distances[1:])
    return float((others > own).mean() + 0.5 * (others == own).mean())


def smoothed(image: Images) -> Floats:
    """Means of 3 x 3 pixels, in 0..1: a drawing that is off by a pixel still counts."""
    high, wide = image.shape[:2]
    padded = np.pad(image.astype(np.float32) / 255, ((1, 1), (1, 1), (0, 0)), mode="edge")
    return sum(padded[row : row + high, column : column + wide] for row in range(3) for column in range(3)) / 9
