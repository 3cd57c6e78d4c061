"""Colours that are stated by the code points of Recommendation ITU-T H.273: a PNG's chunk cICP, an AVIF's box nclx.

High dynamic range is brought to that of a screen: what is brighter than white (203 cd/m², Report ITU-R BT.2408) is
white. Knows no picture.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from bootstrap.pictures.matrix_profile import SRGB, Curve, Primaries, matrix_profile, srgb_curve

__all__ = ["profile_of_code_points", "unknown_code_points"]

D65, C, DCI = (0.3127, 0.329), (0.31, 0.316), (0.314, 0.351)
SMPTE_C: Primaries = ((0.63, 0.34), (0.31, 0.595), (0.155, 0.07), D65)
PRIMARIES: dict[int, Primaries] = {
    1: SRGB,
    4: ((0.67, 0.33), (0.21, 0.71), (0.14, 0.08), C),
    5: ((0.64, 0.33), (0.29, 0.6), (0.15, 0.06), D65),
    6: SMPTE_C,
    7: SMPTE_C,
    8: ((0.681, 0.319), (0.243, 0.692), (0.145, 0.049), C),
    9: ((0.708, 0.292), (0.17, 0.797), (0.131, 0.046), D65),
    11: ((0.68, 0.32), (0.265, 0.69), (0.15, 0.06), DCI),
    12: ((0.68, 0.32), (0.265, 0.69), (0.15, 0.06), D65),
    22: ((0.63, 0.34), (0.295, 0.605), (0.155, 0.077), D65),
}
"""ColourPrimaries (table 2)."""
UNSPECIFIED = 2
WHITE = 203.0
"""Light of a white page, cd/m²."""
PEAK_PQ, PEAK_HLG = 10_000.0, 1000.0
SYSTEM_GAMMA = 1.2
"""Of HLG on a screen of 1000 cd/m² (BT.2100)."""


def _bt709(signal: NDArray[np.float64]) -> NDArray[Any]:
    return np.where(signal < 0.081, signal / 4.5, ((signal + 0.099) / 1.099) ** (1 / 0.45))


def _smpte240(signal: NDArray[np.float64]) -> NDArray[Any]:
    return np.where(signal < 0.0913, signal / 4, ((signal + 0.1115) / 1.1115) ** (1 / 0.45))


def _pq(signal: NDArray[np.float64]) -> NDArray[Any]:
    """SMPTE ST 2084."""
    m1, m2, c1, c2, c3 = 1305 / 8192, 2523 / 32, 107 / 128, 2413 / 128, 2392 / 128
    power = signal ** (1 / m2)
    return np.asarray((np.maximum(power - c1, 0) / (c2 - c3 * power)) ** (1 / m1) * PEAK_PQ / WHITE)


def _hlg(signal: NDArray[np.float64]) -> NDArray[Any]:
    """ARIB STD-B67."""
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    scene = np.where(signal <= 0.5, signal**2 / 3, (np.exp((signal - c) / a) + b) / 12)
    return np.asarray(scene**SYSTEM_GAMMA * PEAK_HLG / WHITE)


CURVES: dict[int, Curve] = {
    **dict.fromkeys((1, 6, 14, 15), _bt709),
    4: lambda signal: signal**2.2,
    5: lambda signal: signal**2.8,
    7: _smpte240,
    8: lambda signal: signal,
    13: srgb_curve,
    16: _pq,
    18: _hlg,
}
"""TransferCharacteristics (table 3)."""


def profile_of_code_points(body: bytes) -> bytes | None:
    """The profile of four code points: primaries, curve, matrix (0: RGB), whether the range is full.

    None where they are not known, and so say nothing; b"" for sRGB.
    """
    if len(body) != 4 or body[2] or body[0] not in PRIMARIES or body[1] not in CURVES:
        return None
    primaries, curve, full = PRIMARIES[body[0]], CURVES[body[1]], body[3] != 0
    if primaries is SRGB and curve is srgb_curve and full:
        return b""
    if full:
        return matrix_profile(primaries, curve)
    return matrix_profile(primaries, lambda signal: curve(np.clip((signal * 255 - 16) / 219, 0, 1)))


def unknown_code_points(body: bytes) -> str:
    """Four code points that cannot be converted, for people; "" for those that can, or that leave it open."""
    if len(body) != 4 or UNSPECIFIED in body[:2] or profile_of_code_points(body) is not None:
        return ""
    return f"code points {'/'.join(map(str, body))}"
