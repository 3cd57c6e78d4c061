"""Draws rows as a plot, and panels as a sheet of pictures. Knows no model, only numbers and finished pictures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from bootstrap.puppets.scene import ALL_VIEW_FAMILIES
from tests.benchmarks.puppetbench.panels import Images, panel_path, read_panel
from tests.benchmarks.puppetbench.report import ALL, paired
from tests.benchmarks.puppetbench.rows import Row
from tests.benchmarks.puppetbench.settings import SIDE, TITLES
from tests.benchmarks.puppetbench.shares import Interval, mean

Scale = Callable[[float], float]
"""A value -> its position in pixels from the top."""
COLORS = {
    "base": "#9aa0a6", "seeds": "#e8a33d", "named": "#b98b5a", "crops": "#c97b1a", "chosen_one": "#7d6bb0",
    "topk": "#5b8fd6", "face": "#3fa7a0", "ours": "#d1495b", "perfect": "#e58fa0",
    "reference": "#8fae5d", "crops_reference": "#5f7d3a", "beside": "#3f5f2a", "once": "#c9a0dc", "knowable": "#6b7280",
    "ceiling": "#3b4252",
}  # fmt: skip
WIDTH, HEIGHT, LEFT, TOP, BOTTOM = 1200, 560, 60, 50, 90
SHOWN = 12
"""Pictures a line of the sheet."""
LABEL = 170
TRUTH = "truth"


def plot(rows: Sequence[Row], contestants: Sequence[str]) -> Image.Image:
    """Identity by view family: one bar for each contestant, its interval over characters as a whisker.

    Where all contestants share some characters, only those count.
    """
    image = Image.new("RGB", (WIDTH, HEIGHT), "white")
    draw, groups = ImageDraw.Draw(image), (*ALL_VIEW_FAMILIES, ALL)
    met = [{row["character"] for row in rows if row["contestant"] == name} for name in contestants]
    if common := set.intersection(*met) if met else set():
        rows = [row for row in rows if row["character"] in common]
    found = {(name, one): mean(paired(rows, [name], one)[0]) for name in contestants for one in groups}
    ends = [end for one in found.values() for end in (one.value, one.low, one.high) if not np.isnan(end)]
    low, high = np.floor(min(ends) * 10) / 10, np.ceil(max(ends) * 10) / 10

    def height(value: float) -> float:
        return float(HEIGHT - BOTTOM - (value - low) / max(high - low, 0.1) * (HEIGHT - BOTTOM - TOP))

    _lines(draw, low, high, height)
    room = (WIDTH - LEFT - 20) / len(groups)
    wide = room * 0.85 / max(1, len(contestants))
    for place, group in enumerate(groups):
        left = LEFT + place * room
        draw.text((left + room * 0.4, HEIGHT - BOTTOM + 8), group, "black", _font(15), anchor="ma")
        for number, name in enumerate(contestants):
            _bar(draw, left + number * wide, wide, found[name, group], COLORS[name], height)
    _legend(draw, contestants)
    title = f"Identity: the judge's likeness with the truth, mean over {len(common) or 'their'} characters"
    draw.text((LEFT, 12), title, "black", _font(18))
    return image


def _lines(draw: ImageDraw.ImageDraw, low: float, high: float, height: Scale) -> None:
    for step in range(round(low * 20), round(high * 20) + 1):
        y = height(step / 20)
        draw.line((LEFT, y, WIDTH - 20, y), "#e4e4e4")
        draw.text((LEFT - 8, y), f"{step / 20:.2f}", "#555555", _font(13), anchor="rm")


def _bar(draw: ImageDraw.ImageDraw, left: float, wide: float, one: Interval, color: str, height: Scale) -> None:
    if np.isnan(one.value):
        return
    draw.rectangle((left + 1, height(one.value), left + wide - 1, HEIGHT - BOTTOM), color)
    if not np.isnan(one.low):
        middle = left + wide / 2
        draw.line((middle, height(one.low), middle, height(one.high)), "black", 2)


def _legend(draw: ImageDraw.ImageDraw, contestants: Sequence[str]) -> None:
    left, top = float(LEFT), HEIGHT - 50
    for name in contestants:
        if left + draw.textlength(TITLES[name], _font(13)) > WIDTH - 40:
            left, top = float(LEFT), top + 22
        draw.rectangle((left, top, left + 14, top + 14), COLORS[name])
        draw.text((left + 20, top + 7), TITLES[name], "black", _font(13), anchor="lm")
        left += 44 + draw.textlength(TITLES[name], _font(13))


def sheet(work: Path, rows: Sequence[Row], contestants: Sequence[str], most: int = 5) -> Image.Image:
    """For each of the first characters the truth and one line for each contestant, the same shots in every line."""
    people = list(dict.fromkeys(row["character"] for row in rows))[:most]
    blocks = [block for character in people if (block := _block(work, rows, character, contestants)) is not None]
    return Image.fromarray(np.concatenate(blocks)) if blocks else Image.new("RGB", (1, 1), "white")


def _block(work: Path, rows: Sequence[Row], character: int, contestants: Sequence[str]) -> Images | None:
    own = {row["contestant"]: row for row in rows if row["character"] == character}
    names = [TRUTH, *(name for name in contestants if name in own)]
    number = next(iter(own.values()))["all"]["pictures"]
    shown = np.linspace(0, number - 1, min(SHOWN, number)).round().astype(int)
    lines = []
    for name in names:
        path = panel_path(work, character, name)
        if path.is_file():
            pictures = read_panel(path, number)[shown]
            lines.append(np.concatenate([_label(TITLES.get(name, name)), *pictures], axis=1))
    if not lines:
        return None
    head = np.asarray(_written(next(iter(own.values()))["name"], lines[0].shape[1], 26))
    return np.concatenate([head, *lines])


def _label(text: str) -> Images:
    return np.asarray(_written(text, LABEL, SIDE))


def _written(text: str, width: int, height: int) -> Image.Image:
    image = Image.new("RGB", (width, height), "white")
    ImageDraw.Draw(image).text((6, height / 2), text, "black", _font(14), anchor="lm")
    return image


def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)
