"""The comparison as one self-contained HTML page, a sheet of pictures, and plain data. Looks like a run's report.

Decides nothing: results and verdict come in.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from PIL import Image

import bootstrap.report as report_room
from bootstrap.compare.advice import Advice
from bootstrap.compare.results import Comparison, Result, Shown
from bootstrap.compare.trial_shots import TESTS
from bootstrap.pictures.sheets import contact_sheet
from bootstrap.records import VIEW_FAMILIES
from bootstrap.report.frame_figures import Gallery
from bootstrap.store.files import write_atomic, write_image
from bootstrap.store.store import Store

__all__ = ["as_plain", "write_page", "write_sheet"]

SIDE = 112
"""Pixels of a picture on the sheet."""
UNKNOWN = "–"


def write_page(store: Store, out: Path, title: str, found: Comparison, verdict: Advice) -> Path:
    """Write the page to ``out``. Raises OutputError."""
    gallery = Gallery(store, out.parent)
    sections = {
        "Advice": _said(verdict),
        "Checkpoints and weights": _table(found.grid, verdict.best),
        "Beside other LoRAs": _stacked(found.stacked, verdict.best),
        "View families and tests": _parts(found.rows),
        **{f"Pictures, {found.trials.asks(test)}": _pictures(gallery, store.directory, found, test) for test in TESTS},
    }
    there = [(f"part{n}", escape(name), part) for n, (name, part) in enumerate(sections.items()) if part]
    rest = "".join(f'<h2 id="{place}">{name}</h2>{part}' for place, name, part in there)
    links = "".join(f'<a href="#{place}">{name}</a>' for place, name, _ in there)
    style = Path(report_room.__file__).with_name("page.css").read_text(encoding="utf-8")
    page = (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>{escape(title)}: comparison</title><style>{style}</style><body><header><h1>{escape(title)}</h1>"
        f'<p class="soft">the LoRA under test</p></header><nav>{links}</nav>{_tiles(found, verdict)}{rest}'
        f"</body></html>\n"
    )
    write_atomic(out, page.encode())
    return out


def write_sheet(store: Store, out: Path, found: Comparison) -> Path:
    """Write the grid as one picture: a line a cell, a column a shot. Raises OutputError."""
    gallery = Gallery(store, out.parent)
    images: list[Image.Image] = []
    labels: list[str] = []
    for row in found.rows:
        images += [gallery.image(one.frame) for one in row.shown]
        labels += [row.cell.name, *(one.frame.job.shot.view_family for one in row.shown[1:])]
    write_image(out, contact_sheet(images, len(found.base.shown), labels, SIDE))
    return out


def as_plain(found: Comparison, verdict: Advice) -> dict[str, Any]:
    """Everything that was found, as plain data."""
    best, trials = verdict.best, found.trials
    base, *cells = found.rows[: 1 + len(found.grid)]
    return {
        "recommended": {"checkpoint": best.checkpoint, "weight": best.cell.weight},
        "summary": verdict.summary,
        "strengths": list(verdict.strengths),
        "weaknesses": list(verdict.weaknesses),
        "add": [
            {"view_family": view_family, "framing": framing, "pictures": n}
            for (view_family, framing), n in verdict.add.items()
        ],
        "advice": list(verdict.advice),
        "unseen": {"pose": trials.pose, "outfit": trials.outfit},
        "cells": [_plain(one) for one in cells],
        "base": _plain(base),
        "stacked": [_plain(one) for one in found.stacked],
    }


def _plain(one: Result) -> dict[str, Any]:
    cell = one.cell
    return {
        "checkpoint": one.checkpoint,
        "weight": cell.weight,
        "with": [{"file": str(c.path), "weight": c.weight, "words": c.words} for c in cell.companions],
        **_numbers(one),
        "families": {name: _numbers(part) for name, part in one.by(_family).items()},
        "tests": {name: _numbers(part) for name, part in one.by(_test).items()},
        "scorers": {name: round(value, 4) for name, value in one.raw().items()},
        "shown": {axis: list(counts) for axis, counts in one.rates().items()},
    }


def _numbers(one: Result) -> dict[str, Any]:
    identity = round(one.trial.identity, 4) if one.ranked else None
    control, faulty = round(one.trial.control, 4), one.trial.faulty
    counts = {"pictures": len(one.shown), "faulty": faulty}
    return {**counts, "identity": identity, "control": control, "value": round(one.value, 4)}


def _tiles(found: Comparison, verdict: Advice) -> str:
    best = verdict.best
    tiles: Mapping[str, str] = {
        "checkpoint": best.checkpoint,
        "weight": f"{best.cell.weight:g}",
        "identity": _identity(best),
        "control": f"{best.trial.control:.2f}",
        "cells": str(len(found.grid)),
        "pictures a cell": str(len(best.shown)),
    }
    boxes = (f'<div class="tile"><b>{escape(value)}</b><span>{name}</span></div>' for name, value in tiles.items())
    return f'<div class="tiles">{"".join(boxes)}</div>'


def _said(verdict: Advice) -> str:
    lists = {"Strengths": verdict.strengths, "Weaknesses": verdict.weaknesses, "What to add": verdict.advice}
    cards = "".join(
        f'<div class="card"><h3>{name}</h3><ul>{"".join(f"<li>{escape(text)}</li>" for text in texts)}</ul></div>'
        for name, texts in lists.items()
        if texts
    )
    return f'<p>{escape(verdict.summary)}.</p><div class="pair">{cards}</div>'


def _table(grid: Sequence[Result], best: Result) -> str:
    """Checkpoints down, weights across."""
    weights = sorted({one.cell.weight for one in grid}, reverse=True)
    found = {(one.checkpoint, one.cell.weight): one for one in grid}
    lines = []
    for name in dict.fromkeys(checkpoint for checkpoint, _ in found):
        cells = "".join(_cell(found.get((name, weight)), best) for weight in weights)
        lines.append(f"<tr><td><code>{escape(name)}</code></td>{cells}</tr>")
    head = "".join(f"<th>at {weight:g}</th>" for weight in weights)
    note = (
        '<p class="soft">Identity times control, then both. Identity: 0.5 is where the gate begins to let a picture '
        "in; control: the share of what was asked for that the panel sees.</p>"
    )
    return f'{note}<div class="scroll"><table><tr><th>checkpoint</th>{head}</tr>{"".join(lines)}</table></div>'


def _cell(one: Result | None, best: Result) -> str:
    if one is None:
        return f"<td>{UNKNOWN}</td>"
    value = f"{one.value:.3f}"
    value = f"<b>{value}</b> recommended" if one is best else value
    faulty = f", {one.trial.faulty} faulty" if one.trial.faulty else ""
    return f'<td>{value}<br><small class="soft">{_identity(one)} x {one.trial.control:.2f}{faulty}</small></td>'


def _parts(rows: Sequence[Result]) -> str:
    """Identity of every cell by view family and test."""
    lines = []
    for row in rows:
        families, tests = row.by(_family), row.by(_test)
        parts = [*(families.get(view_family) for view_family in VIEW_FAMILIES), *(tests.get(test) for test in TESTS)]
        cells = "".join(f"<td>{UNKNOWN if part is None else _identity(part)}</td>" for part in parts)
        lines.append(f"<tr><td>{escape(row.cell.name)}</td>{cells}</tr>")
    head = "".join(f"<th>{escape(name)}</th>" for name in (*VIEW_FAMILIES, *TESTS))
    note = "<p class=\"soft\">Identity: the picture's weakest scorer, as its place among the run's look-alikes.</p>"
    return f'{note}<div class="scroll"><table><tr><th>cell</th>{head}</tr>{"".join(lines)}</table></div>'


def _pictures(gallery: Gallery, run: Path, found: Comparison, test: str) -> str:
    """What every cell draws in a test; what is not seen is told of the axes that are read well on the base."""
    strips, readable = [], found.readable
    for row in found.rows:
        shown = [one for one in row.shown if one.test == test]
        figures = "".join(_figure(gallery, run, one, readable) for one in shown)
        if shown:
            name = f"<h3>{escape(row.cell.name)}</h3>"
            strips.append(f'<div class="strip">{name}<div class="sheet">{figures}</div></div>')
    return "".join(strips)


def _figure(gallery: Gallery, run: Path, one: Shown, readable: Collection[str]) -> str:
    shot, place = one.frame.job.shot, UNKNOWN if one.drawn.identity is None else f"{one.drawn.likeness:.2f}"
    wrong = [axis.replace("_", " ") for axis, shown in one.reads.items() if not shown and axis in readable]
    said = f"{shot.view_family}, {shot.framing} · {place}" + (f" · not seen: {', '.join(wrong)}" if wrong else "")
    return gallery.picture(run / one.frame.path, "; ".join((said, *one.faults)))


def _stacked(stacked: Sequence[Result], best: Result) -> str:
    if not stacked:
        return ""
    lines = "".join(
        f"<tr><td>{escape(one.cell.name)}</td><td>{_identity(one)}</td><td>{one.trial.control:.2f}</td></tr>"
        for one in (best, *stacked)
    )
    return f'<div class="scroll"><table><tr><th>cell</th><th>identity</th><th>control</th></tr>{lines}</table></div>'


def _identity(one: Result) -> str:
    return f"{one.trial.identity:.2f}" if one.ranked else UNKNOWN


def _family(one: Shown) -> str:
    return one.frame.job.shot.view_family


def _test(one: Shown) -> str:
    return one.test
