"""``bootstrap approve``, ``reject`` and ``undo``: a person's word on frames, beside an engine that may be at work."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import typer

from bootstrap.records import Frame, VerdictKind
from bootstrap.review.speaking import checked_reasons, judge, named, standing_of, take_back
from bootstrap.store.person import PERSON, Answer
from bootstrap.store.store import Store

__all__ = ["judge_command", "undo_command"]

HEARD = "a run that works takes this up at its next round; a finished one when its command is run again"


def judge_command(run: Path, ids: Sequence[str], kind: VerdictKind, reasons: Sequence[str], *, as_json: bool) -> None:
    """Give the same verdict on all the frames, or on none when one of the names is not clear."""
    chips = checked_reasons(reasons)
    with Store.open(run, exclusive=False) as store:
        _speak(store, named(store, ids), lambda frame: judge(store, frame, kind, chips), as_json)


def undo_command(run: Path, ids: Sequence[str], *, as_json: bool) -> None:
    """Take back the last word on each frame."""
    with Store.open(run, exclusive=False) as store:
        _speak(store, named(store, ids), lambda frame: take_back(store, frame), as_json)


def _speak(store: Store, frames: Sequence[Frame], say: Callable[[Frame], Answer], as_json: bool) -> None:
    """Say it of each frame and print how it stands now, and how it stood."""
    before, taken = standing_of(store, frames), [say(frame).taken for frame in frames]
    now = standing_of(store, frames)
    rows = [{**new, "was": old["verdict"], "was_by": old["by"]} for old, new in zip(before, now, strict=True)]
    if as_json:
        typer.echo(json.dumps(rows, indent=2, ensure_ascii=False))
        return
    for row, done in zip(rows, taken, strict=True):
        typer.echo(_line(row) if done else f"{row['id']}: nothing of yours to take back; {_now(row)}")
    typer.echo(HEARD, err=True)


def _line(row: dict[str, Any]) -> str:
    return f"{row['id']}: {_now(row)}, was {_said(row['was'], row['was_by'])}"


def _now(row: dict[str, Any]) -> str:
    return _said(row["verdict"], row["by"])


def _said(verdict: str, by: str) -> str:
    """A verdict with its giver, in words."""
    return f"{verdict} by {'you' if by == PERSON else 'the gate'}" if verdict else "not judged"
