"""What a LoRA is asked for: the panel that its run knows, a pose that it never saw, and clothes it never wore.

The same shots and random seeds for every cell, planned from the character alone. Knows no picture and no model.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from bootstrap.captions.wording import Wording
from bootstrap.character import Character
from bootstrap.character.character import Outfit
from bootstrap.config import RunConfig
from bootstrap.records import Shot, random_seed_of
from bootstrap.shots import Planner

__all__ = ["KNOWN", "TESTS", "UNSEEN_OUTFIT", "UNSEEN_POSE", "Trials", "trials_for"]

KNOWN, UNSEEN_POSE, UNSEEN_OUTFIT = "as taught", "an unseen pose", "an unseen outfit"
TESTS = (KNOWN, UNSEEN_POSE, UNSEEN_OUTFIT)
STRANGE = "never worn"
"""Name of the outfit that is in no character.json."""
POSES = ("arms up", "hands on hips", "crouching", "lying", "jumping")
CLOTHES = ("yellow raincoat", "silver armor")
"""Tried in this order where no vocabulary of the panel offers any."""
SHOWING = {UNSEEN_POSE: "full body", UNSEEN_OUTFIT: "upper body"}
"""The framing that shows what is asked for."""


@dataclass(frozen=True)
class Trials:
    """The shots in their order, the test that each belongs to, and the words that were never taught.

    ``character`` knows the strange outfit, so that prompts and checks can be worded.
    """

    shots: tuple[Shot, ...]
    tests: tuple[str, ...]
    character: Character
    pose: str
    outfit: str

    def asks(self, test: str) -> str:
        """A test in words."""
        return {UNSEEN_POSE: f"{test} ({self.pose})", UNSEEN_OUTFIT: f"{test} ({self.outfit})"}.get(test, test)


def trials_for(character: Character, config: RunConfig, each: int = 2, pose: str = "", outfit: str = "") -> Trials:
    """``each`` shots a view family as they were taught, half as many (at least one) with each unseen thing.

    ``pose`` and ``outfit`` name the unseen things; empty: words of the panel that the character does not use.
    """
    wording = Wording.of(character, config)
    planner = Planner(character, config.views, config.subject)
    pose, clothes = pose or _pose(config, planner), outfit or _clothes(config, character, wording)
    families, framings = list(config.views.families), list(config.views.framings)
    cells = {
        (view_family, framings[(n + k) % len(framings)]): 1
        for n, view_family in enumerate(families)
        for k in range(each)
    }
    known = planner.probe(cells)
    few = [
        shot
        for view_family in families
        for shot in [one for one in known if one.view_family == view_family][: -(-each // 2)]
    ]
    strange: dict[str, dict[str, Any]] = {UNSEEN_POSE: {"pose": pose}, UNSEEN_OUTFIT: {"outfit": STRANGE}}
    shots, tests = list(known), [KNOWN] * len(known)
    for test, changed in strange.items():
        shots += _numbered([replace(shot.having(changed), framing=SHOWING[test]) for shot in few])
        tests += [test] * len(few)
    wardrobe = {**character.wardrobe, STRANGE: Outfit(tags=tuple(part.strip() for part in clothes.split(",")))}
    extended = character.model_copy(update={"outfits": wardrobe})
    return Trials(tuple(shots), tuple(tests), extended, pose, clothes)


def _numbered(shots: Sequence[Shot]) -> list[Shot]:
    """Equal shots as takes of their own."""
    seen: dict[str, int] = {}
    found = []
    for shot in shots:
        key = replace(shot, take=0).key
        found.append(replace(shot, take=seen.get(key, 0)))
        seen[key] = seen.get(key, 0) + 1
    return found


def _pose(config: RunConfig, planner: Planner) -> str:
    """A pose that the character was not planned in."""
    taught = set(planner.axis("poses"))
    offered = [*config.panel.vocabulary.get("pose", ()), *POSES]
    return next((pose for pose in offered if pose not in taught), POSES[0])


def _clothes(config: RunConfig, character: Character, wording: Wording) -> str:
    """Other words for every axis of its usual clothes; something else altogether where the panel knows none."""
    worn = {tag for outfit in character.wardrobe.values() for tag in outfit.tags}
    usual = next(iter(character.wardrobe.values()))
    axes = dict.fromkeys(wording.axis_of(tag, "") for tag in usual.tags)
    found = []
    for axis in axes:
        others = [word for word in config.panel.vocabulary.get(axis, ()) if word not in worn]
        if len(axes) > 1:  # a dress leaves no room for the rest
            others = [word for word in others if not word.endswith("dress")]
        if others:
            found.append(others[random_seed_of(character.trigger, "compare", axis) % len(others)])
    return ", ".join(found) or next(one for one in CLOTHES if one not in worn)
