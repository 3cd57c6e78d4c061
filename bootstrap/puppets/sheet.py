"""`python -m bootstrap.puppets.sheet OUT.png`: a sheet of puppets, one a row, one view a column.

Does NOT know runs or models.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from bootstrap.puppets.anatomy import sample_puppet
from bootstrap.puppets.render import render
from bootstrap.puppets.scene import ALL_FRAMINGS, ALL_VIEW_FAMILIES, sample_shot


def draw_sheet(rows: int = 8, columns: int = 12, size: int = 96, first: int = 0) -> NDArray[np.uint8]:
    """Puppets number `first`, `first` + 1, ...: uint8 (rows * size, columns * size, 3)."""
    lines = []
    for row in range(rows):
        puppet = sample_puppet(first + row)
        rng = np.random.default_rng([first + row, 3])
        cells = []
        for column in range(columns):
            view_family = ALL_VIEW_FAMILIES[column % len(ALL_VIEW_FAMILIES)]
            shot = sample_shot(rng, view_family=view_family, framing=ALL_FRAMINGS[(column + row + column // 6) % 4])
            cells.append(render(puppet, shot, size).image)
        lines.append(np.concatenate(cells, axis=1))
    return np.concatenate(lines, axis=0)


if __name__ == "__main__":
    Image.fromarray(draw_sheet()).save(Path(sys.argv[1] if len(sys.argv) > 1 else "puppets.png"))
