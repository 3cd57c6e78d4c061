"""A puppet as its author would bring her: `python -m bootstrap.puppets.casting 341 FOLDER --name Ruby --views front`.

Writes seed pictures and a character.json that says of her what a caption can say, and not a word more. Does NOT know
runs or models.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from bootstrap.puppets.anatomy import Outfit, Puppet, sample_puppet
from bootstrap.puppets.render import render
from bootstrap.puppets.scene import PuppetShot
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
"""View name of configs/views/standard.yaml -> yaw and pitch in degrees, the middle of its view_family."""
OUTFITS = ("default", "casual", "festive")
STYLE = "cel shading"
_SIDE = 512
_OPEN_FACE = ["smile", "open mouth", "frown", "closed eyes", "surprised"]


def shot_of(view: str, framing: str = "upper body", **other: Any) -> PuppetShot:
    """A shot from the middle of a view, standing and smiling before nothing unless told otherwise."""
    yaw, pitch = ANGLES[view]
    plain: dict[str, Any] = {
        "expression": "smile",
        "pose": "standing",
        "outfit": 0,
        "background": "simple background",
        "style": STYLE,
    }
    return PuppetShot(
        **{**plain, **other}, view_family=view.removesuffix("-left").removesuffix("-right"), yaw=yaw, pitch=pitch,
        framing=framing,
    )  # fmt: skip


def character_of(puppet: Puppet, name: str, seeds: Sequence[dict[str, str]] = ()) -> dict[str, Any]:
    """The content of character.json: every named trait, and no unnamed one."""
    named = puppet.named
    worn = ", ".join(filter(None, (named.hat, named.accessory)))
    invariant = {
        "hair": f"{named.hair_color} hair, {named.hair_style}",
        "eyes": f"{named.eye_color} eyes",
        "ears": named.ears,
        "skin": named.skin,
        "tail": named.tail,
        "always worn": worn,
    }
    outfits: dict[str, dict[str, Any]] = {
        key: {"tags": _clothes(outfit)} for key, outfit in zip(OUTFITS, named.outfits, strict=True)
    }
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


def cast(seed: int, folder: Path, name: str, views: Sequence[str] = ("front",), framing: str = "upper body") -> None:
    """Write `<view>.png` for every view and character.json into `folder`."""
    puppet = sample_puppet(seed)
    make_folder(folder)
    notes = []
    for view in views:
        drawing = render(puppet, shot_of(view, framing), _SIDE)
        path = folder / f"{view}.png"
        Image.fromarray(drawing.image).save(path)
        tags = f"{'' if view == 'behind' else 'smile, '}standing, simple background, {STYLE}"
        notes.append({"file": path.name, "view": view, "framing": framing, "outfit": "default", "tags": tags})
    text = json.dumps(character_of(puppet, name, notes), indent=2) + "\n"
    write_atomic(folder / "character.json", text.encode())


def truth(puppet: Puppet, view: str, framing: str, **other: Any) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """The drawing of a shot as it should be, uint8 (96, 96, 3)."""
    return render(puppet, shot_of(view, framing, **other)).image


def _clothes(outfit: Outfit) -> str:
    top = f"{outfit.top_color} {outfit.top}"
    return f"{top}, {outfit.bottom_color} {outfit.bottom}" if outfit.bottom else top


def main(arguments: Sequence[str] | None = None) -> None:
    """Parse the command line and write."""
    parser = argparse.ArgumentParser(prog="python -m bootstrap.puppets.casting", description=__doc__)
    parser.add_argument("seed", type=int)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--name", default=None)
    parser.add_argument("--views", nargs="+", choices=list(ANGLES), default=["front"])
    given = parser.parse_args(arguments)
    cast(given.seed, given.folder, given.name or f"Puppet{given.seed}", given.views)


if __name__ == "__main__":
    main()
