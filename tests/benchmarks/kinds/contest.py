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
from tests.benchmarks.puppetbench.panels import Images, panel_path, read_panel, write_panel

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
    row = {
        "key": stage.key,
        "kind": stage.kind,
        "character": stage.number,
        "name": stage.character.name,
        "contestant": contestant,
        "seconds": round(seconds, 1),
        "facts": dict(entry.facts),
        **judged(stage, images),
    }
    rows.write(work / stage.kind, row)
    log.info("%s %s: %s, %d s", stage.character.name, contestant, row["all"], seconds)
    return row


def judged(stage: KindStage, images: Images) -> rows.Row:
    """How surely pictures of the panel show the individual, and what was asked; ``both`` is the mean of the products.

    Likeness alone would be best served by a LoRA that draws the seeds again.
    """
    likeness, asked = np.asarray(stage.likeness(images)), np.asarray(stage.asked(images))
    means = {"both": likeness * asked, "likeness": likeness, "asked": asked}
    return {
        "all": {"pictures": len(images), **{name: round(float(each.mean()), 4) for name, each in means.items()}},
        **{name: [round(value, 4) for value in each.tolist()] for name, each in means.items()},
    }


def judge_again(stage: KindStage, contestant: str, work: Path) -> None:
    """Replace what was measured of a contestant's pictures, where there are any."""
    row = rows.read(work / stage.kind, stage.number, contestant)
    if row is None:
        return
    images = read_panel(panel_path(work / stage.kind, stage.number, contestant), len(stage.panel))
    rows.write(work / stage.kind, {**row, **judged(stage, images)})
