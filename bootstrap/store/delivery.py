"""What a run hands over: the files of ``dataset/`` and ``lora/``, with the digests that they were written with.

A file that is lost or damaged is written again. A caption or picture of the dataset that a person changed is theirs: it
is left as it is, and named. Any other file that was altered is kept beside the new one. Knows no picture's worth.
"""

from __future__ import annotations

import hashlib
import io
import itertools
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from PIL import Image

from bootstrap.store.files import sha256_of, write_atomic
from bootstrap.store.replacing import ALTERED, is_whole, set_aside
from bootstrap.store.store import Store

__all__ = ["Delivery", "Deviation", "delivered", "deviations"]

DELIVERED = "delivered"
"""The fact that maps each delivered file to the sha256 that it was written with."""
OF_A_PERSON = ("dataset/", (".txt", ".png", ".jsonl", ".toml"))
"""Where, and in which files, a person may change what was delivered."""
MOST_NAMED = 8


@dataclass(frozen=True, slots=True)
class Deviation:
    """A delivered file that is not as it was written; ``state`` is missing | changed | altered."""

    path: str
    state: str


def delivered(store: Store) -> dict[str, str]:
    """File, relative to the run → the sha256 that it was written with; empty until something was delivered."""
    found: dict[str, str] = json.loads(store.recall(DELIVERED) or "{}")
    return found


def deviations(store: Store, below: str = "") -> list[Deviation]:
    """The delivered files, those that begin with ``below``, that are not as they were written."""
    found = []
    for name, sha256 in delivered(store).items():
        path = store.directory / name
        if not name.startswith(below) or is_whole(path, sha256):
            continue
        found.append(Deviation(name, _state(name, path)))
    return found


@dataclass
class Delivery:
    """The files that a run writes for others, in one go. ``before`` are those of the last time."""

    store: Store
    before: dict[str, str]
    written: dict[str, str] = field(default_factory=dict)
    found: list[Deviation] = field(default_factory=list)

    @classmethod
    def of(cls, store: Store) -> Self:
        """Begin to write again what a run delivers."""
        return cls(store, delivered(store))

    def has(self, path: Path, data: bytes | None = None) -> bool:
        """Whether a file was delivered the last time, with this content (None: any)."""
        stored = self.before.get(self._name(path))
        return stored is not None and (data is None or stored == hashlib.sha256(data).hexdigest())

    def write(self, path: Path, data: bytes, *, spare: bool = False) -> None:
        """Write a file, unless it is there or a person changed it.

        ``spare`` leaves one that is there and whose digest was never stored.
        """
        name, digest = self._name(path), hashlib.sha256(data).hexdigest()
        self.written[name] = digest
        stored = self.before.get(name)
        if path.is_file():
            if is_whole(path, digest) or (stored is None and spare):
                return
            if stored is not None and not is_whole(path, stored):
                state = _state(name, path)
                self.found.append(Deviation(name, state))
                if state == "changed":
                    return
                set_aside(path)
        elif stored is not None:
            self.found.append(Deviation(name, "missing"))
        write_atomic(path, data)

    def set_aside_folder(self, folder: Path) -> None:
        """Rename a delivered folder to ``<folder>-before-<n>``: it holds another set."""
        self.begin(folder)
        if not folder.exists():
            return
        for number in itertools.count(1):
            aside = folder.with_name(f"{folder.name}-before-{number}")
            if not aside.exists():
                folder.rename(aside)
                return

    def begin(self, folder: Path) -> None:
        """Everything in a folder is written anew: what was altered there is kept aside, and nothing is stored of it."""
        below = f"{self._name(folder)}/"
        for one in deviations(self.store, below):
            if one.state == "altered":
                set_aside(self.store.directory / one.path)
            if one.state != "changed":
                self.found.append(one)
        self.before = {name: digest for name, digest in self.before.items() if not name.startswith(below)}
        self.store.remember(DELIVERED, json.dumps(self.before))

    def take(self, folder: Path) -> None:
        """Take the files of a folder as they were just written."""
        for path in sorted(folder.rglob("*")):
            if path.is_file() and f".{ALTERED}-" not in path.name:
                self.written[self._name(path)] = sha256_of(path)

    def end(self) -> list[str]:
        """Store the digests; what was found, in sentences."""
        self.store.remember(DELIVERED, json.dumps(self.written))
        said = []
        for state, text in _SENTENCES.items():
            names = [one.path for one in self.found if one.state == state]
            if names:
                more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
                said.append(f"{text}: {', '.join(names[:MOST_NAMED])}{more}")
        return said

    def _name(self, path: Path) -> str:
        return path.relative_to(self.store.directory).as_posix()


_SENTENCES = {
    "missing": "delivered files that were lost are written again",
    "altered": "delivered files that were damaged or altered are kept aside and written again",
    "changed": "delivered files that were changed by hand are left as they are",
}


def _state(name: str, path: Path) -> str:
    """Why a file is not as it was written."""
    if not path.is_file():
        return "missing"
    folder, endings = OF_A_PERSON
    if name.startswith(folder) and path.suffix in endings and _reads(path):
        return "changed"
    return "altered"


def _reads(path: Path) -> bool:
    """Whether a file can still be used as what it is; so a person may have changed it."""
    try:
        data = path.read_bytes()
        if path.suffix == ".png":
            with Image.open(io.BytesIO(data)) as image:
                image.load()
            return True
        text = data.decode("utf-8")
        if path.suffix == ".jsonl":
            return all("file_name" in json.loads(line) for line in text.splitlines()) and bool(text.strip())
        return bool(text.strip()) and all(letter.isprintable() or letter.isspace() for letter in text)
    except Exception:  # a decoder fed with a damaged file may raise anything
        return False
