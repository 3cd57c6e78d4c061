"""What a seed shows besides the character: its own caption, which decides what the trigger absorbs.

View, framing, outfit, background and style come from the sidecar .txt, from ``seeds`` in character.json, or are read
zero-shot with a margin; what cannot be read is left empty and reported. Where nobody wrote tags, what a tagger sees
besides is added. Knows no model: what reads and what tags is handed in.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from PIL import Image

from bootstrap.captions.several_tags import axis_in, numbered
from bootstrap.captions.withholding import left_named
from bootstrap.captions.wording import OTHER_TAG, SEEN_TAG, Wording
from bootstrap.character import SeedNote
from bootstrap.errors import SeedError
from bootstrap.pictures import read_picture, square
from bootstrap.pictures.caption_text import folded, is_sentence, phrase_of, spaced
from bootstrap.pictures.file_names import comparable, written_name
from bootstrap.records import Seed

__all__ = ["Read", "SeedCaptioner", "Tag", "named_in_words", "unread"]

Read = Callable[[Image.Image, Sequence[str]], str]
"""Reads which phrase a picture shows; "" when the best does not lead by the margin."""
Tag = Callable[[Image.Image], Sequence[str]]
"""The tags that a picture shows, the surest first."""
Origin = Literal["sidecar", "character.json", "read"]
"""Where the caption of a seed comes from."""


@dataclass(frozen=True)
class SeedWords:
    """What somebody wrote about a picture: where, and (axis, tag) of what is no view, framing or outfit, in order."""

    origin: Origin = "read"
    view: str = ""
    framing: str = ""
    outfit: str = ""
    tags: tuple[tuple[str, str], ...] = ()

    def completed(self, other: SeedWords) -> SeedWords:
        """This, with what ``other`` says of axes that this says nothing of."""
        axes = {axis for axis, _ in self.tags if axis != OTHER_TAG}
        more = [(axis, tag) for axis, tag in other.tags if axis not in axes and (axis, tag) not in self.tags]
        view, framing, outfit = self.view or other.view, self.framing or other.framing, self.outfit or other.outfit
        return SeedWords(self.origin, view, framing, outfit, (*self.tags, *more))


@dataclass(frozen=True)
class SeedCaptioner:
    """Finds out what each seed shows besides the character."""

    wording: Wording
    read: Read
    tag: Tag = lambda image: ()

    def caption(self, path: Path, stored: str, sha256: str, image: Image.Image, figure: int = 0) -> Seed:
        """The Seed record of a picture, or of a figure of a sheet; its tags are ``axis=tag`` texts of what it shows.

        Raises SeedError when what was written about it cannot be used.
        """
        written = self._written(path, figure)
        padded, phrases = square(image), self._phrases()
        view_family, view = self._view(written.view or self.read(padded, phrases["view"]))
        framing = written.framing or self.read(padded, phrases["framing"])
        hidden = {"view", "framing"} | self.wording.views.hidden(view_family, framing)
        described, seen = {axis for axis, _ in written.tags}, []
        for axis, words in phrases.items():
            if axis not in hidden | described and (words or not written.tags):  # whoever wrote tags wrote all of them
                seen.append((axis, self.read(padded, words)))
        tags = numbered([*seen, *written.tags, *(() if written.tags else self._tagged(padded))])
        return Seed(
            path=stored,
            sha256=sha256,
            source=f"{written_name(path)}#{figure}" if figure else written_name(path),
            view_family=view_family,
            view=view,
            framing=framing,
            outfit=written.outfit or next(iter(self.wording.character.wardrobe)),
            tags=tuple(f"{axis}={tag}" for axis, tag in tags.items()),
            caption_from=written.origin,
        )

    def described_whole(self, path: Path) -> bool:
        """Whether a picture is one view, and no sheet: somebody wrote what the whole shows, or its kind has
        no figures."""
        if not self.wording.subject.figures or read_picture(path).origin == "sidecar":
            return True
        note = self._note(path.name)
        return note is not None and bool(note.view or note.framing)

    def is_character(self, path: Path, figure: int = 0) -> bool:
        """Whether somebody wrote that a picture shows the character: a note of it, or a caption with the trigger."""
        if self._note(path.name, figure) is not None:
            return True
        trigger = folded(self.wording.character.trigger)
        return trigger in {folded(tag) for tag in read_picture(path).tags}

    def shown(self, seed: Seed) -> dict[str, str]:
        """Axis → tag of everything the seed shows that is not the character, in caption order; unread axes left out."""
        shown = list(self.wording.outfit(seed.outfit).items())
        if seed.view:
            shown.append(("view", self.wording.views.families[seed.view_family].views[seed.view]))
        shown.append(("framing", seed.framing))
        for text in seed.tags:
            axis, _, tag = text.partition("=")
            shown.append((axis, tag))
        return numbered([(axis_in(key), tag) for key, tag in shown if tag])

    def left_named(self, seed: Seed) -> list[str]:
        """The identity tags that the seed's caption names in words that cannot be withheld from it."""
        found: list[str] = []
        for text in seed.tags:
            found += left_named(text.partition("=")[2], self.wording.character.identity)
        return list(dict.fromkeys(found))

    def _written(self, path: Path, figure: int) -> SeedWords:
        """What was written about a picture: in its sidecar, and what that does not say in character.json."""
        picture, note = read_picture(path), self._note(path.name, figure)
        noted = SeedWords()
        if note is not None:
            noted = self._sorted(note.tags, "character.json", note)
        if picture.origin != "sidecar" or figure:
            return noted
        if picture.error is not None:
            raise SeedError(f'"{picture.source}" cannot be read ({picture.error})', "save it as UTF-8 text")
        return self._sorted(picture.tags, "sidecar").completed(noted)

    def _tagged(self, image: Image.Image) -> list[tuple[str, str]]:
        """What a tagger sees that is neither the character nor on an axis: those are read by themselves."""
        views = self.wording.views
        read = {word for phrase in (*views.phrases, *views.framings) for word in phrase.split(", ")}
        found = self._sorted(self.tag(image), "read").tags
        return [(SEEN_TAG, tag) for axis, tag in found if axis == OTHER_TAG and folded(tag) not in read]

    def _note(self, name: str, figure: int = 0) -> SeedNote | None:
        """The note of a picture; a figure's own ("sheet.png#2") comes before the sheet's."""
        notes = {comparable(note.file): note for note in self.wording.character.seeds}
        return notes.get(comparable(f"{name}#{figure}")) or notes.get(comparable(name))

    def _phrases(self) -> dict[str, tuple[str, ...]]:
        """What is read where nothing was written; axes whose words the panel does not know are left unread."""
        phrases = {"view": self.wording.views.phrases, "framing": tuple(self.wording.views.framings)}
        for axis in self.wording.subject.scene_axes:
            phrases[axis] = self.wording.words.get(axis, ())
        return phrases

    def _sorted(self, tags: Sequence[str], origin: Origin, note: SeedNote | None = None) -> SeedWords:
        """Tags by what they say. Identity and outfit tags are known from character.json and left out."""
        character, views = self.wording.character, self.wording.views
        words = {folded(tag): self._spelled(tag) for tag in tags}
        said = [phrase for phrase in views.phrases if {folded(tag) for tag in phrase.split(", ")} <= set(words)]
        note = note or SeedNote(file="")
        view = note.view or max(said, key=len, default="")
        framing = note.framing or next((word for word in words.values() if word in views.framings), "")
        outfit = note.outfit or self._outfit_of(words)
        known = [
            *character.identity,
            *character.core,
            *character.style_switch,
            *character.unique.values(),
            character.trigger,
            *views.tags_of(view).split(", "),
            framing,
            *(character.wardrobe[outfit].tags if outfit else ()),
        ]
        left_out, found = {folded(tag) for tag in known}, []
        values = self._values_in(words)
        identity = re.compile("|".join(map(phrase_of, character.identity)) or r"(?!)", re.IGNORECASE)
        for word in words.values():
            of_values = [one for one in values if folded(word) in _parts(one[1])]
            found += [one for one in of_values if one not in found]
            if not of_values and folded(word) not in left_out and not identity.fullmatch(word):
                found.append((self._axis_of(word), word))
        return SeedWords(origin, view, framing, outfit, tuple(found))

    def _values_in(self, words: Collection[str]) -> list[tuple[str, str]]:
        """Axis → the longest of its values of which every tag is among ``words``: "1girl, red hair" is one wearer."""
        found = []
        for axis in self.wording.subject.scene_axes:
            config = self.wording.subject.axes[axis]
            values = self.wording.character.values(config.words, axis) or config.defaults
            said = [value for value in values if _parts(value) <= {*words}]
            if said:
                found.append((axis, max(said, key=len)))
        return found

    def _spelled(self, tag: str) -> str:
        """A tag as the panel and the views spell it; a word that they do not know, and a sentence, as written."""
        if is_sentence(tag):
            return tag
        word = folded(tag)
        known = word == self.wording.vocabulary.meaning(word) or word in self.wording.views.framings
        return word if known else spaced(tag)

    def _axis_of(self, tag: str) -> str:
        return OTHER_TAG if is_sentence(tag) else self.wording.axis_of(tag, OTHER_TAG)

    def _outfit_of(self, words: Collection[str]) -> str:
        """The outfit of which most tags are among these; "" where none has one."""
        worn = {}
        for name, outfit in self.wording.character.wardrobe.items():
            worn[name] = sum(folded(tag) in words for tag in outfit.tags)
        return max(worn, key=lambda name: worn[name]) if any(worn.values()) else ""

    def _view(self, written: str) -> tuple[str, str]:
        """View family and view of what was written: a name or a view's tags; the first family for nothing."""
        families = self.wording.views.families
        for view_family, plan in families.items():
            for name, tags in plan.views.items():
                if written in (name, view_family, tags):
                    return view_family, name
        if written:
            names = [name for plan in families.values() for name in plan.views]
            raise SeedError(f'seed view "{written}" is unknown', f"use one of: {', '.join(names)}")
        return next(iter(families)), ""


def _parts(value: str) -> set[str]:
    """The single tags of a value, comparable."""
    return {folded(tag) for tag in value.split(", ")}


def unread(seed: Seed) -> tuple[str, ...]:
    """The axes of a seed that nobody described and that could not be read: the trigger may absorb them."""
    empty = []
    if not seed.view:
        empty.append("view")
    if not seed.framing:
        empty.append("framing")
    for text in seed.tags:
        axis, equals, tag = text.partition("=")
        if equals and not tag:
            empty.append(axis)
    return tuple(empty)


def named_in_words(tags: Sequence[str]) -> str:
    """What a person should know of a caption that names identity in words of its own."""
    named = ", ".join(f'"{tag}"' for tag in tags)
    return f"the caption names {named}, which the trigger should mean: write it without"
