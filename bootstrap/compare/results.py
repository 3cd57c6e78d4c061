"""The results of a cell: each picture's identity and control, and means over any part of the shots.

The value of a cell is what chooses the final weights too (`scoring.trials`): identity times control. Pure; measurements
and scores come in.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from statistics import fmean

from bootstrap.compare.bleed import BLED
from bootstrap.compare.grid import Cell, Companion
from bootstrap.compare.open_run import READS
from bootstrap.compare.trial_shots import TrialShots
from bootstrap.panel.judges import Judges
from bootstrap.panel.seats import SEEN
from bootstrap.pictures.caption_text import caption_parts
from bootstrap.records import Frame
from scoring import trials as final_choice
from scoring.measurement import Measurement
from scoring.trials import Drawn, Trial

__all__ = ["KEEPS", "THERE", "Comparison", "Pair", "PairSearch", "Result", "TrialPicture", "best_of", "results"]

READ_WELL = 0.6
"""Share of the base's own pictures on which an axis must be read as asked for its readings to be believed."""
KEEPS = 0.85
"""Share of its identity that it should keep beside another LoRA, or in what it was not trained on."""
THERE = 0.5
"""Share of what the other LoRA does by itself from which it counts as there."""


@dataclass(frozen=True)
class TrialPicture:
    """One picture of a cell. ``reads`` is axis → whether the asked word is shown; ``raw`` the identity scorers' values.

    ``faults`` are its defects in words. ``outfit`` was asked for, ``bled`` are garments of others that it shows, None
    where none can be read.
    """

    frame: Frame
    test: str
    drawn: Drawn
    reads: Mapping[str, bool]
    raw: Mapping[str, float]
    faults: tuple[str, ...]
    outfit: str = ""
    bled: str | None = None

    @property
    def view_family(self) -> str:
        """The view family of its shot."""
        return self.frame.job.shot.view_family


@dataclass(frozen=True)
class Result:
    """A cell's pictures, in the order of the shots; ``base`` names another base than the run's that drew them."""

    cell: Cell
    pictures: tuple[TrialPicture, ...]
    base: str = ""

    @property
    def name(self) -> str:
        """For people: "final-r07 at 0.8 on anime-v2"."""
        if not self.base:
            return self.cell.name
        return f"{self.cell.name} on {self.base}" if self.cell.checkpoint else f"{self.base} alone"

    @cached_property
    def trial(self) -> Trial:
        """As `scoring.trials` compares them."""
        return Trial(tuple(picture.drawn for picture in self.pictures))

    @property
    def checkpoint(self) -> str:
        """Its name; "" for the base alone."""
        return self.cell.checkpoint.name if self.cell.checkpoint else ""

    @property
    def value(self) -> float:
        """Mean identity times control, 0..1."""
        return fmean(picture.drawn.value for picture in self.pictures)

    @property
    def ranked(self) -> bool:
        """Whether identity is known of any picture: a run without decoys cannot rank."""
        return any(picture.drawn.identity is not None for picture in self.pictures)

    def of(self, wanted: Callable[[TrialPicture], bool]) -> Result | None:
        """The same cell on part of its shots; None for no shot."""
        chosen = tuple(picture for picture in self.pictures if wanted(picture))
        return replace(self, pictures=chosen) if chosen else None

    def on_shots_of(self, other: Result) -> Result:
        """The same cell on the shots that another was drawn on too; all of them where it shares none."""
        shots = {picture.frame.job.shot for picture in other.pictures}
        return self.of(lambda picture: picture.frame.job.shot in shots) or self

    def by(self, key: Callable[[TrialPicture], str]) -> dict[str, Result]:
        """The same cell group by group, in the order of the shots."""
        groups: dict[str, list[TrialPicture]] = {}
        for picture in self.pictures:
            groups.setdefault(key(picture), []).append(picture)
        return {group: replace(self, pictures=tuple(pictures)) for group, pictures in groups.items()}

    def by_view_family(self) -> dict[str, Result]:
        """The same cell by view family."""
        return self.by(lambda picture: picture.view_family)

    def by_test(self) -> dict[str, Result]:
        """The same cell by test."""
        return self.by(lambda picture: picture.test)

    def showing(self, word: str) -> tuple[int, int]:
        """(Pictures that show a word, those that were asked for it and on which it could be read)."""
        answers = []
        for picture in self.pictures:
            shot = picture.frame.job.shot
            axes = [axis for axis in ("framing", *shot.axes) if shot[axis] == word]
            if not axes and word in caption_parts(picture.frame.job.prompt):
                axes = ["view"]
            answers += [picture.reads[axis] for axis in axes if axis in picture.reads]
        return sum(answers), len(answers)

    def rates(self) -> dict[str, tuple[int, int]]:
        """Axis → (pictures that show the word that was asked for, pictures on which the axis could be read)."""
        found: dict[str, tuple[int, int]] = {}
        for picture in self.pictures:
            for axis, shown in picture.reads.items():
                right, read = found.get(axis, (0, 0))
                found[axis] = (right + shown, read + 1)
        return found

    @property
    def worn(self) -> list[tuple[str, str | None]]:
        """Of each picture the outfit that was asked for, and the garments of others that it shows."""
        return [(picture.outfit, picture.bled) for picture in self.pictures]

    def scorer_means(self) -> dict[str, float]:
        """Identity scorer → its mean value over the pictures it applies to."""
        values: dict[str, list[float]] = {}
        for picture in self.pictures:
            for name, value in picture.raw.items():
                values.setdefault(name, []).append(value)
        return {name: fmean(own) for name, own in values.items()}


