"""The text of a caption, whatever tool wrote it: its encoding, and the tags and sentences that it consists of.

Tags are separated by commas, lines, tabs, the separators of sd-scripts, semicolons and bars, and by spaces where they
are spelled as on imageboards (``red_hair open_mouth``). A sentence stays whole, with the commas in it; a kaomoji too.
Of what A1111 writes beside a picture only the prompt counts. Knows no file and no character.
"""

from __future__ import annotations

import codecs
import html
import re
import unicodedata
from collections.abc import Iterable, Iterator
from functools import lru_cache

__all__ = ["caption_parts", "decoded", "folded", "is_sentence", "named_in", "phrase_of", "spaced"]

MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"), (codecs.BOM_UTF32_BE, "utf-32"), (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"), (codecs.BOM_UTF8, "utf-8-sig"),
)  # fmt: skip
"""First bytes of a text → its encoding; the longer marks first, as UTF-32's begins with that of UTF-16."""
SEPARATORS = re.compile(r"(?<![|_\\])\|{3}(?![|_/])|;{3}|\t+")
"""``keep_tokens_separator`` and ``secondary_separator`` of sd-scripts, as their documentation has them; tabs."""
INFOTEXT = re.compile(r"(?:^|\n)(?:Negative prompt: |Steps: \d+, [A-Z])[\s\S]*")
"""What A1111 writes below a prompt: the negative prompt and the settings of the picture."""
ENTITY = re.compile(r"&(?:amp|lt|gt|quot|#0?39);")
"""What imageboards write for signs that mean something in HTML."""
COMMA = re.compile("[,，、]")
MARKED = re.compile(r"^(?:[-*•]|\d{1,3}[.)])\s+(?=\w)")
"""Before the items of a list."""
QUOTED = re.compile(r"""\[\s*(["'].*["'])\s*\]|(["'])([^"']*)\2""")
"""A list as JSON and Python write it, and a text in quotation marks."""
BARS = re.compile(r"(?<=[^\W_])\s*[;|]\s*(?=[^\W_])")
BOORU = re.compile(r"[^\W_]_[^\W_]")
"""An underscore inside a tag, as imageboards write it; between such tags are spaces."""
OPENERS = (
    "a", "an", "the", "this", "that", "these", "there", "here", "she", "he", "they", "it", "her", "his", "their", "its",
    "in", "on", "at", "we", "you", "two", "three",
)  # fmt: skip
"""First words of sentences; of a tag only where it is short ("the end")."""
VERBS = (
    "is", "are", "was", "were", "has", "have", "had", "wears", "stands", "sits", "lies", "walks", "runs", "looks",
    "smiles", "holds", "waves", "shows", "features", "depicts", "appears", "seems", "can",
)  # fmt: skip
"""Words that stand in sentences and hardly in tags."""
LONGEST_TAG, SHORTEST_SENTENCE, WITH_VERB = 7, 4, 3
"""Words of the longest tag, of the shortest sentence, and of the shortest one that has a verb."""
LINKS = {*OPENERS, *VERBS, "of", "with", "and", "or", "wearing"}
"""Words that stand between the words of a phrase and in no list of tags."""
ENDS = (".", "!", "?", "。", "！", "？")
WORN = r"(?:ribbon|bow|ornament|tie|band|clip|pin|flower|accessory|brush|bun|net|cover|patch|shadow|liner)s?\b"
"""After a tag of hair or eyes: things that only begin with its words."""
BETWEEN = r"[\s_-]*"
"""Between the words of a phrase."""
ENDING = re.compile(r"\w[\"')\]]*[.!?。！？](?:\s|$)")
"""A full stop after a word: the tags "!?" and "..." end no sentence."""
ENDED = re.compile(r"\w[\"')\]]*[.!?。！？]$")
"""The same at the end of a part: the comma after it ends the sentence."""
CONTROL = dict.fromkeys(
    (*range(9), *range(14, 32), *range(127, 133), *range(134, 160), 0xAD, 0x200B, 0x200E, 0x200F,
     *range(0x202A, 0x202F), 0x2060, *range(0x2066, 0x206A), 0xFEFF)
)  # fmt: skip
"""Control characters, and signs that are not seen: soft hyphens, spaces of no width, marks of the writing direction."""
PONY = re.compile(r"(?:score|source|rating)_\w+")
"""Tags of Pony Diffusion, which it knows with their underscores."""
WEIGHTED = re.compile(
    r"[(\[{]*([^()\[\]{}:]*[^\W\d_]{2}[^()\[\]{}:]*?)(?:\s*[:(]\s*\d*\.\d+\)?|:\d+(?=[)\]}]))?[)\]}]*"
)
"""A tag with the weight that a prompt or a tagger gives it: ``(smile:1.2)``, ``[smile]``, ``smile (0.98)``."""
LONGEST_WEIGHTED = 200
"""Characters of a text that is looked at for a weight: the search takes their square."""


