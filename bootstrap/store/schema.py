"""The tables of a run, built by numbered steps, so that a later version can open an earlier run.

Knows SQL and files, no domain verb. Every connection is durable (WAL, synchronous=FULL) and patient (busy timeout): the
review page writes beside the engine.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path

from bootstrap.errors import OutputError, StoreError
from bootstrap.store.checksums import CHECKSUM, TABLES, add_checksums, altered_rows, keep_checksums, renew_checksums
from bootstrap.store.snapshots import snapshots_of
from bootstrap.store.version3 import rename_records, type_decisions

__all__ = ["VERSION", "DamagedError", "build", "connect", "look", "migrate", "stored_version", "translate"]

APPLICATION = 0x4C424F4F  # "LBOO": marks the database of a run
BUSY_TIMEOUT = 30.0  # seconds


def m001_initial(db: sqlite3.Connection) -> None:
    """Everything that the first version remembers. Verdicts and events are only ever appended."""
    for statement in (
        "CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL)",
        "CREATE TABLE decisions (seq INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, value TEXT NOT NULL)",
        "CREATE TABLE seeds (seq INTEGER PRIMARY KEY, sha256 TEXT NOT NULL UNIQUE, record TEXT NOT NULL)",
        "CREATE TABLE rounds (number INTEGER PRIMARY KEY, phase TEXT NOT NULL, goal INTEGER NOT NULL, outcome TEXT)",
        "CREATE TABLE jobs (seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, round INTEGER NOT NULL,"
        " wave INTEGER NOT NULL, kind TEXT NOT NULL, record TEXT NOT NULL)",
        "CREATE INDEX jobs_by_wave ON jobs (round, wave)",
        "CREATE TABLE frames (id TEXT PRIMARY KEY REFERENCES jobs (id), path TEXT NOT NULL, digest TEXT NOT NULL,"
        " adapter TEXT NOT NULL)",
        "CREATE TABLE measurements (frame TEXT NOT NULL REFERENCES frames (id), scorer TEXT NOT NULL,"
        " fingerprint TEXT NOT NULL, value REAL, why TEXT NOT NULL, PRIMARY KEY (frame, scorer))",
        "CREATE TABLE verdicts (seq INTEGER PRIMARY KEY, frame TEXT NOT NULL REFERENCES frames (id),"
        " kind TEXT NOT NULL, by TEXT NOT NULL, reasons TEXT NOT NULL, p REAL, score REAL,"
        " round INTEGER NOT NULL, wave INTEGER NOT NULL, at TEXT NOT NULL)",
        "CREATE INDEX verdicts_by_frame ON verdicts (frame, by, seq)",
        "CREATE TABLE adapters (seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, record TEXT NOT NULL)",
        "CREATE TABLE timings (seq INTEGER PRIMARY KEY, stage TEXT NOT NULL UNIQUE, seconds REAL NOT NULL)",
        "CREATE TABLE events (seq INTEGER PRIMARY KEY, at TEXT NOT NULL, kind TEXT NOT NULL, record TEXT NOT NULL)",
    ):
        db.execute(statement)


def m002_person(db: sqlite3.Connection) -> None:
    """Verdicts hold which row their sender had seen and the key of the request; captions by a person."""
    for statement in (
        "ALTER TABLE verdicts ADD COLUMN seen INTEGER",
        "ALTER TABLE verdicts ADD COLUMN key TEXT",
        "CREATE UNIQUE INDEX verdicts_by_key ON verdicts (key)",
        "CREATE TABLE captions (seq INTEGER PRIMARY KEY, frame TEXT NOT NULL REFERENCES frames (id),"
        " text TEXT NOT NULL, at TEXT NOT NULL)",
    ):
        db.execute(statement)


def m003_words(db: sqlite3.Connection) -> None:
    """Records under the names of today, decisions by type, and frames with their drawer."""
    rename_records(db)
    type_decisions(db)


def m004_checksums(db: sqlite3.Connection) -> None:
    """A checksum beside every row."""
    add_checksums(db)


MIGRATIONS: tuple[Callable[[sqlite3.Connection], None], ...] = (
    m001_initial,
    m002_person,
    m003_words,
    m004_checksums,
)
VERSION = len(MIGRATIONS)
MARKS = {4: ("facts", CHECKSUM), 3: ("decisions", "key"), 2: ("verdicts", "key"), 1: ("facts", "name")}
"""Version → a table and a column that it brought; later ones are told by the fact `FORMAT`."""
FORMAT = "format"
CHECKED_SINCE = 4
"""The version that brought checksums."""


class DamagedError(StoreError):
    """The database cannot be read; ``reason`` is SQLite's."""

    def __init__(self, path: Path, reason: str) -> None:
        """Name the file, and the command that recovers it."""
        hint = "run the same `bootstrap run` again: it keeps the damaged file and recovers what can be read"
        super().__init__(f"'{path}' is damaged ({reason})", hint)
        self.reason = reason


def build(db: sqlite3.Connection, version: int) -> None:
    """Make the tables of a version in an empty database: what recovery and tests begin with."""
    for step in MIGRATIONS[:version]:
        step(db)
    db.execute(f"PRAGMA application_id = {APPLICATION}")
    db.execute(f"PRAGMA user_version = {version}")
    db.commit()


