"""Prints on the clothes: stripes, emblem, and the front of a jacket, hoodie or shirt.

Coordinates are those of the torso's unit ball. Does NOT know the head, the background, or the drawing style.
"""

from __future__ import annotations

import numpy as np

from bootstrap.puppets.anatomy import Puppet
from bootstrap.puppets.face_paint import Patch
from bootstrap.puppets.figure import cloth
from bootstrap.puppets.geometry import Flags, Float32s
from bootstrap.puppets.palette import CREAM, mix


def paint_chest(patch: Patch, puppet: Puppet, top: str) -> None:
    """Paint stripes, then the cut of the garment, then the emblem."""
    unnamed = puppet.unnamed
    trim = cloth(puppet, unnamed.trim_color)
    patch.fill(_stripes(patch.y, unnamed.stripes), trim)
    front = patch.z > 0
    x, y = patch.x, patch.y
    if top == "jacket":
        open_front = front & (np.abs(x) < 0.20 + 0.12 * np.maximum(y, 0))
        patch.line(front & (np.abs(x) < 0.25 + 0.12 * np.maximum(y, 0) + 0.4 * patch.thin))
        patch.fill(open_front, CREAM)
    elif top == "hoodie":
        patch.line(front & (np.abs(y + 0.42) < 0.9 * patch.thin) & (np.abs(x) < 0.55))
        for side in (-1, 1):
            patch.fill(front & (np.abs(x - side * 0.22) < max(0.05, patch.thin)) & (y > 0.28), CREAM)
    elif top == "shirt":
        collar = front & (y > 0.50) & (np.abs(x) < 0.62) & (np.abs(x) > 1.3 * (0.66 - y))
        patch.fill(collar, mix(trim, CREAM, 0.5))
    if unnamed.emblem != "none":
        dx, dy = x / 0.36, (y - 0.02) / 0.36
        patch.fill(front & _emblem(unnamed.emblem, dx * 1.25, dy * 1.25), CREAM)
        patch.fill(front & _emblem(unnamed.emblem, dx * 1.6, dy * 1.6), cloth(puppet, unnamed.emblem_color))


def _stripes(y: Float32s, kind: str) -> Flags:
    match kind:
        case "wide":
            return np.asarray((y * 2.6 + 0.3) % 1.0 < 0.45)
        case "narrow":
            return np.asarray((y * 4.2 + 0.2) % 1.0 < 0.40)
        case "single":
            return np.asarray(np.abs(y + 0.45) < 0.13)
        case _:
            return np.zeros(y.shape, np.bool_)


def _emblem(kind: str, x: Float32s, y: Float32s) -> Flags:
    """One of the shapes, about two units wide."""
    match kind:
        case "disc":
            return np.asarray(x**2 + y**2 < 1)
        case "diamond":
            return np.asarray(np.abs(x) + np.abs(y) < 1.15)
        case "cross":
            return np.asarray((np.minimum(np.abs(x), np.abs(y)) < 0.38) & (np.maximum(np.abs(x), np.abs(y)) < 1.05))
        case "heart":
            return np.asarray(x**2 + (y - 0.75 * np.sqrt(np.abs(x)) + 0.15) ** 2 < 0.95)
        case _:
            angle = np.arctan2(x, y)
            return np.asarray(np.hypot(x, y) < 0.78 + 0.42 * np.cos(5 * angle))
