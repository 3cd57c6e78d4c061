"""What a recovered database needs so that the run can go on: rows rebuilt from files, none that refers to nothing.

Knows tables and the files of a run, no model and no rule by which anything is judged.
"""

from __future__ import annotations

import contextlib
import json
import re
import sqlite3
from collections import Counter
from pathlib import Path

from PIL import Image

from bootstrap.records import Adapter, Job, VerdictKind
from bootstrap.store.checking import UNDRAWN
from bootstrap.store.files import sha256_of
from bootstrap.store.person import PERSON
from bootstrap.store.rows import job_from, picture_path, text_of
from scoring.measurement import digest_of

__all__ = ["drop_dangling", "rebuild_verdicts", "reopen_rounds", "take_in_adapters", "take_in_pictures"]

ADAPTER_FILE = "adapter.safetensors"
ROUND_ID = re.compile(r"r\d+-(.+)")
"""The name of the LoRA of a round, with its phase."""


def take_in_pictures(new: sqlite3.Connection, folder: Path) -> int:
    """Rows of frames whose picture is there, drawn for the job that it is named after; how many."""
    drawer, count = _drawer(new), 0
    for (record,) in new.execute("SELECT record FROM jobs WHERE id NOT IN (SELECT id FROM frames)").fetchall():
        job = job_from(record)
        path = picture_path(job)
        with contextlib.suppress(Exception):  # a decoder fed with a damaged file may raise anything
            with Image.open(folder / path) as opened:
                parameters = str(getattr(opened, "text", {}).get("parameters", ""))
                digest = digest_of(opened.convert("RGB"))
            if not _drawn_for(job, parameters, digest):
                continue
            adapter = re.search(r"<lora:([^:>]+):1>", parameters)
            values = (job.id, path, digest, adapter[1] if adapter else "", drawer if job.round else PERSON)
            new.execute("INSERT INTO frames (id, path, digest, adapter, drawer) VALUES (?, ?, ?, ?, ?)", values)
            count += 1
    return count


def take_in_adapters(new: sqlite3.Connection, folder: Path) -> int:
    """Rows of the LoRAs of rounds whose training was told and whose file says the same of itself; how many."""
    count = 0
    for (record,) in new.execute("SELECT record FROM events WHERE kind = 'AdapterTrained' ORDER BY seq").fetchall():
        told = json.loads(record)
        named = ROUND_ID.fullmatch(told["adapter"])
        path = f"adapters/{told['adapter']}/{ADAPTER_FILE}"
        there = new.execute("SELECT 1 FROM adapters WHERE id = ?", (told["adapter"],)).fetchone()
        if not named or there or _steps_of(folder / path) != told["steps"]:
            continue
        sha256 = sha256_of(folder / path)
        adapter = Adapter(told["adapter"], named[1], told["round"], path, sha256, told["steps"], told["loss"])
        query = "INSERT INTO adapters (seq, id, record) SELECT min(free), ?, ? FROM"
        query += " (SELECT 1 AS free UNION SELECT seq + 1 FROM adapters) WHERE free NOT IN (SELECT seq FROM adapters)"
        new.execute(query, (adapter.id, text_of(adapter)))
        count += 1
    return count


def drop_dangling(new: sqlite3.Connection) -> None:
    """Leave out rows that refer to lost ones; lost rounds are read from their events."""
    new.execute("DELETE FROM frames WHERE id NOT IN (SELECT id FROM jobs)")
    for table in ("measurements", "verdicts", "captions"):
        new.execute(f"DELETE FROM {table} WHERE frame NOT IN (SELECT id FROM frames)")
    new.execute(
        "INSERT OR IGNORE INTO rounds (number, phase, goal) SELECT json_extract(record, '$.round'),"
        " json_extract(record, '$.phase'), json_extract(record, '$.goal') FROM events WHERE kind = 'RoundBegan'"
    )  # without an outcome: the loop plays it again, finds everything done, and ends it
    new.execute("DELETE FROM rounds WHERE number > (SELECT count(*) FROM rounds AS r WHERE r.number <= rounds.number)")


