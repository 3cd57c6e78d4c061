"""The state of a run as plain data that JSON can hold. Reads a store; knows no page and no picture."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from bootstrap.config import RunConfig, stored_config
from bootstrap.errors import ConfigError
from bootstrap.events import RunBegan
from bootstrap.records import Frame, VerdictKind
from bootstrap.runs.accepted import last_accepted
from bootstrap.runs.fakes import fake_note
from bootstrap.runs.peak_memory import PEAK
from bootstrap.runs.standing import finished, standing
from bootstrap.shots import quotas
from bootstrap.store.store import Store

__all__ = ["CONFIG", "place_quotas", "status", "view_families"]

CONFIG = "config"
"""The fact under which a run stores its resolved RunConfig, as JSON."""


def status(store: Store) -> dict[str, Any]:
    """Counts, view families, rounds, adapters and seconds of a run, and whether it is finished.

    ``view_families`` maps each view family, ``framings`` each framing, to ``kept``, ``provisional`` and ``quota`` (None
    when the run has stored no readable configuration); ``rounds`` lists number, phase, goal, how many of its frames are
    kept, and its outcome; ``fake`` tells a run of the fake backend; ``now`` is the present stage (see
    `bootstrap.runs.standing`); ``acceptance`` is what was found of the finished LoRA, None before.
    """
    kept = store.kept()
    provisional = store.frames_judged(VerdictKind.PROVISIONAL)
    family_quotas, framing_quotas = place_quotas(store)
    by_family = _counts(view_families(store), "view_family", kept, provisional, family_quotas)
    framings = framing_quotas or _shown("framing", store)
    missing = [name for name, counts in by_family.items() if not counts["kept"] and not counts["provisional"]]
    rounds = store.rounds()
    seconds = store.timings()
    return {
        "kept": len(kept),
        "provisional": len(provisional),
        "seeds": len(store.seeds()),
        "frames": len(store.frames()),
        "target": _target(store),
        "view_families": by_family,
        "framings": _counts(framings, "framing", kept, provisional, framing_quotas),
        "missing_view_families": missing,
        "phase": rounds[-1].phase if rounds else None,
        "finished": finished(store.events()),
        "fake": bool(fake_note(store)),
        "now": asdict(standing(store)),
        "rounds": _rounds(store, kept),
        "adapters": [adapter.path for adapter in store.adapters()],
        "acceptance": _acceptance(store),
        **_peaks(store),
        "total_seconds": round(sum(seconds.values()), 1),
        "seconds": {stage: round(spent, 1) for stage, spent in seconds.items()},
    }


def place_quotas(store: Store) -> tuple[dict[str, int], dict[str, int]]:
    """How many pictures each view family, and each framing, is to get in the whole run; {} when unknown."""
    config = _config(store)
    families: Counter[str] = Counter()
    framings: Counter[str] = Counter()
    if config:
        for (view_family, framing), count in quotas(config.loop.target, config.views).items():
            families[view_family] += count
            framings[framing] += count
    return dict(families), dict(framings)


def view_families(store: Store) -> list[str]:
    """The view families of the run's views file in its order; without a readable configuration, those of its frames."""
    config = _config(store)
    return list(config.views.families) if config else _shown("view_family", store)


def _config(store: Store) -> RunConfig | None:
    """The run's configuration; None where there is none, or none that can be read any more."""
    stored = store.recall(CONFIG)
    try:
        return stored_config(stored) if stored else None
    except ConfigError:
        return None


def _shown(axis: str, store: Store) -> list[str]:
    """The values that the run's frames have on an axis, in the order in which they first occur."""
    return list(dict.fromkeys(frame.job.shot[axis] for frame in store.frames()))


def _counts(
    names: Iterable[str], axis: str, kept: Sequence[Frame], provisional: Sequence[Frame], wanted: Mapping[str, int]
) -> dict[str, dict[str, int | None]]:
    """Kept frames, provisional frames and the quota of each of the axis' values."""
    kept_counts = Counter(frame.job.shot[axis] for frame in kept)
    provisional_counts = Counter(frame.job.shot[axis] for frame in provisional)
    found: dict[str, dict[str, int | None]] = {}
    for name in names:
        found[name] = {"kept": kept_counts[name], "provisional": provisional_counts[name], "quota": wanted.get(name)}
    return found


def _rounds(store: Store, kept: Sequence[Frame]) -> list[dict[str, Any]]:
    """A row for each round."""
    kept_counts = Counter(frame.job.round for frame in kept)
    found = []
    for one in store.rounds():
        found.append({
            "number": one.number,
            "phase": one.phase,
            "goal": one.goal,
            "kept": kept_counts[one.number],
            "ended": one.outcome is not None,
            "outcome": asdict(one.outcome) if one.outcome else None,
        })  # fmt: skip
    return found


def _acceptance(store: Store) -> dict[str, Any] | None:
    """What the finished LoRA does and does not, in sentences without a full stop, and the weight to draw with."""
    accepted = last_accepted(store)
    if accepted is None:
        return None
    told = {name: accepted.found[name] for name in ("summary", "strengths", "weaknesses", "advice")}
    return {"adapter": accepted.adapter, "weight": accepted.weight, **told}


def _target(store: Store) -> int | None:
    """How many kept frames the run wants now: by its settings, else as it began, else by its last round's goal."""
    if config := _config(store):
        return config.loop.target
    for event in store.events():
        if isinstance(event, RunBegan):
            return event.target
    rounds = store.rounds()
    return rounds[-1].goal if rounds else None


def _peaks(store: Store) -> dict[str, float | None]:
    """The most memory that a process of this run, and its accelerator, held at once, in MiB; None if never measured."""
    stored: dict[str, int] = json.loads(store.recall(PEAK) or "{}")
    return {"peak_memory_mib": _mebibytes(stored, "process"), "peak_device_memory_mib": _mebibytes(stored, "device")}


def _mebibytes(stored: Mapping[str, int], name: str) -> float | None:
    return round(stored[name] / 2**20, 1) if stored.get(name) else None
