"""An ICC profile of three primaries, a white and a curve, as ICC.1:2001-04 lays one out. Knows no picture."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["SRGB", "Curve", "Primaries", "matrix_profile", "srgb_curve"]

Primaries = tuple[tuple[float, float], tuple[float, float], tuple[float, float], tuple[float, float]]
"""x and y (CIE 1931) of red, green, blue and white."""
Curve = Callable[[NDArray[np.float64]], NDArray[Any]]
"""Signals, 0..1, to light, 0..1."""
SRGB: Primaries = ((0.64, 0.33), (0.3, 0.6), (0.15, 0.06), (0.3127, 0.329))
D50 = (0.9642, 1.0, 0.8249)
"""The white of every profile (XYZ)."""
BRADFORD = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])
"""XYZ to the responses of the eye in which whites are adapted."""
POINTS = 4096
"""Of a curve."""
WIDEST = 7.9
"""Of the fixed-point numbers of a profile; real primaries stay far below it."""
HEADER, TAG = 128, 12


def matrix_profile(primaries: Primaries, curve: Curve) -> bytes | None:
    """The profile; None where the primaries are none: on one line, or without light."""
    columns = _columns(primaries)
    if columns is None:
        return None
    light = np.clip(curve(np.linspace(0, 1, POINTS)), 0, 1)
    table = b"curv" + struct.pack(">II", 0, POINTS) + (light * 65535).round().astype(">u2").tobytes()
    blocks = {b"wtpt": _xyz(D50), b"rXYZ": _xyz(columns[0]), b"gXYZ": _xyz(columns[1]), b"bXYZ": _xyz(columns[2])}
    start = HEADER + 4 + TAG * (len(blocks) + 3)
    tags, body = [], b""
    for name, block in blocks.items():
        tags.append((name, start + len(body), len(block)))
        body += block
    tags += [(name, start + len(body), len(table)) for name in (b"rTRC", b"gTRC", b"bTRC")]
    body += table
    head = struct.pack(">I4xI4s4s4s12x4s", start + len(body), 0x02400000, b"mntr", b"RGB ", b"XYZ ", b"acsp")
    head = head.ljust(68, b"\0") + _xyz(D50)[8:]
    listed = b"".join(struct.pack(">4sII", *tag) for tag in tags)
    return head.ljust(HEADER, b"\0") + struct.pack(">I", len(tags)) + listed + body


def srgb_curve(signal: NDArray[np.float64]) -> NDArray[Any]:
    """IEC 61966-2-1."""
    return np.where(signal <= 0.04045, signal / 12.92, ((signal + 0.055) / 1.055) ** 2.4)


def _columns(primaries: Primaries) -> NDArray[np.float64] | None:
    """XYZ of red, green and blue at full light, adapted to D50, (3, 3) a row each; None for impossible ones."""
    points = np.array(primaries, np.float64)
    if not ((points >= 0) & (points <= 1)).all() or (points[:, 1] <= 0).any():
        return None
    x, y = points.T
    lights = np.stack([x / y, np.ones(4), (1 - x - y) / y])
    try:
        amounts = np.linalg.solve(lights[:, :3], lights[:, 3])
    except np.linalg.LinAlgError:
        return None
    response, wanted = BRADFORD @ lights[:, 3], BRADFORD @ np.array(D50)
    if (amounts <= 0).any() or (response <= 0).any():
        return None
    adapted = np.linalg.inv(BRADFORD) @ np.diag(wanted / response) @ BRADFORD @ (lights[:, :3] * amounts)
    return None if np.abs(adapted).max() > WIDEST else adapted.T


def _xyz(values: Any) -> bytes:
    return b"XYZ \0\0\0\0" + struct.pack(">3i", *(round(float(value) * 65536) for value in values))
