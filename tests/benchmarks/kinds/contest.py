"""One contestant on an individual of a kind: its pictures are drawn, judged and stored as a row."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from bootstrap.shots import places
from tests.benchmarks.kinds.stage import KindStage
from tests.benchmarks.puppetbench import contestants, rows
from tests.benchmarks.puppetbench.contestants import Entry
from tests.benchmarks.puppetbench.panels import panel_path, write_panel

log = logging.getLogger(__name__)


def seeds(stage: KindStage) -> Entry:
    """A LoRA on the plain seed pictures, captioned and trained as our final one: the least effort."""
    items = [item for item in stage.training_set(stage.phase) if item.kind == "seed"]
    return contestants.trained_entry(stage, items, stage.phase, "seeds")


def ceiling(stage: KindStage) -> Entry:
    """A LoRA on as many true drawings as a finished set may hold, captioned and trained as our final one."""
    number = stage.settings.drawings
    shots = stage.engine.planner.plan(places(number, number, stage.config.views), stage.panel)
    return contestants.taught(stage, "ceiling", shots, stage.paint(shots), stage.phase)


WAYS: Mapping[str, Callable[[KindStage], Entry]] = {
    "base": lambda stage: Entry(None, "base"),
    "seeds": seeds,
    "ours": contestants.ours,
    "ceiling": ceiling,
}


def compete(stage: KindStage, contestant: str, work: Path) -> rows.Row:
    """The row of a contestant: read, or made and stored."""
    rows.require_key(work / stage.kind, stage.key)
    if row := rows.read(work / stage.kind, stage.number, contestant):
        return row
    _ = stage.panel  # planned before anything else
    began = time.monotonic()
    entry = WAYS[contestant](stage)
    seconds = time.monotonic() - began
    images = stage.draw(stage.panel, entry.adapter, entry.phase)
    write_panel(panel_path(work / stage.kind, stage.number, contestant), images)
    write_panel(panel_path(work / stage.kind, stage.number, "truth"), stage.paint(stage.panel))
    likeness = stage.likeness(images)
    row = {
        "key": stage.key,
        "kind": stage.kind,
        "character": stage.number,
        "name": stage.character.name,
        "contestant": contestant,
        "seconds": round(seconds, 1),
        "facts": dict(entry.facts),
        "all": {"pictures": len(images), "likeness": round(float(np.mean(likeness)), 4)},
        "likeness": [round(value, 4) for value in likeness],
    }
    rows.write(work / stage.kind, row)
    log.info("%s %s: likeness %.3f, %d s", stage.character.name, contestant, row["all"]["likeness"], seconds)
    return row
