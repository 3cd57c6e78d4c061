"""The judge's network: what it looks at and what it says, before any weight is learned.

It looks twice, at the whole picture and at the head. A third architecture, on purpose: gated residual blocks, two
separate trunks, mean and maximum pooling. Does NOT know puppets, pictures or how its answers are used.
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
class Reading:
    """Answers for N pictures: `axes` name -> logits (N, choices); `identity` unit vectors (N, IDENTITY)."""

    axes: Mapping[str, Tensor]
    identity: Tensor
    attributes: Tensor


class JudgeNet(nn.Module):
    """Two trunks and one linear answer for each axis."""

    def __init__(self, axes: Mapping[str, int], whole_only: frozenset[str], attributes: int) -> None:
        """Build with random weights.

        Args:
            axes: name of an axis -> how many answers it has.
            whole_only: axes that the look at the head may not influence.
            attributes: size of the auxiliary answer that training uses.
        """
        super().__init__()
        self.whole, self.head = _trunk(), _trunk()
        self.whole_only = whole_only
        half = _FEATURES // 2
        self.answers = nn.ModuleDict(
            {name: nn.Linear(half if name in whole_only else _FEATURES, count) for name, count in axes.items()}
        )
        self.attributes = nn.Linear(_FEATURES, attributes)
        self.identity = nn.Sequential(nn.Linear(_FEATURES, IDENTITY), nn.GELU(), nn.Linear(IDENTITY, IDENTITY))

    def look(self, pictures: Tensor) -> Tensor:
        """Features (N, half) of whole pictures (N, 3, SIDE, SIDE) in -1..1."""
        return _pool(self.whole(pictures))

    def forward(self, pictures: Tensor, heads: Tensor) -> Reading:
        """Everything about whole pictures and their head crops, both (N, 3, SIDE, SIDE) in -1..1."""
        seen = self.look(pictures)
        both = torch.cat([seen, _pool(self.head(heads))], dim=1)
        axes = {
            name: answer(seen if name in self.whole_only else both).float() for name, answer in self.answers.items()
        }
        return Reading(axes, F.normalize(self.identity(both).float(), dim=1), self.attributes(both).float())


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
