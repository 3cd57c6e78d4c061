"""character.json: what a person writes about a character, validated.

Lists and comma-separated tags are both accepted. Knows no vocabulary of any model: which words a scorer understands is
found out later and said.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, field_validator

from bootstrap.config import Frozen, validated
from bootstrap.errors import CharacterError

__all__ = ["Character", "Outfit", "SeedNote", "load_character"]


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


Tags = Annotated[tuple[str, ...], BeforeValidator(_split)]
Listed = Annotated[tuple[str, ...], BeforeValidator(_listed)]


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


class Character(Frozen):
    """A character as its author describes it."""

    version: Literal[1] = 1
    """Version of this format."""
    kind: Literal["character"] = "character"
    """What kind of subject; quotas and caption policy come from configs/subjects/."""
    name: str = Field(min_length=1)
    """What people call it."""
    trigger: str = Field(min_length=1)
    """The word that calls it in a prompt; best no real word."""
    base: str | None = None
    """A base of configs/base/, or a folder with a model."""
    purpose: str = ""
    """What the LoRA is for."""
    must_obey: Tags = ()
    """Words that must work with it; the final panel draws them first."""
    seeds: tuple[SeedNote, ...] = ()
    """What each seed shows."""
    core: Tags = ("1girl", "solo")
    """Tags at the head of every caption."""
    invariant: Mapping[str, Tags] = Field(min_length=1)
    """What the trigger must absorb, by part of the body."""
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

    @field_validator("trigger")
    @classmethod
    def _one_word(cls, trigger: str) -> str:
        if not trigger.strip():
            raise ValueError("must not be empty: write a made-up word, for example mikachr")
        if "," in trigger or len(trigger.split()) > 1:
            raise ValueError("must be one word without commas, for example mikachr")
        return trigger.strip()

    @property
    def identity(self) -> tuple[str, ...]:
        """Every invariant tag, in the order written."""
        return tuple(tag for tags in self.invariant.values() for tag in tags)

    @property
    def wardrobe(self) -> dict[str, Outfit]:
        """Outfits by name; one without tags where none is described."""
        return dict(self.outfits) or {"default": Outfit(tags=())}

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
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise CharacterError(f'no such file "{path}"', "give the path of a character.json") from None
    except (OSError, UnicodeDecodeError) as error:
        raise CharacterError(f'"{path}" cannot be read ({error})', "give a UTF-8 JSON file") from error
    except json.JSONDecodeError as error:
        raise CharacterError(f"{path}:{error.lineno}: not valid JSON ({error.msg})", "mend that line") from None
    if not isinstance(data, dict):
        raise CharacterError(f"{path}: the top level is no object", "write { ... }")
    character = validated(Character, data, str(path), CharacterError)
    _check_references(character, path)
    return character


def _check_references(character: Character, path: Path) -> None:
    """Raise CharacterError where a seed note names an outfit that is not described."""
    for index, note in enumerate(character.seeds):
        if note.outfit and note.outfit not in character.wardrobe:
            raise CharacterError(
                f'{path}: seeds.{index}.outfit "{note.outfit}" is not in outfits',
                f"use one of: {', '.join(character.wardrobe)}",
            )
