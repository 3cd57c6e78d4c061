"""Two puppets in one picture, with the truth of who is where.

Both are solids of one raster, so that one hides the other where it stands in front. Does NOT know captions' order, a
trainer or a run.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bootstrap.puppets.anatomy import Puppet
from bootstrap.puppets.backgrounds import VARIANTS, background
from bootstrap.puppets.figure import REACHING_LEFT, REACHING_RIGHT, build_figure
from bootstrap.puppets.geometry import Float32s, Solid, rasterize, rotation
from bootstrap.puppets.render import SUPERSAMPLING, scaled_down
from bootstrap.puppets.scene import FRAMES, PuppetShot, sample_shot
from bootstrap.puppets.styles import develop
from bootstrap.puppets.surface import PlacedPuppet, owners, surface

ALL_RELATIONS = ("side by side", "facing each other", "back to back", "one behind the other", "close", "holding hands")
SOLO = "full body"
"""Framing of the picture of one puppet that `alone` gives."""
_RADIUS, _LEVEL = 0.160, 0.36
"""Of a head, and the height of its middle, in fractions of the picture's side."""
_TURNED = 70.0
_SMALLER = 0.84
_REACH, _PLAIN = 1.5, 236
"""Half the width of a figure in head radii, and the grey of a plain background."""

BoxOfOne = tuple[float, float, float, float]


@dataclass(frozen=True)
class PairShot:
    """How two puppets are shown. `left` and `right` are the shots of each: angles, expression, pose and outfit count.

    `relation` is one of `ALL_RELATIONS`; `sizes` are factors of each, 1.0 as in a solo; background and style of the
    left one's shot hold for the picture.
    """

    relation: str
    left: PuppetShot
    right: PuppetShot
    sizes: tuple[float, float] = (1.0, 1.0)


@dataclass(frozen=True)
class PairDrawing:
    """A picture uint8 (size, size, 3) and, for the left and the right puppet, what is seen of it.

    `masks` bool (2, size, size); `boxes` of the masks and `heads` of the bare heads, (x0, y0, x1, y1) in fractions of
    the picture's side.
    """

    image: NDArray[np.uint8]
    masks: NDArray[np.bool_]
    boxes: tuple[BoxOfOne, BoxOfOne]
    heads: tuple[BoxOfOne, BoxOfOne]


@dataclass(frozen=True)
class Stand:
    """Where one of two stands: `x` and `lift` in head radii from the middle and the ground, `depth` to the viewer."""

    x: float
    yaw: float
    lift: float = 0.0
    depth: float = 0.0
    pose: str = ""


_STANDS: Mapping[str, tuple[Stand, Stand]] = {
    "side by side": (Stand(-1.52, 0), Stand(1.52, 0)),
    "facing each other": (Stand(-1.45, _TURNED), Stand(1.45, -_TURNED)),
    "back to back": (Stand(-1.15, -_TURNED), Stand(1.15, _TURNED)),
    "one behind the other": (Stand(-0.95, 0, depth=2.4), Stand(0.85, 0, lift=0.42, depth=-2.4)),
    "close": (Stand(-1.10, 12, depth=0.7), Stand(1.10, -12, depth=-0.7)),
    "holding hands": (Stand(-1.38, 0, pose=REACHING_RIGHT), Stand(1.38, 0, pose=REACHING_LEFT)),
}


def sample_pair_shot(rng: np.random.Generator, **fixed: Any) -> PairShot:
    """A random way to show two; `fixed` sets `relation` or any field of both `PuppetShot`s.

    Both are seen from the front or turned as their relation asks, or both from behind; framing is `SOLO`.
    """
    relation = fixed.pop("relation", None) or ALL_RELATIONS[int(rng.integers(len(ALL_RELATIONS)))]
    family = "front"
    if relation not in ("facing each other", "back to back") and rng.random() < 0.2:
        family = "behind"
    first = sample_shot(rng, **({"view_family": family} | fixed | {"framing": SOLO}))
    second = sample_shot(rng, **({"view_family": family} | fixed | {"framing": SOLO}))
    sizes = (1.0, 1.0)
    if rng.random() < 0.3:
        sizes = (1.0, _SMALLER) if rng.random() < 0.5 else (_SMALLER, 1.0)
    return posed(PairShot(relation, first, replace(second, background=first.background, style=first.style), sizes))


def posed(shot: PairShot) -> PairShot:
    """The same with the angles and poses that the relation asks for; the shots themselves say who faces the viewer."""
    sides = []
    for one, stand in zip((shot.left, shot.right), _STANDS[shot.relation], strict=True):
        if stand.yaw and abs(stand.yaw) == _TURNED:
            sides.append(replace(one, view_family="profile", yaw=stand.yaw, pitch=0.0))
        elif stand.pose:
            sides.append(replace(one, pitch=0.0, pose="standing"))
        else:
            sides.append(replace(one, yaw=one.yaw + stand.yaw, pitch=0.0))
    return replace(shot, left=sides[0], right=sides[1])


