"""Where a run stands, as plain data that JSON can hold. Reads a store; knows no page and no picture."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from pydantic import ValidationError

from bootstrap.config import RunConfig
from bootstrap.events import RunBegan
from bootstrap.records import FRAMINGS, VIEW_FAMILIES, Frame, VerdictKind
from bootstrap.runs.peak_memory import PEAK
from bootstrap.runs.standing import finished, standing
from bootstrap.shots import quotas
from bootstrap.store.store import Store

__all__ = ["CONFIG", "place_quotas", "status"]

CONFIG = "config"
"""The fact under which a run remembers its resolved RunConfig, as JSON."""


def status(store: Store) -> dict[str, Any]:
    """Counts, view families, rounds, adapters and seconds of a run, and whether it is finished.

    ``families`` maps each view family, ``framings`` each framing, to ``kept``, ``provisional`` and ``quota`` (None when
    the run has not remembered its configuration); ``rounds`` lists number, phase, goal, how many of its frames are
    kept, and its outcome; ``now`` is what it is doing (see `bootstrap.runs.standing`).
    """
    kept = store.kept()
    provisional = store.frames_judged(VerdictKind.PROVISIONAL)
    rounds = store.rounds()
    families, framings = place_quotas(store)
    there = Counter(frame.job.shot.view_family for frame in [*kept, *provisional])
    by_round = Counter(frame.job.round for frame in kept)
    return {
        "kept": len(kept),
        "provisional": len(provisional),
        "seeds": len(store.seeds()),
        "frames": len(store.frames()),
        "target": _target(store),
        "families": _counts(VIEW_FAMILIES, "view_family", kept, provisional, families),
        "framings": _counts(FRAMINGS, "framing", kept, provisional, framings),
        "missing_families": [view_family for view_family in VIEW_FAMILIES if not there[view_family]],
        "phase": rounds[-1].phase if rounds else None,
        "finished": finished(store.events()),
        "now": asdict(standing(store)),
        "rounds": [
            {"number": one.number, "phase": one.phase, "goal": one.goal, "kept": by_round[one.number],
             "ended": one.outcome is not None, "outcome": one.outcome}
            for one in rounds
        ],
        "adapters": [adapter.path for adapter in store.adapters()],
        **_peaks(store),
        "total_seconds": round(sum(store.timings().values()), 1),
        "seconds": {stage: round(seconds, 1) for stage, seconds in store.timings().items()},
    }  # fmt: skip


def place_quotas(store: Store) -> tuple[dict[str, int], dict[str, int]]:
    """How many pictures each view family, and each framing, is to get in the whole run; {} when it cannot be told."""
    remembered = store.recall(CONFIG)
    try:
        config = RunConfig.model_validate_json(remembered) if remembered else None
    except ValidationError:  # remembered by another version: a page without quotas is better than none
        config = None
    families: Counter[str] = Counter()
    framings: Counter[str] = Counter()
    if config:
        for (view_family, framing), count in quotas(config.loop.target, config.views).items():
            families[view_family] += count
            framings[framing] += count
    return dict(families), dict(framings)


def _counts(
    names: Iterable[str], axis: str, kept: list[Frame], provisional: list[Frame], wanted: dict[str, int]
) -> dict[str, dict[str, int | None]]:
    counts = [Counter(frame.job.shot[axis] for frame in frames) for frames in (kept, provisional)]
    return {
        name: {"kept": counts[0][name], "provisional": counts[1][name], "quota": wanted.get(name)} for name in names
    }


def _target(store: Store) -> int | None:
    """How many kept frames the run wants, as it announced when it began, or as its last round aims at."""
    targets = [event.target for event in store.events() if isinstance(event, RunBegan)]
    goals = [one.goal for one in store.rounds()]
    return next(iter([*targets, *goals[-1:]]), None)


def _peaks(store: Store) -> dict[str, float | None]:
    """The most memory that a process of this run, and its accelerator, held at once, in MiB; None if never noted."""
    known = json.loads(store.recall(PEAK) or "{}")
    names = {"peak_memory_mib": "process", "peak_device_memory_mib": "device"}
    return {said: round(known[name] / 2**20, 1) if known.get(name) else None for said, name in names.items()}
