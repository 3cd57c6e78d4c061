"""What came out of a cell: each picture's identity and control, and means over whatever part of the shots one asks for.

The value of a cell is what chooses the final weights too (`scoring.trials`): identity times control. Pure; measurements
and scores come in.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from statistics import fmean

from bootstrap.compare.grid import Cell
from bootstrap.compare.open_run import READS, Measured
from bootstrap.compare.trial_shots import Trials
from bootstrap.panel.judges import ASKED, FAULTS
from bootstrap.records import Frame
from scoring import trials as chosen_by
from scoring.base import Measurement
from scoring.trials import Drawn, Trial

__all__ = ["Comparison", "Result", "Shown", "best_of", "results"]


READ_WELL = 0.6
"""Share of the base's own pictures, asked by words, on which an axis must be read as asked to be believed."""


@dataclass(frozen=True)
class Shown:
    """One picture with what was made of it. ``reads`` is axis → whether the asked word is shown; ``raw`` the identity
    scorers' own values."""

    frame: Frame
    test: str
    drawn: Drawn
    reads: Mapping[str, bool]
    raw: Mapping[str, float]
    faults: tuple[str, ...]


@dataclass(frozen=True)
class Result:
    """A cell's pictures, in the order of the shots."""

    cell: Cell
    shown: tuple[Shown, ...]

    @cached_property
    def trial(self) -> Trial:
        """As `scoring.trials` compares them."""
        return Trial(tuple(one.drawn for one in self.shown))

    @property
    def checkpoint(self) -> str:
        """Its name; "" for the base alone."""
        return self.cell.checkpoint.name if self.cell.checkpoint else ""

    @property
    def value(self) -> float:
        """Mean identity times control, 0..1."""
        return fmean(one.drawn.value for one in self.shown)

    @property
    def ranked(self) -> bool:
        """Whether identity could be told of any picture: a run without decoys cannot rank."""
        return any(one.drawn.identity is not None for one in self.shown)

    def of(self, wanted: Callable[[Shown], bool]) -> Result | None:
        """The same cell on part of its shots; None for no shot."""
        chosen = tuple(one for one in self.shown if wanted(one))
        return Result(self.cell, chosen) if chosen else None

    def by(self, key: Callable[[Shown], str]) -> dict[str, Result]:
        """The same cell group by group, in the order of the shots."""
        groups: dict[str, list[Shown]] = {}
        for one in self.shown:
            groups.setdefault(key(one), []).append(one)
        return {group: Result(self.cell, tuple(shown)) for group, shown in groups.items()}

    def rates(self) -> dict[str, tuple[int, int]]:
        """Axis → (pictures that show the word that was asked for, pictures of which it can be told)."""
        axes = dict.fromkeys(axis for one in self.shown for axis in one.reads)
        told = {axis: [one.reads[axis] for one in self.shown if axis in one.reads] for axis in axes}
        return {axis: (sum(answers), len(answers)) for axis, answers in told.items()}

    def raw(self) -> dict[str, float]:
        """Identity scorer → its mean value where it could tell."""
        names = dict.fromkeys(name for one in self.shown for name in one.raw)
        return {name: fmean(one.raw[name] for one in self.shown if name in one.raw) for name in names}


@dataclass(frozen=True)
class Comparison:
    """All cells: the base alone, the grid with the preferred cell last, and other LoRAs beside the best of it."""

    trials: Trials
    base: Result
    grid: Sequence[Result]
    stacked: Sequence[Result] = ()

    @property
    def rows(self) -> list[Result]:
        """For reading: the base, then checkpoint by checkpoint with the full weight first, then what stands beside."""
        names = list(dict.fromkeys(one.checkpoint for one in self.grid))
        ordered = sorted(self.grid, key=lambda one: (names.index(one.checkpoint), -one.cell.weight))
        return [self.base, *ordered, *self.stacked]

    @property
    def readable(self) -> frozenset[str]:
        """The axes that are read as asked on enough of the base's own pictures: of the others nothing is told."""
        return frozenset(axis for axis, (right, told) in self.base.rates().items() if right >= READ_WELL * max(1, told))


def best_of(grid: Sequence[Result]) -> Result:
    """The recommended cell: the last, unless another draws a clearly better panel (`scoring.trials.best_of`).

    Control alone chooses nothing: the base obeys best of all. So where identity cannot be ranked it is the last.
    """
    if not any(one.ranked for one in grid):
        return grid[-1]
    return grid[chosen_by.best_of([one.trial for one in grid])]


def results(
    cell: Cell,
    frames: Sequence[Frame],
    tests: Sequence[str],
    measured: Measured,
    scores: Mapping[str, float | None],
    identity: Sequence[str],
) -> Result:
    """A cell's result; ``scores`` are the frames' places among the run's decoys (deviations), None: cannot be told."""
    shown = [
        _shown(frame, test, measured[frame.job.id], scores.get(frame.job.id), identity)
        for frame, test in zip(frames, tests, strict=True)
    ]
    return Result(cell, tuple(shown))


def _shown(
    frame: Frame, test: str, values: Mapping[str, Measurement], score: float | None, identity: Sequence[str]
) -> Shown:
    known = {name: one.value for name, one in values.items() if one.value is not None}
    asked = {name.removeprefix("seen "): value >= 0 for name, value in known.items() if name.startswith(ASKED)}
    read = {name.removeprefix(READS): value >= 0 for name, value in known.items() if name.startswith(READS)}
    faults = tuple(f"{name}: {values[name].why or known[name]}" for name in FAULTS if known.get(name, 0.0) < 0)
    drawn = Drawn(score, tuple(asked.values()), bool(faults))
    raw = {name: known[name] for name in identity if name in known}
    return Shown(frame, test, drawn, {**asked, **read}, raw, faults)
