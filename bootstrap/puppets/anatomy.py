"""Who a puppet is: the traits that a caption can name, and the traits that none can.

Two puppets with equal named traits (twins) have the same captions and look different. Does NOT know how a trait is
drawn, nor from which side.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bootstrap.puppets.palette import CLOTHES, EYES, HAIR, SKIN, Tone

ALL_HAIR_COLORS = tuple(HAIR)
ALL_HAIR_STYLES = (
    "long hair",
    "short hair",
    "twintails",
    "ponytail",
    "bob cut",
    "spiky hair",
    "curly hair",
    "braid",
)
ALL_EYE_COLORS = tuple(EYES)
ALL_EARS = ("", "cat ears", "rabbit ears", "fox ears", "dog ears", "bear ears")
ALL_HATS = ("beret", "cap", "witch hat", "ribbon-hat")
ALL_ACCESSORIES = ("glasses", "scarf", "ribbon")
ALL_SKINS = tuple(SKIN)
ALL_TAILS = ("", "cat tail", "fox tail", "rabbit tail")
ALL_CLOTH_COLORS = tuple(CLOTHES)
ALL_TOPS = ("shirt", "sweater", "jacket", "hoodie")
ALL_BOTTOMS = ("skirt", "shorts", "pants")
DRESS = "dress"

ALL_BANGS = ("blunt", "zigzag", "parted", "swept", "arched", "lock")
ALL_MARKS = ("none", "blush", "freckles", "scar", "mole")
ALL_EMBLEMS = ("none", "disc", "heart", "star", "diamond", "cross")
ALL_STRIPES = ("none", "wide", "narrow", "single")
OUTFITS = 3


@dataclass(frozen=True)
class PuppetOutfit:
    """The clothes of a puppet; a dress has neither bottom nor bottom colour (both '')."""

    top_color: str
    top: str
    bottom_color: str = ""
    bottom: str = ""


@dataclass(frozen=True)
class NamedTraits:
    """Every trait that a caption can name; '' where the puppet has none."""

    hair_color: str
    hair_style: str
    eye_color: str
    ears: str
    hat: str
    accessory: str
    skin: str
    tail: str
    outfits: tuple[PuppetOutfit, ...]


@dataclass(frozen=True)
class UnnamedTraits:
    """The traits that tell an individual from its twins and never enter a caption.

    Tones are places inside the range of a colour name (see `palette.paint`); sizes and proportions are factors around
    1; eye height and tilt are in radians; sides are -1 (the viewer's left when the puppet faces the viewer) or +1, and
    0 where there is nothing.
    """

    hair_tone: Tone
    eye_tone: Tone
    skin_tone: Tone
    cloth_tone: Tone
    head_width: float
    head_height: float
    body_width: float
    leg_length: float
    eye_size: float
    eye_aspect: float
    eye_spacing: float
    eye_height: float
    eye_tilt: float
    mouth_width: float
    hair_length: float
    hair_volume: float
    ear_size: float
    bangs: str
    side: int
    ahoge: int
    clip_side: int
    clip_color: str
    mark: str
    mark_side: int
    emblem: str
    emblem_color: str
    stripes: str
    trim_color: str
    shoe_color: str


@dataclass(frozen=True)
class Puppet:
    """One individual. Its unnamed traits are drawn from `number`."""

    number: int
    named: NamedTraits
    unnamed: UnnamedTraits


def sample_puppet(number: int) -> Puppet:
    """Puppet `number` (a non-negative integer): the same one every time."""
    return puppet_from_named(_sample_named(np.random.default_rng([number, 1])), number)


def puppet_from_named(named: NamedTraits, number: int) -> Puppet:
    """A puppet with the given named traits and the unnamed traits of puppet `number`."""
    return Puppet(number, named, _sample_unnamed(np.random.default_rng([number, 2])))


def twin(puppet: Puppet, number: int) -> Puppet:
    """A twin: another individual with the named traits, and so the captions, of `puppet`."""
    return puppet_from_named(puppet.named, number)


def _sample_named(rng: np.random.Generator) -> NamedTraits:
    ears = ""
    if rng.random() < 0.62:
        ears = _pick(rng, ALL_EARS)
    hat, hat_odds = "", 0.35
    if ears:
        hat_odds = 0.15
    if rng.random() < hat_odds:
        hat = f"{_pick(rng, ALL_CLOTH_COLORS)} {_pick(rng, ALL_HATS)}"
    return NamedTraits(
        hair_color=_pick(rng, ALL_HAIR_COLORS),
        hair_style=_pick(rng, ALL_HAIR_STYLES),
        eye_color=_pick(rng, ALL_EYE_COLORS),
        ears=ears,
        hat=hat,
        accessory=_sample_accessory(rng, bare_headed=not hat),
        skin=ALL_SKINS[int(rng.choice(3, p=(0.56, 0.22, 0.22)))],
        tail=_pick(rng, ALL_TAILS),
        outfits=_sample_outfits(rng),
    )


def _sample_accessory(rng: np.random.Generator, *, bare_headed: bool) -> str:
    if rng.random() < 0.4:
        return ""
    kinds: Sequence[str] = ALL_ACCESSORIES
    if not bare_headed:
        kinds = ALL_ACCESSORIES[:2]  # no ribbon over a hat
    kind = _pick(rng, kinds)
    if kind == "glasses":
        return kind
    return f"{_pick(rng, ALL_CLOTH_COLORS)} {kind}"


def _sample_outfits(rng: np.random.Generator) -> tuple[PuppetOutfit, ...]:
    top_colors = rng.permutation(len(ALL_CLOTH_COLORS))[:OUTFITS]
    return tuple(_sample_outfit(rng, ALL_CLOTH_COLORS[int(color)]) for color in top_colors)


def _sample_outfit(rng: np.random.Generator, top_color: str) -> PuppetOutfit:
    if rng.random() < 0.22:
        return PuppetOutfit(top_color, DRESS)
    bottom_color = _pick(rng, [color for color in ALL_CLOTH_COLORS if color != top_color])
    return PuppetOutfit(top_color, _pick(rng, ALL_TOPS), bottom_color, _pick(rng, ALL_BOTTOMS))


def _sample_unnamed(rng: np.random.Generator) -> UnnamedTraits:
    return UnnamedTraits(
        hair_tone=_sample_tone(rng),
        eye_tone=_sample_tone(rng),
        skin_tone=_sample_tone(rng),
        cloth_tone=_sample_tone(rng),
        head_width=_spread(rng, 0.95, 1.09),
        head_height=_spread(rng, 0.87, 1.01),
        body_width=_spread(rng, 0.84, 1.18),
        leg_length=_spread(rng, 0.86, 1.10),
        eye_size=_spread(rng, 0.86, 1.20),
        eye_aspect=_spread(rng, 1.15, 1.62),
        eye_spacing=_spread(rng, 0.88, 1.16),
        eye_height=_spread(rng, -0.07, 0.06),
        eye_tilt=_spread(rng, -0.24, 0.24),
        mouth_width=_spread(rng, 0.75, 1.30),
        hair_length=_spread(rng, 0.76, 1.24),
        hair_volume=_spread(rng, 0.92, 1.12),
        ear_size=_spread(rng, 0.82, 1.22),
        bangs=_pick(rng, ALL_BANGS),
        side=_pick_side(rng),
        ahoge=int(rng.choice(3, p=(0.45, 0.35, 0.2))),
        clip_side=_pick_side(rng) if rng.random() < 0.55 else 0,
        clip_color=_pick(rng, ALL_CLOTH_COLORS),
        mark=_pick(rng, ALL_MARKS),
        mark_side=_pick_side(rng),
        emblem=_pick(rng, ALL_EMBLEMS),
        emblem_color=_pick(rng, ALL_CLOTH_COLORS),
        stripes=_pick(rng, ALL_STRIPES) if rng.random() < 0.6 else "none",
        trim_color=_pick(rng, ALL_CLOTH_COLORS),
        shoe_color=_pick(rng, ALL_CLOTH_COLORS),
    )


def _pick(rng: np.random.Generator, choices: Sequence[str]) -> str:
    return choices[int(rng.integers(len(choices)))]


def _pick_side(rng: np.random.Generator) -> int:
    return 1 if rng.random() < 0.5 else -1


def _spread(rng: np.random.Generator, low: float, high: float) -> float:
    """A number in [low, high], more often near an end, so that twins visibly differ."""
    return low + (high - low) * float(rng.beta(0.6, 0.6))


def _sample_tone(rng: np.random.Generator) -> Tone:
    return _spread(rng, 0, 1), _spread(rng, 0, 1), _spread(rng, 0, 1)
