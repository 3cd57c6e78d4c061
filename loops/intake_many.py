"""Taking in more pictures than can anchor a run, or the figures of sheets: sorted out, the anchors first.

What becomes of each picture is stored with the run before it begins, so that a continued run looks at none again. The
files of the person stay as they are; the run has copies of those that are taken. Trains and draws nothing.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from bootstrap.config import RunConfig
from bootstrap.panel.gathered_seeds import SIFTED, gathered_seeds, sifted_rows, sifting_sentences
from bootstrap.panel.models import PanelModels
from bootstrap.seeds import SeedCaptioner
from bootstrap.seeds.gathering import GatheredPicture, view_of
from bootstrap.seeds.sifting import Sifted
from bootstrap.store.files import sha256_of, write_atomic
from bootstrap.store.replacing import is_whole
from bootstrap.store.store import Store
from loops.seed_enlarging import SeedEnlarging
from loops.seed_files import restore_seed, seed_stem, seed_suffix

__all__ = ["sifting_notes", "take_in_many"]


def take_in_many(
    store: Store,
    captioner: SeedCaptioner,
    panel_models: PanelModels,
    config: RunConfig,
    side: int,
    pictures: Sequence[Path],
    enlarging: SeedEnlarging,
) -> None:
    """Sort the pictures out and take in the seeds; of a run that has them, write those that were lost again.

    Raises SeedError where none can be taken, StoreError where a lost one comes out as another picture.
    """
    if sifted_rows(store):
        _restore(store, pictures, enlarging, figures=config.subject.figures)
        return
    held = {seed.path: seed.sha256 for seed in store.seeds()}
    gathered = gathered_seeds(pictures, captioner, panel_models, config, side, enlarging.improved)
    for picture, seed in gathered.taken:
        stem, suffix = seed_stem(sha256_of(picture.path)), seed_suffix(picture.path)
        view, data = view_of(picture, stem, suffix, figures=config.subject.figures)
        view = enlarging.of(view)
        if view.name in held:
            restore_seed(store.directory / view.name, view.data, held[view.name])
            continue
        write_atomic(store.directory / f"{stem}{suffix}", data)
        write_atomic(store.directory / view.name, view.data)
        held[view.name] = hashlib.sha256(view.data).hexdigest()
        store.add_seed(replace(seed, path=view.name, sha256=held[view.name]))
    rows = []
    for picture, row in zip(gathered.pictures, gathered.rows, strict=True):
        rows.append({"sha256": sha256_of(picture.path), **row})
    store.remember(SIFTED, json.dumps(rows))


def sifting_notes(store: Store) -> list[str]:
    """What became of many pictures or of a sheet, in sentences; none for any other run."""
    rows = sifted_rows(store)
    return sifting_sentences(rows, store.seeds()) if rows else []


def _restore(store: Store, pictures: Sequence[Path], enlarging: SeedEnlarging, *, figures: bool) -> None:
    """Write seeds that were lost or altered in the run again."""
    lost = [seed for seed in store.seeds() if not is_whole(store.directory / seed.path, seed.sha256)]
    paths = {sha256_of(path): path for path in pictures if lost}
    for row in sifted_rows(store):
        stem = seed_stem(row["sha256"])
        if row["reason"] or not any(seed.path.startswith(stem) for seed in lost):
            continue
        path, box = paths[row["sha256"]], tuple(row["box"] or ()) or None
        picture = GatheredPicture(path, row["name"], row["number"], None, Sifted(box=box))
        view, _ = view_of(picture, stem, seed_suffix(path), figures=figures)
        view = enlarging.of(view)
        for seed in lost:
            if seed.path == view.name:
                restore_seed(store.directory / seed.path, view.data, seed.sha256)
