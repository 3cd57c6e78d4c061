"""The live page of a run: where it stands, how long it takes, and its pictures with their verdicts as they come.

Served with the review page, behind the same guard; refreshes by itself while the run goes on. Knows no engine: it reads
the store beside it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from bootstrap.events import RoundBegan
from bootstrap.records import Frame, JobKind, Verdict
from bootstrap.review.person_verdicts import verdict_fields
from bootstrap.review.plain_words import gate_sentences
from bootstrap.runs.fakes import fake_note
from bootstrap.runs.following import engine_is_running
from bootstrap.runs.present_stage import with_progress
from bootstrap.runs.sentences import kept_of, now_told, purpose, short_sentence
from bootstrap.runs.standing import standing
from bootstrap.runs.status import status
from bootstrap.store.store import Store

__all__ = ["LIVE", "live_state"]

LIVE = "/live"
GATE = "gate"
LATEST = 24
"""Pictures that the page shows."""
LINES = 12
"""Events that the page shows."""


def live_state(store: Store) -> dict[str, Any]:
    """What the live page shows, as plain data: counts, the stage with seconds left, the latest pictures and events."""
    facts, running, now = status(store), engine_is_running(store.directory), standing(store)
    if running:
        now = with_progress(store.directory, now)
    elif now.stage != "finished":
        now = replace(now, left=None)
    phase = facts["phase"] or ""
    begun = [event for event in store.events() if isinstance(event, RoundBegan)]
    if begun and now.stage != "finished":
        phase = begun[-1].phase
    verdicts = store.verdicts()
    frames = sorted(store.frames(kind=JobKind.CANDIDATE), key=lambda frame: (frame.job.round, frame.job.wave))
    latest = [_picture(store, frame, verdicts.get(frame.job.id)) for frame in frames[-LATEST:]]
    told = [line for line in map(short_sentence, store.events()) if line]
    return {
        "fake": fake_note(store),
        "running": running,
        "finished": facts["finished"],
        "kept": f"{kept_of(facts['kept'], facts['target'])}, {facts['provisional']} provisional",
        "now": "finished" if facts["finished"] else now_told(now),
        "done": now.done,
        "total": now.total,
        "purpose": f"{phase} phase: {purpose(phase)}" if phase and not facts["finished"] else "",
        "view_families": facts["view_families"],
        "frames": latest[::-1],
        "events": told[-LINES:],
    }


def _picture(store: Store, frame: Frame, verdict: Verdict | None) -> dict[str, Any]:
    """What a picture was asked to show, its verdict, and why, in a sentence where the gate gave it."""
    shot = frame.job.shot
    found = {"id": frame.job.id, "round": frame.job.round, "shot": f"{shot.view_family}, {shot.framing}"}
    found |= verdict_fields(verdict)
    if verdict and verdict.by == GATE and verdict.reasons:
        found["reasons"] = gate_sentences(store, frame, [verdict])[:1]
    return found
