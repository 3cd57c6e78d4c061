"""Draws a puppet in a shot, together with the ground truth of the drawing: mask, head box, landmarks.

Does NOT know captions or models.
"""

from __future__ import annotations

from dataclasses import dataclass
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from bootstrap.puppets.anatomy import Puppet
from bootstrap.puppets.backgrounds import VARIANTS, background
from bootstrap.puppets.drawing_style import DrawingStyle
from bootstrap.puppets.face_paint import landmarks
from bootstrap.puppets.figure import build_figure
from bootstrap.puppets.geometry import Flags, Float32s, Raster, rasterize, rotation
from bootstrap.puppets.scene import FRAMES, PuppetShot
from bootstrap.puppets.styles import develop
from bootstrap.puppets.surface import HEAD, PlacedPuppet, surface

SUPERSAMPLING = 2
"""Pixels of the raster on a side of a pixel of the picture."""


@dataclass(frozen=True)
class Drawing:
    """A picture and its ground truth.

    `image` uint8 (size, size, 3); `mask` bool (size, size), true on the figure; `head_box` (x0, y0, x1, y1) in
    pixels; `keypoints` (5, 2) pixels (x, y): viewer-left eye, viewer-right eye, nose, left and right mouth corner;
    `visible` (5,) bool; `yaw`, `pitch` in degrees.
    """

    image: NDArray[np.uint8]
    mask: NDArray[np.bool_]
    head_box: tuple[float, float, float, float]
    keypoints: NDArray[np.float32]
    visible: NDArray[np.bool_]
    yaw: float
    pitch: float


def render(
    puppet: Puppet,
    shot: PuppetShot,
    size: int = 96,
    rng: np.random.Generator | None = None,
    *,
    style: DrawingStyle | None = None,
    place: Float32s | None = None,
) -> Drawing:
    """Draw `puppet` in `shot`: the same drawing every time.

    Args:
        puppet: who is drawn.
        shot: how; the puppet must have its outfit.
        size: width and height in pixels, even.
        rng: jitters the composition and picks the variant of the background; without it the composition is exact and
            the variant depends on the shot alone.
        style: draws in an individual style in place of the shot's.
        place: (2 * size, 2 * size, 3) in [0, 1], stands behind the figure in place of the shot's background.
    """
    side = size * SUPERSAMPLING
    outfit = puppet.named.outfits[shot.outfit]
    origin, scale, variant = _compose(shot, side, rng)
    turn = rotation(shot.yaw, shot.pitch)
    solids = build_figure(puppet, outfit, shot.pose)
    raster = rasterize(solids, turn, origin, scale, side)
    behind = background(shot.background, variant, side) if place is None else place
    figure = PlacedPuppet(puppet, outfit, shot.expression, solids)
    layers = surface([figure], raster, scale, behind, night=shot.background == "night")
    picture = scaled_down(style.develop(layers) if style else develop(layers, shot.style))
    mask = scaled_down(layers.mask) >= 0.5
    keypoints, visible = _locate(puppet, raster, shot)
    return Drawing(
        image=(picture * 255).round().astype(np.uint8),
        mask=mask,
        head_box=_head_box(raster),
        keypoints=keypoints,
        visible=visible,
        yaw=shot.yaw,
        pitch=shot.pitch,
    )


def scaled_down(raster: Float32s | Flags) -> Float32s:
    """Means of blocks of `SUPERSAMPLING` pixels: (h, w, ...) to (h / SUPERSAMPLING, w / SUPERSAMPLING, ...)."""
    size = len(raster) // SUPERSAMPLING
    blocks = raster.reshape(size, SUPERSAMPLING, size, SUPERSAMPLING, *raster.shape[2:])
    return np.asarray(blocks.mean(axis=(1, 3)))


def _compose(shot: PuppetShot, side: int, rng: np.random.Generator | None) -> tuple[tuple[float, float], float, int]:
    """Pixel of the head's centre, pixels per head radius, and the background's variant."""
    x, y, radius = FRAMES[shot.framing]
    if rng is None:
        return (x * side, y * side), radius * side, _variant(shot)
    dx, dy = rng.uniform(-0.015, 0.015, 2)
    grown = radius * float(rng.uniform(0.97, 1.03))
    return ((x + float(dx)) * side, (y + float(dy)) * side), grown * side, int(rng.integers(VARIANTS))


def _variant(shot: PuppetShot) -> int:
    """The background variant of an exact composition: a checksum of the shot.

    The spelling is frozen ("family" is the field's first name): benchmark pictures and example seeds depend on it.
    """
    spelling = repr(shot).replace("view_family=", "family=", 1)
    return crc32(spelling.encode()) % VARIANTS


def _locate(puppet: Puppet, raster: Raster, shot: PuppetShot) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Landmarks in pixels of the final picture, and which of them face the viewer."""
    on_ball = landmarks(puppet.unnamed)
    offsets = on_ball @ raster.frames[HEAD].T
    normals = offsets @ raster.metrics[HEAD].T
    facing = normals[:, 2] / np.linalg.norm(normals, axis=1)
    keypoints = (raster.centers[HEAD, :2] + offsets[:, :2]) / SUPERSAMPLING
    visible = (facing > 0.12) & (shot.view_family != "behind")
    return keypoints.astype(np.float32), visible


def _head_box(raster: Raster) -> tuple[float, float, float, float]:
    """The box of the bare head, in pixels of the final picture."""
    reach = np.linalg.norm(raster.frames[HEAD][:2], axis=1)
    low, high = raster.centers[HEAD, :2] - reach, raster.centers[HEAD, :2] + reach
    x0, y0, x1, y1 = (float(value) / SUPERSAMPLING for value in (*low, *high))
    return x0, y0, x1, y1
