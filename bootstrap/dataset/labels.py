"""Captions by a reader: 9 to 11 visible attributes of a picture, those that a tagger or the panel denies left out.

What a phase withholds is withheld; of a picture with lettering only what the tagger sees, or a second reading confirms,
is written. Knows no folder.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

from PIL import Image
from pydantic import BaseModel, ConfigDict, Field

from bootstrap.captions.conflicts import conflicts
from bootstrap.captions.prose import clauses
from bootstrap.captions.vocabulary import Vocabulary
from bootstrap.character.description import GARMENTS
from bootstrap.dataset.caption_tags import COUNTS
from bootstrap.dataset.retagging import Caption, Retagging
from bootstrap.panel.models import PanelModels
from bootstrap.pictures.caption_text import caption_parts, folded
from bootstrap.readers import Question, Reader
from bootstrap.readers.describing import DIALECTS, axes_listed
from bootstrap.readers.safe_words import refused_words
from bootstrap.readers.second_reading import confirmed, lettered

__all__ = ["Head", "Label", "Labeller", "Sees", "seen_by"]

INSTRUCTION = "label"
FEWEST, MOST = 9, 11
"""Attributes of a caption, as the published recipe has them."""
SEEN, UNSEEN = 0.35, 0.05
"""Probability of a tagger from which a tag is there (its authors' demo), and a seventh of it: below, it is denied."""

Sees = Callable[[Image.Image], Mapping[str, float]]
"""A tagger: tag, folded → its probability, of every tag that it knows."""


class SeenLabels(BaseModel):
    """What a reader says of one picture."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)

    tags: list[str] = Field(max_length=40)
    """What the picture shows."""
    lettering: str = Field("", max_length=2000)
    """All letters and words inside the picture; empty where there are none."""


@dataclass(frozen=True)
class Head:
    """How every caption begins, and what it leaves out: of a character in a phase."""

    trigger: str = ""
    core: Caption = ()
    withheld: Caption = ()
    unique: Callable[[Caption], Caption] = lambda caption: ()


@dataclass(frozen=True)
class Label:
    """A caption, its attributes, and tag → why it was left out; ``why`` is why there is no caption at all."""

    caption: str
    tags: Caption = ()
    left_out: Mapping[str, str] = field(default_factory=dict)
    why: str = ""


@dataclass(frozen=True)
class Labeller:
    """Asks a reader about pictures.

    ``sees`` is a tagger, ``denies`` tells which of some tags the panel's other scorers deny; ``names`` are known
    characters.
    """

    reader: Reader
    vocabulary: Vocabulary
    head: Head = Head()
    dialect: str = "tags"
    sees: Sees = lambda image: {}
    denies: Callable[[Image.Image, Sequence[str]], Collection[str]] = lambda image, tags: ()
    names: frozenset[str] = frozenset()

    def label(self, image: Image.Image) -> Label:
        """The caption of a picture. Raises BackendError."""
        withheld = ", ".join(self.head.withheld) or "hair, eyes and other marks of who it is"
        fill = {"dialect": DIALECTS[self.dialect], "axes": axes_listed(self.vocabulary), "withheld": withheld}
        reply = self.reader.ask(Question((image,), INSTRUCTION, SeenLabels, fill=fill))
        if reply.value is None:
            return Label("", why=reply.refused or "the reader gave no answer")
        said = SeenLabels.model_validate(reply.value)
        seen = self.sees(image)
        tags, left_out = self._sound(said.tags)
        denied = self.denies(image, tags)
        for tag in list(tags):
            if tag in denied or seen.get(tag, 1.0) < UNSEEN:
                tags.remove(tag)
                left_out[tag] = "the tagger or the panel does not see it"
        if letters := lettered(image, said.lettering):
            tags = self._read_twice(tags, image, said.lettering, letters, seen, left_out)
        for tag in sorted(seen, key=lambda tag: -seen[tag]):
            if len(tags) < FEWEST and seen[tag] >= SEEN and self._sound([tag], tags)[0]:
                tags.append(tag)
        if not tags:
            return Label("", left_out=left_out, why="nothing that the reader says is sure")
        return Label(self._written(tags[:MOST]), tuple(tags[:MOST]), left_out)

    def _sound(self, said: Sequence[str], before: Sequence[str] = ()) -> tuple[list[str], dict[str, str]]:
        """The tags that can stand in a caption, after others, and why the rest cannot."""
        cleaning = Retagging(identity=self.head.withheld, names=self.names, drop=frozenset(COUNTS))
        own = {folded(tag) for tag in (self.head.trigger, *self.head.core)}
        kept, left_out = list[str](), dict[str, str]()
        for text in said:
            for part in caption_parts(text):
                tag = folded(part)
                why = refused_words(tag, self.names)
                if not why and not cleaning.cleaned([tag]):
                    why = "it is left out of captions"
                if not why and conflicts([*before, *kept, tag]):
                    why = "it contradicts another"
                if why:
                    left_out[tag] = why
                elif tag not in (*before, *kept) and tag not in own:
                    kept.append(tag)
        return kept, left_out

    def _read_twice(
        self,
        tags: Sequence[str],
        image: Image.Image,
        told: str,
        letters: str,
        seen: Mapping[str, float],
        left_out: dict[str, str],
    ) -> list[str]:
        """The tags that the tagger sees, or a second reading confirms, of a picture with lettering."""
        asked = [tag for tag in tags if seen.get(tag, 0.0) < SEEN]
        yes = confirmed(self.reader, image, asked, told, self.vocabulary)[0] if asked else set()
        for tag in asked:
            if tag not in yes:
                left_out[tag] = f"the picture has lettering ({letters}), and no second reading confirms it"
        return [tag for tag in tags if tag not in left_out]

    def _written(self, tags: Sequence[str]) -> str:
        head, own = self.head, self.head.unique(tuple(tags))
        if self.dialect == "tags":
            begin = filter(None, (head.trigger, *head.core, *own))
            return ", ".join(dict.fromkeys((*begin, *tags)))
        scene, worn = dict[str, str](), list[str]()
        for number, tag in enumerate(tags):
            axis = self.vocabulary.axis_of(tag, "")
            if not axis and tag.split()[-1] in GARMENTS:
                worn.append(tag)
            else:
                scene[axis if axis and axis not in scene else f"seen {number}"] = tag
        return ", ".join(clauses(head.trigger, head.core, (), worn, scene, own))


def seen_by(models: PanelModels) -> Sees:
    """The tagger of a panel as probabilities; nothing without one."""
    tagger = models.tagger
    if tagger is None:
        return lambda image: {}

    def sees(image: Image.Image) -> dict[str, float]:
        return {folded(tag): odds for tag, odds in tagger.probabilities(image).items()}

    return sees
