"""Pictures of a place: empty, or with a puppet that stands in front of it out of focus.

Does NOT know captions, models or runs.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bootstrap.puppets.anatomy import Puppet
from bootstrap.puppets.geometry import Float32s
from bootstrap.puppets.places import Place, PlaceView, show
from bootstrap.puppets.render import SUPERSAMPLING, render, scaled_down
from bootstrap.puppets.scene import PuppetShot

_BLUR = 2
"""Times that a figure out of focus is averaged over 3 x 3 pixels of a picture of 96."""


def picture_of_place(
    place: Place, view: PlaceView, visitor: tuple[Puppet, PuppetShot] | None = None, size: int = 96
) -> NDArray[np.uint8]:
    """The place as it is seen, uint8 (size, size, 3), with `visitor` out of focus in front where one is given."""
    behind = show(place, view, size * SUPERSAMPLING)
    empty = scaled_down(behind)
    if visitor is None:
        return np.asarray((empty * 255).round(), np.uint8)
    drawing = render(*visitor, size, place=behind)
    seen = np.asarray(drawing.image / 255, np.float32)
    near = np.asarray(drawing.mask[..., None], np.float32)
    for _ in range(max(round(_BLUR * size / 96), 1)):
        seen, near = _blurred(seen), _blurred(near)
    return np.asarray(((empty + (seen - empty) * near) * 255).round(), np.uint8)


def _blurred(picture: Float32s) -> Float32s:
    """Means of 3 x 3 pixels."""
    high, wide = picture.shape[:2]
    padded = np.pad(picture, ((1, 1), (1, 1), (0, 0)), mode="edge")
    total = sum(padded[row : row + high, column : column + wide] for row in range(3) for column in range(3))
    return np.asarray(total / np.float32(9), np.float32)
