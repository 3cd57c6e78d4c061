"""Candidates that come from a folder: what each picture shows is read, and it is judged like any that was drawn.

A picture whose name begins with that of a shot of the list is taken for that shot; what any other shows is read by the
panel, as seeds are. Where no new picture lies there and places are empty, the list of missing shots is written, and a
person is waited for. Every file is looked at once: what became of it is a row. Knows no model.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace

from PIL import Image

from bootstrap.backends.outside.folder_settings import FolderSettings
from bootstrap.backends.outside.inbox import InboxDrawer, InboxFile
from bootstrap.errors import BootstrapError, Interrupted, Paused
from bootstrap.events import WavePlanned
from bootstrap.pictures import square
from bootstrap.records import Job, JobKind, Shot
from bootstrap.report.wanted_page import WantedShot, write_wanted
from bootstrap.seeds import SeedCaptioner
from bootstrap.store.decisions import InboxPicture
from loops.approval import EVERY, wait
from loops.archive import Archive
from loops.decoys import usable_decoys
from loops.engine import Engine
from loops.jobs import Wave
from loops.round_plan import RoundPlan

__all__ = ["anything_new", "from_folder", "plan_pictures", "round_of_pictures"]

ASKED = "asked shots"
"""The fact that holds every shot that a list has named: name → shot."""
NO_VIEW = "its view or its framing cannot be read: name it after its shot of the list, or write a caption beside it"


def from_folder(engine: Engine) -> bool:
    """Whether the run takes its candidates from a folder."""
    return isinstance(engine.config.drawer, FolderSettings)


def round_of_pictures(engine: Engine, number: int) -> RoundPlan | None:
    """The next round, once new pictures lie in the folder; None when every place is filled, or the rounds are over.

    Raises Paused where nobody waits for the pictures here, Interrupted when asked to stop.
    """
    loop, archive = engine.config.loop, engine.archive()
    missing = write_missing(engine, archive)
    played = {frame.job.round for frame in archive.of_kind(JobKind.CANDIDATE)}  # one that took nothing does not count
    while missing and not anything_new(engine):
        if len(played) >= loop.rounds:
            return None
        if not engine.attended:
            raise Paused(_reason(engine, missing, archive), "the same command again")
        if engine.stop_asked:
            raise Interrupted("stopped while waiting for pictures")
        engine.note(f"waiting for pictures: {_reason(engine, missing, archive)}")
        wait(EVERY)
    return RoundPlan(number, engine.config.subject.finishing.name, loop.target) if missing else None


def anything_new(engine: Engine) -> bool:
    """Whether pictures lie in the folder that no wave has taken; says once of each other file why it is not taken."""
    return bool(_new(engine))


def plan_pictures(engine: Engine, archive: Archive, plan: RoundPlan, wave: int) -> None:
    """Store the jobs of a wave: the new pictures of the folder, and the decoys of the base that they need."""
    jobs = []
    for file in _new(engine):
        found = _taken(engine, file, plan.number, wave)
        if isinstance(found, Job):
            jobs.append(found)
            engine.store.decide(InboxPicture(file.mark, file.name, found.id, ""))
        else:
            _set_aside(engine, file, found)
    usable = usable_decoys(archive, engine.judges, engine.config)
    shots = [job.shot for job in jobs]
    decoys = engine.wave_planner.decoys(JobKind.LOOKALIKE, archive, Wave(plan.number, wave), shots, usable)
    engine.store.plan([*jobs, *decoys], WavePlanned(plan.number, wave, len(jobs), len(decoys)))
    engine.store.snapshot()


def write_missing(engine: Engine, archive: Archive) -> list[WantedShot]:
    """Write the list of the shots that are missing, and what became of the pictures so far; returns the shots."""
    empty = archive.empty_places(engine.places(engine.config.loop.target))
    taken = [frame.job.shot for frame in archive.usable_keeps]
    wanted = [_wanted(engine, shot) for shot in engine.planner.plan(empty, taken)]
    asked = _asked(engine)
    fresh = {one.name: one.shot for one in wanted if one.name not in asked}
    if fresh:
        shots = {name: asdict(shot) for name, shot in {**asked, **fresh}.items()}
        engine.store.remember(ASKED, json.dumps(shots, ensure_ascii=False))
    folder = _inbox(engine).inbox.folder
    write_wanted(engine.store, engine.character.name, folder, wanted)
    return wanted


def _inbox(engine: Engine) -> InboxDrawer:
    for drawer in engine.outside.values():
        if isinstance(drawer, InboxDrawer):
            return drawer
    raise TypeError("the run takes no pictures from a folder")


def _new(engine: Engine) -> list[InboxFile]:
    """The pictures that no wave has taken; the others' reasons are told once."""
    seen = {one.mark: one for one in engine.store.decisions(InboxPicture)}
    planned = {job.id for job in engine.store.jobs(kind=JobKind.CANDIDATE)}
    found = []
    for file in _inbox(engine).inbox.look():
        before = seen.get(file.mark)
        if file.why:
            _set_aside(engine, file, file.why)
        elif before is None or (before.job and before.job not in planned):  # a kill came between
            found.append(file)
    return found


