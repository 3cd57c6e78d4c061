"""Damages to the folder of a run, of every kind, and what may come of them; knows files and tables of a run.

`test_damage_kinds.py` plays a few of them, `tests/benchmarks/damage.py` many. A damage hits one class of file or one
table; then `status`, `verify` and the same `run` command are called. What a person has at the end is compared with an
undisturbed run: a difference must be named.
"""

import contextlib
import io
import itertools
import os
import random
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import traceback
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image
from safetensors.numpy import load_file

from bootstrap.cli import main
from bootstrap.events import CaptionWritten
from bootstrap.records import JobKind, VerdictKind
from bootstrap.review.person_verdicts import judge
from bootstrap.store.store import PERSON, Store

FILES = {
    "frame": "frames/*/*.png",
    "adapter": "adapters/*/*.safetensors",
    "seed": "seeds/*",
    "train": "train/*",
    "picture": "dataset/*/*.png",
    "caption": "dataset/*/*.txt",
    "metadata": "dataset/metadata.jsonl",
    "provenance": "dataset/provenance.csv",
    "trainer file": "dataset/*.toml",
    "lora": "lora/*.safetensors",
    "lora words": "lora/*.[jm][sd]*",
    "lora picture": "lora/**/*.png",
    "report": "report.html",
    "log": "log.jsonl",
    "sheet": "sheets/*.png",
    "lock": "run.lock",
    "database": "run.db",
    "head of the database": "run.db",
    "write-ahead log": "run.db-wal",
    "snapshot": "run.db.snapshot-*",
    "person's own copy": "person*.json*",
}
"""Class of file → where they lie in the folder of a run; a class without files is not hit."""
TABLES = (
    "facts", "decisions", "seeds", "rounds", "jobs", "frames", "measurements", "verdicts", "captions", "adapters",
    "timings", "events",
)  # fmt: skip
WORDS = re.compile(
    r"damaged|\blost|missing|not the one|cannot be read|altered|set aside|restored|recovered|drawn again|trained again"
    r"|made again|written again|rebuilt|differ|changed|no longer",
    re.IGNORECASE,
)
"""How a loss is named."""
VOLATILE = shutil.ignore_patterns("*-shm")
PAGE = 4096
HEAD = 100
"""Bytes of a database before its first page: version, page size, application id."""
KILLED_AFTER = 18
"""The event of a tiny run, in its second round, after which the unfinished one is killed."""


class Damage(NamedTuple):
    """One damage: whether the run was finished, "file" or "table", which, what is done to it, and a random seed."""

    state: str
    where: str
    what: str
    how: str
    random_seed: int

    def __str__(self):
        return f"{self.state}: {self.how} {self.what} ({self.where}), random seed {self.random_seed}"


class Said(NamedTuple):
    """How a command ended: exit code, all it printed, and its traceback where it raised something."""

    code: int
    text: str
    raised: str


def say(*arguments):
    """A command in this process, whatever it does."""
    text, code, raised = io.StringIO(), 0, ""
    with contextlib.redirect_stdout(text), contextlib.redirect_stderr(text):
        try:
            main([str(one) for one in arguments])
        except SystemExit as ended:
            code = ended.code or 0
        except Exception:
            raised = traceback.format_exc()
    return Said(code, text.getvalue(), raised)


