"""A panel that shares whole chunks of pictures among the members of a team. Knows no threshold."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from bootstrap.panel.judges import Judges
from bootstrap.studio.team import DEADLY, SET_ASIDE, Team
from bootstrap.studio.worker import File, Judged, Rows
from bootstrap.studio.workforce import Task
from scoring.measurement import ERROR, Measurement, Picture

__all__ = ["Chunk", "PooledPanel"]

Chunk = Callable[[], Sequence[Picture]]
"""Loads pictures that are measured together."""


class PooledPanel:
    """Measures with all members of ``team``; ``ship`` hands a value to workers."""

    def __init__(self, team: Team, ship: Callable[[Any], Any]) -> None:
        """Measure nothing yet."""
        self._team, self._ship = team, ship
        self._shipped: File | None = None

    def measure(self, judges: Judges, chunks: Sequence[Chunk]) -> Iterator[Rows]:
        """The answers for each chunk, in order; a chunk that kills workers is answered with errors.

        Each chunk loads its pictures when it is handed out. Raises BackendError where a worker's panel is another one.
        """
        if len(chunks) < 2:
            for load in chunks:
                yield list(judges.panel.measure(load()))
            return
        judged = self._judged(judges)
        tasks = [_task(load, judges, judged) for load in chunks]
        for load, rows in zip(chunks, self._team.results(tasks), strict=True):
            yield _broken(judges, load()) if rows is SET_ASIDE else rows

    def _judged(self, judges: Judges) -> File:
        """What the panel is set before, as workers get it; it is handed over once."""
        told = "".join(f"{name}={value};" for name, value in judges.fingerprints.items())
        key = hashlib.sha256(told.encode()).hexdigest()
        if self._shipped is None or self._shipped.key != key:
            before = Judged(judges.wording, judges.references, judges.approved, judges.fingerprints)
            self._shipped = File("", key, self._ship(before))
        return self._shipped


def _task(load: Chunk, judges: Judges, judged: File) -> Task:
    def here() -> Callable[[], Rows]:
        pictures = load()
        return lambda: list(judges.panel.measure(pictures))

    def there(actor: Any) -> Any:
        return actor.measure.remote(list(load()), judged)

    return Task("the scores of a chunk of pictures", here, there)


def _broken(judges: Judges, chunk: Sequence[Picture]) -> Rows:
    answer = Measurement(None, f"{ERROR}it ended {DEADLY} workers")
    return [dict.fromkeys(judges.panel.names(), answer) for _ in chunk]
