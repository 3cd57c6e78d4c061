"""Outfits with a trigger of their own are seen by their shares: a folder for each, balanced by repeats and by weights.

Guides to LoRAs with several outfits give each a folder and a trigger, and repeats that make all of them about equal;
the number of folders decides the epochs too.
Knows no picture: which outfit each shows is handed in.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bootstrap.character import Character
from bootstrap.config import RunConfig
from bootstrap.dataset.writing import safe_name

__all__ = ["evened", "factors", "folders", "with_folders"]

MOST = 2.0
"""How much more, or less, than another picture one may count: a few pictures are not learned by heart."""


def evened(
    groups: Sequence[str], shares: Mapping[str, float], weights: Sequence[float] = (), most: float = MOST
) -> list[float]:
    """How much more each picture should count, 1 on the whole, so that its group is seen by the group's share.

    ``groups`` names the group of each picture, ``shares`` (any scale) has every group, ``weights`` is how much the
    pictures count already (none: 1 each). No answer is above ``most`` or below its inverse.
    """
    counts = dict.fromkeys(groups, 0.0)
    for group, weight in zip(groups, weights or [1.0] * len(groups), strict=True):
        counts[group] += weight
    total, whole = sum(shares.values()), sum(counts.values())
    found = []
    for group in groups:
        factor = shares[group] / total * whole / counts[group] if total and counts[group] else 1.0
        found.append(min(most, max(1 / most, factor)))
    return found


def factors(character: Character, worn: Sequence[str]) -> list[float]:
    """How much each picture should count, 1 on the whole, so that outfits are seen by their shares.

    ``worn`` are the outfits that the pictures show. Outfits without a trigger are one: nothing tells them apart but
    their tags. All 1 where no outfit has a trigger.
    """
    groups = [_group(character, outfit) for outfit in worn]
    shares = dict.fromkeys(groups, 0.0)
    for outfit, share in character.outfit_shares().items():
        if _group(character, outfit) in shares:
            shares[_group(character, outfit)] += share
    return evened(groups, shares)


def folders(character: Character, worn: Sequence[str], repeats: int) -> list[str]:
    """The folder of each picture, ``<repeats>_<trigger>``, with an outfit's own trigger behind it where it has one."""
    found = []
    for outfit, factor in zip(worn, factors(character, worn), strict=True):
        names = [safe_name(trigger) for trigger in (character.called, _group(character, outfit)) if trigger]
        found.append(f"{max(1, round(repeats * factor))}_{' '.join(names)}")
    return found


def with_folders(config: RunConfig, character: Character) -> RunConfig:
    """The settings with recipes for the folders that the character's outfits have (`TrainRecipe.epochs_for`)."""
    count = len({_group(character, outfit) for outfit in character.outfits})
    recipes = {phase: recipe.of_folders(count) for phase, recipe in config.base.recipes.items()}
    if recipes == config.base.recipes:
        return config
    return config.model_copy(update={"base": config.base.model_copy(update={"recipes": recipes})})


def _group(character: Character, outfit: str) -> str:
    """The trigger of an outfit; "" where it has none, and for one that the character does not have any more."""
    return character.outfits[outfit].trigger if outfit in character.outfits else ""
