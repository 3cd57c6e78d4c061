"""Words and names that a base has its own idea of: single tokens of CLIP's tokenizer, and names of known characters.

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

__all__ = ["is_known_word", "names_in"]

TOKENS = "bpe_simple_vocab_16e6.txt.gz"
MERGES = 49152 - 256 - 2
"""Lines of the list that CLIP uses: its tokens without the bytes and the two that begin and end a text."""
SHORTEST = 4
"""Letters of a token that is surely a word: shorter ones are parts of words too ("chr")."""
NAMES = """
aerith ahri akali arya asuka astolfo ayanami batman beyonce bulma chihiro chun-li cinderella cortana daenerys deku dva
elsa eren frieren frodo gandalf gojo goku hatsune hermione hinata inuyasha itachi kakashi kirby korra kratos legolas
levi luffy luigi lara makima mario megumin mickey miku misato moana momonga naruto nami nezuko obama pikachu pokemon
raiden rapunzel rias sailormoon sakura-haruno samus sasuke sephiroth shinji shrek sonic spider-man spiderman superman
tanjiro tifa todoroki totoro trump uchiha uzumaki vegeta voldemort widowmaker yoda yoshi zelda zendaya zoro
"""
KNOWN = frozenset(NAMES.split())
"""Names that booru boards and captions of photographs are full of; a tagger's own list has the others."""


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
