"""The memory of a run: one directory, one SQLite file, methods in the words of the domain.

Whatever is finished is on disk before its event is emitted: first the file, then its row and its event in one
transaction, then the listeners. A stage is done when its rows exist, so resuming is asking what is missing. Knows no
model, no order of stages and no rule by which anything is judged.

    run/
    ├── run.db           everything but pictures and weights; run.db.snapshot-<n> are copies of it
    ├── person.jsonl     what a person did, once more
    ├── run.lock         held by the engine; review and approve work beside it
    └── frames/r02w1/    <job id>.png
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from PIL import Image

from bootstrap.errors import StoreError
from bootstrap.events import Emit, Event, Incident, Progress
from bootstrap.records import Adapter, Frame, Job, JobKind, Phase, Round, RoundOutcome, Seed, Verdict, VerdictKind
from bootstrap.store import rows
from bootstrap.store.decisions import AnyDecision, decision_from, key_of, store_decision
from bootstrap.store.files import write_image
from bootstrap.store.journal import Journal, now
from bootstrap.store.lock import ProcessLock
from bootstrap.store.person import PERSON, Boundary, Person, in_force
from bootstrap.store.replacing import Replacing
from bootstrap.store.run_folder import DATABASE, LOCK, open_run, put_back_person, raise_for_damage
from bootstrap.store.sql import among, spend, where
from scoring.measurement import Measurement, digest_of

__all__ = ["DATABASE", "LOCK", "PERSON", "Store"]

SAFE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,150}")
FRAME_COLUMNS = "frames.path, frames.digest, frames.adapter, frames.drawer, jobs.record"
FRAMES = f"SELECT {FRAME_COLUMNS} FROM frames JOIN jobs ON jobs.id = frames.id"


class Store:
    """An open run directory. Use `Store.open`, as a context manager.

    Every method that changes something takes an ``event``: it is stored in the same transaction and handed to the
    listeners after the commit. Methods may raise OutputError (disk) and StoreError (damage).
    """

    def __init__(
        self,
        directory: Path,
        journal: Journal,
        lock: ProcessLock | None,
        recovered: tuple[str, ...] = (),
        boundary: Boundary | None = None,
    ) -> None:
        """Use `Store.open`. ``recovered`` are lines about a damaged database, none if it was not damaged."""
        self.directory = directory
        self.recovered = recovered
        self.person = Person(journal, boundary)
        self.replacing = Replacing(directory, journal)
        self._journal = journal
        self._lock = lock
        self._boundary = boundary

    @classmethod
    def open(cls, directory: Path, create: bool = False, exclusive: bool = True) -> Self:
        """Open the run in ``directory``, or begin one there if ``create``.

        ``exclusive`` is for the engine: it takes the lock and sweeps what a killed engine left half-written. Whoever
        only reads, or writes a person's verdicts, passes False. Raises UsageError when there is no run, OutputError
        when another engine works there or it cannot be written, StoreError when it is newer or damaged; the engine
        recovers a damaged one where it can, and keeps the damaged file (see `bootstrap.store.recovery`).
        """
        opened = open_run(directory, create, exclusive)
        store = cls(directory, opened.journal, opened.lock, opened.recovered)
        store._tell(opened.recovered)
        return store

    def snapshot(self) -> None:
        """Copy the database beside itself, from where it is restored if it is damaged; the last two copies are kept."""
        self._journal.snapshot()

    def put_back_person(self) -> None:
        """Put back a person's verdicts and captions that waited until their lost pictures were drawn again."""
        self._tell(put_back_person(self._journal, self.directory))

    def _tell(self, lines: Sequence[str]) -> None:
        """Store lines about a damage, each once."""
        for event in (Incident("damage", line) for line in lines):
            if event not in self.events():
                self.append_event(event)

    def up_to(self, boundary: Boundary | None) -> Self:
        """The same open run, read with a person's verdicts and captions up to ``boundary``; None: all of them.

        It shares connection, listeners and lock with this one, and is closed with it.
        """
        return type(self)(self.directory, self._journal, self._lock, self.recovered, boundary)

    def close(self) -> None:
        """Close the database and give the lock back; a second call does nothing."""
        self._journal.close()
        if self._lock:
            self._lock.release()

    def __enter__(self) -> Self:
        """The store itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close, whatever happened. An error that the database's damage may have caused is told as that damage."""
        self.close()
        raise_for_damage(self.directory, error)

    # ── the run as a whole ──

    def remember(self, name: str, value: str, event: Event | None = None) -> None:
        """Keep a fact about the whole run (the resolved configuration, a hash); a later value replaces it."""
        with self._journal.change(event) as db:
            db.execute("INSERT OR REPLACE INTO facts (name, value) VALUES (?, ?)", (name, value))

    def recall(self, name: str) -> str | None:
        """The fact of that name, or None."""
        row = self._journal.one("SELECT value FROM facts WHERE name = ?", name)
        return row["value"] if row else None

    def decide(self, decision: AnyDecision, event: Event | None = None) -> AnyDecision:
        """Store a decision; of those with equal keys the first one stands.

        Returns the decision in force: on a resume the stored one, which the caller must follow.
        """
        with self._journal.change(event) as db:
            return store_decision(db, decision)

    def decided(self, kind: type[AnyDecision], **key: object) -> AnyDecision | None:
        """The decision of that type with these key fields, or None if none was taken yet."""
        query = "SELECT record FROM decisions WHERE kind = ? AND key = ?"
        row = self._journal.one(query, kind.__name__, key_of(kind, key))
        return decision_from(kind, row["record"]) if row else None

    def decisions(self, kind: type[AnyDecision]) -> list[AnyDecision]:
        """All decisions of that type, in the order in which they were taken."""
        found = self._journal.all("SELECT record FROM decisions WHERE kind = ? ORDER BY seq", kind.__name__)
        return [decision_from(kind, row["record"]) for row in found]

    def add_seed(self, seed: Seed, event: Event | None = None) -> None:
        """Register a seed picture; the same picture again replaces its record, in its place."""
        with self._journal.change(event) as db:
            db.execute(
                "INSERT INTO seeds (sha256, record) VALUES (?, ?)"
                " ON CONFLICT (sha256) DO UPDATE SET record = excluded.record",
                (seed.sha256, rows.text_of(seed)),
            )

    def seeds(self) -> list[Seed]:
        """The seeds, in the order in which they were given."""
        return [rows.seed_from(row["record"]) for row in self._journal.all("SELECT record FROM seeds ORDER BY seq")]

    def add_seconds(self, stage: str, seconds: float) -> None:
        """Add wall-clock seconds to what ``stage`` ("train", "generate", "score", "select" …) has cost so far."""
        with self._journal.change(None) as db:
            spend(db, stage, seconds)

    def timings(self) -> dict[str, float]:
        """Seconds by stage, over all processes that worked on this run."""
        found = self._journal.all("SELECT stage, seconds FROM timings ORDER BY seq")
        return {row["stage"]: row["seconds"] for row in found}

    # ── rounds and the plan ──

    def begin_round(self, number: int, phase: Phase, goal: int, event: Event | None = None) -> None:
        """Open a round that aims at ``goal`` kept frames. A round that exists stays as it is, without an event."""
        if any(one.number == number for one in self.rounds()):
            return
        with self._journal.change(event) as db:
            db.execute("INSERT INTO rounds (number, phase, goal) VALUES (?, ?, ?)", (number, phase, goal))

    def end_round(self, number: int, outcome: RoundOutcome, event: Event | None = None) -> None:
        """Close a round with its ``outcome``."""
        with self._journal.change(event) as db:
            text = rows.text_of(outcome)
            changed = db.execute("UPDATE rounds SET outcome = ? WHERE number = ?", (text, number)).rowcount
            if not changed:
                raise ValueError(f"round {number} was never begun")

    def rounds(self) -> list[Round]:
        """All rounds, in order."""
        return [rows.round_from(row) for row in self._journal.all("SELECT * FROM rounds ORDER BY number")]

    def plan(self, jobs: Sequence[Job], event: Event | None = None) -> None:
        """Store jobs in this order, all or none. A job already planned stays; another one of its id is an error."""
        with self._journal.change(event) as db:
            for job in jobs:
                if not SAFE_NAME.fullmatch(job.id):
                    raise ValueError(f"the job id {job.id!r} cannot be a file name")
                values = (job.id, job.round, job.wave, job.kind.value, rows.text_of(job))
                db.execute("INSERT OR IGNORE INTO jobs (id, round, wave, kind, record) VALUES (?, ?, ?, ?, ?)", values)
                stored = db.execute("SELECT record FROM jobs WHERE id = ?", (job.id,)).fetchone()["record"]
                if rows.job_from(stored) != job:
                    raise StoreError(f"the job '{job.id}' was planned differently before", "begin in another folder")

    def jobs(self, round: int | None = None, wave: int | None = None, kind: JobKind | None = None) -> list[Job]:
        """Planned jobs in plan order, of that round, wave and kind (None: any)."""
        clause, values = where(round, wave, kind)
        found = self._journal.all(f"SELECT record FROM jobs{clause} ORDER BY seq", *values)
        return [rows.job_from(row["record"]) for row in found]

    def missing_jobs(self, round: int, wave: int | None = None, kind: JobKind | None = None) -> list[Job]:
        """The planned jobs that have no frame yet, in plan order."""
        clause, values = where(round, wave, kind)
        query = f"SELECT record FROM jobs{clause} AND id NOT IN (SELECT id FROM frames) ORDER BY seq"
        return [rows.job_from(row["record"]) for row in self._journal.all(query, *values)]

    # ── frames ──

    def add_frames(
        self,
        drawn: Sequence[tuple[Job, Image.Image, str]],
        adapter: str,
        drawer: str,
        seconds: float = 0.0,
        event: Event | None = None,
    ) -> list[Frame]:
        """Store a finished batch: (job, picture, its PNG "parameters" text), drawn by ``drawer`` with ``adapter``.

        ``adapter`` is "" for the base alone. All files first, then all rows at once; a batch that was cut off is simply
        written over. A frame that exists already stays, file and row. Returns the stored frames in order.
        """
        ids = [job.id for job, _, _ in drawn]
        existing = {frame.job.id for frame in self.frames(ids=ids)}
        added = []
        for job, image, parameters in drawn:
            if job.id not in existing:
                path = rows.picture_path(job)
                digest = write_image(self.directory / path, image, {"parameters": parameters} if parameters else {})
                added.append((job.id, path, digest, adapter, drawer))
        with self._journal.change(event) as db:
            db.executemany("INSERT INTO frames (id, path, digest, adapter, drawer) VALUES (?, ?, ?, ?, ?)", added)
            spend(db, "generate", seconds)
        if drawer == PERSON:
            self._journal.copy_rows("jobs", "id", ids)
            self._journal.copy_rows("frames", "id", ids)
        stored = {frame.job.id: frame for frame in self.frames(ids=ids)}
        return [stored[id] for id in ids]

    def frames(
        self,
        round: int | None = None,
        wave: int | None = None,
        kind: JobKind | None = None,
        ids: Sequence[str] | None = None,
    ) -> list[Frame]:
        """Frames in plan order, of that round, wave and kind, or with those ids (None: any)."""
        clause, values = where(round, wave, kind, ids)
        return [rows.frame_from(row) for row in self._journal.all(f"{FRAMES}{clause} ORDER BY jobs.seq", *values)]

    def frame(self, id: str) -> Frame | None:
        """The frame made for the job ``id``, or None."""
        return next(iter(self.frames(ids=[id])), None)

    def frame_image(self, frame: Frame) -> Image.Image:
        """The picture, RGB, in memory. Raises StoreError when its file is missing, broken or not the stored one."""
        path = self.directory / frame.path
        hint = "run the same `bootstrap run` again: it draws it again; or restore it from a copy"
        try:
            with Image.open(path) as opened:
                image = opened.convert("RGB")
        except Exception as error:  # a decoder fed with a damaged file may raise anything
            raise StoreError(f"the picture '{path}' cannot be read ({error})", hint) from error
        if digest_of(image) != frame.digest:
            raise StoreError(f"the picture '{path}' is not the one that was stored", hint)
        return image

    # ── measurements ──

    def add_measurements(
        self,
        measured: Mapping[str, Mapping[str, Measurement]],
        fingerprints: Mapping[str, str],
        seconds: float = 0.0,
        event: Event | None = None,
    ) -> None:
        """Store measurements by frame id and scorer name, with each scorer's fingerprint; newer replaces older."""
        values = [
            (frame, scorer, fingerprints[scorer], value.value, value.why)
            for frame, by_scorer in measured.items()
            for scorer, value in ((name, rows.finite(one)) for name, one in by_scorer.items())
        ]
        with self._journal.change(event) as db:
            columns = "(frame, scorer, fingerprint, value, why)"
            db.executemany(f"INSERT OR REPLACE INTO measurements {columns} VALUES (?, ?, ?, ?, ?)", values)
            spend(db, "score", seconds)

    def measurements(self, frame_ids: Sequence[str] | None = None) -> dict[str, dict[str, Measurement]]:
        """By frame id, then by scorer name; a frame that was never measured does not occur. None: all frames."""
        clause, values = among("frame", frame_ids)
        found: dict[str, dict[str, Measurement]] = {}
        for row in self._journal.all(f"SELECT * FROM measurements{clause} ORDER BY rowid", *values):
            found.setdefault(row["frame"], {})[row["scorer"]] = rows.measurement_from(row)
        return found

    def unmeasured(self, frame_ids: Sequence[str], fingerprints: Mapping[str, str]) -> list[str]:
        """Those ids, in order, that lack a measurement by any of these scorers as it is now fingerprinted."""
        clause, values = among("frame", frame_ids)
        found = self._journal.all(f"SELECT frame, scorer, fingerprint FROM measurements{clause}", *values)
        have = {tuple(row) for row in found}
        return [id for id in frame_ids if any((id, *pair) not in have for pair in fingerprints.items())]

    # ── verdicts ──

    def set_verdicts(self, verdicts: Sequence[Verdict], round: int, wave: int, event: Event | None = None) -> None:
        """Append verdicts given in this round and wave; one that is in force already is not repeated."""
        latest = self._latest()
        fresh = [one for one in verdicts if latest.get((one.frame, one.by == PERSON)) != one]
        at = now()
        values = [
            (one.frame, one.kind.value, one.by, rows.text_of(one.reasons), one.p, one.score, round, wave, at)
            for one in fresh
        ]
        with self._journal.change(event) as db:
            columns = "(frame, kind, by, reasons, p, score, round, wave, at)"
            db.executemany(f"INSERT INTO verdicts {columns} VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", values)

    def verdicts(self) -> dict[str, Verdict]:
        """The verdict in force by frame id, in plan order: a person's latest, else the gate's latest."""
        judged = self._journal.all("SELECT id FROM jobs WHERE id IN (SELECT frame FROM verdicts) ORDER BY seq")
        latest = self._latest()  # read second: a person may judge another frame in between
        in_order = {}
        for row in judged:
            verdict = latest.get((row["id"], True)) or latest.get((row["id"], False))
            if verdict:
                in_order[row["id"]] = verdict
        return in_order

    def verdict_history(self, frame_id: str) -> list[Verdict]:
        """Everything that was ever decided about a frame, oldest first."""
        found = self._journal.all("SELECT * FROM verdicts WHERE frame = ? ORDER BY seq", frame_id)
        return [rows.verdict_from(row) for row in found]

    def kept(self) -> list[Frame]:
        """The frames whose verdict in force is keep, in plan order."""
        return self.frames_judged(VerdictKind.KEEP)

    def approved(self) -> list[Frame]:
        """The frames that a person wants kept, in plan order."""
        verdicts = self.verdicts().values()
        return self.frames(ids=[one.frame for one in verdicts if one.by == PERSON and one.kind is VerdictKind.KEEP])

    def frames_judged(self, kind: VerdictKind) -> list[Frame]:
        """The frames whose verdict in force is ``kind``, in plan order."""
        return self.frames(ids=[id for id, verdict in self.verdicts().items() if verdict.kind is kind])

    def _latest(self) -> dict[tuple[str, bool], Verdict]:
        """The verdict that counts by (frame id, whether a person gave it)."""
        return in_force(self._journal.all("SELECT * FROM verdicts ORDER BY seq"), self._boundary)

    # ── adapters ──

    def add_adapter(self, adapter: Adapter, seconds: float = 0.0, event: Event | None = None) -> None:
        """Register trained weights whose file is already in the run directory. Raises StoreError when it is not."""
        if not (self.directory / adapter.path).is_file():
            raise StoreError(f"the weights '{self.directory / adapter.path}' are missing", "run the same command again")
        with self._journal.change(event) as db:
            db.execute("INSERT OR IGNORE INTO adapters (id, record) VALUES (?, ?)", (adapter.id, rows.text_of(adapter)))
            spend(db, "train", seconds)

    def adapters(self) -> list[Adapter]:
        """All adapters, oldest first."""
        found = self._journal.all("SELECT record FROM adapters ORDER BY seq")
        return [rows.adapter_from(row["record"]) for row in found]

    # ── events ──

    def listen(self, emit: Emit) -> None:
        """Call ``emit`` with every event from now on, after the event is on disk."""
        self._journal.listen(emit)

    def append_event(self, event: Event) -> None:
        """Store an event that has no row of its own, then hand it to the listeners. `Progress` is never stored."""
        if isinstance(event, Progress):
            self._journal.publish(event)
        else:
            with self._journal.change(event):
                pass

    def events(self) -> list[Event]:
        """Every stored event, in order."""
        return [rows.event_from(row) for row in self._journal.all("SELECT kind, record FROM events ORDER BY seq")]

    def log(self) -> list[dict[str, Any]]:
        """Every stored event as plain data with the time (UTC, ISO 8601) at which it was stored: {"at", "kind", …}."""
        found = self._journal.all("SELECT at, kind, record FROM events ORDER BY seq")
        return [{"at": row["at"], "kind": row["kind"], **json.loads(row["record"])} for row in found]
