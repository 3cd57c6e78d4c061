"""The processes that worked on a run, one after another: when each began, and how it ended.

A process that was killed, or lost its power, could not store its end; the next one finds the session without one. Kept
as one fact of the run beside its events, so that the events stay the same however often the run was cut off.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass

from bootstrap.errors import BootstrapError, Interrupted, Paused
from bootstrap.store.journal import now
from bootstrap.store.store import Store

__all__ = ["FINISHED", "Session", "session", "sessions"]

FACT = "sessions"
FINISHED = "finished"
MOST = 200
"""Sessions that are kept; the oldest are dropped first."""


@dataclass(frozen=True, slots=True)
class Session:
    """A process's work: ISO 8601 times (UTC), and why it ended; ``ended`` is "" while it works or if it was cut off."""

    began: str
    ended: str = ""
    why: str = ""


def sessions(store: Store) -> list[Session]:
    """Every session, oldest first."""
    return [Session(**plain) for plain in json.loads(store.recall(FACT) or "[]")]


@contextmanager
def session(store: Store) -> Iterator[None]:
    """Remember the block as a session, however it ends."""
    past, began = sessions(store)[-MOST:], now()
    _remember(store, [*past, Session(began)])
    why = FINISHED
    try:
        yield
    except Interrupted as stop:
        why = str(stop) or "stopped"
        raise
    except Paused as pause:
        why = pause.reason
        raise
    except KeyboardInterrupt:
        why = "stopped at once by a signal"
        raise
    except BaseException as error:
        why = error.message if isinstance(error, BootstrapError) else f"{type(error).__name__}: {error}"
        raise
    finally:
        with suppress(BootstrapError):  # a full disk was reported already
            _remember(store, [*past, Session(began, now(), why)])


def _remember(store: Store, sessions_so_far: list[Session]) -> None:
    store.remember(FACT, json.dumps([asdict(one) for one in sessions_so_far], ensure_ascii=False))
