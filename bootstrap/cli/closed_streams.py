"""A program that was started with closed standard streams (``<&-``, some schedulers) gets empty ones.

Else the next file that is opened takes the number of the stream that is missing, and what was meant for a terminal is
written into it.
"""

from __future__ import annotations

import os
import sys

__all__ = ["open_closed_streams"]

STREAMS = ("stdin", "stdout", "stderr")


def open_closed_streams() -> None:
    """Open the null device in place of each standard stream that is closed."""
    for number, name in enumerate(STREAMS):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the system gives the lowest free number, which is this one
        if getattr(sys, name) is None:
            mode = "w" if number else "r"
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_RDWR), mode, encoding="utf-8"))
