"""Which checkpoints are tried at which weights, and which other LoRAs beside the best of them.

Pure; knows no picture and no score.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from bootstrap.errors import UsageError
from bootstrap.records import Reference
from bootstrap.store.near_files import or_near

__all__ = [
    "BASE",
    "PREFERRED",
    "Cell",
    "Companion",
    "TriedWeights",
    "companion_from",
    "epochs_then_weights",
    "grid",
    "stacks",
    "weights_from",
]

HEAVIEST = 2.0
"""Largest weight that is tried: beyond it every LoRA breaks."""
PREFERRED = 1.0
"""The weight at which a LoRA should work: one that needs less was trained too long."""


@dataclass(frozen=True)
class TriedWeights:
    """A checkpoint of a training. ``named`` are the identity tags that its prompts may hold; None: all of them."""

    name: str
    path: Path
    sha256: str
    steps: int = 0
    named: frozenset[str] | None = frozenset()


@dataclass(frozen=True)
class Companion:
    """Another LoRA that is attached beside it: a style, a second character. ``words`` join the prompts.

    ``searched``: nobody wrote a weight, so the best one is looked for.
    """

    path: Path
    sha256: str
    weight: float = PREFERRED
    words: str = ""
    searched: bool = False

    @property
    def name(self) -> str:
        """Its file name without the ending."""
        return self.path.stem

    @property
    def text(self) -> str:
        """What `companion_from` reads, with the whole path."""
        weight = "" if self.searched else f":{self.weight:g}"
        return f"{self.path.absolute()}{weight}={self.words}"


@dataclass(frozen=True)
class Cell:
    """A checkpoint at a weight, with its companions; no checkpoint: the base alone, prompted with every trait word.

    ``references`` are pictures that it is shown as well.
    """

    checkpoint: TriedWeights | None
    weight: float = PREFERRED
    companions: tuple[Companion, ...] = ()
    references: tuple[Reference, ...] = ()

    @property
    def name(self) -> str:
        """For people: "final-r07 at 0.8 + watercolour at 0.7"."""
        if self.checkpoint is None and not self.companions:
            return "the base alone"
        parts = [f"{self.checkpoint.name} at {self.weight:g}" if self.checkpoint else "the base"]
        for companion in self.companions:
            parts.append(f"{companion.name} at {companion.weight:g}")
        if self.references:
            parts.append("your picture as reference")
        return " + ".join(parts)

    @property
    def parts(self) -> tuple[tuple[Path, float], ...]:
        """Files and weights, the checkpoint first."""
        own = [(self.checkpoint.path, self.weight)] if self.checkpoint else []
        return (*own, *((companion.path, companion.weight) for companion in self.companions))

    @property
    def words(self) -> tuple[str, ...]:
        """What the companions add to a prompt."""
        return tuple(one.words for one in self.companions if one.words)

    def key(self, *more: str) -> str:
        """Identifies the pictures of this cell, which depend on ``more`` too: 12 hexadecimal digits."""
        lines = []
        if self.checkpoint is not None:
            lines.append(f"{self.checkpoint.sha256}:{self.weight:g}")
        for companion in self.companions:
            lines.append(f"{companion.sha256}:{companion.weight:g}:{companion.words}")
        lines += [f"{one.sha256}:{one.strength:g}" for one in self.references]
        return hashlib.sha256("\n".join([*lines, *more]).encode()).hexdigest()[:12]


BASE = Cell(None)
"""What the base draws from words alone: the measure of control."""


def grid(checkpoints: Sequence[TriedWeights], weights: Sequence[float]) -> list[Cell]:
    """Every checkpoint at every weight, the preferred cell last: the longest training at the weight nearest to 1.

    `scoring.trials.best_of` relies on that order: the last stands unless another is clearly better.
    """
    cells = []
    for weight in sorted(weights, key=lambda weight: (-abs(weight - PREFERRED), weight)):
        cells += [Cell(checkpoint, weight) for checkpoint in checkpoints]
    return cells


def epochs_then_weights(checkpoints: Sequence[TriedWeights], weights: Sequence[float]) -> list[Cell]:
    """The grid of the checkpoints of the later half of a training; before it the earlier ones at one weight each.

    So a grid over the epochs begins with the first, and only what may be best is tried at every weight.
    """
    later = [one for one in checkpoints if 2 * one.steps > checkpoints[-1].steps]
    earlier = [one for one in checkpoints if one not in later]
    return [*grid(earlier, weights)[-len(earlier) :], *grid(later, weights)] if earlier else grid(later, weights)


def stacks(best: Cell, companions: Sequence[Companion]) -> list[Cell]:
    """A cell beside each other LoRA, and beside all of them."""
    groups: list[tuple[Companion, ...]] = [(companion,) for companion in companions]
    if len(companions) > 1:
        groups.append(tuple(companions))
    return [replace(best, companions=group) for group in groups]


def weights_from(texts: Sequence[str]) -> list[float]:
    """Weights as a person writes them ("1.0,0.8" or one by one), each once. Raises UsageError."""
    found: dict[float, None] = {}
    for text in texts:
        for part in text.split(","):
            found[_weight(part.strip(), "--weights")] = None
    return list(found)


def companion_from(text: str, digest_of_file: dict[Path, str]) -> Companion:
    """``FILE[:weight][=words]`` as a Companion. Raises UsageError when there is no such file or no such weight.

    ``digest_of_file`` caches the hashes of files.
    """
    from bootstrap.store.files import sha256_of

    named, _, words = text.partition("=")
    path, weight, searched = Path(named).expanduser(), PREFERRED, True
    if not path.is_file() and ":" in named:
        searched = False
        front, _, back = named.rpartition(":")
        path, weight = Path(front).expanduser(), _weight(back, "--with")
    if not path.is_file():
        hint = or_near(path, "write FILE, FILE:0.8 or FILE:0.8=words")
        raise UsageError(f'--with "{text}": no such file "{path}"', hint)
    if path not in digest_of_file:
        digest_of_file[path] = sha256_of(path)
    return Companion(path, digest_of_file[path], weight, words.strip(), searched)


def _weight(text: str, option: str) -> float:
    try:
        weight = float(text)
    except ValueError:
        weight = -1.0
    if not 0 < weight <= HEAVIEST:
        raise UsageError(
            f'{option} "{text}" is not a weight', f"write numbers above 0 and at most {HEAVIEST:g}: 1.0,0.8"
        )
    return weight
