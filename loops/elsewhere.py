"""The finished LoRA on other checkpoints than the one that it was trained on: the same shots, with it and without it.

One base is loaded at a time, so the run's own makes room and is loaded again. The pictures lie where those of
`bootstrap compare` lie and join no plan. Knows no model.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

from bootstrap.compare.grid import BASE, Cell
from bootstrap.compare.open_run import FOLDER, OpenRun
from bootstrap.compare.other_bases import on_other_bases
from bootstrap.compare.results import Result, results
from bootstrap.compare.trial_shots import KNOWN
from bootstrap.config import RunConfig
from bootstrap.errors import BackendError, UsageError
from bootstrap.records import Shot
from bootstrap.runs.run_models import open_base
from loops.engine import Engine
from loops.ranking import ranked, scores_of

__all__ = ["elsewhere"]


def elsewhere(engine: Engine, bench: OpenRun, best: Cell, shots: Sequence[Shot]) -> list[tuple[Result, Result]]:
    """For each checkpoint of ``LoopConfig.acceptance.also``: what it draws alone, and with the best weights.

    One that cannot be used any more is named in a note and left out.
    """
    pairs, names = [], engine.config.loop.acceptance.also
    if not names:
        return []
    with _making_room(engine):
        for name in names:
            try:
                (config,) = on_other_bases(engine.config, [name])
                pairs.append(_on(engine, bench, config, best, shots))
            except (BackendError, UsageError) as error:
                engine.note(f'the finished LoRA is not tried on "{name}": {error.message}')
    return pairs


@contextmanager
def _making_room(engine: Engine) -> Iterator[None]:
    """The run's base is freed for the block, and loaded again after it."""
    before = engine.drawer
    before.close()
    try:
        yield
    finally:
        models = open_base(engine.config, engine.store.directory, engine.panel_models)
        engine.drawer, engine.trainer = models.drawer, models.trainer
        others = {}
        for name, drawer in engine.outside.items():
            others[name] = models.drawer if drawer is before else drawer
        engine.outside = others


def _on(engine: Engine, bench: OpenRun, config: RunConfig, best: Cell, shots: Sequence[Shot]) -> tuple[Result, Result]:
    there = replace(bench.on_another(config), results=engine.store.directory / FOLDER)
    try:
        there.check_fit([best])
        alone, used = _rated(engine, there, BASE, shots), _rated(engine, there, best, shots)
    finally:
        there.close()
    name = config.base.short_name
    return replace(alone, base=name), replace(used, base=name)


def _rated(engine: Engine, there: OpenRun, cell: Cell, shots: Sequence[Shot]) -> Result:
    """The pictures of a cell, ranked among the run's decoys, whichever base drew them."""

    def report(name: str, done: int, total: int) -> None:
        engine.progress("drawing", done, total, name)

    frames = there.draw(cell, shots, report)
    measured, archive = there.measure(frames), engine.archive()
    archive = replace(archive, measurements={**archive.measurements, **measured})
    scores = scores_of(ranked(frames, archive, there.judges, there.config))
    return results(cell, frames, [KNOWN] * len(frames), measured, scores, there.judges)
