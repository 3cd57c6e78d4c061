"""The seeds as scorers compare with them. Loads no model."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bootstrap.config import PanelConfig
from bootstrap.pictures import open_picture
from bootstrap.records import Seed
from bootstrap.seeds import cuts
from bootstrap.store.replacing import require_whole
from scoring.measurement import Picture, digest_of

__all__ = ["references_of"]


def references_of(seeds: Sequence[Seed], run: Path, config: PanelConfig) -> list[Picture]:
    """The seeds that anchor, with their tighter crops, as Pictures: the only identity reference there is.

    Raises StoreError where the file of a seed is not the one that was stored.
    """
    found = []
    for seed in seeds:
        if not seed.anchor:
            continue
        require_whole(run / seed.path, seed.sha256, "seed pictures")
        image, _ = open_picture(run / seed.path)
        for cut in cuts(image, seed.framing, config.composition, max(256, min(image.size)), seed.head):
            if cut.kind != "altered":
                found.append(
                    Picture(cut.image, digest_of(cut.image), seed.view_family, cut.framing or config.usual_framing)
                )
    return found
