"""Asking a model until its answer fits the schema, at most three times, and keeping what it said.

Knows neither the model nor where answers are kept: both are handed in.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Protocol, Self

from PIL import Image
from pydantic import BaseModel

from bootstrap.config import checked
from bootstrap.pictures import as_rgb, open_picture
from bootstrap.readers.answer_json import AnswerError, object_of_answer
from bootstrap.readers.kept_answers import KeptAnswers
from bootstrap.readers.question import Question, Reply
from bootstrap.readers.reader_instructions import answer_schema, mending_request, prompt_of
from scoring.measurement import digest_of

__all__ = ["AskingReader", "ReadingModel", "Turn", "Utterance"]

MOST_ASKED = 3
"""Once, and twice more with its mistakes told."""
LONGEST_QUOTED = 6000
"""Characters of a useless answer that the model is shown again."""
SMALLEST = 8
"""Pixels of the shorter side of a picture."""


@dataclass(frozen=True, slots=True)
class Turn:
    """What was said by whom; the pictures belong to the first turn."""

    by: Literal["user", "assistant"]
    text: str


@dataclass(frozen=True, slots=True)
class Utterance:
    """What a model wrote; ``refused`` is why it, or who moderates it, answers nothing ("" where it answers)."""

    text: str
    refused: str = ""


class ReadingModel(Protocol):
    """A model that continues a conversation about pictures."""

    name: str
    """What it is called where its answers are kept."""
    fingerprint: str
    """Answers of another fingerprint are not the same."""

    def say(self, turns: Sequence[Turn], images: Sequence[Image.Image], schema: dict[str, Any]) -> Utterance:
        """The next turn. Raises BackendError."""

    def close(self) -> None:
        """Free what was loaded or connected."""


class AskingReader:
    """A reader out of a model and a place for its answers; see `bootstrap.readers.Reader`."""

    def __init__(self, model: ReadingModel, answers: KeptAnswers | None = None) -> None:
        """Without ``answers`` nothing is kept."""
        self._model, self._answers = model, answers

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def ask(self, question: Question) -> Reply:
        """See `bootstrap.readers.Reader`."""
        images = [_opened(picture) for picture in question.pictures]
        prompt = prompt_of(question)
        pictures = tuple(digest_of(image) for image in images)
        digest = hashlib.sha256(prompt.encode()).hexdigest()
        key = hashlib.sha256(json.dumps([self._model.fingerprint, digest, pictures]).encode()).hexdigest()
        kept = self._kept(key, question.schema)
        if kept is not None:
            return kept
        reply = self._asked(Reply(None, self._model.name, digest, pictures, "", 0), prompt, images, question.schema)
        if self._answers is not None:
            text = json.dumps({**asdict(reply), "prompt": prompt}, ensure_ascii=False, indent=1)
            self._answers.keep(key, text)
        return reply

    def close(self) -> None:
        """Free the model."""
        self._model.close()

    def _kept(self, key: str, schema: type[BaseModel]) -> Reply | None:
        """The kept reply; None where there is none, where it is damaged, or where it may be asked for again."""
        text = self._answers.find(key) if self._answers is not None else None
        if self._answers is None or text is None:
            return None
        try:
            found = json.loads(text)
            found.pop("prompt")
            reply = Reply(**{**found, "picture_digests": tuple(found["picture_digests"])})
        except (ValueError, TypeError, KeyError, AttributeError):
            return None
        if reply.value is None:
            return reply if self._answers.final else None
        return reply if checked(schema, reply.value)[0] is not None else None

    def _asked(self, begun: Reply, prompt: str, images: Sequence[Image.Image], schema: type[BaseModel]) -> Reply:
        turns = [Turn("user", prompt)]
        plain = answer_schema(schema)
        problems: list[str] = []
        for asked in range(1, MOST_ASKED + 1):
            said = self._model.say(turns, images, plain)
            if said.refused:
                return _given_up(begun, said.text, asked, f"{begun.model} refuses to answer: {said.refused}")
            value, problems = _value(said.text, schema)
            if value is not None:
                return Reply(value, begun.model, begun.prompt_digest, begun.picture_digests, said.text, asked)
            turns += [Turn("assistant", said.text[:LONGEST_QUOTED] or "{}"), Turn("user", mending_request(problems))]
        why = f"{begun.model} was asked {MOST_ASKED} times and did not answer by the schema: {problems[0]}"
        return _given_up(begun, said.text, MOST_ASKED, why)


def _given_up(begun: Reply, raw: str, asked: int, why: str) -> Reply:
    line = " ".join("".join(sign if sign.isprintable() else " " for sign in why).split())
    return Reply(None, begun.model, begun.prompt_digest, begun.picture_digests, raw, asked, line)


def _opened(picture: Path | Image.Image) -> Image.Image:
    return open_picture(picture, SMALLEST)[0] if isinstance(picture, Path) else as_rgb(picture)


def _value(text: str, schema: type[BaseModel]) -> tuple[dict[str, Any] | None, list[str]]:
    """The answer as plain data, or None and what is wrong with it."""
    try:
        found = object_of_answer(text)
    except AnswerError as error:
        return None, [str(error)]
    value, problems = checked(schema, found)
    return (None if value is None else value.model_dump(mode="json")), problems
