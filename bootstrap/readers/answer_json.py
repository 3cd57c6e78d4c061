"""The JSON object in the answer of a language model, mended where nothing has to be invented for it.

Passed over are code fences, thoughts, text around the object, comments and commas too many. Of an answer that was cut
off the finished members stay: a text or a number that may be unfinished is dropped, and so is an unfinished object of a
list. Knows no schema.
"""

from __future__ import annotations

import json
import re
from typing import Any

__all__ = ["AnswerError", "object_of_answer"]

THOUGHTS = re.compile(r"<think(?:ing)?>.*?(?:</think(?:ing)?>|\Z)", re.DOTALL | re.IGNORECASE)
BLANK = re.compile(r"(?:\s+|//[^\n]*|/\*.*?\*/)+", re.DOTALL)
NUMBER = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][-+]?\d+)?")
UNFINISHED = re.compile(r"[\d.eE+-]*")
"""What may follow a number that was cut off, up to the end of the text."""
OPENING = re.compile(r'\{\s*["}]')
WORDS: dict[str, Any] = {"true": True, "false": False, "null": None, "True": True, "False": False, "None": None}
DEEPEST = 32
LONGEST = 1 << 18
"""Characters of an answer that are read."""


class AnswerError(ValueError):
    """An answer without a JSON object that could be read; the message says what is wrong."""


class _Cut(Exception):
    """The text ended inside a value; ``value`` is what of it was finished, where ``whole`` lists keep it."""

    def __init__(self, value: Any = None, *, usable: bool = False) -> None:
        super().__init__()
        self.value, self.usable = value, usable


def object_of_answer(text: str) -> dict[str, Any]:
    """The first JSON object of an answer. Raises AnswerError."""
    plain = THOUGHTS.sub("", text[:LONGEST])
    begin = OPENING.search(plain)
    if begin is None:
        raise AnswerError("there is no JSON object")
    reader = _Reading(plain, begin.start())
    try:
        found = reader.value(0)
    except _Cut as cut:
        found = cut.value
    return dict(found)


class _Reading:
    """Reads values of a text from a place on."""

    def __init__(self, text: str, place: int) -> None:
        self.text, self.place = text, place

    def value(self, depth: int) -> Any:
        """The value at the place. Raises _Cut or AnswerError."""
        if depth > DEEPEST:
            raise AnswerError("it is nested too deeply")
        match self._sign():
            case "{":
                return self._object(depth)
            case "[":
                return self._list(depth)
            case '"':
                return self._string()
            case _:
                return self._word()

    def _object(self, depth: int) -> dict[str, Any]:
        found: dict[str, Any] = {}
        self.place += 1
        try:
            while (sign := self._sign()) != "}":
                if sign == ",":
                    self.place += 1
                    continue
                if sign != '"':
                    raise AnswerError(f"a name in quotes is missing before {self._near()}")
                name = self._string()
                if name in found:
                    raise AnswerError(f'"{name}" is written twice in one object')
                if self._sign() != ":":
                    raise AnswerError(f'a colon is missing after "{name}"')
                self.place += 1
                found[name] = self.value(depth + 1)
                self._require_next("}")
        except _Cut as cut:
            if cut.usable:
                found[name] = cut.value
            raise _Cut(found) from None
        self.place += 1
        return found

    def _list(self, depth: int) -> list[Any]:
        found: list[Any] = []
        self.place += 1
        try:
            while (sign := self._sign()) != "]":
                if sign == ",":
                    self.place += 1
                    continue
                found.append(self.value(depth + 1))
                self._require_next("]")
        except _Cut:
            raise _Cut(found, usable=True) from None
        self.place += 1
        return found

    def _require_next(self, closing: str) -> None:
        """Raise AnswerError where neither a comma nor the end follows a member."""
        if self._sign() not in (",", closing):
            raise AnswerError(f"a comma is missing before {self._near()}")

    def _string(self) -> str:
        end = self.place + 1
        while end < len(self.text) and self.text[end] != '"':
            end += 2 if self.text[end] == "\\" else 1
        if end >= len(self.text):
            raise _Cut
        written, self.place = self.text[self.place : end + 1], end + 1
        try:
            return str(json.loads(written, strict=False))
        except ValueError:
            raise AnswerError(f"the text {written[:40]} cannot be read") from None

    def _word(self) -> Any:
        if found := NUMBER.match(self.text, self.place):
            self.place = found.end()
            if UNFINISHED.fullmatch(self.text, self.place):
                raise _Cut
            return json.loads(found[0])
        for word, value in WORDS.items():
            if self.text.startswith(word, self.place):
                self.place += len(word)
                return value
        rest = self.text[self.place :]
        if rest == "-" or any(word.startswith(rest) for word in WORDS):
            raise _Cut
        raise AnswerError(f"{self._near()} is no value")

    def _sign(self) -> str:
        """The next character that is not blank. Raises _Cut at the end."""
        if blank := BLANK.match(self.text, self.place):
            self.place = blank.end()
        if self.place >= len(self.text):
            raise _Cut
        return self.text[self.place]

    def _near(self) -> str:
        return f'"{self.text[self.place : self.place + 20].splitlines()[0]}"'