def decoded(data: bytes) -> str:
    """A text in UTF-8 or, by its first bytes, in UTF-16 or UTF-32. Raises UnicodeDecodeError for anything else."""
    for mark, encoding in MARKS:
        if data.startswith(mark):
            return data.decode(encoding)
    if data and b"\0" in data:  # no text in UTF-8 has one: UTF-16 without its mark
        return data.decode("utf-16-le" if data[1::2].count(0) >= data[::2].count(0) else "utf-16-be")
    return data.decode("utf-8")


def caption_parts(text: str) -> tuple[str, ...]:
    """The tags and sentences of a caption, in order. Text that was joined from parts with ", " gives the same parts."""
    text = INFOTEXT.sub("", text.translate(CONTROL))
    text = ENTITY.sub(lambda entity: html.unescape(entity[0]), text)
    found: list[str] = []
    for line in _lines(SEPARATORS.sub(",", text)):
        parts = [part.strip() for part in _at_commas(_unquoted(MARKED.sub("", line)))]
        for part in _with_sentences([part for part in parts if part]):
            found += _divided(_unquoted(part))
    return tuple(found)


def is_sentence(part: str) -> bool:
    """Whether a part of a caption reads like a sentence and not like a tag."""
    words = re.sub(r"[.,;:!?]+(?=\s|$)", "", part.casefold()).split()
    if len(words) > LONGEST_TAG or "," in part:
        return len(words) >= SHORTEST_SENTENCE
    if len(words) >= WITH_VERB and any(word in VERBS for word in words[1:]):
        return True
    return len(words) >= SHORTEST_SENTENCE and (words[0] in OPENERS or ENDING.search(part) is not None)


def spaced(tag: str) -> str:
    """A tag with spaces for its underscores; a kaomoji keeps them (``^_^``), and so does a tag of Pony's."""
    if PONY.fullmatch(tag):
        return tag
    return tag.replace("_", " ") if re.search(r"[^\W\d_]{2}|[^\W_]{3}", tag) else tag


@lru_cache(maxsize=65536)
def folded(tag: str) -> str:
    """A tag as tags are compared: without regard to capitals, underscores, escapes, weights and forms of Unicode."""
    plain = unicodedata.normalize("NFC", re.sub(r"\\([()])", r"\1", tag).strip())
    weighted = WEIGHTED.fullmatch(plain) if len(plain) <= LONGEST_WEIGHTED else None
    return " ".join(spaced(weighted[1] if weighted else plain).casefold().split())


def named_in(sentence: str, tags: Iterable[str]) -> list[str]:
    """The tags that a sentence says, word for word or as "her hair is red", in any case of letters."""
    found = []
    for tag in tags:
        if folded(tag) and any(re.search(said, sentence, re.IGNORECASE) for said in (phrase_of(tag), _told_of(tag))):
            found.append(tag)
    return found


