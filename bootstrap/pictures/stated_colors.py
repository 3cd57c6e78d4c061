"""Colours that a picture states without an ICC profile: the chunks of a PNG, and EXIF. Each becomes a profile.

The order is that of the PNG specification (third edition, 4.3): cICP, then iCCP, sRGB, and gAMA with cHRM; EXIF speaks
where none of them does. Knows no file.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from PIL import Image

from bootstrap.pictures.matrix_profile import SRGB, Primaries, matrix_profile, srgb_curve
from bootstrap.pictures.png_chunks import numbers_in
from bootstrap.pictures.video_colors import profile_of_code_points

__all__ = ["profile_of_chunks", "profile_of_exif"]

ADOBE: Primaries = ((0.64, 0.33), (0.21, 0.71), (0.15, 0.06), (0.3127, 0.329))
"""Adobe RGB (1998)."""
ADOBE_GAMMA = 563 / 256
UNIT = 100_000
"""What gAMA and cHRM count in."""
USUAL_GAMMA = 2.2
LEEWAY = 0.05
"""Share by which an exponent may differ from the usual one and still mean the curve of sRGB: that of libpng."""
GAMMAS = (0.2, 10.0)
"""Exponents that a picture may state; others are mistakes."""
NEAR = 0.003
"""By how much a chromaticity may differ from that of sRGB and still be it: chunks are rounded differently."""
EXIF, INTEROPERABILITY = 0x8769, 0xA005
COLOR_SPACE, GAMMA, PRIMARIES, WHITE, INDEX = 0xA001, 0xA500, 0x013F, 0x013E, 1
IS_SRGB, IS_ADOBE = 1, 2
"""Values of EXIF's ColorSpace; the second one is no part of the standard, but cameras write it."""
OF_ADOBE = "R03"
"""The InteroperabilityIndex of Adobe RGB, the optional colour space of DCF 2.0."""


def profile_of_chunks(chunks: Mapping[bytes, bytes], profile: bytes | None) -> bytes | None:
    """The ICC profile of a PNG: what its colour ``chunks`` state, or its own ``profile``; None where it is sRGB."""
    if (stated := profile_of_code_points(chunks.get(b"cICP", b""))) is not None:
        return stated or None
    if profile or b"sRGB" in chunks:
        return profile
    gamma = primaries = None
    if found := numbers_in(chunks.get(b"gAMA", b"")):
        gamma = UNIT / found[0] if found[0] else None
    if found := numbers_in(chunks.get(b"cHRM", b"")):
        white, red, green, blue = np.reshape(found, (4, 2)) / UNIT
        primaries = (red, green, blue, white)
    return _profile(primaries, gamma)


def profile_of_exif(exif: Image.Exif) -> bytes | None:
    """The ICC profile of the colours that EXIF states; None for sRGB, and where it states none."""
    details = exif.get_ifd(EXIF)
    space = details.get(COLOR_SPACE)
    index = str(exif.get_ifd(INTEROPERABILITY).get(INDEX, "")).strip("\0 ")
    if space == IS_SRGB:
        return None
    if space == IS_ADOBE or index == OF_ADOBE:
        return _profile(ADOBE, ADOBE_GAMMA)
    points, white = _floats(exif.get(PRIMARIES), 6), _floats(exif.get(WHITE), 2) or SRGB[3]
    primaries = (points[:2], points[2:4], points[4:], white) if points else None
    gamma = _floats(details.get(GAMMA), 1)
    return _profile(primaries, gamma[0] if gamma else None)


def _profile(primaries: Any, gamma: float | None) -> bytes | None:
    """The profile of primaries and an exponent, None where one is not stated; None where both are those of sRGB."""
    if gamma is not None and not GAMMAS[0] <= gamma <= GAMMAS[1]:
        gamma = None
    if primaries is None or np.abs(np.subtract(primaries, SRGB)).max() < NEAR:
        if gamma is None or abs(gamma / USUAL_GAMMA - 1) <= LEEWAY:
            return None
        primaries = SRGB
    return matrix_profile(primaries, srgb_curve if gamma is None else lambda signal: signal**gamma)


def _floats(value: Any, count: int) -> tuple[float, ...]:
    """The numbers of an EXIF field; empty where there are not that many, or one is none."""
    values = value if isinstance(value, tuple | list) else (value,)
    try:
        found = tuple(float(one) for one in values)
    except (TypeError, ValueError, ZeroDivisionError):
        return ()
    return found if len(found) == count and np.isfinite(found).all() else ()
