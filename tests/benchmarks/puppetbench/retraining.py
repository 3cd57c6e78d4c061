"""Repeats the last training of a finished run with other settings, on the same kept pictures.

Does NOT know the truth, nor how the pictures were chosen.
"""

from __future__ import annotations

from dataclasses import replace

from bootstrap.store.store import Store
from tests.benchmarks.puppetbench.contestants import Entry, trained_entry
from tests.benchmarks.puppetbench.stage import Stage
from tests.benchmarks.puppetbench.vary import SOURCE


def retrained(stage: Stage) -> Entry:
    """A character-phase LoRA on what the run in ``source`` kept, by the stage's own recipe, captions and shares."""
    with Store.open(stage.folder / SOURCE, exclusive=False) as store:
        engine = replace(stage.engine, store=store)
        archive = engine.archive()
        extra, number = archive.provisional, len(archive.rounds) + 1
        items = engine.training_sets.items(archive, number, "character", extra)
    entry = trained_entry(stage, items, "character", "retrain")
    kept = sum(item.kind == "kept" for item in items)
    return replace(entry, facts={**entry.facts, "kept": kept, "provisional": len(extra)})