def phrase_of(tag: str) -> str:
    """A regular expression that finds the words of a tag: "red hair", "Red-haired", "redhair", not "red hair bow"."""
    *words, last = _words(tag)
    if words:
        last = rf"(?:{last}|{last.removesuffix('s')}(?:(?:n?e)?d)?)"
    return rf"(?<!\w){BETWEEN.join([*words, last])}(?!\w)(?!\s+{WORN})"


def _told_of(tag: str) -> str:
    """A regular expression that finds a tag where it is told of a thing: "her hair is long and red"."""
    *words, last = _words(tag)
    if not words:
        return r"(?!)"
    return rf"(?<!\w){last}\s+(?:is|are|was|were|looks?)\s+(?:\w+(?:,|ly|\s+and)\s+)?{BETWEEN.join(words)}(?!\w)"


def _words(tag: str) -> list[str]:
    """The words of a tag, for a regular expression."""
    return [re.escape(word) for word in re.split(r"[\s_-]+", folded(tag))]


def _lines(text: str) -> list[str]:
    """The lines of a text, of which each is tags of its own; a sentence that goes on in the next line is one line."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    found: list[str] = []
    for number, line in enumerate(lines):
        ends = any(ENDING.search(later) for later in lines[number:])
        if found and ends and _goes_on(found[-1], line):
            found[-1] = f"{found[-1]} {line}"
        else:
            found.append(line)
    return found


def _goes_on(line: str, following: str) -> bool:
    """Whether what one line says goes on in the next: a sentence that was wrapped, or one that another follows."""
    if line.endswith(ENDS):
        return is_sentence(line) and is_sentence(following)
    begun = any(is_sentence(part.strip()) for part in line.split(","))
    return begun and not line.endswith(",") and following[0].islower()


def _unquoted(text: str) -> str:
    """A text without the brackets or quotation marks around it."""
    quoted = QUOTED.fullmatch(text)
    return text if quoted is None else (quoted[1] or quoted[3]).strip()


def _divided(part: str) -> list[str]:
    """The tags between two commas: of other tools there are semicolons, bars or, as imageboards have it, spaces."""
    if not part or ENDING.search(part) or "{" in part:
        return [part] if part else []
    words = part.split()
    if sum(BOORU.search(word) is not None for word in words) > 1 and not LINKS & {word.casefold() for word in words}:
        return words
    return [part] if is_sentence(part) else BARS.split(part)


def _at_commas(line: str) -> Iterator[str]:
    """The texts between the commas of a line, but for those inside a kaomoji: ``(,_,)``, ``:,(``."""
    start = 0
    for comma in COMMA.finditer(line):
        before, after = line[: comma.start()], line[comma.end() :]
        if not _in_a_face(before[start:], after):
            yield before[start:]
            start = comma.end()
    yield line[start:]


def _in_a_face(before: str, after: str) -> bool:
    """Whether a comma stands inside a face: between signs, without spaces, or in parentheses that hold no words."""
    sides = before[-1:] + after[:1]
    if len(sides) == 2 and not re.search(r"[\s,，、]|[^\W_]", sides):
        return True
    opened, closed = before.rfind("("), after.find(")")
    if opened < 0 or closed < 0 or ")" in before[opened:] or "(" in after[:closed]:
        return False
    return not re.search(r"\w{2}|\s", (before[opened:] + after[: closed + 1]).replace("_", ""))


def _with_sentences(parts: list[str]) -> list[str]:
    """Parts between commas, those of sentences joined again: from where one begins to a full stop before a comma."""
    found: list[str] = []
    begun: list[str] = []
    last = max((number for number, part in enumerate(parts) if ENDING.search(part)), default=-1)
    for number, part in enumerate(parts):
        if number > last or not (begun or is_sentence(part)):
            found.append(part)
            continue
        begun.append(part)
        if number == last or ENDED.search(part):
            found.append(", ".join(begun))
            begun = []
    return found
