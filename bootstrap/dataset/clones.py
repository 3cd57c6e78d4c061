"""Pictures of a set that are the same or nearly the same: a LoRA learns what they share by heart.

Opens every picture once. Knows captions only to tell a copy that was altered on purpose.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from bootstrap.dataset.findings import Finding, finding
from bootstrap.pictures import PictureFile, as_rgb, open_any
from bootstrap.pictures.plug_ins import MissingPlugIn
from scoring.duplicates import bits_apart, difference_hash

__all__ = ["clones"]

CLONES = 0.03
"""Share of near-duplicates that a set bears; trainers of character LoRAs advise to stay below it."""
ALIKE = 3
"""Bits of a 64-bit perceptual hash in which clones differ at most."""
BLANK = 8
"""Levels of 255 in which the pixels of a blank picture differ at most: what a lossy format adds."""
ALTERED = ("greyscale", "monochrome", "sketch", "lowres", "low quality", "mirrored", "altered")
"""Tags of a copy that was altered on purpose: it is no clone."""


def clones(folder: Path, pictures: Sequence[PictureFile]) -> list[Finding]:
    """Files that are no pictures, blank ones, the same file twice, and more near-duplicates than a set bears."""
    found: list[Finding] = []
    hashes: list[tuple[PictureFile, int]] = []
    same: dict[bytes, list[Path]] = defaultdict(list)
    for picture in pictures:
        try:
            data = picture.path.read_bytes()
            with open_any(data) as opened:
                image = as_rgb(opened)
                hashes.append((picture, difference_hash(image)))
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
        same[hashlib.sha256(data).digest()].append(picture.path)
    repeated: set[Path] = set()
    for files in same.values():
        if len(files) > 1:
            found.append(finding(folder, "duplicate", "error", "the same file", files, "keep one of them"))
            repeated.update(files[1:])
    unaltered = [(one, mark) for one, mark in hashes if one.path not in repeated and not set(one.tags) & set(ALTERED)]
    near = _near_duplicates(unaltered)
    if len(near) > CLONES * len(pictures):
        message = f"nearly the same picture as another: {len(near) / len(pictures):.0%} of the set"
        hint = f"keep at most {CLONES:.0%}, or alter them"
        found.append(finding(folder, "clone", "warning", message, near, hint))
    return found


def _near_duplicates(hashes: Sequence[tuple[PictureFile, int]]) -> list[Path]:
    """The pictures that are nearly one that comes before them."""
    near = []
    for place, (picture, mark) in enumerate(hashes):
        if any(bits_apart(mark, other) <= ALIKE for _, other in hashes[:place]):
            near.append(picture.path)
    return near
