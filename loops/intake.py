"""Taking the seeds into a run: their original bytes under their hash, and a caption for each view in them.

Where a picture is cropped, or a sheet is taken apart into a seed for each figure, the original is kept beside them.
Seeds that the run holds already stay as they are. Where there are many pictures, or figures of a sheet,
`loops.intake_many` sorts them out. Trains and draws nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

from bootstrap.captions.wording import Wording
from bootstrap.config import RunConfig
from bootstrap.dataset.seed_tags import seed_tagging
from bootstrap.errors import SeedError
from bootstrap.events import Progress
from bootstrap.panel.gathered_seeds import sifted_rows
from bootstrap.panel.models import PanelModels
from bootstrap.pictures import open_picture
from bootstrap.pictures.file_names import written_name
from bootstrap.records import Seed
from bootstrap.seeds import SeedCaptioner, views_in
from bootstrap.seeds.emptiness import nothing_drawn
from bootstrap.seeds.gathering import are_compared
from bootstrap.seeds.heads import with_head
from bootstrap.store.files import write_atomic
from bootstrap.store.store import Store
from loops.intake_many import take_in_many
from loops.seed_enlarging import SeedEnlarging
from loops.seed_files import restore_seed, seed_stem, seed_suffix

__all__ = ["take_in"]


def take_in(
    store: Store, wording: Wording, panel_models: PanelModels, config: RunConfig, side: int, pictures: Sequence[Path]
) -> list[Seed]:
    """Copy and caption the seeds that the run does not hold yet, for a base that draws ``side`` pixels.

    Returns all of them. A run that has begun with the figures of a sheet as they are keeps them so. Raises SeedError
    where nothing is drawn in one.
    """
    store.append_event(Progress("looking at the seeds", 0, 1))
    tag = seed_tagging(panel_models.tagger, wording.character, config.panel)
    captioner = SeedCaptioner(wording, panel_models.read, tag)
    enlarging = SeedEnlarging(store, config, panel_models, side)
    if sifted_rows(store) or (not store.rounds() and are_compared(pictures, captioner.described_whole)):
        take_in_many(store, captioner, panel_models, config, side, pictures, enlarging)
        return store.seeds()
    judged = not config.panel.fake and config.backend != "fake"
    held = {seed.path: seed.sha256 for seed in store.seeds()}
    figures = config.subject.figures
    for path in pictures:
        image, data = open_picture(path)
        stem, suffix = seed_stem(hashlib.sha256(data).hexdigest()), seed_suffix(path)
        for view in views_in(image, data, stem, suffix, whole=captioner.described_whole(path), figures=figures):
            view = enlarging.of(view)
            if view.name in held:
                restore_seed(store.directory / view.name, view.data, held[view.name])
                continue
            if store.rounds() and any(name.startswith(stem) for name in held):
                continue  # a run that began with the picture cut otherwise keeps it so
            if why := nothing_drawn(view.image) if judged else "":
                raise SeedError(f'"{written_name(path)}" {why}', f"give a picture of the {config.subject.called}")
            write_atomic(store.directory / f"{stem}{suffix}", data)
            write_atomic(store.directory / view.name, view.data)
            digest = hashlib.sha256(view.data).hexdigest()
            seed = captioner.caption(path, view.name, digest, view.image, view.number)
            if judged:
                close_ups = panel_models.close_ups(config.panel)
                seed = with_head(seed, view.image, panel_models.faces, config.panel, close_ups)
            store.add_seed(seed)
            held[view.name] = digest
    return store.seeds()
