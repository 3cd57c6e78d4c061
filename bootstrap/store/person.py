"""What a person says of frames: verdicts, taking them back, captions of their own. Rows are only ever appended.

Several windows and commands may speak beside the engine, and each answer that got lost may be sent again: a word with a
key counts once. The engine hears a person only up to the rows it took up at its last boundary (see `Heard`), so that a
round that was cut off is played again as it was. Knows no page, no choice and no order of stages.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable
from dataclasses import asdict, dataclass

from bootstrap.events import CaptionWritten, Event, PersonJudged
from bootstrap.records import Verdict, VerdictKind
from bootstrap.store import rows
from bootstrap.store.journal import Journal, now

__all__ = ["BLIND", "PERSON", "Answer", "Heard", "Person", "in_force"]

PERSON = "person"
BLIND = "audit-"
"""How the key of a word begins that was given without seeing what the gate says."""
COLUMNS = "(frame, kind, by, reasons, p, score, round, wave, at, seen, key)"


@dataclass(frozen=True, slots=True)
class Heard:
    """How far a person was listened to: the last row of verdicts and of captions. None: to the end."""

    verdict: int | None = None
    caption: int | None = None

    @property
    def text(self) -> str:
        """As a decision stores it."""
        return json.dumps(asdict(self))

    @classmethod
    def of(cls, text: str) -> Heard:
        """What `text` wrote."""
        return cls(**json.loads(text))


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of a word: ``seq`` is the version of what a person says of the frame, 0 while nobody said anything.

    ``verdict`` is the person's in force, None if there is none; ``other`` is what somebody else said after the version
    that the sender had seen, None if nobody did; ``taken`` is False where nothing was changed because of that.
    """

    seq: int
    verdict: Verdict | None
    other: Verdict | None = None
    taken: bool = True


class _InVain(Exception):
    """Nothing is to be written; ``answer`` says how things stand."""

    def __init__(self, answer: Answer) -> None:
        super().__init__()
        self.answer = answer


