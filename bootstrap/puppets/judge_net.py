"""The judge's network: one trunk for the whole picture, one for the head crop, and a linear head for each axis.

Its architecture differs from the scorers' on purpose: gated residual blocks, two separate trunks, mean and maximum
pooling. Does NOT know puppets, pictures or how its outputs are used.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

SIDE = 96
IDENTITY = 192
_WIDTHS = (24, 48, 96, 160)
_FEATURES = 4 * _WIDTHS[-1]


@dataclass(frozen=True)
class JudgeReading:
    """Outputs for N pictures: `axes` name -> logits (N, choices); `identity` unit vectors (N, IDENTITY).

    `attributes` (N, outputs) are the unnamed traits, which only training reads.
    """

    axes: Mapping[str, Tensor]
    identity: Tensor
    attributes: Tensor


class JudgeNet(nn.Module):
    """Two trunks and one linear head for each axis."""

    def __init__(self, axes: Mapping[str, int], whole_only: frozenset[str], attributes: int) -> None:
        """Build with random weights.

        Args:
            axes: name of an axis -> number of its classes.
            whole_only: axes that are read from the whole picture alone.
            attributes: size of the auxiliary output that training uses.
        """
        super().__init__()
        self.whole, self.head = _trunk(), _trunk()
        self.whole_only = whole_only
        self.answers = nn.ModuleDict()
        for name, count in axes.items():
            width = _FEATURES
            if name in whole_only:
                width = _FEATURES // 2
            self.answers[name] = nn.Linear(width, count)
        self.attributes = nn.Linear(_FEATURES, attributes)
        self.identity = nn.Sequential(nn.Linear(_FEATURES, IDENTITY), nn.GELU(), nn.Linear(IDENTITY, IDENTITY))

    def look(self, pictures: Tensor) -> Tensor:
        """Features (N, half) of whole pictures (N, 3, SIDE, SIDE) in -1..1."""
        return _pool(self.whole(pictures))

    def forward(self, pictures: Tensor, heads: Tensor) -> JudgeReading:
        """All outputs for whole pictures and their head crops, both (N, 3, SIDE, SIDE) in -1..1."""
        whole = self.look(pictures)
        both = torch.cat([whole, _pool(self.head(heads))], dim=1)
        axes = {}
        for name, answer in self.answers.items():
            features = both
            if name in self.whole_only:
                features = whole
            axes[name] = answer(features).float()
        return JudgeReading(axes, F.normalize(self.identity(both).float(), dim=1), self.attributes(both).float())


class _Gated(nn.Module):
    """Two 3x3 convolutions beside an identity, the second one's channels weighted by what the picture holds."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = nn.Sequential(nn.BatchNorm2d(width), nn.GELU(), nn.Conv2d(width, width, 3, 1, 1, bias=False))
        self.second = nn.Sequential(nn.BatchNorm2d(width), nn.GELU(), nn.Conv2d(width, width, 3, 1, 1, bias=False))
        self.gate = nn.Sequential(nn.Linear(width, width // 4), nn.GELU(), nn.Linear(width // 4, width))

    def forward(self, hidden: Tensor) -> Tensor:
        """(N, C, H, W) to the same shape."""
        inner: Tensor = self.second(self.first(hidden))
        gate: Tensor = self.gate(inner.mean((2, 3))).sigmoid()
        return hidden + inner * gate[..., None, None]


def _trunk() -> nn.Sequential:
    layers: list[nn.Module] = [nn.Conv2d(3, _WIDTHS[0], 4, 2, 1)]
    for inner, outer in pairwise(_WIDTHS):
        layers += [nn.BatchNorm2d(inner), nn.GELU(), nn.Conv2d(inner, outer, 3, 2, 1, bias=False), _Gated(outer)]
    return nn.Sequential(*layers, _Gated(_WIDTHS[-1]), nn.BatchNorm2d(_WIDTHS[-1]), nn.GELU())


def _pool(features: Tensor) -> Tensor:
    return torch.cat([features.mean((2, 3)), features.amax((2, 3))], dim=1)
