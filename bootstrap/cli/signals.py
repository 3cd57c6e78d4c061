"""A run asked to stop by a signal ends at its next safe point, and at once when it is asked again."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator
from types import FrameType
from typing import Protocol

import typer

from bootstrap.machine.signals import handling_stops

__all__ = ["Stoppable", "stopping"]


class Stoppable(Protocol):
    """What reads ``stop_asked`` wherever it is safe to stop."""

    stop_asked: bool
    stopped_by: str


@contextlib.contextmanager
def stopping(engine: Stoppable) -> Iterator[None]:
    """The first signal asks the engine to stop at a safe point, the second stops at once."""

    def ask(number: int, frame: FrameType | None) -> None:
        if engine.stop_asked:
            raise KeyboardInterrupt
        engine.stop_asked, engine.stopped_by = True, signal.Signals(number).name
        with contextlib.suppress(OSError):  # after SIGHUP the terminal may be gone
            typer.echo("stopping at the next safe point (again to stop at once) ...", err=True)

    with handling_stops(ask):
        yield
