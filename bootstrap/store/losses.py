"""What a damage has cost, counted from the numbers of rows and told in lines. Knows tables and no file."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from bootstrap.store.checksums import TABLES

__all__ = ["Losses", "count_gaps", "counted", "remember_gaps"]

LOST_ROWS = "lost_rows"
"""The fact that holds, by table, how many rows an earlier recovery has lost."""
NUMBERED = ("decisions", "seeds", "jobs", "verdicts", "captions", "adapters", "timings", "events")
"""Tables whose rows are numbered from 1 without a gap."""
MOST_NAMED = 8
Counts = Mapping[str, int]


@dataclass
class Losses:
    """What a recovery found. ``sources`` are names of snapshots and how many rows by table each gave."""

    recovered: Counts = field(default_factory=dict)
    sources: dict[str, Counts] = field(default_factory=dict)
    pictures: int = 0
    adapters: int = 0
    facts: Sequence[str] = ()
    verdicts_back: Sequence[str] = ()
    verdicts_lost: Sequence[str] = ()
    rounds: Sequence[int] = ()
    lost: Counts = field(default_factory=dict)
    unreadable: bool = False
    until: str = ""

    def lines(self) -> list[str]:
        """A sentence for each kind of thing."""
        found = [f"restored from {name}: {counted(counts)}" for name, counts in self.sources.items()]
        if self.pictures:
            found.append(f"taken in again from the pictures themselves: {self.pictures} frames")
        if self.adapters:
            found.append(f"taken in again from the LoRA files themselves: {self.adapters} adapters")
        if self.facts:
            found.append(f"facts of the run that are lost: {_named(self.facts)}")
        if self.verdicts_back:
            found.append(f"a person's verdicts restored from the log of events: on {_named(self.verdicts_back)}")
        if self.verdicts_lost:
            found.append(f"a person's verdicts lost, because their pictures are: on {_named(self.verdicts_lost)}")
        if self.rounds:
            found.append(f"played again, because pictures or verdicts were lost: round {_named(self.rounds)}")
        if self.lost:
            found.append(f"lost: {counted(self.lost)}; what the run needs of it is made again")
        if self.unreadable and self.until:
            found.append(f"what was stored after {self.until} UTC and could not be read is lost, or made again")
        if not self.lost and not self.unreadable and not self.verdicts_lost:
            found.append("nothing was lost")
        return found


def count_gaps(db: sqlite3.Connection) -> dict[str, int]:
    """Table → how many rows are missing in between, but for those that an earlier recovery missed."""
    row = db.execute("SELECT value FROM facts WHERE name = ?", (LOST_ROWS,)).fetchone()
    known = json.loads(row[0]) if row else {}
    gaps = {}
    for table, count in _gaps(db).items():
        if count > known.get(table, 0):
            gaps[table] = count - known.get(table, 0)
    return gaps


def remember_gaps(db: sqlite3.Connection) -> None:
    """So that the next recovery does not tell of them again."""
    db.execute("INSERT OR REPLACE INTO facts (name, value) VALUES (?, ?)", (LOST_ROWS, json.dumps(_gaps(db))))


def _gaps(db: sqlite3.Connection) -> dict[str, int]:
    gaps = {}
    for table in NUMBERED:
        (count,) = db.execute(f"SELECT coalesce(max(seq), 0) - count(*) FROM {table}").fetchone()
        if count:
            gaps[table] = int(count)
    return gaps


def counted(counts: Counts) -> str:
    """Counts of rows by table in words, in the order of the tables; tables without rows are left out."""
    return ", ".join(f"{counts[table]} {table}" for table in TABLES if counts.get(table))


def _named(things: Sequence[object]) -> str:
    """The first of them by name."""
    named = ", ".join(f"'{one}'" for one in things[:MOST_NAMED])
    return f"{named} and {len(things) - MOST_NAMED} more" if len(things) > MOST_NAMED else named
