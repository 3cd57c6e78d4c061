"""A character file that is being written on a page: what it says of each field, its captions and prompts, saving it.

Knows no request and loads no model: pictures, and what a panel read in them, are handed in.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any, Literal

from PIL import Image

from bootstrap.captions.vocabulary import Vocabulary, crowded_axes, unknown_words
from bootstrap.captions.wording import Wording
from bootstrap.character import Character, check_kind
from bootstrap.character.blanks import blank_traits
from bootstrap.character.character_file import character_of
from bootstrap.character.complexity import complexity_warnings, sameness_warnings
from bootstrap.character.form import CharacterForm, edited, form_of, twice
from bootstrap.character.triggers import word_warnings
from bootstrap.config import RunConfig
from bootstrap.errors import BootstrapError, CharacterError, OutputError
from bootstrap.panel.draft import Reading
from bootstrap.records import Seed
from bootstrap.seeds import SeedCaptioner, unread
from bootstrap.shots import Planner, places
from bootstrap.store.files import write_atomic

__all__ = ["DraftPicture", "FileThereError", "OpenDraft", "first_prompts"]

Kind = Literal["problem", "blank", "note"]
READ_LATER = "blank: the panel reads it when the run begins, and what it cannot read the trigger absorbs"


class FileThereError(Exception):
    """A file lies where the draft is to be saved; ``version`` names its content."""

    def __init__(self, path: Path, version: str) -> None:
        super().__init__(f'"{path}" exists already')
        self.version = version


@dataclass(frozen=True)
class DraftPicture:
    """A view of the character; ``file`` is its name in the character file ("sheet.png#2" for a figure)."""

    file: str
    path: Path
    number: int
    image: Image.Image
    remarks: Sequence[str] = ()


@dataclass
class OpenDraft:
    """A draft on a page: the content of the file that it was opened from, and where it is saved."""

    content: Mapping[str, Any]
    config: RunConfig
    pictures: Sequence[DraftPicture]
    out: Path
    readings: Sequence[Reading] = ()
    notes: Sequence[str] = ()
    names: Collection[str] = ()
    """Characters that the panel's tagger knows, folded."""
    next_commands: Sequence[str] = ()
    _saved: str = field(default="", init=False)
    """Digest of the file as this page wrote it."""

    def form(self) -> CharacterForm:
        """The fields to begin with."""
        return form_of(self.content, [picture.file for picture in self.pictures])

    def said(self, form: CharacterForm) -> dict[str, Any]:
        """What there is to say of a form: findings by field, the captions of its seeds, the first prompts of a run."""
        character, findings = self._read(form)
        said: dict[str, Any] = {"findings": findings, "captions": {}, "prompts": [], "negative": ""}
        if character is None or any(one["kind"] == "problem" for one in findings):
            return said  # parts that do not fit each other have no words
        wording, seeds = Wording.of(character, self.config), []
        captioner, phase = SeedCaptioner(wording, lambda image, phrases: ""), self.config.subject.growing.name
        rows = [row.file for row in form.seeds]
        for picture in self.pictures:
            place = f"seeds.{rows.index(picture.file)}" if picture.file in rows else "seeds"
            try:
                seed = captioner.caption(picture.path, "", "", picture.image, picture.number)
                said["captions"][picture.file] = ", ".join(wording.seed_caption(phase, captioner.shown(seed)))
            except BootstrapError as error:
                findings.append(_finding(place, "problem", str(error)))
                continue
            seeds.append(seed)
            findings += _unread(place, seed)
        said["prompts"] = first_prompts(character, self.config, seeds)
        said["negative"] = wording.negative(self.config.base.negative)
        return said

    def save(self, form: CharacterForm, replace: str = "") -> dict[str, str]:
        """Write the file, and keep a copy of one that another has written; returns both paths as texts.

        Raises CharacterError where the file would not load, and FileThereError where one lies there that is not
        ``replace``, the version that a person agreed to replace.
        """
        _, findings = self._read(form)
        if problems := [one["text"] for one in findings if one["kind"] == "problem"]:
            raise CharacterError(f"not saved: {'; '.join(problems)}", "correct these fields first")
        there, backup = _bytes(self.out), None
        if there is not None and _version(there) != self._saved:
            if _version(there) != replace:
                raise FileThereError(self.out, _version(there))
            backup = _free(self.out)
            write_atomic(backup, there)
        data = (json.dumps(edited(self.content, form), indent=2, ensure_ascii=False) + "\n").encode()
        write_atomic(self.out, data)
        self._saved = _version(data)
        return {"saved": str(self.out), "backup": str(backup or "")}

    def _read(self, form: CharacterForm) -> tuple[Character | None, list[dict[str, str]]]:
        """The character of a form, None where it has none, and what is found in its fields."""
        findings = [_finding(place, "problem", why) for place, why in twice(form).items()]
        character, problems = character_of(edited(self.content, form))
        fields = _fields(form)
        findings += [_finding(_field_of(text, fields), "problem", text) for text in problems]
        if character is None:
            return None, findings
        try:
            check_kind(character, self.config)
        except CharacterError as error:
            text = error.message.partition(": ")[2]
            findings.append(_finding(_field_of(text, fields), "problem", text))
        for place, why in blank_traits(character, self.config.subject.expected).items():
            findings.append(_finding(place, "blank", f"blank: {place.partition('.')[2]} {why}"))
        for text in self._notes(character):
            findings.append(_finding(_field_of(text, fields), "note", text))
        return character, findings

    def _notes(self, character: Character) -> Iterator[str]:
        """What a check says of its words."""
        words = self.config.panel.vocabulary
        yield from word_warnings(character, chain.from_iterable(words.values()), self.names)
        yield from complexity_warnings(character)
        yield from sameness_warnings(character, self.config)
        yield from crowded_axes(character, Vocabulary(words))
        for name, tags in unknown_words(character, Vocabulary(words)).items():
            yield f"{name}: no scorer can check {', '.join(tags)}"


