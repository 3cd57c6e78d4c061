"""Is the picture what was asked? View and traits read by words: the margin of the asked phrase over its rivals.

No absolute CLIP similarity separates right from wrong; margins between phrases that exclude each other do. Knows no
threshold beyond the slack it is given: a check's value ≥ 0 means "as asked".
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Mapping, Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from scoring.crops import Crops
from scoring.features import Encoder, Features, Vectors, Vocabulary, WordEncoder
from scoring.materials import Materials
from scoring.measurement import Measurement, Picture, not_applicable
from scoring.settings import About, Reader, Role, ScorerSettings


def log_probabilities(
    encoder: WordEncoder,
    features: Features,
    pictures: Sequence[Picture],
    phrases: Sequence[str],
    heads: Crops | None = None,
) -> NDArray[np.float64]:
    """Log-probability of each phrase against the others, shape (pictures, phrases).

    Whole pictures are read, or with ``heads`` their head crops (whole where the framing shows none).
    """
    images = features.vectors(encoder, pictures) if heads is None else _head_vectors(encoder, features, pictures, heads)
    logits = encoder.scale * (images @ encoder.embed_words(phrases).T).astype(np.float64)
    logits -= logits.max(axis=1, keepdims=True)
    result: NDArray[np.float64] = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    return result


def _head_vectors(encoder: WordEncoder, features: Features, pictures: Sequence[Picture], heads: Crops) -> Vectors:
    """Embeddings of head crops, in order; pictures whose crop is cut alike are embedded together."""
    heads.look(pictures)
    keys = [heads.key(picture, "head") for picture in pictures]
    rows: dict[int, NDArray[np.float32]] = {}
    for key in dict.fromkeys(keys):
        where = [place for place, own in enumerate(keys) if own == key]
        group = [pictures[place] for place in where]
        found = features.vectors(encoder, group, key, lambda picture: heads.cut(picture, "head") or picture.image)
        rows.update(zip(where, found, strict=True))
    return np.stack([rows[place] for place in range(len(pictures))])


def read_axis(
    encoder: WordEncoder, features: Features, picture: Picture, phrases: Sequence[str], margin: float = 0.0
) -> tuple[str | None, float]:
    """The phrase that a picture shows, and by how much (log-probability) it leads the next.

    Returns:
        (phrase, lead); (None, lead) when the lead is smaller than ``margin``: could not be read.
    """
    if len(phrases) < 2:
        return None, 0.0
    row = log_probabilities(encoder, features, [picture], phrases)[0]
    order = np.argsort(-row, kind="stable")
    lead = float(row[order[0]] - row[order[1]])
    return (phrases[int(order[0])] if lead >= margin else None), lead


class ViewSettings(ScorerSettings):
    """How far the asked view must lead."""

    kind: Literal["view"] = "view"
    role: Role = "check"
    about: About = "shot"
    margin: float = 0.0
    """Log-probability by which the asked view must lead; below 0: by which it may trail."""

    @property
    def uses(self) -> tuple[str, ...]:
        """CLIP."""
        return ("clip",)


class ViewCheck:
    """Does the picture show the view family that was asked, and the side where the family has two?

    The value is the log-probability of the asked view family minus that of the best other one, or of the asked phrase
    minus that of the same with left and right exchanged, whichever is smaller, minus ``slack``: ≥ 0 is as asked.
    ``why`` names the family, or the phrase of the other side, that it reads as.

    Args:
        encoder: a word encoder. features: its cache.
        phrases: view family → phrases that name it.
        slack: lead that is demanded (negative: that may be missing).
    """

    Settings = ViewSettings

    def __init__(
        self,
        encoder: WordEncoder,
        features: Features,
        phrases: Vocabulary,
        slack: float = 0.0,
        name: str = "view",
    ) -> None:
        self.name = name
        self._encoder, self._features, self._slack = encoder, features, slack
        self._families = list(phrases)
        self._phrases = [phrase for view_family in phrases for phrase in phrases[view_family]]
        self._owner = np.array([i for i, view_family in enumerate(phrases) for _ in phrases[view_family]])
        self.fingerprint = _fingerprint(encoder, phrases, slack)

    @classmethod
    def make(cls, name: str, settings: ViewSettings, materials: Materials) -> ViewCheck:
        """By the panel's phrases, read by CLIP."""
        return cls(materials.clip, materials.features, materials.view_phrases, settings.margin, name)

    def score(self, pictures: Sequence[Picture]) -> list[Measurement]:
        """The margin of the asked view family for each picture."""
        if not pictures:
            return []
        rows = log_probabilities(self._encoder, self._features, pictures, self._phrases)
        return [self._measure(picture, row) for picture, row in zip(pictures, rows, strict=True)]

    def _measure(self, picture: Picture, row: NDArray[np.float64]) -> Measurement:
        if picture.view_family not in self._families:
            return not_applicable(f"no words for the view '{picture.view_family}'")
        view_family = np.array([np.logaddexp.reduce(row[self._owner == i]) for i in range(len(self._families))])
        asked = self._families.index(picture.view_family)
        other = int(np.argmax(np.where(np.arange(len(view_family)) == asked, -np.inf, view_family)))
        value = float(view_family[asked] - view_family[other]) - self._slack
        if value < 0:
            return Measurement(value, f"reads as {self._families[other]}, not {picture.view_family}")
        words = picture.asked.get("view", "")
        mirrored = _mirrored(words)
        if mirrored == words or not {words, mirrored} <= set(self._phrases):
            return Measurement(value)
        side = float(row[self._phrases.index(words)] - row[self._phrases.index(mirrored)]) - self._slack
        return Measurement(min(value, side), f"reads as '{mirrored}'" if side < 0 else "")


