"""The file of a couple or a group: members as character files have them, and how they stand to each other.

Every member is a character of its own; what they are together is made of their finished runs. Knows no run.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, model_validator

from bootstrap.character.character_file import character_of
from bootstrap.character.json_objects import COMMENT, read_object
from bootstrap.character.model import Character, Listed
from bootstrap.config import Frozen, validated
from bootstrap.errors import CharacterError

__all__ = ["KINDS_OF_SEVERAL", "SubjectsTogether", "load_several", "several_schema"]

KINDS_OF_SEVERAL = {"couple": (2, 2), "group": (3, 4)}
"""Kind → the fewest and the most members."""


class SubjectsTogether(Frozen):
    """A couple or a group as its author describes it."""

    version: Literal[1] = 1
    """Version of this format."""
    kind: Literal["couple", "group"]
    """A couple has two members, a group three or four."""
    name: str = ""
    """What people call them together; empty: their names."""
    base: str | None = None
    """The base of all members that name none."""
    members: tuple[Mapping[str, Any], ...] = Field(min_length=2)
    """Character files, each with its ``seeds``: the files lie beside this one."""
    relations: Listed = ()
    """How they stand, one after another; empty: the eight usual relations."""
    core: str = ""
    """One tag for all of them together, in every joint caption; a group's is "<name> group" where none is written."""
    together: int = Field(24, ge=4)
    """Pictures of everyone in the set."""

    @model_validator(mode="after")
    def _counted(self) -> SubjectsTogether:
        least, most = KINDS_OF_SEVERAL[self.kind]
        if not least <= len(self.members) <= most:
            wanted = str(least) if least == most else f"{least} to {most}"
            raise ValueError(f"members: a {self.kind} has {wanted}, not {len(self.members)}")
        return self

    @property
    def core_tag(self) -> str:
        """The tag of all of them: a group always has one."""
        return self.core or (f"{self.name} group".strip() if self.kind == "group" else "")

    def content(self, place: int) -> dict[str, Any]:
        """The content of one member's character file."""
        base = {"base": self.base} if self.base else {}
        return {**base, **self.members[place]}

    def text(self, place: int) -> str:
        """One member's character file."""
        return json.dumps(self.content(place), ensure_ascii=False, indent=2) + "\n"


def load_several(path: Path) -> tuple[SubjectsTogether, list[Character]] | None:
    """A couple or a group with its members; None where the file describes a single subject.

    Raises CharacterError: one line with every problem and where it is.
    """
    try:
        given, _ = read_object(path)
    except CharacterError:  # who reads a single subject tells it
        return None
    if given.get("kind") not in KINDS_OF_SEVERAL:
        return None
    data = {key: value for key, value in given.items() if not key.startswith(COMMENT)}
    several = validated(SubjectsTogether, data, str(path), CharacterError)
    characters, problems = [], []
    for place in range(len(several.members)):
        character, found = character_of(several.content(place))
        problems += [f"members.{place}.{problem}" for problem in found]
        if character is not None:
            if not character.seeds:
                problems.append(f"members.{place}.seeds: name the pictures of this member")
            characters.append(character)
    if problems:
        raise CharacterError(f"{path}: {'; '.join(problems)}")
    return several, characters


def several_schema() -> dict[str, Any]:
    """JSON Schema (draft 2020-12) of the files that `load_several` reads."""
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **SubjectsTogether.model_json_schema()}
    schema["patternProperties"] = {f"^[{''.join(COMMENT)}]": {}}
    return schema
