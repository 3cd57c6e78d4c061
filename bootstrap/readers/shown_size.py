"""How large a picture is that a model is shown. Knows no model."""

from __future__ import annotations

from PIL import Image

__all__ = ["shown_size"]


def shown_size(image: Image.Image, longest: int) -> Image.Image:
    """The picture, scaled down where its longer side has more than ``longest`` pixels."""
    if max(image.size) <= longest:
        return image
    scale = longest / max(image.size)
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    return image.resize(size, Image.Resampling.LANCZOS)