def reopen_rounds(new: sqlite3.Connection) -> list[int]:
    """Let the loop play rounds again that were judged and lack a picture or its verdict now; their numbers."""
    reopened = set()
    for number, wave in set(new.execute(UNDRAWN).fetchall()):
        new.execute(
            "DELETE FROM events WHERE kind = 'FramesJudged' AND json_extract(record, '$.round') = ?"
            " AND json_extract(record, '$.wave') = ?",
            (number, wave),
        )
        new.execute("UPDATE rounds SET outcome = NULL WHERE number = ?", (number,))
        reopened.add(number)
    return sorted(reopened)


def rebuild_verdicts(new: sqlite3.Connection) -> tuple[list[str], list[str]]:
    """A person's verdicts whose rows are lost, from the events that told of them: frames of those rebuilt and lost."""
    have = Counter(new.execute("SELECT frame, kind, reasons FROM verdicts WHERE by = ?", (PERSON,)).fetchall())
    rebuilt, lost = [], []
    for at, record in new.execute("SELECT at, record FROM events WHERE kind = 'PersonJudged' ORDER BY seq").fetchall():
        plain = json.loads(record)
        frame, reasons = plain["frame"], json.dumps(plain["reasons"], ensure_ascii=False, separators=(",", ":"))
        given = (frame, plain["verdict"], reasons)
        if have[given] > 0:
            have[given] -= 1
        elif row := new.execute(
            "SELECT round, wave FROM jobs JOIN frames USING (id) WHERE id = ?", (frame,)
        ).fetchone():
            values = (_free_number(new, at), frame, VerdictKind(plain["verdict"]).value, PERSON, reasons, *row, at)
            columns = "(seq, frame, kind, by, reasons, round, wave, at)"
            new.execute(f"INSERT INTO verdicts {columns} VALUES (?, ?, ?, ?, ?, ?, ?, ?)", values)
            rebuilt.append(frame)
        else:
            lost.append(frame)
    return list(dict.fromkeys(rebuilt)), list(dict.fromkeys(lost))


def _free_number(new: sqlite3.Connection, at: str) -> int | None:
    """The number of a lost row after all that were stored before; None: the next one."""
    (low,) = new.execute("SELECT coalesce(max(seq), 0) FROM verdicts WHERE at < ?", (at,)).fetchone()
    query = (
        "SELECT seq + 1 FROM verdicts AS v WHERE seq >= ? AND seq + 1 NOT IN (SELECT seq FROM verdicts) ORDER BY seq"
    )
    found = new.execute(query, (low,)).fetchone()
    return int(found[0]) if found else None


def _steps_of(path: Path) -> int:
    """How many steps a LoRA says that it was trained for; -1 where its file is lost, cut short or no LoRA."""
    from safetensors import safe_open

    try:
        with safe_open(path, "numpy") as file:
            return int((file.metadata() or {}).get("ss_steps", -1))
    except Exception:  # a reader fed with a damaged file may raise anything
        return -1


def _drawn_for(job: Job, parameters: str, digest: str) -> bool:
    """Whether a picture says of itself that it was drawn for the job; one of a person's own is named by its pixels."""
    if not job.round:
        return job.id.endswith(digest[:10])
    prompt = " ".join(job.prompt.split("\n")).replace("\\", "")
    return f"Seed: {job.random_seed}" in parameters and parameters.replace("\\", "").startswith(prompt)


def _drawer(new: sqlite3.Connection) -> str:
    """What drew most pictures of the run; else what it was configured with."""
    query = "SELECT drawer FROM frames WHERE drawer != ? GROUP BY drawer ORDER BY count(*) DESC"
    if row := new.execute(query, (PERSON,)).fetchone():
        return str(row[0])
    row = new.execute("SELECT value FROM facts WHERE name = 'config'").fetchone()
    with contextlib.suppress(ValueError, AttributeError):
        return str(json.loads(row[0] if row else "{}").get("backend", ""))
    return ""
