"""What a person should know of the seeds before a run: too alike, too small, not alone, noted under a wrong name.

Nothing here is an error: each finding is a sentence that says what to do. Knows no run and loads no model; faces are
counted by a pack that is handed in.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from bootstrap.character import Character
from bootstrap.pictures import read_pictures, sharing, square, unknown_colors, unread_beside
from bootstrap.pictures.file_names import comparable, written_name
from scoring.duplicates import bits_apart, difference_hash
from scoring.measurement import Picture, digest_of

if TYPE_CHECKING:
    from scoring.face_pack import FacePack

__all__ = ["alike", "caption_warnings", "crowds", "names_of", "seed_warnings"]

BLANK = 8
"""Levels of 255 that the pixels of a blank picture differ by at most: what a lossy format adds."""
SAME_COLORS = 12.0
"""Mean difference (0-255) of two thumbnails below which equal hashes are believed: flat pictures all hash alike."""

FIGURE = re.compile(r"#\d+$")
"""Number of a sheet's figure behind the name of its file; other numbers may be part of the name."""


def seed_warnings(seeds: Mapping[str, Image.Image], side: int, bits: int, character: Character) -> list[str]:
    """Near-duplicates, seeds smaller than the base's ``side`` in pixels, unknown colours, notes on pictures not given.

    ``seeds`` maps file names to pictures; ``bits`` of 64 in which hashes of near-duplicates differ at most.
    """
    warnings = []
    for first, second in alike(seeds, bits):
        warnings.append(f'"{second}" is a near-duplicate of "{first}": it adds nothing, another view would')
    for name, image in seeds.items():
        if np.ptp(np.asarray(image.convert("RGB")), axis=(0, 1)).max() <= BLANK:
            warnings.append(f'"{name}" is blank, of one colour or transparent: give a picture of the character')
        missing = side - min(image.size)
        if missing > 0:
            size = f"{image.width}x{image.height}, {missing} pixels short of the {side} that the base draws"
            warnings.append(f'"{name}" is {size}: it is enlarged, and blurs')
        if colors := unknown_colors(image):
            warnings.append(f'"{name}" states its colours as {colors}, which is not known: they are taken as sRGB')
    return [*warnings, *_notes_without_picture(character, seeds)]


def names_of(pictures: Sequence[Path]) -> list[str]:
    """What to call pictures: their file names, or their paths where two have the same."""
    names = [written_name(picture.name) for picture in pictures]
    return [name if names.count(name) == 1 else written_name(path) for name, path in zip(names, pictures, strict=True)]


def caption_warnings(pictures: Sequence[Path]) -> list[str]:
    """A sentence for each caption file that stands for more than one of the pictures, or is not read."""
    sentences, files = [], read_pictures(pictures)
    for source, paths in unread_beside(files):
        names = " and ".join(f'"{name}"' for name in names_of(paths))
        own = written_name(paths[0].with_suffix(".txt").name)
        sentences.append(f'"{written_name(source.name)}" beside {names} is not read: write the caption into "{own}"')
    for source, paths in sharing(files):
        names = " and ".join(f'"{name}"' for name in names_of(paths))
        own = " and ".join(f'"{path.name}{source.suffix}"' for path in paths)
        sentences.append(f'"{source.name}" captions both {names}: give each its own, {own}')
    return sentences


def alike(seeds: Mapping[str, Image.Image], bits: int = 3) -> list[tuple[str, str]]:
    """Pairs of names of near-duplicates, by perceptual hash and colours."""
    hashes = {name: difference_hash(image) for name, image in seeds.items()}
    thumbnails = {name: _thumbnail(image) for name, image in seeds.items()}
    pairs = []
    for first, second in combinations(seeds, 2):
        colors_apart = np.abs(thumbnails[first] - thumbnails[second]).mean()
        if bits_apart(hashes[first], hashes[second]) <= bits and colors_apart < SAME_COLORS:
            pairs.append((first, second))
    return pairs


def crowds(seeds: Mapping[str, Image.Image], faces: FacePack, min_det_score: float) -> list[str]:
    """A sentence for each seed that shows a second character, as the panel's detector counts faces."""
    from scoring.face import SubjectCount

    squares = [square(image) for image in seeds.values()]
    pictures = [Picture(image, digest_of(image), "", "") for image in squares]
    answers = SubjectCount(faces, min_det_score).score(pictures)
    sentences = []
    for name, answer in zip(seeds, answers, strict=True):
        if answer.value is not None and answer.value < 0:
            advice = "crop it to the character, or the trigger absorbs the others too"
            sentences.append(f'"{name}" shows {answer.why}: {advice}')
    return sentences


def _notes_without_picture(character: Character, seeds: Mapping[str, Image.Image]) -> list[str]:
    """Notes in character.json whose picture was not given."""
    given, sentences = {comparable(Path(name).name) for name in seeds}, []
    for index, note in enumerate(character.seeds):
        file = comparable(note.file)
        if not {file, FIGURE.sub("", file)} & given:
            reason = f"is none of the pictures given ({', '.join(seeds)})"
            sentences.append(f'seeds.{index}.file "{note.file}" {reason}: its note is not used')
    return sentences


def _thumbnail(image: Image.Image) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    return np.asarray(image.convert("RGB").resize((8, 8), Image.Resampling.BOX), np.float32)
