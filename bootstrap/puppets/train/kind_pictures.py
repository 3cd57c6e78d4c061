"""Training pictures of garments, places and drawing styles, in groups of twins, each in several contexts.

Twins have equal named traits. A garment is worn by another puppet in every picture, a style draws another puppet, a
place is seen at another time and from another side, every second time with somebody in front. Picture (group, twin,
shot) is a function of those numbers alone. Does NOT know any model.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bootstrap.puppets import drawing_style, garments, places
from bootstrap.puppets.anatomy import Puppet, sample_puppet
from bootstrap.puppets.places import PlaceView
from bootstrap.puppets.render import render
from bootstrap.puppets.scene import ALL_STYLES, PuppetShot, sample_shot
from bootstrap.puppets.train.painting import write
from bootstrap.puppets.train.twins import TWINS
from bootstrap.puppets.visits import picture_of_place

SHOTS = 6
PER_GROUP = TWINS * SHOTS
FIRST = {"kinds": 7_000_000, "kinds-unseen": 7_500_000}
"""Set -> number of its first individual; no individual of one is in the other, and puppets' sets count elsewhere."""
_STRANGERS = 8_000_000
_TWIN_OFFSET = 100_000_000
Images = NDArray[np.uint8]


def pictures_of(kind: str, groups: int, name: str, workdir: Path) -> Images:
    """All pictures of a set, flattened in the order group, twin, shot: uint8 (N, 96, 96, 3), kept in `workdir`."""
    path = workdir / "pictures" / f"{name}-{kind}-{groups}.npy"
    if not path.exists():
        write(path, np.concatenate([group_of(kind, FIRST[name] + group) for group in range(groups)]))
    images: Images = np.load(path)
    return images


def group_of(kind: str, number: int) -> Images:
    """The pictures of one group: uint8 (`PER_GROUP`, 96, 96, 3)."""
    twins = [number, *(number + place * _TWIN_OFFSET for place in range(1, TWINS))]
    images = []
    for place, each in enumerate(twins):
        for shot in range(SHOTS):
            images.append(KINDS_DRAWN[kind](number, each, np.random.default_rng([number, 61, place, shot])))
    return np.stack(images)


def stranger(rng: np.random.Generator) -> Puppet:
    """Somebody who wears or visits things."""
    number = _STRANGERS + int(rng.integers(400_000))
    return garments.bare(sample_puppet(number), number)


def garment_shot(rng: np.random.Generator) -> PuppetShot:
    """A shot in which clothes are seen, in their own colours."""
    framing = ("portrait", "upper body", "full body")[int(rng.choice(3, p=(0.1, 0.5, 0.4)))]
    style = str(rng.choice([one for one in ALL_STYLES if one != "monochrome"], p=(0.8, 0.05, 0.05, 0.05, 0.05)))
    return sample_shot(rng, framing=framing, style=style)


def place_view(rng: np.random.Generator) -> PlaceView:
    """A view of a place: at day and in clear weather more often than otherwise."""
    return PlaceView(
        time=_mostly(rng, places.ALL_TIMES),
        weather=_mostly(rng, places.ALL_WEATHERS),
        angle=_mostly(rng, places.ALL_ANGLES),
        distance=str(rng.choice(places.ALL_DISTANCES)),
        middle=float(rng.choice(places.ALL_SECTIONS)),
    )


def _mostly(rng: np.random.Generator, choices: Sequence[str]) -> str:
    return choices[0] if rng.random() < 0.5 else str(rng.choice(choices))


def _draw_garment(group: int, number: int, rng: np.random.Generator) -> Images:
    garment = garments.garment_twin(garments.sample_garment(group), number)
    return render(garments.wearing(stranger(rng), garment), garment_shot(rng)).image


def _draw_place(group: int, number: int, rng: np.random.Generator) -> Images:
    place = places.place_of_kind(places.sample_place(group).kind, number)
    visitor = None
    if rng.random() < 0.5:
        visitor = stranger(rng), sample_shot(rng, style="cel shading", framing="full body")
    return picture_of_place(place, place_view(rng), visitor)


def _draw_style(group: int, number: int, rng: np.random.Generator) -> Images:
    style = drawing_style.style_with_texture(drawing_style.sample_style(group).texture, number)
    return render(stranger(rng), sample_shot(rng), style=style).image


KINDS_DRAWN: Mapping[str, Callable[[int, int, np.random.Generator], Images]] = {
    "garment": _draw_garment,
    "place": _draw_place,
    "style": _draw_style,
}
