"""What version 3 of the database changes in the rows of an earlier run: names of fields, kinds and events.

Plain data only. The record types of today are not used, for they will change again and this step must not. Decisions
used to be pairs of strings whose name carried the meaning; each becomes a typed record. What fits no type is kept as
an ``EarlierDecision``.
"""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Callable
from contextlib import suppress
from typing import Any

__all__ = ["rename_records", "type_decisions"]

Plain = dict[str, Any]
Read = Callable[[re.Match[str], str], Plain]
SHOT_AXES = ("expression", "pose", "outfit", "background", "style")
"""Fields of an earlier shot that are entries of its axes now, in the order of its key."""
EVENTS = {"GatePassed": "ApprovalGiven"}
FACTS = {"gate": "approval", "gate-asked": "approval_configured", "worked": "seconds_worked"}
TORN = (ValueError, KeyError, TypeError, AttributeError)
"""What a record raises that is not what was written; it stays as it is, and recovery sets it aside."""
PERSON, DEFAULT_DRAWER = "person", "diffusers"


def rename_records(db: sqlite3.Connection) -> None:
    """Jobs, seeds, events and facts under the names of today; frames say which drawer drew them."""
    for row in db.execute("SELECT seq, record FROM jobs").fetchall():
        with suppress(*TORN):
            record = json.dumps(_job(json.loads(row[1])), ensure_ascii=False, separators=(",", ":"))
            db.execute("UPDATE jobs SET record = ? WHERE seq = ?", (record, row[0]))
    db.execute("UPDATE jobs SET kind = 'probe' WHERE kind = 'panel'")
    for row in db.execute("SELECT seq, record FROM seeds").fetchall():
        with suppress(*TORN):
            record = json.dumps(_with_view_family(json.loads(row[1])), ensure_ascii=False, separators=(",", ":"))
            db.execute("UPDATE seeds SET record = ? WHERE seq = ?", (record, row[0]))
    for old, new in EVENTS.items():
        db.execute("UPDATE events SET kind = ? WHERE kind = ?", (new, old))
    for old, new in FACTS.items():
        db.execute("UPDATE facts SET name = ? WHERE name = ?", (new, old))
    _name_encoder(db)
    db.execute("ALTER TABLE frames ADD COLUMN drawer TEXT NOT NULL DEFAULT ''")
    db.execute("UPDATE frames SET drawer = ?", (_drawer(db),))
    own = "UPDATE frames SET drawer = ? WHERE id IN (SELECT id FROM jobs WHERE round = 0)"
    db.execute(own, (PERSON,))


def type_decisions(db: sqlite3.Connection) -> None:
    """Decisions by type and key, in the order in which they were taken."""
    found = db.execute("SELECT seq, name, value FROM decisions ORDER BY seq").fetchall()
    db.execute("DROP TABLE decisions")
    db.execute(
        "CREATE TABLE decisions (seq INTEGER PRIMARY KEY, kind TEXT NOT NULL, key TEXT NOT NULL, record TEXT NOT NULL,"
        " UNIQUE (kind, key))"
    )
    for seq, name, value in found:
        kind, key, plain = _typed(name, value)
        values = json.dumps([plain[field] for field in key], ensure_ascii=False)
        record = json.dumps(plain, ensure_ascii=False, separators=(",", ":"))
        db.execute("INSERT INTO decisions (seq, kind, key, record) VALUES (?, ?, ?, ?)", (seq, kind, values, record))


def _drawer(db: sqlite3.Connection) -> str:
    """The backend that the run was configured with: it has drawn every picture but a person's own."""
    row = db.execute("SELECT value FROM facts WHERE name = 'config'").fetchone()
    try:
        config = json.loads(row[0]) if row else {}
    except ValueError:
        return DEFAULT_DRAWER
    return str(config.get("backend", DEFAULT_DRAWER))


def _name_encoder(db: sqlite3.Connection) -> None:
    """A fact with the encoder's fingerprint, which was the first part of that of the scorer "copy"."""
    row = db.execute("SELECT value FROM facts WHERE name = 'models'").fetchone()
    try:
        models = json.loads(row[0]) if row else {}
    except ValueError:
        return
    if "copy" in models:
        fingerprint = str(models["copy"]).rpartition(":")[0]
        db.execute("INSERT INTO facts (name, value) VALUES ('encoder', ?)", (fingerprint,))


def _job(plain: Plain) -> Plain:
    shot = _with_view_family(plain["shot"])
    shot["axes"] = {axis: shot.pop(axis) for axis in SHOT_AXES if axis in shot}
    plain["shot"] = shot
    plain["random_seed"] = plain.pop("seed")
    if plain["kind"] == "panel":
        plain["kind"] = "probe"
    return plain


