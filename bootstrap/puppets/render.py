"""Draws a puppet in a shot, together with the ground truth of the drawing: mask, head box, landmarks.

Does NOT know captions or models.
"""

from __future__ import annotations

from dataclasses import dataclass
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from bootstrap.puppets.anatomy import Puppet, PuppetOutfit
from bootstrap.puppets.backgrounds import VARIANTS, background
from bootstrap.puppets.chest import paint_chest
from bootstrap.puppets.face_paint import Patch, landmarks, paint_face
from bootstrap.puppets.figure import build_figure
from bootstrap.puppets.geometry import (
    FAR,
    BodyPart,
    Flags,
    Float32s,
    Raster,
    Solid,
    own_coordinates,
    rasterize,
    rotation,
)
from bootstrap.puppets.scene import FRAMES, PuppetShot
from bootstrap.puppets.styles import Layers, develop

_SUPERSAMPLING = 2
_HEAD, _TORSO = 0, 1
_LIGHT = np.array((-0.42, -0.66, 0.62), np.float32)  # pixel rows grow downwards
_LINED = 192  # side of the raster, in pixels, on which a line is as wide as the pixels beside a border
_STEP = 0.20  # a depth step inside one part that deserves a line, in head radii
_GLOSS = 0.955


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


def render(puppet: Puppet, shot: PuppetShot, size: int = 96, rng: np.random.Generator | None = None) -> Drawing:
    """Draw `puppet` in `shot`: the same drawing every time.

    Args:
        puppet: who is drawn.
        shot: how; the puppet must have its outfit.
        size: width and height in pixels, even.
        rng: jitters the composition and picks the variant of the background; without it the composition is exact and
            the variant depends on the shot alone.
    """
    side = size * _SUPERSAMPLING
    outfit = puppet.named.outfits[shot.outfit]
    origin, scale, variant = _compose(shot, side, rng)
    turn = rotation(shot.yaw, shot.pitch)
    solids = build_figure(puppet, outfit, shot.pose)
    raster = rasterize(solids, turn, origin, scale, side)
    layers = _paint(puppet, outfit, shot, solids, raster, scale, background(shot.background, variant, side))
    picture = develop(layers, shot.style).reshape(size, _SUPERSAMPLING, size, _SUPERSAMPLING, 3).mean(axis=(1, 3))
    mask = layers.mask.reshape(size, _SUPERSAMPLING, size, _SUPERSAMPLING).mean(axis=(1, 3)) >= 0.5
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


def _paint(
    puppet: Puppet,
    outfit: PuppetOutfit,
    shot: PuppetShot,
    solids: list[Solid],
    raster: Raster,
    scale: float,
    place: Float32s,
) -> Layers:
    """Flat colours, shade, decals and lines of everything that the rays hit."""
    mask = raster.nearest >= 0
    parts = np.array([s.part for s in solids] + [-1], np.int8)[raster.nearest]
    color = np.array([*(s.color for s in solids), (0, 0, 0)], np.float32)[raster.nearest]
    tone = _shade(raster, mask, parts)
    line = _lines(raster, parts, scale)
    for index in (_HEAD, _TORSO):
        rows, columns = np.nonzero(raster.nearest == index)
        if not rows.size:
            continue
        patch = Patch(*own_coordinates(raster, index, rows, columns), color[rows, columns], 1.0 / scale)
        if index == _HEAD:
            paint_face(patch, puppet, shot.expression, solids[_HEAD].color)
        else:
            paint_chest(patch, puppet, outfit.top)
        color[rows, columns] = patch.color
        line[rows, columns] |= patch.ink
        tone[rows, columns] *= ~patch.fresh
    return Layers(color, tone, line, mask, place, shot.background == "night")


def _shade(raster: Raster, mask: Flags, parts: NDArray[np.int8]) -> Float32s:
    """-1 where a surface turns from the light (half of it on skin), +1 on the gloss of hair, else 0."""
    rows, columns = np.nonzero(mask)
    index = raster.nearest[rows, columns]
    centers = raster.centers[index]
    dx, dy = columns + np.float32(0.5) - centers[:, 0], rows + np.float32(0.5) - centers[:, 1]
    dz = raster.depth[rows, columns] - centers[:, 2]
    m = raster.metrics.reshape(-1, 9)[index]
    nx = m[:, 0] * dx + m[:, 1] * dy + m[:, 2] * dz
    ny = m[:, 3] * dx + m[:, 4] * dy + m[:, 5] * dz
    nz = m[:, 6] * dx + m[:, 7] * dy + m[:, 8] * dz
    light = (nx * _LIGHT[0] + ny * _LIGHT[1] + nz * _LIGHT[2]) / np.sqrt(nx * nx + ny * ny + nz * nz)
    gloss = (light > _GLOSS) & np.isin(parts[rows, columns], (BodyPart.HAIR, BodyPart.HAT))
    tone = np.zeros(mask.shape, np.float32)
    depth = np.where(np.isin(parts[rows, columns], (BodyPart.HEAD, BodyPart.HAND)), np.float32(0.5), np.float32(1))
    tone[rows, columns] = gloss - depth * (light < 0.04)
    return tone


def _lines(raster: Raster, parts: NDArray[np.int8], scale: float) -> Flags:
    """Both pixels beside every border between parts, and beside every depth step inside one.

    Larger drawings get proportionally wider lines, so that a drawing looks the same when it is scaled down.
    """
    line = np.zeros(parts.shape, np.bool_)
    depth = np.where(parts >= 0, raster.depth, FAR)
    step = np.float32(_STEP * scale)
    down = (parts[1:] != parts[:-1]) | (np.abs(depth[1:] - depth[:-1]) > step)
    across = (parts[:, 1:] != parts[:, :-1]) | (np.abs(depth[:, 1:] - depth[:, :-1]) > step)
    line[1:] |= down
    line[:-1] |= down
    line[:, 1:] |= across
    line[:, :-1] |= across
    for _ in range(round(len(line) / _LINED) - 1):
        line = _wider(line)
    return line


def _wider(line: Flags) -> Flags:
    wide = line.copy()
    wide[1:] |= line[:-1]
    wide[:-1] |= line[1:]
    wide[:, 1:] |= line[:, :-1]
    wide[:, :-1] |= line[:, 1:]
    return wide


def _locate(puppet: Puppet, raster: Raster, shot: PuppetShot) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Landmarks in pixels of the final picture, and which of them face the viewer."""
    on_ball = landmarks(puppet.unnamed)
    offsets = on_ball @ raster.frames[_HEAD].T
    normals = offsets @ raster.metrics[_HEAD].T
    facing = normals[:, 2] / np.linalg.norm(normals, axis=1)
    keypoints = (raster.centers[_HEAD, :2] + offsets[:, :2]) / _SUPERSAMPLING
    visible = (facing > 0.12) & (shot.view_family != "behind")
    return keypoints.astype(np.float32), visible


def _head_box(raster: Raster) -> tuple[float, float, float, float]:
    """The box of the bare head, in pixels of the final picture."""
    reach = np.linalg.norm(raster.frames[_HEAD][:2], axis=1)
    low, high = raster.centers[_HEAD, :2] - reach, raster.centers[_HEAD, :2] + reach
    x0, y0, x1, y1 = (float(value) / _SUPERSAMPLING for value in (*low, *high))
    return x0, y0, x1, y1
