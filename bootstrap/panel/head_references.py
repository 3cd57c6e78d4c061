"""References of which a drawer is shown the head alone, as adapters of faces were trained to see them.

The crops lie in the run under their digest. A head that nobody found is cut as the framing usually has it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from PIL import Image

from bootstrap.config import PanelConfig
from bootstrap.panel.models import PanelModels
from bootstrap.pictures import open_picture, square
from bootstrap.records import Box, Reference, Seed
from bootstrap.store.files import write_image
from scoring.measurement import Picture, digest_of

__all__ = ["head_of_reference", "heads_of_seeds"]

FOLDER = "references"
"""Of the crops, in a run."""
LEAST = 224
"""Pixels of their side at least: what image encoders see."""


def heads_of_seeds(seeds: Sequence[Seed], run: Path, models: PanelModels, panel: PanelConfig) -> list[Seed]:
    """The seeds that anchor, each with the path and digest of its head instead of the whole picture."""
    found = []
    for seed in seeds:
        if seed.anchor:
            whole = Reference(seed.path, seed.sha256, 1.0)
            head = head_of_reference(whole, seed.framing, run, models, panel, seed.head)
            found.append(replace(seed, path=head.path, sha256=head.sha256))
    return found


def head_of_reference(
    whole: Reference, framing: str, run: Path, models: PanelModels, panel: PanelConfig, known: Box | None = None
) -> Reference:
    """The head of a reference, written into the run; ``known`` is its place in the square around the picture.

    Raises OutputError where it cannot be written.
    """
    image = square(open_picture(run / whole.path, 1)[0])
    box = known or models.crops(panel).found(Picture(image, digest_of(image), "", framing))
    box = box or panel.composition.get(framing, {}).get("head", (0.0, 0.0, 1.0, 1.0))
    left, top, right, bottom = (round(one * image.width) for one in box)
    head = square(image.crop((left, top, right, bottom)))
    if head.width < LEAST:
        head = head.resize((LEAST, LEAST), Image.Resampling.LANCZOS)
    digest = digest_of(head)
    path = f"{FOLDER}/{digest[:16]}.png"
    if not (run / path).is_file():
        write_image(run / path, head)
    return Reference(path, digest, whole.strength)
