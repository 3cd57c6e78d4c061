"""A person's verdicts, their withdrawal, and captions of their own. Rows are only ever appended.

Several windows and commands may write beside the engine, and a request whose answer got lost may be sent again: a
request with a key counts once. The engine reads a person's rows only up to its last boundary (see `Boundary`), so that
a round that was cut off is played again as it was. Knows no page, no choice and no order of stages.
"""

from __future__ import annotations

import re
import secrets
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass

from bootstrap.events import CaptionWritten, Event, PersonJudged
from bootstrap.records import Verdict, VerdictKind
from bootstrap.store import rows
from bootstrap.store.journal import Journal, now

__all__ = ["BLIND", "PERSON", "Answer", "Boundary", "Person", "action_key", "in_force"]

PERSON = "person"
BLIND = "audit-"
"""How the key of a verdict begins that was given without seeing the gate's."""
COLUMNS = "(frame, kind, by, reasons, p, score, round, wave, at, seen, key)"


@dataclass(frozen=True, slots=True)
class Boundary:
    """The last row of a person's verdicts and the last of their captions that count; 0: none does."""

    verdict: int
    caption: int


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of a request: ``seq`` is the version of a person's verdict on the frame, 0 while there is none.

    ``verdict`` is the person's in force, None if there is none; ``other`` is the verdict that another window gave after
    the version that the sender had seen, None if none did; ``taken`` is False where nothing was changed because of it.
    """

    seq: int
    verdict: Verdict | None
    other: Verdict | None = None
    taken: bool = True


class _Unchanged(Exception):
    """Nothing is to be written; ``answer`` is the present state."""

    def __init__(self, answer: Answer) -> None:
        super().__init__()
        self.answer = answer


class Person:
    """The person's part of an open run. Captions are read up to ``boundary``; None: all of them."""

    def __init__(self, journal: Journal, boundary: Boundary | None = None) -> None:
        """Read and write through ``journal``."""
        self._journal, self._boundary = journal, boundary

    def judge(self, verdict: Verdict, round: int, wave: int, seen: int | None = None, key: str | None = None) -> Answer:
        """Append a person's verdict on a frame of that round and wave; never refused, so no window loses one.

        ``seen`` is the version that the sender was shown (None: they did not look); ``key`` tells a request that is
        sent again from a new one. A verdict that is in force already is not repeated.
        """
        event = PersonJudged(verdict.frame, verdict.kind.value, list(verdict.reasons))
        return self._append(verdict, round, wave, seen, key or secrets.token_hex(8), event)

    def take_back(self, frame: str, round: int, wave: int, seen: int | None = None, key: str | None = None) -> Answer:
        """Withdraw the last verdict on a frame: the one before it is in force again, a person's or the gate's.

        Nothing is withdrawn where there is nothing, or where another verdict came after ``seen``: one undoes only what
        one knows of.
        """
        verdict = Verdict(frame, VerdictKind.WITHDRAWN, PERSON, ())
        event = PersonJudged(frame, VerdictKind.WITHDRAWN.value, [])
        return self._append(verdict, round, wave, seen, key or secrets.token_hex(8), event)

    def last(self) -> Boundary:
        """A person's last rows, as they are now."""
        (verdict,) = self._journal.all("SELECT coalesce(max(seq), 0) AS seq FROM verdicts WHERE by = ?", PERSON)
        (caption,) = self._journal.all("SELECT coalesce(max(seq), 0) AS seq FROM captions")
        return Boundary(verdict["seq"], caption["seq"])

    def versions(self) -> dict[str, int]:
        """Frame id → version of a person's verdict on it; frames that no person judged do not occur."""
        query = "SELECT frame, max(seq) AS seq FROM verdicts WHERE by = ? GROUP BY frame"
        return {row["frame"]: row["seq"] for row in self._journal.all(query, PERSON)}

    def last_judged(self) -> list[str]:
        """The ids of the frames of a person's last action that is not withdrawn, in order; [] where there is none.

        Verdicts that were given together have keys that differ in the number at their end alone (see `action_key`).
        """
        given: dict[str, list[sqlite3.Row]] = {}
        for row in self._journal.all("SELECT seq, frame, kind, key FROM verdicts WHERE by = ? ORDER BY seq", PERSON):
            of_frame = given.setdefault(row["frame"], [])
            if row["kind"] == VerdictKind.WITHDRAWN:
                del of_frame[-1:]
            else:
                of_frame.append(row)
        left = sorted((of_frame[-1] for of_frame in given.values() if of_frame), key=lambda row: row["seq"])
        return [row["frame"] for row in left if _action(row) == _action(left[-1])]

    def blind(self) -> dict[str, Verdict]:
        """Frame id → a person's first verdict on it, where it was given blind and is not withdrawn."""
        given: dict[str, list[sqlite3.Row]] = {}
        for row in self._journal.all("SELECT * FROM verdicts WHERE by = ? ORDER BY seq", PERSON):
            of_frame = given.setdefault(row["frame"], [])
            if row["kind"] == VerdictKind.WITHDRAWN:
                del of_frame[-1:]
            else:
                of_frame.append(row)
        blind = {}
        for frame, of_frame in given.items():
            if of_frame and (of_frame[0]["key"] or "").startswith(BLIND):
                blind[frame] = rows.verdict_from(of_frame[0])
        return blind

    def write_caption(self, frame: str, text: str, event: CaptionWritten) -> None:
        """Append a caption that replaces the generated one; an empty text brings that one back."""
        with self._journal.change(event) as db:
            values = (frame, text, now())
            seq = db.execute("INSERT INTO captions (frame, text, at) VALUES (?, ?, ?)", values).lastrowid
        self._journal.copy_rows("captions", "seq", [seq])

    def captions(self) -> dict[str, str]:
        """Frame id → the caption that a person wrote, up to the boundary."""
        texts: dict[str, str] = {}
        for row in self._journal.all("SELECT seq, frame, text FROM captions ORDER BY seq"):
            if self._boundary is None or row["seq"] <= self._boundary.caption:
                texts[row["frame"]] = row["text"]
        return {frame: text for frame, text in texts.items() if text}

    def _append(self, verdict: Verdict, round: int, wave: int, seen: int | None, key: str, event: Event) -> Answer:
        """Look and append in one transaction, so that of two requests at once one comes after the other."""
        values = (verdict.frame, verdict.kind.value, PERSON, rows.text_of(verdict.reasons), None, None)
        try:
            with self._journal.change(event) as db:
                before = self._answer(verdict.frame, seen)
                self._check_change(verdict, before, key)
                query = f"INSERT INTO verdicts {COLUMNS} VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
                db.execute(query, (*values, round, wave, now(), seen, key))
                after = self._answer(verdict.frame, None)
        except _Unchanged as unchanged:
            return unchanged.answer
        self._journal.copy_rows("verdicts", "key", [key])
        return Answer(after.seq, after.verdict, before.other)

    def _check_change(self, verdict: Verdict, before: Answer, key: str) -> None:
        """Raise where a verdict would change nothing, or must not: the transaction is rolled back, event and all."""
        if self._journal.one("SELECT 1 FROM verdicts WHERE key = ?", key):
            raise _Unchanged(Answer(before.seq, before.verdict))
        if verdict.kind is VerdictKind.WITHDRAWN:
            if before.verdict is None or before.other is not None:
                raise _Unchanged(Answer(before.seq, before.verdict, before.other, taken=False))
        elif before.verdict == verdict:
            raise _Unchanged(before)

    def _answer(self, frame: str, seen: int | None) -> Answer:
        """The state of a frame, and the verdict that the sender had not ``seen``."""
        found = self._journal.all("SELECT * FROM verdicts WHERE frame = ? AND by = ? ORDER BY seq", frame, PERSON)
        seq = found[-1]["seq"] if found else 0
        verdict = in_force(found).get((frame, True))
        if seen is None or seq <= seen:
            return Answer(seq, verdict)
        return Answer(seq, verdict, verdict or Verdict(frame, VerdictKind.WITHDRAWN, PERSON, ()))


def action_key(key: str, number: int) -> str:
    """The key of the verdict of that number of an action that judges several frames with one ``key``."""
    return f"{key}-{number}"


def _action(row: sqlite3.Row) -> str:
    """What the keys of verdicts that were given together share."""
    return re.sub(r"-\d{1,4}$", "", row["key"] or str(row["seq"]))


def in_force(found: Iterable[sqlite3.Row], boundary: Boundary | None = None) -> dict[tuple[str, bool], Verdict]:
    """Rows of verdicts, oldest first → the one that counts by (frame id, whether a person gave it).

    A withdrawal uncovers the verdict before it. A person's rows beyond ``boundary`` are left out.
    """
    given: dict[tuple[str, bool], list[Verdict]] = {}
    for row in found:
        by_person = row["by"] == PERSON
        if by_person and boundary is not None and row["seq"] > boundary.verdict:
            continue
        of_frame = given.setdefault((row["frame"], by_person), [])
        if row["kind"] == VerdictKind.WITHDRAWN:
            del of_frame[-1:]
        else:
            of_frame.append(rows.verdict_from(row))
    return {place: verdicts[-1] for place, verdicts in given.items() if verdicts}
