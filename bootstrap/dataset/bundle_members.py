"""Members: the subjects that one LoRA of several is trained on, each with pictures, a trigger, and what judges it.

A bundle keeps everything that it needs of its members as one fact and a folder of copies, so that it goes on when their
own runs are moved. Knows no model and no order of stages.
"""

from __future__ import annotations

import itertools
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from bootstrap.character import Character, stored_character
from bootstrap.dataset.exposure import evened
from bootstrap.dataset.writing import safe_name
from bootstrap.errors import UsageError
from bootstrap.pictures.caption_text import folded
from bootstrap.records import Job, Seed, TrainItem
from bootstrap.store.rows import job_from, seed_from, text_of
from bootstrap.store.store import Store

__all__ = [
    "MEMBERS",
    "BundleMember",
    "balanced_members",
    "foreign_words",
    "member_folders",
    "members_of",
    "require_apart",
]

MEMBERS = "members"
"""The fact under which a run of several stores its members, and the folder in which their copies lie."""
MOST = 3.0
"""How much more, or less, than another a picture may count, so that members are seen alike: a guide repeats 20 pictures
five times beside 100 shown once, which is 2.5 and 0.5 of the mean."""


@dataclass(frozen=True)
class BundleMember:
    """A subject of several. Paths are relative to the folder of the run of several.

    ``character`` is its description, one of its trigger alone for a folder of pictures; ``items`` are what it is
    trained on, ``seeds`` the pictures that its likeness is judged against. ``asked`` are jobs by which it is drawn, and
    ``solo`` the pictures that its own LoRA drew for them, one each, or none. ``lora`` is that LoRA's file, "" without.
    """

    source: str
    character: Character
    items: tuple[TrainItem, ...]
    seeds: tuple[Seed, ...] = ()
    asked: tuple[Job, ...] = ()
    solo: tuple[str, ...] = ()
    lora: str = ""

    @property
    def trigger(self) -> str:
        """The word that calls it."""
        return self.character.trigger

    @property
    def name(self) -> str:
        """What people call it."""
        return self.character.name

    @property
    def plain(self) -> dict[str, Any]:
        """As JSON holds it."""
        return {
            "source": self.source,
            "character": self.character.model_dump_json(),
            "items": [asdict(replace(item, job=None, drawn_with="", beside=())) for item in self.items],
            "seeds": [text_of(seed) for seed in self.seeds],
            "asked": [text_of(job) for job in self.asked],
            "solo": list(self.solo),
            "lora": self.lora,
        }

    @classmethod
    def of_plain(cls, plain: Mapping[str, Any]) -> BundleMember:
        """What `plain` wrote."""
        items = []
        for one in plain["items"]:
            subject = tuple(one["subject"]) if one["subject"] else None
            items.append(
                TrainItem(**{**one, "tags": tuple(one["tags"]), "subject": subject, "job": None, "beside": ()})
            )
        return cls(
            plain["source"],
            stored_character(plain["character"]),
            tuple(items),
            tuple(map(seed_from, plain["seeds"])),
            tuple(map(job_from, plain["asked"])),
            tuple(plain["solo"]),
            plain["lora"],
        )


def members_of(store: Store) -> list[BundleMember]:
    """The members of a run of several; none in the run of one subject."""
    return [BundleMember.of_plain(one) for one in json.loads(store.recall(MEMBERS) or "[]")]


def require_apart(named: Mapping[str, str]) -> None:
    """Raise UsageError for triggers (source → trigger) of which one equals or contains another."""
    for (source, first), (other, second) in itertools.combinations(named.items(), 2):
        one, two = folded(first), folded(second)
        if one in two or two in one:
            why = "are the same" if one == two else "contain each other"
            raise UsageError(
                f'the triggers "{first}" of "{source}" and "{second}" of "{other}" {why}: one LoRA cannot tell them',
                f'give one another name: "{other}=NEWTRIGGER"',
            )


def balanced_members(members: Sequence[BundleMember], directory: Path) -> list[TrainItem]:
    """What a LoRA of several is trained on, absolute paths: every member is seen as often as another.

    A picture counts at most `MOST` times as much as it does in its own member's set.
    """
    items, groups = [], []
    for member in members:
        for item in member.items:
            items.append(replace(item, path=str(directory / item.path), seed=None))
            groups.append(member.trigger)
    shares = {member.trigger: 1.0 for member in members}
    factors = evened(groups, shares, [item.weight for item in items], MOST)
    return [item.weighing(item.weight * factor) for item, factor in zip(items, factors, strict=True)]


def member_folders(members: Sequence[BundleMember], repeats: int) -> dict[str, str]:
    """Trigger → the folder of the member's generated pictures, ``<repeats>_<trigger>``, as trainers balance them."""
    groups = [member.trigger for member in members for item in member.items if item.kind in ("kept", "provisional")]
    factors = dict(zip(groups, evened(groups, dict.fromkeys(groups, 1.0), most=MOST), strict=True))
    return {trigger: f"{max(1, round(repeats * factor))}_{safe_name(trigger)}" for trigger, factor in factors.items()}


def foreign_words(members: Sequence[BundleMember]) -> dict[tuple[str, str], dict[str, int]]:
    """(member, other) → identity words of the other in the member's captions → in how many; none where there are none.

    Words that the member has itself are not foreign. A caption that names another's hair teaches it to both.
    """
    found: dict[tuple[str, str], dict[str, int]] = {}
    for member, other in itertools.permutations(members, 2):
        own = {folded(word) for word in (*member.character.identity, *member.character.core)}
        words = {folded(word): word for word in (*other.character.identity, other.trigger) if folded(word) not in own}
        counts: Counter[str] = Counter()
        for item in member.items:
            counts.update(words[tag] for tag in {folded(tag) for tag in item.tags} & words.keys())
        if counts:
            found[member.trigger, other.trigger] = dict(counts.most_common())
    return found
