"""What a run looks at whenever it is safe to stop: whether it is to stop, the clock, the time worked, the disk.

Nothing here decides what is kept. Loads no model.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from bootstrap.errors import BootstrapError, Interrupted, OutputError
from bootstrap.events import Incident
from bootstrap.machine.inventory import disk_free
from bootstrap.runs.sentences import duration

if TYPE_CHECKING:
    from loops.engine import Engine

__all__ = ["keep_watch", "room_needed"]

SPARE = 16 << 20
"""Bytes that are left free whatever is written next: rows, log, report."""
GIB = 1 << 30


def keep_watch(engine: Engine) -> None:
    """Tell a sleep and a moved clock, count the time; raise Interrupted when asked to stop.

    Raises OutputError before the disk is full, while there is still room to close everything.
    """
    gap = engine.clock.look()
    if gap.slept:
        engine.emit(Incident("sleep", f"the machine slept for {duration(gap.slept)}; that is not counted as work"))
    if gap.moved:
        way = "forward" if gap.moved > 0 else "back"
        said = f"the clock was moved {way} by {duration(abs(gap.moved))}; work is counted by a clock that was not"
        engine.emit(Incident("clock", said))
    if engine.hours:
        engine.hours.save()
    if engine.stop_asked:
        raise Interrupted(f"stopped at a safe point by {engine.stopped_by}".removesuffix(" by "))
    _leave_room(engine)


def room_needed(engine: Engine) -> int:
    """Bytes that the next step may write: a batch of pictures, or weights and a checkpoint like those before."""
    width, height = engine.drawer.resolution
    weights = [path.stat().st_size for path in engine.store.directory.glob("adapters/*/*") if path.is_file()]
    return SPARE + 3 * max(width * height * engine.drawer.batch_size, *weights, 0)


def _leave_room(engine: Engine) -> None:
    directory = engine.store.directory
    free, needed = disk_free(directory) * GIB, room_needed(engine)
    if free >= needed:
        return
    said = f"the disk is nearly full: {free / 2**20:.0f} MB are free, the next step may take {needed / 2**20:.0f}"
    with suppress(BootstrapError):
        engine.emit(Incident("disk", f"{said}; stopped before it"))
    raise OutputError(
        f"cannot go on in '{directory}': {said}",
        "free some disk space (`bootstrap gc RUN` helps) and run the same command again; nothing finished is lost",
    )
