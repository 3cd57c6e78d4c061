"""Rating pictures of any folder against seeds, with a panel and no run: each scorer's value, or why it has none.

What was asked of a picture is read from its sidecar caption or from the prompt in its PNG text; a view that was
not asked for is read by words where that can be done. Chooses nothing: raw values have no threshold without decoys.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

from bootstrap.config import PanelConfig
from bootstrap.errors import PictureError, UsageError
from bootstrap.panel.models import PanelModels
from bootstrap.panel.seats import VIEW, panel_for
from bootstrap.pictures import SUFFIXES, open_picture, read_picture
from bootstrap.pictures import pictures_in as all_pictures_in
from bootstrap.pictures.caption_text import folded
from bootstrap.seeds import cuts
from bootstrap.store.near_files import or_near
from scoring.measurement import Measurement, Picture, digest_of, not_applicable

__all__ = ["Rated", "Rater", "as_plain", "pictures_in"]

SMALLEST = 16
"""Pixels of the shorter side below which a picture is not rated."""
AT_ONCE = 32


@dataclass(frozen=True, slots=True)
class Asked:
    """What a caption or prompt asks for: its tags, the view family and framing among them ("" where it has none)."""

    tags: tuple[str, ...] = ()
    view_family: str = ""
    framing: str = ""


@dataclass(frozen=True)
class Rated:
    """One picture's answers. ``view_family`` was asked for or read; ``unreadable`` says why it could not be opened."""

    path: Path
    asked: Asked = Asked()
    view_family: str = ""
    answers: Mapping[str, Measurement] | None = None
    failures: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    score: float | None = None
    unreadable: str = ""


class Rater:
    """A panel that compares with some seeds. Raises PictureError for a seed that cannot be used."""

    def __init__(self, models: PanelModels, config: PanelConfig, against: Sequence[Path]) -> None:
        self._models, self._config = models, config
        self._views = {
            phrase: view_family for view_family, phrases in config.view_phrases.items() for phrase in phrases
        }
        references = [picture for path in against for picture in self._reference(path)]
        self.panel = panel_for(models, config, references)

    @property
    def deciding(self) -> str:
        """The scorer by which pictures are sorted: the first of identity; "" if there is none."""
        return next(iter(self.panel.names("identity")), "")

    def rate(self, paths: Sequence[Path]) -> list[Rated]:
        """The pictures with their answers, the most alike first, those that cannot be opened last."""
        rated: list[Rated] = []
        for start in range(0, len(paths), AT_ONCE):
            rated += self._rate(paths[start : start + AT_ONCE])
        return sorted(rated, key=lambda one: (one.score is None, -(one.score or 0.0), str(one.path)))

    def _rate(self, paths: Sequence[Path]) -> list[Rated]:
        opened: dict[Path, tuple[Asked, Picture]] = {}
        broken: list[Rated] = []
        for path in paths:
            try:
                image, _ = open_picture(path, SMALLEST)
            except PictureError as error:
                broken.append(Rated(path, unreadable=error.message))
                continue
            asked = asked_of(path, self._views, self._config.composition)
            opened[path] = asked, self._picture(image, asked)
        answers = self.panel.measure([picture for _, picture in opened.values()])
        rated = []
        for (path, (asked, picture)), row in zip(opened.items(), answers, strict=True):
            rated.append(self._rated(path, asked, picture, row))
        return [*rated, *broken]

    def _rated(self, path: Path, asked: Asked, picture: Picture, answers: Mapping[str, Measurement]) -> Rated:
        if not asked.view_family:
            read = f"reads as {picture.view_family}" if picture.view_family else "and it could not be read"
            answers = {**answers, VIEW: not_applicable(f"no view was asked for; {read}")}
        failures = tuple(self.panel.failing(answers))
        score = answers[self.deciding].value if self.deciding else None
        return Rated(path, asked, picture.view_family, answers, failures, self._unknown(asked), score)

    def _picture(self, image: Image.Image, asked: Asked) -> Picture:
        view_family = asked.view_family or self._views.get(self._models.read(image, list(self._views)), "")
        return Picture(image, digest_of(image), view_family, asked.framing, {"caption": ", ".join(asked.tags)})

    def _reference(self, path: Path) -> list[Picture]:
        """A seed and its tighter crops, as the loop compares with them."""
        image, _ = open_picture(path)
        asked = asked_of(path, self._views, self._config.composition)
        view_family = self._picture(image, asked).view_family or "front"
        parts = cuts(image, asked.framing, self._config.composition, max(256, min(image.size)))
        return [
            Picture(cut.image, digest_of(cut.image), view_family, cut.framing or "upper body")
            for cut in parts
            if cut.kind != "altered"
        ]

    def _unknown(self, asked: Asked) -> tuple[str, ...]:
        """Tags that are in no vocabulary of the panel: no scorer can check them."""
        words = {word for words in self._config.vocabulary.values() for word in words}
        seen = {part for phrase in self._views for part in phrase.split(", ")} | set(self._config.composition)
        return tuple(tag for tag in asked.tags if tag not in seen and not _means_one_of(tag, words))


def pictures_in(folder: Path) -> list[Path]:
    """Every picture in a folder and below it, sorted. Raises UsageError when there is no folder or no picture."""
    if not folder.is_dir():
        raise UsageError(f'no such folder "{folder}"', or_near(folder, "give a folder with pictures"))
    found = all_pictures_in(folder, levels=None)
    if not found:
        raise UsageError(f'"{folder}" holds no picture', f"give a folder with {', '.join(SUFFIXES)} files")
    return found


def _means_one_of(tag: str, words: Collection[str]) -> bool:
    """Whether a tag is a word, or ends in one ("pale blue hair")."""
    return any(tag == word or tag.endswith(f" {word}") for word in words)


def asked_of(path: Path, views: Mapping[str, str], framings: Collection[str]) -> Asked:
    """What the sidecar caption of a picture, or else the prompt in its PNG text, asks for."""
    tags = tuple(dict.fromkeys(folded(tag) for tag in read_picture(path, prompts=True).tags))
    named = [phrase for phrase in views if set(phrase.split(", ")) <= set(tags)]
    view_family = views[max(named, key=len)] if named else ""
    return Asked(tags, view_family, next((tag for tag in tags if tag in framings), ""))


def as_plain(rated: Rated, folder: Path) -> dict[str, Any]:
    """A rated picture as plain data: file, score, view, every measurement with its state and reason."""
    return {
        "file": rated.path.relative_to(folder).as_posix(),
        "score": rated.score,
        "view": rated.view_family or None,
        "asked": list(rated.asked.tags),
        "unknown_words": list(rated.unknown),
        "failures": list(rated.failures),
        "unreadable": rated.unreadable or None,
        "measurements": {
            name: {"state": "measured" if one.applicable else "not applicable", "value": one.value, "why": one.why}
            for name, one in (rated.answers or {}).items()
        },
    }
