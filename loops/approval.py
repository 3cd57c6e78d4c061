"""Approval between rounds: a round goes on by itself, when a person lets it, or when the time given to them is over.

When a person was asked, and how the round was approved, are rows, so a resumed run waits for the same answer and never
asks twice. Where nobody can be waited for, the process ends (exit code 3): that is a pause, not an error.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime

from bootstrap.errors import Interrupted, Paused
from bootstrap.events import ApprovalGiven, WaitingForPerson
from bootstrap.records import Frame
from bootstrap.report.round_sheets import write_sheets
from bootstrap.runs.approval_setting import adopt_configured, approval_of
from bootstrap.store.decisions import ApprovalOpened, ApprovalRequested, RoundApproved
from bootstrap.store.store import PERSON, Store

__all__ = ["await_approval"]

EVERY = 0.5
"""Seconds between two looks at a person's rows."""


def await_approval(store: Store, configured: str, *, attended: bool, stop_asked: Callable[[], bool]) -> None:
    """Wait until the last round may go on; nothing to do before the first has ended, or while one is under way.

    ``attended``: somebody sits at this process and is waited for. Raises Paused where a person is asked and nobody
    waits for them here, Interrupted when ``stop_asked`` says so.
    """
    adopt_configured(store, configured)
    rounds = store.rounds()
    if not rounds or rounds[-1].outcome is None or store.decided(RoundApproved, round=rounds[-1].number):
        return
    number = rounds[-1].number
    approved_by = _answered(store, number, configured) or _approved_by(store, number, configured)
    while not approved_by:
        _request(store, number, configured)
        if not attended and approval_of(store, configured).kind == "human":
            raise Paused(_reason(store, number), "the same command again")
        if stop_asked():
            raise Interrupted("stopped while waiting for a person")
        wait(EVERY)
        approved_by = _approved_by(store, number, configured)
    _approve(store, number, approved_by)


def wait(seconds: float) -> None:
    """Wait; a function of its own, so that tests need not."""
    time.sleep(seconds)


def moment() -> datetime:
    """The time, UTC: wall-clock time, which goes on while a laptop sleeps."""
    return datetime.now(UTC)


def _answered(store: Store, number: int, configured: str) -> str:
    """A run that left while it waited goes on when a person has judged since: that is their answer."""
    request = store.decided(ApprovalRequested, round=number)
    if request is None or approval_of(store, configured).kind != "human":
        return ""
    return PERSON if store.person.last().verdict > request.last_verdict else ""


def _approved_by(store: Store, number: int, configured: str) -> str:
    """Who approves the round now: "auto", "person" or "timed"; "" if it goes on waiting."""
    setting = approval_of(store, configured)
    if setting.kind == "auto":
        return "auto"
    if store.decided(ApprovalOpened, round=number):
        return PERSON
    request = store.decided(ApprovalRequested, round=number)
    over = setting.kind == "timed" and request is not None and moment() >= setting.deadline(request)
    return "timed" if over else ""


def _request(store: Store, number: int, configured: str) -> None:
    """Ask once: write the sheet of what is kept, then emit that a person is waited for."""
    if store.decided(ApprovalRequested, round=number):
        return
    setting = approval_of(store, configured)
    sheets = {path.name for path in write_sheets(store, store.directory / "sheets")}
    sheet = f"sheets/round-{number}.png" if f"round-{number}.png" in sheets else ""
    request = ApprovalRequested(number, moment().isoformat(timespec="seconds"), store.person.last().verdict)
    until = setting.deadline(request).isoformat(timespec="seconds") if setting.kind == "timed" else ""
    store.decide(request, WaitingForPerson(number, len(store.kept()), len(_unseen(store)), sheet, until))


def _approve(store: Store, number: int, by: str) -> None:
    """Store how the round was approved and which keeps nobody has seen; an event where a person was asked."""
    unseen = tuple(frame.job.id for frame in _unseen(store))
    judged = sum(verdict.by == PERSON for verdict in store.verdicts().values())
    asked = store.decided(ApprovalRequested, round=number) is not None
    event = ApprovalGiven(number, by, judged, len(unseen)) if asked else None
    store.decide(RoundApproved(number, by, judged, unseen), event)


def _unseen(store: Store) -> list[Frame]:
    """Kept frames that no person has judged."""
    verdicts = store.verdicts()
    return [frame for frame in store.kept() if verdicts[frame.job.id].by != PERSON]


def _reason(store: Store, number: int) -> str:
    run = store.directory
    sheet = run / "sheets" / f"round-{number}.png"
    look = f"look at '{sheet}' and " if sheet.is_file() else ""
    kept = f"{len(store.kept())} kept, {len(_unseen(store))} of them seen by nobody"
    judge = f"judge with `bootstrap review {run}`, or let it go on with `bootstrap approval {run} open`"
    return f"round {number} waits for you: {kept}; {look}{judge}"
