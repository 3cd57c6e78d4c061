"""A bundle: one LoRA of several members, trained together; each is drawn by its trigger and held against all.

Training, drawing and delivery are those of a run; every step is found done or is done.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from PIL import Image

from bootstrap.compare.bundle_page import write_bundle_page
from bootstrap.compare.likeness_matrix import read_apart
from bootstrap.config.steps import recipe_of
from bootstrap.dataset.bleed_of_members import MATRIX, Likeness, likenesses_of
from bootstrap.dataset.bundle_members import BundleMember, member_folders
from bootstrap.dataset.provenance import write_provenance
from bootstrap.dataset.writing import safe_name, write_dataset
from bootstrap.events import RunEnded
from bootstrap.export.release import publish
from bootstrap.export.retrain import write_trainer_file
from bootstrap.pictures import open_picture, square
from bootstrap.records import Adapter, Job, JobKind, TrainItem
from bootstrap.store.delivery import Delivery
from bootstrap.store.files import sha256_of
from loops.draw import draw
from loops.engine import Engine
from loops.finish import Finished
from loops.several import Several
from loops.train import train
from loops.weights_again import whole_adapter
from scoring.measurement import Picture, digest_of

__all__ = ["bundle", "draw_members", "held_against_all", "in_words", "trained_together", "wind_up"]

NUMBER, WAVE = 1, 1
REPORT = "report.html"
"""The page of a run of several."""


def bundle(several: Several) -> Finished:
    """Train, draw each member, measure what turns up where, hand over."""
    engine = several.engine
    adapter = trained_together(engine)
    draw_members(several, adapter)
    likenesses = held_against_all(several)
    for one in likenesses:
        engine.note(in_words(one))
    return wind_up(engine, several.members, adapter)


def wind_up(engine: Engine, members: Sequence[BundleMember], adapter: Adapter) -> Finished:
    """Hand over: dataset, LoRA, page."""
    pictures, lora, count = deliver_members(engine, members, adapter)
    page = write_bundle_page(engine.store, engine.store.directory / REPORT)
    if not any(isinstance(event, RunEnded) for event in engine.store.events()[-1:]):
        engine.emit(RunEnded(count, 0, adapter.id, page.name))
    engine.store.snapshot()
    return Finished(count, 0, pictures, lora, page)


def trained_together(engine: Engine) -> Adapter:
    """The LoRA of all members."""
    phase, name = engine.config.subject.finishing.name, Adapter.final_id(NUMBER)
    if existing := engine.adapter(name):
        return whole_adapter(engine, existing)
    items = engine.training_sets.items(engine.archive(), NUMBER, phase)
    (adapter,), event = train(engine, items, NUMBER, phase, name)
    engine.store.add_adapter(adapter, event.seconds, event)
    return adapter


def draw_members(several: Several, adapter: Adapter) -> None:
    """Every member by its trigger: the jobs that its own LoRA drew, with the same random seeds."""
    jobs = [job for member in several.members for job in jobs_of(member)]
    several.engine.store.plan(jobs)
    draw(several.engine, NUMBER, WAVE, adapter)


def jobs_of(member: BundleMember) -> list[Job]:
    """The jobs of a member, as this run stores them."""
    mark, jobs = safe_name(member.trigger), []
    for number, job in enumerate(member.asked):
        plain = replace(job, references=(), control=None, start=None, drawer="")
        jobs.append(replace(plain, id=f"{mark}-{number:03d}", kind=JobKind.PROBE, round=NUMBER, wave=WAVE))
    return jobs


def held_against_all(several: Several) -> list[Likeness]:
    """What each member's pictures are like, measured once."""
    engine = several.engine
    if known := likenesses_of(engine.store):
        return known
    drawn = {frame.job.id: frame for frame in engine.store.frames(NUMBER, WAVE, JobKind.PROBE)}
    found = []
    for number, member in enumerate(several.members):
        engine.progress("measuring", number, len(several.members), member.trigger)
        frames = [drawn[job.id] for job in jobs_of(member) if job.id in drawn]
        pictures = [_picture(frame.job, engine.store.frame_image(frame)) for frame in frames]
        solo = [_solo(engine, job, path) for job, path in zip(member.asked, member.solo, strict=False)]
        found.append(read_apart(several.cohort, several.reader, member.trigger, pictures, solo))
    engine.store.remember(MATRIX, json.dumps([one.plain for one in found]))
    return found


def _solo(engine: Engine, job: Job, path: str) -> Picture:
    """What a member's own LoRA drew for a job."""
    return _picture(job, open_picture(engine.store.directory / path, 8)[0])


def _picture(job: Job, image: Image.Image) -> Picture:
    """What was drawn for a job, as the panel takes it."""
    whole = square(image)
    return Picture(whole, digest_of(whole), job.shot.view_family, job.shot.framing)


def in_words(one: Likeness) -> str:
    """A member's row in one line."""
    if not one.judged:
        return f"{one.trigger}: no scorer could compare its pictures with the members"
    kept = f"{one.own} of {one.judged} pictures are most like it"
    traits = ""
    if read := sum(other.read for other in one.traits):
        traits = f", {sum(other.shown for other in one.traits)} of {read} traits read are another's"
    solo = f"; likeness over the usual {one.to[one.trigger]:.3f}"
    if one.solo is not None:
        solo += f", {one.solo:.3f} by its own LoRA"
    return f"{one.trigger}: {kept}{traits}{solo}"


def deliver_members(engine: Engine, members: Sequence[BundleMember], adapter: Adapter) -> tuple[Path, Path, int]:
    """Write dataset and LoRA files: the folder of the set, the LoRA, and how many pictures the set holds."""
    store, delivery = engine.store, Delivery.of(engine.store)
    items = engine.training_sets.items(engine.archive(), NUMBER, engine.config.subject.finishing.name)
    recipe = recipe_of(engine.config.base, engine.config.subject.finishing.name, len(items))
    homes = member_folders(members, recipe.repeats_of(len(items)))
    by_path = {str(store.directory / item.path): member for member in members for item in member.items}
    shown = [item for item in items if item.kind in ("kept", "provisional")]
    facts: list[dict[str, object]] = [_facts(by_path[item.path], item) for item in shown]
    folder = store.directory / "dataset"
    named = [homes[by_path[item.path].trigger] for item in shown]
    written = write_dataset(folder, members[0].trigger, shown, facts, delivery=delivery, folders=named)
    files = {item.path: picture for item, picture in zip(shown, written.pictures, strict=True)}
    rows = []
    for item in items:
        one, member = files.get(item.path), by_path[item.path]
        origin = "synthetic" if one else item.kind
        file = one.file if one else f"../{Path(item.path).relative_to(store.directory).as_posix()}"
        digest = one.sha256 if one else sha256_of(Path(item.path))
        rights = {"license": member.character.license, "credits": member.character.credits}
        row = {"file": file, "sha256": digest, "origin": origin, "caption": item.caption, "made_from": member.source}
        rows.append({**row, **rights, "training_weight": f"{item.weight:.6g}"})
    write_provenance(folder, rows, delivery)
    write_trainer_file(folder, written.folders, recipe, engine.config.base.sampling, delivery)
    lora_folder = store.directory / "lora"
    delivery.begin(lora_folder)
    lora = publish(store, adapter, lora_folder)
    delivery.take(lora_folder)
    for said in delivery.end():
        engine.note(said)
    return written.folder, lora, len(shown)


def _facts(member: BundleMember, item: TrainItem) -> dict[str, object]:
    """Columns of metadata.jsonl."""
    return {"member": member.trigger, "made_from": member.source, "license": member.character.license}
