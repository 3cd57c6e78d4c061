"""Opening a picture file: upright, sRGB, transparency on white; whatever is wrong with it is one line.

Knows no seed, no caption and no model: files and pixels only.
"""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from bootstrap.errors import BootstrapError, PictureError
from bootstrap.pictures.plug_ins import UNKNOWN_COLORS, MissingPlugIn, open_any
from bootstrap.pictures.srgb import in_srgb
from bootstrap.store.files import read_given

__all__ = ["SUFFIXES", "alpha_of", "as_rgb", "open_picture", "square", "unknown_colors"]

MOST_PIXELS = 50_000_000
MOST_BYTES = 1 << 30
SUFFIXES = (
    ".png", ".jpg", ".jpeg", ".webp", ".avif", ".bmp", ".jfif", ".jpe", ".tif", ".tiff", ".gif", ".mpo", ".heic",
    ".heif", ".hif", ".jxl",
)  # fmt: skip
"""Ends of the names of picture files, in lower case."""
FIRST_IS_WHOLE = ("MPO", "HEIF")
"""Formats of phones, whose further pictures are previews and brightness maps of the first one."""


def open_picture(path: Path, smallest: int = 64) -> tuple[Image.Image, bytes]:
    """A picture as upright RGB on white, and the bytes of its file; see `unknown_colors` too.

    Args:
        path: the file.
        smallest: pixels that its shorter side must have.

    Raises:
        PictureError: it is missing, broken, animated, too large or too small.
    """
    try:
        data = read_given(path, MOST_BYTES)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # Pillow's, of damaged metadata: the pixels decide
            image = _decoded(path, data)
    except Image.DecompressionBombError:
        raise PictureError(f'"{path}" has too many pixels to open', "scale it down below 50 megapixels") from None
    except MissingPlugIn as error:
        raise PictureError(f'"{path}" {error}', "install it with pip, or save the picture as PNG") from None
    except BootstrapError:
        raise
    except Exception as error:  # decoders of damaged pixels raise anything
        raise PictureError(f'"{path}" {_reason(path, error)}'.replace("\n", " "), "save it again as PNG") from None
    if min(image.size) < smallest:
        raise PictureError(
            f'"{path}" is {image.width}x{image.height}, {smallest - min(image.size)} pixels too small',
            f"give a picture of at least {smallest} pixels a side",
        )
    return image, data


def unknown_colors(image: Image.Image) -> str:
    """How an opened picture states colours that could not be converted; "" where it states none."""
    return str(image.info.get(UNKNOWN_COLORS, ""))


def as_rgb(opened: Image.Image) -> Image.Image:
    """An opened picture of any mode as upright sRGB, transparency on white; 16 bits and floats are scaled."""
    profile = opened.info.get("icc_profile")
    image = _upright(opened)
    if image.mode.startswith(("I", "F")):
        return in_srgb(_scaled(image), profile)
    if not image.has_transparency_data:
        return in_srgb(_known(image), profile)
    rgba = image.convert("RGBA")
    if profile:
        grey = image.mode == "LA"
        colors = in_srgb(rgba.convert("L" if grey else "RGB"), profile)
        colors.putalpha(rgba.getchannel("A"))
        rgba = colors
    return Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba).convert("RGB")


def alpha_of(opened: Image.Image) -> Image.Image | None:
    """How opaque an opened picture is, upright, mode L; None where it is so everywhere."""
    if not opened.has_transparency_data:
        return None
    alpha = _upright(opened).convert("RGBA").getchannel("A")
    return None if alpha.getextrema()[0] == 255 else alpha


def _upright(opened: Image.Image) -> Image.Image:
    """A picture turned as its EXIF says. Pillow warns of damaged EXIF in words that help nobody."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        return ImageOps.exif_transpose(opened)


def _decoded(path: Path, data: bytes) -> Image.Image:
    with open_any(data) as opened:
        if opened.width * opened.height > MOST_PIXELS:
            size = f"{opened.width}x{opened.height}"
            raise PictureError(f'"{path}" has {size} pixels', "scale it down below 50 megapixels")
        number = getattr(opened, "n_frames", 1)
        if number > 1 and opened.format == "TIFF":
            raise PictureError(f'"{path}" holds {number} pictures', "save one of them as PNG")
        if number > 1 and opened.format not in FIRST_IS_WHOLE:
            raise PictureError(f'"{path}" is animated', "save one frame as PNG")
        image = as_rgb(opened)
        image.info[UNKNOWN_COLORS] = opened.info.get(UNKNOWN_COLORS, "")
        return image


def _reason(path: Path, error: Exception) -> str:
    """Why a file could not be decoded, in words."""
    if path.is_file() and path.stat().st_size == 0:
        return "is empty"
    if isinstance(error, UnidentifiedImageError):
        return "is no picture that can be read"
    return f"is no picture that can be read ({error})"


def _known(image: Image.Image) -> Image.Image:
    """A picture without transparency in one of the modes that profiles are for."""
    if image.mode in ("L", "CMYK", "RGB"):
        return image
    return image.convert("L" if image.mode == "1" else "RGB")


def _scaled(image: Image.Image) -> Image.Image:
    """A picture of one wide channel as grey, mode L; its largest value decides what white is."""
    values = np.asarray(image, np.float64)
    largest = values.max()
    white = 255.0
    if image.mode == "F" and largest <= 1:
        white = 1.0
    elif largest > 255:
        white = 65535.0
    return Image.fromarray((values.clip(0, white) * (255 / white)).round().astype(np.uint8))


def square(image: Image.Image) -> Image.Image:
    """The picture padded to a square with the colour of its border, so that nothing is cut off."""
    if image.width == image.height:
        return image
    side = max(image.size)
    red, green, blue = image.resize((1, 1), Image.Resampling.BOX, box=(0, 0, 2, 2)).tobytes()
    canvas = Image.new("RGB", (side, side), (red, green, blue))
    canvas.paste(image, ((side - image.width) // 2, (side - image.height) // 2))
    return canvas
