"""One contestant: its pictures are drawn, judged and stored as a row. Does NOT know how a contestant gets its LoRA."""

from __future__ import annotations

import logging
import time
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from bootstrap.errors import UsageError
from bootstrap.puppets.casting import puppet_shot
from bootstrap.puppets.scene import ALL_VIEW_FAMILIES
from scoring.measurement import Picture, digest_of
from tests.benchmarks.puppetbench import measures, rows
from tests.benchmarks.puppetbench.contestants import CONTESTANTS, Contestant, Entry
from tests.benchmarks.puppetbench.counting import drawing_costs
from tests.benchmarks.puppetbench.gate import kept_and_true
from tests.benchmarks.puppetbench.panels import Images, panel_path, write_panel
from tests.benchmarks.puppetbench.settings import DEPENDS_ON
from tests.benchmarks.puppetbench.stage import Stage

log = logging.getLogger(__name__)

COPY = "copy"


def compete(stage: Stage, contestant: str, work: Path, way: Contestant | None = None) -> rows.Row:
    """The row of a contestant: read, or made and stored. ``way`` makes its LoRA; None: as in `CONTESTANTS`."""
    rows.require_key(work, stage.key)
    if row := rows.read(work, stage.number, contestant):
        _require_same_settings(work, stage, row)
        return row
    stage.prepare()
    began = time.monotonic()
    entry = (way or CONTESTANTS[contestant])(stage)
    seconds = time.monotonic() - began
    images = stage.draw(stage.panel, entry.adapter, entry.phase, shown=entry.shown)
    write_panel(panel_path(work, stage.number, contestant), images)
    write_panel(panel_path(work, stage.number, "truth"), stage.painted)
    row = {
        "key": stage.key,
        "own": stage.own_key(contestant),
        "character": stage.number,
        "name": stage.character.name,
        "contestant": contestant,
        "seeds": stage.settings.seeds,
        "phase": entry.phase,
        "seconds": round(seconds, 1),
        "drawn": entry.drawn,
        "trained": entry.trained,
        "panel": drawing_costs(len(images), stage.config.base.sampling),
        "facts": dict(entry.facts),
        **measured(stage, images),
        **_of_the_run(stage, contestant, entry),
    }
    rows.write(work, row)
    log.info("%s %s: identity %.3f, %d s", stage.character.name, contestant, row["all"]["identity"], seconds)
    return row


def _require_same_settings(work: Path, stage: Stage, row: rows.Row) -> None:
    """Raise UsageError when a row was made with other values of the settings that its contestant depends on."""
    contestant = row["contestant"]
    if row["own"] != stage.own_key(contestant):
        raise UsageError(
            f"the row of {row['name']}, {contestant}, in '{work}' was made with another {DEPENDS_ON[contestant]}",
            f"give another --work, or delete '{rows.row_path(work, stage.number, contestant)}' and the run beside it",
        )


def measured(stage: Stage, images: Images) -> dict[str, Any]:
    """Every measurement of the panel's pictures."""
    shots = stage.panel
    families = [shot.view_family for shot in shots]
    likeness = stage.truth.likeness(images, shots)
    same = likeness > np.array([stage.cuts[view_family] for view_family in families])
    pictures, copied, features = _seen(stage, images)
    columns = {"identity": likeness, "same": same.astype(np.float32), "copies": copied}
    found = measures.by_family(families, ALL_VIEW_FAMILIES, columns)
    for view_family in ALL_VIEW_FAMILIES:
        found[view_family]["diversity"] = round(measures.vendi(features[[one == view_family for one in families]]), 3)
    readings = stage.truth.judge.read(images)
    of_seed = dict(tag.split("=", 1) for tag in stage.engine.seeds[0].tags).get("background", "")
    overall = {name: round(float(values.mean()), 4) for name, values in columns.items()}
    return {
        "families": found,
        "all": {"pictures": len(pictures), **overall, "diversity": round(measures.vendi(features), 3)},
        "obeyed": measures.obeyed(readings, stage.puppet, [puppet_shot(shot) for shot in shots]),
        "bleed": measures.bleeds(readings["background"], [shot["background"] for shot in shots], of_seed),
        "likeness": [round(float(value), 4) for value in likeness],
    }


def _seen(stage: Stage, images: Images) -> tuple[list[Picture], measures.Floats, measures.Floats]:
    """The pictures, 1 where one copies a seed, and their vectors, by the scorers of the run."""
    judges = stage.engine.judges
    pictures = []
    for shot, image in zip(stage.panel, map(Image.fromarray, images), strict=True):
        pictures.append(Picture(image, digest_of(image), shot.view_family, shot.framing, {}))
    answers = [row[COPY].value for row in judges.panel.measure(pictures, only=[COPY])]
    copied = np.array([value is not None and value < 0 for value in answers], np.float32)
    return pictures, copied, judges.features.vectors(judges.encoder, pictures)


def _of_the_run(stage: Stage, contestant: str, entry: Entry) -> dict[str, Any]:
    """What the gate of a run admitted, against the truth."""
    if contestant != "ours":
        return {}
    store = next(one for one in stage.stores if one.directory.name == "ours")
    return {"gate": kept_and_true(store, stage.truth.likeness, stage.cuts)}
