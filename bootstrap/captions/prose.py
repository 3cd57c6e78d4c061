"""Captions and prompts for bases that were taught sentences: the same shot and traits, clause by clause.

Each clause stands where a tag stands, the trigger first, so that what keeps, drops or shuffles tags works on clauses.
Knows tags and their axes, and no picture: which of them are seen is told.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

__all__ = ["clauses"]

SUBJECTS = {"1girl": "a girl", "1boy": "a boy", "1other": "a character"}
IMPLIED = ("solo", "no humans")
"""Core tags that a sentence about one subject says by itself."""
VIEWS = {
    "from front": "seen from the front", "from side": "seen from the side", "from behind": "seen from behind",
    "from above": "seen from above", "from below": "seen from below", "three-quarter view": "in three-quarter view",
}  # fmt: skip
EXPRESSIONS = {
    "smile": "smiling", "frown": "frowning", "open mouth": "with an open mouth", "closed eyes": "with closed eyes",
    "surprised": "looking surprised", "neutral expression": "with a neutral expression",
    "expressionless": "with a neutral expression",
}  # fmt: skip
POSES = {"arms up": "with arms up", "hands on hips": "with hands on hips"}
PLACES = {
    "simple background": "in front of a simple background", "night": "at night", "sky": "against the sky",
    "forest": "in a forest", "beach": "on a beach", "room": "in a room", "snow": "in the snow", "sunset": "at sunset",
    "city street": "in a city street", "city": "in a city", "rain": "in the rain", "indoors": "indoors",
    "outdoors": "outdoors",
}  # fmt: skip
PICTURES = ("photograph", "photo", "oil painting", "painting", "watercolor", "sketch", "drawing", "3d render")
"""Styles that name a picture; any other says how one is drawn."""
FRAMINGS = {"full body": "full-body", "upper body": "upper-body"}
PLURAL = ("pants", "shorts", "glasses", "boots", "shoes", "jeans", "trousers", "gloves", "socks", "slippers", "pajamas")
"""Last words of clothes that take no article."""
SCENE = ("view", "framing", "expression", "pose", "background", "style", "altered", "enlarged")
"""Axes of a shot that are not worn."""


def clauses(
    trigger: str, core: Sequence[str], traits: Iterable[str], varying: Mapping[str, str], called: Sequence[str] = ()
) -> tuple[str, ...]:
    """A sentence's clauses, the trigger first ("" leaves it out).

    Args:
        trigger: the word that calls the character.
        core: tags of who it is ("1girl", "solo").
        traits: identity tags that are named.
        varying: axis → tag of everything else, as `captions.Wording.varying` gives it; axes of no scene are worn.
        called: words that call an outfit or a style, taken as they are.
    """
    worn = [tag for axis, tag in varying.items() if axis not in SCENE and tag not in called]
    seen = {axis: tag for axis, tag in varying.items() if axis in SCENE and tag}
    more = [tag for tag in core if tag not in SUBJECTS and tag not in IMPLIED]
    found = [trigger, _subject(core, list(traits)), *more, *called]
    found += [f"wearing {_and([_with_article(tag) for tag in worn])}"] if worn else []
    found += [EXPRESSIONS.get(seen["expression"], seen["expression"])] if "expression" in seen else []
    found += [" ".join(filter(None, (_pose(seen.get("pose", "")), _place(seen.get("background", "")))))]
    found += [_view(seen.get("view", "")), _picture(seen)]
    return tuple(dict.fromkeys(clause for clause in found if clause))


def _subject(core: Sequence[str], traits: Sequence[str]) -> str:
    who = next((SUBJECTS[tag] for tag in core if tag in SUBJECTS), "a character")
    return f"{who} with {_and(traits)}" if traits else who


def _pose(tag: str) -> str:
    return POSES.get(tag, tag)


def _place(tags: str) -> str:
    """ "city street, night": in a city street at night; unknown places as what is in the background."""
    parts = [part.strip() for part in tags.split(",") if part.strip()]
    known, other = [PLACES[part] for part in parts if part in PLACES], [part for part in parts if part not in PLACES]
    return " ".join([*known, *([f"with {_and(other)} in the background"] if other else [])])


def _view(tags: str) -> str:
    return " ".join(VIEWS.get(part.strip(), part.strip()) for part in tags.split(","))


def _picture(seen: Mapping[str, str]) -> str:
    """What kind of picture it is: "full-body photograph", "close-up in the style of cel shading"."""
    framing, style = FRAMINGS.get(seen.get("framing", ""), seen.get("framing", "")), seen.get("style", "")
    altered = " ".join(filter(None, (seen.get("altered", ""), seen.get("enlarged", ""))))
    if style in PICTURES:
        return " ".join(filter(None, (altered, framing, style)))
    kind = " ".join(filter(None, (altered, framing, "" if framing == "close-up" else "picture")))
    drawn = f"{kind} in the style of {style}" if style else kind
    return "" if drawn == "picture" else drawn


def _with_article(tag: str) -> str:
    if tag.split(" ")[-1] in PLURAL:
        return tag
    return f"an {tag}" if tag[:1] in "aeiou" else f"a {tag}"


def _and(parts: Sequence[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
