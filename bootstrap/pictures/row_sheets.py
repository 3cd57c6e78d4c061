"""Rows of pictures of the same shots as one picture, with a heading, made to be shown elsewhere. Knows no run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PIL import Image, ImageDraw, ImageFont

from bootstrap.pictures.sheets import INK, PAPER, paste_fitted, shortened

__all__ = ["PictureRow", "RowSheet"]

SOFT = (120, 120, 128)
GAP = 8  # pixels
LINE = 1.3  # of the font's size
CAPTION = 3  # lines
Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


@dataclass(frozen=True, slots=True)
class PictureRow:
    """A row: its label, a softer line under that (may be ""), and its pictures, RGB."""

    label: str
    note: str
    images: Sequence[Image.Image]


@dataclass(frozen=True)
class RowSheet:
    """A heading beside some pictures, then rows: labels stand on the left, ``columns`` over the first row."""

    title: str
    text: Sequence[str]
    heads: Sequence[Image.Image]
    columns: Sequence[str]
    rows: Sequence[PictureRow]

    def drawn(self, side: int) -> Image.Image:
        """The sheet, RGB; each picture is fitted into ``side`` x ``side`` pixels."""
        size = max(10, side // 10)
        line, label = round(size * LINE), round(1.3 * side)
        top = 3 * GAP + side + CAPTION * line
        width = label + len(self.columns) * (side + GAP) + 2 * GAP
        sheet = Image.new("RGB", (width, top + len(self.rows) * (side + GAP)), PAPER)
        pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(size=size)
        self._heading(sheet, pen, side, size)
        for number, caption in enumerate(self.columns):
            left = GAP + label + number * (side + GAP)
            words = _wrapped(pen, caption, font, side)[:CAPTION]
            _lines(pen, (left, top - len(words) * line), words, font, side, SOFT)
        for number, row in enumerate(self.rows):
            height = top + number * (side + GAP)
            below = _lines(pen, (GAP, height), _wrapped(pen, row.label, font, label - GAP), font, label, INK)
            _lines(pen, (GAP, below + line // 3), _wrapped(pen, row.note, font, label - GAP), font, label, SOFT)
            for place, image in enumerate(row.images):
                paste_fitted(sheet, image, (GAP + label + place * (side + GAP), height), side)
        return sheet

    def _heading(self, sheet: Image.Image, pen: ImageDraw.ImageDraw, side: int, size: int) -> None:
        """The first pictures, title and text beside them."""
        for number, image in enumerate(self.heads):
            paste_fitted(sheet, image, (GAP + number * (side + GAP), GAP), side)
        left = 2 * GAP + max(1, len(self.heads)) * (side + GAP)
        large, font = ImageFont.load_default(size=round(1.8 * size)), ImageFont.load_default(size=size)
        below = _lines(pen, (left, GAP), [self.title], large, sheet.width - left, INK)
        for text in self.text:
            lines = _wrapped(pen, text, font, sheet.width - left - GAP)
            below = _lines(pen, (left, below + size // 2), lines, font, sheet.width - left, INK)


def _lines(
    pen: ImageDraw.ImageDraw,
    place: tuple[int, int],
    lines: Sequence[str],
    font: Font,
    width: int,
    color: tuple[int, int, int],
) -> int:
    """Write lines under each other, each cut at ``width`` pixels; returns where the next would begin."""
    left, top = place
    for text in lines:
        pen.text((left, top), shortened(pen, text, font, width), fill=color, font=font)
        top += round(getattr(font, "size", 10) * LINE)
    return top


def _wrapped(pen: ImageDraw.ImageDraw, text: str, font: Font, width: int) -> list[str]:
    """The text in lines of at most ``width`` pixels, broken between words."""
    lines: list[str] = []
    for word in text.split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and pen.textlength(longer, font=font) <= width:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines
