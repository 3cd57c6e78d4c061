"""Small charts as inline SVG or HTML, coloured by the page's CSS variables. Pure: numbers in, markup out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

__all__ = ["Plot", "curves", "growth", "histogram", "quota_bars", "stacked"]

BINS = 24
EMPTY = Markup()


@dataclass(frozen=True, slots=True)
class Plot:
    """A chart under its title; ``svg`` is empty where there is nothing to draw.

    ``legend`` names its colours; ``meaning`` says in a sentence or two what it shows and when that is good.
    """

    title: str
    svg: Markup
    legend: Sequence[str] = ()
    meaning: str = ""


def histogram(series: Mapping[str, Sequence[float]], title: str = "") -> Markup:
    """Overlaid histograms, one for each named series (CSS class = its name), each scaled to its own largest bin.

    Values are finite; no values at all give an empty plot.
    """
    values: list[float] = []
    for numbers in series.values():
        values += numbers
    if not values:
        return EMPTY
    low, high = min(values), max(values)
    if low == high:
        low, high = low - 0.5, high + 0.5
    width, height = 320, 96
    bars = EMPTY
    for name, numbers in series.items():
        if numbers:
            bars += _bars(name, numbers, low, high, width, height)
    foot = height + 14
    return Markup(
        '<svg class="plot" viewBox="-2 -4 {} {}" role="img" aria-label="{}">{}'
        '<line class="axis" x1="0" x2="{}" y1="{}" y2="{}"/>'
        '<text x="0" y="{}">{:.3g}</text><text x="{}" y="{}" class="end">{:.3g}</text></svg>'
    ).format(
        width + 4, height + 22, title or "score histogram", bars, width, height, height, foot, low, width, foot, high
    )


def _bars(name: str, numbers: Sequence[float], low: float, high: float, width: int, height: int) -> Markup:
    """One series as a single stepped path."""
    counts = [0] * BINS
    for number in numbers:
        counts[min(BINS - 1, int((number - low) / (high - low) * BINS))] += 1
    step, top = width / BINS, max(counts)
    points = [f"M0 {height}"]
    for place, count in enumerate(counts):
        y = height - count / top * (height - 4)
        points.append(f"L{place * step:.1f} {y:.1f} L{(place + 1) * step:.1f} {y:.1f}")
    points.append(f"L{width} {height} Z")
    return Markup('<path class="{}" d="{}"/>').format(name, " ".join(points))


def quota_bars(counts: Mapping[str, Mapping[str, int | None]]) -> Markup:
    """A bar for each name: ``kept``, then ``provisional`` pictures, against its ``quota`` (None: unknown)."""
    top = 1
    for one in counts.values():
        top = max(top, (one["kept"] or 0) + (one["provisional"] or 0), one["quota"] or 0)
    lines = EMPTY
    for name, one in counts.items():
        lines += _quota_bar(name, one["kept"] or 0, one["provisional"] or 0, one["quota"], top)
    return Markup('<div class="bars">{}</div>').format(lines)


def _quota_bar(name: str, kept: int, provisional: int, quota: int | None, top: int) -> Markup:
    """One bar; ``top`` pictures fill its width."""
    text, mark = f"{kept}", EMPTY
    if provisional:
        text += f" + {provisional}"
    if quota is not None:
        text += f" / {quota}"
        mark = Markup('<i class="quota" style="left:{:.1f}%"></i>').format(100 * quota / top)
    return Markup(
        '<div class="bar"><span>{}</span><div class="track"><b class="kept" style="width:{:.1f}%"></b>'
        '<b class="provisional" style="width:{:.1f}%"></b>{}</div><em>{}</em></div>'
    ).format(name, 100 * kept / top, 100 * provisional / top, mark, text)


def growth(rounds: Sequence[Mapping[str, int]]) -> Markup:
    """Kept frames after each round as columns, the round's goal as a tick; rounds give "number", "total", "goal"."""
    if not rounds:
        return EMPTY
    step, height = 56, 96
    top = max([1, *(one["total"] for one in rounds), *(one["goal"] for one in rounds)])
    columns = EMPTY
    for place, one in enumerate(rounds):
        columns += _column(place * step + 8, one["number"], one["total"], one["goal"], height / top, height)
    width = len(rounds) * step + 4
    return Markup(
        '<svg class="plot growth" style="max-width:{}px" viewBox="-2 -16 {} {}" role="img" '
        'aria-label="kept frames after each round">{}</svg>'
    ).format(width, width, height + 34, columns)


