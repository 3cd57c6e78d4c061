"""A person's verdicts on frames that they name: what the page and the commands have in common.

Knows which pictures may be judged and how they may be called; what a verdict changes is the store's.
"""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from typing import Any

from bootstrap.config import stored_config
from bootstrap.errors import ConfigError, UsageError
from bootstrap.records import Frame, JobKind, Verdict, VerdictKind
from bootstrap.store.person import PERSON, Answer
from bootstrap.store.store import Store

__all__ = ["CHOICES", "candidates_named", "checked_reasons", "judge", "reasons_of", "take_back", "verdict_fields",
           "verdict_rows"]  # fmt: skip

CHOICES = {"keep": VerdictKind.KEEP, "reject": VerdictKind.REJECT}
"""The verdicts that a person may give, by name."""
SHORTEST_ENDING = 4
"""Characters of an id's ending that may stand for the whole."""


def reasons_of(store: Store) -> tuple[str, ...]:
    """What may be wrong with a picture of the run, in a word each: data of its kind of subject."""
    try:
        return stored_config(store.recall("config")).subject.reasons
    except ConfigError:
        return ()


def checked_reasons(store: Store, reasons: Sequence[str]) -> tuple[str, ...]:
    """The reasons, each once, in the order of `reasons_of`. Raises UsageError for an unknown one."""
    known = reasons_of(store) if reasons else ()
    for reason in reasons:
        if reason not in known:
            close = difflib.get_close_matches(reason, known, 1)
            hint = f'did you mean "{close[0]}"?' if close else f"choose from: {', '.join(known)}"
            raise UsageError(f'"{reason[:40]}" is not a reason', hint)
    return tuple(reason for reason in known if reason in reasons)


def candidates_named(store: Store, names: Sequence[str]) -> list[Frame]:
    """The candidates with those ids, or with ids that end so, where only one does; in the order of the names.

    Raises UsageError for the first name that means no candidate, or several: then no frame is judged.
    """
    frames = {frame.job.id: frame for frame in store.frames(kind=JobKind.CANDIDATE)}
    found = []
    for name in dict.fromkeys(names):
        ids = [name] if name in frames else _ending(list(frames), name)
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
    """Keep or reject a frame; see `bootstrap.store.person.Person.judge`. Raises UsageError for an unknown reason."""
    verdict = Verdict(frame.job.id, kind, PERSON, checked_reasons(store, reasons))
    return store.person.judge(verdict, frame.job.round, frame.job.wave, seen, key)


def take_back(store: Store, frame: Frame, seen: int | None = None, key: str | None = None) -> Answer:
    """Withdraw the last verdict on a frame; see `bootstrap.store.person.Person.take_back`."""
    return store.person.take_back(frame.job.id, frame.job.round, frame.job.wave, seen, key)


def verdict_rows(store: Store, frames: Sequence[Frame]) -> list[dict[str, Any]]:
    """The verdicts in force as plain data: id, verdict ("" if nobody judged), by whom, reasons."""
    verdicts = store.verdicts()
    return [{"id": frame.job.id, **verdict_fields(verdicts.get(frame.job.id))} for frame in frames]


def verdict_fields(verdict: Verdict | None) -> dict[str, Any]:
    """A verdict as plain data; empty fields for none."""
    if verdict is None:
        return {"verdict": "", "by": "", "reasons": []}
    return {"verdict": verdict.kind.value, "by": verdict.by, "reasons": list(verdict.reasons)}


def _ending(ids: Sequence[str], name: str) -> list[str]:
    """The ids that end with a name, if it is long enough to mean one."""
    if len(name) < SHORTEST_ENDING:
        return []
    return [id for id in ids if id.endswith(name)]


def _unclear(store: Store, name: str, ids: Sequence[str], candidates: Sequence[str]) -> UsageError:
    """The error for a name that does not mean exactly one candidate, with a hint at one that does."""
    if ids:
        return UsageError(f'"{name}" means {len(ids)} candidates: {", ".join(ids[:4])}', "give more of the id")
    other = store.frame(name)
    if other is not None:
        return UsageError(f'"{name}" is a {other.job.kind.value}', "only candidates are judged")
    close = difflib.get_close_matches(name, candidates, 1)
    hint = f"`bootstrap review {store.directory}` shows the candidates with their ids"
    if close:
        hint = f'did you mean "{close[0]}"?'
    return UsageError(f'"{store.directory}" has no candidate "{name[:80]}"', hint)