def render_pair(left: Puppet, right: Puppet, shot: PairShot, size: int = 96) -> PairDrawing:
    """Draw two puppets: the same drawing every time. `shot` is as `posed` gives it."""
    side = size * SUPERSAMPLING
    scale = _RADIUS * side
    figures: list[PlacedPuppet] = []
    for which, puppet in enumerate((left, right)):
        figures.append(_placed(puppet, shot, which, sum(len(one.solids) for one in figures)))
    solids = [solid for figure in figures for solid in figure.solids]
    raster = rasterize(solids, rotation(0, 0), (side / 2, _LEVEL * side), scale, side)
    place = background(shot.left.background, (left.number + right.number) % VARIANTS, side)
    layers = surface(figures, raster, scale, place, night=shot.left.background == "night")
    shown = owners(figures, raster)
    masks = np.stack([scaled_down(shown == which) > 0.5 for which in (0, 1)])
    picture = scaled_down(develop(layers, shot.left.style))
    return PairDrawing(
        image=(picture * 255).round().astype(np.uint8),
        masks=masks,
        boxes=(_box_of(masks[0]), _box_of(masks[1])),
        heads=(head_of(shot, 0), head_of(shot, 1)),
    )


def head_of(shot: PairShot, which: int) -> BoxOfOne:
    """The box of a bare head, 0 left or 1 right, in fractions of the picture's side: known before anything is drawn."""
    x, y = _middle(shot, which)
    radius = _RADIUS * shot.sizes[which]
    return x - radius, y - radius, x + radius, y + radius


def alone(image: NDArray[np.uint8], shot: PairShot, which: int) -> NDArray[np.uint8]:
    """What a picture (96, 96, 3) shows where one of two should be, as a picture of it alone, framed as `SOLO`."""
    return alone_at(image, *_middle(shot, which), _RADIUS * shot.sizes[which])


def alone_at(image: NDArray[np.uint8], x: float, y: float, radius: float) -> NDArray[np.uint8]:
    """The same of a figure by the middle and the radius of its head, in fractions of the picture's side.

    Columns beyond one and a half head radii hold the other one: they are painted over.
    """
    size = len(image)
    wanted_x, wanted_y, wanted_radius = FRAMES[SOLO]
    grown = radius / wanted_radius
    steps = np.arange(size) + 0.5
    columns = (steps - wanted_x * size) * grown + x * size
    rows = (steps - wanted_y * size) * grown + y * size
    columns, rows = (np.clip(one, 0, size - 1).astype(np.int64) for one in (columns, rows))
    seen = image[np.ix_(rows, columns)]
    seen[:, np.abs(steps - wanted_x * size) > _REACH * wanted_radius * size] = _PLAIN
    return seen


def _middle(shot: PairShot, which: int) -> tuple[float, float]:
    """Middle of a head in fractions of the picture's side; a smaller one stands on the same ground."""
    stand, size = _STANDS[shot.relation][which], shot.sizes[which]
    ground = -3.3
    return 0.5 + stand.x * _RADIUS, _LEVEL - (stand.lift + ground * (1 - size)) * _RADIUS


def _placed(puppet: Puppet, shot: PairShot, which: int, first: int) -> PlacedPuppet:
    """One of two, turned about its own axis and moved to where it stands."""
    own, stand = (shot.left, shot.right)[which], _STANDS[shot.relation][which]
    outfit = puppet.named.outfits[own.outfit]
    x, y = _middle(shot, which)
    moved = np.array(((x - 0.5) / _RADIUS, (_LEVEL - y) / _RADIUS, stand.depth), np.float32)
    turn = rotation(own.yaw, own.pitch) * np.float32(shot.sizes[which])
    solids = [_turned(solid, turn, moved) for solid in build_figure(puppet, outfit, stand.pose or own.pose)]
    return PlacedPuppet(puppet, outfit, own.expression, solids, first)


def _turned(solid: Solid, turn: Float32s, moved: Float32s) -> Solid:
    x, y, z = (float(value) for value in turn @ np.asarray(solid.center, np.float32) + moved)
    return replace(solid, center=(x, y, z), frame=np.asarray(turn @ solid.frame, np.float32))


def _box_of(mask: NDArray[np.bool_]) -> BoxOfOne:
    """The box of a mask, all zeros where nothing is seen."""
    rows, columns = np.nonzero(mask)
    if not rows.size:
        return 0.0, 0.0, 0.0, 0.0
    high, wide = mask.shape
    return columns.min() / wide, rows.min() / high, (columns.max() + 1) / wide, (rows.max() + 1) / high