def kill_after(count, arguments, out):
    """Play a run in a process of its own that is killed after an event; its database keeps its write-ahead log."""
    code = f"from killing import kill_at, without_syncs; from bootstrap.cli import main; kill_at({count})"
    code += "; without_syncs(setattr); main()"
    done = subprocess.run(
        [sys.executable, "-c", code, "run", *arguments, "--out", str(out)],
        cwd=Path(__file__).parent,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        check=False,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()


def flip(data, chance):
    place = chance.randrange(len(data))
    data[place] ^= 1 << chance.randrange(8)


def cut(data, chance):
    del data[chance.randrange(len(data)) :]


def empty(data, chance):
    data.clear()


def zero(data, chance):
    """A block of the disk, as one that was never written."""
    start = chance.randrange(-(-len(data) // PAGE)) * PAGE
    data[start : start + PAGE] = bytes(len(data[start : start + PAGE]))


def scramble(data, chance):
    start = chance.randrange(-(-len(data) // PAGE)) * PAGE
    data[start : start + PAGE] = chance.randbytes(len(data[start : start + PAGE]))


def pad(data, chance):
    data.extend(bytes(chance.randrange(1, 2 * PAGE)))


BYTES = {"flip": flip, "cut": cut, "empty": empty, "zero": zero, "scramble": scramble, "pad": pad}
HOW_FILES = (*BYTES, "delete", "swap")
HOW_TABLES = ("flip", "cut", "swap", "delete row", "delete rows")


def damage_file(run, damage, chance):
    """Hit one file of a class; its path in the run, or "" where there is none."""
    found = sorted(path for path in run.glob(FILES[damage.what]) if path.is_file() and path.stat().st_size)
    if not found:
        return ""
    path = chance.choice(found)
    if damage.how == "delete":
        path.unlink()
    elif damage.how == "swap":
        others = [other for other in found if other.read_bytes() != path.read_bytes()]
        if not others:
            return ""
        other = chance.choice(others)
        path.write_bytes(other.read_bytes())
    else:
        data = bytearray(path.read_bytes())
        rest = data[HEAD:] if damage.what.startswith("head") else b""
        del data[len(data) - len(rest) :]
        BYTES[damage.how](data, chance)
        path.write_bytes(data + rest)
    return path.relative_to(run).as_posix()


def damage_table(run, damage, chance):
    """Hit a cell or rows of a table by SQL, so that the file stays whole; where, or "" where nothing is hit."""
    table = damage.what
    with closing(sqlite3.connect(run / "run.db")) as db, db:
        names = {row[1]: row[5] for row in db.execute(f"PRAGMA table_info({table})")}
        rows = [row[0] for row in db.execute(f"SELECT rowid FROM {table} ORDER BY rowid")]
        if not rows:
            return ""
        row = chance.choice(rows)
        other = chance.choice([one for one in rows if one != row] or rows)
        if damage.how == "delete row":
            db.execute(f"DELETE FROM {table} WHERE rowid = ?", (row,))
        elif damage.how == "delete rows":
            db.execute(f"DELETE FROM {table} WHERE rowid BETWEEN ? AND ?", sorted((row, other)))
        else:
            column = chance.choice([name for name, key in names.items() if not key])
            if not damage_cell(db, table, column, (row, other), damage.how, chance):
                return ""
            return f"{table}.{column} of row {row}"
    return f"{table} row {row}"


def damage_cell(db, table, column, rows, how, chance):
    """Change one cell; whether it is another one now."""
    values = []
    for row in rows:
        values += db.execute(f"SELECT {column} FROM {table} WHERE rowid = ?", (row,)).fetchone()
    value = values[0]
    if how == "swap":
        value = values[1]
    elif isinstance(value, str) and value:
        data = bytearray(value.encode())
        BYTES[how](data, chance)
        value = data.decode("utf-8", "replace")
    elif isinstance(value, int | float):
        value = {"flip": value + 1, "cut": 0}[how]
    if value == values[0]:
        return False
    try:
        db.execute(f"UPDATE {table} SET {column} = ? WHERE rowid = ?", (value, rows[0]))
    except sqlite3.IntegrityError:  # a name that must be unique
        return False
    return True


def inflict(run, damage):
    """Damage the folder of a run; what was hit, or "" where there is nothing of this class."""
    chance = random.Random(str(damage))
    return (damage_file if damage.where == "file" else damage_table)(run, damage, chance)


def act_as_person(run):
    """A person rejects a candidate of the first round, keeps another and writes a caption of their own."""
    with Store.open(run, exclusive=False) as store:
        rejected, kept = store.frames(round=1, kind=JobKind.CANDIDATE)[:2]
        judge(store, rejected, VerdictKind.REJECT, ("face",))
        judge(store, kept, VerdictKind.KEEP)
        store.person.write_caption(kept.job.id, "redchr, in words of a person", CaptionWritten(kept.job.id, "in words"))


def delivered(run):
    """What a person takes away from a finished run: pictures, captions, tables, LoRA, and their own words in it."""
    found = {
        "files": sorted(
            masked(path.relative_to(run).as_posix()) for path in (*run.glob("dataset/**/*"), *run.glob("lora/**/*"))
        )
    }
    for path in sorted((*run.glob("dataset/*/*.png"), *run.glob("lora/**/*.png"))):
        with Image.open(path) as image:
            found[masked(path.name)] = (image.size, image.convert("RGBA").tobytes())
    for path in sorted((*run.glob("dataset/**/*.t*"), *run.glob("lora/*.[jm][sd]*"))):
        found[masked(path.name)] = masked(path.read_text(encoding="utf-8").replace(str(run), "RUN"))
    for path in sorted(run.glob("lora/*.safetensors")):
        found[masked(path.name)] = {key: np.asarray(one).tobytes() for key, one in load_file(path).items()}
    found["metadata"] = [masked(line) for line in (run / "dataset/metadata.jsonl").read_text().splitlines()]
    found["provenance"] = [masked(line) for line in (run / "dataset/provenance.csv").read_text().splitlines()]
    found["report"] = (run / "report.html").read_text(encoding="utf-8").rstrip().endswith("</html>")
    with Store.open(run, exclusive=False) as store:
        found["verdicts of the person"] = sorted(str(one) for one in store.verdicts().values() if one.by == PERSON)
        found["captions of the person"] = store.person.captions()
    return found


def masked(text):
    """Without digests of files that hold dates, and without dates."""
    return re.sub(r"\b(?=[0-9a-f]*\d)[0-9a-f]{8,64}\b|\d{4}-\d\d-\d\d([T ][\d:.+]+)?", "*", text)


def differences(run, wanted):
    """Names of what is not as undisturbed in the finished run."""
    try:
        found = delivered(run)
    except Exception as error:
        return [f"unreadable: {error}"]
    return sorted(name for name in {*found, *wanted} if found.get(name) != wanted.get(name))


def wrong_end(said, verb):
    """What is wrong with how a command ended; "" where it is as it should be."""
    if said.raised or "Traceback" in said.text:
        return f"{verb}: traceback\n{said.raised or said.text}"
    if said.code not in (0, 1, 2):
        return f"{verb}: exit code {said.code}"
    if said.code == 1 and verb != "verify" and ".log" not in said.text:
        return f"{verb}: exit code 1 without a log\n{said.text}"
    if said.code and "error: " not in said.text:
        return f"{verb}: exit code {said.code} without a line\n{said.text}"
    return ""


def outcome(run, arguments, wanted, hit):
    """All that is wrong after a damage (traceback, stuck run, silent loss), and the line that names a loss."""
    found, named = [], ""
    for verb, command in (("status", ["status"]), ("verify", ["verify"]), ("run", ["run", *arguments, "--out"])):
        said = say(*command, run)
        found.append(wrong_end(said, verb))
    told = said.text
    if said.code:
        said = say("run", *arguments, "--out", run)
        if said.code or said.raised:
            found.append(f"cannot go on: exit code {said.code}: {said.text[-400:]}")
    if not said.code and not said.raised:
        differ = differences(run, wanted)
        named = next((line for line in told.splitlines() if WORDS.search(line)), "")
        if differ and not named:
            found.append(f"silent loss: {', '.join(differ)}\n{told[-300:]}")
        again = say("verify", run)
        left = named and hit in again.text  # what may be a person's own change stays, and is named
        if again.raised or (again.code and not left):
            found.append(f"not content after run: {again.text[-400:]}{again.raised}")
    return [one for one in found if one], named


def try_one(origin, place, damage, arguments, wanted):
    """Damage a copy of a run, at ``place``; what was hit, what is wrong afterwards, and the line that names a loss."""
    shutil.rmtree(place, ignore_errors=True)
    shutil.copytree(origin, place, ignore=VOLATILE)
    hit = inflict(place, damage)
    return hit, *(outcome(place, arguments, wanted, hit) if hit else ([], ""))


def originals(folder, arguments):
    """A finished run and a killed one with its write-ahead log, in both a person acted, and what they deliver."""
    begun, finished, unfinished = (folder / name for name in ("begun", "finished", "unfinished"))
    kill_after(KILLED_AFTER, arguments, begun)
    with contextlib.closing(sqlite3.connect(begun / "run.db")) as db:
        db.execute("SELECT * FROM facts").fetchone()  # the last connection to close would empty the log
        act_as_person(begun)
        for copy in (finished, unfinished):
            shutil.copytree(begun, copy, ignore=VOLATILE)
    said = say("run", *arguments, "--out", finished)
    assert not said.code, said
    return {"finished": finished, "unfinished": unfinished}, delivered(finished)


def drawn(random_seed):
    """Damages without end, in turn of every class of file and every table, each in one of its ways."""
    chance = random.Random(random_seed)
    classes = [("file", what, HOW_FILES) for what in FILES] + [("table", what, HOW_TABLES) for what in TABLES]
    for where, what, ways in itertools.cycle(classes):
        state = chance.choice(("finished", "unfinished"))
        yield Damage(state, where, what, chance.choice(ways), chance.randrange(1 << 16))
