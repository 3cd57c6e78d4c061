"""What readers are asked about a character, as schemas, and what they said of each trait. Asks nobody."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["Claim", "Confirmation", "Confirmations", "DescribedTrait", "SeenCharacter", "SeenTrait", "Source"]

Sure = Literal["certain", "likely", "guess"]
State = Literal["set", "contradicted", "conflict", "unsupported", "refused"]


class _Strict(BaseModel):
    """Only the fields that are named."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)


class SeenTrait(_Strict):
    """One thing about the character."""

    part: str = Field(max_length=60)
    """What it belongs to: one of the parts that were listed, or another part of the body or of the clothes."""
    words: str = Field(max_length=120)
    """How it looks, with the part's name."""
    worn: bool = False
    """Whether it is put on and off: clothes, glasses, jewellery."""
    line: int = Field(0, ge=0)
    """The line of the notes that says so; 0 where the picture shows it."""
    sure: Sure = "likely"
    """certain, likely or guess."""


class SeenCharacter(_Strict):
    """What one picture shows of its character."""

    person: Literal["girl", "boy", "other"] = "other"
    """What the character is drawn as."""
    lettering: str = Field("", max_length=2000)
    """All letters and words inside the picture; empty where there are none."""
    traits: list[SeenTrait] = Field(max_length=60)
    """Everything that stays the same in other pictures of it, and what it wears."""


class Confirmation(_Strict):
    """One of the statements that were listed."""

    number: int = Field(ge=1)
    """Its number."""
    shown: Literal["yes", "no", "cannot tell"]
    """Whether the picture shows it."""


class Confirmations(_Strict):
    """An answer for each of the statements."""

    answers: list[Confirmation] = Field(max_length=200)
    """In their order."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where a trait was read: a picture by its file name, or a line of the notes; and how sure the reader was."""

    picture: str = ""
    line: int = 0
    sure: str = "likely"

    @property
    def place(self) -> str:
        """In words."""
        return f"line {self.line} of the notes" if self.line else f'"{self.picture}"'


@dataclass(frozen=True, slots=True)
class Claim:
    """A trait as one source has it; ``axis`` is "" for words that no scorer knows, ``refused`` why it is not used."""

    part: str
    words: str
    axis: str
    worn: bool
    source: Source
    refused: str = ""
    supported: bool = True
    """False where the picture has lettering, and no second reading says the same."""


@dataclass(frozen=True, slots=True)
class DescribedTrait:
    """A trait after all pictures and notes were read.

    ``words`` is "" where it is left blank; ``said`` are all words that were read for it. ``panel`` is what the panel's
    scorers read of its axis, "" where they read nothing. ``state`` is one of: set; contradicted (set, but the panel
    reads another word); conflict (the sources disagree); unsupported (a picture with lettering says so, and nobody
    else); refused (words that cannot be a trait).
    """

    part: str
    words: str
    state: State
    worn: bool
    said: tuple[str, ...]
    sources: tuple[Source, ...]
    why: str = ""
    axis: str = ""
    panel: str = ""

    @property
    def sure(self) -> str:
        """How sure the readers were at best."""
        return next((one for one in ("certain", "likely") if one in {at.sure for at in self.sources}), "guess")

    @property
    def comment(self) -> str:
        """Where it was seen, how sure, and what is wrong with it, in one line."""
        where = ", ".join(dict.fromkeys(at.place for at in self.sources))
        text = f"read from {where}, {self.sure}"
        return f"{self.state.upper()}: {self.why}; {text}" if self.why else text

    def plain(self) -> dict[str, Any]:
        """For the file beside the description."""
        sources = [{"picture": at.picture, "notes_line": at.line, "sure": at.sure} for at in self.sources]
        return {
            "part": self.part,
            "words": self.words,
            "state": self.state,
            "why": self.why,
            "worn": self.worn,
            "said": list(self.said),
            "sure": self.sure,
            "axis": self.axis,
            "panel": self.panel,
            "sources": sources,
        }
