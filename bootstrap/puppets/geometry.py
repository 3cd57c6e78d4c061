"""Ellipsoids and their rasterisation: rotation, intersection with rays, and the depth buffer.

Head space: the head's centre is the origin and its radius 1; x to the viewer's right when the puppet faces the viewer,
y up, z towards the viewer. Does NOT know what an ellipsoid represents, beyond the part that its outline belongs to.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from bootstrap.puppets.palette import Rgb

Float32s = NDArray[np.float32]
Flags = NDArray[np.bool_]
Point = tuple[float, float, float]
Carve = Callable[[Float32s, Float32s, Float32s], Flags]
Plane = tuple[float, float, float, float]

FAR = np.float32(-1e6)


class BodyPart(IntEnum):
    """The part of the figure that a solid belongs to: a line is drawn where two parts meet in the picture."""

    HEAD = 0
    HAIR = 1
    EAR = 2
    INNER_EAR = 3
    HAT = 4
    TRIM = 5
    TORSO = 6
    SKIRT = 7
    SLEEVE = 8
    HAND = 9
    LEG = 10
    SHOE = 11
    TAIL = 12
    CLIP = 13
    SEAT = 14
    SCARF = 15
    TIE = 16
    HEM = 17


@dataclass(frozen=True, slots=True)
class Solid:
    """An ellipsoid: `frame` (3, 3) holds its semi-axes as columns, in head space.

    In the ellipsoid's own unit-ball coordinates, `planes` (a, b, c, d) cut it to a closed body, a x + b y + c z <= d,
    and `carve` says which points of its surface exist, as on an open shell.
    """

    center: Point
    frame: Float32s
    color: Rgb
    part: BodyPart
    carve: Carve | None = None
    planes: tuple[Plane, ...] = ()


@dataclass(frozen=True)
class Raster:
    """What the rays hit. `nearest` (h, w) int16 is the solid's index, -1 for none; `depth` (h, w) grows to the viewer.

    `centers` (n, 3), `frames` (n, 3, 3) and `metrics` (n, 3, 3) are the solids in view space, in pixels.
    """

    nearest: NDArray[np.int16]
    depth: Float32s
    centers: Float32s
    frames: Float32s
    metrics: Float32s


def rotation(yaw: float, pitch: float) -> Float32s:
    """Head space to view space, (3, 3); angles in degrees as in `scene.PuppetShot`."""
    a, b = np.radians(yaw), np.radians(pitch)
    turn = np.array([[np.cos(a), 0, np.sin(a)], [0, 1, 0], [-np.sin(a), 0, np.cos(a)]])
    nod = np.array([[1, 0, 0], [0, np.cos(b), -np.sin(b)], [0, np.sin(b), np.cos(b)]])
    return np.asarray(nod @ turn, np.float32)


def ball(
    center: Point,
    radii: Point,
    color: Rgb,
    part: BodyPart,
    carve: Carve | None = None,
    *,
    planes: tuple[Plane, ...] = (),
    roll: float = 0,
    lean: float = 0,
) -> Solid:
    """An upright ellipsoid, rolled about z (counter-clockwise to the viewer) then leaned about x, in degrees."""
    a, b = np.radians(roll), np.radians(lean)
    spin = np.array([[np.cos(a), -np.sin(a), 0], [np.sin(a), np.cos(a), 0], [0, 0, 1]])
    tip = np.array([[1, 0, 0], [0, np.cos(b), -np.sin(b)], [0, np.sin(b), np.cos(b)]])
    return Solid(center, (tip @ spin * np.asarray(radii)).astype(np.float32), color, part, carve, planes)


def limb(start: Point, end: Point, thickness: float, color: Rgb, part: BodyPart, *, overshoot: float = 1.25) -> Solid:
    """A long ellipsoid from `start` to `end`, `thickness` its radius; it reaches a little beyond both ends."""
    a, b = np.asarray(start), np.asarray(end)
    along = b - a
    length = float(np.linalg.norm(along)) or 1e-3
    along = along / length
    other = np.array([0.0, 0.0, 1.0])
    if abs(along[2]) >= 0.9:
        other = np.array([1.0, 0.0, 0.0])
    across = np.cross(other, along)
    across /= np.linalg.norm(across)
    third = np.cross(across, along)
    half = max(length / 2 * overshoot, thickness)
    frame = np.stack([across * thickness, along * half, third * thickness], axis=1)
    middle = (a + b) / 2
    return Solid((float(middle[0]), float(middle[1]), float(middle[2])), frame.astype(np.float32), color, part)


def rasterize(solids: Sequence[Solid], turn: Float32s, origin: tuple[float, float], scale: float, side: int) -> Raster:
    """Cast one ray per pixel along the view axis and keep the nearest solid.

    Args:
        solids: what to draw, in head space.
        turn: (3, 3) from `rotation`.
        origin: pixel (x, y) of the head's centre.
        scale: pixels per head radius.
        side: width and height of the square picture in pixels.
    """
    centers = np.array([s.center for s in solids], np.float32) @ turn.T * scale
    frames = turn @ np.stack([s.frame for s in solids]) * np.float32(scale)
    flip = np.array([1, -1, 1], np.float32)  # pixel rows grow downwards
    centers, frames = centers * flip, frames * flip[:, None]
    centers[:, :2] += np.asarray(origin, np.float32)
    metrics = np.linalg.inv(frames @ frames.transpose(0, 2, 1)).astype(np.float32)
    raster = Raster(np.full((side, side), -1, np.int16), np.full((side, side), FAR), centers, frames, metrics)
    for index, solid in enumerate(solids):
        _cast(raster, index, solid)
    return raster


def _cast(raster: Raster, index: int, solid: Solid) -> None:
    """Intersect one ellipsoid: the nearer root of |frame^-1 (p - centre)| = 1, inside its bounding box."""
    side = raster.depth.shape[0]
    cx, cy, cz = (float(c) for c in raster.centers[index])
    frame, metric = raster.frames[index], raster.metrics[index]
    reach = np.sqrt((frame[:2] ** 2).sum(axis=1))
    x0, x1 = max(int(cx - reach[0]), 0), min(int(cx + reach[0]) + 2, side)
    y0, y1 = max(int(cy - reach[1]), 0), min(int(cy + reach[1]) + 2, side)
    if x0 >= x1 or y0 >= y1:
        return
    dx = np.arange(x0, x1, dtype=np.float32) + np.float32(0.5 - cx)
    dy = (np.arange(y0, y1, dtype=np.float32) + np.float32(0.5 - cy))[:, None]
    (mxx, mxy, mxz), (_, myy, myz), (_, _, mzz) = metric
    pxx, pxy, pyy = mxx - mxz * mxz / mzz, mxy - mxz * myz / mzz, myy - myz * myz / mzz
    inside = (1 - pxx * dx * dx) - pyy * dy * dy - (2 * pxy * dy) * dx
    hit = inside > 0
    half = np.sqrt(np.maximum(inside, 0) / mzz)
    middle = mxz / -mzz * dx - myz / mzz * dy
    offset = middle + half
    if solid.planes:
        offset, whole = _cut(offset, middle - half, dx, dy, np.linalg.inv(frame), solid.planes)
        hit &= whole
    depth = raster.depth[y0:y1, x0:x1]
    near = offset + np.float32(cz)
    hit &= near > depth
    if solid.carve is not None:
        back = np.linalg.inv(frame)
        hit &= solid.carve(*(row[0] * dx + row[1] * dy + row[2] * offset for row in back))
    np.copyto(depth, near, where=hit)
    np.copyto(raster.nearest[y0:y1, x0:x1], np.int16(index), where=hit)


def _cut(
    near: Float32s, far: Float32s, dx: Float32s, dy: Float32s, back: Float32s, planes: Sequence[Plane]
) -> tuple[Float32s, Flags]:
    """Clip each ray's segment to the planes: its nearer end, and whether anything is left of it."""
    for a, b, c, d in planes:
        row = np.float32(a) * back[0] + np.float32(b) * back[1] + np.float32(c) * back[2]
        slope = row[2]
        if abs(slope) <= 1e-6:
            slope = np.float32(1e-6)
        wall = (np.float32(d) - row[0] * dx - row[1] * dy) / slope
        if slope > 0:
            near = np.minimum(near, wall)
        else:
            far = np.maximum(far, wall)
    return near, np.asarray(near > far)


def own_coordinates(
    raster: Raster, index: int, rows: NDArray[np.intp], columns: NDArray[np.intp]
) -> tuple[Float32s, Float32s, Float32s]:
    """Unit-ball coordinates, on solid `index`, of the surface seen at the given pixels: three (k,) arrays."""
    cx, cy, cz = raster.centers[index]
    back = np.linalg.inv(raster.frames[index])
    dx, dy = columns.astype(np.float32) + np.float32(0.5) - cx, rows.astype(np.float32) + np.float32(0.5) - cy
    dz = raster.depth[rows, columns] - cz
    x, y, z = (row[0] * dx + row[1] * dy + row[2] * dz for row in back)
    return x, y, z
