"""The finished LoRA is tried before its files are written: at lower weights, in unseen things, beside other LoRAs.

What it drew when its checkpoint was chosen counts for weight 1. The best checkpoint draws the same shots at the lower
weights; at the best weight it draws a pose and clothes that were never trained on, and stands beside the LoRAs that a
person named. The base draws all of it from words: the measure of control. The weight and what it does well and badly
are stored, and told on a page. Knows no model.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bootstrap.compare.advice import Advice, advice_on
from bootstrap.compare.comparison_page import as_plain, write_page
from bootstrap.compare.grid import BASE, PREFERRED, Cell, Companion, TriedWeights, companion_from, stacks
from bootstrap.compare.open_run import Measured, OpenRun
from bootstrap.compare.results import Comparison, PairSearch, Result, best_of, results
from bootstrap.compare.trial_shots import KNOWN, TrialShots, probe_shots, trials_for
from bootstrap.compare.weight_search import best_weights, search_pairs
from bootstrap.config.loop import AcceptanceConfig
from bootstrap.errors import BackendError, ConfigError, UsageError
from bootstrap.panel.judges import Judges
from bootstrap.records import Adapter, Frame, JobKind, Shot, random_seed_of
from bootstrap.runs.accepted import ACCEPTANCE
from bootstrap.shots import quotas
from bootstrap.store.decisions import Accepted, FinalCandidates
from loops.archive import taken
from loops.base_bias import bias_of_base
from loops.blends import Weights, blend_of, blended, can_be_attached
from loops.budget import acceptance_fits
from loops.draw import draw
from loops.elsewhere import elsewhere
from loops.engine import Engine
from loops.jobs import JobMaker, Wave
from loops.measure import measure
from loops.ranking import ranked, scores_of

__all__ = ["accept", "check_beside"]

SHARE = 0.15
"""Of a run's pictures, those that may be drawn to try its LoRA where a further weight is tried."""
WAVES = 301
"""The first of its waves, beyond those of the probes of LoRAs that may draw a round."""


def accept(engine: Engine, adapter: Adapter) -> None:
    """Try the finished LoRA, decide on its weight, write the page; each once.

    Left out where `LoopConfig.acceptance` has no weights, or the hours of a run are too short for it.
    """
    store, settings = engine.store, engine.config.loop.acceptance
    page, asked = store.directory / ACCEPTANCE, settings.asked
    decided = store.decided(Accepted, adapter=adapter.id, asked=asked)
    if not settings.weights or (decided and page.is_file()):
        return
    if not decided and engine.budget and not acceptance_fits(store, engine.budget, adapter.round):
        return
    bench = _Bench.of(engine, adapter)
    comparison = bench.compared(settings)
    comparison = replace(comparison, elsewhere=bench.elsewhere(comparison.best.cell))
    advice = _advice(engine, comparison)
    store.decide(Accepted(adapter.id, asked, advice.best.cell.weight, as_plain(comparison, advice)))
    engine.note(f"acceptance: {advice.summary}")
    write_page(store, page, engine.character.name, comparison, advice, "acceptance")


def check_beside(engine: Engine) -> None:
    """Attach every LoRA that is to stand beside the finished one. Raises ConfigError naming one that does not fit."""
    for companion in _companions(engine.config.loop.acceptance):
        try:
            with blended(engine, [(companion.path, companion.weight)]) as file:
                for _ in engine.drawer.draw([], file):
                    pass
        except BackendError as error:
            raise ConfigError(error.message, error.hint) from error


def _advice(engine: Engine, comparison: Comparison) -> Advice:
    planned = quotas(engine.config.loop.target, engine.config.views)
    advice = advice_on(comparison, planned, taken(engine.archive().usable_keeps))
    unbiased, told = bias_of_base(engine)
    if not told:
        return advice
    if unbiased:
        return replace(advice, strengths=(*advice.strengths, told))
    return replace(advice, weaknesses=(*advice.weaknesses, told))


def _companions(settings: AcceptanceConfig) -> list[Companion]:
    """The other LoRAs. Raises UsageError for one that is not there."""
    hashes: dict[Path, str] = {}
    return [companion_from(text, hashes) for text in settings.beside]


@dataclass(frozen=True, slots=True)
class _Asked:
    """A shot, and the test that it belongs to."""

    shot: Shot
    test: str


