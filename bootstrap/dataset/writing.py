"""The finished dataset on disk, as trainers read it. Knows no model, no score and no archive."""

from __future__ import annotations

import hashlib
import itertools
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bootstrap.errors import StoreError
from bootstrap.records import TrainItem
from bootstrap.store.delivery import Delivery
from bootstrap.store.files import make_folder, write_atomic

__all__ = ["REPEATS", "Written", "WrittenSet", "picture_bytes", "safe_name", "write_dataset"]

REPEATS = 10
"""Repeats in the folder's name where a recipe gives none: ten passes over 40 to 50 pictures make an epoch."""
INDEX = "metadata.jsonl"


@dataclass(frozen=True, slots=True)
class Written:
    """One picture of a written dataset: its file relative to the dataset folder, sha256 of its bytes, its caption."""

    file: str
    sha256: str
    caption: str


@dataclass(frozen=True, slots=True)
class WrittenSet:
    """A written dataset: the folder with the pictures (the set's, where there are several), and them in order."""

    folder: Path
    pictures: tuple[Written, ...]

    @property
    def folders(self) -> tuple[str, ...]:
        """The names of the folders with the pictures, in the order in which they first occur."""
        return tuple(dict.fromkeys(picture.file.partition("/")[0] for picture in self.pictures))


def write_dataset(
    folder: Path,
    trigger: str,
    items: Sequence[TrainItem],
    facts: Sequence[Mapping[str, object]],
    repeats: int = REPEATS,
    delivery: Delivery | None = None,
    folders: Sequence[str] = (),
) -> WrittenSet:
    """The finished set as trainers read it: ``<repeats>_<trigger>/NNN.png + .txt``, ``metadata.jsonl``.

    ``folders`` names the folder of each item where there are several. The index is what HF imagefolder reads; ``facts``
    are further columns of each row, in the order of ``items``. A set that was written before stays, with what a person
    changed in its captions; one of other pictures is set aside as ``<folder>-before-1``, never deleted. ``delivery``
    tells what a person changed from what was damaged.
    """
    homes = folders or [f"{repeats}_{safe_name(trigger)}"] * len(items)
    names = [f"{home}/{number:03d}" for number, home in enumerate(homes, 1)]
    index = _index(names, items, facts)
    _set_aside_other(folder, index, delivery)
    whole = (folder / INDEX).is_file()
    for home in dict.fromkeys([*homes, "."]):
        make_folder(folder / home)
    written = []
    for name, item in zip(names, items, strict=True):
        data = picture_bytes(Path(item.path))
        _complete(folder / f"{name}.png", data, whole, delivery)
        _complete(folder / f"{name}.txt", f"{item.caption}\n".encode(), whole, delivery)
        written.append(Written(f"{name}.png", hashlib.sha256(data).hexdigest(), item.caption))
    _complete(folder / INDEX, index, whole, delivery)  # last: it shows that the set is whole
    one = len(set(homes)) == 1
    return WrittenSet(folder / homes[0] if one else folder, tuple(written))


def picture_bytes(path: Path) -> bytes:
    """The bytes of a picture of the run. Raises StoreError when it is lost."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise StoreError(f"the picture '{path}' cannot be read ({error.strerror})", "restore it from a copy") from error


def safe_name(trigger: str) -> str:
    """A trigger as part of a file name."""
    return re.sub(r"[^\w.-]+", "_", trigger).lstrip(".") or "character"


def _index(names: Sequence[str], items: Sequence[TrainItem], facts: Sequence[Mapping[str, object]]) -> bytes:
    """The rows of ``metadata.jsonl``."""
    lines = []
    for name, item, fact in zip(names, items, facts, strict=True):
        row = {"file_name": f"{name}.png", "text": item.caption, "origin": item.kind, **fact}
        lines.append(json.dumps(row, ensure_ascii=False) + "\n")
    return "".join(lines).encode()


def _complete(path: Path, data: bytes, whole: bool, delivery: Delivery | None) -> None:
    """Write a file, unless the set was whole already and has it: then a person may have changed it."""
    if delivery is not None:
        delivery.write(path, data, spare=whole)
    elif not (path.is_file() and whole):
        write_atomic(path, data)


def _set_aside_other(folder: Path, index: bytes, delivery: Delivery | None) -> None:
    """Set a whole set of other pictures aside; what a killed process began is written over."""
    existing = folder / INDEX
    if delivery is not None and delivery.has(existing):
        if not delivery.has(existing, index):
            delivery.set_aside_folder(folder)
        return
    if not existing.is_file() or existing.read_bytes() == index:
        return
    for number in itertools.count(1):
        aside = folder.with_name(f"{folder.name}-before-{number}")
        if not aside.exists():
            folder.rename(aside)
            return
