"""Pictures side by side, and pictures small enough to lie inside a page. Knows images and words, no run."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence

from PIL import Image, ImageDraw, ImageFont

__all__ = ["INK", "PAPER", "contact_sheet", "paste_fitted", "shortened", "thumbnail"]

PAPER, INK = (250, 250, 248), (60, 60, 66)
LABEL_HEIGHT, GAP = 16, 6  # pixels


def contact_sheet(
    images: Sequence[Image.Image], columns: int, labels: Sequence[str] = (), side: int = 160
) -> Image.Image:
    """A grid of ``images``, RGB, each fitted into ``side`` x ``side`` pixels with its label under it.

    ``labels`` may be empty, else one for each image. No images give an empty sheet of one cell.
    """
    columns = max(1, min(columns, len(images) or 1))
    label = LABEL_HEIGHT if labels else 0
    width, height = side + GAP, side + label + GAP
    sheet = Image.new("RGB", (columns * width + GAP, -(-max(1, len(images)) // columns) * height + GAP), PAPER)
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(size=11)
    for place, image in enumerate(images):
        left, top = GAP + place % columns * width, GAP + place // columns * height
        paste_fitted(sheet, image, (left, top), side)
        if labels:
            text = shortened(pen, labels[place], font, side)
            pen.text((left, top + side + 1), text, fill=INK, font=font)
    return sheet


def thumbnail(image: Image.Image, side: int = 192) -> str:
    """The image, at most ``side`` pixels wide and high, as a WebP data URI; never enlarged."""
    small = image.convert("RGB")
    small.thumbnail((side, side), Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    small.save(buffer, format="WEBP", quality=82)
    return "data:image/webp;base64," + base64.b64encode(buffer.getvalue()).decode()


def paste_fitted(sheet: Image.Image, image: Image.Image, place: tuple[int, int], side: int) -> None:
    """Paste the image in the middle of a cell, ``side`` x ``side`` pixels at ``place``, as large as fits."""
    scale = side / max(image.size)
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    small = image.convert("RGB").resize(size, Image.Resampling.LANCZOS)
    left, top = place
    sheet.paste(small, (left + (side - small.width) // 2, top + (side - small.height) // 2))


def shortened(
    pen: ImageDraw.ImageDraw, text: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont, width: float
) -> str:
    """The text, cut with an ellipsis where it would run into the next cell."""
    if pen.textlength(text, font=font) <= width:
        return text
    while text and pen.textlength(text + "…", font=font) > width:
        text = text[:-1]
    return text + "…"
