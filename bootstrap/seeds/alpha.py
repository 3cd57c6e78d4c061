"""Where a seed is transparent, which tells its subject from its ground. Knows no training."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from bootstrap.pictures import alpha_of, open_any

__all__ = ["subject_of", "with_alpha"]


def subject_of(file: Path | bytes, size: tuple[int, int]) -> Image.Image | None:
    """A seed's alpha as a picture, RGB, white at the subject; None where it has none, or is of another ``size``.

    ``file`` is where it lies, or its bytes.
    """
    try:
        with open_any(file) as opened:
            alpha = alpha_of(opened)
    except OSError:
        return None
    return alpha.convert("RGB") if alpha and alpha.size == size else None


def with_alpha(image: Image.Image, mask: Image.Image) -> Image.Image:
    """A picture on white as RGBA whose alpha is ``mask``, of its size: laid on white again it is the same to a level.

    Colours are solved for: on white they were ``255 - alpha * (255 - color)``.
    """
    alpha = np.asarray(mask.convert("L"), np.float32)[..., None] / 255
    below_white = (255 - np.asarray(image, np.float32)) / np.maximum(alpha, 1 / 255)
    colors = np.clip(255 - below_white, 0, 255).round().astype(np.uint8)
    found = Image.fromarray(colors)
    found.putalpha(mask.convert("L"))
    return found
