"""The members of a LoRA of several, gathered from finished runs and from folders of captioned pictures.

Everything is copied into the folder of the run of several. Opens no model.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from bootstrap.backends.regularisation import NO_SHOT
from bootstrap.character import Character
from bootstrap.config import RunConfig
from bootstrap.dataset.bundle_members import MEMBERS, BundleMember
from bootstrap.dataset.provenance import read_provenance
from bootstrap.dataset.writing import picture_bytes, safe_name
from bootstrap.errors import BootstrapError, CharacterError, UsageError
from bootstrap.export.release import run_settings
from bootstrap.pictures import open_picture, read_pictures
from bootstrap.pictures.caption_text import caption_parts
from bootstrap.pictures.folders import pictures_in
from bootstrap.records import Frame, Job, JobKind, Seed, TrainItem, random_seed_of
from bootstrap.runs.accepted import finished_lora
from bootstrap.runs.open_to_read import open_to_read
from bootstrap.runs.standing import finished
from bootstrap.store.files import write_atomic, write_image
from bootstrap.store.run_folder import holds_database
from bootstrap.store.store import Store

__all__ = ["GivenMember", "base_of", "gather_member", "look_at"]

ASKED = 6
"""Pictures by which a member is drawn that no run has planned any for: captions of its set."""
REFERENCES = 8
"""Pictures of a folder that stand for the seeds of a run."""
GENERATED = ("kept", "provisional")
One = TypeVar("One")


@dataclass(frozen=True)
class GivenMember:
    """A member as a person names it: a folder, and the trigger that is meant, "" for its own.

    ``config`` is its run's, None for a folder of pictures.
    """

    folder: Path
    trigger: str
    config: RunConfig | None

    @property
    def source(self) -> str:
        """As messages name it."""
        return str(self.folder)


def look_at(text: str) -> GivenMember:
    """``RUN``, ``FOLDER`` or either with ``=TRIGGER``, looked at. Raises UsageError for what is neither.

    A folder's trigger is that of its name as trainers write it ("10_mikachr"), else the commonest first tag.
    """
    name, _, trigger = text.partition("=") if not Path(text).exists() else (text, "", "")
    folder = Path(name)
    if holds_database(folder):
        with open_to_read(folder) as store:
            config, character = run_settings(store)
            if not finished(store.events()) or finished_lora(store) is None:
                raise UsageError(f'the run "{folder}" is not finished', "`bootstrap status` tells what continues it")
            return GivenMember(folder, trigger.strip() or character.trigger, config)
    if not folder.is_dir():
        raise UsageError(f'"{folder}" is neither a run nor a folder of pictures', "name runs, or dataset folders")
    return GivenMember(folder, trigger.strip() or _trigger_of(folder), None)


def base_of(given: Sequence[GivenMember]) -> RunConfig | None:
    """The settings of the first run; None where all are folders. Raises UsageError where the bases of runs differ."""
    runs = [(one, one.config) for one in given if one.config is not None]
    for one, config in runs[1:]:
        first = runs[0][1].base
        if (config.base.path, config.base.name) != (first.path, first.name):
            names = f'"{runs[0][0].source}" was made on base "{first.name}", "{one.source}" on "{config.base.name}"'
            raise UsageError(f"{names}: a LoRA fits one base", "make both runs on one base")
    return runs[0][1] if runs else None


def gather_member(given: GivenMember, directory: Path, most: int) -> BundleMember:
    """A member with its files copied below ``directory``; of its generated pictures at most ``most``, evenly chosen.

    Raises StoreError, PictureError or UsageError where a picture or caption cannot be read.
    """
    home = Path(MEMBERS) / safe_name(given.trigger)
    if given.config is None:
        return _of_folder(given, directory, home, most)
    with open_to_read(given.folder) as store:
        return _of_run(store, given, directory, home, most)


def _of_run(store: Store, given: GivenMember, directory: Path, home: Path, most: int) -> BundleMember:
    """A member out of a finished run: its last training set, its seeds, what its LoRA has drawn, and the LoRA."""
    _, character = run_settings(store)
    own = character.trigger
    items = []
    for number, item in enumerate(_chosen(_trained(store.directory / "dataset"), most)):
        path = home / "set" / f"{number:03d}.png"
        write_atomic(directory / path, picture_bytes(Path(item.path)))
        items.append(replace(item, path=path.as_posix(), tags=_renamed(item.tags, own, given.trigger)))
    seeds = [_copied_seed(store, seed, directory, home) for seed in store.seeds() if seed.anchor]
    adapter = finished_lora(store)
    assert adapter is not None
    lora = home / "lora.safetensors"
    write_atomic(directory / lora, picture_bytes(store.directory / adapter.path))
    asked: list[Job] = []
    solo: list[str] = []
    for frame in store.frames(kind=JobKind.PROBE):
        if frame.adapter == adapter.id:
            asked.append(_asked(frame, own, given.trigger))
            path = home / "solo" / f"{len(solo):03d}.png"
            write_image(directory / path, store.frame_image(frame))
            solo.append(path.as_posix())
    named = _described(character.model_copy(update={"trigger": given.trigger}), given)
    member = BundleMember(
        str(given.folder), named, tuple(items), tuple(seeds), tuple(asked), tuple(solo), lora.as_posix()
    )
    return member if asked else replace(member, asked=_from_captions(member.items))


def _trained(dataset: Path) -> list[TrainItem]:
    """The last training set of a run by its provenance; captions of generated pictures as they are written now."""
    found = []
    for row in read_provenance(dataset):
        weight = float(row["training_weight"] or 0)
        if weight <= 0:
            continue
        path, kind, caption = dataset / row["file"], row["origin"], row["caption"]
        if kind == "synthetic":
            kind = "provisional" if row["verdict"] == "provisional" else "kept"
            (picture,) = read_pictures([path])
            caption = picture.caption or caption
        found.append(TrainItem(str(path), tuple(caption_parts(caption)), kind, weight))
    if not found:
        raise UsageError(f'"{dataset}" tells of no picture that was trained on', "run the same `bootstrap run` again")
    return found


def _of_folder(given: GivenMember, directory: Path, home: Path, most: int) -> BundleMember:
    """A member out of a folder of captioned pictures; its trigger leads every caption."""
    items, seeds = [], []
    pictures = read_pictures(pictures_in(given.folder, levels=None))
    for picture in pictures:
        if picture.caption is None or picture.error is not None:
            hint = "write a .txt beside each picture; `bootstrap audit` lists all that is missing"
            raise UsageError(f'"{picture.path}" has no caption that can be read', hint)
    if not pictures:
        raise UsageError(f'"{given.folder}" has no picture', "name a run, or a folder of pictures with captions")
    for number, one in enumerate(_evenly(pictures, most)):
        image, _ = open_picture(one.path)
        path = home / "set" / f"{number:03d}.png"
        write_image(directory / path, image)
        tags = [tag for tag in one.tags if tag != given.trigger]
        items.append(TrainItem(path.as_posix(), (given.trigger, *tags), "kept"))
    for item in _evenly(items, REFERENCES):
        digest = re.sub(r"\W", "", item.path)
        seeds.append(Seed(item.path, digest, item.path, "", "", "", "", (), "sidecar"))
    named = _described(None, given)
    return BundleMember(str(given.folder), named, tuple(items), tuple(seeds), _from_captions(items))


def _described(character: Character | None, given: GivenMember) -> Character:
    """The description of a member. Raises UsageError for a trigger that cannot be one."""
    plain = character.model_dump() if character else {"name": given.trigger, "invariant": {"subject": given.trigger}}
    try:
        return Character.model_validate({**plain, "trigger": given.trigger})
    except (CharacterError, ValueError) as error:
        raise UsageError(f'"{given.trigger}" cannot be a trigger', f'write "{given.source}=TRIGGER"') from error


def _chosen(items: Sequence[TrainItem], most: int) -> list[TrainItem]:
    """The items, of the generated ones at most ``most``, evenly chosen."""
    generated = [item for item in items if item.kind in GENERATED]
    taken = {item.path for item in _evenly(generated, most)}
    return [item for item in items if item.kind not in GENERATED or item.path in taken]


def _evenly(items: Sequence[One], most: int) -> list[One]:
    """At most so many of them, at even distances."""
    count = min(most, len(items))
    return [items[number * len(items) // count] for number in range(count)]


def _copied_seed(store: Store, seed: Seed, directory: Path, home: Path) -> Seed:
    """A seed, copied, under its new path."""
    path = home / "seeds" / Path(seed.path).name
    write_atomic(directory / path, picture_bytes(store.directory / seed.path))
    return replace(seed, path=path.as_posix())


def _asked(frame: Frame, own: str, trigger: str) -> Job:
    """The job of a picture that the member's own LoRA drew, by the trigger that it has here."""
    return replace(frame.job, prompt=_in_text(frame.job.prompt, own, trigger))