def first_prompts(character: Character, config: RunConfig, seeds: Sequence[Seed]) -> list[dict[str, str]]:
    """The first prompt that a run writes in its first round for each view family, with the name of the view.

    It has no trigger where the round draws without a LoRA.
    """
    loop = config.schedule
    goal = places(loop.goals[0] if loop.goals else loop.target, loop.target, config.views)
    wanted = {cell: math.ceil(count * loop.candidates_a_place) for cell, count in goal.items()}
    calls = config.trains_to_draw and character.trains_seeds(config.subject.growing.name)  # a LoRA knows the trigger
    wording, found = Wording.of(character, config), dict[str, dict[str, str]]()
    for shot in Planner(character, config.views, config.subject, seeds).plan(wanted, []):
        if shot.view_family not in found:
            prompt = wording.prompt(shot, wording.traits(shot), trigger=calls)
            found[shot.view_family] = {"view": shot.view_family, "framing": shot.framing, "prompt": prompt}
    return [found[view_family] for view_family in config.views.families if view_family in found]


def _finding(place: str, kind: Kind, text: str) -> dict[str, str]:
    return {"field": place, "kind": kind, "text": text}


def _unread(place: str, seed: Seed) -> Iterator[dict[str, str]]:
    """The blanks of a seed's caption."""
    axes = unread(seed)
    for axis in ("view", "framing"):
        if axis in axes:
            yield _finding(f"{place}.{axis}", "blank", READ_LATER)
    if others := [axis for axis in axes if axis not in ("view", "framing")]:
        yield _finding(f"{place}.tags", "blank", f"{READ_LATER}: {', '.join(others)}")


def _fields(form: CharacterForm) -> list[str]:
    """The paths of all fields of a form, the longest first."""
    paths = list(CharacterForm.model_fields)
    paths += [f"invariant.{row.part}" for row in form.invariant] + [f"unique.{row.part}" for row in form.unique]
    for row in form.outfits:
        paths += [f"outfits.{row.name}", f"outfits.{row.name}.tags", f"outfits.{row.name}.trigger"]
        paths.append(f"outfits.{row.name}.share")
    for number, seed in enumerate(form.seeds):
        paths += [f"seeds.{number}", *(f"seeds.{number}.{name}" for name in type(seed).model_fields)]
    return sorted(paths, key=len, reverse=True)


def _field_of(text: str, fields: Sequence[str]) -> str:
    """The field whose path a sentence begins with; "" for none."""
    for path in fields:
        if text.startswith(path) and not text[len(path) : len(path) + 1].isalnum():
            return path
    return ""


def _bytes(path: Path) -> bytes | None:
    """The content of a file; None where there is none. Raises OutputError where it cannot be read."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        reason = error.strerror or str(error)
        raise OutputError(f'"{path}" cannot be replaced ({reason})', "choose another file with --out") from None


def _version(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:16]


def _free(path: Path) -> Path:
    """A name beside a file that nothing has, for a copy of it."""
    number, copy = 1, path.with_name(f"{path.name}.bak")
    while copy.exists():
        number += 1
        copy = path.with_name(f"{path.name}.bak{number}")
    return copy
