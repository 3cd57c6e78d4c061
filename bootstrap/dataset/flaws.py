"""Pictures of a set that stand out by their pixels: enlarged, grey, transparent, small, of several figures.

What is soft or grey is judged beside the others: a whole set may be so on purpose. Loads no model.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median

from bootstrap.dataset.caption_tags import FEWEST
from bootstrap.dataset.clones import ALTERED
from bootstrap.dataset.findings import Finding, finding
from bootstrap.dataset.looked_at import LookedAt

__all__ = ["flaws"]

SOFT = 0.72
"""Sharpness over the set's median below which a picture is enlarged or blurred. Beside 5 puppet sets of 48, the least
sharp has .9 of it; enlarged by half .58 to .69, twice .51 to .58."""
SMALL = 0.25
"""Pixels of a picture over the set's median below which it is small."""
GREY_WORDS = frozenset({
    "monochrome", "greyscale", "grayscale", "black and white", "sketch", "lineart", "line art", "silhouette", "manga",
    "ink drawing", "pencil drawing", "comic",
})  # fmt: skip
"""What a caption says of a grey picture."""
SEVERAL = frozenset({
    "multiple girls", "multiple boys", "multiple others", "2girls", "2boys", "multiple views", "reference sheet",
    "character sheet", "turnaround", "model sheet", "comic", "collage",
})  # fmt: skip
"""What a caption says of several figures."""


def flaws(folder: Path, looked: Sequence[LookedAt]) -> Iterator[Finding]:
    """Rule by rule."""
    hint = "lay it on white: a trainer drops the transparency, and what lies under it shows"
    if files := [one.path for one in looked if one.transparent]:
        yield finding(folder, "transparent", "warning", "it has transparent pixels", files, hint)
    if files := [one.path for one in looked if one.figures > 1 and not one.says(SEVERAL)]:
        yield finding(folder, "several", "warning", "several figures side by side", files, "crop it to the character")
    if len(looked) >= FEWEST:
        yield from _beside_others(folder, looked)


def _beside_others(folder: Path, looked: Sequence[LookedAt]) -> Iterator[Finding]:
    """What only the comparison with the others tells."""
    usual = median(one.sharpness for one in looked)
    soft = [one for one in looked if one.sharpness < SOFT * usual]
    blocks = [one for one in looked if one.blocks]
    if len(blocks) > len(looked) / 2:
        blocks = []
    if files := [one.path for one in looked if one in [*soft, *blocks] and not one.says(ALTERED)]:
        message = "less sharp than the others: enlarged, or blurred"
        hint = 'take the original, or tag it "blurry"'
        yield finding(folder, "enlarged", "warning", message, files, hint)
    area = median(one.size[0] * one.size[1] for one in looked)
    if files := [one.path for one in looked if one.size[0] * one.size[1] < SMALL * area]:
        message = f"less than a quarter of the others' pixels ({area**0.5:.0f} a side)"
        yield finding(folder, "small", "warning", message, files, "take the original: a trainer enlarges it")
    grey = [one for one in looked if one.grey]
    if len(grey) > len(looked) / 2:
        grey = []
    if files := [one.path for one in grey if not one.says(GREY_WORDS)]:
        hint = 'tag it "monochrome": the trigger learns its colours from it too'
        yield finding(folder, "grey", "warning", "it has no colours, and no tag says so", files, hint)
