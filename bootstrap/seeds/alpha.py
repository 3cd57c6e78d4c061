"""Where a seed is transparent, which tells its subject from its ground. Knows no training."""

from __future__ import annotations

from pathlib import Path

from PIL import Image, ImageOps

__all__ = ["subject_of"]


def subject_of(path: Path, size: tuple[int, int]) -> Image.Image | None:
    """A seed's alpha as a picture, RGB, white at the subject; None where it has none, or is of another ``size``."""
    try:
        with Image.open(path) as opened:
            if not opened.has_transparency_data:
                return None
            alpha = ImageOps.exif_transpose(opened).convert("RGBA").getchannel("A")
    except OSError:
        return None
    return alpha.convert("RGB") if alpha.size == size and alpha.getextrema()[0] != 255 else None