def _with_view_family(plain: Plain) -> Plain:
    plain["view_family"] = plain.pop("family")
    return plain


def _typed(name: str, value: str) -> tuple[str, tuple[str, ...], Plain]:
    """Type, names of the key fields, and fields of a decision of an earlier version."""
    for pattern, kind, key, read in DECISIONS:
        found = re.fullmatch(pattern, name)
        if found is None:
            continue
        try:
            return kind, key, read(found, value)
        except (ValueError, KeyError, TypeError):  # a torn value: kept as it is
            break
    return "EarlierDecision", ("name",), {"name": name, "value": value}


def _approval_requested(found: re.Match[str], value: str) -> Plain:
    plain = json.loads(value)
    return {"round": int(found[1]), "since": plain["at"], "last_verdict": plain["spoken"]}


def _approval_opened(found: re.Match[str], value: str) -> Plain:
    return {"round": int(found[1])}


def _round_approved(found: re.Match[str], value: str) -> Plain:
    plain = json.loads(value)
    return {"round": int(found[1]), "by": plain["by"], "judged": plain["judged"], "unseen": plain["unseen"]}


def _person_boundary(found: re.Match[str], value: str) -> Plain:
    plain = json.loads(value)
    again = found[2] is not None
    return {"rounds": int(found[1]), "again": again, "verdict": plain["verdict"], "caption": plain["caption"]}


def _verdict_fit(found: re.Match[str], value: str) -> Plain:
    return {"round": int(found[1]), "wave": int(found[2]), **json.loads(value)}


def _batch_limit(found: re.Match[str], value: str) -> Plain:
    work = "training" if found[1] else "drawing"
    return {"work": work, "failed": int(found[2]), "size": int(value)}


def _gradient_checkpointing(found: re.Match[str], value: str) -> Plain:
    return {}


def _final_candidates(found: re.Match[str], value: str) -> Plain:
    return {"round": int(found[1]), "adapters": json.loads(value)}


def _deadline(found: re.Match[str], value: str) -> Plain:
    return {"until": found[1], "night": int(found[2]), "at": value}


def _audit_sample(found: re.Match[str], value: str) -> Plain:
    plain = json.loads(value)
    return {"round": int(found[1]), "population": plain["population"], "gate": plain["gate"]}


def _round_budget(found: re.Match[str], value: str) -> Plain:
    return {"budget": found[1], "round": int(found[2]), "phase": None if value == "no" else value}


def _wave_budget(found: re.Match[str], value: str) -> Plain:
    return {"budget": found[1], "round": int(found[2]), "wave": int(found[3]), "begun": value == "yes"}


def _wave_cut(found: re.Match[str], value: str) -> Plain:
    wave = {"budget": found[1], "round": int(found[2]), "wave": int(found[3])}
    return {**wave, "lookalikes": found[4] == "lookalike", "undrawn": int(value)}


DECISIONS: tuple[tuple[str, str, tuple[str, ...], Read], ...] = (
    (r"gate-closed-r(\d+)", "ApprovalRequested", ("round",), _approval_requested),
    (r"gate-open-r(\d+)", "ApprovalOpened", ("round",), _approval_opened),
    (r"gate-r(\d+)", "RoundApproved", ("round",), _round_approved),
    (r"heard-(\d+)(-again)?", "PersonBoundary", ("rounds", "again"), _person_boundary),
    (r"lesson-r(\d+)w(\d+)", "VerdictFit", ("round", "wave"), _verdict_fit),
    (r"(training )?pictures at once, not (\d+)", "BatchLimit", ("work", "failed"), _batch_limit),
    (r"gradient_checkpointing", "GradientCheckpointing", (), _gradient_checkpointing),
    (r"final-r(\d+)", "FinalCandidates", ("round",), _final_candidates),
    (r"until (.+), night (\d+)", "Deadline", ("until", "night"), _deadline),
    (r"audit-r(\d+)", "AuditSample", ("round",), _audit_sample),
    (r"(.+): round (\d+)", "RoundBudget", ("budget", "round"), _round_budget),
    (r"(.+): round (\d+), wave (\d+)", "WaveBudget", ("budget", "round", "wave"), _wave_budget),
    (r"(.+): round (\d+), wave (\d+), (\w+)", "WaveCut", ("budget", "round", "wave", "lookalikes"), _wave_cut),
)
"""Pattern of the earlier name, type and key of today, and how its fields are read."""
