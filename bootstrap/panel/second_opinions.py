"""What a panel's models read of the traits of a character, by which the errors of a reader are told.

A probe of the panel reads the axes that it was fitted on, else its tagger the words that it has tags for. Decides
nothing: a reading only says that another word leads.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from bootstrap.config import PanelConfig, embedded
from bootstrap.panel.draft import own_axes
from bootstrap.panel.models import PanelModels
from bootstrap.panel.trait_probe import encoders_of, features_of, read_trait_probe
from bootstrap.readers.axis_reading import AxisReading
from scoring.sight import COLORS
from scoring.tagger import Tagger

__all__ = ["second_opinions"]

SEEN = 0.0
"""Log-odds that a tag must have to speak against another word: as likely as not."""
LEAD = math.log(20)
"""Log-odds by which it must lead that word: several tags of an axis may be right at once, and then none is far behind.
Not measured on pictures."""


def second_opinions(images: Sequence[Image.Image], models: PanelModels, panel: PanelConfig) -> dict[str, AxisReading]:
    """Axis, or what garments are called → how well its words fit pictures of one character."""
    if not images:
        return {}
    found = _by_tags(images, models.tagger, panel) if models.tagger is not None else {}
    probe = read_trait_probe(embedded(panel.trait_probe.file)) if panel.trait_probe.file else None
    if probe is not None and probe.fingerprints == tuple(one.fingerprint for one in encoders_of(models, panel)):
        rows = features_of(images, models, panel)
        found |= {axis: one.reading(rows, models.clip) for axis, one in probe.axes.items()}
    return found


def _by_tags(images: Sequence[Image.Image], tagger: Tagger, panel: PanelConfig) -> dict[str, AxisReading]:
    """What the tagger sees in any of the pictures: axes of the panel, what else has rivals, and garments by colour."""
    row = tagger.embed(images).max(axis=0)
    found = {}
    for name, words in {**_own(panel), **panel.rivals, **_coloured(tagger)}.items():
        known = [word for word in words if tagger.knows(word)]
        if len(known) > 1:
            found[name] = _reading(row, tagger, known)
    return found


def _own(panel: PanelConfig) -> Mapping[str, Sequence[str]]:
    return {axis: panel.vocabulary[axis] for axis in own_axes(panel)}


def _reading(row: NDArray[np.float32], tagger: Tagger, words: Sequence[str]) -> AxisReading:
    scores = {word: float(row[tagger.places([word])[0]]) for word in words}
    return AxisReading(scores, LEAD, SEEN)


def _coloured(tagger: Tagger) -> Mapping[str, list[str]]:
    """Things of which the tagger knows several colours → their tags, as words."""
    found: dict[str, list[str]] = {}
    for tag in tagger.general:
        color, _, thing = tag.partition(" ")
        if color in COLORS and thing:
            found.setdefault(f"colour of {thing}", []).append(tag)
    return found
