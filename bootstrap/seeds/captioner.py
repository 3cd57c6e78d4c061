"""What a seed shows besides the character: its own caption, which decides what the trigger absorbs.

View, framing, outfit, background and style come from the sidecar .txt, from ``seeds`` in character.json, or are read
zero-shot with a margin; what could not be read is said, not guessed. Knows no model: the zero-shot reader is handed in.
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
        said, origin = self._said(path, figure)
        padded, phrases = square(image), self._phrases()
        view, framing = (said.pop(axis, "") or self.read(padded, phrases[axis]) for axis in ("view", "framing"))
        view_family, view = self._view(view)
        hidden = {"view", "framing"} | self.wording.views.hidden(view_family, framing)
        others = {axis: tag for axis, tag in said.items() if axis not in phrases}
        seen = {
            axis: said.get(axis) or self.read(padded, of_axis)
            for axis, of_axis in phrases.items()
            if axis in said or axis not in hidden
        }
        return Seed(
            path=stored,
            sha256=sha256,
            source=f"{path}#{figure}" if figure else str(path),
            view_family=view_family,
            view=view,
            framing=framing,
            outfit=others.pop("outfit", "") or next(iter(self._outfits())),
            tags=tuple(f"{axis}={tag}" for axis, tag in {**others, **seen}.items()),
            caption_from=origin,
        )

    def told_whole(self, path: Path) -> bool:
        """Whether somebody wrote how the whole picture shows the character: then it is one view, and no sheet."""
        note = self._note(path.name)
        return read_picture(path).origin == "sidecar" or (note is not None and bool(note.view or note.framing))

    def _said(self, path: Path, figure: int) -> tuple[dict[str, str], str]:
        """What was written about a picture (axis → tag), and where."""
        written, note = read_picture(path), self._note(path.name, figure)
        if written.origin == "sidecar" and not figure:
            if written.error is not None:
                raise SeedError(f'"{written.source}" cannot be read ({written.error})', "save it as UTF-8 text")
            return self._from_tags(written.tags), "sidecar"
        return (self._from_note(note), "character.json") if note else ({}, "read")

    def _note(self, name: str, figure: int = 0) -> SeedNote | None:
        """The note of a picture; a figure's own ("sheet.png#2") comes before the sheet's."""
        notes = {note.file: note for note in self.wording.character.seeds}
        return notes.get(f"{name}#{figure}") or notes.get(name)

    def shown(self, seed: Seed) -> dict[str, str]:
        """Axis → tag of everything the seed shows that is not the character, in caption order; unread axes left out."""
        views = self.wording.views.families
        worn = self.wording.outfit(seed.outfit)
        looked = {"view": views[seed.view_family].views[seed.view] if seed.view else "", "framing": seed.framing}
        rest = dict(tag.split("=", 1) for tag in seed.tags)
        return {axis: tag for axis, tag in {**worn, **looked, **rest}.items() if tag}

    def _phrases(self) -> dict[str, tuple[str, ...]]:
        """What is read where nobody said it; axes whose words the panel does not know are left unread."""
        views, words = self.wording.views, self.wording.words
        phrases = {"view": views.phrases, "framing": tuple(views.framings)}
        return phrases | {axis: words.get(axis, ()) for axis in self.wording.subject.scene_axes}

    def _from_note(self, note: SeedNote) -> dict[str, str]:
        said = self._from_tags(note.tags)
        named = {"view": note.view, "framing": note.framing, "outfit": note.outfit}
        return said | {axis: tag for axis, tag in named.items() if tag}

    def _from_tags(self, tags: Sequence[str]) -> dict[str, str]:
        """Axis → tag of a list of tags; identity and outfit tags are known from character.json and left out."""
        words = [tag.strip().replace("_", " ") for tag in tags if tag.strip()]
        view = max((v for v in self.wording.views.phrases if set(v.split(", ")) <= set(words)), key=len, default="")
        own = {
            *self.wording.character.identity,
            *self.wording.character.core,
            *self.wording.character.style_switch,
            *self.wording.character.unique.values(),
            self.wording.character.trigger,
            *view.split(", "),
            *(tag for outfit in self._outfits().values() for tag in outfit),
        }
        said = {self.wording.axis_of(word, f"tag {n}"): word for n, word in enumerate(words) if word not in own}
        return said | ({"view": view} if view else {})

    def _outfits(self) -> dict[str, tuple[str, ...]]:
        return {name: outfit.tags for name, outfit in self.wording.character.wardrobe.items()}

    def _view(self, said: str) -> tuple[str, str]:
        """Family and view name of what was said (a view family, a view name, or tags); front where nothing is known."""
        for view_family, plan in self.wording.views.families.items():
            for name, tags in plan.views.items():
                if said in (name, view_family, tags):
                    return view_family, name
        if said:
            names = [name for plan in self.wording.views.families.values() for name in plan.views]
            raise SeedError(f'seed view "{said}" is unknown', f"use one of: {', '.join(names)}")
        return next(iter(self.wording.views.families)), ""


def unread(seed: Seed) -> tuple[str, ...]:
    """The axes of a seed that nobody said and that could not be read: the trigger may swallow them."""
    empty = [tag.partition("=")[0] for tag in seed.tags if tag.endswith("=")]
    return (*(["view"] if not seed.view else []), *(["framing"] if not seed.framing else []), *empty)
