"""All runs of a folder, or of a queue, at a glance: a row each, as plain data that a terminal and a page show.

Reads beside the engines; loads no model.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bootstrap.runs.listing import ListedRun, listed, runs_here
from bootstrap.runs.present_stage import with_progress
from bootstrap.runs.queue import Entry, Queue
from bootstrap.runs.sentences import duration, kept_of, now_told
from bootstrap.runs.standing import Standing

__all__ = ["OverviewRow", "overview", "states"]

WAITS = "waits for its turn"
ORDER = ("at work", "asks", WAITS, "not finished", "failed", "finished")


@dataclass(frozen=True, slots=True)
class OverviewRow:
    """A run: its name and folder, its state in words, counts, what it does now, hours of work so far and left.

    ``left`` is that of the present stage; "" where nothing is known. ``more`` is a reason or the next command.
    """

    name: str
    folder: str
    state: str
    round: int
    kept: str
    now: str
    left: str
    spent: str
    more: str

    def plain(self) -> dict[str, Any]:
        """As JSON has it."""
        return asdict(self)


def overview(queue: Path | None, below: Path = Path()) -> list[OverviewRow]:
    """The runs of a queue's file, or those of the nearest folder of runs; those at work first.

    Raises StoreError where the file is no queue.
    """
    if queue is not None:
        rows = [_queued(entry) for entry in Queue(queue).entries()]
    else:
        rows = [_row(listed(folder), folder.name) for folder in runs_here(below)]
    return sorted(rows, key=lambda row: ORDER.index(row.state))


def _queued(entry: Entry) -> OverviewRow:
    """A character of a queue, whose run may not have begun."""
    folder = Path(entry.run)
    if not folder.is_dir():
        state = "failed" if entry.state == "failed" else WAITS
        return OverviewRow(entry.name, entry.run, state, 0, "", "", "", "", entry.reason)
    row = _row(listed(folder), entry.name)
    if row.state == "at work" or entry.state in ("running", "done"):
        return row
    state = {"waiting": WAITS, "asks": "asks", "failed": "failed"}[entry.state]
    return OverviewRow(**{**row.plain(), "state": state, "more": entry.reason or row.more})


def _row(run: ListedRun, name: str) -> OverviewRow:
    facts = run.facts
    if facts is None:
        return OverviewRow(name, str(run.folder), "failed", 0, "", "", "", "", run.problem)
    now = Standing(**facts["now"])
    if run.running:
        now = with_progress(run.folder, now)
    left = duration(now.left) if run.running and now.left is not None else ""
    kept = kept_of(facts["kept"], facts["target"])
    doing = "" if facts["finished"] else now_told(Standing(now.round, now.stage, now.done, now.total))
    spent = duration(facts["total_seconds"])
    return OverviewRow(name, str(run.folder), _state(run), now.round, kept, doing, left, spent, run.command)


def _state(run: ListedRun) -> str:
    if run.running:
        return "at work"
    if run.facts and run.facts["finished"]:
        return "finished"
    return "asks" if run.command.startswith("bootstrap review") else "not finished"


def states(rows: Sequence[OverviewRow]) -> str:
    """How many are in each state, in words: "2 at work, 5 finished"."""
    counted = [(sum(row.state == state for row in rows), state) for state in ORDER]
    return ", ".join(f"{count} {state}" for count, state in counted if count)
