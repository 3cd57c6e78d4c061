"""``bootstrap compare``: checkpoints x weights of a run's LoRA, unseen things, other LoRAs beside it; and advice."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import typer

from bootstrap.cli.compare_rating import CellRater
from bootstrap.cli.compare_settings import settings_notes
from bootstrap.cli.compare_weights import chosen_weights
from bootstrap.compare.advice import Advice, advice_on
from bootstrap.compare.comparison_page import as_plain, write_page, write_sheet
from bootstrap.compare.grid import (
    BASE,
    Cell,
    Companion,
    companion_from,
    epochs_then_weights,
    grid,
    stacks,
    weights_from,
)
from bootstrap.compare.open_run import FOLDER
from bootstrap.compare.open_run import open_run as open_for_comparison
from bootstrap.compare.other_bases import on_other_bases
from bootstrap.compare.results import Comparison, Result, best_of
from bootstrap.compare.trial_shots import trials_for
from bootstrap.compare.weight_search import best_weights, search_pairs
from bootstrap.config import RunConfig
from bootstrap.dataset.bundle_members import members_of
from bootstrap.errors import UsageError
from bootstrap.export.release import run_settings
from bootstrap.listeners.waiting import waiting
from bootstrap.records import Adapter
from bootstrap.runs.open_to_read import open_to_read
from bootstrap.shots import Cell as Place
from bootstrap.shots import quotas
from bootstrap.store.files import write_atomic
from bootstrap.store.store import Store

__all__ = ["CompareOptions", "compare_command"]

WEIGHTS = (1.0, 0.8, 0.6, 0.5)
"""Weights that are tried where none are given: a LoRA should work at 1.0; 0.8 is acceptable; guides go down to 0.5."""


@dataclass(frozen=True)
class CompareOptions:
    """What a person asked for. Empty: what the command would choose."""

    checkpoints: Sequence[str] = ()
    weights: Sequence[str] = ()
    beside: Sequence[str] = ()
    pose: str = ""
    outfit: str = ""
    each: int = 2
    also: Sequence[str] = ()


def compare_command(run: Path, options: CompareOptions, *, out: Path | None, as_json: bool) -> None:
    """Draw, measure, advise; write compare.html, compare.png and compare.json into ``out`` [RUN/compare]."""
    folder = out or run / FOLDER
    with open_to_read(run) as store:
        config, character = run_settings(store)
        if members_of(store):
            raise UsageError(f'"{run}" holds several subjects', "its report.html compares them; or compare their runs")
        weights = weights_from(options.weights) if options.weights else list(WEIGHTS)
        hashes: dict[Path, str] = {}
        companions = [companion_from(text, hashes) for text in options.beside]
        adapters = chosen_weights(store, options.checkpoints)
        settings = settings_notes(store, adapters)
        others = on_other_bases(config, options.also)
        trials = trials_for(character, config, options.each, options.pose, options.outfit, store.seeds())
        with waiting("loading the base and the panel"):
            bench = open_for_comparison(store, config, trials.character, folder)
        try:
            rater = CellRater(bench, trials)
            comparison = _compare(rater, adapters, weights, companions, named=bool(options.checkpoints))
        finally:
            bench.close()
        elsewhere = [_on_another(rater, one, comparison.best.cell) for one in others]
        comparison = replace(comparison, elsewhere=elsewhere, settings=settings)
        advice = advice_on(comparison, *_places(store, config))
        page = write_page(store, folder / "compare.html", character.name, comparison, advice)
        sheet = write_sheet(store, folder / "compare.png", comparison)
    found = {"run": str(run), "settings": settings, **as_plain(comparison, advice)}
    plain = json.dumps(found, indent=2, ensure_ascii=False)
    write_atomic(folder / "compare.json", f"{plain}\n".encode())
    typer.echo(plain if as_json else _text(advice, settings, page, sheet))


def _compare(
    rater: CellRater,
    adapters: Sequence[Adapter | Path],
    weights: Sequence[float],
    companions: Sequence[Companion],
    *,
    named: bool,
) -> Comparison:
    """Rate the base, the checkpoints at their weights, and the best of them with each companion and with all.

    Those that a person ``named`` are tried at every weight; else an early one only where it is best at full weight.
    """
    arranged = grid if named else epochs_then_weights
    cells = arranged([rater.checkpoint(adapter) for adapter in adapters], weights)
    rater.bench.check_fit([*cells, Cell(cells[-1].checkpoint, companions=tuple(companions))])
    tried = [rater.rate(cell) for cell in cells]
    base = rater.rate(BASE)
    best = best_of(tried).cell
    if further := [Cell(best.checkpoint, weight) for weight in weights if Cell(best.checkpoint, weight) not in cells]:
        tried = [*(rater.rate(cell) for cell in further), *tried]
        best = best_of(tried).cell
    alone = best_of(tried)
    searches = [search_pairs(alone, base, one, rater.rate, rater.look) for one in companions if one.searched]
    stacked = [pair.result for search in searches for pair in search.tried]
    there = [one.cell for one in stacked]
    for cell in stacks(best, best_weights(companions, searches)):
        stacked += [rater.rate(cell)] if cell not in there else []
    shown = [replace(best, references=rater.bench.references)] if rater.bench.references else []
    return Comparison(rater.trials, base, tried, stacked, [rater.rate(cell) for cell in shown], pairs=searches)


def _on_another(rater: CellRater, config: RunConfig, best: Cell) -> tuple[Result, Result]:
    """Another base alone, and with the best weights; one base is loaded at a time. Raises BackendError."""
    with waiting(f"loading {config.base.short_name}"):
        bench = rater.bench.on_another(config)
    try:
        bench.check_fit([best])
        there = rater.on(bench)
        alone, used = there.rate(BASE), there.rate(best)
    finally:
        bench.close()
    name = config.base.short_name
    return replace(alone, base=name), replace(used, base=name)


def _places(store: Store, config: RunConfig) -> tuple[dict[Place, int], Counter[Place]]:
    """The places of the set that were planned, and those that are filled."""
    filled = Counter((frame.job.shot.view_family, frame.job.shot.framing) for frame in store.kept())
    return quotas(config.loop.target, config.views), filled


def _text(advice: Advice, settings: Sequence[str], page: Path, sheet: Path) -> str:
    """The advice as a person reads it in a terminal."""
    lines = [advice.summary, *settings]
    for mark, texts in (("+", advice.strengths), ("-", advice.weaknesses), (">", advice.steps)):
        lines += [f"{mark} {text}" for text in texts]
    return "\n".join([*lines, f"page  {page}", f"sheet {sheet}"])
