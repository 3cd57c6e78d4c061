"""How a LoRA is asked for: the words that call the character, what else a prompt holds, and the weight.

A LoRA whose captions named the traits knows the trigger only beside them: there the words name every trait. One whose
captions withheld them is called by the trigger, and by the traits that its previews had to name. Knows no file.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from bootstrap.captions.wording import Wording, calling, described
from bootstrap.character import Character
from bootstrap.config import EMBEDDED, BaseConfig, RunConfig
from bootstrap.dataset.generated import names_identity
from bootstrap.pictures.caption_text import caption_parts
from bootstrap.records import Adapter, Job
from bootstrap.shots import Planner

__all__ = ["Usage", "is_toy"]


@dataclass(frozen=True, slots=True)
class Usage:
    """``words`` call the character, ``quality`` are the tags that base and author append to every prompt.

    ``named`` are the traits among the words.
    """

    words: tuple[str, ...]
    named: tuple[str, ...]
    quality: tuple[str, ...]
    negative: str
    trigger: str = ""

    @classmethod
    def of(cls, character: Character, config: RunConfig, adapter: Adapter, drawn: Iterable[Job] = ()) -> Usage:
        """The words for an adapter; ``drawn`` are the jobs of its previews."""
        dialect, named = config.base.dialect, character.identity
        words = described(character, dialect)
        if not names_identity(config, adapter.phase):
            asked = {tag for job in drawn for tag in job.traits.values()}
            named = tuple(tag for tag in character.identity if tag in asked)
            words = calling(character, dialect, named)
        if not character.trigger:  # then anything is drawn with it, and a prompt of the set shows how
            words = (*words, *_content(character, config))
        quality = caption_parts(config.base.quality)
        negative = Wording.of(character, config).negative(config.base.negative)
        return cls(words, named, (*character.quality, *quality), negative, character.trigger)

    @property
    def call(self) -> str:
        """The words as a prompt has them."""
        return ", ".join(self.words)

    @property
    def prompt(self) -> str:
        """A whole prompt: the words, then the quality tags."""
        return ", ".join(dict.fromkeys((*self.words, *self.quality)))


def _content(character: Character, config: RunConfig) -> tuple[str, ...]:
    """What is drawn with a LoRA that no word calls: the first value of every axis."""
    planner = Planner(character, config.views, config.subject)
    firsts = [planner.values(axis)[:1] for axis in config.subject.scene_axes]
    return tuple(tag for values in firsts for value in values for tag in caption_parts(value))


def is_toy(base: BaseConfig) -> bool:
    """Whether a base draws the embedded world only: no other program has it."""
    return base.demonstration or base.path.startswith(EMBEDDED)
