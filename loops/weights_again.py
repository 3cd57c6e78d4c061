"""Weights that were lost or altered are trained again, from the set that they were trained on. Knows no model.

The digest of a file is compared before its weights draw or are handed out. An altered file is kept aside under another
name; the weights that take its place are stored with their own digest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from bootstrap.records import Adapter, Phase, TrainItem
from bootstrap.runs.upkeep import freed_paths, record_freed
from bootstrap.store.decisions import FinalCandidates, PersonBoundary
from bootstrap.store.person import Boundary
from bootstrap.store.replacing import is_whole, set_aside
from loops.archive import Archive
from loops.engine import Engine
from loops.train import train, train_finished

__all__ = ["give_up_unneeded", "whole_adapter", "whole_candidates", "whole_drawers"]


def whole_adapter(engine: Engine, adapter: Adapter) -> Adapter:
    """The adapter itself where its file is the stored one; else the one that was trained again in its place."""
    if _is_whole(engine, adapter):
        return adapter
    _train_again(engine, adapter, (adapter,))
    candidates = engine.store.decided(FinalCandidates, round=adapter.round) if adapter.is_final else None
    known = [*engine.store.adapters(), *(candidates.adapters if candidates else ())]
    return next(one for one in known if one.id == adapter.id)


def whole_candidates(engine: Engine, decided: FinalCandidates) -> FinalCandidates:
    """The weights of a final training, all trained again where the file of one that is tried is not the stored one."""
    for adapter in decided.tried:
        if not _is_whole(engine, adapter):
            _train_again(engine, adapter, decided.adapters)
            break
    return engine.store.decided(FinalCandidates, round=decided.round) or decided


def whole_drawers(engine: Engine, items: Sequence[TrainItem], phase: Phase) -> None:
    """Train again what drew these pictures and is lost, where a training of the phase asks it for predictions."""
    if engine.config.base.recipes[phase].reference_distillation:
        drawn_with = {item.drawn_with for item in items}
        for adapter in engine.store.adapters():
            if str(engine.store.directory / adapter.path) in drawn_with:
                whole_adapter(engine, adapter)


def give_up_unneeded(engine: Engine) -> None:
    """In a finished run: weights of rounds that are lost are recorded as gone, for nothing needs them any more."""
    freed = freed_paths(engine.store)
    for adapter in engine.store.adapters():
        if adapter.is_final or adapter.path in freed or _is_whole(engine, adapter):
            continue
        aside = set_aside(engine.store.directory / adapter.path)
        record_freed(engine.store, [adapter.path])
        state = f"was altered and is kept as '{aside.name}'" if aside else "is lost"
        engine.note(f"the LoRA '{adapter.path}' {state}; the finished run does not need it any more")


def _is_whole(engine: Engine, adapter: Adapter) -> bool:
    return is_whole(engine.store.directory / adapter.path, adapter.sha256)


def _train_again(engine: Engine, adapter: Adapter, wanted: Sequence[Adapter]) -> None:
    """Repeat the training that left an adapter; its files and rows, of ``wanted`` too, are replaced."""
    aside = [path.name for one in wanted if not _is_whole(engine, one)
             if (path := set_aside(engine.store.directory / one.path))]  # fmt: skip
    kept = f"was altered (kept as '{aside[0]}')" if aside else "is lost"
    engine.note(f"the LoRA '{adapter.path}' {kept}; it is trained again")
    archive, number = _as_then(engine, adapter.round), adapter.round
    provisional = archive.provisional if adapter.is_final else ()
    items = engine.training_sets.items(archive, number, adapter.phase, provisional)
    whole_drawers(engine, items, adapter.phase)
    if adapter.is_final:
        trained, event = train_finished(engine, items, number, adapter.phase)
    else:
        trained, event = train(engine, items, number, adapter.phase, adapter.training)
    engine.store.add_seconds("train", event.seconds)
    by_id = {one.id: one for one in trained}
    engine.store.replacing.replace_adapters([replace(by_id.get(one.id, trained[-1]), id=one.id) for one in wanted])
    if adapter.is_final:
        engine.store.replacing.replace_candidates(FinalCandidates(number, tuple(trained)))
        engine.store.replacing.replace_adapters(trained)


def _as_then(engine: Engine, number: int) -> Archive:
    """The archive with a person's rows as far as they were read before a round."""
    store, ended = engine.store, number - 1
    read = store.decided(PersonBoundary, rounds=ended, again=True) or store.decided(
        PersonBoundary, rounds=ended, again=False
    )
    if read is None:
        return engine.archive()
    return Archive.of(store.up_to(Boundary(read.verdict, read.caption)), engine.lost)
