"""Training captions: the visible tags of a picture, some dropped, sometimes shuffled, sometimes with a made-up word.

From made-up words the text encoder learns that an unknown trigger changes nothing else. Does NOT know tokens.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from bootstrap.puppets.anatomy import Puppet
from bootstrap.puppets.captions import is_seen, tags
from bootstrap.puppets.scene import PuppetShot

_LEAD = ["1girl", "solo"]
_LEAD_ODDS = 0.9
_TRIGGER_ODDS = 0.08
_SHOT_AXES = ("view", "framing")
_DROP, _SHOT_DROP = 0.10, 0.03
_TERSE = ((0.7, 0.0), (0.2, 0.3), (0.1, 0.7))
"""(share of captions, least share of their tags that is dropped): most are complete, some hold very few tags."""
_CONSONANTS, _VOWELS = "bcdfghjklmnprstvwz", "aeiou"


def visible_tags(puppet: Puppet, shot: PuppetShot) -> dict[str, str]:
    """Axis -> tag of everything the drawing shows, in caption order."""
    return {axis: tag for axis, tag in tags(puppet, shot).items() if tag and is_seen(axis, tag, shot)}


def sample_caption(
    visible: Mapping[str, str], rng: np.random.Generator, shuffle_odds: float = 0.0
) -> tuple[str, dict[str, str]]:
    """A caption of some of the visible tags, and the tags in it by axis."""
    shares, least = zip(*_TERSE, strict=True)
    terse = float(least[int(rng.choice(len(least), p=shares))])
    kept = {axis: tag for axis, tag in visible.items() if rng.random() >= _drop_odds(axis, terse)}
    words = list(kept.values())
    if rng.random() < shuffle_odds:
        rng.shuffle(words)
    lead: list[str] = []
    if rng.random() < _LEAD_ODDS:
        lead = list(_LEAD)
    if rng.random() < _TRIGGER_ODDS:
        lead.insert(0, made_up_word(rng))
    return ", ".join([*lead, *words]), kept


def _drop_odds(axis: str, terse: float) -> float:
    if axis in _SHOT_AXES:
        return max(_SHOT_DROP, terse / 2)
    return max(_DROP, terse)


def made_up_word(rng: np.random.Generator) -> str:
    """Two to four syllables without a meaning, such as "kirato"."""
    word = ""
    for _ in range(int(rng.integers(2, 5))):
        word += _pick(rng, _CONSONANTS) + _pick(rng, _VOWELS)
    if rng.random() < 0.5:
        word += _pick(rng, _CONSONANTS)
    return word


def _pick(rng: np.random.Generator, letters: str) -> str:
    return letters[int(rng.integers(len(letters)))]
