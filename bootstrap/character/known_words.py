"""Words and names that a base has its own idea of: single tokens of CLIP's tokenizer, words of tags, known characters.

The tokenizer's list comes with open_clip and is read as a file, so no model is loaded. Knows no character of ours.
"""

from __future__ import annotations

import gzip
import importlib.util
import re
from collections.abc import Collection, Iterable
from functools import cache
from pathlib import Path

from bootstrap.pictures.caption_text import folded

__all__ = ["is_known_word", "meaningless", "names_in", "ordinary_words"]

TOKENS = "bpe_simple_vocab_16e6.txt.gz"
MERGES = 49152 - 256 - 2
"""Lines of the list that CLIP uses: its tokens without the bytes and the two that begin and end a text."""
SHORTEST = 4
"""Letters of a token that is surely a word: shorter ones are parts of words too ("chr")."""


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


NAMES = """
aerith ahri akali arya asuka astolfo ayanami batman beyonce bulma chihiro chun-li cinderella cortana daenerys deku dva
elsa eren frieren frodo gandalf gojo goku hatsune hermione hinata inuyasha itachi kakashi kirby korra kratos legolas
levi luffy luigi lara makima mario megumin mickey miku misato moana momonga naruto nami nezuko obama pikachu pokemon
raiden rapunzel rias sailormoon sakura-haruno samus sasuke sephiroth shinji shrek sonic spider-man spiderman superman
tanjiro tifa todoroki totoro trump uchiha uzumaki vegeta voldemort widowmaker yoda yoshi zelda zendaya zoro
"""
KNOWN = _words(NAMES)
"""Names that booru boards and captions of photographs are full of; a tagger's own list has the others."""
SHORT = _words(
    """
    amy arm art bag bat ben bob boy car cat day dog elf eve eye fan fox gem guy hat ice ivy joy kid kim leo man max
    mia one owl red sam sea shy sky sun tom zoo
    """
)
"""Ordinary words and names of up to three letters; longer ones are known by the tokens of CLIP."""
MEANING = _words(
    """
    red blue green pink black white brown grey gray purple violet orange yellow blonde golden silver aqua
    cat kitty dog puppy fox wolf rabbit bunny dragon tiger lion horse bear bird mouse panda kitsune neko
    girl boy woman lady prince princess queen witch wizard vampire demon angel fairy mermaid maid knight
    samurai ninja robot cyborg pirate nurse hair eyes eyed ears tail wings horns
    """
)
"""Words of booru tags that a base draws where a made-up word begins or ends with them."""
FEWEST = 3
"""Letters of a word that is found within another, and of what is left behind a longer known word: "catherinechr" does
not begin with a cat."""


@cache
def _tokens() -> frozenset[str]:
    """What CLIP's tokenizer has in one piece, whole words with "</w>" behind; nothing where open_clip is missing."""
    spec = importlib.util.find_spec("open_clip")
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        path = Path(folder) / TOKENS
        if path.is_file():
            with gzip.open(path, "rt", encoding="utf-8") as file:
                return frozenset(file.read().replace(" ", "").split("\n")[1 : MERGES + 1])
    return frozenset()


def is_known_word(word: str) -> bool:
    """Whether CLIP's text encoder has a token of its own for a word of at least four letters: it means something."""
    return len(word) >= SHORTEST and f"{word.lower()}</w>" in _tokens()


def names_in(tags: Iterable[str], names: Collection[str] = ()) -> list[str]:
    """The tags that name a known character, by one of its words or, of further ``names``, as a whole."""
    found = []
    for tag in tags:
        words = re.findall(r"[a-z]+(?:-[a-z]+)*", tag.lower())
        if KNOWN.intersection(words) or folded(tag) in names:
            found.append(tag)
    return list(dict.fromkeys(found))


def ordinary_words(trigger: str, vocabulary: Iterable[str] = ()) -> tuple[str, ...]:
    """The ordinary words that a trigger is or is put together from, with or without other signs between them.

    Where a rest means nothing, words that it begins or ends with count if bases draw them ("catmika"). ``vocabulary``
    are further tags or phrases; each word in them counts. Capitals divide nothing: text encoders do not see them.
    """
    ordinary = {*SHORT, *MEANING}
    for phrase in vocabulary:
        ordinary.update(re.findall(r"[a-z]+", phrase.lower()))
    found: list[str] = []
    for word in re.findall(r"[a-z]+", trigger.lower()):
        if is_known_word(word) or (len(word) > 1 and _among(word, ordinary)):
            found.append(word)
        else:
            found += _put_together(word, ordinary | KNOWN) or _at_its_ends(word)
    return tuple(dict.fromkeys(found))


def meaningless(word: str) -> str:
    """A word as it is where it means nothing, else without its vowels."""
    return re.sub("[aeiou]", "", word) if ordinary_words(word) else word


def _among(word: str, ordinary: Collection[str]) -> bool:
    return word in ordinary or word.removesuffix("s") in ordinary


def _put_together(word: str, ordinary: Collection[str]) -> list[str]:
    """The words that another consists of; none where a part of it means nothing."""
    parts: dict[int, list[str]] = {0: []}
    for start in range(len(word)):
        for end in range(start + FEWEST, len(word) + 1):
            if start in parts and end not in parts and _among(word[start:end], ordinary):
                parts[end] = [*parts[start], word[start:end]]
    return parts.get(len(word), [])


def _at_its_ends(word: str) -> list[str]:
    """Words of `MEANING` that another begins or ends with; it begins with the longest word that is known."""
    found: list[str] = []
    for end in range(len(word) - 1, FEWEST - 1, -1):
        if _among(word[:end], MEANING):
            found.append(word[:end])
        if found or (len(word) - end >= FEWEST and is_known_word(word[:end])):
            break
    for start in range(1, len(word) - FEWEST + 1):
        if _among(word[start:], MEANING):
            return [*found, word[start:]]
    return found
