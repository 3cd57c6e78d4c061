"""Draws curves in small panels side by side. Knows no experiment, only points."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from PIL import Image, ImageDraw, ImageFont

PANEL, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 400, 340, 56, 18, 44, 76
"""Pixels of a panel, and of what lies around its plot."""
LINES, MOST_MARKS = 5, 12
"""Lines of the grid; at most so many values of x are marked one by one."""


@dataclass(frozen=True)
class Curve:
    """Points (x, y) by rising x; ``rings`` are places x that are marked on it."""

    title: str
    color: str
    points: Sequence[tuple[float, float]]
    rings: tuple[float, ...] = field(default=())


def chart(
    panels: Mapping[str, Sequence[Curve]], x_title: str, note: str = "", *, diagonal: bool = False
) -> Image.Image:
    """A panel for each name, with its own scale; ``diagonal`` draws y = x."""
    image = Image.new("RGB", (PANEL * max(1, len(panels)), HEIGHT), "white")
    draw = ImageDraw.Draw(image)
    for place, (title, curves) in enumerate(panels.items()):
        _panel(draw, place * PANEL, title, [one for one in curves if one.points], x_title, diagonal=diagonal)
    named = {one.title: one.color for curves in panels.values() for one in curves}
    for place, (title, color) in enumerate(named.items()):
        left = LEFT + place * 170
        draw.rectangle((left, HEIGHT - 26, left + 12, HEIGHT - 14), color)
        draw.text((left + 18, HEIGHT - 20), title, "black", _font(12), anchor="lm")
    draw.text((PANEL * len(panels) - RIGHT, HEIGHT - 20), note, "#555555", _font(12), anchor="rm")
    return image


def _panel(
    draw: ImageDraw.ImageDraw, left: int, title: str, curves: Sequence[Curve], x_title: str, *, diagonal: bool
) -> None:
    draw.text((left + LEFT, 14), title, "black", _font(15))
    points = [point for one in curves for point in one.points]
    if not points:
        return
    ends = [*(x for x, _ in points), *(y for _, y in points)] if diagonal else []
    x_low, x_high = _range([x for x, _ in points] + ends)
    y_low, y_high = _range([y for _, y in points] + ends)

    def at(x: float, y: float) -> tuple[float, float]:
        across = (x - x_low) / (x_high - x_low) * (PANEL - LEFT - RIGHT)
        up = (y - y_low) / (y_high - y_low) * (HEIGHT - TOP - BOTTOM)
        return left + LEFT + across, HEIGHT - BOTTOM - up

    for step in range(LINES + 1):
        y = y_low + (y_high - y_low) * step / LINES
        draw.line((at(x_low, y), at(x_high, y)), "#e4e4e4")
        draw.text((left + LEFT - 6, at(x_low, y)[1]), f"{y:.3g}", "#555555", _font(11), anchor="rm")
    marks = sorted({x for x, _ in points})
    if len(marks) > MOST_MARKS:
        marks = [x_low + (x_high - x_low) * step / LINES for step in range(LINES + 1)]
    for x in marks:
        draw.text((at(x, y_low)[0], HEIGHT - BOTTOM + 6), f"{x:.3g}", "#555555", _font(11), anchor="ma")
    draw.text((left + PANEL - RIGHT, HEIGHT - BOTTOM + 22), x_title, "#555555", _font(12), anchor="ra")
    if diagonal:
        draw.line((at(x_low, x_low), at(x_high, x_high)), "#9aa0a6", 1)
    for one in curves:
        _curve(draw, one, [at(x, y) for x, y in one.points], [at(*p) for p in one.points if p[0] in one.rings])


def _curve(
    draw: ImageDraw.ImageDraw, one: Curve, places: Sequence[tuple[float, float]], rings: Sequence[tuple[float, float]]
) -> None:
    if len(places) > 1:
        draw.line(list(places), one.color, 2)
    for x, y in places:
        draw.ellipse((x - 3, y - 3, x + 3, y + 3), one.color)
    for x, y in rings:
        draw.ellipse((x - 9, y - 9, x + 9, y + 9), outline=one.color, width=2)


def _range(values: Sequence[float]) -> tuple[float, float]:
    low, high = min(values), max(values)
    return (low, high) if high > low else (low - 0.5, high + 0.5)


def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)
