"""What a person should know of the seeds before a run: too alike, too small, not alone, spoken of by a wrong name.

Nothing here is an error: each finding is a sentence that says what to do. Knows no run and loads no model; faces are
counted by a pack that is handed in.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from bootstrap.character import Character
from bootstrap.pictures import square
from scoring.base import Picture, digest_of
from scoring.duplicates import bits_apart, difference_hash

if TYPE_CHECKING:
    from scoring.face import FacePack

__all__ = ["alike", "crowds", "names_of", "seed_warnings"]

SAME_COLORS = 12.0
"""Mean difference (0-255) of two thumbnails below which equal hashes are believed: flat pictures all hash alike."""


def seed_warnings(seeds: Mapping[str, Image.Image], side: int, bits: int, character: Character) -> list[str]:
    """Near-duplicates, seeds smaller than the base's ``side`` in pixels, and notes on pictures that are not there.

    ``seeds`` maps file names to pictures; ``bits`` of 64 in which hashes of near-duplicates differ at most.
    """
    told = [
        f'"{second}" is a near-duplicate of "{first}": it adds nothing, another view would'
        for first, second in alike(seeds, bits)
    ]
    told += [_small(name, image, side) for name, image in seeds.items() if min(image.size) < side]
    return [*told, *_strangers(character, seeds)]


def names_of(pictures: Sequence[Path]) -> list[str]:
    """What to call pictures: their file names, or their paths where two have the same."""
    names = [picture.name for picture in pictures]
    return [name if names.count(name) == 1 else str(path) for name, path in zip(names, pictures, strict=True)]


def alike(seeds: Mapping[str, Image.Image], bits: int = 3) -> list[tuple[str, str]]:
    """Pairs of names of near-duplicates (field practice C1), by perceptual hash and colours."""
    hashes = {name: difference_hash(image) for name, image in seeds.items()}
    return [
        (first, second)
        for first, second in combinations(seeds, 2)
        if bits_apart(hashes[first], hashes[second]) <= bits
        and np.abs(_thumbnail(seeds[first]) - _thumbnail(seeds[second])).mean() < SAME_COLORS
    ]


def crowds(seeds: Mapping[str, Image.Image], faces: FacePack, min_det_score: float) -> list[str]:
    """The seeds that show a second character (field practice C2), as the panel's detector counts faces."""
    from scoring.face import SubjectCount

    squares = [square(image) for image in seeds.values()]
    pictures = [Picture(image, digest_of(image), "", "") for image in squares]
    answers = SubjectCount(faces, min_det_score).score(pictures)
    return [
        f'"{name}" shows {answer.why}: crop it to the character, or the trigger learns the others too'
        for name, answer in zip(seeds, answers, strict=True)
        if answer.value is not None and answer.value < 0
    ]


def _small(name: str, image: Image.Image, side: int) -> str:
    size, missing = f"{image.width}x{image.height}", side - min(image.size)
    return f'"{name}" is {size}, {missing} pixels short of the {side} that the base draws: it is enlarged, and blurs'


def _strangers(character: Character, seeds: Mapping[str, Image.Image]) -> Sequence[str]:
    """Notes in character.json whose picture was not given."""
    return [
        f'seeds.{index}.file "{note.file}" is none of the pictures given ({", ".join(seeds)}): its note is not used'
        for index, note in enumerate(character.seeds)
        if note.file.partition("#")[0] not in {Path(name).name for name in seeds}
    ]


def _thumbnail(image: Image.Image) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    return np.asarray(image.convert("RGB").resize((8, 8), Image.Resampling.BOX), np.float32)
