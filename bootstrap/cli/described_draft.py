"""A draft of character.json by a reader: what it says of the pictures, beside what the panel read in them."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import typer
from PIL import Image

from bootstrap.captions.vocabulary import Vocabulary
from bootstrap.character import Character
from bootstrap.character.core_tag import drafted_core_tag
from bootstrap.config import RunConfig
from bootstrap.errors import BackendError, UsageError
from bootstrap.machine.plain_output import one_line
from bootstrap.panel.availability import known_characters
from bootstrap.panel.draft import SEEN_AXES, WORN_AXES, Draft
from bootstrap.pictures.caption_text import decoded
from bootstrap.readers.asking import AskingReader
from bootstrap.readers.axis_reading import AxisReading
from bootstrap.readers.describing import CharacterDescriber, Described
from bootstrap.readers.kept_answers import cached_answers
from bootstrap.readers.open_reader import open_reader
from bootstrap.readers.reader_settings import ReaderSettings
from bootstrap.readers.seen_traits import DescribedTrait
from bootstrap.store.files import read_given, write_atomic
from bootstrap.store.near_files import or_near

__all__ = ["DescribedDraft", "ReadBy", "notes_of", "sidecar_of"]

CORE = {"girl": "1girl, solo", "boy": "1boy, solo", "other": "solo"}
"""What a character is drawn as → the head of its captions."""
MOST_NOTES = 1 << 20
"""Bytes of a file of notes."""
MOST_PICTURES = 8
"""Pictures that a reader is asked about: more say little that is new."""
Shown = Sequence[tuple[Path, int, Image.Image]]


@dataclass(frozen=True, slots=True)
class ReadBy:
    """Which reader is asked, whether pictures may leave this machine, and the author's notes.

    ``required``: a reader that answers nothing is an error; else the panel's own draft is written.
    """

    settings: ReaderSettings
    allow_upload: bool = False
    notes: str = ""
    required: bool = True

    def opened(self) -> AskingReader:
        """The reader with the answers of the user's cache. Raises ConfigError or BackendError."""
        return open_reader(self.settings, cached_answers(), allow_upload=self.allow_upload)


