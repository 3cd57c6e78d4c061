"""Shapes of pictures: buckets of about one area, and which of them a picture is drawn in. Loads no model library."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from bootstrap.records import Box, Job, Shot, random_seed_of

__all__ = ["Shapes", "Size", "box_within", "bucket_for", "shape_of", "shape_of_shot"]

Size = tuple[int, int]
"""Width and height in pixels."""
SLIMMEST = 0.5
"""Shortest side of a bucket over that of a square of the same area; sd-scripts' 512 of 1024."""
STEPS = 64
"""Steps of the sides of what is drawn, in pixels: those of the buckets that SDXL was trained on."""


class Shapes(Protocol):
    """The settings of a drawer that say how large its pictures are."""

    @property
    def width(self) -> int:
        """Pixels."""

    @property
    def height(self) -> int:
        """Pixels."""

    @property
    def shapes(self) -> Mapping[str, tuple[Size, ...]]:
        """Framing → shapes in which its pictures are drawn, in turn; others have ``width`` and ``height``."""


def shape_of(settings: Shapes, job: Job) -> Size:
    """The shape in which a job is drawn: that of its shot."""
    return shape_of_shot(settings, job.shot)


def shape_of_shot(settings: Shapes, shot: Shot) -> Size:
    """The shape of a shot's pictures: one that its framing has, by what the shot is; else the base's.

    So pictures of one shot are of one shape, whoever draws them, and control pictures are made for it.
    """
    shapes = settings.shapes.get(shot.framing, ())
    if not shapes:
        return settings.width, settings.height
    ratio = shapes[random_seed_of("shape", shot.key) % len(shapes)]
    return bucket_for(ratio, (settings.width, settings.height), STEPS)


def box_within(box: Box, size: Size) -> Box:
    """A box of the square around a picture of this size, as fractions of the picture, clipped to it."""
    width, height = size
    if width == height:
        return box
    side = max(width, height)
    left, top = (side - width) / 2, (side - height) / 2
    edges = ((box[0] * side - left) / width, (box[1] * side - top) / height)
    ends = ((box[2] * side - left) / width, (box[3] * side - top) / height)
    return max(0.0, edges[0]), max(0.0, edges[1]), min(1.0, ends[0]), min(1.0, ends[1])


def bucket_for(size: Size, resolution: Size, steps: int) -> Size:
    """The bucket whose shape is nearest to a picture's: no larger in area than ``resolution``, sides in ``steps``.

    sd-scripts' ``make_bucket_resolutions`` (library/model_util.py); of equally near ones the larger.
    """
    area = resolution[0] * resolution[1]
    side = area**0.5
    longest, square = int(side / SLIMMEST), _stepped(side, steps)
    buckets = {(square, square)}
    for width in range(max(steps, _stepped(side * SLIMMEST, steps)), longest + 1, steps):
        buckets.add((width, min(_stepped(area / width, steps), longest)))
    fitting = {bucket for bucket in buckets if min(bucket) >= steps and bucket[0] * bucket[1] <= area}
    ratio = size[0] / size[1]

    def distance(bucket: Size) -> tuple[float, int, Size]:
        return round(abs(bucket[0] / bucket[1] - ratio), 6), -bucket[0] * bucket[1], bucket

    return min(fitting | {resolution}, key=distance)


def _stepped(length: float, steps: int) -> int:
    return int(length) // steps * steps