@dataclass(frozen=True)
class Pair:
    """The character beside the other LoRA at one weight: identity over that alone, and the share of the other that is
    there; None where it is not seen by itself."""

    result: Result
    kept: float
    there: float | None

    @property
    def weight(self) -> float:
        """That of the other LoRA."""
        return self.result.cell.companions[0].weight

    @property
    def keeps_both(self) -> bool:
        """Whether it is still the character, and the other LoRA is there."""
        return self.kept >= KEEPS and (self.there is None or self.there >= THERE)

    @property
    def value(self) -> float:
        """What is left of both together."""
        return min(1.0, self.kept) * (1.0 if self.there is None else min(1.0, max(0.0, self.there)))


@dataclass(frozen=True)
class PairSearch:
    """All weights of another LoRA that were tried beside the best cell, whose identity ``alone`` is given."""

    companion: Companion
    alone: float
    tried: tuple[Pair, ...]

    @cached_property
    def best(self) -> Pair:
        """The pair that keeps both best; where none does, the one that is nearest."""
        both = [one for one in self.tried if one.keeps_both]
        return max(both or self.tried, key=lambda one: (one.value, one.weight))

    @property
    def text(self) -> str:
        """In words, the weights to use, or that none keeps both."""
        best, name = self.best, self.companion.name
        pair = f"this LoRA at {best.result.cell.weight:g} and {name} at {best.weight:g}"
        numbers = f"identity {best.result.trial.identity:.2f} against {self.alone:.2f} alone, {self._share(best)}"
        if best.keeps_both:
            return f"beside {name}, use {pair}: {numbers}"
        strongest, weakest = self.tried[0], self.tried[-1]
        ends = f"at {strongest.weight:g} identity is {strongest.result.trial.identity:.2f}"
        ends += f", at {weakest.weight:g} {weakest.result.trial.identity:.2f} with {self._share(weakest)}"
        return f"no weight keeps both beside {name}: {ends}; nearest is {pair}: {numbers}"

    def _share(self, pair: Pair) -> str:
        if pair.there is None:
            return f"{self.companion.name} changes nothing by itself that the panel sees"
        return f"{max(0.0, pair.there):.0%} of what {self.companion.name} does by itself"


