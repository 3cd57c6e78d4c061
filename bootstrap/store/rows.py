"""Records to rows and back. Knows the shape of every record and nothing of when they are written."""

from __future__ import annotations

import json
import math
import sqlite3
from collections.abc import Mapping
from dataclasses import asdict, fields
from typing import Any

from bootstrap import events
from bootstrap.events import Event
from bootstrap.records import (
    Adapter,
    Frame,
    Job,
    JobKind,
    Reference,
    Region,
    Round,
    RoundOutcome,
    Seed,
    Shot,
    Verdict,
    VerdictKind,
)
from scoring.measurement import Measurement, not_applicable

__all__ = [
    "adapter_from",
    "event_from",
    "finite",
    "frame_from",
    "job_from",
    "measurement_from",
    "picture_path",
    "round_from",
    "seed_from",
    "text_of",
    "verdict_from",
]

Row = sqlite3.Row


def text_of(record: Any) -> str:
    """A frozen record, or plain data, as one line of JSON."""
    plain = record if isinstance(record, dict | list | tuple) else asdict(record)
    return json.dumps(plain, ensure_ascii=False, separators=(",", ":"))


def job_from(text: str) -> Job:
    """The job that `text_of` wrote."""
    plain = json.loads(text)
    kind, shot = JobKind(plain["kind"]), Shot(**plain["shot"])
    references, regions = _references(plain), []
    for one in plain.get("regions", ()):
        regions.append(Region(**{**one, "references": _references(one)}))
    shown = {name: Reference(**plain[name]) if plain.get(name) else None for name in ("control", "start")}
    return Job(**{**plain, "kind": kind, "shot": shot, "references": references, "regions": tuple(regions), **shown})


def _references(plain: Mapping[str, Any]) -> tuple[Reference, ...]:
    return tuple(Reference(**one) for one in plain.get("references", ()))


def frame_from(row: Row) -> Frame:
    """The frame of a row that holds its job's ``record`` beside its own columns."""
    return Frame(job_from(row["record"]), row["path"], row["digest"], row["adapter"], row["drawer"])


def picture_path(job: Job) -> str:
    """Where the picture of a job lies in its run's folder."""
    return f"frames/r{job.round:02d}w{job.wave}/{job.id}.png"


def round_from(row: Row | Mapping[str, Any]) -> Round:
    """The round of a row; what an earlier version wrote of its outcome, and this one does not know, is left out."""
    outcome = None
    if row["outcome"]:
        plain, known = json.loads(row["outcome"]), {one.name for one in fields(RoundOutcome)}
        outcome = RoundOutcome(**{name: value for name, value in plain.items() if name in known})
    return Round(row["number"], row["phase"], row["goal"], outcome)


def seed_from(text: str) -> Seed:
    """The seed that `text_of` wrote."""
    plain = json.loads(text)
    head = plain.get("head")
    return Seed(**{**plain, "tags": tuple(plain["tags"]), "head": tuple(head) if head else None})


def adapter_from(text: str) -> Adapter:
    """The adapter that `text_of` wrote."""
    return Adapter(**json.loads(text))


def verdict_from(row: Row | Mapping[str, Any]) -> Verdict:
    """The verdict of a row."""
    reasons = tuple(json.loads(row["reasons"]))
    return Verdict(row["frame"], VerdictKind(row["kind"]), row["by"], reasons, row["p"], row["score"])


def measurement_from(row: Row | Mapping[str, Any]) -> Measurement:
    """The measurement of a row."""
    return Measurement(row["value"], row["why"])


def finite(measurement: Measurement) -> Measurement:
    """The measurement itself, or *not applicable* when its value is no number (SQLite would store NaN as NULL)."""
    if measurement.value is None or math.isfinite(measurement.value):
        return measurement
    return not_applicable(f"the value is not finite ({measurement.value})")


def event_from(row: Row | Mapping[str, Any]) -> Event:
    """The event of a row with ``kind`` and ``record``."""
    event: Event = getattr(events, row["kind"])(**json.loads(row["record"]))
    return event
