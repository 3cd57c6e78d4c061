"""How the members of a couple or a group stand to each other: words, views that show it, and how far apart they are.

A relation is data of a picture of several; a word that is not listed here is asked for as it stands. Knows no picture.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bootstrap.pictures.caption_text import folded

__all__ = ["RELATIONS", "Relation", "counted", "joint_caption", "relation_named"]


@dataclass(frozen=True, slots=True)
class Relation:
    """``views`` are (view family, a word of its view or "") of the left member and of the right one, ``apart`` the
    distance of their middles in widths of a picture; ``interacting`` tells whether they touch or look at each other."""

    words: str
    views: tuple[tuple[str, str], tuple[str, str]]
    apart: float = 0.5
    interacting: bool = False


FRONT, BEHIND = ("front", ""), ("behind", "")
LEFT, RIGHT = ("profile", "facing left"), ("profile", "facing right")
RELATIONS = (
    Relation("side by side", (FRONT, FRONT)),
    Relation("facing each other", (RIGHT, LEFT), interacting=True),
    Relation("back to back", (LEFT, RIGHT)),
    Relation("holding hands", (FRONT, FRONT), 0.4, interacting=True),
    Relation("one behind the other", (FRONT, FRONT), 0.3),
    Relation("walking away together", (BEHIND, BEHIND)),
    Relation("hugging", (RIGHT, LEFT), 0.3, interacting=True),
    Relation("looking at each other", (("three-quarter", "facing right"), ("three-quarter", "facing left")), 0.5, True),
)
"""The bodily relations that a guide asks of a couple's pictures: front to front, side by side, back to back and so on,
interacting and not."""
COUNTED = ("girl", "boy", "other")
"""What a core counts ("1girl")."""


def relation_named(words: str) -> Relation:
    """The relation of these words; one of a person's own shows both from the front."""
    for relation in RELATIONS:
        if folded(relation.words) == folded(words):
            return relation
    return Relation(words, (FRONT, FRONT))


def counted(cores: Sequence[Sequence[str]]) -> tuple[str, ...]:
    """The core of several in one picture: "1girl, solo" twice is "2girls". Other tags of theirs are left out."""
    counts: Counter[str] = Counter()
    for core in cores:
        counts.update(kind for kind in COUNTED if f"1{kind}" in core)
    return tuple(f"{count}{kind}{'s' if count > 1 else ''}" for kind, count in counts.items())


def joint_caption(
    triggers: Sequence[str], core: Sequence[str], relation: str, each: Sequence[Mapping[str, str]], scene: Sequence[str]
) -> tuple[str, ...]:
    """The caption of a picture of several: who, how many, how they stand, what each does, and the scene of all."""
    tags = [*triggers, *core, relation]
    for varying in each:
        tags += varying.values()
    return tuple(dict.fromkeys(tag for tag in (*tags, *scene) if tag))
