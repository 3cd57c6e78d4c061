"""Colour names and the range of colours behind each name.

Every name covers a box in hue, saturation and value; a *tone* picks a point of that box, so that two puppets with
"pink hair" can have visibly different pinks. Does NOT know what is painted with a colour.
"""

from __future__ import annotations

import colorsys
from collections.abc import Mapping

from bootstrap.errors import UsageError

Rgb = tuple[float, float, float]
Tone = tuple[float, float, float]
_Span = tuple[float, float]
Shade = tuple[_Span, _Span, _Span]

MIDDLE: Tone = (0.5, 0.5, 0.5)

HAIR: Mapping[str, Shade] = {
    "blonde": ((40, 53), (0.38, 0.68), (0.90, 1.00)),
    "brown": ((16, 30), (0.45, 0.70), (0.36, 0.58)),
    "black": ((215, 285), (0.12, 0.36), (0.15, 0.27)),
    "red": ((-12, 9), (0.68, 0.88), (0.68, 0.95)),
    "pink": ((322, 350), (0.26, 0.52), (0.94, 1.00)),
    "blue": ((207, 236), (0.52, 0.82), (0.68, 0.97)),
    "green": ((96, 150), (0.42, 0.68), (0.52, 0.82)),
    "purple": ((262, 292), (0.38, 0.66), (0.58, 0.86)),
    "white": ((190, 270), (0.00, 0.07), (0.93, 1.00)),
    "orange": ((21, 35), (0.66, 0.88), (0.92, 1.00)),
    "grey": ((190, 260), (0.03, 0.13), (0.50, 0.70)),
    "aqua": ((170, 190), (0.38, 0.66), (0.82, 0.96)),
}

EYES: Mapping[str, Shade] = {
    "blue": ((208, 228), (0.75, 0.95), (0.80, 1.00)),
    "green": ((112, 150), (0.70, 0.90), (0.58, 0.80)),
    "red": ((-8, 6), (0.80, 0.95), (0.75, 0.95)),
    "purple": ((266, 288), (0.62, 0.85), (0.70, 0.92)),
    "yellow": ((43, 52), (0.80, 0.98), (0.90, 1.00)),
    "pink": ((324, 342), (0.55, 0.78), (0.90, 1.00)),
    "brown": ((18, 28), (0.62, 0.82), (0.42, 0.58)),
    "aqua": ((172, 188), (0.70, 0.92), (0.75, 0.95)),
}

CLOTHES: Mapping[str, Shade] = {
    "red": ((-6, 6), (0.74, 0.88), (0.76, 0.92)),
    "orange": ((22, 33), (0.74, 0.90), (0.94, 1.00)),
    "yellow": ((46, 54), (0.62, 0.82), (0.95, 1.00)),
    "green": ((118, 152), (0.50, 0.72), (0.48, 0.72)),
    "blue": ((212, 230), (0.62, 0.80), (0.68, 0.88)),
    "purple": ((265, 285), (0.46, 0.64), (0.52, 0.74)),
    "pink": ((332, 348), (0.34, 0.50), (0.95, 1.00)),
    "white": ((200, 240), (0.00, 0.04), (0.95, 0.99)),
    "black": ((220, 260), (0.12, 0.26), (0.16, 0.24)),
    "brown": ((20, 28), (0.46, 0.62), (0.42, 0.56)),
    "aqua": ((172, 186), (0.46, 0.66), (0.76, 0.90)),
}

SKIN: Mapping[str, Shade] = {
    "fair skin": ((20, 30), (0.10, 0.20), (0.98, 1.00)),
    "tan": ((22, 28), (0.34, 0.44), (0.86, 0.93)),
    "dark skin": ((19, 25), (0.46, 0.58), (0.50, 0.62)),
}

INK: Rgb = (0.16, 0.11, 0.15)
WHITE: Rgb = (1.0, 1.0, 1.0)
CREAM: Rgb = (0.98, 0.95, 0.88)
BLUSH: Rgb = (0.98, 0.52, 0.50)
INNER_EAR: Rgb = (0.98, 0.68, 0.68)


def paint(shades: Mapping[str, Shade], name: str, tone: Tone = MIDDLE) -> Rgb:
    """The colour called `name`, at `tone`.

    Args:
        shades: one of `HAIR`, `EYES`, `CLOTHES`, `SKIN`.
        name: a colour name of that table.
        tone: three numbers in [0, 1], the place inside the name's hue, saturation and value spans.

    Returns:
        Red, green and blue in [0, 1].

    Raises:
        UsageError: the table has no such name.
    """
    if name not in shades:
        raise UsageError(f'palette: no colour is called "{name}"; use one of {", ".join(shades)}')
    hue, saturation, value = (low + (high - low) * t for (low, high), t in zip(shades[name], tone, strict=True))
    return colorsys.hsv_to_rgb(hue % 360 / 360, saturation, value)


def mix(first: Rgb, second: Rgb, share: float) -> Rgb:
    """`first` moved towards `second` by `share` (0 to 1)."""
    r, g, b = (a + (z - a) * share for a, z in zip(first, second, strict=True))
    return r, g, b
