"""The end of the story: fill the last places, train the LoRA that is kept, write what comes out.

Empty places are filled by provisional frames, marked as such; the gate does not loosen. Every step is found done or is
done, so finishing again changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from bootstrap.events import RunEnded
from bootstrap.export.collection import Collection
from bootstrap.export.release import publish
from bootstrap.records import Verdict, VerdictKind
from bootstrap.report import write_report
from bootstrap.shots import quotas
from loops.choose import DRIFTED, GATE, as_candidate, empty_places, quotas_of, rules_of, unfilled
from loops.engine import Engine
from loops.final import final_adapter
from loops.train import training_set
from scoring.select import provisional

__all__ = ["Finished", "finish"]


@dataclass(frozen=True, slots=True)
class Finished:
    """What a run leaves: absolute paths, and how many pictures the set holds."""

    kept: int
    provisional: int
    dataset: Path
    adapter: Path
    report: Path


def finish(engine: Engine) -> Finished:
    """Fill, train, choose, write: dataset folder, LoRA files and report."""
    number = len(engine.store.rounds()) + 1
    kept = engine.usable_keeps()
    set_aside(engine, number)
    fill(engine, number)
    extra = engine.store.frames_judged(VerdictKind.PROVISIONAL)
    if empty := unfilled(engine, [*kept, *extra], quotas(engine.config.loop.target, engine.config.views)):
        engine.note(empty)
    adapter = final_adapter(engine, number, tuple(extra))
    trained = training_set(engine, number, "character", tuple(extra))
    collection = Collection(engine.store, engine.config, engine.character, kept, extra, trained)
    pictures = collection.write(engine.store.directory / "dataset", engine.config.finishing_recipe.repeats)
    lora = publish(engine.store, adapter, engine.store.directory / "lora")
    page = engine.store.directory / "report.html"
    done = Finished(len(kept), len(extra), pictures, lora, page)
    write_report(engine.store, page, engine.character.name)
    if not any(isinstance(event, RunEnded) for event in engine.store.events()[-1:]):
        engine.emit(RunEnded(done.kept, done.provisional, adapter.id, page.name))
    write_report(engine.store, page, engine.character.name)  # once more: now it may say that the run is finished
    return done


def set_aside(engine: Engine, number: int) -> None:
    """Let the rows say what the finished set does not hold: frames that the gate kept in a round that drifted."""
    usable, verdicts = {frame.job.id for frame in engine.usable_keeps()}, engine.store.verdicts()
    left = [frame.job.id for frame in engine.store.kept() if frame.job.id not in usable]
    told = [replace(verdicts[id], kind=VerdictKind.UNDECIDED, reasons=(DRIFTED, *verdicts[id].reasons)) for id in left]
    engine.store.set_verdicts(told, number, 0)


def fill(engine: Engine, number: int) -> None:
    """Give empty places to the best undecided frames whose view and visible traits check out."""
    store, places = engine.store, quotas(engine.config.loop.target, engine.config.views)
    if store.frames_judged(VerdictKind.PROVISIONAL) or not empty_places(engine, places):
        return
    verdicts, sound = store.verdicts(), engine.sound_rounds
    undecided = [f for f in store.frames_judged(VerdictKind.UNDECIDED) if verdicts[f.job.id].by == GATE]
    undecided = [frame for frame in undecided if frame.job.round in sound]
    options = [as_candidate(engine, frame, verdicts[frame.job.id].score or 0.0) for frame in undecided]
    there = [as_candidate(engine, frame, 0.0) for frame in engine.usable_keeps()]
    room, share = engine.config.loop.target - len(there), engine.config.loop.provisional_share
    picks = provisional(options, quotas_of(engine, places), room, there, share, rules_of(engine))
    chosen = {pick.id: pick.reason for pick in picks}
    told = [
        Verdict(id, VerdictKind.PROVISIONAL, GATE, (reason, *verdicts[id].reasons), verdicts[id].p, verdicts[id].score)
        for id, reason in chosen.items()
    ]
    store.set_verdicts(told, number, 0)
