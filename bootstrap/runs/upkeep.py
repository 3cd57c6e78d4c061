"""Upkeep of a run's folder: which files are no longer needed, and whether every file is as it was stored.

What a person made or decided is never freed, nor what the run delivers: pictures, seeds, verdicts, captions, the
dataset, the finished LoRA, exports, a damaged database that was kept aside. Reads rows and files; loads no model.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from bootstrap.dataset.provenance import read_provenance
from bootstrap.errors import BootstrapError, OutputError
from bootstrap.records import Adapter
from bootstrap.runs.accepted import finished_lora
from bootstrap.runs.standing import finished
from bootstrap.store.delivery import delivered, deviations
from bootstrap.store.files import sha256_of
from bootstrap.store.read_only import connect_to_read
from bootstrap.store.schema import DamagedError
from bootstrap.store.store import DATABASE, Store

__all__ = ["FreeableFile", "check_files", "free", "freeable", "freed_paths", "record_freed"]

FREED = "freed"
"""The fact that lists the paths that were freed: those files are not missing."""
CHECKPOINT = "checkpoint.pt"
FEATURES = "features"
DATASET = "dataset"
STATES = {
    "missing": "is missing; `bootstrap run` writes it again",
    "altered": "the file is not the one that was written; `bootstrap run` writes it again",
    "changed": "the file was changed by hand, or altered; `bootstrap run` leaves it as it is",
}
"""How a delivered file differs from what was written (see `bootstrap.store.delivery`)."""


@dataclass(frozen=True, slots=True)
class FreeableFile:
    """A file of a run that may be removed: its path in the run, its bytes, and what it is."""

    path: str
    size: int
    reason: str


def freeable(store: Store) -> list[FreeableFile]:
    """Files that are no longer needed, in a run that no engine works on.

    Checkpoints of finished trainings; weights of a final training that were not chosen; and, once the run is finished,
    the weights of its rounds and the cached embeddings.
    """
    adapters = store.adapters()
    needed = {adapter.path for adapter in _needed(adapters)}
    if handed_out := finished_lora(store):
        needed.add(handed_out.path)
    folders = {Path(adapter.path).parent for adapter in adapters}
    found = []
    for folder in sorted(folders):
        found += _freeable_training(store.directory, folder, needed)
    if finished(store.events()):
        for path in sorted((store.directory / FEATURES).rglob("*")):
            if path.is_file():
                found.append(_freeable_file(store.directory, path, "cached embeddings"))
    return found


def _freeable_training(run: Path, folder: Path, needed: set[str]) -> list[FreeableFile]:
    """What is no longer needed in the folder of a finished training."""
    found = []
    for path in sorted((run / folder).glob("*")):
        if path.name == CHECKPOINT:
            found.append(_freeable_file(run, path, "checkpoint of a finished training"))
        elif path.suffix == ".safetensors" and path.relative_to(run).as_posix() not in needed:
            found.append(_freeable_file(run, path, "weights that are no longer needed"))
    return found


def _freeable_file(run: Path, path: Path, reason: str) -> FreeableFile:
    return FreeableFile(path.relative_to(run).as_posix(), path.stat().st_size, reason)


def _needed(adapters: Sequence[Adapter]) -> list[Adapter]:
    """The finished LoRA; in an unfinished run every round's too, because after a drift an earlier one draws."""
    final = [one for one in adapters if one.is_final]
    rounds = [one for one in adapters if not one.is_final]
    if not final or (rounds and rounds[-1].round >= final[-1].round):
        return [*final[-1:], *rounds]
    return final[-1:]


def free(store: Store, files: Sequence[FreeableFile]) -> None:
    """Remove the files; the store first records that they are meant to be gone. Raises OutputError."""
    record_freed(store, [one.path for one in files])
    for one in files:
        try:
            (store.directory / one.path).unlink(missing_ok=True)
        except OSError as error:
            raise OutputError(f"cannot remove '{one.path}': {error.strerror}", "check who may write there") from error


def freed_paths(store: Store) -> set[str]:
    """The files that are meant to be gone."""
    return set(json.loads(store.recall(FREED) or "[]"))


def record_freed(store: Store, paths: Iterable[str]) -> None:
    """Record that these files are meant to be gone."""
    store.remember(FREED, json.dumps(sorted(freed_paths(store).union(paths))))


def check_files(store: Store) -> list[str]:
    """Everything that is not as it was stored, a line each: database, pictures, seeds, weights, dataset, LoRA files."""
    problems = [f"{DATABASE}: {problem}" for problem in _database(store.directory / DATABASE)]
    for seed in store.seeds():
        problems += _hash_problems(store.directory, seed.path, seed.sha256)
    problems += _frame_problems(store)
    freed = freed_paths(store)
    for adapter in store.adapters():
        if adapter.path not in freed or (store.directory / adapter.path).exists():
            problems += _hash_problems(store.directory, adapter.path, adapter.sha256)
    return [*problems, *_delivery_problems(store)]


def _database(path: Path) -> list[str]:
    """What is wrong with the database: its pages, rows and references, and what its newest snapshot has beside it."""
    try:
        connect_to_read(path).close()
    except DamagedError as damage:
        return [damage.reason]
    return []


def _frame_problems(store: Store) -> list[str]:
    """Pictures that are missing, unreadable or not the stored ones."""
    problems = []
    for frame in store.frames():
        try:
            store.frame_image(frame)
        except BootstrapError:
            problems.append(f"{frame.path}: {_fault(store.directory / frame.path)}")
    return problems


def _fault(path: Path) -> str:
    """What is wrong with a picture that is not the stored one."""
    try:
        with Image.open(path) as image:
            image.load()
    except Exception:  # a decoder fed with a damaged file may raise anything
        return _absence(path)
    return "the picture is not the one that was stored"


def _delivery_problems(store: Store) -> list[str]:
    """What is wrong with the files that the run has handed over, and with the pictures that its provenance names."""
    found, known = [], delivered(store)
    for one in deviations(store):
        found.append(f"{one.path}: {STATES[one.state]}")
    try:
        rows = read_provenance(store.directory / DATASET)
    except BootstrapError as error:
        return found or [error.message]
    seeds = {seed.path for seed in store.seeds()}
    for row in rows:
        name = (Path(DATASET) / row["file"]).as_posix().removeprefix(f"{DATASET}/../")
        if name not in known and name not in seeds:
            found += _hash_problems(store.directory, name, row["sha256"])
    return found


def _hash_problems(run: Path, name: str, sha256: str) -> list[str]:
    """What is wrong with a file that must have this sha256."""
    try:
        found = sha256_of(run / name)
    except OutputError:
        return [f"{name}: {_absence(run / name)}"]
    return [] if found == sha256 else [f"{name}: the file is not the one that was stored"]


def _absence(path: Path) -> str:
    return "cannot be read" if path.exists() else "is missing"
