"""A second reading of a picture with lettering: which statements it confirms, and whether it can be believed.

The letters that are found are painted over, and statements that are made up stand among the others: a reader that
affirms those says yes to everything, or obeys the picture.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image

from bootstrap.captions.vocabulary import Vocabulary
from bootstrap.pictures.caption_text import folded
from bootstrap.readers.question import Question, Reader, Reply
from bootstrap.readers.seen_traits import Confirmations
from scoring.lettering import lettering

__all__ = ["answers_to", "confirmed", "lettered"]

INSTRUCTION = "confirm"
PADDING = 0.02
"""Share of the sides by which lettering is painted over beyond its box."""
MOST_ROWS = 3
"""Rows of letters that are painted over."""
NEVER = "six arms"
"""A made-up statement for words of which the vocabulary has none."""


def lettered(image: Image.Image, told: str) -> str:
    """What tells of letters in a picture, in words: what the reader ``told``, or what is found; "" for neither."""
    if letters := " ".join(told.split()):
        return f'"{letters[:40]}"'
    row = lettering(image)
    return f"at the {row.place}" if row else ""


def confirmed(
    reader: Reader, image: Image.Image, said: Sequence[str], told: str, vocabulary: Vocabulary
) -> tuple[set[str], Reply]:
    """Those of the words ``said`` that a second reading confirms, and its reply; ``told`` are the letters it read.

    None are that the letters spell.
    """
    answers, reply = answers_to(reader, _painted_over(image), said, vocabulary)
    return {words for words in said if answers.get(words) == "yes" and folded(words) not in folded(told)}, reply


def answers_to(
    reader: Reader, image: Image.Image, said: Sequence[str], vocabulary: Vocabulary
) -> tuple[dict[str, str], Reply]:
    """What a reader answers to each of some words about a picture: yes, no or cannot tell; and its reply.

    Nothing where it does not deny most of what was made up.
    """
    made_up = {word for one in said if (word := _another(one, vocabulary))} - {*said} or {NEVER}
    statements = sorted({*said, *made_up})
    listed = "\n".join(f"{number}. {words}" for number, words in enumerate(statements, 1))
    reply = reader.ask(Question((image,), INSTRUCTION, Confirmations, fill={"statements": listed}))
    answers = dict[str, str]()
    for one in Confirmations.model_validate(reply.value).answers if reply.value else ():
        if one.number <= len(statements):
            answers[statements[one.number - 1]] = one.shown
    denied = sum(answers.get(word) == "no" for word in made_up)
    if denied == 0 or 2 * denied < len(made_up):
        return {}, reply
    return {words: answers[words] for words in said if words in answers}, reply


def _another(words: str, vocabulary: Vocabulary) -> str:
    """Another word of the same axis, which the picture does not show if the words are right; "" for none."""
    meaning = vocabulary.meaning(words)
    for others in vocabulary.words.values():
        if meaning in others and len(others) > 1:
            return others[(others.index(meaning) + len(others) // 2) % len(others)]
    return ""


def _painted_over(image: Image.Image) -> Image.Image:
    """The picture without the rows of letters that are found in it."""
    shown = image.copy()
    for _ in range(MOST_ROWS):
        row = lettering(shown)
        if row is None:
            break
        left, top, right, bottom = row.box
        box = (
            max(0, round((left - PADDING) * image.width)),
            max(0, round((top - PADDING) * image.height)),
            min(image.width, round((right + PADDING) * image.width)),
            min(image.height, round((bottom + PADDING) * image.height)),
        )
        red, green, blue = np.median(np.asarray(shown.crop(box)).reshape(-1, 3), axis=0).astype(int)
        shown.paste((int(red), int(green), int(blue)), box)
    return shown
