"""Two pictures and whether they show the same character, as a reader says: asked both ways, and averaged.

A model that is shown two pictures leans to one place or the other; the mean of both orders does not, and the difference
tells how much it leans. What differs is chosen from a list, so no letters of a picture reach an answer. Knows no run.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from PIL import Image
from pydantic import BaseModel, ConfigDict, Field

from bootstrap.readers.question import Question, Reader, Reply

__all__ = ["DEFECTS", "PairAnswer", "PairReading", "read_pair"]

INSTRUCTION = "same"
Trait = Literal[
    "hair colour", "hairstyle", "eyes", "face", "skin", "build", "ears", "tail", "horns", "wings", "marks",
    "accessories",
]  # fmt: skip
Defect = Literal["hands", "limbs", "letters", "second person"]


DEFECTS: tuple[Defect, ...] = get_args(Defect)
"""What a reader may say is wrong with a picture."""


class PairAnswer(BaseModel):
    """What a reader answers about two pictures."""

    model_config = ConfigDict(extra="forbid")
    same: int = Field(ge=0, le=100)
    differs: list[Trait] = Field(max_length=12)
    defects: list[Defect] = Field(max_length=4)


@dataclass(frozen=True, slots=True)
class PairReading:
    """Both answers together.

    ``same`` is their mean, 0 (another character) to 100; None where one was not given, and then ``why`` says why.
    ``lean`` is the answer with the seed first less the other one. ``differs`` is what both name, or where
    they name nothing in common what either does; ``defects`` what both name.
    """

    same: float | None
    lean: float = 0.0
    differs: tuple[str, ...] = ()
    defects: tuple[str, ...] = ()
    why: str = ""


def read_pair(reader: Reader, seed: Image.Image, drawn: Image.Image, *, seed_first: bool) -> PairReading:
    """What a reader says of a seed and a drawn picture; ``seed_first``: which order is asked first.

    Raises BackendError where the reader does not answer at all.
    """
    answers: dict[bool, PairAnswer] = {}
    for first in (seed_first, not seed_first):
        reply = _asked(reader, seed, drawn, seed_first=first)
        if reply.value is None:
            return PairReading(None, why=reply.refused or f"{reply.model} gave no answer")
        answers[first] = PairAnswer.model_validate(reply.value)
    one, other = answers[True], answers[False]
    return PairReading(
        (one.same + other.same) / 2,
        float(one.same - other.same),
        _agreed(one.differs, other.differs),
        tuple(sorted({*one.defects} & {*other.defects})),
    )


def _asked(reader: Reader, seed: Image.Image, drawn: Image.Image, *, seed_first: bool) -> Reply:
    pictures, places = (seed, drawn), ("first", "second")
    if not seed_first:
        pictures, places = (drawn, seed), ("second", "first")
    return reader.ask(Question(pictures, INSTRUCTION, PairAnswer, fill={"seed": places[0], "drawn": places[1]}))


def _agreed(one: Sequence[str], other: Sequence[str]) -> tuple[str, ...]:
    return tuple(sorted({*one} & {*other} or {*one, *other}))
