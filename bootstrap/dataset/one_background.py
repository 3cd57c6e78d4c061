"""A background that nearly every caption of a set names: what never varies is learned, unless it has a tag of its own.

Guides call that tag a crossover tag. Backgrounds are known by their words. Knows no picture and no folder.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from bootstrap.captions.prose import PLACES
from bootstrap.pictures.caption_text import folded

__all__ = ["crossover_for", "is_background", "one_background"]

INDOORS_AND_OUT = (
    "alley", "balcony", "bathroom", "beach", "bedroom", "bridge", "cafe", "castle", "cave", "church", "city",
    "classroom", "desert", "dungeon", "factory", "field", "forest", "garden", "gym", "hallway", "hospital", "kitchen",
    "laboratory", "lake", "library", "market", "mountain", "museum", "ocean", "office", "park", "restaurant", "river",
    "road", "rooftop", "room", "ruins", "school", "shop", "shrine", "space", "stadium", "stage", "station", "street",
    "studio", "temple", "town", "tunnel", "underwater", "valley", "village", "waterfall",
)  # fmt: skip
"""Places that boards tag, besides those that have a phrase in prose."""


def is_background(tag: str) -> bool:
    """Whether a tag says what is behind the subject: "white background", "classroom", "snowy forest"."""
    words = folded(tag)
    return words in PLACES or words.rpartition(" ")[2] in ("background", *INDOORS_AND_OUT)


def one_background(shares: Mapping[str, float], least: float) -> str:
    """The background that at least such a share of the captions names without a tag of its own; "" for none.

    A tag of its own is another tag as common that ends with the background's last word ("mikachr classroom").
    """
    common = [tag for tag, share in shares.items() if share >= least]
    for tag in common:
        if is_background(tag) and not _has_own(tag, common):
            return tag
    return ""


def crossover_for(trigger: str, background: str) -> str:
    """The usual crossover tag."""
    return f"{trigger} {background}"


def _has_own(tag: str, others: Iterable[str]) -> bool:
    thing = folded(tag)
    return any(
        folded(other) != thing and (folded(other).endswith(f" {thing}") or thing.endswith(f" {folded(other)}"))
        for other in others
    )
