"""Captions of a puppet in a shot: tags in booru order.

A caption names what the drawing shows and never an unnamed trait. Does NOT know how anything is drawn.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from bootstrap.puppets import anatomy, scene
from bootstrap.puppets.anatomy import DRESS, Puppet
from bootstrap.puppets.scene import PuppetShot

_LEAD = ("1girl", "solo")
_TRAIT_DROP = 0.10
_SHOT_DROP = 0.03
_SHOT_AXES = ("view", "framing")
_LOW_FRAMINGS = ("upper body", "full body")
_POSES_SEEN = {
    "close-up": ("waving", "arms up"),
    "portrait": ("waving", "arms up", "hands on hips"),
}


def tags(puppet: Puppet, shot: PuppetShot) -> dict[str, str]:
    """The truth on every axis, seen or not, in caption order; '' where the puppet has no such thing."""
    named, outfit = puppet.named, puppet.named.outfits[shot.outfit]
    return {
        "hair_color": f"{named.hair_color} hair",
        "hair_style": named.hair_style,
        "eye_color": f"{named.eye_color} eyes",
        "ears": named.ears,
        "hat": named.hat,
        "accessory": named.accessory,
        "skin": named.skin,
        "tail": named.tail,
        "top": f"{outfit.top_color} {outfit.top}",
        "bottom": f"{outfit.bottom_color} {outfit.bottom}".strip(),
        "view": view_tag(shot),
        "framing": shot.framing,
        "expression": shot.expression,
        "pose": shot.pose,
        "background": shot.background,
        "style": shot.style,
    }


def view_tag(shot: PuppetShot) -> str:
    """The words for a view: its view family, and the facing side of a turned one."""
    facing = "facing left"
    if shot.yaw > 0:
        facing = "facing right"
    match shot.view_family:
        case "three-quarter":
            return f"three-quarter view, {facing}"
        case "profile":
            return f"from side, {facing}"
        case "above" | "below" | "behind":
            return f"from {shot.view_family}"
        case _:
            return "from front"


def caption(puppet: Puppet, shot: PuppetShot, rng: np.random.Generator | None = None) -> str:
    """A comma-separated caption of what the drawing shows.

    With `rng` each trait tag is dropped with probability 0.1 and each view or framing tag with 0.03, so that a model
    learns every tag alone; without it the caption is complete.
    """
    kept = list(_LEAD)
    for axis, tag in tags(puppet, shot).items():
        if not tag or not is_seen(axis, tag, shot):
            continue
        drop = _TRAIT_DROP
        if axis in _SHOT_AXES:
            drop = _SHOT_DROP
        if rng is None or rng.random() >= drop:
            kept.append(tag)
    return ", ".join(kept)


def is_seen(axis: str, tag: str, shot: PuppetShot) -> bool:
    """Whether a drawing of this shot can show the tag of one axis."""
    behind = shot.view_family == "behind"
    match axis:
        case "eye_color":
            return not behind and shot.expression != "closed eyes"
        case "expression":
            return not behind
        case "accessory":
            return not (behind and tag == "glasses")
        case "bottom" | "tail":
            return shot.framing in _LOW_FRAMINGS
        case "pose":
            return tag in _POSES_SEEN.get(shot.framing, scene.ALL_POSES)
        case _:
            return True


def _phrases() -> Iterator[str]:
    yield from _LEAD
    yield from (f"{color} hair" for color in anatomy.ALL_HAIR_COLORS)
    yield from anatomy.ALL_HAIR_STYLES
    yield from (f"{color} eyes" for color in anatomy.ALL_EYE_COLORS)
    yield from filter(None, anatomy.ALL_EARS)
    yield "glasses"
    for kind in (*anatomy.ALL_HATS, "scarf", "ribbon", *anatomy.ALL_TOPS, DRESS, *anatomy.ALL_BOTTOMS):
        yield from (f"{color} {kind}" for color in anatomy.ALL_CLOTH_COLORS)
    yield from anatomy.ALL_SKINS
    yield from filter(None, anatomy.ALL_TAILS)
    yield from ("from front", "three-quarter view", "from side", "facing left", "facing right")
    yield from ("from behind", "from above", "from below")
    yield from scene.ALL_FRAMINGS
    yield from scene.ALL_EXPRESSIONS
    yield from scene.ALL_POSES
    yield from scene.ALL_BACKGROUNDS
    yield from scene.ALL_STYLES


VOCABULARY: tuple[str, ...] = tuple(_phrases())
"""Every phrase that a caption may hold between two commas."""


def words() -> list[str]:
    """Every single word of the vocabulary, sorted."""
    return sorted(set(" ".join(VOCABULARY).split()))
