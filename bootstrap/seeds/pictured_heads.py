"""The head of a subject on detailed ground, without a detector of faces: by what stands out, and by a second look.

What stands out is told by its colours (GrabCut; Rother, Kolmogorov and Blake, SIGGRAPH 2004). A head is full of it,
with ground above and at its sides. Of the windows that look so, a reader of framings says which are close-ups; where
either is in doubt, the head is not known. Loads no model: the reader is handed in.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from bootstrap.records import Box
from bootstrap.seeds.cuts import Composition, reframed, window

__all__ = ["CloseUps", "pictured_head", "standing_out"]

CloseUps = Callable[[Sequence[Image.Image]], NDArray[np.float64]]
"""Log-probability with which each picture reads as the closest framing, shape (n,)."""

LOOKED_AT = 96
"""Side in pixels at which the subject is told from its ground."""
GROUND = 3
"""Outermost pixels of the top and the sides, which are taken for ground at first."""
MIDDLE = (0.1, 0.15, 0.85)
"""Top, left and right, as fractions, of what is taken for the subject at first."""
ROUNDS = 3
"""How often colours are learned anew."""
SCALES = (0.8, 1.0, 1.25)
"""Sizes of a head over that of its framing that are tried."""
ACROSS, DOWN = np.linspace(0.15, 0.85, 15), np.linspace(0.1, 0.7, 13)
"""Where the middles of windows stand, as fractions."""
BESIDE = 0.4
"""Size of the strips above a head and at its sides, over the head's, in which there should be ground."""
ABOVE, ASIDE = 0.5, 0.25
"""How much the subject counts against a window in the strip above, and in each at its sides: hair hangs there."""
READ = 24
"""Windows that the reader looks at."""
WEIGHT, NEAREST = 6.0, 8
"""How much standing out weighs against the reader's log-probability, and how many windows give the head together."""
SURE, CLOSE = 0.7, -0.7
"""What a head stands out by, and the log-probability of a close-up, from which it is known. Of 108 puppets far aside of
their framing on detailed ground 69 % are found so, .95 of them by an overlap of half and more (the framing alone: 46 %
of all); LOG "Heads on detailed ground"."""


def pictured_head(whole: Image.Image, framing: str, composition: Composition, close_ups: CloseUps) -> Box | None:
    """Where the head stands in a square picture, in fractions; None where it is not sure.

    ``framing`` says how large it usually is; one that the composition does not know may have any size.
    """
    windows = _windows(framing, composition)
    if not len(windows):
        return None
    shape = _shape(standing_out(whole), windows)
    order = np.argsort(-shape, kind="stable")[:READ]
    windows, shape = windows[order], shape[order]
    if shape[0] < SURE:
        return None
    wanted = next(iter(composition.values()))["head"]
    looks = [window(whole, reframed(_box(one), wanted), 2 * LOOKED_AT) for one in windows]
    read = np.maximum(close_ups(looks), -WEIGHT)
    worth = WEIGHT * shape + read
    best = np.argsort(-worth, kind="stable")[:NEAREST]
    weights = np.exp(worth[best] - worth[best[0]])
    weights /= weights.sum()
    if weights @ shape[best] < SURE or weights @ read[best] < CLOSE:
        return None
    left, top, right, bottom = np.clip(weights @ windows[best], 0, 1).tolist()
    return left, top, right, bottom


def standing_out(whole: Image.Image) -> NDArray[np.bool_]:
    """Where the subject of a square picture stands, shape (`LOOKED_AT`, `LOOKED_AT`), by its colours alone."""
    import cv2

    small = whole.convert("RGB").resize((LOOKED_AT, LOOKED_AT), Image.Resampling.LANCZOS)
    colors = np.ascontiguousarray(np.asarray(small)[:, :, ::-1])
    mask = np.full((LOOKED_AT, LOOKED_AT), cv2.GC_PR_BGD, np.uint8)
    top, left, right = (round(edge * LOOKED_AT) for edge in MIDDLE)
    mask[top:, left:right] = cv2.GC_PR_FGD
    mask[:GROUND] = mask[:, :GROUND] = mask[:, -GROUND:] = cv2.GC_BGD
    cv2.setRNGSeed(1)  # colours are grouped from random beginnings
    cv2.grabCut(colors, mask, None, np.zeros((1, 65)), np.zeros((1, 65)), ROUNDS, cv2.GC_INIT_WITH_MASK)
    return np.asarray((mask == cv2.GC_FGD) | (mask == cv2.GC_PR_FGD))


def _windows(framing: str, composition: Composition) -> NDArray[np.float64]:
    """Boxes of heads that a picture may have, shape (n, 4), in fractions."""
    known: Mapping[str, Mapping[str, Box]] = composition
    if framing in composition:
        known = {framing: composition[framing]}
    heads = [boxes["head"] for boxes in known.values() if "head" in boxes]
    halves = [scale * (right - left) / 2 for left, _, right, _ in heads for scale in SCALES]
    half, x, y = (axis.ravel() for axis in np.meshgrid(np.array(halves), ACROSS, DOWN, indexing="ij"))
    return np.stack([x - half, y - half, x + half, y + half], axis=1)


def _shape(mask: NDArray[np.bool_], windows: NDArray[np.float64]) -> NDArray[np.float64]:
    """How much each window looks like a head: its share of the subject, less that of the strips around it."""
    sums = np.pad(mask.astype(np.float64).cumsum(axis=0).cumsum(axis=1), ((1, 0), (1, 0)))
    left, top, right, bottom = windows.T
    strip = BESIDE * (right - left)
    above = _share(sums, np.stack([left, top - strip, right, top], axis=1))
    before = _share(sums, np.stack([left - strip, top, left, bottom], axis=1))
    behind = _share(sums, np.stack([right, top, right + strip, bottom], axis=1))
    return _share(sums, windows) - ABOVE * above - ASIDE * (before + behind)


def _share(sums: NDArray[np.float64], windows: NDArray[np.float64]) -> NDArray[np.float64]:
    """The share of each window that the subject fills, out of the mask's sums; nothing is outside of the picture."""
    side = len(sums) - 1
    left, top, right, bottom = np.clip(np.rint(windows * side), 0, side).astype(int).T
    area = (windows[:, 2] - windows[:, 0]) * (windows[:, 3] - windows[:, 1]) * side * side
    filled = sums[bottom, right] - sums[top, right] - sums[bottom, left] + sums[top, left]
    return np.asarray(filled / np.maximum(area, 1.0))


def _box(row: NDArray[np.float64]) -> Box:
    left, top, right, bottom = row.tolist()
    return left, top, right, bottom
