"""Training sets and the finished dataset: which pictures, with which captions and weights, in which files.

Seeds (with crops and altered copies) and generated frames are counted apart, always. Knows no model and no score; the
archive of everything ever kept is the store's.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bootstrap.captions.wording import Wording
from bootstrap.config import LoopConfig
from bootstrap.errors import StoreError
from bootstrap.pictures import open_picture
from bootstrap.records import Box, Frame, Phase, Seed, TrainItem
from bootstrap.seeds import Composition, SeedCaptioner, cuts
from bootstrap.seeds.alpha import subject_of
from bootstrap.store.files import make_folder, write_atomic, write_image
from scoring.base import Measurement

__all__ = [
    "REPEATS",
    "Written",
    "WrittenSet",
    "balanced",
    "frame_items",
    "picture_bytes",
    "safe_name",
    "seed_items",
    "unseen_axes",
    "write_dataset",
]

REPEATS = 10
"""Repeats in the folder's name where a recipe says nothing (field practice A4)."""
INDEX = "metadata.jsonl"
SEEN = "seen "
"""How the names of measurements begin that tell whether a captioned axis is seen."""


def seed_items(
    seed: Seed, index: int, run: Path, captioner: SeedCaptioner, composition: Composition, side: int, phase: Phase
) -> list[TrainItem]:
    """One seed as training pictures: whole, tighter crops, a greyscale copy; files are written once."""
    image, _ = open_picture(run / seed.path)
    clear = subject_of(run / seed.path, image.size)
    masks = [cut.image for cut in cuts(clear, seed.framing, composition, side, seed.head)] if clear else []
    items = []
    for number, cut in enumerate(cuts(image, seed.framing, composition, side, seed.head)):
        path = run / "train" / f"seed{index}-{number}-{cut.kind}.png"
        if not path.is_file():
            make_folder(path.parent)
            if masks:
                write_image(path.with_name(f"{path.stem}_mask.png"), masks[number], {})
            write_image(path, cut.image, {})
        shown = captioner.shown(seed) | ({"framing": cut.framing} if cut.framing else {})
        if cut.extra:
            hidden = captioner.wording.subject.altered_hides
            shown = {axis: tag for axis, tag in shown.items() if axis not in hidden} | {"altered": cut.extra[0]}
        if cut.enlarged and captioner.wording.enlarged:
            shown = {**shown, "enlarged": captioner.wording.enlarged}
        hides = captioner.wording.views.hidden(seed.view_family, cut.framing)
        caption, stands = captioner.wording.seed_caption(phase, shown, hides), _body(composition, cut.framing)
        items.append(TrainItem(str(path), caption, cut.kind, subject=stands, seed=index))
    return items


def frame_items(
    frames: Iterable[Frame],
    run: Path,
    wording: Wording,
    phase: Phase,
    unseen: Mapping[str, Sequence[str]],
    *,
    kind: str = "kept",
    weight: float = 1.0,
    written: Mapping[str, str] | None = None,
    composition: Composition | None = None,
) -> list[TrainItem]:
    """Generated frames as training pictures; ``unseen`` names, by frame, the axes that the picture does not show.

    ``written`` are captions of a person's own, by frame; the style phase names the identity traits in them too.
    """
    return [
        TrainItem(
            str(run / frame.path),
            _caption(frame, wording, phase, unseen, written or {}),
            kind,
            weight,
            _body(composition or {}, frame.job.shot.framing),
        )
        for frame in frames
    ]


def _body(composition: Composition, framing: str) -> Box | None:
    """Where the subject of such a framing stands."""
    return composition.get(framing, {}).get("body")


def _caption(
    frame: Frame, wording: Wording, phase: Phase, unseen: Mapping[str, Sequence[str]], written: Mapping[str, str]
) -> tuple[str, ...]:
    """The tags of a frame: as a person wrote them, else as generated."""
    mine = written.get(frame.job.id)
    if mine is None:
        return wording.caption(frame.job.shot, phase, unseen.get(frame.job.id, ()))
    identity = wording.named_traits(frame.job.shot, phase).values()
    tags = [wording.character.trigger, *(tag.strip() for tag in mine.split(",")), *identity]
    return tuple(dict.fromkeys(tag for tag in tags if tag))


