"""What came between while nobody looked, and what the run did about it, as HTML. Reads a store; decides nothing."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from itertools import pairwise
from typing import Any

from bootstrap.events import Incident
from bootstrap.runs.sessions import FINISHED, Session, sessions
from bootstrap.store.store import Store

__all__ = ["UNDELIVERED", "incidents", "night"]

UNDELIVERED = "undelivered"
"""The fact that says which messages to a person did not leave; it is no event, as a run does not depend on it."""

Line = tuple[str, str, str]
"""When (ISO 8601), what kind, and in words."""


def night(store: Store) -> str:
    """The section of the page: a line for each incident and for each time that the work broke off; "" for none."""
    lines, undelivered = incidents(store), store.recall(UNDELIVERED)
    if undelivered:
        lines.append(("", "messages", f"{undelivered}; the run went on without them"))
    if not lines:
        return ""
    cells = [(at.replace("T", " ")[:16], kind, said) for at, kind, said in lines]
    rows = "".join(f"<tr>{''.join(f'<td>{escape(one)}</td>' for one in line)}</tr>" for line in cells)
    return (
        '<h2 id="night">What came between</h2><p class="soft">Times are UTC.</p>'
        f'<div class="scroll"><table>{rows}</table></div>'
    )


def incidents(store: Store) -> list[Line]:
    """What happened and what was done about it, oldest first."""
    log = store.log()
    told = [(row["at"], row["what"], row["text"]) for row in log if row["kind"] == Incident.__name__]
    broken = [(one.ended or _last_sign(one, following, log), "stopped", _said(one, following))
              for one, following in _broken_off(sessions(store))]  # fmt: skip
    return sorted([*told, *broken])


def _broken_off(all_of_them: Sequence[Session]) -> list[tuple[Session, Session]]:
    """Sessions that did not finish, each with the one that went on; the present one is not among them."""
    return [(one, following) for one, following in pairwise(all_of_them) if one.why != FINISHED]


def _last_sign(one: Session, following: Session, log: Sequence[dict[str, Any]]) -> str:
    """When a session that could not say its end was last heard of."""
    signs = [row["at"] for row in log if one.began <= row["at"] < following.began]
    return max(signs, default=one.began)


def _said(one: Session, following: Session) -> str:
    why = one.why if one.ended else "cut off: killed, or the power went"
    return f"{why}; went on at {following.began.replace('T', ' ')[:16]}, nothing finished was lost"
