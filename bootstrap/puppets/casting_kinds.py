"""An individual of another kind as input of a run: `python -m bootstrap.puppets.casting_kinds outfit 5 FOLDER`.

Writes seed pictures and a character.json with what words say of a garment, a place or a drawing style, and draws the
truth of any shot that is planned from it. Does NOT know runs or models.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from bootstrap.puppets.anatomy import Puppet, sample_puppet
from bootstrap.puppets.casting import STYLE, shot_of
from bootstrap.puppets.drawing_style import ALL_TEXTURES, DrawingStyle, sample_style, style_with_texture
from bootstrap.puppets.garments import Garment, bare, garment_twin, sample_garment, wearing
from bootstrap.puppets.places import (
    ALL_SECTIONS,
    ALL_TIMES,
    ALL_WEATHERS,
    Place,
    PlaceView,
    place_of_kind,
    sample_place,
)
from bootstrap.puppets.render import render
from bootstrap.puppets.visits import picture_of_place
from bootstrap.records import Shot
from bootstrap.store.files import make_folder, write_atomic, write_image

Images = NDArray[np.uint8]
PEOPLE = tuple(range(9_000_001, 9_000_013))
"""Numbers of the puppets who wear garments, are drawn in styles and stand before places."""
FURTHER = 1_000_000
"""From the number of one twin to the next."""
NOBODY = "no humans"
_SIDE = 512
_BACKGROUNDS = ("simple background", "forest", "sky", "room")
_POSES = ("standing", "sitting", "walking", "waving")
_EXPRESSIONS = ("smile", "open mouth", "frown")


@dataclass(frozen=True)
class CastKind:
    """How individuals of a kind are cast.

    `seeds` are the shots of the seed pictures, `describe` gives what character.json says beside name and seeds.
    `individual` gives individual `number`, or where `twin` is a number, another one that words describe alike; `draw`
    gives every picture of an individual that is true of a shot: one, or more where the words leave open which.
    """

    seeds: tuple[Shot, ...]
    describe: Callable[[int], dict[str, Any]]
    individual: Callable[[int, int | None], Any]
    draw: Callable[[Any, Shot, int], list[Images]]


def person(number: int) -> Puppet:
    """A puppet without hat and accessory."""
    return bare(sample_puppet(number), number)


def words_of(puppet: Puppet, *, dressed: bool) -> str:
    """What captions say of a person, with the clothes where `dressed`."""
    named, outfit = puppet.named, puppet.named.outfits[0]
    tags = ["1girl", f"{named.hair_color} hair", named.hair_style, f"{named.eye_color} eyes", named.ears, named.skin]
    if dressed:
        tags += [f"{outfit.top_color} {outfit.top}", f"{outfit.bottom_color} {outfit.bottom}".strip()]
    return ", ".join(filter(None, tags))


WEARERS = {words_of(person(number), dressed=False): number for number in PEOPLE[:8]}
SUBJECTS = {words_of(person(number), dressed=True): number for number in PEOPLE}
VISITORS = {f"{words_of(person(number), dressed=True)}, out of focus": number for number in PEOPLE[:4]}
"""Words of character.json → whom they mean."""


def pictures_of(kind: str, number: int, shot: Shot, size: int = 96, twin: int | None = None) -> list[Images]:
    """Every true picture of a shot, each uint8 (size, size, 3); those of a twin where its number is given."""
    return KINDS[kind].draw(KINDS[kind].individual(number, twin), shot, size)


def other_styles(number: int, shot: Shot, size: int = 96) -> list[Images]:
    """A shot of style `number` in eight others: as words alone ask for it, by four twins and three other textures."""
    own, person_shown = sample_style(number), person(SUBJECTS[shot["subject"]])
    textures = [one for one in ALL_TEXTURES if one != own.texture]
    drawn = [_person_shot(shot, size, person_shown)]
    for turn in range(1, 8):
        texture = own.texture if turn < 5 else textures[(number + turn) % len(textures)]
        drawn.append(_person_shot(shot, size, person_shown, style=style_with_texture(texture, number + FURTHER * turn)))
    return drawn


def cast_kind(kind: str, number: int, folder: Path, name: str) -> list[Path]:
    """Write individual `number` of a kind into `folder`: seed pictures and character.json. Returns the pictures."""
    make_folder(folder)
    cast, notes, paths = KINDS[kind], [], []
    for place, shot in enumerate(cast.seeds, 1):
        paths.append(folder / f"seed-{place}.png")
        write_image(paths[-1], Image.fromarray(pictures_of(kind, number, shot, _SIDE)[0]))
        tags = ", ".join(shot.axes.values())
        notes.append({"file": paths[-1].name, "view": shot.view, "framing": shot.framing, "tags": tags})
    content = {"version": 1, "kind": kind, "name": name, "base": "puppet", "seeds": notes, **cast.describe(number)}
    if kind != "style":
        content["trigger"] = f"{name.lower()}{kind}"
    write_atomic(folder / "character.json", (json.dumps(content, indent=2) + "\n").encode())
    return paths


def _person_shot(shot: Shot, size: int, puppet: Puppet, **how: Any) -> Images:
    axes = {"expression": "smile", "pose": "standing", "background": "simple background", "style": STYLE}
    axes |= {axis: value for axis, value in shot.axes.items() if axis in axes}
    return render(puppet, shot_of(shot.view, shot.framing, **axes), size, **how).image


def _garment(number: int, twin: int | None) -> Garment:
    first = sample_garment(number)
    return first if twin is None else garment_twin(first, twin)


def _style(number: int, twin: int | None) -> DrawingStyle:
    first = sample_style(number)
    return first if twin is None else style_with_texture(first.texture, twin)


def _place(number: int, twin: int | None) -> Place:
    first = sample_place(number)
    return first if twin is None else place_of_kind(first.kind, twin)


def _draw_outfit(garment: Garment, shot: Shot, size: int) -> list[Images]:
    return [_person_shot(shot, size, wearing(person(WEARERS[shot["wearer"]]), garment))]


def _draw_style(style: DrawingStyle, shot: Shot, size: int) -> list[Images]:
    return [_person_shot(shot, size, person(SUBJECTS[shot["subject"]]), style=style)]


def _draw_place(place: Place, shot: Shot, size: int) -> list[Images]:
    visitor = None
    if (figure := shot.axes.get("figure", NOBODY)) != NOBODY:
        visitor = person(VISITORS[figure]), shot_of("front", "full body")
    middles = ALL_SECTIONS if shot.framing == "section" else (0.5,)
    views = [PlaceView(shot["time"], shot["weather"], shot.view, shot.framing, middle) for middle in middles]
    return [picture_of_place(place, view, visitor, size) for view in views]


def _describe_outfit(number: int) -> dict[str, Any]:
    outfit = sample_garment(number).outfit
    pieces = {"top": f"{outfit.top_color} {outfit.top}", "bottom": f"{outfit.bottom_color} {outfit.bottom}".strip()}
    return {
        "core": "solo",
        "invariant": {part: tag for part, tag in pieces.items() if tag},
        "varies": {"wearer": list(WEARERS)},
        **_common(),
    }


def _describe_style(number: int) -> dict[str, Any]:
    content = _common()
    del content["styles"]
    return {"invariant": {"look": STYLE}, "varies": {"subject": list(SUBJECTS)}, **content}


def _describe_place(number: int) -> dict[str, Any]:
    varies = {"time": ALL_TIMES, "weather": ALL_WEATHERS, "figure": (NOBODY, *VISITORS)}
    return {"invariant": {"place": sample_place(number).kind}, "varies": varies, "styles": [STYLE]}


def _common() -> dict[str, Any]:
    return {"expressions": _EXPRESSIONS, "poses": _POSES, "backgrounds": _BACKGROUNDS, "styles": [STYLE]}


def _seed(view: str, framing: str, axes: Mapping[str, str]) -> Shot:
    family = view.removesuffix("-left").removesuffix("-right")
    return Shot(family, view, framing, axes)


def _people_seeds(axis: str, people: Sequence[str], sides: Sequence[tuple[str, str]]) -> tuple[Shot, ...]:
    """A seed of each side, another person on each."""
    seeds = []
    for words, (view, framing) in zip(people, sides, strict=False):
        common = {"background": "simple background"}
        if axis == "wearer":
            common["style"] = STYLE
        expression = {} if view == "behind" else {"expression": "smile"}
        seeds.append(_seed(view, framing, {axis: words, **expression, "pose": "standing", **common}))
    return tuple(seeds)


_DAY = {"weather": "clear sky", "figure": NOBODY, "style": STYLE}

KINDS: Mapping[str, CastKind] = {
    "outfit": CastKind(
        _people_seeds("wearer", tuple(WEARERS), (("front", "full body"), ("behind", "full body"))),
        _describe_outfit,
        _garment,
        _draw_outfit,
    ),
    "style": CastKind(
        _people_seeds(
            "subject",
            tuple(SUBJECTS),
            (
                ("front", "upper body"),
                ("three-quarter-left", "portrait"),
                ("behind", "full body"),
                ("front", "full body"),
            ),
        ),
        _describe_style,
        _style,
        _draw_style,
    ),
    "background": CastKind(
        (
            _seed("straight", "wide shot", {"time": "day", **_DAY}),
            _seed("left", "scenery", {"time": "night", **_DAY}),
        ),
        _describe_place,
        _place,
        _draw_place,
    ),
}


def main(arguments: Sequence[str] | None = None) -> None:
    """Parse the command line and write."""
    parser = argparse.ArgumentParser(prog="python -m bootstrap.puppets.casting_kinds", description=__doc__)
    parser.add_argument("kind", choices=list(KINDS))
    parser.add_argument("number", type=int, help="which individual, any number from 0")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--name", default=None)
    given = parser.parse_args(arguments)
    cast_kind(given.kind, given.number, given.folder, given.name or f"{given.kind.title()}{given.number}")


if __name__ == "__main__":
    main()
