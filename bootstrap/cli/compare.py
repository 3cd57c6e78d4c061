"""``bootstrap compare``: checkpoints x weights of a run's LoRA, unseen things, other LoRAs beside it; and a verdict."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import typer

from bootstrap.compare.advice import Advice, advice_on
from bootstrap.compare.comparison_page import as_plain, write_page, write_sheet
from bootstrap.compare.grid import BASE, Cell, TriedWeights, companion_from, grid, weights_from
from bootstrap.compare.open_run import FOLDER, Measured, OpenRun, open_run
from bootstrap.compare.results import Comparison, Result, best_of, results
from bootstrap.compare.trial_shots import TrialShots, trials_for
from bootstrap.config import RunConfig
from bootstrap.errors import UsageError
from bootstrap.export.release import facts_of
from bootstrap.records import Adapter, Frame, JobKind
from bootstrap.shots import Cell as Place
from bootstrap.shots import quotas
from bootstrap.store.decisions import FinalCandidates
from bootstrap.store.files import sha256_of, write_atomic
from bootstrap.store.store import Store

__all__ = ["Wish", "compare_command"]

WEIGHTS = (1.0, 0.8, 0.6)
"""Weights that are tried where none are given (field practice C8)."""
ALL = "all"


@dataclass(frozen=True)
class Wish:
    """What a person asked for. Empty: what the command would choose."""

    checkpoints: Sequence[str] = ()
    weights: Sequence[str] = ()
    beside: Sequence[str] = ()
    pose: str = ""
    outfit: str = ""
    each: int = 2


def compare_command(run: Path, wish: Wish, *, out: Path | None, as_json: bool) -> None:
    """Draw, measure, judge, write compare.html, compare.png and compare.json into ``out`` [RUN/compare]."""
    folder = out or run / FOLDER
    with Store.open(run, exclusive=False) as store:
        config, character = facts_of(store)
        weights = weights_from(wish.weights) if wish.weights else list(WEIGHTS)
        hashed: dict[Path, str] = {}
        companions = [companion_from(text, hashed) for text in wish.beside]
        chosen = _chosen(store, wish.checkpoints)
        trials = trials_for(character, config, wish.each, wish.pose, wish.outfit)
        bench = open_run(store, config, trials.character)
        try:
            judge = _Judge(bench, trials)
            cells = grid([judge.checkpoint(one) for one in chosen], weights)
            bench.check_fit([*cells, Cell(cells[-1].checkpoint, companions=tuple(companions))])
            tried, base = [judge(cell) for cell in cells], judge(BASE)
            alone = best_of(tried).cell
            sets = [(one,) for one in companions] + ([tuple(companions)] if len(companions) > 1 else [])
            stacked = [judge(Cell(alone.checkpoint, alone.weight, together)) for together in sets]
        finally:
            bench.close()
        found = Comparison(trials, base, tried, stacked)
        verdict = advice_on(found, *_places(store, config))
        page = write_page(store, folder / "compare.html", character.name, found, verdict)
        sheet = write_sheet(store, folder / "compare.png", found)
    plain = json.dumps({"run": str(run), **as_plain(found, verdict)}, indent=2, ensure_ascii=False)
    write_atomic(folder / "compare.json", f"{plain}\n".encode())
    typer.echo(plain if as_json else _said(verdict, page, sheet))


class _Judge:
    """Cells into results, one after the other, told on stderr; what is drawn already is only measured."""

    def __init__(self, bench: OpenRun, trials: TrialShots) -> None:
        """Read how the run's look-alikes were measured; what another panel measured is measured anew, not stored.

        Exchanged decoys are some adapter's own and calibrate no other.
        """
        from loops.engine import Engine

        self._bench, self._trials, store = bench, trials, bench.store
        self._engine = Engine(store, bench.drawer, bench.trainer, bench.judges, bench.config, bench.character)
        decoys = {frame.job.id: frame for frame in store.frames(kind=JobKind.LOOKALIKE)}
        stale = set(store.unmeasured(list(decoys), bench.judges.fingerprints))
        self._decoys: Measured = store.measurements([id for id in decoys if id not in stale])
        if stale:
            typer.echo(f"note: {len(stale)} decoys are measured anew: another panel had measured them", err=True)
            self._decoys |= bench.measure([decoys[id] for id in stale])

    def checkpoint(self, adapter: Adapter | Path) -> TriedWeights:
        """An adapter of the run, with the identity tags that its prompts name; a file of any trainer, without any."""
        if isinstance(adapter, Path):
            return TriedWeights(adapter.stem, adapter.absolute(), sha256_of(adapter))
        path = self._bench.store.directory / adapter.path
        growing = self._engine.config.subject.growing.name
        named = None
        if adapter.phase != growing:
            archive = self._engine.archive()
            named = self._engine.training_sets.named_traits(archive, adapter.round, adapter.phase)
        return TriedWeights(adapter.id, path, adapter.sha256, adapter.steps, named)

    def __call__(self, cell: Cell) -> Result:
        """Drawn, measured and ranked."""
        frames = self._bench.draw(cell, self._trials.shots, self._told)
        measured = self._bench.measure(frames)
        names = self._bench.judges.identity
        return results(cell, frames, self._trials.tests, measured, self._scores(frames, measured), names)

    def _scores(self, frames: Sequence[Frame], measured: Measured) -> dict[str, float | None]:
        """Each frame's place among the run's decoys."""
        from loops.ranking import ranked

        archive = replace(self._engine.archive(), measurements={**self._decoys, **measured})
        ranks = ranked(frames, archive, self._bench.judges, self._bench.config)
        return {id: one.score if one.weakest else None for id, one in ranks.items()}

    def _told(self, name: str, done: int, total: int) -> None:
        if done == total:
            typer.echo(f"drawn: {name}, {total} pictures", err=True)


def _places(store: Store, config: RunConfig) -> tuple[dict[Place, int], Counter[Place]]:
    """Places of the set that were planned, and those that are filled."""
    kept = Counter((frame.job.shot.view_family, frame.job.shot.framing) for frame in store.kept())
    return quotas(config.loop.target, config.views), kept


def _chosen(store: Store, names: Sequence[str]) -> list[Adapter | Path]:
    """The weights to try: the finished LoRA's, or those that are named. Raises UsageError."""
    known = _known(store)
    if not known:
        raise UsageError(f'"{store.directory}" has trained nothing yet', "wait for its first round")
    wanted = [part.strip() for text in names for part in text.split(",") if part.strip()]
    if not wanted:
        last = next((one.round for one in reversed(known.values()) if one.is_final), None)
        final = [one for one in known.values() if one.is_final and one.round == last]
        return [*final] or [list(known.values())[-1]]
    found: list[Adapter | Path] = []
    for name in wanted:
        if name == ALL:
            found += known.values()
        elif name in known:
            found.append(known[name])
        elif Path(name).expanduser().is_file():
            found.append(Path(name).expanduser())
        else:
            has = f"it has {', '.join(known)}"
            raise UsageError(f'--checkpoints "{name}" is no file and no weights of this run', has)
    return list(dict.fromkeys(found))


def _known(store: Store) -> dict[str, Adapter]:
    """All weights of a run whose files are there, by name, in the order of their training."""
    adapters = [one for one in store.adapters() if not one.is_final]
    for candidates in store.decisions(FinalCandidates):
        adapters += candidates.adapters
    adapters += [one for one in store.adapters() if one.is_final]
    return {one.id: one for one in adapters if (store.directory / one.path).is_file()}


def _said(verdict: Advice, page: Path, sheet: Path) -> str:
    """The verdict as a person reads it in a terminal."""
    marked = [("+", verdict.strengths), ("-", verdict.weaknesses), (">", verdict.steps)]
    lines = [f"{mark} {text}" for mark, texts in marked for text in texts]
    return "\n".join([verdict.summary, *lines, f"page  {page}", f"sheet {sheet}"])
