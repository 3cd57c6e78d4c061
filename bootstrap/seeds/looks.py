"""Pictures that look the same: by perceptual hash and colours, whole or with their edges trimmed, brighter or darker.

Knows no file and no caption.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from scoring.duplicates import BITS, bits_apart, difference_hash

__all__ = ["Looks", "near_pairs"]

SAME_COLORS = 12.0
"""Mean difference (0-255) of two thumbnails below which equal hashes are believed: flat pictures all hash alike."""
ALIKE_COLORS, MORE_BITS = 4.0, 8
"""Where colours differ by so little, so many bits may differ: those of cells that are flat."""
BRIGHTER = 1.25
"""Factor of brightness up to which near-duplicates differ."""
TRIMS = (0.0, 0.02, 0.04, 0.06)
"""Shares of a side that are cut off at each edge before two pictures are compared."""
HASHED = 128
"""Side in pixels to which pictures are reduced before they are hashed."""


@dataclass(frozen=True)
class Looks:
    """A picture whole and with its edges trimmed: the hash and the thumbnail, shape (8, 8, 3), of each."""

    trimmed: Sequence[tuple[int, NDArray[np.float32]]]

    @classmethod
    def of(cls, image: Image.Image) -> Looks:
        """What is compared of a picture."""
        small = image.convert("RGB")
        small.thumbnail((HASHED, HASHED))
        found = []
        for share in TRIMS:
            across, down = share * small.width, share * small.height
            box = (across, down, small.width - across, small.height - down)
            part = small.resize((HASHED, HASHED), Image.Resampling.BILINEAR, box=box)
            thumbnail = np.asarray(part.resize((8, 8), Image.Resampling.BOX), np.float32)
            found.append((difference_hash(part), thumbnail))
        return cls(found)

    def near(self, other: Looks, bits: int) -> bool:
        """Whether one of the two is the other, perhaps with its edges trimmed."""
        pairs = [(self.trimmed[0], part) for part in other.trimmed]
        pairs += [(part, other.trimmed[0]) for part in self.trimmed]
        for (hashed, thumbnail), (its_hash, its_thumbnail) in pairs:
            differing = bits_apart(hashed, its_hash)
            if differing > max(bits, MORE_BITS):
                continue
            if _colors_apart(thumbnail, its_thumbnail) < (SAME_COLORS if differing <= bits else ALIKE_COLORS):
                return True
        return False


def near_pairs(looks: Sequence[Looks], bits: int, others: Sequence[Looks] | None = None) -> list[tuple[int, int]]:
    """Places (i, j), i < j, of pictures of which ``looks[i]`` is near ``others[j]``; ``others`` are the same if None.

    ``bits`` of 64 in which the hashes of near-duplicates differ at most.
    """
    if len(looks) < 2:
        return []
    others = looks if others is None else others
    one, other = _signs(looks), _signs(others)
    agreeing = np.full((len(looks), len(others)), -BITS, np.float32)
    for trim in range(len(TRIMS)):
        agreeing = np.maximum(agreeing, one[:, 0] @ other[:, trim].T)
        agreeing = np.maximum(agreeing, one[:, trim] @ other[:, 0].T)
    near = np.triu(agreeing >= BITS - 2 * max(bits, MORE_BITS), 1)
    return [(i, j) for i, j in np.argwhere(near).tolist() if looks[i].near(others[j], bits)]


def _signs(looks: Sequence[Looks]) -> NDArray[np.float32]:
    """The bits of hashes as -1 and 1, shape (pictures, trims, 64)."""
    hashes = [[hashed.to_bytes(BITS // 8, "big") for hashed, _ in one.trimmed] for one in looks]
    rows = np.frombuffer(b"".join(b"".join(row) for row in hashes), np.uint8).reshape(len(looks), len(TRIMS), -1)
    return np.unpackbits(rows, axis=2).astype(np.float32) * 2 - 1


def _colors_apart(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    """Mean difference of two thumbnails (0-255), one of them as bright as the other."""
    gain = np.clip(one.mean() / max(1.0, float(other.mean())), 1 / BRIGHTER, BRIGHTER)
    return float(np.abs(one - gain * other).mean())