def _column(x: int, number: int, total: int, goal: int, scale: float, height: int) -> Markup:
    """A column of ``total`` frames with the tick of its goal; ``scale`` is the height of one frame."""
    tall, tick = total * scale, height - goal * scale
    css, drop = "mid", -4  # the count stands above the column
    if tall > 18:
        css, drop = "mid inside", 14  # or in it, where there is room
    return Markup(
        '<rect class="kept" x="{}" y="{:.1f}" width="34" height="{:.1f}" rx="2"/>'
        '<line class="threshold" x1="{}" x2="{}" y1="{:.1f}" y2="{:.1f}"/>'
        '<text class="mid" x="{}" y="{}">{}</text><text class="{}" x="{}" y="{:.1f}">{}</text>'
    ).format(
        x, height - tall, tall, x - 4, x + 38, tick, tick, x + 17, height + 14, number, css, x + 17,
        height - tall + drop, total,
    )  # fmt: skip


def curves(series: Mapping[str, Sequence[float | None]], title: str) -> Markup:
    """A line for each named series (CSS class = its name) over rounds 1, 2, …; None leaves a gap.

    The last value of each line is written beside it. No value at all gives an empty plot.
    """
    known = [value for values in series.values() for value in values if value is not None]
    if not known:
        return EMPTY
    width, height, count = 300, 96, max(len(values) for values in series.values())
    pad = (max(known) - min(known)) * 0.15 or 0.05
    low, high = min(known) - pad, max(known) + pad
    step = width / max(1, count)
    drawn = EMPTY
    for place in range(count):
        drawn += Markup('<text class="mid" x="{:.1f}" y="{}">{}</text>').format(
            place * step + step / 2, height + 14, place + 1
        )
    for name, values in series.items():
        points = []
        for place, value in enumerate(values):
            if value is not None:
                points.append((place * step + step / 2, height - (value - low) / (high - low) * height, value))
        drawn += _line(name, points)
    return Markup(
        '<svg class="plot" viewBox="-2 -8 {} {}" role="img" aria-label="{}">'
        '<line class="axis" x1="0" x2="{}" y1="{}" y2="{}"/>{}</svg>'
    ).format(width + 44, height + 26, title, width, height, height, drawn)


def _line(name: str, points: Sequence[tuple[float, float, float]]) -> Markup:
    """A line through points (x, y, value) with a dot at each, and its last value written at the end."""
    if not points:
        return EMPTY
    corners, dots = [], EMPTY
    for x, y, _ in points:
        corners.append(f"{x:.1f},{y:.1f}")
        dots += Markup('<circle cx="{:.1f}" cy="{:.1f}" r="2.5"/>').format(x, y)
    x, y, last = points[-1]
    return Markup('<g class="line {}"><polyline points="{}"/>{}<text x="{:.1f}" y="{:.1f}">{:.3g}</text></g>').format(
        name, " ".join(corners), dots, x + 7, y + 4, last
    )


def stacked(rows: Mapping[str, Mapping[str, float]], worded: Callable[[float], str]) -> Markup:
    """A bar for each row, its parts (CSS class = their names) side by side; ``worded`` puts a number into words."""
    if not rows:
        return EMPTY
    top = max(sum(parts.values()) for parts in rows.values())
    lines = EMPTY
    for name, parts in rows.items():
        track = EMPTY
        for part, value in parts.items():
            if value:
                track += Markup('<b class="{}" style="width:{:.1f}%" title="{} {}"></b>').format(
                    part, 100 * value / top, part, worded(value)
                )
        lines += Markup('<div class="bar"><span>{}</span><div class="track">{}</div><em>{}</em></div>').format(
            name, track, worded(sum(parts.values()))
        )
    return Markup('<div class="bars">{}</div>').format(lines)
