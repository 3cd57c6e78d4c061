"""What a seed shows besides the character: its own caption, which decides what the trigger absorbs.

View, framing, outfit, background and style come from the sidecar .txt, from ``seeds`` in character.json, or are read
zero-shot with a margin; what cannot be read is left empty and reported. Knows no model: the zero-shot reader is handed
in.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from bootstrap.captions.wording import Wording
from bootstrap.character import SeedNote
from bootstrap.errors import SeedError
from bootstrap.pictures import read_picture, square
from bootstrap.pictures.file_names import comparable, written_name
from bootstrap.records import Seed

__all__ = ["Read", "SeedCaptioner", "unread"]

Read = Callable[[Image.Image, Sequence[str]], str]
"""Reads which phrase a picture shows; "" when the best does not lead by the margin."""


@dataclass(frozen=True)
class SeedCaptioner:
    """Finds out what each seed shows besides the character."""

    wording: Wording
    read: Read

    def caption(self, path: Path, stored: str, sha256: str, image: Image.Image, figure: int = 0) -> Seed:
        """The Seed record of a picture, or of a figure of a sheet; its tags are ``axis=tag`` texts of what it shows.

        Raises SeedError when what was written about it cannot be used.
        """
        written, origin = self._written(path, figure)
        padded, phrases = square(image), self._phrases()
        view_family, view = self._view(written.pop("view", "") or self.read(padded, phrases["view"]))
        framing = written.pop("framing", "") or self.read(padded, phrases["framing"])
        others = {axis: tag for axis, tag in written.items() if axis not in phrases}
        outfit = others.pop(self.wording.subject.outfit_axis, "")
        hidden = {"view", "framing"} | self.wording.views.hidden(view_family, framing)
        seen = {}
        for axis, words in phrases.items():
            if axis in written:
                seen[axis] = written[axis]
            elif axis not in hidden:
                seen[axis] = self.read(padded, words)
        return Seed(
            path=stored,
            sha256=sha256,
            source=f"{written_name(path)}#{figure}" if figure else written_name(path),
            view_family=view_family,
            view=view,
            framing=framing,
            outfit=outfit or next(iter(self.wording.character.wardrobe)),
            tags=tuple(f"{axis}={tag}" for axis, tag in {**others, **seen}.items()),
            caption_from=origin,
        )

    def described_whole(self, path: Path) -> bool:
        """Whether somebody wrote how the whole picture shows the character: then it is one view, and no sheet."""
        if read_picture(path).origin == "sidecar":
            return True
        note = self._note(path.name)
        return note is not None and bool(note.view or note.framing)

    def shown(self, seed: Seed) -> dict[str, str]:
        """Axis → tag of everything the seed shows that is not the character, in caption order; unread axes left out."""
        shown = self.wording.outfit(seed.outfit)
        if seed.view:
            shown["view"] = self.wording.views.families[seed.view_family].views[seed.view]
        shown["framing"] = seed.framing
        for text in seed.tags:
            axis, _, tag = text.partition("=")
            shown[axis] = tag
        return {axis: tag for axis, tag in shown.items() if tag}

    def _written(self, path: Path, figure: int) -> tuple[dict[str, str], str]:
        """What was written about a picture (axis → tag), and where."""
        picture, note = read_picture(path), self._note(path.name, figure)
        if picture.origin == "sidecar" and not figure:
            if picture.error is not None:
                raise SeedError(f'"{picture.source}" cannot be read ({picture.error})', "save it as UTF-8 text")
            return self._from_tags(picture.tags), "sidecar"
        if note is not None:
            return self._from_note(note), "character.json"
        return {}, "read"

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

    def _from_note(self, note: SeedNote) -> dict[str, str]:
        written = self._from_tags(note.tags)
        for axis, tag in (
            ("view", note.view),
            ("framing", note.framing),
            (self.wording.subject.outfit_axis, note.outfit),
        ):
            if tag:
                written[axis] = tag
        return written

    def _from_tags(self, tags: Sequence[str]) -> dict[str, str]:
        """Axis → tag of a list of tags; identity and outfit tags are known from character.json and left out."""
        words = [tag.strip().replace("_", " ") for tag in tags if tag.strip()]
        views = [phrase for phrase in self.wording.views.phrases if set(phrase.split(", ")) <= set(words)]
        view, character = max(views, key=len, default=""), self.wording.character
        left_out = {
            *character.identity,
            *character.core,
            *character.style_switch,
            *character.unique.values(),
            character.trigger,
            *view.split(", "),
            *character.outfit_tags,
        }
        written = {}
        for number, word in enumerate(words):
            if word not in left_out:
                written[self.wording.axis_of(word, f"tag {number}")] = word
        if view:
            written["view"] = view
        return written

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


def unread(seed: Seed) -> tuple[str, ...]:
    """The axes of a seed that nobody described and that could not be read: the trigger may absorb them."""
    empty = []
    if not seed.view:
        empty.append("view")
    if not seed.framing:
        empty.append("framing")
    return (*empty, *(tag.partition("=")[0] for tag in seed.tags if tag.endswith("=")))
