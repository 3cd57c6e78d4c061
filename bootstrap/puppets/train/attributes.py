"""The unnamed traits as training targets: an encoder that can read them off a drawing can tell twins apart.

One drawing is a target for all of them at once; contrasting pairs of drawings trains them only slowly (measured, see
tests/benchmarks/LOG.md). A trait that the drawing hides costs a constant. Does NOT know encoders or pictures.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from bootstrap.puppets import anatomy
from bootstrap.puppets.anatomy import Puppet, UnnamedTraits, sample_puppet

_TONES = ("hair_tone", "eye_tone", "skin_tone", "cloth_tone")
_SIZES = (
    "head_width",
    "head_height",
    "body_width",
    "leg_length",
    "eye_size",
    "eye_aspect",
    "eye_spacing",
    "eye_height",
    "eye_tilt",
    "mouth_width",
    "hair_length",
    "hair_volume",
    "ear_size",
)
_CHOICES: dict[str, tuple[str | int, ...]] = {
    "bangs": anatomy.ALL_BANGS,
    "side": (-1, 1),
    "ahoge": (0, 1, 2),
    "clip_side": (-1, 0, 1),
    "clip_color": anatomy.ALL_CLOTH_COLORS,
    "mark": anatomy.ALL_MARKS,
    "emblem": anatomy.ALL_EMBLEMS,
    "emblem_color": anatomy.ALL_CLOTH_COLORS,
    "stripes": anatomy.ALL_STRIPES,
    "trim_color": anatomy.ALL_CLOTH_COLORS,
    "shoe_color": anatomy.ALL_CLOTH_COLORS,
}
_NEEDS = {"clip_color": ("clip_side", 0), "emblem_color": ("emblem", "none")}
"""Colour of a thing that may be absent -> (the trait that says so, its value then); such a colour has no target."""
_NOTHING = -100  # cross_entropy ignores it

SIZES = 3 * len(_TONES) + len(_SIZES)
OUTPUTS = SIZES + sum(map(len, _CHOICES.values()))
"""How many numbers an encoder must output: `SIZES` standardised values, then the logits of every choice."""


@dataclass(frozen=True)
class Attributes:
    """Targets of N puppets: `sizes` float32 (N, SIZES), standardised; `choices` int64 (N, kinds), -100 for none."""

    sizes: Tensor
    choices: Tensor

    def of(self, rows: NDArray[np.int64]) -> Attributes:
        """The targets of some of them."""
        index = torch.from_numpy(rows)
        return Attributes(self.sizes[index], self.choices[index])


def attributes(puppets: Sequence[Puppet]) -> Attributes:
    """The targets of some puppets, in order."""
    middle, spread = _scale()
    sizes = (np.array([_sizes(puppet.unnamed) for puppet in puppets]) - middle) / spread
    choices = np.array([_choices(puppet.unnamed) for puppet in puppets])
    return Attributes(torch.from_numpy(sizes.astype(np.float32)), torch.from_numpy(choices))


def attribute_loss(outputs: Tensor, targets: Attributes) -> Tensor:
    """Squared error of the sizes plus cross entropy of the choices, each relative to a guess without information.

    Args:
        outputs: (N, OUTPUTS).
        targets: of the same N pictures.
    """
    device = outputs.device
    sizes = (outputs[:, :SIZES] - targets.sizes.to(device)).square().mean()
    choices, start = [], SIZES
    for column, kinds in enumerate(_CHOICES.values()):
        logits = outputs[:, start : start + len(kinds)]
        answers = targets.choices[:, column].to(device)
        if (answers != _NOTHING).any():
            choices.append(F.cross_entropy(logits, answers) / float(np.log(len(kinds))))
        start += len(kinds)
    return sizes + torch.stack(choices).mean()


def _sizes(unnamed: UnnamedTraits) -> list[float]:
    sizes: list[float] = []
    for name in _TONES:
        sizes += getattr(unnamed, name)
    return sizes + [getattr(unnamed, name) for name in _SIZES]


def _choices(unnamed: UnnamedTraits) -> list[int]:
    return [_choice(unnamed, name) for name in _CHOICES]


def _choice(unnamed: UnnamedTraits, name: str) -> int:
    bearer, absent = _NEEDS.get(name, (name, None))
    if getattr(unnamed, bearer) == absent:
        return _NOTHING
    return _CHOICES[name].index(getattr(unnamed, name))


@cache
def _scale() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean and deviation of the sizes over some puppets."""
    sample = np.array([_sizes(sample_puppet(number).unnamed) for number in range(500)])
    return sample.mean(0), sample.std(0)
