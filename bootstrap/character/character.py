"""character.json: what a person writes about a character, validated.

Lists and comma-separated tags are both accepted; so is the description format of vision-language models (see
`bootstrap.character.description`). Keys that begin with "_" or "$" are comments. Knows no vocabulary of any model:
which words a scorer understands is found out later and said.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, PrivateAttr, WithJsonSchema, field_validator

from bootstrap.character.description import Description, as_character, is_description
from bootstrap.config import Frozen, validated
from bootstrap.errors import CharacterError
from bootstrap.records import FRAMINGS, Phase

__all__ = ["COMMENT", "Character", "Outfit", "SeedNote", "character_schema", "load_character"]

COMMENT = ("_", "$")
"""First characters of keys that are for people and editors; the loader passes over them."""

UNFIT = '/\\:*?"<>|'
"""Signs that one system or another refuses in the name of a file."""
LONGEST_TRIGGER = 64


def _split(value: Any) -> Any:
    """``"a, b"`` or ``["a", "b"]`` as tags; anything else is left for the validator to refuse."""
    if isinstance(value, str):
        value = value.split(",")
    if isinstance(value, list | tuple) and all(isinstance(tag, str) for tag in value):
        return tuple(tag.strip().replace("_", " ") for tag in value if tag.strip())
    return value


def _listed(value: Any) -> Any:
    """A list keeps its entries whole ("city street, night" is one background); one text is one entry."""
    return (value,) if isinstance(value, str) else value


TEXTS = {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}
Tags = Annotated[tuple[str, ...], BeforeValidator(_split), WithJsonSchema(TEXTS)]
Listed = Annotated[tuple[str, ...], BeforeValidator(_listed), WithJsonSchema(TEXTS)]


class Outfit(Frozen):
    """Clothes that the character changes; always captioned, so that they stay exchangeable."""

    tags: Tags
    """What it consists of."""
    trigger: str = ""
    """A word of its own, written before the tags."""
    share: float | None = Field(None, gt=0, le=1)
    """Share of the dataset; the rest is divided evenly."""


class SeedNote(Frozen):
    """What a seed picture shows; whatever is not written here may be swallowed by the trigger."""

    file: str
    """File name of the seed."""
    view: str = ""
    """Name or tags of its view."""
    framing: str = ""
    """close-up, portrait, upper body or full body."""
    outfit: str = ""
    """Name of its outfit."""
    tags: Tags = ()
    """Expression, pose, background, drawing style and whatever else is seen and does not belong to the character."""

    @field_validator("framing")
    @classmethod
    def _known_framing(cls, framing: str) -> str:
        if framing and framing not in FRAMINGS:
            raise ValueError(f"must be one of {', '.join(FRAMINGS)}")
        return framing


class Character(Frozen):
    """A character as its author describes it."""

    version: Literal[1] = 1
    """Version of this format."""
    kind: Literal["character"] = "character"
    """What kind of subject; quotas and caption policy come from configs/subjects/."""
    name: str = Field(min_length=1)
    """What people call it."""
    trigger: str = Field(json_schema_extra={"minLength": 1, "maxLength": LONGEST_TRIGGER})
    """The word that calls it in a prompt; best no real word."""
    base: str | None = None
    """A base of configs/base/, or a folder with a model."""
    purpose: str = ""
    """What the LoRA is for."""
    must_obey: Tags = ()
    """Words that must work with it; the final panel draws them first."""
    seeds: tuple[SeedNote, ...] = ()
    """What each seed shows."""
    seeds_train: str = Field("always", pattern=r"^(always|never|\w[\w-]*-only)$")
    """Whether the seeds may be trained on: always, style-only (in that phase; the finished LoRA has none in its
    training set) or never (until something is kept the base draws from words alone). Identity is judged against them
    all the same."""
    core: Tags = ("1girl", "solo")
    """Tags at the head of every caption."""
    style_switch: Tags = ()
    """Tags of the drawing style in every caption and every prompt with the trigger; left out of a prompt of yours they
    let another style in ("anime screencap")."""
    invariant: Mapping[str, Tags] = Field(min_length=1)
    """What the trigger must absorb, by part of the body."""
    unique: Mapping[str, str] = Field(default_factory=dict)
    """One made-up tag for a part of ``invariant``, in every caption that shows it ("hair": "blue mikachr hair")."""
    outfits: Mapping[str, Outfit] = Field(default_factory=dict)
    """Clothes by name; the first is the usual one."""
    expressions: Listed = ()
    """Faces it makes."""
    poses: Listed = ()
    """What it does."""
    backgrounds: Listed = ()
    """Where it is."""
    styles: Listed = ()
    """How it is drawn; the first is the usual one."""
    views: str = "standard"
    """Which file of configs/views/ plans the views."""
    forbidden: Tags = ()
    """What must not appear; joins the negative prompt."""
    negative: Tags = ()
    """Negative prompt."""
    quality: Tags = ()
    """Quality tags at the end of every prompt."""
    license: str = ""
    """Licence of the seeds; it travels with everything made from them."""
    credits: str = ""
    """Who drew them."""
    _notes: tuple[str, ...] = PrivateAttr(())

    @field_validator("trigger")
    @classmethod
    def _one_word(cls, trigger: str) -> str:
        if not trigger.strip():
            raise ValueError("must not be empty: write a made-up word, for example mikachr")
        if "," in trigger or len(trigger.split()) > 1:
            raise ValueError("must be one word without commas, for example mikachr")
        word = trigger.strip()
        if word.startswith(".") or not word.isprintable() or set(word) & set(UNFIT) or len(word) > LONGEST_TRIGGER:
            signs = f"no {' '.join(UNFIT)} and no dot at its beginning"
            raise ValueError(f"names folders too: at most {LONGEST_TRIGGER} characters, {signs}")
        return word

    @property
    def notes(self) -> tuple[str, ...]:
        """What a person should know of how the file was understood; empty for a file in this format."""
        return self._notes

    @property
    def identity(self) -> tuple[str, ...]:
        """Every invariant tag, in the order written."""
        return tuple(tag for tags in self.invariant.values() for tag in tags)

    @property
    def wardrobe(self) -> dict[str, Outfit]:
        """Outfits by name; one without tags where none is described."""
        return dict(self.outfits) or {"default": Outfit(tags=())}

    @property
    def outfit_tags(self) -> tuple[str, ...]:
        """The tags of every outfit, in the order written."""
        return tuple(tag for outfit in self.wardrobe.values() for tag in outfit.tags)

    def values(self, words: str) -> tuple[str, ...]:
        """The entries of one of its lists ("expressions", "outfits" …); none for "" and for an empty list."""
        if words == "outfits":
            return tuple(self.wardrobe)
        return tuple(getattr(self, words)) if words else ()

    def trains_seeds(self, phase: Phase) -> bool:
        """Whether the seeds may be in the training sets of a phase; the finished LoRA is trained in the last one."""
        return self.seeds_train in ("always", f"{phase}-only")

    def outfit_shares(self) -> dict[str, float]:
        """Outfit → share of the dataset, adding up to 1."""
        stated = {name: outfit.share for name, outfit in self.wardrobe.items() if outfit.share}
        silent = [name for name in self.wardrobe if name not in stated]
        rest = max(0.0, 1.0 - sum(stated.values()))
        shares = {name: stated.get(name, rest / max(1, len(silent))) for name in self.wardrobe}
        total = sum(shares.values()) or 1.0
        return {name: share / total for name, share in shares.items()}


def load_character(path: Path) -> Character:
    """The Character of a file. Raises CharacterError: one line with every problem and where it is."""
    data: dict[str, Any] = _uncommented(_read(path))
    data, notes = _converted(data, path) if is_description(data) else (data, [])
    character = validated(Character, data, str(path), CharacterError)
    if problems := _contradictions(character):
        raise CharacterError(f"{path}: {'; '.join(problems)}")
    character._notes = tuple(notes)
    return character


def character_schema() -> dict[str, Any]:
    """JSON Schema (draft 2020-12) of the files that `load_character` reads, comments allowed everywhere."""
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **Character.model_json_schema()}
    objects = [schema, *schema["$defs"].values()]
    objects += [field for field in schema["properties"].values() if field.get("type") == "object"]
    for part in objects:
        part["patternProperties"] = {f"^[{''.join(COMMENT)}]": {}}
    return schema


def _read(path: Path) -> dict[str, Any]:
    """The JSON object of a file. Raises CharacterError when there is none."""
    try:
        data = json.loads(path.read_text(encoding="utf-8-sig"), object_pairs_hook=_once)
    except FileNotFoundError:
        raise CharacterError(f'no such file "{path}"', "give the path of a character.json") from None
    except (OSError, UnicodeDecodeError) as error:
        raise CharacterError(f'"{path}" cannot be read ({error})', "give a UTF-8 JSON file") from error
    except json.JSONDecodeError as error:
        raise CharacterError(f"{path}:{error.lineno}: not valid JSON ({error.msg})", "mend that line") from None
    except RecursionError:
        raise CharacterError(f"{path}: not valid JSON (nested too deeply)", "write { ... } as `init` does") from None
    except KeyError as error:
        raise CharacterError(f'{path}: "{error.args[0]}" is written twice in one object', "leave one of them") from None
    if not isinstance(data, dict):
        raise CharacterError(f"{path}: the top level is no object", "write { ... }")
    return data


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object; KeyError names a key that is there twice, of which JSON would silently take the last."""
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found and not key.startswith(COMMENT):
            raise KeyError(key)
        found[key] = value
    return found


