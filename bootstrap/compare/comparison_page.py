"""A comparison as one self-contained HTML page, a contact sheet, and plain data. Looks like a run's report.

Decides nothing: results and advice come in.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from markupsafe import Markup
from PIL import Image

from bootstrap.compare.advice import Advice
from bootstrap.compare.results import KEEPS, THERE, Comparison, PairSearch, Result, TrialPicture
from bootstrap.compare.trial_shots import KNOWN
from bootstrap.pictures.sheets import contact_sheet
from bootstrap.report.acceptance_numbers import acceptance_numbers
from bootstrap.report.document import Document, KeyNumber, Section, Templates, numbers_section, write_document
from bootstrap.report.frame_figures import Figure, FigureGroup, FrameFigures
from bootstrap.report.showcase_rows import drawn_with
from bootstrap.store.files import write_image
from bootstrap.store.store import Store

__all__ = ["as_plain", "write_page", "write_sheet"]

SIDE = 112
"""Pixels of a picture on the sheet."""
MOST_SHOTS = 8
"""Shots that the page leads with: more make each picture too small."""
UNKNOWN = "–"
BESIDE = "The same LoRA alone, then beside the other. Good: identity and control hardly fall."
PARTS = (
    "Identity: the picture's weakest scorer, as its place among the run's look-alikes, 0 to 1. Good: 0.5 or more, and"
    " no view or test far below the others."
)
PICTURES = (
    "The number of a picture is its likeness, 0 to 1; from 0.5 on it is as alike as what the gate begins to keep."
)
PAIRS = (
    f"The LoRA beside the other at each weight. Good: {KEEPS:.0%} of its identity, and {THERE:.0%} of what the other"
    " does by itself, measured on whole pictures."
)
TEMPLATES = Templates(Path(__file__).parent / "templates")


@dataclass(frozen=True, slots=True)
class CellNumbers:
    """What the grid shows of a cell, as text."""

    value: str
    identity: str
    control: str
    faulty: int
    best: bool


@dataclass(frozen=True, slots=True)
class GridRow:
    """A checkpoint at every weight; None where that weight was not tried."""

    checkpoint: str
    cells: Sequence[CellNumbers | None]


def write_page(
    store: Store, out: Path, title: str, comparison: Comparison, advice: Advice, kind: str = "comparison"
) -> Path:
    """Write the page to ``out``; its title says which ``kind`` of page it is. Raises OutputError."""
    figures = FrameFigures(store, out.parent)
    bodies = {
        "Advice": _advice(advice),
        "Checkpoints and weights": _grid(comparison.grid, advice.best),
        "Settings that differ": _settings(comparison.settings),
        "Beside other LoRAs": _beside(comparison.stacked, advice.best),
        "Weights of other LoRAs": _pairs(comparison.pairs),
        "Shown your picture": _beside(comparison.shown, advice.best),
        "On other checkpoints": _beside([one for pair in comparison.elsewhere for one in pair], advice.best),
        "View families and tests": _parts(comparison.rows, figures.view_families, comparison.trials.order),
    }
    for test in comparison.trials.order:
        name = f"Pictures, {comparison.trials.test_in_words(test)}"
        bodies[name] = _pictures(figures, store.directory, comparison, test)
    sections = [numbers_section(_numbers_of(comparison, advice))]
    for number, (name, body) in enumerate(bodies.items()):
        if body:
            sections.append(Section(name, body, f"part{number}"))
    purpose = comparison.trials.character.purpose
    document = Document(
        title=f"{title}: {kind}",
        heading=title,
        subtitle=f"the LoRA under test, made for {purpose}" if purpose else "the LoRA under test",
        sections=sections,
        front=_front(store, figures, comparison, advice),
    )
    return write_document(out, document)


def write_sheet(store: Store, out: Path, comparison: Comparison) -> Path:
    """Write the grid as one picture: a line a cell, a column a shot. Raises OutputError."""
    figures = FrameFigures(store, out.parent)
    images: list[Image.Image] = []
    labels: list[str] = []
    for row in comparison.rows:
        images += [figures.image(picture.frame) for picture in row.pictures]
        labels += [row.name, *(picture.view_family for picture in row.pictures[1:])]
    write_image(out, contact_sheet(images, len(comparison.base.pictures), labels, SIDE))
    return out


def as_plain(comparison: Comparison, advice: Advice) -> dict[str, Any]:
    """Everything that was found, as plain data."""
    best, trials = advice.best, comparison.trials
    additions = []
    for (view_family, framing), number in advice.add.items():
        additions.append({"view_family": view_family, "framing": framing, "pictures": number})
    return {
        "recommended": {"checkpoint": best.checkpoint, "weight": best.cell.weight},
        "best": _plain(best),
        "summary": advice.summary,
        "strengths": list(advice.strengths),
        "weaknesses": list(advice.weaknesses),
        "add": additions,
        "advice": list(advice.steps),
        "unseen": {"pose": trials.pose, "outfit": trials.outfit, **trials.others},
        "cells": list(map(_plain, comparison.ordered)),
        "base": _plain(comparison.base),
        "stacked": list(map(_plain, comparison.stacked)),
        "pairs": list(map(_plain_pairs, comparison.pairs)),
        "shown": list(map(_plain, comparison.shown)),
        "also": [{"base": one.base, "alone": _plain(one), "with": _plain(best)} for one, best in comparison.elsewhere],
    }


def _plain(one: Result) -> dict[str, Any]:
    companions = []
    for companion in one.cell.companions:
        companions.append({"file": str(companion.path), "weight": companion.weight, "words": companion.words})
    return {
        "checkpoint": one.checkpoint,
        "weight": one.cell.weight,
        "with": companions,
        **_numbers(one),
        "view_families": {name: _numbers(part) for name, part in one.by_view_family().items()},
        "tests": {name: _numbers(part) for name, part in one.by_test().items()},
        "scorers": {name: round(value, 4) for name, value in one.scorer_means().items()},
        "shown": {axis: list(counts) for axis, counts in one.rates().items()},
    }


def _plain_pairs(search: PairSearch) -> dict[str, Any]:
    """The search for the weight of another LoRA."""
    tried = []
    for one in search.tried:
        there = None if one.there is None else round(one.there, 4)
        tried.append({"weight": one.weight, "identity_kept": round(one.kept, 4), "other_there": there})
    weight = search.best.weight if search.best.keeps_both else None
    return {"file": str(search.companion.path), "weight": weight, "summary": search.text, "tried": tried}


def _numbers(one: Result) -> dict[str, Any]:
    return {
        "pictures": len(one.pictures),
        "faulty": one.trial.faulty,
        "identity": round(one.trial.identity, 4) if one.ranked else None,
        "control": round(one.trial.control, 4),
        "value": round(one.value, 4),
    }


def _front(store: Store, figures: FrameFigures, comparison: Comparison, advice: Advice) -> Markup:
    """The base alone and the LoRA that is recommended, in the same shots."""
    base, best = _first_known(comparison.base), _first_known(advice.best)
    if len(base) != len(best) or not base:
        return Markup()
    rows = []
    for name, pictures in ((comparison.base.name, base), (advice.best.name, best)):
        own = [_figure(figures, store.directory, picture, comparison.readable) for picture in pictures]
        rows.append({"label": name, "figures": [replace(one, caption=f"{name}: {one.caption}") for one in own]})
    columns = [f"{picture.view_family} {picture.frame.job.shot.framing}" for picture in best]
    return TEMPLATES.render("front", columns=columns, rows=rows, summary=advice.summary, base=drawn_with(store))


def _first_known(one: Result) -> list[TrialPicture]:
    """Its first pictures of what it was trained to draw: of each view family in turn one, then another."""
    known = [picture for picture in one.pictures if picture.test == KNOWN]
    turns: Counter[str] = Counter()
    ranked = []
    for place, picture in enumerate(known):
        ranked.append((turns[picture.view_family], place))
        turns[picture.view_family] += 1
    return [known[place] for _, place in sorted(sorted(ranked)[:MOST_SHOTS], key=lambda one: one[1])]


def _numbers_of(comparison: Comparison, advice: Advice) -> list[KeyNumber]:
    best = advice.best
    tried = f"{len(comparison.grid)} cells of a checkpoint at a weight, each with up to {len(best.pictures)} pictures."
    pictures = sum(len(one.pictures) for one in comparison.rows)
    return [
        KeyNumber("recommended", best.name, "The checkpoint and the weight that drew best."),
        *acceptance_numbers(as_plain(comparison, advice)),
        KeyNumber("pictures", str(pictures), tried),
    ]


def _advice(advice: Advice) -> Markup:
    lists = {"Strengths": advice.strengths, "Weaknesses": advice.weaknesses, "What to add": advice.steps}
    return TEMPLATES.render("advice", summary=advice.summary, lists=lists)


def _grid(grid: Sequence[Result], best: Result) -> Markup:
    """Checkpoints down, weights across."""
    weights = sorted({one.cell.weight for one in grid}, reverse=True)
    by_place = {(one.checkpoint, one.cell.weight): one for one in grid}
    rows = []
    for checkpoint in dict.fromkeys(one.checkpoint for one in grid):
        results = [by_place.get((checkpoint, weight)) for weight in weights]
        rows.append(GridRow(checkpoint, [_cell_numbers(one, best) for one in results]))
    return TEMPLATES.render("grid", weights=[f"{weight:g}" for weight in weights], rows=rows)


def _settings(notes: Sequence[str]) -> Markup:
    """One row for each LoRA from outside the run."""
    rows = [(note,) for note in notes]
    return TEMPLATES.render("table", head=("LoRA: this run's value / its own",), rows=rows) if rows else Markup()


def _cell_numbers(one: Result | None, best: Result) -> CellNumbers | None:
    if one is None:
        return None
    control = f"{one.trial.control:.2f}"
    return CellNumbers(f"{one.value:.3f}", _identity(one), control, one.trial.faulty, one.cell == best.cell)


def _beside(others: Sequence[Result], best: Result) -> Markup:
    """Identity and control of the best cell alone, and with something beside it."""
    if not others:
        return Markup()
    alone = best.on_shots_of(others[0])
    rows = [(one.name, _identity(one), f"{one.trial.control:.2f}") for one in (alone, *others)]
    return TEMPLATES.render("table", head=("cell", "identity", "control"), rows=rows, note=BESIDE)


def _pairs(searches: Sequence[PairSearch]) -> Markup:
    """What is left of both at each weight of another LoRA."""
    rows = []
    for search in searches:
        for one in search.tried:
            best = "best" if one is search.best and one.keeps_both else ""
            there = UNKNOWN if one.there is None else f"{one.there:.0%}"
            rows.append((f"{search.companion.name} at {one.weight:g}", f"{one.kept:.0%}", there, best))
    head = ("other LoRA", "identity kept", "of what it does by itself", "")
    return TEMPLATES.render("table", head=head, rows=rows, note=PAIRS) if rows else Markup()


def _parts(results: Sequence[Result], view_families: Sequence[str], order: Sequence[str]) -> Markup:
    """Identity of every cell by view family and test."""
    rows = []
    for one in results:
        families, tests = one.by_view_family(), one.by_test()
        row = [one.name]
        for part in (*map(families.get, view_families), *map(tests.get, order)):
            row.append(UNKNOWN if part is None else _identity(part))
        rows.append(row)
    return TEMPLATES.render("table", head=("cell", *view_families, *order), rows=rows, note=PARTS)


def _pictures(figures: FrameFigures, run: Path, comparison: Comparison, test: str) -> Markup:
    """What every cell draws in a test; each caption names what is not seen, of the axes read well on the base."""
    groups = []
    for row in comparison.rows:
        own = []
        for picture in row.pictures:
            if picture.test == test:
                own.append(_figure(figures, run, picture, comparison.readable))
        if own:
            groups.append(FigureGroup(row.name, own))
    return TEMPLATES.render("rows", groups=groups, note=PICTURES) if groups else Markup()


def _figure(figures: FrameFigures, run: Path, picture: TrialPicture, readable: Collection[str]) -> Figure:
    likeness = UNKNOWN if picture.drawn.identity is None else f"{picture.drawn.likeness:.2f}"
    caption = f"{picture.view_family}, {picture.frame.job.shot.framing} · {likeness}"
    wrong = [axis.replace("_", " ") for axis, shown in picture.reads.items() if not shown and axis in readable]
    if wrong:
        caption += f" · not seen: {', '.join(wrong)}"
    return figures.of_picture(run / picture.frame.path, "; ".join((caption, *picture.faults)))


def _identity(one: Result) -> str:
    return f"{one.trial.identity:.2f}" if one.ranked else UNKNOWN
