"""The vocabulary of a run as frozen records. Everything that is stored or handed between rooms is one of these.

Knows no disk, no model and no order of events: a record is a fact.
"""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import Literal

from scoring.base import FAMILIES

__all__ = [
    "FAMILIES",
    "FRAMINGS",
    "Adapter",
    "Decision",
    "Frame",
    "Job",
    "JobKind",
    "Phase",
    "Seed",
    "Shot",
    "TrainItem",
    "Verdict",
    "VerdictKind",
    "seed_of",
]

FRAMINGS = ("close-up", "portrait", "upper body", "full body")
Phase = Literal["style", "character"]
Box = tuple[float, float, float, float]
"""Left, top, right, bottom, as fractions of a picture."""


class JobKind(StrEnum):
    """Why a picture is made."""

    CANDIDATE = "candidate"
    LOOKALIKE = "lookalike"  # decoy (a): the base, with all trait words
    EXCHANGED = "exchanged"  # decoy (b): the adapter under test, two or more identity traits exchanged
    PANEL = "panel"  # a fixed test of an adapter


class VerdictKind(StrEnum):
    """What was decided about a frame."""

    KEEP = "keep"
    PROVISIONAL = "provisional"
    REJECT = "reject"
    UNDECIDED = "undecided"
    WITHDRAWN = "withdrawn"  # a person takes back their last word; never in force


def seed_of(*parts: object) -> int:
    """A 63-bit random seed from what a thing *is*; the same parts always give the same seed."""
    digest = hashlib.sha256("\x1f".join(map(str, parts)).encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


@dataclass(frozen=True, slots=True)
class Shot:
    """One planned picture. ``view`` is a name in configs/views; ``take`` tells apart draws of the same shot."""

    family: str
    view: str
    framing: str
    expression: str
    pose: str
    outfit: str
    background: str
    style: str
    take: int = 0

    @property
    def key(self) -> str:
        """What the shot is, as one line; equal keys are the same shot."""
        return "|".join(str(value) for value in asdict(self).values())


@dataclass(frozen=True, slots=True)
class Job:
    """A picture to make: a shot, rendered into words, with the random seed derived from what it is.

    ``traits`` maps each identity axis to the tag that the prompt asks for (exchanged in a decoy of kind (b)).
    """

    id: str
    kind: JobKind
    round: int
    wave: int
    shot: Shot
    prompt: str
    negative: str
    seed: int
    traits: dict[str, str]


@dataclass(frozen=True, slots=True)
class Frame:
    """The picture made for a job. ``path`` is relative to the run directory; ``adapter`` is "" for the base alone."""

    job: Job
    path: str
    digest: str
    adapter: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was decided about a frame, by whom ("gate" or "person"), and why, in words. ``p`` is None if not ranked."""

    frame: str
    kind: VerdictKind
    by: str
    reasons: tuple[str, ...]
    p: float | None = None
    score: float | None = None


@dataclass(frozen=True, slots=True)
class Adapter:
    """LoRA weights. ``path`` is the kohya-format safetensors file, relative to the run directory."""

    id: str
    phase: Phase
    round: int
    path: str
    sha256: str
    steps: int
    final_loss: float


@dataclass(frozen=True, slots=True)
class Seed:
    """An original picture under its hash, and what its caption says of it (``axis=tag``; empty: could not be read).

    ``head`` is where its head stands, in fractions of the square around it; None: where its framing usually has it.
    """

    path: str
    sha256: str
    source: str
    family: str
    view: str
    framing: str
    outfit: str
    tags: tuple[str, ...]
    caption_from: str
    head: Box | None = None


@dataclass(frozen=True, slots=True)
class TrainItem:
    """One picture of a training set.

    ``path`` is absolute; ``tags`` are the caption's tags in order, the first ``keep_tokens`` stay in front when
    shuffled; ``kind`` is seed | crop | altered | kept | provisional; ``weight`` is its share of the sampled steps
    relative to 1.0 for a kept frame. ``subject`` is where the character stands, as far as is known.
    """

    path: str
    tags: tuple[str, ...]
    kind: str
    weight: float = 1.0
    subject: Box | None = None

    @property
    def caption(self) -> str:
        """The tags as one comma-separated line."""
        return ", ".join(self.tags)

    def weighing(self, weight: float) -> TrainItem:
        """The same item with another weight."""
        return replace(self, weight=weight)


@dataclass(frozen=True, slots=True)
class Decision:
    """Something decided by clock, memory or a person's wish, stored so that a resume replays it."""

    name: str
    value: str