def _set_aside(engine: Engine, file: InboxFile, why: str) -> None:
    """Remember why a file is not taken, and say so once."""
    told = why if file.name in why else f'"{file.name}": {why}'
    engine.store.decide(InboxPicture(file.mark, file.name, "", told))
    engine.note(f"not taken: {told}")


def _taken(engine: Engine, file: InboxFile, number: int, wave: int) -> Job | str:
    """The job that a picture stands for, or why it is not taken."""
    try:
        shot = _named_shot(file, _asked(engine)) or _read_shot(engine, file, _inbox(engine).inbox.image(file))
    except BootstrapError as error:
        return str(error)
    if shot is None:
        return NO_VIEW
    drawn = {job.shot.key for job in engine.store.jobs(kind=JobKind.CANDIDATE)}
    while shot.key in drawn:
        shot = replace(shot, take=shot.take + 1)
    return Job(
        id=f"candidate-r{number:02d}w{wave}-{file.mark}",
        kind=JobKind.CANDIDATE,
        round=number,
        wave=wave,
        shot=shot,
        prompt=f"picture {file.name} ({file.mark})",
        negative="",
        random_seed=0,
        traits=engine.wording.traits(shot),
    )


def _named_shot(file: InboxFile, asked: Mapping[str, Shot]) -> Shot | None:
    """The shot of the list whose name the file's name begins with."""
    stem = file.path.stem.lower()
    for name, shot in asked.items():
        if re.match(rf"{re.escape(name)}(?![a-z0-9])", stem):
            return shot
    return None


def _read_shot(engine: Engine, file: InboxFile, image: Image.Image) -> Shot | None:
    """What a picture shows, by the caption beside it and by the panel; None where view or framing cannot be told."""
    read = engine.panel_models.read
    seen = SeedCaptioner(engine.wording, read).caption(file.path, file.name, "", image)
    if not seen.view or not seen.framing:
        return None
    shown, subject, axes = seen.shown, engine.config.subject, dict[str, str]()
    for axis in subject.axes:
        values = engine.planner.values(axis)
        value = shown.get(axis) or next((tag for tag in shown.values() if tag in values), "")
        if axis == subject.outfit_axis:
            value = seen.outfit if seen.caption_from != "read" else _worn(engine, image, seen.outfit)
        if value:
            axes[axis] = value
    return Shot(seen.view_family, seen.view, seen.framing, axes)


def _worn(engine: Engine, image: Image.Image, usual: str) -> str:
    """The outfit that is read off a picture; the ``usual`` one where none is surely worn."""
    by_tags = {", ".join(outfit.tags): name for name, outfit in engine.character.wardrobe.items() if outfit.tags}
    return by_tags.get(engine.panel_models.read(square(image), tuple(by_tags)), usual)


def _asked(engine: Engine) -> dict[str, Shot]:
    """Every shot that a list has named, by its name."""
    plain = json.loads(engine.store.recall(ASKED) or "{}")
    return {name: Shot(**shot) for name, shot in plain.items()}


def _wanted(engine: Engine, shot: Shot) -> WantedShot:
    """A missing shot with its name and its words."""
    mark = hashlib.sha256(shot.key.encode()).hexdigest()[:4]
    name = f"{shot.view}-{shot.framing}-{mark}".replace(" ", "-").lower()
    return WantedShot(name, shot, engine.job_maker.instructed(shot), engine.job_maker.tagged(shot))


def _reason(engine: Engine, missing: Sequence[WantedShot], archive: Archive) -> str:
    folder, page = _inbox(engine).inbox.folder, engine.store.directory / "missing.html"
    taken = [one for one in engine.store.decisions(InboxPicture) if one.job]
    rounds = max(1, len({frame.job.round for frame in archive.of_kind(JobKind.CANDIDATE)}))
    judged = f"{len(taken)} pictures judged, {len(archive.usable_keeps)} kept"
    return (
        f'"{folder}" holds no new picture: {judged}, {len(missing)} places are empty; look at "{page}", put more there;'
        f" --rounds {rounds} ends the run with what it has"
    )
