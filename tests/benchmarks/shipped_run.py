"""Makes the archive of `bootstrap demo --show` out of a finished run of the demonstration.

    python -m tests.benchmarks.shipped_run runs/demo

A whole run has a thousand pictures; the archive has those that were kept, some that were not of each view family, the
decoys nearest to both, and what the report leads with. Rows and embeddings of the others are left out, and the links of
the pages to them. The pages themselves are those of the whole run.
"""

from __future__ import annotations

import argparse
import io
import json
import re
import shutil
import sqlite3
import tempfile
import zipfile
from contextlib import closing
from pathlib import Path

import numpy as np
import typer

from bootstrap.records import Frame, JobKind, VerdictKind
from bootstrap.review.nearest import Nearest
from bootstrap.runs.listing import FACT
from bootstrap.runs.open_to_read import open_to_read
from bootstrap.runs.shipped_run import shipped_run
from bootstrap.runs.upkeep import check_files, record_freed
from bootstrap.store.delivery import DELIVERED, delivered
from bootstrap.store.run_folder import DATABASE
from bootstrap.store.store import Store
from scoring.features import write_shard

OTHERS = 5
"""Candidates of each view family that were not kept."""
DIFFUSERS = "pytorch_lora_weights.safetensors"
LEFT_OUT = ("adapters", "sheets", "features", "frames", "showcase.png")
TABLES = {"measurements": "frame", "verdicts": "frame", "captions": "frame", "frames": "id", "jobs": "id"}
"""Table → its column with the id of a frame, in the order in which rows can be deleted."""


def chosen(store: Store) -> dict[str, Frame]:
    """The frames that go into the archive, by id."""
    verdicts, taken, others = store.verdicts(), {}, {}
    for frame in store.frames():
        verdict = verdicts.get(frame.job.id)
        if frame.job.kind is JobKind.SHOWCASE or (
            verdict and verdict.kind in (VerdictKind.KEEP, VerdictKind.PROVISIONAL)
        ):
            taken[frame.job.id] = frame
        elif frame.job.kind is JobKind.CANDIDATE:
            others.setdefault(frame.job.shot.view_family, []).append(frame)
    for frames in others.values():
        for frame in frames[:: max(1, len(frames) // OTHERS)][:OTHERS]:
            taken[frame.job.id] = frame
    nearest = Nearest(store)
    for frame in list(taken.values()):
        decoy = nearest.of(frame)["decoy"]
        found = store.frame(decoy["id"]) if decoy else None
        if found:
            taken[found.job.id] = found
    return taken


def main() -> None:
    """Write the archive into the package."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("run", type=Path)
    run = arguments.parse_args().run
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made) / "run"
        with open_to_read(run) as store:
            frames = chosen(store)
            _copy(run, folder, frames)
        _trim_rows(folder / DATABASE, set(frames))
        for page in folder.glob("*.html"):
            _unlink(page, folder)
        with Store.open(folder) as store:
            record_freed(store, [adapter.path for adapter in store.adapters()])
            there = {name: sha256 for name, sha256 in delivered(store).items() if (folder / name).is_file()}
            store.remember(DELIVERED, json.dumps(there))
            problems = check_files(store)
        _write(folder, shipped_run())
    size = shipped_run().stat().st_size
    typer.echo("\n".join([f"{len(frames)} pictures, {size / 1e6:.1f} MB", *problems]))


def _copy(run: Path, folder: Path, frames: dict[str, Frame]) -> None:
    """The run without what is left out, then the frames and their embeddings. Of its two LoRA files one is enough."""
    shutil.copytree(run, folder, ignore=lambda at, names: _ignored(run, Path(at), names))
    with closing(sqlite3.connect(run / DATABASE)) as whole, closing(sqlite3.connect(folder / DATABASE)) as copy:
        whole.backup(copy)
    digests = set()
    for frame in frames.values():
        digests.add(frame.digest)
        (folder / frame.path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(run / frame.path, folder / frame.path)
    for shelf in (run / "features").iterdir():
        _copy_vectors(shelf, folder / "features" / shelf.name, digests)


def _ignored(run: Path, at: Path, names: list[str]) -> list[str]:
    """What of a folder is not copied as it is."""
    if at != run:
        return [name for name in names if name == DIFFUSERS]
    return [name for name in names if name in LEFT_OUT or name.startswith((DATABASE, "run.lock"))]


def _copy_vectors(shelf: Path, out: Path, digests: set[str]) -> None:
    """One shard with the embeddings of some pictures, and of the seeds, which are few."""
    kept: dict[str, np.ndarray] = {}
    shards = [np.load(io.BytesIO(path.read_bytes())) for path in sorted(shelf.glob("*.npz"))]
    for number, shard in enumerate(shards):
        if "vectors" not in shard:
            continue
        for digest, vector in zip(shard["digests"], shard["vectors"], strict=True):
            if str(digest) in digests or number == 0:
                kept[str(digest)] = vector
    if kept:
        write_shard(out, list(kept), {"vectors": np.stack(list(kept.values()))})


def _trim_rows(database: Path, ids: set[str]) -> None:
    """Leave out the rows of every other frame."""
    with closing(sqlite3.connect(database)) as db:
        db.execute("CREATE TEMP TABLE kept (id TEXT PRIMARY KEY)")
        db.executemany("INSERT INTO kept VALUES (?)", [(id,) for id in ids])
        for table, column in TABLES.items():
            db.execute(f"DELETE FROM {table} WHERE {column} NOT IN (SELECT id FROM kept)")
        db.execute("DELETE FROM facts WHERE name = ?", (FACT,))  # it names folders of the machine that ran it
        db.commit()
        db.execute("VACUUM")


def _unlink(page: Path, folder: Path) -> None:
    """Pictures of a page that are not in the archive lose their link, not their thumbnail."""
    text = page.read_text(encoding="utf-8")

    def there(found: re.Match[str]) -> str:
        return found[0] if (folder / found[1]).is_file() else ""

    page.write_text(re.sub(r' href="((?:frames|sheets|adapters)/[^"]+|showcase\.png)"', there, text), encoding="utf-8")


def _write(folder: Path, archive: Path) -> None:
    """The folder as an archive whose bytes depend on its files only."""
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as made:
        for path in sorted(folder.rglob("*")):
            if path.is_file() and path.name != "run.lock" and not path.name.startswith(f"{DATABASE}-"):
                made.writestr(
                    zipfile.ZipInfo(path.relative_to(folder).as_posix()), path.read_bytes(), zipfile.ZIP_DEFLATED
                )


if __name__ == "__main__":
    main()
