"""Rating a cell of `bootstrap compare`: its pictures are drawn, measured, and ranked among the run's decoys.

Where an open run and the rules of the loop meet; both are handed records.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from dataclasses import replace
from pathlib import Path

import numpy as np
import typer
from numpy.typing import NDArray

from bootstrap.compare.grid import Cell, TriedWeights
from bootstrap.compare.open_run import Measured, OpenRun
from bootstrap.compare.results import Result, results
from bootstrap.compare.trial_shots import TrialShots
from bootstrap.records import Adapter, Frame, JobKind
from bootstrap.seeds import SeedCaptioner
from bootstrap.store.files import sha256_of
from bootstrap.store.replacing import require_whole

__all__ = ["CellRater"]


class CellRater:
    """Cells into results, one after another, reported on stderr; pictures that are drawn already are only measured."""

    def __init__(self, bench: OpenRun, trials: TrialShots) -> None:
        """Read what a run holds and how its look-alikes were measured.

        Those that another panel measured are measured again, and not stored. Decoys with traits exchanged belong to
        one adapter and calibrate no other.
        """
        from loops.archive import Archive

        self.bench, self.trials = bench, trials
        self._archive = Archive.of(bench.store)
        self._decoys = _measured_decoys(bench)

    def checkpoint(self, adapter: Adapter | Path) -> TriedWeights:
        """An adapter of the run, with the identity tags that its prompts name; a file of any trainer, without any.

        Raises StoreError where the file of an adapter is not the one that was stored.
        """
        if isinstance(adapter, Path):
            return TriedWeights(adapter.stem, adapter.absolute(), sha256_of(adapter))
        path = self.bench.store.directory / adapter.path
        require_whole(path, adapter.sha256, "weights")
        named = None
        if adapter.phase != self.bench.config.subject.growing.name:
            named = self._named_traits(adapter)
        return TriedWeights(adapter.id, path, adapter.sha256, adapter.steps, named)

    def on(self, bench: OpenRun) -> CellRater:
        """The same on another base; what the run holds is not read again."""
        other = copy(self)
        other.bench = bench
        return other

    def rate(self, cell: Cell) -> Result:
        """Draw a cell's pictures, measure and rank them."""
        frames = self.bench.draw(cell, self.trials.shots, _report_drawn)
        measured = self.bench.measure(frames)
        scores = self._scores(frames, measured)
        return results(cell, frames, self.trials.tests, measured, scores, self.bench.judges)

    def look(self, frame: Frame) -> NDArray[np.float32]:
        """The unit vector of a picture, whole."""
        return self.bench.judges.looks(frame, self.bench.store)[0]

    def _named_traits(self, adapter: Adapter) -> frozenset[str]:
        """The identity tags that the prompts of an adapter's round name."""
        from loops.training_set import TrainingSets

        store, wording = self.bench.store, self.bench.wording
        captioner = SeedCaptioner(wording, lambda image, phrases: "")
        side = max(self.bench.drawer.resolution)
        sets = TrainingSets(store.directory, self.bench.config, wording, captioner, store.seeds(), side)
        return sets.named_traits(self._archive, adapter.round, adapter.phase)

    def _scores(self, frames: Sequence[Frame], measured: Measured) -> dict[str, float | None]:
        """Each frame's place among the run's decoys; None where no scorer was applicable."""
        from loops.ranking import ranked, scores_of

        archive = replace(self._archive, measurements={**self._decoys, **measured})
        return scores_of(ranked(frames, archive, self.bench.judges, self.bench.config))


def _measured_decoys(bench: OpenRun) -> Measured:
    """The measurements of a run's look-alikes, also of those drawn from portraits, by the present panel."""
    store = bench.store
    decoys: dict[str, Frame] = {}
    for kind in (JobKind.LOOKALIKE, JobKind.STRANGER):
        decoys |= {frame.job.id: frame for frame in store.frames(kind=kind)}
    stale = set(store.unmeasured(list(decoys), bench.judges.fingerprints))
    measured: Measured = store.measurements([decoy for decoy in decoys if decoy not in stale])
    if stale:
        typer.echo(f"note: {len(stale)} decoys are measured again: another panel had measured them", err=True)
        measured |= bench.measure([decoys[decoy] for decoy in stale])
    return measured


def _report_drawn(name: str, done: int, total: int) -> None:
    """Report a cell once all its pictures are drawn."""
    if done == total:
        typer.echo(f"drawn: {name}, {total} pictures", err=True)
