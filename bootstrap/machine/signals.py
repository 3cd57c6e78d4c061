"""The signals by which a person or the system asks a process to stop: Ctrl-C, SIGTERM, a closed terminal.

Knows no run: what happens on a signal is the caller's.
"""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Callable, Iterator
from types import FrameType

__all__ = ["handling_stops"]

STOPS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]


@contextlib.contextmanager
def handling_stops(handler: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    """Call ``handler`` on each of these signals while the block runs.

    A signal that is ignored stays ignored: that is how ``nohup`` lets a run outlive its terminal.
    """
    handled = [number for number in STOPS if signal.getsignal(number) is not signal.SIG_IGN]
    previous = [(number, signal.signal(number, handler)) for number in handled]
    try:
        yield
    finally:
        for number, before in previous:
            signal.signal(number, before)
