"""Triggers: a word that already means something brings its meaning along.

A trigger is reported when it is an ordinary word, or is put together from such words. Knows no model: the words of a
panel's vocabulary are handed in.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from bootstrap.character import Character

__all__ = ["ordinary_words", "trigger_warnings"]


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


COMMON = _words(
    """
    alex alice amy angel animal anime anna apple arm armor art autumn baby bag ball bat beach bear beast beauty
    bell ben bird black blade blonde blood blossom blue bob body bone book boss boy brave bride bright brother
    brown bunny butterfly candy captain car cartoon castle cat chan character charlie cherry chibi child city
    classic clay cloud clover coco coffee comic cookie cool coral crystal cute daisy dark david day death demon
    detective devil diamond doctor dog doll dolphin dragon dream duck eagle earth elf elsa emerald emily emma
    empress eve evil eye face fairy fall family fan fantasy father fire fish flame flower fluffy forest fox friend
    frog frost game garden gem ghost giant ginger girl glass goblin gold golden grace grandma grandpa grass grey
    guard guy hair hand happy harry hat hazel head heart hero holly home honey hope horse house human hunter ice
    iris iron island ivy jack jade james jasmine jewel joker joy judge jungle kid kim king kitten kitty knight lady
    lake leaf legend lemon leo light lily lion little lord lotus love lucky lucy luna mage magic maid man mango
    maria mark mary mascot mask master max maya medic melon mermaid metal mia mika milk milo mint miss model money
    monkey monster moon morning moss mother mountain mouse muse music nana nature nick night nina ninja noble nova
    nurse ocean oliver olive one orange orchid outfit owl panda pearl penguin person peter phoenix photo picture
    pink pirate pixel pixie plant poppy portrait prince princess puppet puppy purple queen rabbit rain rainbow
    raven red river robin robot rock rogue rose ruby ruler sage sailor sakura sam samurai sand sarah scarlet school
    sea shadow shark sharp sheep ship shy silver sister sketch sky sleepy smile snake snow soldier sophie spark
    spider spirit spring squirrel star steel stella stone storm strawberry student style subject sugar summer sun
    sunny sunset sweet sword tail teacher teddy thief thunder tiger tom tree turtle twin uncle unicorn vampire
    velvet victor violet virgin warrior water wave white wild willow wind wine wing winter witch wizard wolf woman
    wonder wood yellow zombie zoo
    """
)
"""Words, and names that pictures are tagged with, which bases have their own idea of."""


def ordinary_words(trigger: str, vocabulary: Iterable[str] = ()) -> tuple[str, ...]:
    """The ordinary words that a trigger is, or is put together from with hyphens, underscores or digits.

    ``vocabulary`` are further tags or phrases; each word in them counts. Capitals divide nothing: text encoders do not
    see them.
    """
    ordinary = set(COMMON)
    for phrase in vocabulary:
        ordinary.update(re.findall(r"[a-z]+", phrase.lower()))
    found = []
    for word in dict.fromkeys(re.findall(r"[a-z]+", trigger.lower())):
        if len(word) > 1 and (word in ordinary or word.removesuffix("s") in ordinary):
            found.append(word)
    return tuple(found)


def trigger_warnings(character: Character, vocabulary: Iterable[str] = ()) -> list[str]:
    """A sentence for each trigger, of the character and of its outfits, that brings a meaning of its own."""
    words, name = [*vocabulary, *character.identity], _letters(character.trigger)
    warnings = [_warning("trigger", character.trigger, f"{name}chr", words)]
    for outfit_name, outfit in character.outfits.items():
        if outfit.trigger:
            better = name + _letters(outfit.trigger)
            warnings.append(_warning(f"outfits.{outfit_name}.trigger", outfit.trigger, better, words))
    return [warning for warning in warnings if warning]


def _warning(field: str, trigger: str, better: str, words: Iterable[str]) -> str:
    """Why a trigger is not a good one, and a better one; "" where it is."""
    found = ordinary_words(trigger, words)
    if not found:
        return ""
    meaning = f"is made of ordinary words ({', '.join(found)})"
    if trigger.lower() in found:
        meaning = "is an ordinary word"
    advice = f'a made-up one is better, for example "{better}"'
    return f'{field} "{trigger}" {meaning}: the base has its own idea of it; {advice}'


def _letters(trigger: str) -> str:
    return re.sub(r"[^a-z0-9]", "", trigger.lower())
