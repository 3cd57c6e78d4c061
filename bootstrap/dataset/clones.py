"""Pictures of a set that are the same, nearly the same, or mirrored: a LoRA learns what they share by heart.

Knows captions only to tell a copy that was altered on purpose, and what is no copy for what it shows.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

from bootstrap.dataset.findings import Finding, finding
from bootstrap.dataset.looked_at import LookedAt
from bootstrap.seeds.cuts import ALTERED_TAGS
from bootstrap.seeds.looks import near_pairs

__all__ = ["ALTERED", "clones"]

CLONES = 0.03
"""Share of near-duplicates that a set bears; trainers of character LoRAs advise to stay below it."""
ALIKE = 3
"""Bits of a 64-bit perceptual hash in which clones differ at most."""
ALTERED = frozenset({
    *ALTERED_TAGS.values(), "greyscale", "grayscale", "spot color", "limited palette", "high contrast",
    "lowres", "low resolution", "low quality", "worst quality", "blurry", "jpeg artifacts",
    "sketch", "lineart", "watercolor", "oil painting", "pastel", "pixel art", "3d", "3d render",
    "upside-down", "sideways", "rotated", "mirrored", "flipped", "altered",
})  # fmt: skip
"""Tags of a copy that was altered on purpose, in colours, quality, style or angle: no clone of one without them."""
SHAPES = 1.1
"""Factor between the aspect ratios of two pictures from which one is a copy in another shape."""
SIDES = {"left": "right", "right": "left"}


def clones(folder: Path, looked: Sequence[LookedAt]) -> Iterator[Finding]:
    """The same picture twice, near-duplicates, and mirror images."""
    repeated: set[Path] = set()
    for message, digest in (("the same file", _file), ("the same picture in another file", _pixels)):
        same: dict[bytes, list[Path]] = defaultdict(list)
        for one in looked:
            if one.path not in repeated:
                same[digest(one)].append(one.path)
        for files in same.values():
            if len(files) > 1:
                yield finding(folder, "duplicate", "error", message, files, "keep one of them")
                repeated.update(files[1:])
    left = [one for one in looked if one.path not in repeated]
    yield from _near(folder, left)


def _file(one: LookedAt) -> bytes:
    return one.file


def _pixels(one: LookedAt) -> bytes:
    return one.pixels


def _near(folder: Path, looked: Sequence[LookedAt]) -> Iterator[Finding]:
    """Near-duplicates: all where there are many, else those whose captions say the same; and mirror images."""
    looks = [one.looks for one in looked]
    pairs = [(i, j) for i, j in near_pairs(looks, ALIKE) if _comparable(looked[i], looked[j])]
    near = list(dict.fromkeys(looked[j].path for _, j in sorted(pairs, key=lambda pair: pair[1])))
    same = list(dict.fromkeys(looked[j].path for i, j in pairs if looked[i].tags == looked[j].tags))
    if len(near) > CLONES * len(looked):
        message = f"nearly the same picture as another: {len(near) / len(looked):.0%} of the set"
        yield finding(folder, "clone", "warning", message, near, f"keep at most {CLONES:.0%}, or alter them")
    elif same:
        message = "nearly the same picture as another, with the same caption"
        yield finding(folder, "clone", "warning", message, same, "keep one of them")
    mirrored = []
    for i, j in near_pairs(looks, ALIKE, [one.mirrored for one in looked]):
        alike = _comparable(looked[i], looked[j]) and _sideless(looked[i]) == _sideless(looked[j])
        if alike and looked[j].path not in near:
            mirrored.append(looked[j].path)
    if mirrored:
        hint = "remove it, or tag it mirrored: partings and badges change their side"
        yield finding(folder, "mirrored", "warning", "the mirror image of another", dict.fromkeys(mirrored), hint)


def _comparable(one: LookedAt, other: LookedAt) -> bool:
    """Whether neither was altered in a way that the other was not."""
    shapes = [each.size[0] / each.size[1] for each in (one, other)]
    return max(shapes) <= SHAPES * min(shapes) and one.tags & ALTERED == other.tags & ALTERED


def _sideless(one: LookedAt) -> frozenset[str]:
    """The tags of a caption, right called left."""
    return frozenset(" ".join("left" if word in SIDES else word for word in tag.split()) for tag in one.tags)
