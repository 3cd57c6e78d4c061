"""Where a seed is transparent, which tells its subject from its ground. Knows no training."""

from __future__ import annotations

from pathlib import Path

from PIL import Image

from bootstrap.pictures import alpha_of, open_any

__all__ = ["subject_of"]


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
