"""Captions and prompts for bases that were trained on sentences: the same shot and traits, clause by clause.

Each clause stands where a tag stands, the trigger first, so that what keeps, drops or shuffles tags works on clauses.
Knows tags and their axes, and no picture.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bootstrap.pictures.caption_text import caption_parts

__all__ = ["and_joined", "articled", "clauses"]

SUBJECTS = {"1girl": "a girl", "1boy": "a boy", "1other": "a character"}
IMPLIED = ("solo", "no humans")
"""Core tags that a sentence about one subject implies."""
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
PLACED = ("view", "framing", "expression", "pose", "background", "style", "altered", "enlarged")
"""Axes of a scene that have a clause of their own; the tag of any other is a clause as it is."""


def clauses(
    trigger: str,
    core: Sequence[str],
    traits: Sequence[str],
    clothes: Sequence[str],
    scene: Mapping[str, str],
    own_words: Sequence[str] = (),
) -> tuple[str, ...]:
    """A sentence's clauses, the trigger first.

    Args:
        trigger: the word that calls the character; "" leaves it out.
        core: tags of who it is ("1girl", "solo").
        traits: identity tags that are named.
        clothes: tags of what is worn.
        scene: axis → tag of everything else that the picture shows.
        own_words: words that call a part, an outfit or a style, taken as they are.
    """
    further = [tag for tag in core if tag not in SUBJECTS and tag not in IMPLIED]
    found = [
        trigger,
        _subject(core, traits),
        *further,
        *own_words,
        _wearing(clothes),
        ", ".join(_each(scene.get("expression", ""), EXPRESSIONS)),
        _joined(_pose(scene.get("pose", "")), _place(scene.get("background", ""))),
        *(tag for axis, tag in scene.items() if axis not in PLACED),
        _view(scene.get("view", "")),
        _picture(scene),
    ]
    return tuple(dict.fromkeys(clause for clause in found if clause))


def _subject(core: Sequence[str], traits: Sequence[str]) -> str:
    subjects = [SUBJECTS[tag] for tag in core if tag in SUBJECTS]
    subject = subjects[0] if subjects else "a character"
    return f"{subject} with {and_joined(traits)}" if traits else subject


def _wearing(clothes: Sequence[str]) -> str:
    if not clothes:
        return ""
    return f"wearing {articled(clothes)}"


def _pose(tags: str) -> str:
    """ "standing, waving": standing and waving."""
    poses = _each(tags, POSES)
    return and_joined(poses) if poses else ""


def _each(tags: str, phrases: Mapping[str, str]) -> list[str]:
    """The phrase of each tag, or the tag itself."""
    return [phrases.get(tag, tag) for tag in caption_parts(tags)]


def _place(tags: str) -> str:
    """ "city street, night": in a city street at night; unknown places as what is in the background."""
    phrases, unknown = [], []
    for tag in caption_parts(tags):
        if tag in PLACES:
            phrases.append(PLACES[tag])
        else:
            unknown.append(tag)
    if unknown:
        phrases.append(f"with {and_joined(unknown)} in the background")
    return _joined(*phrases)


def _view(tags: str) -> str:
    parts = [part.strip() for part in tags.split(",")]
    return " ".join(VIEWS.get(part, part) for part in parts)


def _picture(scene: Mapping[str, str]) -> str:
    """What kind of picture it is: "full-body photograph", "close-up in the style of cel shading"."""
    framing, style = scene.get("framing", ""), scene.get("style", "")
    altered = _joined(scene.get("altered", ""), scene.get("enlarged", ""), FRAMINGS.get(framing, framing))
    if style in PICTURES:
        return _joined(altered, style)
    kind = altered if framing == "close-up" else _joined(altered, "picture")
    if style:
        return f"{kind} in the style of {style}"
    return "" if kind == "picture" else kind


def _with_article(tag: str) -> str:
    if tag.split(" ")[-1] in PLURAL:
        return tag
    return f"an {tag}" if tag[:1] in "aeiou" else f"a {tag}"


def articled(clothes: Sequence[str]) -> str:
    """ "a navy beret, a white shirt and jeans"; "" for nothing."""
    return and_joined([_with_article(tag) for tag in clothes])


def and_joined(parts: Sequence[str]) -> str:
    """ "a, b and c"; "" for nothing."""
    *most, last = parts or ("",)
    return f"{', '.join(most)} and {last}" if most else last


def _joined(*parts: str) -> str:
    """The parts that say something, as one phrase."""
    return " ".join(part for part in parts if part)
