"""Taking the seeds into a run: their original bytes under their hash, and a caption for each view in them.

Where a picture is cropped, or a sheet is taken apart into a seed for each figure, the original is kept beside them.
Seeds that the run holds already stay as they are. Trains and draws nothing.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from pathlib import Path

from bootstrap.captions.wording import Wording
from bootstrap.config import PanelConfig
from bootstrap.errors import StoreError
from bootstrap.panel.models import PanelModels
from bootstrap.pictures import open_picture
from bootstrap.records import Seed
from bootstrap.seeds import SeedCaptioner, views_in
from bootstrap.seeds.heads import with_head
from bootstrap.store.files import write_atomic
from bootstrap.store.replacing import is_whole, set_aside
from bootstrap.store.store import Store

__all__ = ["take_in"]


def take_in(
    store: Store, wording: Wording, panel_models: PanelModels, panel: PanelConfig, pictures: Sequence[Path]
) -> list[Seed]:
    """Copy and caption the seeds that the run does not hold yet; returns all of them."""
    captioner = SeedCaptioner(wording, panel_models.read)
    held = {seed.path: seed.sha256 for seed in store.seeds()}
    for path in pictures:
        image, data = open_picture(path)
        stem, suffix = f"seeds/{hashlib.sha256(data).hexdigest()[:16]}", _suffix(path)
        for view in views_in(image, data, stem, suffix, whole=captioner.described_whole(path)):
            digest = hashlib.sha256(view.data).hexdigest()
            if view.name in held:
                _restore(store.directory / view.name, view.data, digest, held[view.name])
                continue
            write_atomic(store.directory / f"{stem}{suffix}", data)
            write_atomic(store.directory / view.name, view.data)
            seed = captioner.caption(path, view.name, digest, view.image, view.number)
            if panel_models.faces:
                seed = with_head(seed, view.image, panel_models.faces, panel)
            store.add_seed(seed)
            held[view.name] = digest
    return store.seeds()


def _restore(path: Path, data: bytes, digest: str, stored: str) -> None:
    """Write a seed that was lost or altered in the run again. Raises StoreError where it comes out as another one."""
    if is_whole(path, stored):
        return
    if digest != stored:
        raise StoreError(f"the seed '{path}' is lost or altered", "restore it from a copy")
    set_aside(path)
    write_atomic(path, data)


def _suffix(path: Path) -> str:
    """The end of a seed's name, as far as any system bears it in a file of ours."""
    suffix = path.suffix.lower()
    return suffix if re.fullmatch(r"\.[a-z0-9]{1,8}", suffix) else ""
