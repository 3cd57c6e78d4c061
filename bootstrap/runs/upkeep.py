"""Looking after a run's folder: what of it can be made again and may go, and whether everything is as it was written.

Nothing that anybody made or decided is ever freed: pictures, seeds, verdicts, captions, the dataset, the finished LoRA,
exports, a damaged database that was kept aside. Reads rows and files; loads no model.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from bootstrap.dataset.provenance import read_provenance
from bootstrap.errors import BootstrapError, OutputError
from bootstrap.export.release import FINAL
from bootstrap.records import Adapter
from bootstrap.runs.standing import finished
from bootstrap.store.files import sha256_of
from bootstrap.store.schema import look
from bootstrap.store.store import DATABASE, Store
from scoring.base import digest_of

__all__ = ["Piece", "check_files", "free", "freeable"]

FREED = "freed"
"""The fact that lists the paths which were freed: they are not missing."""
CHECKPOINT = "checkpoint.pt"
FEATURES = "features"
DATASET = "dataset"


@dataclass(frozen=True, slots=True)
class Piece:
    """A file of a run that may go: its path in the run, its bytes, and what it was for."""

    path: str
    size: int
    what: str


def freeable(store: Store) -> list[Piece]:
    """Files that are not needed any more, in a run that nobody works on.

    Checkpoints of trainings that are over; weights of trials that were not chosen; and, once the run is finished, the
    weights of its rounds and the remembered embeddings.
    """
    adapters, run = store.adapters(), store.directory
    needed = {one.path for one in _needed(adapters)}
    done = {Path(one.path).parent for one in adapters}
    found = []
    for folder in sorted(done):
        for path in sorted((run / folder).glob("*")):
            name = path.relative_to(run).as_posix()
            if path.name == CHECKPOINT:
                found.append(_piece(path, name, "checkpoint of a training that is over"))
            elif path.suffix == ".safetensors" and name not in needed:
                found.append(_piece(path, name, "weights that nothing needs any more"))
    if finished(store.events()):
        kept = sorted(path for path in (run / FEATURES).rglob("*") if path.is_file())
        found += [_piece(path, path.relative_to(run).as_posix(), "remembered embeddings") for path in kept]
    return found


def free(store: Store, pieces: Sequence[Piece]) -> None:
    """Remove the pieces; first it is written down that they are meant to be gone. Raises OutputError."""
    names = sorted({*json.loads(store.recall(FREED) or "[]"), *(piece.path for piece in pieces)})
    store.remember(FREED, json.dumps(names))
    for piece in pieces:
        try:
            (store.directory / piece.path).unlink(missing_ok=True)
        except OSError as error:
            raise OutputError(f"cannot remove '{piece.path}': {error.strerror}", "check who may write there") from error


def check_files(store: Store) -> list[str]:
    """Everything that is not as the rows say, a line each: database, pictures, seeds, weights, dataset. [] if whole."""
    problems = [f"{DATABASE}: {said}" for said in _database(store.directory / DATABASE)]
    for seed in store.seeds():
        problems += _compared(store.directory, seed.path, seed.sha256)
    for frame in store.frames():
        try:
            same = digest_of(store.frame_image(frame)) == frame.digest
        except BootstrapError:
            problems.append(f"{frame.path}: {_gone(store.directory / frame.path)}")
            continue
        problems += [] if same else [f"{frame.path}: the picture is not the one that was stored"]
    freed = set(json.loads(store.recall(FREED) or "[]"))
    for adapter in store.adapters():
        if adapter.path not in freed or (store.directory / adapter.path).exists():
            problems += _compared(store.directory, adapter.path, adapter.sha256)
    return [*problems, *_dataset(store.directory)]


def _needed(adapters: Sequence[Adapter]) -> list[Adapter]:
    """The finished LoRA; in a run that goes on every round's, too, for after a drift it draws with an earlier one."""
    final = [one for one in adapters if one.id.startswith(FINAL)]
    rounds = [one for one in adapters if not one.id.startswith(FINAL)]
    going_on = rounds if not final or (rounds and rounds[-1].round >= final[-1].round) else []
    return [*final[-1:], *going_on]


def _piece(path: Path, name: str, what: str) -> Piece:
    return Piece(name, path.stat().st_size, what)


def _database(path: Path) -> Iterator[str]:
    """What SQLite finds wrong with every page, index and reference."""
    try:
        with closing(look(path)) as db:
            found = [str(row[0]) for row in db.execute("PRAGMA integrity_check(20)")]
            yield from (said for said in found if said != "ok")
            for table, row, parent, _ in db.execute("PRAGMA foreign_key_check"):
                yield f"row {row} of {table} refers to nothing in {parent}"
    except sqlite3.Error as error:
        yield str(error)


def _compared(run: Path, name: str, sha256: str) -> list[str]:
    """What is wrong with a file that must have this sha256."""
    try:
        same = sha256_of(run / name) == sha256
    except OutputError:
        return [f"{name}: {_gone(run / name)}"]
    return [] if same else [f"{name}: the file is not the one that was stored"]


def _dataset(run: Path) -> list[str]:
    """What is wrong with the pictures of the finished set, by its own provenance; seeds are looked at already."""
    rows = [row for row in read_provenance(run / DATASET) if not row["file"].startswith("..")]
    return [problem for row in rows for problem in _compared(run, f"{DATASET}/{row['file']}", row["sha256"])]


def _gone(path: Path) -> str:
    return "cannot be read" if path.exists() else "is missing"
