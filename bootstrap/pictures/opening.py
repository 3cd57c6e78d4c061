"""Opening a picture file: upright, RGB, transparency on white; whatever is wrong with it is one line.

Knows no seed, no caption and no model: files and pixels only.
"""

from __future__ import annotations

import io
import warnings
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from bootstrap.errors import PictureError

__all__ = ["SUFFIXES", "open_picture", "square"]

MOST_PIXELS = 50_000_000
SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".avif", ".bmp")
"""Ends of the names of picture files, in lower case."""


def open_picture(path: Path, smallest: int = 64) -> tuple[Image.Image, bytes]:
    """A picture as upright RGB on white, and the bytes of its file.

    Args:
        path: the file.
        smallest: pixels that its shorter side must have.

    Raises:
        PictureError: it is missing, broken, animated, too large or too small.
    """
    try:
        data = path.read_bytes()
        image = _decoded(path, data)
    except Image.DecompressionBombError:
        raise PictureError(f'"{path}" has too many pixels to open', "scale it down below 50 megapixels") from None
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError) as error:
        raise PictureError(f'"{path}" {_reason(path, error)}'.replace("\n", " "), "save it again as PNG") from None
    if min(image.size) < smallest:
        raise PictureError(
            f'"{path}" is {image.width}x{image.height}, {smallest - min(image.size)} pixels too small',
            f"give a picture of at least {smallest} pixels a side",
        )
    return image, data


def _decoded(path: Path, data: bytes) -> Image.Image:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # the size is checked below
        opened = Image.open(io.BytesIO(data))
    with opened:
        if opened.width * opened.height > MOST_PIXELS:
            size = f"{opened.width}x{opened.height}"
            raise PictureError(f'"{path}" has {size} pixels', "scale it down below 50 megapixels")
        if getattr(opened, "n_frames", 1) > 1:
            raise PictureError(f'"{path}" is animated', "save one frame as PNG")
        return _on_white(ImageOps.exif_transpose(opened))


def _reason(path: Path, error: Exception) -> str:
    """Why a file could not be decoded, in words."""
    if path.is_file() and path.stat().st_size == 0:
        return "is empty"
    if isinstance(error, UnidentifiedImageError):
        return "is no picture that can be read"
    return f"is no picture that can be read ({error})"


def _on_white(image: Image.Image) -> Image.Image:
    """Any mode as RGB, transparency on white; 16 bits and floats are scaled, not clipped."""
    if image.mode.startswith(("I", "F")):
        return _scaled(image)
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        rgba = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba).convert("RGB")
    return image.convert("RGB")


def _scaled(image: Image.Image) -> Image.Image:
    """A picture of one wide channel as RGB; its largest value decides what white is."""
    values = np.asarray(image, np.float64)
    largest = values.max()
    white = 255.0
    if image.mode == "F" and largest <= 1:
        white = 1.0
    elif largest > 255:
        white = 65535.0
    return Image.fromarray((values.clip(0, white) * (255 / white)).round().astype(np.uint8)).convert("RGB")


def square(image: Image.Image) -> Image.Image:
    """The picture padded to a square with the colour of its border, so that nothing is cut off."""
    if image.width == image.height:
        return image
    side = max(image.size)
    red, green, blue = image.resize((1, 1), Image.Resampling.BOX, box=(0, 0, 2, 2)).tobytes()
    canvas = Image.new("RGB", (side, side), (red, green, blue))
    canvas.paste(image, ((side - image.width) // 2, (side - image.height) // 2))
    return canvas
