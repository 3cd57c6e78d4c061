"""A damaged database, made whole again: from its rows that are as they were stored, its snapshots and the run's files.

The damaged file is kept aside, with its write-ahead log; nothing is deleted. What is lost is counted, and made again by
the run as far as it needs it. Knows tables and files, no domain verb and no model.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections import Counter
from contextlib import closing
from pathlib import Path

from bootstrap.errors import StoreError
from bootstrap.store.checking import what_is_wrong
from bootstrap.store.checksums import TABLES, fill_checksums
from bootstrap.store.files import write_atomic
from bootstrap.store.losses import Losses, count_gaps, counted, remember_gaps
from bootstrap.store.mending import drop_dangling, rebuild_verdicts, reopen_rounds, take_in_adapters, take_in_pictures
from bootstrap.store.person_copy import PERSON_COPY, put_back
from bootstrap.store.salvage import Salvaged, merge, salvage
from bootstrap.store.schema import DamagedError, connect, look, translate
from bootstrap.store.snapshots import open_snapshot, snapshots_of

__all__ = ["finish_swap", "recover", "recover_if_damaged", "traces_of_run"]

NEEDED = ("config", "character", "seeds")
"""Facts without which a run cannot be continued."""
LOG = "log.jsonl"
NEW, WHOLE, OTHER = ".recovering", ".recovered", ".merging"
TRACES = ("*.db.damaged-*", PERSON_COPY, LOG, "frames/r*w*/*.png", "adapters/*/*.safetensors")
"""What only a run leaves in its folder."""


def traces_of_run(path: Path) -> list[Path]:
    """What a run has left beside its database, snapshots first; [] where nothing was begun."""
    found = [path.with_name(path.name + WHOLE)] if path.with_name(path.name + WHOLE).is_file() else []
    found += snapshots_of(path)
    for pattern in TRACES:
        found += [one for one in sorted(path.parent.glob(pattern))[:1] if one.stat().st_size]
    return found


def recover_if_damaged(path: Path) -> list[str]:
    """Recover the database at ``path`` if it is damaged; what was done, in lines, [] if it is whole."""
    finish_swap(path)
    if not path.is_file() or not path.stat().st_size:
        if not traces_of_run(path):
            return []
        return recover(path, "it is empty" if path.is_file() else "it is missing")
    try:
        connect(path).close()
    except DamagedError as damage:
        return recover(path, damage.reason)
    if wrong := what_is_wrong(path):
        return recover(path, wrong)
    return []


def recover(path: Path, reason: str) -> list[str]:
    """Replace the damaged database at ``path`` by one with every row that is left; returns what was done, in lines.

    ``reason`` is SQLite's. Raises StoreError, with the file as it was, when it holds too little to go on from,
    and OutputError when there is no room for the new one.
    """
    fresh, other = path.with_name(path.name + NEW), path.with_name(path.name + OTHER)
    _remove(fresh, other)
    try:
        losses = _rebuild(path, fresh, other)
    except sqlite3.Error as error:
        if isinstance(error, sqlite3.OperationalError):  # a full disk is no damage
            raise translate(error, fresh) from error
        raise _beyond_recovery(path, reason, error) from error
    finally:
        _remove(other)
    aside = _keep_aside(path)
    with fresh.open("r+b") as file:
        os.fsync(file.fileno())
    fresh.replace(path.with_name(path.name + WHOLE))
    finish_swap(path)
    kept = f"; it is kept as {aside.name}" if aside.exists() else ""
    return [f"{path.name} was damaged ({reason}){kept}; recovered {counted(losses.recovered)}", *losses.lines()]


def finish_swap(path: Path) -> None:
    """Put a recovered database in its place, if one waits there; a kill in between is finished by the next open."""
    whole = path.with_name(path.name + WHOLE)
    if whole.is_file():
        for ending in ("-wal", "-shm"):  # of the damaged file: they would be played into the new one
            path.with_name(path.name + ending).unlink(missing_ok=True)
        whole.replace(path)


def _beyond_recovery(path: Path, reason: str, error: sqlite3.Error) -> StoreError:
    """Neither the database nor a snapshot can be used."""
    tried = ", ".join(f"'{one.name}'" for one in snapshots_of(path)) or "none"
    return StoreError(
        f"'{path}' is damaged beyond reading ({reason}: {error}; snapshots beside it: {tried})",
        "nothing was deleted: restore it from a copy, or begin in another --out",
    )


def _remove(*paths: Path) -> None:
    for path in paths:
        for ending in ("", "-journal", "-wal", "-shm"):
            path.with_name(path.name + ending).unlink(missing_ok=True)


def _keep_aside(path: Path) -> Path:
    """Copies of the damaged file, its write-ahead log and the run's own log, under the first free name."""
    number = 1
    while (aside := path.with_name(f"{path.name}.damaged-{number}")).exists():
        number += 1
    for ending in ("-wal", ""):
        source = path.with_name(path.name + ending)
        if source.is_file():
            write_atomic(aside.with_name(aside.name + ending), source.read_bytes())
    if (log := path.with_name(LOG)).is_file():  # it is written anew from the rows, and may hold events that they lost
        write_atomic(aside.with_name(f"{aside.name}-{LOG}"), log.read_bytes())
    return aside


