"""The surface of figures that the rays hit: flat colours, shade, decals and lines, as layers without a style.

Does NOT know shots, captions or drawing styles.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bootstrap.puppets.anatomy import Puppet, PuppetOutfit
from bootstrap.puppets.chest import paint_chest
from bootstrap.puppets.face_paint import Patch, paint_face
from bootstrap.puppets.geometry import FAR, BodyPart, Flags, Float32s, Raster, Solid, own_coordinates
from bootstrap.puppets.styles import Layers

HEAD, TORSO = 0, 1
"""Place of these solids among those of a figure."""
_LIGHT = np.array((-0.42, -0.66, 0.62), np.float32)  # pixel rows grow downwards
_LINED = 192  # side of the raster, in pixels, on which a line is as wide as the pixels beside a border
_STEP = 0.20  # a depth step inside one part that deserves a line, in head radii
_GLOSS = 0.955
_NEXT_FIGURE = 32
"""Added to the parts of each further figure, so that a line is drawn between the hair of two."""


@dataclass(frozen=True)
class PlacedPuppet:
    """A puppet among the solids of a raster: ``solids`` are its own, ``first`` is the index of the first of them."""

    puppet: Puppet
    outfit: PuppetOutfit
    expression: str
    solids: Sequence[Solid]
    first: int = 0


def surface(figures: Sequence[PlacedPuppet], raster: Raster, scale: float, place: Float32s, *, night: bool) -> Layers:
    """Flat colours, shade, decals and lines of everything that the rays hit.

    Args:
        figures: whose solids the raster holds, in its order.
        raster: what the rays hit.
        scale: pixels per head radius.
        place: the background, of the raster's size.
        night: the figures stand in moonlight.
    """
    solids = [solid for figure in figures for solid in figure.solids]
    mask = raster.nearest >= 0
    parts = np.array([s.part for s in solids] + [-1], np.int8)[raster.nearest]
    color = np.array([*(s.color for s in solids), (0, 0, 0)], np.float32)[raster.nearest]
    tone = _shade(raster, mask, parts)
    line = _lines(raster, _told_apart(figures, raster, parts), scale)
    layers = Layers(color, tone, line, mask, place, night)
    for figure in figures:
        _decorate(layers, figure, raster, scale)
    return layers


def owners(figures: Sequence[PlacedPuppet], raster: Raster) -> NDArray[np.int8]:
    """Index of the figure that each pixel of the raster shows, -1 for none."""
    table = np.repeat(np.arange(len(figures), dtype=np.int8), [len(figure.solids) for figure in figures])
    shown: NDArray[np.int8] = np.append(table, np.int8(-1))[raster.nearest]
    return shown


def _told_apart(figures: Sequence[PlacedPuppet], raster: Raster, parts: NDArray[np.int8]) -> NDArray[np.int8]:
    """The parts, those of each further figure with other numbers."""
    later = np.maximum(owners(figures, raster), 0) * np.int8(_NEXT_FIGURE)
    return np.asarray(parts + later, np.int8)


def _decorate(layers: Layers, figure: PlacedPuppet, raster: Raster, scale: float) -> None:
    """Paint the face on the head and the prints on the torso."""
    for place in (HEAD, TORSO):
        rows, columns = np.nonzero(raster.nearest == figure.first + place)
        if not rows.size:
            continue
        seen = own_coordinates(raster, figure.first + place, rows, columns)
        patch = Patch(*seen, layers.color[rows, columns], 1.0 / scale)
        if place == HEAD:
            paint_face(patch, figure.puppet, figure.expression, figure.solids[HEAD].color)
        else:
            paint_chest(patch, figure.puppet, figure.outfit.top)
        layers.color[rows, columns] = patch.color
        layers.line[rows, columns] |= patch.ink
        layers.tone[rows, columns] *= ~patch.fresh


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
        line = wider(line)
    return line


def wider(line: Flags) -> Flags:
    """The line one pixel wider on every side."""
    wide = line.copy()
    wide[1:] |= line[:-1]
    wide[:-1] |= line[1:]
    wide[:, 1:] |= line[:, :-1]
    wide[:, :-1] |= line[:, 1:]
    return wide
