"""What a run is doing at this moment, told from what its store lacks. Reads a store beside the engine that fills it.

Progress is never stored, so a watcher in another process counts what is planned and not yet there.
"""

from __future__ import annotations

from dataclasses import dataclass

from bootstrap.events import BatchGenerated, Event, RoundBegan, RunEnded, ScoresMeasured
from bootstrap.records import JobKind
from bootstrap.store.store import Store

__all__ = ["Standing", "finished", "standing"]


@dataclass(frozen=True, slots=True)
class Standing:
    """A stage ("training", "drawing", "measuring", "choosing", "finished") of a round, and how far it is.

    ``total`` is 0 where only time tells; ``left`` are seconds by the pace of this round so far, None when unknown.
    """

    round: int
    stage: str
    done: int = 0
    total: int = 0
    left: float | None = None


def standing(store: Store) -> Standing:
    """Where the run stands now."""
    events, rounds = store.events(), store.rounds()
    number = rounds[-1].number if rounds and rounds[-1].outcome is None else len(rounds) + 1
    if finished(events):
        return Standing(max(1, number - 1), "finished")
    jobs, missing = store.jobs(number), store.missing_jobs(number)
    if missing:
        return _counted(number, "drawing", len(jobs), len(missing), _pace(events, number, BatchGenerated))
    judged = [job.id for job in jobs if job.kind is not JobKind.PROBE]
    unread = len(judged) - len(store.measurements(judged)) if judged else 0
    if unread:
        return _counted(number, "measuring", len(judged), unread, _pace(events, number, ScoresMeasured))
    trained = any(adapter.round == number for adapter in store.adapters())
    return Standing(number, "choosing" if jobs or trained else "training")


def finished(events: list[Event]) -> bool:
    """Whether the run ended and no round began since."""
    told = [event for event in events if isinstance(event, RunEnded | RoundBegan)]
    return bool(told) and isinstance(told[-1], RunEnded)


def _counted(number: int, stage: str, total: int, missing: int, pace: float | None) -> Standing:
    return Standing(number, stage, total - missing, total, None if pace is None else pace * missing)


def _pace(events: list[Event], number: int, kind: type[BatchGenerated] | type[ScoresMeasured]) -> float | None:
    """Seconds a picture in this round; None before the first."""
    told = [event for event in events if isinstance(event, kind) and event.round == number]
    pictures = sum(event.pictures for event in told)
    return sum(event.seconds for event in told) / pictures if pictures else None
