"""What a captioned set is meant to say: by its author's words, or by the plan of the run that makes such a set.

Knows no folder and no picture.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from bootstrap.captions.wording import Wording
from bootstrap.character import Character, Outfit
from bootstrap.character.core_tag import core_tags_in
from bootstrap.config import IDENTITY, RunConfig
from bootstrap.pictures.caption_text import folded
from bootstrap.records import Seed
from bootstrap.shots import Planner, quotas

__all__ = ["Intent", "intent_of"]

PLANNED = 0.6
"""Share of the planned captions from which a tag is meant to be in all of them: a choice may double what is left."""


@dataclass(frozen=True)
class Intent:
    """What the author means.

    ``trigger``: "" reads it off the folders; ``everywhere``: tags meant for every caption; ``absorbed``: identity words
    that the trigger should mean instead; ``forbidden``: what no picture may show; ``outfits`` by name; ``planned``:
    every tag that captions of the plan have, none where there is no plan. Tags are folded, except those of outfits.
    """

    trigger: str = ""
    everywhere: frozenset[str] = frozenset()
    absorbed: frozenset[str] = frozenset()
    forbidden: frozenset[str] = frozenset()
    outfits: Mapping[str, Outfit] = field(default_factory=dict)
    planned: frozenset[str] = frozenset()
    core_tag: str = ""
    """Of name, what it is and focus; "": the commonest of the captions."""
    asks_core: bool = True
    """Whether a set without any core tag is worth a remark: not one of the demonstration."""
    unique: Callable[[Sequence[str]], tuple[str, ...]] = lambda tags: ()
    """The character's unique tags that belong into a caption of these tags."""


def intent_of(character: Character, config: RunConfig, seeds: Sequence[Seed] = ()) -> Intent:
    """What the finished set of a character is meant to say: the captions of the shots that a run plans."""
    wording, phase = Wording.of(character, config), config.subject.finishing.name
    planner = Planner(character, config.views, config.subject, seeds)
    shots, counts = planner.plan(quotas(config.loop.target, config.views), []), Counter[str]()
    for shot in shots:
        counts.update({folded(tag) for tag in wording.caption(shot, phase)})
    everywhere = {tag for tag, count in counts.items() if count >= PLANNED * len(shots)}
    everywhere.update(folded(outfit.trigger) for outfit in character.outfits.values() if outfit.trigger)
    absorbed = character.identity if config.subject.withholds(phase, IDENTITY) else ()
    return Intent(
        character.trigger,
        frozenset(everywhere),
        frozenset(map(folded, absorbed)),
        frozenset(map(folded, character.forbidden)),
        character.outfits,
        frozenset(counts),
        next(iter(core_tags_in(character.core)), ""),
        asks_core=not config.base.demonstration and config.subject.core_tag != "none",
        unique=wording.unique_beside,
    )
