"""Descriptions by a vision-language model, ``{description, object[{name, description, position[]}]}``, as a character.

Such a model sees a picture and writes prose about its parts; a character wants tags, apart for what stays the same and
for what is worn. The conversion follows plain rules and reports what it made, so that a person can correct it. Knows no
file and no model.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from bootstrap.character.known_words import meaningless

__all__ = ["DescribedPart", "Description", "as_character", "description_schema", "is_description", "made_up_trigger"]


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


GARMENTS = _words(
    """
    apron armor belt beret blouse boots bow bowtie bra cap cape cardigan cloak clothes coat collar costume dress
    gloves hat headphones helmet hood hoodie jacket jeans kimono leggings necktie outfit pajamas pants ribbon robe
    sandals scarf shirt shoes shorts skirt sleeves slippers sneakers socks stockings suit sweater sweatshirt
    swimsuit t-shirt thighhighs tie tights top trousers uniform vest
    """
)
"""Last words of parts that are put on and off: an outfit, not the character."""
QUALITIES = _words(
    """
    amber aqua beige big black blond blonde blue bright bronze brown curly cyan dark deep fair fluffy golden gold
    gray green grey large light long magenta medium messy navy orange pale pink platinum purple red round sharp
    short silver small spiky straight striped tan teal thick thin tiny turquoise violet wavy white yellow
    """
)
"""Words that say nothing without the name of the part: "long" is "long hair"."""
PLACING = _words("above around at behind below beneath beside between in near on over under")
OPENING = re.compile(
    r"^(?:(?:a|an|the|his|her|its|their|she|he|it|they|has|have|is|are|wears|wearing|with|pair of|and)\s+)+", re.I
)
TRAILING = re.compile(r"\s+(?:that|which|who|whose|reaching|falling|worn|flowing|tied)\b.*$", re.I)
FEMALE, MALE = _words("girl woman female she her"), _words("boy man male he his him")
LONGEST = 6
"""Words of a tag; longer phrases are sentences that no caption should hold."""


class DescribedPart(BaseModel):
    """One thing that the model saw."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    name: str = Field(min_length=1)
    """What it is: "hair", "cat ears", "navy beret"."""
    description: str
    """How it looks."""
    position: tuple[str, ...]
    """Where it is, in words."""


class Description(BaseModel):
    """What a vision-language model writes about a picture; all fields are required."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    description: str
    """The whole character in prose."""
    object: tuple[DescribedPart, ...] = Field(min_length=1)
    """Its parts: of the body, and what is worn."""


def is_description(data: Mapping[str, Any]) -> bool:
    """Whether a JSON object is in the description format, perhaps with further fields of a character."""
    return "invariant" not in data and bool({"description", "object"} & data.keys())


def as_character(description: Description, name: str) -> tuple[dict[str, Any], list[str]]:
    """The fields of a character in plain data, and what a person should know of how they were found.

    Parts whose name ends in a garment become the outfit "default", all others are invariant. Raises ValueError when no
    part belongs to the character itself.
    """
    invariant: dict[str, list[str]] = {}
    clothes: list[str] = []
    for part in description.object:
        tags = _tags(part)
        if part.name.lower().split()[-1] in GARMENTS:
            clothes += tags
        else:
            invariant[_free(part.name.lower(), invariant)] = tags
    if not invariant:
        raise ValueError("object: every part is something worn; describe hair, eyes or whatever else stays the same")
    data: dict[str, Any] = {"name": name, "trigger": made_up_trigger(name), "core": _core(description)}
    data["invariant"] = invariant
    parts = [f"{key}: {', '.join(tags)}" for key, tags in invariant.items()]
    if clothes:
        data["outfits"] = {"default": {"tags": list(dict.fromkeys(clothes))}}
        parts.append(f"outfit: {', '.join(clothes)}")
    return data, [f"the description was read as {'; '.join(parts)}"]


def description_schema() -> dict[str, Any]:
    """JSON Schema (draft 2020-12) of the description format, as structured output of models takes it."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **Description.model_json_schema()}


def made_up_trigger(name: str) -> str:
    """A trigger that contains no word of a tag, out of a name: "Mika" gives mikachr, "Red" rdchr."""
    letters = re.sub(r"[^a-z0-9]", "", name.lower())
    return meaningless(f"{letters or 'newone'}chr")


def _free(key: str, taken: Mapping[str, Any]) -> str:
    """The key, numbered where it is taken already."""
    number, found = 2, key
    while found in taken:
        found, number = f"{key} {number}", number + 1
    return found


def _core(description: Description) -> list[str]:
    """The tags at the head of captions, by the words for people in the prose."""
    words = set(re.findall(r"[a-z]+", description.description.lower()))
    girl, boy = bool(words & FEMALE), bool(words & MALE)
    if girl == boy:
        return ["solo"]
    return ["1girl" if girl else "1boy", "solo"]


def _tags(part: DescribedPart) -> list[str]:
    """A part as tags: phrases of its description, each with the part's name where it says nothing without."""
    name = part.name.lower().strip()
    noun = name.split()[-1]
    found: list[str] = []
    for piece in re.split(r"[,;.\n]+|\s+with\s+", part.description.lower()):
        phrase = TRAILING.sub("", OPENING.sub("", piece.strip())).strip()
        words = [word for word in phrase.split() if word != "the"]
        if not words or len(words) > LONGEST:
            continue
        if words[0] in PLACING:
            found = [" ".join([(found or [name])[0], *words]), *found[1:]]
        else:
            if all(_is_quality(word) for word in words):
                words += [word for word in name.split() if word not in words]
            found.append(" ".join(words))
    if not any(noun in tag for tag in found):
        found.insert(0, name)
    return list(dict.fromkeys([_placed(found[0], part.position), *found[1:]]))


def _is_quality(word: str) -> bool:
    return word in QUALITIES or word.endswith(("-shaped", "-colored", "-coloured"))


def _placed(tag: str, position: tuple[str, ...]) -> str:
    """The tag with a place that tells left from right, or that is a phrase of its own ("under left eye")."""
    place = ""
    if len(position) == 1:
        place = " ".join(word for word in position[0].lower().split() if word != "the")
    if not place or place in tag or {"left", "right"} & set(tag.split()):
        return tag
    if place in ("left", "right"):
        return " ".join([*tag.split()[:-1], place, tag.split()[-1]])
    if place.split()[0] in PLACING:
        return f"{tag} {place}"
    return f"{tag} on {place}" if {"left", "right"} & set(place.split()) else tag
