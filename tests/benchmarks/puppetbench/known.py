"""What seed and words say of a puppet, and a guess at the rest. Knows no judge."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from bootstrap.puppets.anatomy import Puppet, twin
from bootstrap.puppets.casting import shot_of
from bootstrap.puppets.render import render
from tests.benchmarks.puppetbench.counterfactual import TRAITS, changed
from tests.benchmarks.puppetbench.unnamed import visible

STRANGER = 300_000_000
"""Added to a puppet's number for the twin whose traits stand where the seed shows nothing."""


def guessed(puppet: Puppet, views: Sequence[str]) -> Puppet:
    """The puppet with a twin's traits where none of its seed pictures (``views``) would show a change of them."""
    other, unseen = twin(puppet, puppet.number + STRANGER), {}
    for trait in unseen_traits(puppet, views):
        unseen[trait] = getattr(other.unnamed, trait)
    fields: dict[str, Any] = unseen
    return replace(puppet, unnamed=replace(puppet.unnamed, **fields))


def unseen_traits(puppet: Puppet, views: Sequence[str]) -> list[str]:
    """The unnamed traits whose greatest change no seed picture shows."""
    shots = [shot_of(view) for view in views]
    drawn = np.stack([render(puppet, shot).image for shot in shots])
    found = []
    for trait in TRAITS:
        pictures = np.stack([render(changed(puppet, trait), shot).image for shot in shots])
        if not visible(drawn, pictures).any():
            found.append(trait)
    return found
