"""Sets of pictures of twins: groups of puppets with equal named traits, each drawn from every side.

Does NOT know how a set is drawn, nor what learns from it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from bootstrap.puppets import scene
from bootstrap.puppets.anatomy import Puppet, sample_puppet, twin
from bootstrap.puppets.scene import PuppetShot

TWINS = 3
"""Twins in a group."""
_TWIN_OFFSET = 100_000_000

Depicted = tuple[Puppet, PuppetShot]
"""Who is drawn, and how."""


@dataclass(frozen=True)
class TwinPictures(ABC):
    """Pictures of groups of twins, flattened in the order group, twin, shot: uint8 (N, 96, 96, 3).

    A subclass names the view family of each shot and says who and what each picture of a group shows.
    """

    kind: str
    images: NDArray[np.uint8]

    shots: ClassVar[Sequence[str]] = ()

    def __len__(self) -> int:
        return len(self.images)

    @property
    def groups(self) -> int:
        """How many groups."""
        return len(self) // (TWINS * len(self.shots))

    @cached_property
    def specs(self) -> list[Depicted]:
        """Puppet and shot of every picture."""
        specs: list[Depicted] = []
        for group in range(self.groups):
            specs += self.group_specs(group)
        return specs

    @cached_property
    def framing(self) -> NDArray[np.int64]:
        """Index into `scene.ALL_FRAMINGS` of each picture."""
        return framings(self.specs)

    @abstractmethod
    def group_specs(self, group: int) -> list[Depicted]:
        """Puppet and shot of every picture of one group."""


def twins_of(number: int) -> list[Puppet]:
    """Puppet `number` and its twins."""
    first = sample_puppet(number)
    return [first, *(twin(first, number + _TWIN_OFFSET * place) for place in range(1, TWINS))]


def framings(specs: Sequence[Depicted]) -> NDArray[np.int64]:
    """Index into `scene.ALL_FRAMINGS` of each picture, (N,)."""
    return np.array([scene.ALL_FRAMINGS.index(shot.framing) for _, shot in specs], dtype=np.int64)