def _mirrored(phrase: str) -> str:
    """A phrase with "left" and "right" exchanged."""
    other = {"left": "right", "right": "left"}
    return re.sub(r"\b(left|right)\b", lambda side: other[side[0]], phrase)


class TraitSettings(ScorerSettings):
    """Which traits are read, by which model, and how far they may trail."""

    kind: Literal["traits"] = "traits"
    role: Role = "check"
    about: About = "subject"
    reader: Reader = "clip"
    """The model that reads the words."""
    axes: tuple[str, ...] | None = None
    """Axes that it reads well enough to check on every frame; null checks all of the vocabulary."""
    margin: float = -0.5
    """Log-probability (of a tagger: log-odds) by which a visible trait must lead; below 0: by which it may trail."""
    heads: bool = False
    """Read head crops instead of whole pictures."""

    @property
    def uses(self) -> tuple[str, ...]:
        """Its reader."""
        return (self.reader,)


class TraitCheck:
    """Does the picture show every asked identity trait that can be seen?

    The value is the smallest, over visible axes, of (log-probability of the asked word − that of the best other word of
    its axis), minus ``slack``: ≥ 0 is as asked. ``why`` lists the axes that fail. Words outside the vocabulary are
    skipped; when none is left the answer is not applicable (`unreadable` names them).

    Args:
        encoder: a word encoder. features: its cache.
        vocabulary: axis → phrases that exclude each other.
        axes: the asked axes that are checked (identity traits); None checks all of them.
        hidden_by_family: view family → axes that cannot be seen from there.
        hidden_by_framing: framing → axes it does not show.
        slack: lead that is demanded (negative: that may be missing).
        heads: read head crops instead of whole pictures.
    """

    Settings = TraitSettings

    def __init__(
        self,
        encoder: WordEncoder,
        features: Features,
        vocabulary: Vocabulary,
        axes: Collection[str] | None = None,
        hidden_by_family: Mapping[str, Collection[str]] | None = None,
        hidden_by_framing: Mapping[str, Collection[str]] | None = None,
        slack: float = 0.0,
        heads: Crops | None = None,
        name: str = "traits",
    ) -> None:
        self.name = name
        self._encoder, self._features, self._slack, self._heads = encoder, features, slack, heads
        self._vocabulary = {axis: list(words) for axis, words in vocabulary.items() if len(words) > 1}
        self._axes = None if axes is None else frozenset(axes)
        self._by_family = {k: frozenset(v) for k, v in (hidden_by_family or {}).items()}
        self._by_framing = {k: frozenset(v) for k, v in (hidden_by_framing or {}).items()}
        rules = sorted((k, sorted(v)) for k, v in {**self._by_family, **self._by_framing}.items())
        checked = None if self._axes is None else sorted(self._axes)
        looked = heads.fingerprint if heads else "whole"
        self.fingerprint = _fingerprint(encoder, self._vocabulary, slack, rules, checked, looked)

    @classmethod
    def make(cls, name: str, settings: TraitSettings, materials: Materials) -> TraitCheck:
        """Of the subject's own traits; where no subject is described, of every axis that is read well."""
        vocabulary = materials.words(settings.reader)
        readable = vocabulary if settings.axes is None else settings.axes
        axes = None
        if materials.identity is None:
            vocabulary = {axis: words for axis, words in vocabulary.items() if axis in readable}
        else:
            axes = [axis for axis in materials.identity if axis in readable]
        return cls(
            materials.reader(settings.reader),
            materials.features,
            vocabulary,
            axes,
            slack=settings.margin,
            heads=materials.crops if settings.heads else None,
            name=name,
        )

    def score(self, pictures: Sequence[Picture]) -> list[Measurement]:
        """The smallest margin of a visible trait for each picture."""
        asked = [self._visible(picture) for picture in pictures]
        margins: list[dict[str, float]] = [{} for _ in pictures]
        for axis in sorted({axis for words in asked for axis, _ in words}):
            where = [i for i, words in enumerate(asked) if any(a == axis for a, _ in words)]
            phrases = self._vocabulary[axis]
            shown = [pictures[i] for i in where]
            rows = log_probabilities(self._encoder, self._features, shown, phrases, self._heads)
            for i, row in zip(where, rows, strict=True):
                wanted = {phrases.index(word) for a, word in asked[i] if a == axis}
                others = [value for n, value in enumerate(row) if n not in wanted]
                margins[i][axis] = float(min(row[n] for n in wanted) - max(others)) if others else 0.0
        return [self._measure(row) for row in margins]

    def _measure(self, margins: Mapping[str, float]) -> Measurement:
        if not margins:
            return not_applicable("no asked trait that words of the vocabulary can tell and this view shows")
        failing = sorted((m, axis) for axis, m in margins.items() if m < self._slack)
        why = ", ".join(f"{axis} {m:+.1f}" for m, axis in failing)
        return Measurement(min(margins.values()) - self._slack, f"not as asked: {why}" if failing else "")

    def _visible(self, picture: Picture) -> list[tuple[str, str]]:
        hidden = self._by_family.get(picture.view_family, frozenset()) | self._by_framing.get(
            picture.framing, frozenset()
        )
        found: list[tuple[str, str]] = []
        for asked_axis, tags in picture.asked.items():
            if (self._axes is not None and asked_axis not in self._axes) or asked_axis in hidden:
                continue
            read = (self._reading(asked_axis, tag) for tag in _tags(tags))
            found += [pair for pair in read if pair and pair[0] not in hidden]
        return found

    def unreadable(self, asked: Mapping[str, str]) -> list[str]:
        """The asked tags of checked axes that the vocabulary does not have, in order, as "axis: tag"."""
        return [
            f"{axis}: {tag}"
            for axis, tags in asked.items()
            if self._axes is None or axis in self._axes
            for tag in _tags(tags)
            if self._reading(axis, tag) is None
        ]

    def _reading(self, axis: str, tag: str) -> tuple[str, str] | None:
        """Axis and word of the vocabulary that a tag means: itself, or its longest ending ("pale blue hair")."""
        lists = {axis: self._vocabulary[axis]} if axis in self._vocabulary else self._vocabulary
        endings = [
            (len(word), name, word)
            for name, words in lists.items()
            for word in words
            if tag == word or tag.endswith(f" {word}")
        ]
        return max(endings)[1:] if endings else None


def _tags(text: str) -> list[str]:
    return [tag.strip() for tag in text.split(",") if tag.strip()]


def _fingerprint(encoder: Encoder, *settings: object) -> str:
    parts = [sorted(s.items()) if isinstance(s, Mapping) else s for s in settings]
    return f"{encoder.fingerprint}:{hashlib.sha256(repr(parts).encode()).hexdigest()[:12]}"
