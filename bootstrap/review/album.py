"""What the page shows, as plain data: every candidate with its verdict and how doubtful it is, quotas, explanations.

Reads a store; decides nothing and knows no request.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from bootstrap.captions.wording import Wording
from bootstrap.character import stored_character
from bootstrap.config import stored_config
from bootstrap.dataset.frame_sights import kept_sights
from bootstrap.dataset.seen_tags import SeenTags
from bootstrap.errors import CharacterError, ConfigError
from bootstrap.records import Frame, JobKind, Verdict, VerdictKind
from bootstrap.report.scorer_roles import scorer_texts
from bootstrap.review.person_verdicts import reasons_of, verdict_fields
from bootstrap.review.plain_words import gate_sentences, legend, reading_of
from bootstrap.runs.approval_setting import waiting_round
from bootstrap.runs.status import place_quotas, view_families
from bootstrap.store.store import Store

__all__ = ["album", "caption_of", "explanation", "verdict_states"]

NOT_DESCRIBED = ("style",)
"""Axes that are left out where a frame is described in a line."""
NO_TAGS = ("outfit", "style")
"""Axes whose values are not offered as tags of a caption: an outfit has a name of its own."""
SURE = 99.0
"""The doubt of a frame that the gate did not rank: none at all."""


def album(store: Store) -> dict[str, Any]:
    """Everything that the page opens with: frames, seeds, quotas, reasons to choose from, and the round that waits."""
    frames, verdicts = store.frames(kind=JobKind.CANDIDATE), store.verdicts()
    cuts, versions = _cuts(frames, verdicts), store.person.versions()
    family_quotas, framing_quotas = place_quotas(store)
    rows = []
    for frame in frames:
        verdict = verdicts.get(frame.job.id)
        doubt = _doubt(frame, verdict, cuts)
        rows.append(
            {**_row(frame), **verdict_fields(verdict), "version": versions.get(frame.job.id, 0), "doubt": doubt}
        )
    return {
        "frames": rows,
        "seeds": [{"view_family": seed.view_family, "framing": seed.framing} for seed in store.seeds()],
        "quotas": {"view_family": family_quotas, "framing": framing_quotas},
        "view_families": view_families(store),
        "framings": list(framing_quotas),
        "reasons": list(reasons_of(store)),
        "legend": legend(store),
        "waits": waiting_round(store),
    }


def verdict_states(store: Store) -> dict[str, list[Any]]:
    """Frame id → version, verdict, by whom, reasons: small enough to be asked for again and again."""
    versions = store.person.versions()
    found = {}
    for id, verdict in store.verdicts().items():
        found[id] = [versions.get(id, 0), verdict.kind.value, verdict.by, list(verdict.reasons)]
    return found


def explanation(store: Store, frame: Frame) -> dict[str, Any]:
    """Why a frame has its verdict: the gate's p, every measurement or why there is none, all verdicts, its caption."""
    history = store.verdict_history(frame.job.id)
    return {
        "id": frame.job.id,
        **_gate_fields(history),
        "plain": gate_sentences(store, frame, history),
        "answers": _measurements(store, frame),
        "history": [verdict_fields(verdict) for verdict in history],
        "caption": caption_of(store, frame),
        "written": frame.job.id in store.person.captions(),
        "prompt": frame.job.prompt,
    }


def caption_of(store: Store, frame: Frame) -> str:
    """The caption that the finished set gives a frame: a person's, else the generated one; "" if unknown."""
    written = store.person.captions().get(frame.job.id)
    if written:
        return written
    try:
        config = stored_config(store.recall("config"))
        character = stored_character(store.recall("character"))
    except (ConfigError, CharacterError):
        return ""
    wording = Wording.of(character, config)
    frames = {one.job.id: one for one in (*store.kept(), frame)}
    measured = store.measurements(list(frames))
    seen = SeenTags(list(frames.values()), measured, config, wording, kept_sights(store))
    return ", ".join(seen.caption(frame, config.subject.finishing.name))


def _gate_fields(history: Sequence[Verdict]) -> dict[str, Any]:
    """The gate's latest verdict with its p and score; empty fields where it gave none."""
    for verdict in reversed(history):
        if verdict.by == "gate":
            score = _finite(verdict.score)
            return {"p": verdict.p, "score": score, "gate": verdict.kind.value, "reasons": list(verdict.reasons)}
    return {"p": None, "score": None, "gate": "", "reasons": []}


def _measurements(store: Store, frame: Frame) -> list[dict[str, Any]]:
    """Scorer, value and what it says, of every measurement; the value is None where the scorer is not applicable."""
    measured, texts = store.measurements([frame.job.id]).get(frame.job.id, {}), scorer_texts(store)
    found = []
    for name, measurement in sorted(measured.items()):
        found.append(
            {"scorer": name, "value": _finite(measurement.value), "why": reading_of(texts.get(name), measurement)}
        )
    return found


def _row(frame: Frame) -> dict[str, Any]:
    """What a frame shows."""
    shot = frame.job.shot
    return {
        "id": frame.job.id,
        "round": frame.job.round,
        "view_family": shot.view_family,
        "framing": shot.framing,
        "shows": ", ".join(value for axis, value in shot.axes.items() if axis not in NOT_DESCRIBED),
        "tags": [shot.framing, *(value for axis, value in shot.axes.items() if axis not in NO_TAGS)],
    }


def _doubt(frame: Frame, verdict: Verdict | None, cuts: Mapping[str, float]) -> float:
    """How near a frame's p lies to the gate's cut, in powers of ten: 0 is most doubtful."""
    cut = cuts.get(frame.job.shot.view_family)
    if verdict is None or not verdict.p or not cut:
        return SURE
    return round(abs(math.log10(verdict.p) - math.log10(cut)), 4)


def _cuts(frames: Sequence[Frame], verdicts: Mapping[str, Verdict]) -> dict[str, float]:
    """View family → the largest p that the gate kept."""
    cuts: dict[str, float] = {}
    for frame in frames:
        verdict = verdicts.get(frame.job.id)
        if verdict and verdict.p and verdict.kind is VerdictKind.KEEP:
            view_family = frame.job.shot.view_family
            cuts[view_family] = max(verdict.p, cuts.get(view_family, 0.0))
    return cuts


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None
