"""A contestant's pictures of the panel, stored as one picture. Knows no model."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from bootstrap.store.files import write_image
from tests.benchmarks.puppetbench.settings import SIDE

Images = NDArray[np.uint8]
COLUMNS = 12
"""Pictures in a line."""


def panel_path(work: Path, character: int, contestant: str) -> Path:
    """The file of a contestant's pictures of the panel."""
    return work / "panels" / f"{character}-{contestant}.png"


def write_panel(path: Path, images: Images) -> None:
    """Write all pictures of a panel as one, `COLUMNS` in a line."""
    lines = -(-len(images) // COLUMNS)
    side = images.shape[1]
    whole = np.full((lines * side, COLUMNS * side, 3), 255, np.uint8)
    for place, image in enumerate(images):
        top, left = place // COLUMNS * side, place % COLUMNS * side
        whole[top : top + side, left : left + side] = image
    write_image(path, Image.fromarray(whole))


def read_panel(path: Path, number: int, side: int = SIDE) -> Images:
    """The first ``number`` pictures of a stored panel, uint8 (N, side, side, 3)."""
    with Image.open(path) as image:
        whole = np.asarray(image.convert("RGB"))
    places = [(place // COLUMNS * side, place % COLUMNS * side) for place in range(number)]
    return np.stack([whole[top : top + side, left : left + side] for top, left in places])