def _from_captions(items: Sequence[TrainItem]) -> tuple[Job, ...]:
    """Jobs that ask for what pictures of the set show."""
    jobs = []
    for number, item in enumerate(_evenly([item for item in items if item.kind in GENERATED], ASKED)):
        seed = random_seed_of("member", item.caption, number)
        jobs.append(Job(f"asked-{number}", JobKind.PROBE, 1, 1, NO_SHOT, item.caption, "", seed, {}))
    return tuple(jobs)


def _renamed(tags: Sequence[str], own: str, trigger: str) -> tuple[str, ...]:
    """Tags with another trigger, and with it at their head where they had none."""
    found = tuple(_in_text(tag, own, trigger) for tag in tags)
    return found if any(trigger in tag for tag in found) else (trigger, *found)


def _in_text(text: str, own: str, trigger: str) -> str:
    """A text in which the word ``own`` reads ``trigger``."""
    return text if own == trigger else re.sub(rf"(?<!\w){re.escape(own)}(?!\w)", lambda _: trigger, text)


def _trigger_of(folder: Path) -> str:
    """The trigger of a folder of pictures. Raises UsageError where neither its name nor its captions tell."""
    named = re.match(r"\d+_(\S.*)", folder.name)
    if named:
        return named[1].split()[-1]  # "10_zeta zetasummer": the outfit's own
    try:
        pictures = read_pictures(pictures_in(folder, levels=None))
    except BootstrapError as error:
        raise UsageError(error.message, error.hint) from error
    first = Counter(picture.tags[0] for picture in pictures if picture.tags)
    for tag, count in first.most_common(1):
        if 2 * count > len(pictures) and not any(sign in tag for sign in ",|"):
            return tag
    raise UsageError(f'the captions of "{folder}" share no first tag that is a trigger', f'write "{folder}=TRIGGER"')
