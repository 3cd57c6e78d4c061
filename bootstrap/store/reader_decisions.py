"""What a reader was asked about pairs of pictures, and what it said: as in `bootstrap.store.decisions`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

__all__ = ["PairRead", "PairsChosen"]


@dataclass(frozen=True, slots=True)
class PairsChosen:
    """The frames that the judge of a wave is asked about, each beside a seed: ``kept`` are those that the gate admits
    without it, which with the ``decoys`` show whether the judge can tell; ``undecided`` are those that it is for."""

    KEY: ClassVar = ("round", "wave")
    round: int
    wave: int
    kept: tuple[str, ...]
    decoys: tuple[str, ...]
    undecided: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PairRead:
    """What the judge said of a frame beside a seed; ``role`` is why it was asked.

    ``same`` is 0 (another character) to 100, the mean of both orders; None where it did not answer, and ``why``.
    ``lean`` is the answer with the seed first less the other.
    """

    KEY: ClassVar = ("job",)
    job: str
    role: Literal["kept", "decoy", "undecided"]
    same: float | None
    lean: float
    differs: tuple[str, ...]
    defects: tuple[str, ...]
    why: str