def _uncommented(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _uncommented(part) for key, part in value.items() if not key.startswith(COMMENT)}
    return [_uncommented(part) for part in value] if isinstance(value, list) else value


def _converted(data: dict[str, Any], path: Path) -> tuple[dict[str, Any], list[str]]:
    """A description as the fields of a character; fields of a character that stand beside it win."""
    own = {key: value for key, value in data.items() if key in ("description", "object")}
    rest = {key: value for key, value in data.items() if key not in own}
    described = validated(Description, own, str(path), CharacterError)
    try:
        found, notes = as_character(described, str(rest.get("name") or _called(path)))
    except ValueError as error:
        raise CharacterError(f"{path}: {error}") from None
    if "trigger" not in rest:
        made_up, name = found["trigger"], found["name"]
        notes.append(f'trigger "{made_up}" was made up from "{name}"; add "trigger" to the file to choose another')
    return {**found, **rest}, notes


def _called(path: Path) -> str:
    """A name for who is described in a file that names nobody: the file's, or its folder's if that says nothing."""
    plain = path.stem.lower() in ("character", "description", "object")
    return (path.resolve().parent.name if plain else path.stem) or "character"


def _contradictions(character: Character) -> list[str]:
    """Every place where the parts of a character do not fit each other."""
    problems = [
        f'seeds.{index}.outfit "{note.outfit}" is not in outfits (use one of: {", ".join(character.wardrobe)})'
        for index, note in enumerate(character.seeds)
        if note.outfit and note.outfit not in character.wardrobe
    ]
    if not character.identity:
        problems.append("invariant has no tag: write at least one, for example hair or eyes")
    own = {*character.identity, *(tag for outfit in character.wardrobe.values() for tag in outfit.tags)}
    for field in ("forbidden", "negative"):
        both = [tag for tag in getattr(character, field) if tag in own]
        problems += [f'{field} "{tag}" also belongs to the character: leave one of them' for tag in both]
    problems += [
        f'unique.{part} "{word}": {why}'
        for part, word in character.unique.items()
        for why in _unfit(part, word, character)
    ]
    triggers = [character.trigger, *(outfit.trigger for outfit in character.outfits.values() if outfit.trigger)]
    twice = {trigger for trigger in triggers if triggers.count(trigger) > 1}
    return [*problems, *(f'trigger "{trigger}" is used twice: give each outfit its own' for trigger in sorted(twice))]


def _unfit(part: str, word: str, character: Character) -> list[str]:
    """Why a word cannot be the unique tag of a part."""
    if part not in character.invariant:
        return [f"there is no such part in invariant (use one of: {', '.join(character.invariant)})"]
    if not word.strip() or "," in word:
        return ["write one tag without commas"]
    if word == character.trigger or word in character.identity:
        return ["make up a tag of its own, for example with the trigger in it"]
    return []
