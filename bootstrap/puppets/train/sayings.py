"""What training says of a picture: its visible tags, some dropped, seldom shuffled, sometimes with a made-up word.

Made-up words teach the text encoder that a trigger it has never met changes nothing else. Does NOT know tokens.
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
"""(share of captions, how many of their tags are dropped at least): most are complete, some say very little."""
_CONSONANTS, _VOWELS = "bcdfghjklmnprstvwz", "aeiou"


def seen_tags(puppet: Puppet, shot: PuppetShot) -> dict[str, str]:
    """Axis -> tag of everything the drawing shows, in caption order."""
    return {axis: tag for axis, tag in tags(puppet, shot).items() if tag and is_seen(axis, tag, shot)}


def say(seen: Mapping[str, str], rng: np.random.Generator, shuffle_odds: float = 0.0) -> tuple[str, dict[str, str]]:
    """A caption of some of the tags, and those that it says, by axis."""
    shares, least = zip(*_TERSE, strict=True)
    terse = float(least[int(rng.choice(len(least), p=shares))])
    kept = {axis: tag for axis, tag in seen.items() if rng.random() >= _drop_odds(axis, terse)}
    said = list(kept.values())
    if rng.random() < shuffle_odds:
        rng.shuffle(said)
    lead = list(_LEAD) if rng.random() < _LEAD_ODDS else []
    if rng.random() < _TRIGGER_ODDS:
        lead.insert(0, made_up_word(rng))
    return ", ".join([*lead, *said]), kept


def _drop_odds(axis: str, terse: float) -> float:
    return max(_SHOT_DROP, terse / 2) if axis in _SHOT_AXES else max(_DROP, terse)


def made_up_word(rng: np.random.Generator) -> str:
    """Two to four syllables that mean nothing, as "kirato"."""
    syllables = [_pick(rng, _CONSONANTS) + _pick(rng, _VOWELS) for _ in range(int(rng.integers(2, 5)))]
    return "".join(syllables) + (_pick(rng, _CONSONANTS) if rng.random() < 0.5 else "")


def _pick(rng: np.random.Generator, letters: str) -> str:
    return letters[int(rng.integers(len(letters)))]
