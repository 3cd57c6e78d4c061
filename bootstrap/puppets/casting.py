"""A puppet as input of a run: `python -m bootstrap.puppets.casting 341 FOLDER --name Ruby --views front`.

Writes seed pictures and a character.json with the puppet's named traits and none of the unnamed ones. Does NOT know
runs or models.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from PIL import Image

from bootstrap.puppets.anatomy import Puppet, PuppetOutfit, sample_puppet
from bootstrap.puppets.render import render
from bootstrap.puppets.scene import PuppetShot
from bootstrap.records import Shot
from bootstrap.store.files import make_folder, write_atomic

ANGLES = {
    "front": (0.0, 0.0),
    "three-quarter-left": (-42.0, 0.0),
    "three-quarter-right": (42.0, 0.0),
    "profile-left": (-77.0, 0.0),
    "profile-right": (77.0, 0.0),
    "behind": (180.0, 0.0),
    "above": (0.0, 37.0),
    "below": (0.0, -33.0),
}
"""View name of configs/views/standard.yaml -> yaw and pitch in degrees, the middle of its view family."""
OUTFITS = ("default", "casual", "festive")
STYLE = "cel shading"
_SIDE = 512
_OPEN_FACE = ["smile", "open mouth", "frown", "closed eyes", "surprised"]


def shot_of(view: str, framing: str = "upper body", **other: Any) -> PuppetShot:
    """A shot from the middle of a view: standing, smiling, plain background, unless `other` sets another value."""
    yaw, pitch = ANGLES[view]
    plain: dict[str, Any] = {
        "expression": "smile",
        "pose": "standing",
        "outfit": 0,
        "background": "simple background",
        "style": STYLE,
    }
    view_family = view.removesuffix("-left").removesuffix("-right")
    return PuppetShot(**(plain | other), view_family=view_family, yaw=yaw, pitch=pitch, framing=framing)


def puppet_shot(shot: Shot) -> PuppetShot:
    """A shot of a run as the renderer takes it."""
    return shot_of(
        shot.view,
        shot.framing,
        expression=shot["expression"],
        pose=shot["pose"],
        outfit=OUTFITS.index(shot["outfit"]),
        background=shot["background"],
        style=shot.axes.get("style", STYLE),
    )


def character_of(puppet: Puppet, name: str, seeds: Sequence[dict[str, str]] = ()) -> dict[str, Any]:
    """The content of character.json: every named trait, and no unnamed one."""
    named = puppet.named
    always = ", ".join(filter(None, (named.hat, named.accessory)))
    invariant = {
        "hair": f"{named.hair_color} hair, {named.hair_style}",
        "eyes": f"{named.eye_color} eyes",
        "ears": named.ears,
        "skin": named.skin,
        "tail": named.tail,
        "always worn": always,
    }
    outfits: dict[str, dict[str, Any]] = {}
    for key, outfit in zip(OUTFITS, named.outfits, strict=True):
        outfits[key] = {"tags": _clothes(outfit)}
    outfits["default"]["share"] = 0.5
    return {
        "version": 1,
        "kind": "character",
        "name": name,
        "trigger": f"{name.lower()}chr",
        "base": "puppet",
        "seeds": list(seeds),
        "core": "1girl, solo",
        "invariant": {part: tags for part, tags in invariant.items() if tags},
        "outfits": outfits,
        "expressions": _OPEN_FACE,
        "poses": ["standing", "sitting", "walking", "waving"],
        "backgrounds": ["simple background", "forest", "sky", "room"],
        "styles": [STYLE],
    }


def cast(number: int, folder: Path, name: str, views: Sequence[str] = ("front",), framing: str = "upper body") -> None:
    """Write puppet `number` into `folder`: `<view>.png` for every view, and character.json."""
    puppet = sample_puppet(number)
    make_folder(folder)
    notes = []
    for view in views:
        drawing = render(puppet, shot_of(view, framing), _SIDE)
        path = folder / f"{view}.png"
        Image.fromarray(drawing.image).save(path)
        tags = f"standing, simple background, {STYLE}"
        if view != "behind":
            tags = f"smile, {tags}"
        notes.append({"file": path.name, "view": view, "framing": framing, "outfit": "default", "tags": tags})
    text = json.dumps(character_of(puppet, name, notes), indent=2) + "\n"
    write_atomic(folder / "character.json", text.encode())


def _clothes(outfit: PuppetOutfit) -> str:
    clothes = f"{outfit.top_color} {outfit.top}"
    if outfit.bottom:
        clothes += f", {outfit.bottom_color} {outfit.bottom}"
    return clothes


def main(arguments: Sequence[str] | None = None) -> None:
    """Parse the command line and write."""
    parser = argparse.ArgumentParser(prog="python -m bootstrap.puppets.casting", description=__doc__)
    parser.add_argument("number", type=int, help="which puppet, any number from 0")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--name", default=None)
    parser.add_argument("--views", nargs="+", choices=list(ANGLES), default=["front"])
    given = parser.parse_args(arguments)
    cast(given.number, given.folder, given.name or f"Puppet{given.number}", given.views)


if __name__ == "__main__":
    main()
