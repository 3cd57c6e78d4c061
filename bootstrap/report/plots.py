"""Small charts as inline SVG, coloured by the page's CSS variables. Pure: numbers in, text out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from html import escape

__all__ = ["curves", "growth", "histogram", "quota_bars", "stacked"]

BINS = 24


def histogram(series: Mapping[str, Sequence[float]], title: str = "") -> str:
    """Overlaid histograms, one for each named series (CSS class = its name), each scaled to its own largest bin.

    Values are finite; no values at all give "".
    """
    values = [value for numbers in series.values() for value in numbers]
    if not values:
        return ""
    low, high = min(values), max(values)
    low, high = (low - 0.5, high + 0.5) if low == high else (low, high)
    width, height = 320, 96
    bars = "".join(_bars(name, numbers, low, high, width, height) for name, numbers in series.items() if numbers)
    foot = height + 14
    ends = f'<text x="0" y="{foot}">{low:.3g}</text><text x="{width}" y="{foot}" class="end">{high:.3g}</text>'
    label = escape(title or "score histogram")
    return (
        f'<svg class="plot" viewBox="-2 -4 {width + 4} {height + 22}" role="img" aria-label="{label}">'
        f'{bars}<line class="axis" x1="0" x2="{width}" y1="{height}" y2="{height}"/>{ends}</svg>'
    )


def _bars(name: str, numbers: Sequence[float], low: float, high: float, width: int, height: int) -> str:
    """One series as a single stepped path."""
    counts = [0] * BINS
    for number in numbers:
        counts[min(BINS - 1, int((number - low) / (high - low) * BINS))] += 1
    step, top = width / BINS, max(counts)
    points = [f"M0 {height}"]
    for place, count in enumerate(counts):
        y = height - count / top * (height - 4)
        points.append(f"L{place * step:.1f} {y:.1f} L{(place + 1) * step:.1f} {y:.1f}")
    return f'<path class="{escape(name)}" d="{" ".join(points)} L{width} {height} Z"/>'


def quota_bars(families: Mapping[str, Mapping[str, int | None]]) -> str:
    """A bar for each view family: kept, then provisional, against its quota."""
    top = max([1, *((one["kept"] or 0) + (one["provisional"] or 0) for one in families.values()),
               *((one["quota"] or 0) for one in families.values())])  # fmt: skip
    lines = []
    for view_family, one in families.items():
        kept, extra, quota = one["kept"] or 0, one["provisional"] or 0, one["quota"]
        count = f"{kept}{f' + {extra}' if extra else ''}{'' if quota is None else f' / {quota}'}"
        mark = "" if quota is None else f'<i class="quota" style="left:{100 * quota / top:.1f}%"></i>'
        lines.append(
            f'<div class="bar"><span>{escape(view_family)}</span><div class="track">'
            f'<b class="kept" style="width:{100 * kept / top:.1f}%"></b>'
            f'<b class="provisional" style="width:{100 * extra / top:.1f}%"></b>{mark}</div><em>{count}</em></div>'
        )
    return f'<div class="bars">{"".join(lines)}</div>'


def growth(rounds: Sequence[Mapping[str, int]]) -> str:
    """Kept frames after each round as columns, the round's goal as a tick; rounds give "number", "total", "goal"."""
    if not rounds:
        return ""
    step, height = 56, 96
    top = max([1, *(one["total"] for one in rounds), *(one["goal"] for one in rounds)])
    parts = []
    for place, one in enumerate(rounds):
        x, tall, goal = place * step + 8, one["total"] / top * height, height - one["goal"] / top * height
        count, drop = ("mid inside", 14) if tall > 18 else ("mid", -4)  # in the column where there is room
        parts.append(
            f'<rect class="kept" x="{x}" y="{height - tall:.1f}" width="34" height="{tall:.1f}" rx="2"/>'
            f'<line class="threshold" x1="{x - 4}" x2="{x + 38}" y1="{goal:.1f}" y2="{goal:.1f}"/>'
            f'<text class="mid" x="{x + 17}" y="{height + 14}">{one["number"]}</text>'
            f'<text class="{count}" x="{x + 17}" y="{height - tall + drop:.1f}">{one["total"]}</text>'
        )
    size = f"-2 -16 {len(rounds) * step + 4} {height + 34}"
    return (
        f'<svg class="plot growth" style="max-width:{len(rounds) * step + 4}px" viewBox="{size}" role="img" '
        f'aria-label="kept frames after each round">{"".join(parts)}</svg>'
    )


def curves(series: Mapping[str, Sequence[float | None]], title: str) -> str:
    """A line for each named series (CSS class = its name) over rounds 1, 2, …; None leaves a gap, no value at all "".

    The last value of each line is written beside it.
    """
    known = [value for values in series.values() for value in values if value is not None]
    if not known:
        return ""
    width, height, count = 300, 96, max(len(values) for values in series.values())
    low, high = min(known), max(known)
    pad = (high - low) * 0.15 or 0.05
    low, high, step = low - pad, high + pad, width / max(1, count)
    drawn = []
    for name, values in series.items():
        places = [
            (place * step + step / 2, height - (value - low) / (high - low) * height)
            for place, value in enumerate(values)
            if value is not None
        ]
        drawn.append(_line(name, places, next((v for v in reversed(values) if v is not None), None)))
    marks = "".join(
        f'<text class="mid" x="{place * step + step / 2:.1f}" y="{height + 14}">{place + 1}</text>'
        for place in range(count)
    )
    return (
        f'<svg class="plot" viewBox="-2 -8 {width + 44} {height + 26}" role="img" aria-label="{escape(title)}">'
        f'<line class="axis" x1="0" x2="{width}" y1="{height}" y2="{height}"/>{marks}{"".join(drawn)}</svg>'
    )


def _line(name: str, places: Sequence[tuple[float, float]], last: float | None) -> str:
    """A line with its points, and its last value written at the end."""
    if not places or last is None:
        return ""
    points, (x, y) = " ".join(f"{x:.1f},{y:.1f}" for x, y in places), places[-1]
    dots = "".join(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2.5"/>' for x, y in places)
    said = f'<text x="{x + 7:.1f}" y="{y + 4:.1f}">{last:.3g}</text>'
    return f'<g class="line {escape(name)}"><polyline points="{points}"/>{dots}{said}</g>'


def stacked(rows: Mapping[str, Mapping[str, float]], said: Callable[[float], str]) -> str:
    """A bar for each row, its parts (CSS class = their names) side by side; ``said`` words the row's sum."""
    top = max((sum(parts.values()) for parts in rows.values()), default=0.0)
    lines = []
    for name, parts in rows.items():
        track = "".join(
            f'<b class="{part}" style="width:{100 * value / top:.1f}%" title="{part} {said(value)}"></b>'
            for part, value in parts.items()
            if value
        )
        total = said(sum(parts.values()))
        lines.append(
            f'<div class="bar"><span>{escape(name)}</span><div class="track">{track}</div><em>{total}</em></div>'
        )
    return f'<div class="bars">{"".join(lines)}</div>' if lines else ""
