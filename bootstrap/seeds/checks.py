"""What a person should know of the seeds before a run: too alike, too small, not alone, noted under a wrong name.

Nothing here is an error: each finding is a sentence that says what to do. Knows no run and loads no model; faces are
counted by a pack that is handed in.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image

from bootstrap.character import Character
from bootstrap.pictures import (
    pictures_in,
    read_pictures,
    sharing,
    square,
    unknown_colors,
    unread_beside,
    unread_pictures,
    unread_sentence,
)
from bootstrap.pictures.file_names import comparable, written_name
from bootstrap.seeds.comic_panels import SLANTED, has_slanted_panels
from bootstrap.seeds.emptiness import nothing_drawn
from bootstrap.seeds.figures import subject
from bootstrap.seeds.looks import Looks, near_pairs
from bootstrap.seeds.quality import quality_sentences
from scoring.marks import edge_lettering
from scoring.measurement import Picture, digest_of

if TYPE_CHECKING:
    from scoring.faces_found import FaceFinder

__all__ = [
    "FIGURE", "alike", "caption_warnings", "crowds", "empty_seeds", "names_of", "notes_without_picture", "passed_over",
    "seed_warnings",
]  # fmt: skip

MOST_NAMED = 4
"""Given pictures that a sentence names."""
MARKED = "shows lettering at the {place}: if it is a watermark or a signature, crop it away or paint it over"
FIGURE = re.compile(r"#\d+$")
"""Number of a sheet's figure behind the name of its file; other numbers may be part of the name."""


def seed_warnings(
    seeds: Mapping[str, Image.Image], side: int, bits: int, character: Character, upscale: str = ""
) -> list[str]:
    """Near-duplicates, seeds below the base's ``side``, poor and marked ones, slanted panels, colours, stray notes.

    ``seeds`` maps file names to pictures; ``bits`` of 64 in which hashes of near-duplicates differ at most; ``upscale``
    enlarges small ones.
    """
    warnings = []
    for first, second in alike(seeds, bits):
        warnings.append(f'"{second}" is a near-duplicate of "{first}": it adds nothing, another view would')
    for name, image in seeds.items():
        missing = side - min(image.size)
        if missing > 0:
            size = f"{image.width}x{image.height}, {missing} pixels short of the {side} that the base draws"
            advice = f'it is upscaled by "{Path(upscale).name}"' if upscale else "it is enlarged, and blurs"
            warnings.append(f'"{name}" is {size}: {advice}')
        warnings += [f'"{name}" {said}' for said in quality_sentences(image, side)]
        if has_slanted_panels(image):
            warnings.append(f'"{name}" {SLANTED}')
        if row := edge_lettering(image):
            warnings.append(f'"{name}" {MARKED.format(place=row.place)}')
        if colors := unknown_colors(image):
            warnings.append(f'"{name}" states its colours as {colors}, which is not known: they are taken as sRGB')
    return [*warnings, *notes_without_picture(character, seeds)]


def empty_seeds(seeds: Mapping[str, Image.Image]) -> dict[str, str]:
    """Name → why nothing is drawn in a picture, not even in what stands on its plain ground; only those without."""
    found = {}
    for name, image in seeds.items():
        why = nothing_drawn(image)
        box = subject(image) if why else None
        if box:
            why = nothing_drawn(image.crop(box))
        if why:
            found[name] = why
    return found


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


def passed_over(pictures: Sequence[Path]) -> list[str]:
    """A sentence for each folder all of whose pictures are given: its other files that look like pictures."""
    sentences, given = [], set(pictures)
    for folder in dict.fromkeys(path.parent for path in pictures):
        if (unread := unread_pictures(folder)) and given.issuperset(pictures_in(folder)):
            sentences.append(f"{unread_sentence(unread)}: save what is to be taken as PNG")
    return sentences


def alike(seeds: Mapping[str, Image.Image], bits: int = 3) -> list[tuple[str, str]]:
    """Pairs of names of near-duplicates, by perceptual hash and colours: also trimmed, brighter or darker ones."""
    names = list(seeds)
    looks = [Looks.of(image) for image in seeds.values()]
    return [(names[one], names[other]) for one, other in near_pairs(looks, bits)]


def crowds(seeds: Mapping[str, Image.Image], faces: FaceFinder, min_det_score: float) -> list[str]:
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


def notes_without_picture(character: Character, seeds: Collection[str]) -> list[str]:
    """A sentence for each note in character.json whose picture is none of the ``seeds``, which are file names."""
    given, sentences = {comparable(Path(name).name) for name in seeds}, []
    for index, note in enumerate(character.seeds):
        file = comparable(note.file)
        if not {file, FIGURE.sub("", file)} & given:
            names = ", ".join(list(seeds)[:MOST_NAMED]) + (", …" if len(seeds) > MOST_NAMED else "")
            reason = f"is none of the pictures given ({names})"
            sentences.append(f'seeds.{index}.file "{note.file}" {reason}: its note is not used')
    return sentences
