"""A shot of a run as the renderer understands it. Knows no model."""

from __future__ import annotations

from bootstrap.puppets.casting import OUTFITS, shot_of
from bootstrap.puppets.scene import PuppetShot
from bootstrap.records import Shot


def puppet_shot(shot: Shot) -> PuppetShot:
    """A shot of ours as the renderer understands it."""
    return shot_of(
        shot.view,
        shot.framing,
        expression=shot["expression"],
        pose=shot["pose"],
        outfit=OUTFITS.index(shot["outfit"]),
        background=shot["background"],
        style=shot["style"],
    )