def _rebuild(path: Path, fresh: Path, other: Path) -> Losses:
    """A whole database at ``fresh`` of all that is left. Raises sqlite3.Error when it is too little."""
    salvaged = _salvage_damaged(path, fresh)
    losses = Losses(unreadable=salvaged.unreadable)
    with closing(sqlite3.connect(fresh, isolation_level=None)) as new:
        new.execute("BEGIN")
        losses.recovered = _counts(new)
        new.execute("COMMIT")
        for snapshot in snapshots_of(path):
            _remove(other)
            with contextlib.suppress(sqlite3.DatabaseError):
                with closing(open_snapshot(snapshot)) as old:
                    salvage(old, other)
                if added := merge(new, other):
                    losses.sources[snapshot.name] = added
        new.execute("BEGIN")
        _mend(new, path.parent, losses)
        facts = {row[0] for row in new.execute("SELECT name FROM facts")}
        if lacking := [name for name in NEEDED if name not in facts]:
            raise sqlite3.DatabaseError(f"what the run was begun with is lost: its {', '.join(lacking)}")
        losses.facts = sorted(set(salvaged.facts) - facts)
        losses.lost = _lost(new, salvaged, losses)
        remember_gaps(new)
        losses.rounds = reopen_rounds(new)
        fill_checksums(new)
        new.execute("COMMIT")
    return losses


def _salvage_damaged(path: Path, fresh: Path) -> Salvaged:
    """What the damaged file itself still holds; nothing, where it is no database any more."""
    try:
        with closing(look(path)) as old:
            return salvage(old, fresh)
    except sqlite3.DatabaseError as error:
        if not snapshots_of(path) or "full" in str(error):
            raise
    _remove(fresh)
    with closing(sqlite3.connect(":memory:")) as empty:
        salvage(empty, fresh)
    return Salvaged(unreadable=True)


def _mend(new: sqlite3.Connection, folder: Path, losses: Losses) -> None:
    losses.pictures = take_in_pictures(new, folder)
    losses.adapters = take_in_adapters(new, folder)
    put_back(new, folder)
    drop_dangling(new)
    losses.verdicts_back, losses.verdicts_lost = rebuild_verdicts(new)
    (until,) = new.execute("SELECT max(at) FROM events").fetchone()
    losses.until = str(until or "").removesuffix("+00:00").replace("T", " ")


def _lost(new: sqlite3.Connection, salvaged: Salvaged, losses: Losses) -> dict[str, int]:
    """Table → rows that are gone: gaps in the numbers, and rows without numbers that nothing restored."""
    lost = Counter(count_gaps(new))
    for table, count in salvaged.aside.items():
        restored = sum(counts.get(table, 0) for counts in losses.sources.values())
        if table == "frames":
            restored += losses.pictures
        if count > restored:
            lost[table] = max(lost[table], count - restored)
    return dict(lost)


def _counts(db: sqlite3.Connection) -> dict[str, int]:
    return {table: int(db.execute(f"SELECT count(*) FROM {table}").fetchone()[0]) for table in TABLES}
