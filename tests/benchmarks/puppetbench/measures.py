"""Measurements of a contestant's pictures of the panel: pure functions of pictures, readings and numbers.

Knows no contestant, no disk and no prompt.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bootstrap.puppets.anatomy import Puppet
from bootstrap.puppets.scene import PuppetShot
from bootstrap.puppets.train.judge_truth import AXES, NOTHING, labels

ASKED = ("view_family", "facing", "framing", "background", "style", "pose", "expression", "top", "top_color", "bottom")
"""Axes that a prompt asks for; the judge's other axes are identity."""

Floats = NDArray[np.float32]


def obeyed(
    readings: Mapping[str, Sequence[str]], puppet: Puppet, shots: Sequence[PuppetShot]
) -> dict[str, tuple[int, int]]:
    """Axis -> (pictures that show the right value, pictures that can show one), as the judge reads them.

    Named traits are among the axes: where a prompt without identity words gets them right, the LoRA encodes them.
    """
    truth = labels([(puppet, shot) for shot in shots])
    found = {}
    for column, axis in enumerate(AXES):
        shown = [n for n in range(len(shots)) if truth[n, column] != NOTHING]
        right = sum(readings[axis][n] == AXES[axis][truth[n, column]] for n in shown)
        found[axis] = (right, len(shown))
    return found


def bleeds(backgrounds: Sequence[str], asked: Sequence[str], of_seed: str) -> tuple[int, int]:
    """Pictures that show the seed's background where another was asked for, and how many those could be."""
    others = [n for n, background in enumerate(asked) if background != of_seed]
    return sum(backgrounds[n] == of_seed for n in others), len(others)


def vendi(features: Floats) -> float:
    """The Vendi score of unit vectors (N, D): the effective number of different ones, 1..N.

    Source: Friedman and Dieng 2023 (arXiv 2210.02410), with the cosine kernel: the exponential of the entropy of the
    eigenvalues of K/N.
    """
    if not len(features):
        return 0.0
    kernel = (features @ features.T).astype(np.float64) / len(features)
    values = np.linalg.eigvalsh(kernel)
    values = values[values > 1e-12]
    return float(np.exp(-(values * np.log(values)).sum()))


def saturation(images: NDArray[np.uint8]) -> float:
    """Mean saturation (HSV) of pictures (N, H, W, 3), 0..1: it rises when a model trains on its own pictures."""
    high, low = images.max(axis=-1).astype(np.float64), images.min(axis=-1).astype(np.float64)
    return float(((high - low) / np.maximum(high, 1.0)).mean())


def by_family(families: Sequence[str], order: Sequence[str], columns: Mapping[str, Floats]) -> dict[str, Any]:
    """View family -> number of pictures, and the mean of each column there (rounded to four places)."""
    found: dict[str, Any] = {}
    for view_family in order:
        own = np.array([one == view_family for one in families])
        found[view_family] = {"pictures": int(own.sum())}
        if own.any():
            found[view_family] |= {name: round(float(values[own].mean()), 4) for name, values in columns.items()}
    return found
