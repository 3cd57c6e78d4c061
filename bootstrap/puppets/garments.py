"""Garments as individuals: clothes that any puppet can wear.

Captions name the pieces and their colours; none names the exact hues, the emblem, the stripes, the trim and the shoes.
Two garments with equal pieces are twins. Does NOT know how a garment is drawn.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from bootstrap.puppets.anatomy import OUTFITS, Puppet, PuppetOutfit, puppet_from_named, sample_puppet
from bootstrap.puppets.palette import Tone


@dataclass(frozen=True)
class Garment:
    """One garment. Its unnamed traits are those that the clothes of puppet `number` have."""

    number: int
    outfit: PuppetOutfit
    cloth_tone: Tone
    emblem: str
    emblem_color: str
    stripes: str
    trim_color: str
    shoe_color: str


def sample_garment(number: int) -> Garment:
    """Garment `number` (a non-negative integer): the same one every time."""
    return garment_of(sample_puppet(number))


def garment_of(puppet: Puppet, outfit: int = 0) -> Garment:
    """What a puppet wears in one of its outfits."""
    traits = puppet.unnamed
    return Garment(
        puppet.number,
        puppet.named.outfits[outfit],
        traits.cloth_tone,
        traits.emblem,
        traits.emblem_color,
        traits.stripes,
        traits.trim_color,
        traits.shoe_color,
    )


def garment_twin(garment: Garment, number: int) -> Garment:
    """Another garment that captions describe with the same words."""
    return replace(garment_of(sample_puppet(number)), outfit=garment.outfit)


def wearing(puppet: Puppet, garment: Garment) -> Puppet:
    """The puppet in this garment, whichever of its outfits a shot asks for; hat and scarf take the garment's hues."""
    unnamed = replace(
        puppet.unnamed,
        cloth_tone=garment.cloth_tone,
        emblem=garment.emblem,
        emblem_color=garment.emblem_color,
        stripes=garment.stripes,
        trim_color=garment.trim_color,
        shoe_color=garment.shoe_color,
    )
    return Puppet(puppet.number, replace(puppet.named, outfits=(garment.outfit,) * OUTFITS), unnamed)


def bare(puppet: Puppet, number: int) -> Puppet:
    """The puppet without hat and accessory, with the unnamed traits of puppet `number`: somebody who wears things."""
    return puppet_from_named(replace(puppet.named, hat="", accessory=""), number)
