"""Verdicts of a person on frames that they name: what the page and the commands have in common.

Knows which pictures may be judged and how they may be called; what a word changes is the store's.
"""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from typing import Any

from bootstrap.errors import UsageError
from bootstrap.records import Frame, JobKind, Verdict, VerdictKind
from bootstrap.store.person import PERSON, Answer
from bootstrap.store.store import Store

__all__ = ["REASONS", "SAID", "checked_reasons", "judge", "named", "standing_of", "take_back"]

REASONS = ("face", "outfit", "hands", "view", "duplicate", "style")
"""What may be wrong with a picture, in a word."""
SAID = {"keep": VerdictKind.KEEP, "reject": VerdictKind.REJECT}
"""The verdicts that a person may give."""
SHORTEST_ENDING = 4


def checked_reasons(reasons: Sequence[str]) -> tuple[str, ...]:
    """The reasons, each once, in the order of `REASONS`. Raises UsageError for one that is none."""
    unknown = next((one for one in reasons if one not in REASONS), None)
    if unknown is not None:
        close = difflib.get_close_matches(unknown, REASONS, 1)
        hint = f'did you mean "{close[0]}"?' if close else f"choose of: {', '.join(REASONS)}"
        raise UsageError(f'"{unknown[:40]}" is no reason', hint)
    return tuple(one for one in REASONS if one in reasons)


def named(store: Store, names: Sequence[str]) -> list[Frame]:
    """The candidates with those ids, or whose ids end so, where that is only one; in the order of the names.

    Raises UsageError for the first name that means no candidate, or several: then nobody is judged.
    """
    frames = {frame.job.id: frame for frame in store.frames(kind=JobKind.CANDIDATE)}
    found = []
    for name in dict.fromkeys(names):
        ids = [name] if name in frames else [id for id in frames if len(name) >= SHORTEST_ENDING and id.endswith(name)]
        if len(ids) != 1:
            raise _unclear(store, name, ids, list(frames))
        found.append(frames[ids[0]])
    return found


def judge(
    store: Store,
    frame: Frame,
    kind: VerdictKind,
    reasons: Sequence[str] = (),
    seen: int | None = None,
    key: str | None = None,
) -> Answer:
    """Say keep or reject of a frame; see `bootstrap.store.person.Person.judge`. Raises UsageError for a reason."""
    verdict = Verdict(frame.job.id, kind, PERSON, checked_reasons(reasons))
    return store.person.judge(verdict, frame.job.round, frame.job.wave, seen, key)


def take_back(store: Store, frame: Frame, seen: int | None = None, key: str | None = None) -> Answer:
    """Withdraw the last word on a frame; see `bootstrap.store.person.Person.take_back`."""
    return store.person.take_back(frame.job.id, frame.job.round, frame.job.wave, seen, key)


def standing_of(store: Store, frames: Sequence[Frame]) -> list[dict[str, Any]]:
    """How frames stand, as plain data: id, verdict ("" if nobody judged), by whom, reasons."""
    verdicts = store.verdicts()
    return [_standing(frame.job.id, verdicts.get(frame.job.id)) for frame in frames]


def _standing(id: str, verdict: Verdict | None) -> dict[str, Any]:
    if verdict is None:
        return {"id": id, "verdict": "", "by": "", "reasons": []}
    return {"id": id, "verdict": verdict.kind.value, "by": verdict.by, "reasons": list(verdict.reasons)}


def _unclear(store: Store, name: str, ids: Sequence[str], known: Sequence[str]) -> UsageError:
    """Why a name means no candidate, and what does."""
    if ids:
        return UsageError(f'"{name}" means {len(ids)} candidates: {", ".join(ids[:4])}', "give more of the id")
    other = store.frame(name)
    if other is not None:
        return UsageError(f'"{name}" is a {other.job.kind.value}', "only candidates are judged")
    close = difflib.get_close_matches(name, known, 1)
    hint = f'did you mean "{close[0]}"?' if close else f"`bootstrap review {store.directory}` shows them with their ids"
    return UsageError(f'"{store.directory}" has no candidate "{name[:80]}"', hint)
