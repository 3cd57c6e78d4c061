"""What the panel's tagger sees on a seed, as tags for its caption: cleaned as `bootstrap tags` cleans a set.

The character's own tags, other tags of the same parts, and names of known characters go. Knows no seed and no phase.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from PIL import Image

from bootstrap.character import Character
from bootstrap.config import PanelConfig
from bootstrap.dataset.retagging import Retagging
from bootstrap.panel.availability import known_characters
from bootstrap.seeds import Tag

if TYPE_CHECKING:
    from scoring.tagger import Tagger

__all__ = ["seed_tagging"]


def seed_tagging(tagger: Tagger | None, character: Character, panel: PanelConfig) -> Tag:
    """What tags the seeds of a character from ``panel.seed_tags`` on; nothing without a tagger or a threshold."""
    threshold = panel.seed_tags
    if tagger is None or threshold is None:
        return lambda image: ()
    cleaned = Retagging(identity=character.identity, names=known_characters(panel))

    def tags(image: Image.Image) -> tuple[str, ...]:
        return cleaned.of([tagger.tags(image, threshold)])[0]

    return tags
