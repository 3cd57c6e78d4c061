"""Seed pictures: found, opened, put on white, and the views that are in them.

Whatever is wrong with a file is one line. Knows no character, no caption and no model: files and pixels only.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from bootstrap.errors import SeedError
from bootstrap.seeds.figures import figures, subject

__all__ = ["MOST_SEEDS", "SUBJECT", "SUFFIXES", "View", "gather", "open_seed", "square", "views_in"]

MOST_SEEDS = 4
SUBJECT = "-subject.png"
"""End of the name of a seed that was cropped to its subject."""
MOST_PIXELS = 50_000_000
SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".avif", ".bmp")


@dataclass(frozen=True)
class View:
    """A picture that shows the character once: a seed, or figure ``number`` (from 1; 0: no sheet) of a sheet.

    ``data`` are the bytes of the file ``name``.
    """

    name: str
    image: Image.Image
    data: bytes
    number: int


def gather(sources: Sequence[Path]) -> list[Path]:
    """The seed files among files or one folder, sorted within the folder. Raises SeedError unless 1 to 4."""
    found: list[Path] = []
    for source in sources:
        if source.is_dir():
            found += sorted(path for path in source.iterdir() if path.suffix.lower() in SUFFIXES)
        elif source.exists():
            found.append(source)
        else:
            raise SeedError(f'no such picture "{source}"', "give 1 to 4 picture files, or a folder with them")
    if not 1 <= len(found) <= MOST_SEEDS:
        where = ", ".join(f'"{source}"' for source in sources) or "no file"
        raise SeedError(f"{where}: {len(found)} pictures found", f"give 1 to {MOST_SEEDS} pictures of one character")
    return found


def open_seed(path: Path, smallest: int = 64) -> tuple[Image.Image, bytes]:
    """A seed as upright RGB on white, and its original bytes. Raises SeedError with what is wrong with the file."""
    try:
        data = path.read_bytes()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # what is too large is said below
            opened = Image.open(io.BytesIO(data))
        with opened:
            if opened.width * opened.height > MOST_PIXELS:
                raise SeedError(
                    f'"{path}" has {opened.width}x{opened.height} pixels', "scale it down below 50 megapixels"
                )
            if getattr(opened, "n_frames", 1) > 1:
                raise SeedError(f'"{path}" is animated', "save one frame as PNG")
            image = _on_white(ImageOps.exif_transpose(opened))
    except Image.DecompressionBombError:
        raise SeedError(f'"{path}" has too many pixels to open', "scale it down below 50 megapixels") from None
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError) as error:
        why = "" if isinstance(error, UnidentifiedImageError) else f" ({error})"
        empty = path.is_file() and path.stat().st_size == 0
        reason = "is empty" if empty else f"is no picture that can be read{why}"
        raise SeedError(f'"{path}" {reason}'.replace("\n", " "), "save it again as PNG") from None
    if min(image.size) < smallest:
        raise SeedError(
            f'"{path}" is {image.width}x{image.height}, {smallest - min(image.size)} pixels too small',
            f"give a picture of at least {smallest} pixels a side",
        )
    return image, data


def _on_white(image: Image.Image) -> Image.Image:
    """Any mode as RGB, transparency on white (field practice C3); 16 bits and floats are scaled, not clipped."""
    if image.mode.startswith(("I", "F")):
        values = np.asarray(image, np.float64)
        most = 1.0 if image.mode == "F" and values.max() <= 1 else 65535.0 if values.max() > 255 else 255.0
        return Image.fromarray((values.clip(0, most) * (255 / most)).round().astype(np.uint8)).convert("RGB")
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        rgba = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba).convert("RGB")
    return image.convert("RGB")


def views_in(image: Image.Image, data: bytes, stem: str, suffix: str, *, whole: bool) -> list[View]:
    """The views of an opened seed: itself, its subject where the ground around it is wide, or each figure of a sheet.

    What is cut is a PNG of its own (field practice C2). ``stem`` and ``suffix`` name the file; ``whole`` says that the
    picture is known to be one view.
    """
    boxes = [] if whole else figures(image)
    if not boxes and (box := subject(image)):
        part = image.crop(box)
        return [View(f"{stem}{SUBJECT}", part, _png(part), 0)]
    if not boxes:
        return [View(f"{stem}{suffix}", image, data, 0)]
    return [
        View(f"{stem}-{number}.png", part, _png(part), number)
        for number, part in enumerate((image.crop(box) for box in boxes), 1)
    ]


def _png(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format="PNG")
    return buffer.getvalue()


def square(image: Image.Image) -> Image.Image:
    """The picture padded to a square with the colour of its border, so that nothing is cut off."""
    if image.width == image.height:
        return image
    side = max(image.size)
    red, green, blue = image.resize((1, 1), Image.Resampling.BOX, box=(0, 0, 2, 2)).tobytes()
    canvas = Image.new("RGB", (side, side), (red, green, blue))
    canvas.paste(image, ((side - image.width) // 2, (side - image.height) // 2))
    return canvas