@dataclass(frozen=True)
class Comparison:
    """All cells: the base alone, the grid with the preferred cell last, and the best of it beside other LoRAs.

    ``shown`` is the best of it shown the seeds as well, where the run draws from references; ``completed`` is the best
    of the grid on all shots, where the grid itself was drawn on a part of them. ``elsewhere`` are pairs on other bases:
    that base alone, and with the best of the grid. ``pairs`` are the other LoRAs whose weight was searched; their cells
    are ``stacked`` too. ``settings`` say how LoRAs from outside the run were trained
    otherwise.
    """

    trials: TrialShots
    base: Result
    grid: Sequence[Result]
    stacked: Sequence[Result] = ()
    shown: Sequence[Result] = ()
    completed: Result | None = None
    elsewhere: Sequence[tuple[Result, Result]] = ()
    settings: Sequence[str] = ()
    pairs: Sequence[PairSearch] = ()

    @property
    def stacked_as_given(self) -> list[Result]:
        """Those beside other LoRAs at weights that were given, or found, and not at every weight of a search."""
        searched = [pair.result.cell for one in self.pairs for pair in one.tried]
        return [one for one in self.stacked if one.cell not in searched]

    @property
    def best(self) -> Result:
        """The recommended cell."""
        return self.completed or best_of(self.grid)

    @property
    def ordered(self) -> list[Result]:
        """The grid for reading: checkpoint by checkpoint, with the full weight first."""
        names = list(dict.fromkeys(one.checkpoint for one in self.grid))
        return sorted(self.grid, key=lambda one: (names.index(one.checkpoint), -one.cell.weight))

    @property
    def rows(self) -> list[Result]:
        """For reading: the base, the grid, then the others."""
        best = self.best
        whole = [best if one.cell == best.cell else one for one in self.ordered]
        others = [one for pair in self.elsewhere for one in pair]
        return [self.base, *whole, *self.stacked, *self.shown, *others]

    @property
    def readable(self) -> frozenset[str]:
        """The axes that are read as asked on enough of the base's own pictures; readings of others are not shown."""
        found = set()
        for axis, (right, read) in self.base.rates().items():
            if right >= READ_WELL * max(1, read):
                found.add(axis)
        return frozenset(found)


def best_of(grid: Sequence[Result]) -> Result:
    """The recommended cell: the last, unless another draws clearly better pictures (`scoring.trials.best_of`).

    Control alone chooses nothing: the base obeys best of all. So where identity cannot be ranked it is the last.
    """
    if not any(one.ranked for one in grid):
        return grid[-1]
    return grid[final_choice.best_of([one.trial for one in grid])]


def results(
    cell: Cell,
    frames: Sequence[Frame],
    tests: Sequence[str],
    measured: Mapping[str, Mapping[str, Measurement]],
    scores: Mapping[str, float | None],
    judges: Judges,
) -> Result:
    """A cell's result; ``scores`` are the frames' places among the run's decoys (deviations), None: unknown."""
    pictures = []
    for frame, test in zip(frames, tests, strict=True):
        id = frame.job.id
        pictures.append(_trial_picture(frame, test, measured[id], scores.get(id), judges))
    return Result(cell, tuple(pictures))


def _trial_picture(
    frame: Frame, test: str, measurements: Mapping[str, Measurement], score: float | None, judges: Judges
) -> TrialPicture:
    values = {name: one.value for name, one in measurements.items() if one.value is not None}
    asked: dict[str, bool] = {}
    read: dict[str, bool] = {}
    for name, value in values.items():
        if name in judges.obedience:
            asked[name.removeprefix(SEEN)] = value >= 0
        if name.startswith(READS):
            read[name.removeprefix(READS)] = value >= 0
    faults = []
    for name in judges.faults:
        if values.get(name, 0.0) < 0:
            faults.append(f"{name}: {measurements[name].why or values[name]}")
    drawn = Drawn(score, tuple(asked.values()), bool(faults))
    raw = {name: values[name] for name in judges.identity if name in values}
    outfit = frame.job.shot.axes.get(judges.wording.subject.outfit_axis, "")
    bled = measurements[BLED].why if BLED in values else None
    return TrialPicture(frame, test, drawn, {**asked, **read}, raw, tuple(faults), outfit, bled)
