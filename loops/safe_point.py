"""What a run checks whenever it is safe to stop: the clock and the disk.

Decides nothing about frames. Loads no model and knows no order of stages.
"""

from __future__ import annotations

from contextlib import suppress

from bootstrap.backends.base import Drawer
from bootstrap.errors import BootstrapError, OutputError
from bootstrap.events import Emit, Incident
from bootstrap.machine.clock import Clock
from bootstrap.machine.inventory import disk_free
from bootstrap.runs.sentences import duration
from bootstrap.store.store import Store

__all__ = ["check_clock", "check_disk", "room_needed"]

SPARE = 16 << 20
"""Bytes that are left free whatever is written next: rows, log, report."""
GIB = 1 << 30


def check_clock(clock: Clock, emit: Emit) -> None:
    """Emit an incident where the machine slept or the clock was moved since the last look."""
    gap = clock.look()
    if gap.slept:
        emit(Incident("sleep", f"the machine slept for {duration(gap.slept)}; that is not counted as work"))
    if gap.moved:
        way = "forward" if gap.moved > 0 else "back"
        moved = f"the clock was moved {way} by {duration(abs(gap.moved))}"
        emit(Incident("clock", f"{moved}; work is counted by a clock that was not"))


def room_needed(store: Store, drawer: Drawer) -> int:
    """Bytes that the next step may write: a batch of pictures, or weights and a checkpoint like those before."""
    width, height = drawer.resolution
    weights = [path.stat().st_size for path in store.directory.glob("adapters/*/*") if path.is_file()]
    return SPARE + 3 * max(width * height * drawer.batch_size, *weights, 0)


def check_disk(store: Store, drawer: Drawer) -> None:
    """Raise OutputError before the disk is full, while there is still room to close everything."""
    free, needed = disk_free(store.directory) * GIB, room_needed(store, drawer)
    if free >= needed:
        return
    message = f"the disk is nearly full: {free / 2**20:.0f} MB are free, the next step may take {needed / 2**20:.0f}"
    with suppress(BootstrapError):
        store.append_event(Incident("disk", f"{message}; stopped before it"))
    raise OutputError(
        f"cannot go on in '{store.directory}': {message}",
        "free some disk space (`bootstrap gc RUN` helps) and run the same command again; nothing finished is lost",
    )