class Person:
    """The person's part of an open run. ``heard`` limits what `Store.verdicts` and `captions` see of it."""

    def __init__(self, journal: Journal) -> None:
        """Speak and listen through ``journal``."""
        self._journal = journal
        self.heard = Heard()

    def judge(self, verdict: Verdict, round: int, wave: int, seen: int | None = None, key: str | None = None) -> Answer:
        """Append a person's verdict on a frame of that round and wave; never refused, so no window loses one.

        ``seen`` is the version that the sender had before their eyes (None: they did not look); ``key`` tells a word
        that is sent again from a new one. What is in force already is not repeated.
        """
        told = PersonJudged(verdict.frame, verdict.kind.value, list(verdict.reasons))
        return self._speak(verdict, round, wave, seen, key, told)

    def take_back(self, frame: str, round: int, wave: int, seen: int | None = None, key: str | None = None) -> Answer:
        """Withdraw the last word on a frame: the verdict before it is in force again, a person's or the gate's.

        Nothing is taken back where there is nothing, or where another word came after ``seen``: one undoes only what
        one knows of.
        """
        verdict = Verdict(frame, VerdictKind.WITHDRAWN, PERSON, ())
        told = PersonJudged(frame, VerdictKind.WITHDRAWN.value, [])
        return self._speak(verdict, round, wave, seen, key, told)

    def last(self) -> Heard:
        """The last rows of a person, as they are now."""
        verdict = self._journal.one("SELECT max(seq) AS seq FROM verdicts WHERE by = ?", PERSON)
        caption = self._journal.one("SELECT max(seq) AS seq FROM captions")
        return Heard((verdict and verdict["seq"]) or 0, (caption and caption["seq"]) or 0)

    def versions(self) -> dict[str, int]:
        """Frame id → version of what a person says of it; frames of which nobody spoke do not occur."""
        query = "SELECT frame, max(seq) AS seq FROM verdicts WHERE by = ? GROUP BY frame"
        return {row["frame"]: row["seq"] for row in self._journal.all(query, PERSON)}

    def blind(self) -> dict[str, Verdict]:
        """Frame id → the first word that a person gave of it, where it was given blind and is not taken back."""
        words: dict[str, list[sqlite3.Row]] = {}
        for row in self._journal.all("SELECT * FROM verdicts WHERE by = ? ORDER BY seq", PERSON):
            if row["kind"] == VerdictKind.WITHDRAWN:
                del words.setdefault(row["frame"], [])[-1:]
            else:
                words.setdefault(row["frame"], []).append(row)
        first = {frame: said[0] for frame, said in words.items() if said}
        return {frame: rows.verdict_from(row) for frame, row in first.items() if (row["key"] or "").startswith(BLIND)}

    def write_caption(self, frame: str, text: str, event: CaptionWritten) -> None:
        """Append a caption that replaces the generated one; an empty text brings that one back."""
        with self._journal.change(event) as db:
            db.execute("INSERT INTO captions (frame, text, at) VALUES (?, ?, ?)", (frame, text, now()))

    def captions(self) -> dict[str, str]:
        """Frame id → the caption that a person wrote, as far as they were heard."""
        most = self.heard.caption
        found = {
            row["frame"]: row["text"]
            for row in self._journal.all("SELECT seq, frame, text FROM captions ORDER BY seq")
            if most is None or row["seq"] <= most
        }
        return {frame: text for frame, text in found.items() if text}

    def _speak(self, verdict: Verdict, round: int, wave: int, seen: int | None, key: str | None, told: Event) -> Answer:
        """Look and append in one transaction, so that two who speak at once come one after the other."""
        values = (verdict.frame, verdict.kind.value, PERSON, rows.text_of(verdict.reasons), None, None)
        try:
            with self._journal.change(told) as db:
                before = self._answer(verdict.frame, seen)
                self._refuse_in_vain(verdict, before, key)
                query = f"INSERT INTO verdicts {COLUMNS} VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
                db.execute(query, (*values, round, wave, now(), seen, key))
                after = self._answer(verdict.frame, None)
        except _InVain as nothing:
            return nothing.answer
        return Answer(after.seq, after.verdict, before.other)

    def _refuse_in_vain(self, verdict: Verdict, before: Answer, key: str | None) -> None:
        """Raise where a word would change nothing, or must not: the transaction is rolled back, event and all."""
        if key is not None and self._journal.one("SELECT 1 FROM verdicts WHERE key = ?", key):
            raise _InVain(Answer(before.seq, before.verdict))
        if verdict.kind is VerdictKind.WITHDRAWN:
            if before.verdict is None or before.other is not None:
                raise _InVain(Answer(before.seq, before.verdict, before.other, taken=False))
        elif before.verdict == verdict:
            raise _InVain(before)

    def _answer(self, frame: str, seen: int | None) -> Answer:
        found = self._journal.all("SELECT * FROM verdicts WHERE frame = ? AND by = ? ORDER BY seq", frame, PERSON)
        seq = found[-1]["seq"] if found else 0
        verdict = in_force(found).get((frame, True))
        crossed = seen is not None and seq > seen
        other = (verdict or Verdict(frame, VerdictKind.WITHDRAWN, PERSON, ())) if crossed else None
        return Answer(seq, verdict, other)


def in_force(found: Iterable[sqlite3.Row], heard: Heard | None = None) -> dict[tuple[str, bool], Verdict]:
    """Rows of verdicts, oldest first → the one that counts by (frame id, whether a person gave it).

    A withdrawn word uncovers the one before it. Rows of a person beyond ``heard`` are left out.
    """
    most = heard.verdict if heard else None
    said: dict[tuple[str, bool], list[Verdict]] = {}
    for row in found:
        by_person = row["by"] == PERSON
        if by_person and most is not None and row["seq"] > most:
            continue
        words = said.setdefault((row["frame"], by_person), [])
        if row["kind"] == VerdictKind.WITHDRAWN:
            del words[-1:]
        else:
            words.append(rows.verdict_from(row))
    return {place: words[-1] for place, words in said.items() if words}
