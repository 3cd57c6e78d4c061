"""The shots on which LoRAs are compared: those that the run plans, and some in a pose or clothes it never trained on.

The same shots and random seeds for every cell, planned from the character alone. Knows no picture and no model.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from bootstrap.captions.wording import Wording
from bootstrap.character import Character, Outfit
from bootstrap.config import RunConfig, ViewsConfig
from bootstrap.config.estimate import PREVIEWS
from bootstrap.pictures.caption_text import caption_parts
from bootstrap.records import Seed, Shot, random_seed_of
from bootstrap.shots import Cell, Planner

__all__ = ["KNOWN", "NEVER_WORN", "TESTS", "UNSEEN_OUTFIT", "UNSEEN_POSE", "TrialShots", "probe_shots", "trials_for"]

KNOWN, UNSEEN_POSE, UNSEEN_OUTFIT = "as trained", "an unseen pose", "an unseen outfit"
TESTS = (KNOWN, UNSEEN_POSE, UNSEEN_OUTFIT)
NEVER_WORN = "never worn"
"""Name of the outfit that is in no character.json."""
POSES = ("arms up", "hands on hips", "crouching", "lying", "jumping")
CLOTHES = ("yellow raincoat", "silver armor")
"""Tried in this order where no vocabulary of the panel offers any."""
SHOWING = {UNSEEN_POSE: "full body", UNSEEN_OUTFIT: "upper body"}
"""The framing that shows what is asked for."""


@dataclass(frozen=True)
class TrialShots:
    """The shots in their order, the test that each belongs to, and the pose and clothes that were never trained on.

    ``character`` has the unseen outfit in its wardrobe, so that prompts and checks can be worded.
    """

    shots: tuple[Shot, ...]
    tests: tuple[str, ...]
    character: Character
    pose: str
    outfit: str
    others: Mapping[str, str] = field(default_factory=dict)
    """Test of a kind of subject → the value that no run plans."""

    @property
    def order(self) -> tuple[str, ...]:
        """Every test, as a page shows them: those of a character, then those of its kind of subject."""
        return (*TESTS, *self.others)

    def test_in_words(self, test: str) -> str:
        """The name of a test with what it asks for."""
        details = {UNSEEN_POSE: self.pose, UNSEEN_OUTFIT: self.outfit, **self.others}
        return f"{test} ({details[test]})" if test in details else test


def trials_for(
    character: Character,
    config: RunConfig,
    each: int = 2,
    pose: str = "",
    outfit: str = "",
    seeds: Sequence[Seed] = (),
    unseen: int | None = None,
) -> TrialShots:
    """``each`` shots a view family as a run from ``seeds`` plans them, ``unseen`` ones (None: half as many, at least
    one) with each unseen thing; where there are several outfits, each is in one more of the widest framing than
    ``each``.

    ``pose`` and ``outfit`` name the unseen things; empty: words of the panel that the character does not use. A kind of
    subject that has no poses, or no outfits, is not tried in an unseen one; it may name further axes.
    """
    planner = Planner(character, config.views, config.subject, seeds)
    pose_axis, outfit_axis = config.subject.pose_axis, config.subject.outfit_axis
    pose = pose or _pose(config, planner, pose_axis)
    clothes = outfit or _clothes(config, character, Wording.of(character, config))
    known = probe_shots(planner, config.views, each)
    few: list[Shot] = []
    for view_family in config.views.families:
        own = [shot for shot in known if shot.view_family == view_family]
        few += own[: -(-each // 2) if unseen is None else unseen]
    known = _numbered([*known, *_in_each_outfit(known, config, tuple(character.wardrobe), each + 1)])
    shots, tests = list(known), [KNOWN] * len(known)
    unseen_axes = [(UNSEEN_POSE, pose_axis, pose), (UNSEEN_OUTFIT, outfit_axis, NEVER_WORN)]
    others = _unseen_of_kind(config, planner)
    unseen_axes += [(test, axis, value) for test, (axis, value) in others.items()]
    for test, axis, value in unseen_axes:
        if axis:
            shots += _numbered([_showing(shot.having({axis: value}), test, config) for shot in few])
            tests += [test] * len(few)
    strange = Outfit(tags=caption_parts(clothes))
    dressed = character.model_copy(update={"outfits": {**character.wardrobe, NEVER_WORN: strange}})
    named = {test: value for test, (_, value) in others.items()}
    return TrialShots(tuple(shots), tuple(tests), dressed, pose, clothes, named)


def _unseen_of_kind(config: RunConfig, planner: Planner) -> dict[str, tuple[str, str]]:
    """Test → axis and value, for each axis that the kind of subject wants tried with a value that the run lacks."""
    found = {}
    for axis, values in config.subject.unseen.items():
        others = [value for value in values if value not in planner.values(axis)]
        if others:
            found[f"an unseen {axis}"] = axis, others[0]
    return found


def _in_each_outfit(known: Sequence[Shot], config: RunConfig, outfits: Sequence[str], least: int) -> list[Shot]:
    """The shots to add so that ``least`` show each of several outfits in the widest framing, from all sides in turn."""
    axis, widest = config.subject.outfit_axis, list(config.views.framings)[-1]
    sides = list({shot.view_family: shot for shot in known}.values())
    added: list[Shot] = []
    for outfit in outfits if axis and len(outfits) > 1 else ():
        shown = sum(shot[axis] == outfit and shot.framing == widest for shot in known)
        for _ in range(least - shown):
            side = sides[len(added) % len(sides)]
            added.append(replace(side, framing=widest).having({axis: outfit}))
    return added


def _showing(shot: Shot, test: str, config: RunConfig) -> Shot:
    """A shot in the framing that shows what is asked for, where the run has it."""
    framing = SHOWING.get(test, shot.framing)
    return replace(shot, framing=framing) if framing in config.views.framings else shot


def probe_shots(planner: Planner, views: ViewsConfig, each: int = PREVIEWS) -> list[Shot]:
    """``each`` framings of every view family, the framings in turn, and what must be obeyed."""
    framings = list(views.framings)
    cells: dict[Cell, int] = {}
    for number, view_family in enumerate(views.families):
        for turn in range(each):
            cells[view_family, framings[(number + turn) % len(framings)]] = 1
    return planner.probe(cells)


def _numbered(shots: Sequence[Shot]) -> list[Shot]:
    """Equal shots as takes of their own."""
    seen: dict[str, int] = {}
    found = []
    for shot in shots:
        key = replace(shot, take=0).key
        found.append(replace(shot, take=seen.get(key, 0)))
        seen[key] = seen.get(key, 0) + 1
    return found


def _pose(config: RunConfig, planner: Planner, axis: str) -> str:
    """A pose that the run does not plan."""
    planned = set(planner.values(axis)) if axis else set()
    for pose in (*config.panel.vocabulary.get(axis, ()), *POSES):
        if pose not in planned:
            return pose
    return POSES[0]


def _clothes(config: RunConfig, character: Character, wording: Wording) -> str:
    """Other words for every axis of the usual clothes; something else altogether where the panel knows none."""
    used = {tag for outfit in character.wardrobe.values() for tag in outfit.tags}
    usual = next(iter(character.wardrobe.values()))
    axes = dict.fromkeys(wording.axis_of(tag, "") for tag in usual.tags)
    found = []
    for axis in axes:
        others = [word for word in config.panel.vocabulary.get(axis, ()) if word not in used]
        if len(axes) > 1:  # a dress leaves no room for the rest
            others = [word for word in others if not word.endswith("dress")]
        if others:
            found.append(others[random_seed_of(character.trigger, "compare", axis) % len(others)])
    return ", ".join(found) or next(one for one in CLOTHES if one not in used)
