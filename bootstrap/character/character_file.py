"""character.json read from its file: comments passed over, problems named together, descriptions converted.

The description format of vision-language models is accepted too (see `bootstrap.character.description`). Keys that
begin with "_" or "$" are comments.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from bootstrap.character.consistency import contradictions
from bootstrap.character.description import Description, as_character, is_description
from bootstrap.character.json_objects import COMMENT, read_object
from bootstrap.character.model import Character
from bootstrap.character.of_kind import needs_of, unmet, with_kind
from bootstrap.config import NeedConfig, checked, validated
from bootstrap.config.kind_files import CHARACTER
from bootstrap.errors import CharacterError

__all__ = ["character_of", "character_schema", "load_character", "stored_character"]

NAMELESS = ("character", "description", "object")
"""File names that name nobody."""


def load_character(path: Path) -> Character:
    """The Character of a file. Raises CharacterError: one line with every problem and where it is."""
    given, notes = read_object(path)
    try:
        data: dict[str, Any] = _uncommented(given)
    except RecursionError:
        raise CharacterError(f"{path}: nested too deeply", "write { ... } as `init` does") from None
    if is_description(data):
        data, converted = _converted(data, path)
        notes += converted
    data = with_kind(data, path.parent)
    character, problems = _checked(data)
    if character is None or problems:
        raise CharacterError(f"{path}: {'; '.join(problems)}")
    return character.with_notes(notes)


def character_of(content: Mapping[str, Any]) -> tuple[Character | None, list[str]]:
    """The Character of a file's content, and a sentence for each problem, which begins with the path of its field.

    None where it cannot be read at all; one whose parts do not fit each other has problems too.
    """
    return _checked(with_kind(_uncommented(content)))


def _checked(data: Mapping[str, Any]) -> tuple[Character | None, list[str]]:
    """The Character of plain data, None where it cannot be read, and every problem with it."""
    character, problems = checked(Character, data)
    if character is not None:
        problems = contradictions(character)
    return character, [*unmet(data), *problems]


def stored_character(text: str | None) -> Character:
    """The character that a run has remembered as JSON. Raises CharacterError where it cannot be read any more."""
    try:
        return Character.model_validate_json(text or "")
    except ValidationError:
        raise CharacterError("the stored character cannot be read", "use another --out") from None


def character_schema(kind: str = CHARACTER) -> dict[str, Any]:
    """JSON Schema (draft 2020-12) of the files of a kind that `load_character` reads, comments allowed everywhere."""
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **Character.model_json_schema()}
    _require(schema, needs_of(kind))
    objects = [schema, *schema["$defs"].values()]
    objects += [field for field in schema["properties"].values() if field.get("type") == "object"]
    for part in objects:
        part["patternProperties"] = {f"^[{''.join(COMMENT)}]": {}}
    return schema


def _require(schema: dict[str, Any], needs: Mapping[str, NeedConfig]) -> None:
    """Write into a schema which fields a kind requires, which may be empty, and which it refuses."""
    fields = schema["properties"]
    for name, need in needs.items():
        if need.rule == "required" and name in fields:
            schema["required"].append(name)
            if fields[name].get("type") == "object":
                fields[name]["minProperties"] = 1
            fields[name].pop("default", None)
        elif need.rule == "refused":
            fields.pop(name, None)
        elif name in fields:
            fields[name].pop("minLength", None)


def _uncommented(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _uncommented(part) for key, part in value.items() if not key.startswith(COMMENT)}
    return [_uncommented(part) for part in value] if isinstance(value, list) else value


def _converted(data: dict[str, Any], path: Path) -> tuple[dict[str, Any], list[str]]:
    """A description as the fields of a character; fields of a character that stand beside it win."""
    own = {key: value for key, value in data.items() if key in ("description", "object")}
    rest = {key: value for key, value in data.items() if key not in own}
    description = validated(Description, own, str(path), CharacterError)
    try:
        found, notes = as_character(description, str(rest.get("name") or _name_from(path)))
    except ValueError as error:
        raise CharacterError(f"{path}: {error}") from None
    if "trigger" not in rest:
        trigger, name = found["trigger"], found["name"]
        notes.append(f'trigger "{trigger}" was made up from "{name}"; add "trigger" to the file to choose another')
    return {**found, **rest}, notes


def _name_from(path: Path) -> str:
    """A name for a character whose file gives none: the file's, or its folder's where that names nobody."""
    if path.stem.lower() in NAMELESS:
        return path.resolve().parent.name or "character"
    return path.stem
