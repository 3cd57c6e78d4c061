"""Whether an enlarged or restored picture still shows what its original shows; otherwise why not, with the value.

Reduced to the original's size it must have the original's pixels, and every encoder that judges identity must see the
same character in it. Knows no model that enlarges, no file and no run.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from bootstrap.config import PanelConfig
from bootstrap.panel.models import PanelModels
from bootstrap.pictures import square
from scoring.color_histograms import ColorHistograms
from scoring.features import Encoder

__all__ = ["changed", "identity_encoders"]

MOST_CHANGED = 12.0
"""Levels (0-255, root mean square) by which a picture, reduced again, may differ from its original: 26.5 dB. Models
that only enlarge stay near 40 dB and above (LR-PSNR in arXiv 2006.14200); removing noise and JPEG blocks takes more."""
MOST_CHANGED_PART = 30.0
"""The same in any of `PARTS` x `PARTS` equal parts: a face that was invented is a small part of a picture."""
PARTS = 8
SLACK = 0.03
"""How much less alike to its original than a copy of half the pixels an upscaled picture may be to an encoder, in
cosine. Of 120 puppets of 48 and 64 pixels, copies drawn anew at 192 were all more alike than half the pixels, and all
strangers in the same shot less, by .14 and more; LOG "Upscaling"."""


def changed(original: Image.Image, made: Image.Image, encoders: Mapping[str, Encoder]) -> str:
    """What of the original is not in the picture ``made`` of it, in words with the value; "" where nothing is missing.

    Both are RGB; ``made`` has the original's proportions. ``encoders`` are called by the scorers they belong to.
    """
    reduced = made.resize(original.size, Image.Resampling.BOX)
    squares = (_levels(reduced) - _levels(original)) ** 2
    whole, part = float(np.sqrt(squares.mean())), float(np.sqrt(_parts(squares).max()))
    if whole > MOST_CHANGED:
        return f"reduced again it differs from the original by {whole:.0f} of 255 levels (at most {MOST_CHANGED:.0f})"
    if part > MOST_CHANGED_PART:
        return (
            f"reduced again a part of it differs from the original by {part:.0f} of 255 levels "
            f"(at most {MOST_CHANGED_PART:.0f})"
        )
    for name, encoder in encoders.items():
        seen, least = _likeness(original, made, encoder)
        if seen < least:
            return f'"{name}" sees another character in it: likeness {seen:.2f} to the original (at least {least:.2f})'
    return ""


def identity_encoders(models: PanelModels, config: PanelConfig) -> dict[str, Encoder]:
    """The encoders that judge identity, by their scorers' names; one that is held out is none of them."""
    found = {}
    for name, settings in config.scorers.items():
        if settings.role != "identity" or not models.serve(name, settings):
            continue
        encoder = models.own.get(name)
        if encoder is None and settings.kind == "clip" and not isinstance(models.clip, ColorHistograms):
            encoder = models.clip
        if encoder is not None:
            found[name] = encoder
    return found


def _likeness(original: Image.Image, made: Image.Image, encoder: Encoder) -> tuple[float, float]:
    """Cosine of a picture with its original at the same size, and the least that is allowed."""
    reference = original.resize(made.size, Image.Resampling.LANCZOS)
    half = original.resize((max(1, original.width // 2), max(1, original.height // 2)), Image.Resampling.BOX)
    coarse = half.resize(made.size, Image.Resampling.LANCZOS)
    vectors = encoder.embed([square(image) for image in (reference, made, coarse)])
    return float(vectors[0] @ vectors[1]), float(vectors[0] @ vectors[2]) - SLACK


def _levels(image: Image.Image) -> NDArray[np.float32]:
    return np.asarray(image.convert("RGB"), np.float32)


def _parts(squares: NDArray[np.float32]) -> NDArray[np.float32]:
    """The mean of each part of a picture of squared differences (h, w, 3), shape (parts,)."""
    found = []
    for rows in np.array_split(squares, min(PARTS, len(squares))):
        for part in np.array_split(rows, min(PARTS, rows.shape[1]), axis=1):
            found.append(part.mean())
    return np.array(found)
