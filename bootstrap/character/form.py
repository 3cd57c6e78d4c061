"""A character file as a form: its fields as plain texts, and the file again after some of them were edited.

What the form does not show, and what was not edited, stays in the file as it is written there, comments too. Knows no
path and no page.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bootstrap.character.json_objects import COMMENT
from bootstrap.errors import CharacterError

__all__ = ["CharacterForm", "OutfitRow", "PartRow", "SeedRow", "edited", "form_of", "twice"]

TEXT = Field("", max_length=2000)
NAME = Field("", max_length=200)


class _Row(BaseModel):
    """Only the fields that are named, of the types that are named."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class PartRow(_Row):
    """A part and its tags, with commas between them."""

    part: str = NAME
    tags: str = TEXT


class OutfitRow(_Row):
    """An outfit by name."""

    name: str = NAME
    tags: str = TEXT
    trigger: str = NAME
    share: float | None = Field(None, allow_inf_nan=False)


class SeedRow(_Row):
    """What a seed shows; ``file`` is its name in the file, with the number of a sheet's figure."""

    file: str = Field(max_length=1000)
    view: str = NAME
    framing: str = NAME
    outfit: str = NAME
    tags: str = TEXT


class CharacterForm(_Row):
    """The fields of a character file that a form shows, in their order; lists of tags are texts with commas."""

    name: str = NAME
    trigger: str = TEXT
    core: str = TEXT
    invariant: tuple[PartRow, ...] = Field((), max_length=100, strict=False)
    unique: tuple[PartRow, ...] = Field((), max_length=100, strict=False)
    outfits: tuple[OutfitRow, ...] = Field((), max_length=100, strict=False)
    expressions: tuple[str, ...] = Field((), max_length=200, strict=False)
    poses: tuple[str, ...] = Field((), max_length=200, strict=False)
    backgrounds: tuple[str, ...] = Field((), max_length=200, strict=False)
    styles: tuple[str, ...] = Field((), max_length=200, strict=False)
    seeds: tuple[SeedRow, ...] = Field((), max_length=200, strict=False)
    purpose: str = TEXT
    must_obey: str = TEXT
    style_switch: str = TEXT
    forbidden: str = TEXT
    negative: str = TEXT
    quality: str = TEXT
    license: str = TEXT
    credits: str = TEXT


TEXTS = ("name", "trigger", "core", "purpose", "must_obey", "style_switch", "forbidden", "negative", "quality",
         "license", "credits")  # fmt: skip
LISTS = ("expressions", "poses", "backgrounds", "styles")


def form_of(content: Mapping[str, Any], files: Sequence[str] = ()) -> CharacterForm:
    """The form of a file's content, with a row for each of the ``files`` that it does not name.

    Raises CharacterError where a field has another type than a form can show.
    """
    try:
        values: dict[str, Any] = {name: _text(content.get(name, "")) for name in TEXTS}
        for name in LISTS:
            given = content.get(name, ())
            values[name] = tuple(filter(None, (given,))) if isinstance(given, str) else tuple(given)
        for name in ("invariant", "unique"):
            pairs = _uncommented(content.get(name, {})).items()
            values[name] = tuple(PartRow(part=part, tags=_text(tags)) for part, tags in pairs)
        values["outfits"] = tuple(_outfit(*pair) for pair in _uncommented(content.get("outfits", {})).items())
        rows = [_seed(note) for note in content.get("seeds", ())]
        named = {row.file for row in rows}
        rows += [SeedRow(file=file) for file in files if file not in named]
        return CharacterForm(**values, seeds=tuple(rows))
    except (ValidationError, TypeError, AttributeError) as error:
        raise CharacterError("a field of the file has a type that the page cannot show") from error


def edited(content: Mapping[str, Any], form: CharacterForm) -> dict[str, Any]:
    """The content with what differs in the form."""
    before, found = form_of(content), dict(content)
    for name in (*TEXTS, *LISTS):
        new = getattr(form, name)
        if new != getattr(before, name):
            found[name] = list(new) if name in LISTS else new
    for name in ("invariant", "unique"):
        old, new_rows = getattr(before, name), getattr(form, name)
        if old != new_rows:
            changed = {row.part: row.tags for row in new_rows}
            found[name] = _parts(content.get(name, {}), {row.part: row.tags for row in old}, changed)
    if before.outfits != form.outfits:
        found["outfits"] = _outfits(content.get("outfits", {}), before.outfits, form.outfits)
    seeds = _seeds(content.get("seeds", ()), before.seeds, form.seeds)
    if seeds or "seeds" in content:
        found["seeds"] = seeds
    return found


def twice(form: CharacterForm) -> dict[str, str]:
    """Field → why, for each row whose name another row of its list has too, and for each row without one."""
    lists = {
        "invariant": [row.part for row in form.invariant],
        "unique": [row.part for row in form.unique],
        "outfits": [row.name for row in form.outfits],
    }
    found = {}
    for field, names in lists.items():
        for name, count in Counter(names).items():
            if not name.strip():
                found[field] = f"{field}: a row has no name"
            elif count > 1:
                found[f"{field}.{name}"] = f'{field} "{name}" is there twice: the last would win'
    return found


def _text(value: Any) -> str:
    """Tags or a text as one line."""
    if isinstance(value, str):
        return value
    return ", ".join(value)


def _uncommented(given: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in given.items() if not key.startswith(COMMENT)}


def _outfit(name: str, given: Mapping[str, Any]) -> OutfitRow:
    share = given.get("share")
    number = float(share) if isinstance(share, int | float) else None
    return OutfitRow(name=name, tags=_text(given.get("tags", "")), trigger=given.get("trigger", ""), share=number)


def _seed(given: Mapping[str, Any]) -> SeedRow:
    fields = {name: given.get(name, "") for name in ("file", "view", "framing", "outfit")}
    return SeedRow(**fields, tags=_text(given.get("tags", "")))


def _parts(given: Mapping[str, Any], old: Mapping[str, str], new: Mapping[str, str]) -> dict[str, Any]:
    """The new parts; one that is as before stays as it is written, after its comment."""
    found = {key: value for key, value in given.items() if key.startswith(COMMENT) and key[1:] not in old}
    for part, tags in new.items():
        if old.get(part) != tags:
            found[part] = tags
            continue
        if f"_{part}" in given:
            found[f"_{part}"] = given[f"_{part}"]
        found[part] = given[part]
    return found


def _outfits(given: Mapping[str, Any], old: Sequence[OutfitRow], new: Sequence[OutfitRow]) -> dict[str, Any]:
    found = {key: value for key, value in given.items() if key.startswith(COMMENT)}
    for row in new:
        if row in old:
            found[row.name] = given[row.name]
            continue
        rest = _uncommented(given.get(row.name, {}))
        fields = {"tags": row.tags, "trigger": row.trigger, "share": row.share}
        found[row.name] = rest | {key: value for key, value in fields.items() if value or key in ("tags", *rest)}
    return found


def _seeds(given: Sequence[Any], old: Sequence[SeedRow], new: Sequence[SeedRow]) -> list[Any]:
    """The entries of the rows that say something, or were there before."""
    entries = {row.file: (row, entry) for row, entry in zip(old, given, strict=True)}
    found = list[Any]()
    for row in new:
        before, entry = entries.get(row.file, (None, {}))
        if row == before:
            found.append(entry)
        elif before or row != SeedRow(file=row.file):
            found.append(_uncommented(entry) | row.model_dump())
    return found
