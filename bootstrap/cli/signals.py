"""A wish to stop, as the system says it: Ctrl-C, SIGTERM, a closed terminal. All of them end at a safe point."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator
from types import FrameType
from typing import Protocol

import typer

__all__ = ["STOPPING", "Stoppable", "stopping"]

STOPPING = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]


class Stoppable(Protocol):
    """What looks at ``stop_asked`` wherever it is safe to stop."""

    stop_asked: bool
    stopped_by: str


@contextlib.contextmanager
def stopping(engine: Stoppable) -> Iterator[None]:
    """The first signal asks the engine to stop at a safe point, the second stops at once.

    One that is ignored stays so: that is how ``nohup`` lets a run outlive its terminal.
    """

    def ask(number: int, frame: FrameType | None) -> None:
        if engine.stop_asked:
            raise KeyboardInterrupt
        engine.stop_asked, engine.stopped_by = True, signal.Signals(number).name
        with contextlib.suppress(OSError):  # after SIGHUP nobody may be there to read it
            typer.echo("stopping at the next safe point (again to stop at once) ...", err=True)

    heard = [one for one in STOPPING if signal.getsignal(one) is not signal.SIG_IGN]
    before = [signal.signal(one, ask) for one in heard]
    try:
        yield
    finally:
        for one, handler in zip(heard, before, strict=True):
            signal.signal(one, handler)
