"""The end of a run: fill the last places, train the LoRA that is kept, write what comes out, show it.

Empty places are filled by provisional frames, marked as such; the gate does not loosen. Every step is found done or is
done, so finishing again changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bootstrap.dataset.detail_close_ups import details_wanted, every_detail
from bootstrap.dataset.minimums import few_details, missing_parts, missing_views
from bootstrap.events import RunEnded
from bootstrap.export.collection import Collection
from bootstrap.export.release import publish
from bootstrap.records import Adapter, Shot, TrainItem
from bootstrap.report import write_report
from bootstrap.shots import Cell
from bootstrap.store.delivery import Delivery
from loops.acceptance import accept
from loops.choose import set_aside, undecided_by_gate, unfilled
from loops.engine import Engine
from loops.final import final_adapter
from loops.label_kept import label_kept
from loops.mending_round import handed_out
from loops.showcase import draw_showcase
from loops.weights_again import give_up_unneeded

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
    store, config = engine.store, engine.config
    number = len(store.rounds()) + 1
    places = engine.places(config.loop.target)
    store.set_verdicts(set_aside(engine.archive()), number, 0)
    fill(engine, number, places)
    archive = engine.archive()
    if label_kept(engine, [*archive.usable_keeps, *archive.provisional]):
        archive = engine.archive()
    kept, provisional = archive.usable_keeps, archive.provisional
    if empty := unfilled(archive, [*kept, *provisional], places):
        engine.note(empty)
    items = engine.training_sets.items(archive, number, config.subject.finishing.name, provisional)
    shots = [frame.job.shot for frame in (*kept, *provisional)]
    name_missing(engine, shots, places, items)
    name_details(engine, len(shots), items)
    adapter = handed_out(engine, final_adapter(engine, archive, number, items))
    accept(engine, adapter)
    collection = Collection(store, config, engine.character, kept, provisional, items)
    pictures, lora = deliver(engine, collection, adapter)
    give_up_unneeded(engine)
    draw_showcase(engine, adapter.round, adapter, [*kept, *provisional])
    page = store.directory / "report.html"
    write_report(store, page, engine.character.name)
    if not any(isinstance(event, RunEnded) for event in store.events()[-1:]):
        engine.emit(RunEnded(len(kept), len(provisional), adapter.id, page.name))
    write_report(store, page, engine.character.name, page_alone=True)  # now it may say that the run is finished
    return Finished(len(kept), len(provisional), pictures, lora, page)


def name_missing(engine: Engine, shots: Sequence[Shot], places: Mapping[Cell, int], items: Sequence[TrainItem]) -> None:
    """Note the views that the set should show and does not, and the parts that no seed could give."""
    if views := missing_views(shots, places, engine.config.views):
        named = " or ".join(f'"{words}"' for words in views)
        engine.note(f"no picture of the set shows {named}: there the LoRA may lose the {engine.config.subject.called}")
    if parts := missing_parts(items, engine.config.base.cuts):
        named = " or ".join(f'"{tag}"' for tag in parts)
        engine.note(f"no seed gave a picture for {named}: it has too few pixels, or its head was not found")


def name_details(engine: Engine, pictures: int, items: Sequence[TrainItem]) -> None:
    """Note which close-ups of special details a set of so many pictures has, beside the seeds, and which it lacks."""
    wanted = details_wanted(engine.config, pictures + len(engine.training_sets.seeds))
    if said := few_details(items, every_detail(engine.training_sets.wording), wanted):
        engine.note(said)


def deliver(engine: Engine, collection: Collection, adapter: Adapter) -> tuple[Path, Path]:
    """Write dataset and LoRA files, and store their digests; returns the folder of pictures and the LoRA file."""
    store, delivery = engine.store, Delivery.of(engine.store)
    repeats = engine.config.finishing_recipe.repeats_of(len(collection.kept) + len(collection.provisional))
    pictures = collection.write(store.directory / "dataset", repeats, delivery)
    folder = store.directory / "lora"
    delivery.begin(folder)
    lora = publish(store, adapter, folder)
    delivery.take(folder)
    for said in delivery.end():
        engine.note(said)
    return pictures, lora


def fill(engine: Engine, number: int, places: Mapping[Cell, int]) -> None:
    """Give empty places to the best undecided frames whose view and visible traits check out, once."""
    archive = engine.archive()
    if archive.provisional or not archive.empty_places(places):
        return
    undecided = undecided_by_gate(archive)
    looks = engine.looks([*undecided, *archive.usable_keeps])
    engine.store.set_verdicts(engine.chooser.provisional(undecided, archive, places, looks), number, 0)
