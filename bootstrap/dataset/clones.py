"""Pictures of a set that are the same or nearly the same: a LoRA learns what they share by heart.

Opens every picture once. Knows captions only to tell a copy that was altered on purpose.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from bootstrap.dataset.findings import Finding, finding
from bootstrap.dataset.quality_audit import QualityAudit
from bootstrap.pictures import PictureFile, as_rgb, open_any
from bootstrap.pictures.caption_text import folded
from bootstrap.pictures.plug_ins import MissingPlugIn
from bootstrap.seeds.cuts import ALTERED_TAGS
from scoring.duplicates import bits_apart, difference_hash

__all__ = ["clones"]

CLONES = 0.03
"""Share of near-duplicates that a set bears; trainers of character LoRAs advise to stay below it."""
ALIKE = 3
"""Bits of a 64-bit perceptual hash in which clones differ at most."""
BLANK = 8
"""Levels of 255 in which the pixels of a blank picture differ at most: what a lossy format adds."""
ALTERED = frozenset({
    *ALTERED_TAGS.values(), "greyscale", "grayscale", "spot color", "limited palette", "high contrast",
    "lowres", "low resolution", "low quality", "worst quality", "blurry", "jpeg artifacts",
    "sketch", "lineart", "watercolor", "oil painting", "pastel", "pixel art", "3d", "3d render",
    "upside-down", "sideways", "rotated", "mirrored", "flipped", "altered",
})  # fmt: skip
"""Tags of a copy that was altered on purpose, in colours, quality, style or angle: no clone of one without them."""
SHAPES = 1.1
"""Factor between the aspect ratios of two pictures from which one is a copy in another shape."""


def clones(folder: Path, pictures: Sequence[PictureFile]) -> list[Finding]:
    """Files that are no pictures, blank ones, the same file twice, more near-duplicates than a set bears, poor ones."""
    found: list[Finding] = []
    hashes: list[_Look] = []
    same, quality = defaultdict[bytes, list[Path]](list), QualityAudit()
    for picture in pictures:
        try:
            data = picture.path.read_bytes()
            with open_any(data) as opened:
                image = as_rgb(opened)
                hashes.append(_Look.of(picture, image))
        except MissingPlugIn as error:
            hint = "install it with pip, or save the picture as PNG"
            found.append(finding(folder, "unreadable", "error", f"it {error}", [picture.path], hint))
            continue
        except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
            message = f"it is no picture: {type(error).__name__}"
            hint = "remove it or save it again"
            found.append(finding(folder, "unreadable", "error", message, [picture.path], hint))
            continue
        if np.ptp(np.asarray(image), axis=(0, 1)).max() <= BLANK:
            hint = "remove it: it shows nothing"
            found.append(finding(folder, "blank", "error", "it is of one colour", [picture.path], hint))
        quality.look(picture, image)
        same[hashlib.sha256(data).digest()].append(picture.path)
    repeated: set[Path] = set()
    for files in same.values():
        if len(files) > 1:
            found.append(finding(folder, "duplicate", "error", "the same file", files, "keep one of them"))
            repeated.update(files[1:])
    near = _near_duplicates([one for one in hashes if one.path not in repeated])
    if len(near) > CLONES * len(pictures):
        message = f"nearly the same picture as another: {len(near) / len(pictures):.0%} of the set"
        hint = f"keep at most {CLONES:.0%}, or alter them"
        found.append(finding(folder, "clone", "warning", message, near, hint))
    return [*found, *quality.findings(folder)]


@dataclass(frozen=True)
class _Look:
    """A picture by its perceptual hash, its width over its height, and the tags of what was altered."""

    path: Path
    mark: int
    shape: float
    altered: frozenset[str]

    @classmethod
    def of(cls, picture: PictureFile, image: Image.Image) -> _Look:
        """What is compared of a picture."""
        altered = ALTERED.intersection(map(folded, picture.tags))
        return cls(picture.path, difference_hash(image), image.width / image.height, altered)

    def is_clone(self, other: _Look) -> bool:
        """Whether both look the same, and neither was altered in a way that the other was not."""
        reshaped = max(self.shape, other.shape) > SHAPES * min(self.shape, other.shape)
        return not reshaped and self.altered == other.altered and bits_apart(self.mark, other.mark) <= ALIKE


def _near_duplicates(hashes: Sequence[_Look]) -> list[Path]:
    """The pictures that are nearly one that comes before them."""
    return [one.path for place, one in enumerate(hashes) if any(map(one.is_clone, hashes[:place]))]
