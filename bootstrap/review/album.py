"""What the page shows, as plain data: every candidate with its verdict, how doubtful it is, quotas, and why.

Reads a store; decides nothing and knows no request.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from bootstrap.captions.wording import Wording
from bootstrap.character import Character
from bootstrap.config import RunConfig
from bootstrap.dataset.items import unseen_axes
from bootstrap.records import VIEW_FAMILIES, Frame, JobKind, Verdict, VerdictKind
from bootstrap.review.person_verdicts import REASONS
from bootstrap.runs.approval_setting import waiting_round
from bootstrap.runs.status import place_quotas
from bootstrap.store.store import Store

__all__ = ["album", "caption_of", "explanation", "words_on"]

SURE = 99.0
"""How doubtful a frame is that nobody ranked: not at all."""


def album(store: Store) -> dict[str, Any]:
    """Everything that the page opens with: frames, seeds, quotas, what may be said, and whether a round waits."""
    frames, verdicts = store.frames(kind=JobKind.CANDIDATE), store.verdicts()
    cuts, versions = _cuts(frames, verdicts), store.person.versions()
    families, framings = place_quotas(store)
    rows = [_row(frame, verdicts.get(frame.job.id), cuts, versions) for frame in frames]
    return {
        "frames": rows,
        "seeds": [{"view_family": seed.view_family, "framing": seed.framing} for seed in store.seeds()],
        "quotas": {"view_family": families, "framing": framings},
        "families": list(VIEW_FAMILIES),
        "reasons": list(REASONS),
        "waits": waiting_round(store),
    }


def words_on(store: Store) -> dict[str, list[Any]]:
    """Frame id → version, verdict, by whom, reasons: small enough to be asked for again and again."""
    versions = store.person.versions()
    return {
        id: [versions.get(id, 0), one.kind.value, one.by, list(one.reasons)] for id, one in store.verdicts().items()
    }


def explanation(store: Store, frame: Frame) -> dict[str, Any]:
    """Why a frame is judged as it is: the gate's p, its weakest scorer, each answer with what it could not tell."""
    history = store.verdict_history(frame.job.id)
    gate = next((one for one in reversed(history) if one.by == "gate"), None)
    answers = store.measurements([frame.job.id]).get(frame.job.id, {})
    return {
        "id": frame.job.id,
        "p": gate.p if gate else None,
        "score": _finite(gate.score) if gate else None,
        "gate": gate.kind.value if gate else "",
        "reasons": list(gate.reasons) if gate else [],
        "answers": [
            {"scorer": name, "value": _finite(one.value), "why": one.why} for name, one in sorted(answers.items())
        ],
        "history": [{"verdict": one.kind.value, "by": one.by, "reasons": list(one.reasons)} for one in history],
        "caption": caption_of(store, frame),
        "written": frame.job.id in store.person.captions(),
        "prompt": frame.job.prompt,
    }


def caption_of(store: Store, frame: Frame) -> str:
    """The caption that the finished set gives a frame: a person's, else the generated one; "" if it cannot be told."""
    if written := store.person.captions().get(frame.job.id):
        return written
    try:
        config = RunConfig.model_validate_json(store.recall("config") or "")
        character = Character.model_validate_json(store.recall("character") or "")
    except ValidationError:
        return ""
    wording = Wording.of(character, config)
    unseen = unseen_axes(store.measurements([frame.job.id]).get(frame.job.id, {}))
    return ", ".join(wording.caption(frame.job.shot, config.subject.finishing.name, unseen))


def _row(
    frame: Frame, verdict: Verdict | None, cuts: Mapping[str, float], versions: Mapping[str, int]
) -> dict[str, Any]:
    shot = frame.job.shot
    p = verdict.p if verdict else None
    cut = cuts.get(shot.view_family)
    doubt = abs(math.log10(p) - math.log10(cut)) if p and cut else SURE
    return {
        "id": frame.job.id,
        "round": frame.job.round,
        "view_family": shot.view_family,
        "framing": shot.framing,
        "shows": ", ".join((shot["expression"], shot["pose"], shot["outfit"], shot["background"])),
        "tags": [shot.framing, shot["expression"], shot["pose"], shot["background"]],
        "verdict": verdict.kind.value if verdict else "",
        "by": verdict.by if verdict else "",
        "reasons": list(verdict.reasons) if verdict else [],
        "version": versions.get(frame.job.id, 0),
        "doubt": round(doubt, 4),
    }


def _cuts(frames: list[Frame], verdicts: Mapping[str, Verdict]) -> dict[str, float]:
    """View family → the largest p that the gate kept: the nearer a frame's p, the less sure it is."""
    cuts: dict[str, float] = {}
    for frame in frames:
        one = verdicts.get(frame.job.id)
        if one and one.p and one.kind is VerdictKind.KEEP:
            cuts[frame.job.shot.view_family] = max(one.p, cuts.get(frame.job.shot.view_family, 0.0))
    return cuts


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None