def connect(path: Path) -> sqlite3.Connection:
    """Open the database at ``path`` (made if missing) and bring it to the present version.

    Raises DamagedError when it cannot be read, StoreError when it is foreign or newer than this program, OutputError
    when it cannot be written.
    """
    db: sqlite3.Connection | None = None
    try:
        _undo_cut_off(path)
        if path.is_file() and path.stat().st_size:
            with closing(look(path)) as seen:
                _refuse_unusable(seen, path)
        db = sqlite3.connect(path, timeout=BUSY_TIMEOUT, isolation_level=None, check_same_thread=False)
        db.row_factory = sqlite3.Row
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = FULL")
        db.execute("PRAGMA foreign_keys = ON")
        migrate(db)
        keep_checksums(db)
        return db
    except BaseException as error:
        if db is not None:
            db.close()
        if isinstance(error, sqlite3.Error):
            raise translate(error, path) from error
        raise


def _undo_cut_off(path: Path) -> None:
    """Undo what a process was writing that was killed before the database had its write-ahead log; whoever only reads
    cannot."""
    if path.is_file() and path.with_name(f"{path.name}-journal").is_file():
        with closing(sqlite3.connect(path, timeout=BUSY_TIMEOUT)) as db:
            db.execute("SELECT count(*) FROM sqlite_schema").fetchone()


def look(path: Path) -> sqlite3.Connection:
    """A connection that only reads, and leaves a damaged file and its write-ahead log exactly as they are."""
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=BUSY_TIMEOUT, isolation_level=None)


def _refuse_unusable(db: sqlite3.Connection, path: Path) -> None:
    """Refuse a database of another program, of a later version, or damaged, before it is changed."""
    version, application = (
        int(db.execute(f"PRAGMA {name}").fetchone()[0]) for name in ("user_version", "application_id")
    )
    columns, stored = _columns(db), stored_version(db)
    names = {table for table, _ in columns}
    if names and application != APPLICATION:
        if not names & set(TABLES) and not snapshots_of(path):
            raise StoreError(f"'{path}' is a database of another program", "choose another folder")
        raise DamagedError(path, f"its application id is '{application}'")
    if stored > VERSION:
        raise StoreError(
            f"'{path}' was written by a newer version (format '{stored}', this program knows '{VERSION}')",
            "update lora-bootstrap, or choose another folder",
        )
    if stored > 1 and (lacking := sorted(set(TABLES) - names)):
        raise DamagedError(path, f"the table '{lacking[0]}' is missing")
    if version != stored:
        raise DamagedError(path, f"its version is '{version}', that of its tables '{stored}'")
    if db.execute("PRAGMA quick_check(1)").fetchone()[0] != "ok":
        raise translate(sqlite3.DatabaseError("the integrity check failed"), path)


def stored_version(db: sqlite3.Connection) -> int:
    """The version of the tables and rows of a database, whatever its head says; 0 where they are not those of a run."""
    columns = _columns(db)
    version = next((number for number, mark in MARKS.items() if mark in columns), 0)
    if version >= CHECKED_SINCE:
        row = db.execute("SELECT value FROM facts WHERE name = ?", (FORMAT,)).fetchone()
        with suppress(ValueError, TypeError):
            version = max(version, int(row[0]) if row else 0)
    return version


def _columns(db: sqlite3.Connection) -> set[tuple[str, str]]:
    """Every table with each of its columns."""
    query = "SELECT s.name, c.name FROM sqlite_schema s, pragma_table_info(s.name) c WHERE s.type = 'table'"
    return {(table, column) for table, column in db.execute(query).fetchall()}


def migrate(db: sqlite3.Connection) -> None:
    """Apply the missing steps, each whole or not at all; two processes may do so at once."""
    for number, step in enumerate(MIGRATIONS, start=1):
        db.execute("BEGIN IMMEDIATE")
        try:
            if int(db.execute("PRAGMA user_version").fetchone()[0]) < number:
                altered = {table: altered_rows(db, table) for table in TABLES}
                step(db)
                if number > CHECKED_SINCE:
                    db.execute("INSERT OR REPLACE INTO facts (name, value) VALUES (?, ?)", (FORMAT, str(number)))
                    renew_checksums(db, altered)
                db.execute(f"PRAGMA application_id = {APPLICATION}")
                db.execute(f"PRAGMA user_version = {number}")
            db.execute("COMMIT")
        except BaseException:
            if db.in_transaction:
                db.execute("ROLLBACK")
            raise


def translate(error: sqlite3.Error, path: Path) -> StoreError | OutputError:
    """SQLite's error as one of ours: of the disk as OutputError, of the data as StoreError."""
    reason = str(error)
    if isinstance(error, sqlite3.IntegrityError):
        hint = "store a frame before its measurements and verdicts"
        return StoreError(f"'{path}' does not hold what a new row refers to ({reason})", hint)
    if "full" in reason:
        return OutputError(f"cannot write '{path}': {reason}", "free some disk space and run the same command again")
    if "locked" in reason or "busy" in reason:
        return OutputError(f"'{path}' is in use by another process ({reason})", "wait for it, then try again")
    if "readonly" in reason or "unable to open" in reason or "disk I/O" in reason:
        return OutputError(f"cannot write '{path}': {reason}", "check that you may write to this folder")
    if type(error) is sqlite3.DatabaseError or "decode" in reason:  # SQLITE_CORRUPT, SQLITE_NOTADB, torn text
        return DamagedError(path, reason)
    return StoreError(f"'{path}' cannot be used ({reason})", "update lora-bootstrap, or begin in another folder")
