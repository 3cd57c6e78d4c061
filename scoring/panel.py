"""Many scorers as one panel, in order, each with its role (see `scoring.settings.Role`). Knows no threshold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from scoring.measurement import Measurement, Picture, Scorer, broken
from scoring.settings import About, Role


@dataclass(frozen=True, slots=True)
class Seat:
    """A scorer, what its answers are for and, for a check, what it looks for."""

    scorer: Scorer
    role: Role
    about: About = "picture"


class Panel:
    """Scorers in the order in which they are asked; their names are distinct.

    Raises:
        ValueError: two scorers of one name.
    """

    def __init__(self, seats: Sequence[Seat]) -> None:
        names = [seat.scorer.name for seat in seats]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"panel: two scorers are called '{twice[0]}'; give each its own name")
        self._seats = tuple(seats)

    def names(self, role: Role | None = None, about: About | None = None) -> list[str]:
        """Names of the scorers, in order; only those of one role, or about one thing, where that is given."""
        return [seat.scorer.name for seat in self._seats if role in (None, seat.role) and about in (None, seat.about)]

    @property
    def fingerprints(self) -> dict[str, str]:
        """Scorer → fingerprint: measurements made under another one have expired."""
        return {seat.scorer.name: seat.scorer.fingerprint for seat in self._seats}

    def measure(self, pictures: Sequence[Picture], only: Sequence[str] | None = None) -> list[dict[str, Measurement]]:
        """Every scorer's answer for each picture, in order.

        A scorer that fails does not stop the others: its answers are errors (`Measurement.failed`).

        Args:
            pictures: what to judge.
            only: names of the scorers to ask; None asks all.
        """
        rows: list[dict[str, Measurement]] = [{} for _ in pictures]
        for seat in self._seats:
            if only is None or seat.scorer.name in only:
                for row, answer in zip(rows, _answers(seat.scorer, pictures), strict=True):
                    row[seat.scorer.name] = answer
        return rows

    def failing(self, measured: Mapping[str, Measurement]) -> list[str]:
        """The checks that a picture fails (value < 0), as reasons; not applicable fails nothing."""
        reasons = []
        for name in self.names("check"):
            answer = measured.get(name)
            if answer is not None and answer.value is not None and answer.value < 0:
                reasons.append(f"{name}: {answer.why}" if answer.why else f"{name} {answer.value:.2f}")
        return reasons


def _answers(scorer: Scorer, pictures: Sequence[Picture]) -> list[Measurement]:
    """A scorer's answers; where the batch fails each picture is tried alone, so that one does not spoil the others."""
    try:
        return scorer.score(pictures)
    except Exception as error:  # a scorer is foreign code: whatever it raises, the run goes on without its answer
        if len(pictures) == 1:
            return [broken(error)]
    return [_answers(scorer, [picture])[0] for picture in pictures]
