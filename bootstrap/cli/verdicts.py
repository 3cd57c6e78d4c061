"""``bootstrap approve``, ``reject``, ``undo`` and ``approval``: a person's verdicts, beside an engine that may work."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import typer

from bootstrap.errors import UsageError
from bootstrap.records import Frame, VerdictKind
from bootstrap.review.person_verdicts import candidates_named, checked_reasons, judge, take_back, verdict_rows
from bootstrap.runs.approval_setting import open_waiting_round, set_approval
from bootstrap.store.person import PERSON, Answer, action_key
from bootstrap.store.store import Store

__all__ = ["approval_command", "judge_command", "undo_command"]

OPEN = "open"
WHEN = "a run that works takes this up at its next round; a finished one when its command is run again"


def judge_command(run: Path, ids: Sequence[str], kind: VerdictKind, reasons: Sequence[str], *, as_json: bool) -> None:
    """Give the same verdict on all the frames, or on none when one of the names is not clear."""
    with Store.open(run, exclusive=False) as store:
        checked = checked_reasons(store, reasons)
        frames, key = candidates_named(store, ids), secrets.token_hex(8)
        keys = {frame.job.id: action_key(key, number) for number, frame in enumerate(frames)}
        _apply(store, frames, lambda frame: judge(store, frame, kind, checked, key=keys[frame.job.id]), as_json)


def undo_command(run: Path, ids: Sequence[str], *, as_json: bool) -> None:
    """Withdraw a person's last verdict on each frame, or those of the last action. Raises UsageError without one."""
    with Store.open(run, exclusive=False) as store:
        names = ids or store.person.last_judged()
        if not names:
            raise UsageError(
                f'no verdict in "{run}" is yours', "bootstrap review shows the pictures, to keep or reject"
            )
        _apply(store, candidates_named(store, names), lambda frame: take_back(store, frame), as_json)


def approval_command(run: Path, setting: str) -> None:
    """Set the approval, or open the waiting round; raises UsageError for an unknown setting, and where none waits."""
    with Store.open(run, exclusive=False) as store:
        if setting != OPEN:
            set_approval(store, setting)
            typer.echo(f"approval {setting} from now on")
            return
        number = open_waiting_round(store)
        if number is None:
            raise UsageError(f'no round of "{run}" waits', "open one that does, or set the approval to auto")
        typer.echo(f"round {number} goes on; if its process has left, run the same command again")


def _apply(store: Store, frames: Sequence[Frame], act: Callable[[Frame], Answer], as_json: bool) -> None:
    """Do it to each frame and print its verdict now, and the one before."""
    before = verdict_rows(store, frames)
    taken = [act(frame).taken for frame in frames]
    now = verdict_rows(store, frames)
    rows = [{**new, "was": old["verdict"], "was_by": old["by"]} for old, new in zip(before, now, strict=True)]
    if as_json:
        typer.echo(json.dumps(rows, indent=2, ensure_ascii=False))
        return
    for row, done in zip(rows, taken, strict=True):
        typer.echo(_line(row, done))
    typer.echo(WHEN, err=True)


def _line(row: dict[str, Any], taken: bool) -> str:
    """What became of a frame; ``taken`` is False where there was nothing to withdraw."""
    now = _verdict(row["verdict"], row["by"])
    if not taken:
        return f"{row['id']}: nothing of yours to take back; {now}"
    return f"{row['id']}: {now}, was {_verdict(row['was'], row['was_by'])}"


def _verdict(verdict: str, by: str) -> str:
    """A verdict with its giver, in words."""
    if not verdict:
        return "not judged"
    return f"{verdict} by {'you' if by == PERSON else 'the gate'}"
