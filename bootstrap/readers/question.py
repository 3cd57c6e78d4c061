"""What a model that reads pictures is asked, and what it answers. Knows no model and no server."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from PIL import Image
from pydantic import BaseModel

__all__ = ["Question", "Reader", "Reply"]


@dataclass(frozen=True, slots=True)
class Question:
    """Pictures and what to say about them.

    ``instruction`` is the name of a file of configs/readers/instructions/, or the path of an own one; ``fill`` replaces
    its placeholders, ``{name}``. ``schema`` is the pydantic model of the answer: its JSON schema is sent, and what
    comes back is validated by it. ``notes`` is a person's text, shown to the model as data, not as instructions.
    """

    pictures: tuple[Path | Image.Image, ...]
    instruction: str
    schema: type[BaseModel]
    notes: str = ""
    fill: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reply:
    """The answer to a question.

    ``value`` is the answer as plain data of the question's schema; None where none was given, and then ``refused`` says
    why, in one line. ``raw`` is the last text of the model. ``asked`` counts how often it was asked, 1 to 3; it is the
    same where the answer was kept and the model was not asked again. Digests are hexadecimal sha256: of the prompt with
    its schema, and of the pixels of each picture.
    """

    value: dict[str, Any] | None
    model: str
    prompt_digest: str
    picture_digests: tuple[str, ...]
    raw: str
    asked: int
    refused: str | None = None


class Reader(Protocol):
    """A model that reads pictures and answers by a schema."""

    def ask(self, question: Question) -> Reply:
        """The answer, asked for or kept.

        Raises PictureError for a picture that cannot be opened, ConfigError for an instruction that is not there, and
        BackendError where the model does not load or its server does not answer. A model that refuses, or does not
        write what the schema asks for, raises nothing: see `Reply.refused`.
        """
