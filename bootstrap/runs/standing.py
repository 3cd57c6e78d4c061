"""What a run is doing at this moment, worked out from what its store lacks. Reads beside the engine that fills it.

Progress is never stored, so a watcher in another process counts what is planned and not done yet.
"""

from __future__ import annotations

from dataclasses import dataclass

from bootstrap.events import BatchGenerated, Event, RoundBegan, RunEnded, ScoresMeasured
from bootstrap.records import PREVIEW_KINDS
from bootstrap.store.store import Store

__all__ = ["Standing", "finished", "standing"]


@dataclass(frozen=True, slots=True)
class Standing:
    """A stage ("training", "drawing", "measuring", "choosing", "finished") of a round, and its progress.

    ``total`` is 0 for a stage whose pictures cannot be counted; ``left`` are seconds at this round's pace so far, None
    when unknown.
    """

    round: int
    stage: str
    done: int = 0
    total: int = 0
    left: float | None = None


def standing(store: Store) -> Standing:
    """The present stage of the run."""
    events, rounds = store.events(), store.rounds()
    number = len(rounds) + 1
    if rounds and rounds[-1].outcome is None:
        number = rounds[-1].number
    if finished(events):
        return Standing(max(1, number - 1), "finished")
    jobs, missing = store.jobs(number), store.missing_jobs(number)
    if missing:
        return _counted(number, "drawing", len(jobs), len(missing), _pace(events, number, BatchGenerated))
    measured_jobs = [job.id for job in jobs if job.kind not in PREVIEW_KINDS]
    unmeasured = len(measured_jobs) - len(store.measurements(measured_jobs)) if measured_jobs else 0
    if unmeasured:
        return _counted(number, "measuring", len(measured_jobs), unmeasured, _pace(events, number, ScoresMeasured))
    trained = any(adapter.round == number for adapter in store.adapters())
    return Standing(number, "choosing" if jobs or trained else "training")


def finished(events: list[Event]) -> bool:
    """Whether the run ended and no round began since."""
    for event in reversed(events):
        if isinstance(event, RunEnded):
            return True
        if isinstance(event, RoundBegan):
            return False
    return False


def _counted(number: int, stage: str, total: int, missing: int, pace: float | None) -> Standing:
    left = None if pace is None else pace * missing
    return Standing(number, stage, total - missing, total, left)


def _pace(events: list[Event], number: int, kind: type[BatchGenerated] | type[ScoresMeasured]) -> float | None:
    """Seconds per picture in this round; None before the first."""
    pictures, seconds = 0, 0.0
    for event in events:
        if isinstance(event, kind) and event.round == number:
            pictures += event.pictures
            seconds += event.seconds
    return seconds / pictures if pictures else None
