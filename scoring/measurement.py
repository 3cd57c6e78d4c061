"""A Picture is measured by a Scorer; its answer is a Measurement.

Knows no run, no round, no file: a Picture arrives in memory, with what was asked for.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from PIL import Image

ERROR = "error: "
"""How the reason begins when a scorer raised an error: neither a low value nor a picture that it cannot judge."""


@dataclass(frozen=True, slots=True)
class Measurement:
    """One scorer's raw value for one picture, or *not applicable* with a reason.

    ``value`` is the scorer's own scale (documented there; larger is better), or None when the scorer cannot tell.
    ``why`` is empty for a plain value; for None it always gives the reason ("no face from behind").
    """

    value: float | None
    why: str = ""

    @property
    def applicable(self) -> bool:
        """Whether the scorer could tell."""
        return self.value is not None

    @property
    def failed(self) -> bool:
        """Whether the scorer broke instead of answering."""
        return self.value is None and self.why.startswith(ERROR)


def not_applicable(why: str) -> Measurement:
    """The answer of a scorer that cannot tell: never 0, always with the reason."""
    return Measurement(None, why)


def broken(error: Exception) -> Measurement:
    """The answer of a scorer that raised ``error``."""
    return Measurement(None, f"{ERROR}{type(error).__name__}: {error}")


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture with what was asked of it.

    ``image`` is RGB; ``digest`` identifies its pixels (see `digest_of`); ``view_family`` is the stratum in which its
    scores are comparable, such as "front" or "behind" ("" unknown); ``framing`` is close-up | portrait | upper body |
    full body ("" unknown); ``asked`` maps an axis ("view", "hair", "outfit" …) to the tag that was asked for.
    """

    image: Image.Image
    digest: str
    view_family: str
    framing: str
    asked: Mapping[str, str] = field(default_factory=dict)


class Scorer(Protocol):
    """Measures pictures in one way. References (seeds, vocabulary) are given to the constructor."""

    @property
    def name(self) -> str:
        """Short stable name, the key of its measurements ("clip", "face")."""

    @property
    def fingerprint(self) -> str:
        """Changes when the model, the settings or the references change: stored measurements expire."""

    def score(self, pictures: Sequence[Picture]) -> list[Measurement]:
        """One Measurement for each picture, in order. Pure: the same pictures give the same answer."""


def digest_of(image: Image.Image) -> str:
    """sha256 of an image's size and RGB pixels, hexadecimal."""
    rgb = image.convert("RGB")
    return hashlib.sha256(repr(rgb.size).encode() + rgb.tobytes()).hexdigest()
