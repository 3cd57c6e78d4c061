"""The backgrounds, each drawn once per variant and size and cached.

Does NOT know who is drawn in front of them.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np
from PIL import Image, ImageDraw

from bootstrap.errors import UsageError
from bootstrap.puppets.geometry import Float32s
from bootstrap.puppets.palette import Rgb

VARIANTS = 6
_Ink = tuple[int, int, int]


class Sheet:
    """A square picture addressed in fractions of its side, y downwards."""

    def __init__(self, side: int, top: Rgb, bottom: Rgb) -> None:
        ramp = np.linspace(0, 1, side)[:, None, None]
        pixels = (1 - ramp) * np.array(top) + ramp * np.array(bottom)
        self.side = side
        self.image = Image.fromarray((pixels * 255).round().astype(np.uint8).repeat(side, axis=1))
        self._draw = ImageDraw.Draw(self.image)

    def box(self, x0: float, y0: float, x1: float, y1: float, color: Rgb) -> None:
        """A rectangle by its corners."""
        self._draw.rectangle([value * self.side for value in (x0, y0, x1, y1)], fill=_ink(color))

    def oval(self, x: float, y: float, rx: float, ry: float, color: Rgb) -> None:
        """An ellipse by its middle and its radii."""
        self._draw.ellipse([value * self.side for value in (x - rx, y - ry, x + rx, y + ry)], fill=_ink(color))

    def shape(self, points: list[tuple[float, float]], color: Rgb) -> None:
        """A polygon by its corners."""
        self._draw.polygon([(x * self.side, y * self.side) for x, y in points], fill=_ink(color))


def _ink(color: Rgb) -> _Ink:
    r, g, b = (round(255 * c) for c in color)
    return r, g, b


@lru_cache(maxsize=160)
def background(name: str, variant: int, side: int) -> Float32s:
    """The background `name`, (side, side, 3) in [0, 1]; read only.

    Args:
        name: one of `scene.ALL_BACKGROUNDS`.
        variant: 0 to `VARIANTS` - 1, another arrangement of the same things.
        side: in pixels.

    Raises:
        UsageError: no such background.
    """
    if name not in _PLACES:
        raise UsageError(f'background: "{name}" is unknown; use one of {", ".join(_PLACES)}')
    sheet = _PLACES[name](np.random.default_rng([variant, 7]), side)
    pixels = np.asarray(sheet.image, np.float32) / np.float32(255)
    pixels.setflags(write=False)
    return pixels


def _simple(rng: np.random.Generator, side: int) -> Sheet:
    level = float(rng.uniform(0.88, 0.98))
    return Sheet(side, (level, level, level), (level, level, level))


def cloud(sheet: Sheet, x: float, y: float, size: float, color: Rgb) -> None:
    """A cloud by its middle, about three times `size` wide."""
    for dx, dy, r in ((-0.9, 0.15, 0.6), (0, -0.1, 0.85), (0.9, 0.12, 0.65), (0, 0.3, 0.7)):
        sheet.oval(x + dx * size, y + dy * size, r * size, 0.6 * r * size, color)


def _sky(rng: np.random.Generator, side: int) -> Sheet:
    sheet = Sheet(side, (0.42, 0.70, 0.98), (0.80, 0.93, 1.0))
    for x, low in ((0.15, 0.1), (0.85, 0.25), (0.2, 0.6), (0.9, 0.75)):
        cloud(sheet, x + float(rng.uniform(-0.1, 0.1)), low + float(rng.uniform(0, 0.12)), 0.12, (1, 1, 1))
    return sheet


def _forest(rng: np.random.Generator, side: int) -> Sheet:
    sheet = Sheet(side, (0.72, 0.90, 0.66), (0.52, 0.78, 0.46))
    sheet.box(0, 0.78, 1, 1, (0.38, 0.62, 0.30))
    for k in range(5):
        x = k * 0.25 + float(rng.uniform(-0.05, 0.05))
        sheet.box(x - 0.035, 0.2, x + 0.035, 0.84, (0.46, 0.32, 0.22))
    for k in range(6):
        x, y = k * 0.2 + float(rng.uniform(-0.05, 0.05)), float(rng.uniform(0.05, 0.18))
        sheet.oval(x, y, 0.17, 0.17, (0.22, 0.50, 0.26) if k % 2 else (0.28, 0.58, 0.30))
    return sheet


def _sunset(rng: np.random.Generator, side: int) -> Sheet:
    sheet = Sheet(side, (0.96, 0.48, 0.32), (1.0, 0.82, 0.46))
    sheet.oval(float(rng.uniform(0.12, 0.88)), 0.62, 0.15, 0.15, (1.0, 0.93, 0.62))
    hills = [(0.0, 0.80), (0.25, 0.70), (0.5, 0.80), (0.78, 0.68), (1.0, 0.78), (1.0, 1.0), (0.0, 1.0)]
    sheet.shape(hills, (0.55, 0.26, 0.36))
    return sheet


def _night(rng: np.random.Generator, side: int) -> Sheet:
    sheet = Sheet(side, (0.07, 0.08, 0.22), (0.18, 0.19, 0.42))
    for x, y in rng.uniform(0.02, 0.98, (26, 2)):
        sheet.oval(float(x), float(y), 0.008, 0.008, (0.95, 0.95, 0.80))
    moon = float(rng.choice([0.15, 0.85]))
    sheet.oval(moon, 0.15, 0.09, 0.09, (0.99, 0.95, 0.72))
    sheet.oval(moon + 0.04, 0.13, 0.075, 0.075, (0.08, 0.09, 0.24))
    return sheet


def _room(rng: np.random.Generator, side: int) -> Sheet:
    sheet = Sheet(side, (0.93, 0.84, 0.72), (0.90, 0.79, 0.66))
    sheet.box(0, 0.74, 1, 1, (0.62, 0.43, 0.29))
    sheet.box(0, 0.73, 1, 0.755, (0.98, 0.94, 0.88))
    x = float(rng.choice([0.04, 0.66])) + float(rng.uniform(0, 0.04))
    sheet.box(x - 0.02, 0.10, x + 0.30, 0.48, (0.52, 0.34, 0.24))
    sheet.box(x, 0.12, x + 0.28, 0.46, (0.66, 0.86, 0.98))
    sheet.box(x + 0.13, 0.12, x + 0.15, 0.46, (0.52, 0.34, 0.24))
    sheet.box(x, 0.28, x + 0.28, 0.30, (0.52, 0.34, 0.24))
    return sheet


def _beach(rng: np.random.Generator, side: int) -> Sheet:
    sheet = Sheet(side, (0.50, 0.80, 0.99), (0.86, 0.96, 1.0))
    sheet.box(0, 0.48, 1, 0.72, (0.14, 0.60, 0.78))
    sheet.box(0, 0.66, 1, 0.73, (0.55, 0.88, 0.90))
    sheet.box(0, 0.72, 1, 1, (0.97, 0.88, 0.64))
    sheet.oval(float(rng.uniform(0.1, 0.9)), 0.12, 0.08, 0.08, (1.0, 0.93, 0.45))
    return sheet


def _street(rng: np.random.Generator, side: int) -> Sheet:
    sheet = Sheet(side, (0.74, 0.86, 0.94), (0.88, 0.93, 0.96))
    tints: tuple[Rgb, ...] = ((0.70, 0.52, 0.48), (0.56, 0.60, 0.70), (0.78, 0.70, 0.58), (0.50, 0.56, 0.58))
    for k in range(4):
        top = float(rng.uniform(0.05, 0.35))
        x = k * 0.25
        sheet.box(x, top, x + 0.245, 0.82, tints[(k + int(rng.integers(4))) % 4])
        for row in range(5):
            for column in range(2):
                wx, wy = x + 0.045 + 0.10 * column, top + 0.06 + 0.13 * row
                if wy < 0.72:
                    sheet.box(wx, wy, wx + 0.06, wy + 0.07, (0.98, 0.92, 0.66))
    sheet.box(0, 0.80, 1, 1, (0.44, 0.44, 0.48))
    sheet.box(0, 0.80, 1, 0.83, (0.76, 0.75, 0.73))
    return sheet


def _snow(rng: np.random.Generator, side: int) -> Sheet:
    sheet = Sheet(side, (0.62, 0.70, 0.82), (0.78, 0.84, 0.92))
    for x in (0.08, 0.30, 0.72, 0.93):
        x += float(rng.uniform(-0.05, 0.05))
        for step, half in ((0.30, 0.07), (0.42, 0.10), (0.54, 0.13)):
            sheet.shape([(x, step), (x - half, step + 0.2), (x + half, step + 0.2)], (0.34, 0.50, 0.52))
    sheet.box(0, 0.72, 1, 1, (0.97, 0.98, 1.0))
    for x, y in rng.uniform(0, 1, (40, 2)):
        sheet.oval(float(x), float(y), 0.013, 0.013, (1, 1, 1))
    return sheet


_PLACES: dict[str, Callable[[np.random.Generator, int], Sheet]] = {
    "simple background": _simple,
    "sky": _sky,
    "forest": _forest,
    "sunset": _sunset,
    "night": _night,
    "room": _room,
    "beach": _beach,
    "city street": _street,
    "snow": _snow,
}