def balanced(originals: Sequence[TrainItem], generated: Sequence[TrainItem], loop: LoopConfig) -> list[TrainItem]:
    """Both together, seeds with crops and copies at ``seeds_share`` of the sampled steps, none above ``seed_cap``."""
    if not generated:
        return list(originals)
    if not originals:
        return list(generated)
    together = sum(item.weight for item in generated)
    each = together * loop.seeds_share / (1 - loop.seeds_share) / len(originals)
    return [*(item.weighing(min(each, loop.seed_cap)) for item in originals), *generated]


@dataclass(frozen=True, slots=True)
class Written:
    """One picture of a written dataset: its file relative to the dataset folder, sha256 of its bytes, its caption."""

    file: str
    sha256: str
    caption: str


@dataclass(frozen=True, slots=True)
class WrittenSet:
    """A written dataset: the folder with the pictures, and the pictures in order."""

    folder: Path
    pictures: tuple[Written, ...]


def write_dataset(
    folder: Path,
    trigger: str,
    items: Sequence[TrainItem],
    facts: Sequence[Mapping[str, object]],
    repeats: int = REPEATS,
) -> WrittenSet:
    """The finished set as trainers read it: ``<repeats>_<trigger>/NNN.png + .txt``, ``metadata.jsonl``.

    The index is what HF imagefolder reads; ``facts`` are further columns of each row, in the order of ``items``. A set
    that was written before stays, with what a person changed in its captions; one of other pictures is set aside as
    ``<folder>-before-1``, never deleted.
    """
    pictures = folder / f"{repeats}_{safe_name(trigger)}"
    names = [f"{pictures.name}/{number:03d}" for number in range(1, len(items) + 1)]
    rows = [
        {"file_name": f"{name}.png", "text": item.caption, "origin": item.kind, **fact}
        for name, item, fact in zip(names, items, facts, strict=True)
    ]
    index = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()
    _make_room(folder, index)
    make_folder(pictures)
    written = []
    for name, item in zip(names, items, strict=True):
        data = picture_bytes(Path(item.path))
        _complete(folder / f"{name}.png", data, folder)
        _complete(folder / f"{name}.txt", f"{item.caption}\n".encode(), folder)
        written.append(Written(f"{name}.png", hashlib.sha256(data).hexdigest(), item.caption))
    _complete(folder / INDEX, index, folder)  # last: it tells that the set is whole
    return WrittenSet(pictures, tuple(written))


def picture_bytes(path: Path) -> bytes:
    """The bytes of a picture of the run. Raises StoreError when it is lost."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise StoreError(f"the picture '{path}' cannot be read ({error.strerror})", "restore it from a copy") from error


def safe_name(trigger: str) -> str:
    """A trigger as part of a file name."""
    return re.sub(r"[^\w.-]+", "_", trigger).lstrip(".") or "character"


def unseen_axes(values: Mapping[str, Measurement]) -> tuple[str, ...]:
    """The axes whose asked word a picture does not show, of what the panel's readers ("seen <axis>") measured."""
    return tuple(
        name.removeprefix(SEEN)
        for name, one in values.items()
        if name.startswith(SEEN) and one.value is not None and one.value < 0
    )


def _complete(path: Path, data: bytes, folder: Path) -> None:
    """Write a file, unless the set was whole already and has it: then a person may have changed it."""
    if not (path.is_file() and (folder / INDEX).is_file()):
        write_atomic(path, data)


def _make_room(folder: Path, index: bytes) -> None:
    """Set a whole set of other pictures aside; what a killed process began is written over."""
    there = folder / INDEX
    if not there.is_file() or there.read_bytes() == index:
        return
    number = next(n for n in itertools.count(1) if not folder.with_name(f"{folder.name}-before-{n}").exists())
    folder.rename(folder.with_name(f"{folder.name}-before-{number}"))
