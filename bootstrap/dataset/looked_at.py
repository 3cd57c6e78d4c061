"""The pictures of a captioned set, each opened once, and what is measured of it: pixels only, no model.

Keeps measurements, not pixels: a thousand large pictures do not fit into memory. Says nothing of a set.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from bootstrap.dataset.findings import Finding, finding
from bootstrap.dataset.quality_audit import QualityAudit
from bootstrap.pictures import PictureFile, alpha_of, as_rgb, open_any
from bootstrap.pictures.caption_text import folded, is_sentence, named_in
from bootstrap.pictures.plug_ins import MissingPlugIn
from bootstrap.seeds.cuts import FEW
from bootstrap.seeds.figures import figures
from bootstrap.seeds.looks import Looks
from bootstrap.seeds.sharpness import sharpness

__all__ = ["LookedAt", "look_at"]

BLANK = 8
"""Levels of 255 in which the pixels of a blank picture differ at most: what a lossy format adds."""
GREY = 10
"""Levels of 255 by which the channels of a grey picture's pixels differ at most."""
SPECKS = 0.01
"""Share of the pixels of a grey picture that may differ by more: what a lossy format adds."""
SEEN_ALPHA = 0.001
"""Share of the pixels that must be transparent to matter."""
BLOCKS = 0.3
"""Share of the lines inside a drawing that repeat the line before them, in rows and in columns, from which it is
enlarged without smoothing: half of them where it is twice as large. Drawings in their own size have under .05."""


@dataclass(frozen=True)
class LookedAt:
    """What is measured of a picture.

    ``file`` and ``pixels`` are digests of the bytes and of the opened picture; ``looks`` and ``mirrored`` are compared
    with those of others; ``sharpness`` 0..1, of the picture in its full size; ``blocks``: enlarged without smoothing;
    ``figures``: how many stand apart on plain ground, 0 for one.
    """

    picture: PictureFile
    size: tuple[int, int]
    file: bytes
    pixels: bytes
    looks: Looks
    mirrored: Looks
    sharpness: float
    blocks: bool
    grey: bool
    transparent: bool
    figures: int

    @property
    def path(self) -> Path:
        """Where it lies."""
        return self.picture.path

    @property
    def tags(self) -> frozenset[str]:
        """The tags of its caption as they are compared."""
        return frozenset(map(folded, self.picture.tags))

    def says(self, words: frozenset[str]) -> frozenset[str]:
        """Which of some words its caption has, as tags or in a sentence."""
        found = set(words & self.tags)
        for part in filter(is_sentence, self.picture.tags):
            found.update(named_in(part, sorted(words)))
        return frozenset(found)


def look_at(folder: Path, pictures: Sequence[PictureFile]) -> tuple[list[LookedAt], list[Finding]]:
    """Each picture that can be opened and is not blank; and findings of the others, and of poor ones."""
    looked, found, quality = [], list[Finding](), QualityAudit()
    for picture in pictures:
        try:
            data = picture.path.read_bytes()
            with open_any(data) as opened:
                alpha, image = alpha_of(opened), as_rgb(opened)
        except MissingPlugIn as error:
            hint = "install it with pip, or save the picture as PNG"
            found.append(finding(folder, "unreadable", "error", f"it {error}", [picture.path], hint))
        except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
            message, hint = f"it is no picture: {type(error).__name__}", "remove it or save it again"
            found.append(finding(folder, "unreadable", "error", message, [picture.path], hint))
        else:
            if np.ptp(np.asarray(image), axis=(0, 1)).max() <= BLANK:
                hint = "remove it: it shows nothing"
                found.append(finding(folder, "blank", "error", "it is of one colour", [picture.path], hint))
            quality.look(picture, image)
            looked.append(_measured(picture, data, image, alpha))
    return looked, [*found, *quality.findings(folder)]


def _measured(picture: PictureFile, data: bytes, image: Image.Image, alpha: Image.Image | None) -> LookedAt:
    clear = alpha is not None and float((np.asarray(alpha) < 255).mean()) >= SEEN_ALPHA
    return LookedAt(
        picture,
        image.size,
        file=hashlib.sha256(data).digest(),
        pixels=hashlib.sha256(repr(image.size).encode() + image.tobytes()).digest(),
        looks=Looks.of(image),
        mirrored=Looks.of(image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)),
        sharpness=sharpness(image, round(max(image.size) / FEW)),
        blocks=_in_blocks(image),
        grey=bool((np.ptp(np.asarray(image), axis=2) > GREY).mean() <= SPECKS),
        transparent=clear,
        figures=len(figures(image, min(image.size) // 6)),
    )


def _in_blocks(image: Image.Image) -> bool:
    """Whether a picture consists of blocks of equal pixels: enlarged without smoothing."""
    pixels = np.asarray(image.convert("L"), np.int16)
    for lines in (pixels, pixels.T):
        changes = np.abs(np.diff(lines, axis=0)).max(axis=1) > 0
        inside = np.flatnonzero(changes)
        if len(inside) < 2 or 1 - changes[inside[0] : inside[-1] + 1].mean() < BLOCKS:
            return False
    return True