@dataclass(frozen=True)
class _Bench:
    """The finished LoRA and what it is tried on: ``probe`` are the shots that it has drawn when it was chosen, ``more``
    are others. ``named`` are the identity tags that its prompts name."""

    engine: Engine
    adapter: Adapter
    trials: TrialShots
    probe: Sequence[_Asked]
    more: Sequence[_Asked]
    named: frozenset[str]

    @classmethod
    def of(cls, engine: Engine, adapter: Adapter) -> _Bench:
        """The shots that a run plans for it, and those that no run plans."""
        config, unseen = engine.config, engine.config.loop.acceptance.unseen
        trials = trials_for(engine.character, config, seeds=engine.seeds, unseen=unseen)
        probe = [_Asked(shot, KNOWN) for shot in probe_shots(engine.planner, config.views)]
        others = list(map(_Asked, trials.shots, trials.tests))[len(probe) :]
        named = engine.training_sets.named_traits(engine.archive(), adapter.round, config.subject.finishing.name)
        return cls(engine, adapter, trials, probe, others if unseen else (), named)

    def compared(self, settings: AcceptanceConfig) -> Comparison:
        """Everything that is tried, one after another."""
        full, weights = self._previews(self.adapter), self._tried(self.adapter)
        lower = [Cell(weights, weight) for weight in sorted({*settings.weights} - {PREFERRED})]
        tried = [*map(self._rate_probe, self._that_blend(lower))]
        tried = [one for one in tried if len(one.pictures) == len(full.pictures)]  # a lost picture leaves a cell out
        best = best_of([*tried, full])
        if self._pays(best.cell, settings):
            tried = [*map(self._rate_probe, self._that_blend([Cell(weights, settings.lowest or 0.0)])), *tried]
            best = best_of([*tried, full])
        beyond = self._rate(best.cell, self.more).pictures if self.more else ()
        base = self._rate(BASE, [*self.probe, *self.more])
        searches, stacked = self._beside(best, base)
        return Comparison(
            self.trials,
            base,
            [*tried, *map(self._previews, self._not_chosen), full],
            stacked,
            completed=replace(best, pictures=(*best.pictures, *beyond)),
            pairs=searches,
        )

    def _pays(self, best: Cell, settings: AcceptanceConfig) -> bool:
        """Whether the lowest weight is tried too: the least so far draws best, and the run has room for it."""
        least = min((*settings.weights, PREFERRED))
        if settings.lowest is None or best.weight > least or settings.lowest >= least:
            return False
        lowest = f"@{settings.lowest:g}"
        further = len(self.probe) * (2 + settings.rows_beside) + 2 * len(self.more)
        drawn = [one for one in self.engine.store.frames() if not one.adapter.endswith(lowest)]  # a resumed run's too
        own = sum(frame.job.kind is JobKind.ACCEPTANCE for frame in drawn)
        return own + further <= SHARE * (len(drawn) + further)

    def _rate_probe(self, cell: Cell) -> Result:
        return self._rate(cell, self.probe)

    def elsewhere(self, best: Cell) -> list[tuple[Result, Result]]:
        """What other checkpoints draw of the probe, alone and with the best weights."""
        return elsewhere(self.engine, self._bench, best, [one.shot for one in self.probe])

    @property
    def _not_chosen(self) -> list[Adapter]:
        """The other weights of the final training, as far as the pictures that they drew of the probe are there."""
        decided = self.engine.store.decided(FinalCandidates, round=self.adapter.round)
        others = [one for one in decided.adapters if one.id != self.adapter.id] if decided else []
        return [one for one in others if len(self._drawn_of_probe(one)) == len(self.probe)]

    def _beside(self, best: Result, base: Result) -> tuple[list[PairSearch], list[Result]]:
        """Searches for the weights of other LoRAs, and the best cell beside each of them and beside all."""
        try:
            companions = _companions(self.engine.config.loop.acceptance)
        except UsageError as error:  # it was there when the run began
            self.engine.note(f"the finished LoRA is not tried beside others: {error.message}")
            return [], []
        fitting = [one.companions[0] for one in self._that_blend(stacks(best.cell, companions)[: len(companions)])]
        searches = []
        for one in fitting:
            if one.searched:
                searches.append(search_pairs(best, base, one, self._rate_probe, self._look))
        results = [pair.result for search in searches for pair in search.tried]
        there = [one.cell for one in results]
        cells = [one for one in stacks(best.cell, best_weights(fitting, searches)) if one not in there]
        return searches, [*results, *map(self._rate_probe, self._that_blend(cells))]

    def _look(self, frame: Frame) -> NDArray[np.float32]:
        return self.engine.judges.looks(frame, self.engine.store)[0]

    def _that_blend(self, cells: Sequence[Cell]) -> Iterator[Cell]:
        """The cells whose files can be attached together; a DoRA cannot."""
        for cell in cells:
            if can_be_attached(self.engine, self._weights(cell), f"{cell.name} is not tried"):
                yield cell

    def _weights(self, cell: Cell) -> Weights | None:
        """What draws a cell."""
        if not cell.parts:
            return None
        weight = cell.weight if cell.checkpoint else 0.0
        return blend_of(self.engine, self.adapter, weight, cell.companions)

    def _tried(self, adapter: Adapter) -> TriedWeights:
        path = self.engine.store.directory / adapter.path
        return TriedWeights(adapter.id, path, adapter.sha256, adapter.steps, self.named)

    def _drawn_of_probe(self, adapter: Adapter) -> list[Frame]:
        frames = self.engine.store.frames(self.adapter.round, kind=JobKind.PROBE)
        return [one for one in frames if one.adapter == adapter.id and one.job.id not in self.engine.lost]

    def _previews(self, adapter: Adapter) -> Result:
        """What weights of the final training drew of the probe when one of them was chosen."""
        frames = self._drawn_of_probe(adapter)
        return self._result(Cell(self._tried(adapter)), frames, [KNOWN] * len(frames))

    def _rate(self, cell: Cell, asked: Sequence[_Asked]) -> Result:
        """Draw and measure what is missing of a cell."""
        engine, weights = self.engine, self._weights(cell)
        named = weights.id if weights else ""  # not by its digest: a file has its date in it
        mark = f"{random_seed_of(named, *cell.words, *(one.shot.key for one in asked)):016x}"[:8]
        wave = Wave(self.adapter.round, self._wave(mark), self.named, adapter=cell.checkpoint is not None)
        jobs = [self._maker.acceptance_job(wave, one.shot, mark, cell.words) for one in asked]
        engine.store.plan(jobs)
        draw(engine, wave.round, wave.number, weights)
        frames = {frame.job.id: frame for frame in engine.store.frames(wave.round, wave.number, JobKind.ACCEPTANCE)}
        there = [one for one in jobs if one.id in frames.keys() - engine.lost]
        tests = [one.test for one, job in zip(asked, jobs, strict=True) if job in there]
        return self._result(cell, [frames[job.id] for job in there], tests)

    def _wave(self, mark: str) -> int:
        """The wave of the pictures of this mark, or the next one that is free."""
        waves = {
            job.id.split("-")[2]: job.wave
            for job in self.engine.store.jobs(self.adapter.round, kind=JobKind.ACCEPTANCE)
        }
        return waves.get(mark, max(waves.values(), default=WAVES - 1) + 1)

    @cached_property
    def _bench(self) -> OpenRun:
        """The run as a comparison opens it, with clothes in the wardrobe that were never worn."""
        engine = self.engine
        opened = engine.store, engine.drawer, engine.trainer, engine.panel_models, engine.config
        return OpenRun(*opened, self.trials.character, engine.store.directory)

    @cached_property
    def _judges(self) -> Judges:
        return replace(self.engine.judges, wording=self._bench.wording)

    @cached_property
    def _maker(self) -> JobMaker:
        return replace(self.engine.job_maker, wording=self._bench.wording)

    def _result(self, cell: Cell, frames: Sequence[Frame], tests: Sequence[str]) -> Result:
        """The pictures of a cell, measured with what the panel can read besides, and ranked among the run's decoys."""
        engine, judges = self.engine, self._judges
        measure(engine, frames, judges)
        archive = engine.archive()
        read = self._bench.readers.measure([judges.picture(frame, engine.store) for frame in frames])
        measured: Measured = {}
        for frame, more in zip(frames, read, strict=True):
            measured[frame.job.id] = {**archive.measurements[frame.job.id], **more}
        shown = [replace(frame, adapter=cell.name) for frame in frames]  # the base's own would have no null
        scores = scores_of(ranked(shown, archive, judges, engine.config))
        return results(cell, shown, tests, measured, scores, judges)