@dataclass
class DescribedDraft:
    """Describes the pictures of a draft, and remembers what was said for the file beside it."""

    by: ReadBy
    config: RunConfig
    found: Described | None = field(default=None, init=False)

    def character(self, draft: Draft, shown: Shown, opinions: Mapping[str, AxisReading]) -> Character | None:
        """The character as the reader has it; None where it answers nothing. ``opinions`` are what the panel reads
        besides the traits of the draft. Raises BackendError or ConfigError."""
        panel = self.config.panel
        pictures = {f"{path.name}#{n}" if n else path.name: image for path, n, image in shown[:MOST_PICTURES]}
        if len(shown) > MOST_PICTURES:
            told = f"note: the reader is asked about the first {MOST_PICTURES} of {len(shown)} pictures"
            typer.echo(told, err=True)
        try:
            with self.by.opened() as reader:
                describer = CharacterDescriber(
                    reader,
                    Vocabulary(panel.vocabulary),
                    self.config.base.dialect,
                    worn_axes=WORN_AXES,
                    skipped_axes=SEEN_AXES,
                    names=known_characters(panel),
                    settle=_asked if sys.stdin.isatty() and sys.stderr.isatty() else _left_blank,
                )
                read = {reading.axis: reading.scores(panel) for reading in draft.traits if reading.word}
                self.found = describer.described(pictures, self.by.notes, {**read, **opinions})
        except BackendError as error:
            if self.by.required:
                raise
            typer.echo(f"note: {one_line(str(error))}", err=True)
            return None
        if not any(reply.value for reply in self.found.replies):
            if self.by.required:
                raise BackendError(self.found.notes[0], "give another reader with --reader, or none: bootstrap init")
            return None
        return _as_character(draft, self.found.traits)

    def given(self, trigger: str) -> dict[str, Any]:
        """The fields of character.json that the reader says, with where each was seen as comments."""
        if self.found is None:
            return {}
        invariant, worn = dict[str, str](), list[str]()
        outfit = dict[str, str]()
        for trait in self.found.traits:
            if trait.state == "refused":
                continue
            if trait.worn:
                worn.append(trait.words)
                outfit[f"_{trait.part}"] = " | ".join(filter(None, (outfit.get(f"_{trait.part}"), trait.comment)))
                continue
            invariant[f"_{trait.part}"] = " | ".join(filter(None, (invariant.get(f"_{trait.part}"), trait.comment)))
            invariant[trait.part] = ", ".join(filter(None, (invariant.get(trait.part), trait.words)))
        for name in self.config.subject.expected:
            if not any(name.removesuffix("s") in part for part in invariant):
                invariant |= {f"_{name}": "nothing was read of it: write it in", name: ""}
        given: dict[str, Any] = {"invariant": invariant}
        given["outfits"] = {"default": {**outfit, "tags": ", ".join(filter(None, worn))}}
        if not self.config.base.demonstration:
            given["core"] = f"{CORE[self.found.person]}, {drafted_core_tag(trigger)}"
        return given

    def write(self, out: Path) -> None:
        """Print what was read, and write it beside the description, with every answer."""
        if self.found is None:
            return
        for trait in self.found.traits:
            typer.echo(one_line(f"{trait.part:<12} {trait.words or '(blank)'}: {trait.comment}"))
        for note in self.found.notes:
            typer.echo(one_line(f"note: {note}"))
        plain = {
            "version": 1,
            "reader": self.by.settings.name,
            "traits": [trait.plain() for trait in self.found.traits],
            "notes": list(self.found.notes),
            "answers": [asdict(reply) for reply in self.found.replies],
        }
        beside = sidecar_of(out)
        write_atomic(beside, (json.dumps(plain, ensure_ascii=False, indent=2) + "\n").encode())
        typer.echo(f"wrote {beside}: where each trait was seen, and every answer of the reader")


def sidecar_of(out: Path) -> Path:
    """The file beside a description that says where each trait was seen."""
    return out.with_name(f"{out.stem}.described.json")


def notes_of(path: Path | None) -> str:
    """The author's notes in a text file; "" without one. Raises UsageError."""
    if path is None:
        return ""
    try:
        return decoded(read_given(path, MOST_NOTES))
    except FileNotFoundError:
        raise UsageError(f'no such file "{path}"', or_near(path, "give a text file with --notes")) from None
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f'"{path}" cannot be read ({error})', "give a text in UTF-8 with --notes") from None


def _as_character(draft: Draft, traits: Sequence[DescribedTrait]) -> Character:
    """The character that captions of the seeds are written for."""
    invariant, worn = dict[str, list[str]](), list[str]()
    for trait in traits:
        if trait.words:
            (worn if trait.worn else invariant.setdefault(trait.part, [])).append(trait.words)
    parts = {part: ", ".join(words) for part, words in invariant.items()} or {"hair": ""}
    outfits = {"default": {"tags": ", ".join(worn)}} if worn else {}
    plain = {"name": draft.name, "trigger": draft.trigger, "invariant": parts, "outfits": outfits}
    return Character.model_validate(plain)


def _asked(part: str, words: Sequence[str], places: Sequence[str]) -> str:
    """What a person chooses on the terminal; "" to leave it blank."""
    typer.echo(f"{part}: the pictures disagree", err=True)
    for number, (word, place) in enumerate(zip(words, places, strict=True), 1):
        typer.echo(one_line(f"  {number}  {word} ({place})"), err=True)
    try:
        answer = typer.prompt("Which, or 0 to leave it blank", default=0, type=int, err=True)
    except typer.Abort:
        return ""
    return words[answer - 1] if 0 < answer <= len(words) else ""


def _left_blank(part: str, words: Sequence[str], places: Sequence[str]) -> str:
    """Nobody can be asked."""
    return ""
