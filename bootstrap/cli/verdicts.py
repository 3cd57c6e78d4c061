"""``bootstrap approve``, ``reject``, ``undo`` and ``gate``: a person's word, beside an engine that may be at work."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import typer

from bootstrap.errors import UsageError
from bootstrap.records import Frame, VerdictKind
from bootstrap.review.person_verdicts import checked_reasons, judge, named, standing_of, take_back
from bootstrap.runs.approval_setting import closed_round, let_go_on, set_gate
from bootstrap.store.person import PERSON, Answer
from bootstrap.store.store import Store

__all__ = ["gate_command", "judge_command", "undo_command"]

OPEN = "open"
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


def gate_command(run: Path, setting: str) -> None:
    """Set the gate, or open it; raises UsageError for a setting that is none, and where nothing waits."""
    with Store.open(run, exclusive=False) as store:
        if setting != OPEN:
            set_gate(store, setting)
            typer.echo(f"gate {setting} from now on")
            return
        number = closed_round(store)
        if number is None:
            raise UsageError(f'no round of "{run}" waits', "judge and open when one does, or set the gate to auto")
        let_go_on(store)
        typer.echo(f"round {number} goes on; if its process has left, run the same command again")


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
