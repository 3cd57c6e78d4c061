"""Why a frame has its verdict, in plain language, and a legend for every number that the page shows.

Every sentence rests on what is stored: the gate's verdict, measurements, cached embeddings. What is unknown is called
so. Reads a store; decides nothing and knows no request.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from bootstrap.config import stored_config
from bootstrap.errors import ConfigError
from bootstrap.records import Frame, Verdict, VerdictKind
from bootstrap.report.scorer_roles import ScorerText, scorer_texts
from bootstrap.store.store import Store
from scoring.measurement import Measurement

__all__ = ["gate_sentences", "legend", "likeness_sentences", "reading_of"]

REASONS = (
    (r"fills (.+) (\d+)→(\d+)", r"it fills a place that was empty: \1, now \3 kept there"),
    (r"provisional: fills (.+) (\d+)→(\d+)", r"nothing that passes fills its place, \1, so it stands there for now"),
    (r"locked: kept by a person", "a person kept it"),
    (r"passes; (.+) is full: (\d+)", r"it passes, but \1 has its \2 already"),
    (r"passes; (\d+) of its prompt are in the set", r"it passes, but \1 of the same prompt are in the set"),
    (r"passes; no place is left", "it passes, but no place is left"),
    (r"near-duplicate of (.+)", r"it nearly repeats a picture of the set, \1"),
    (r"not far enough above the decoys", "too many decoys of the same views are as alike to the seed"),
    (r"no identity scorer could tell", "no scorer could tell who it shows: judge it yourself"),
    (r"p=[\d.]+ .+: (.+)", r"its weakest scorer is \1"),
)
"""Reasons as the gate stores them (`loops.choose`, `scoring.select`) and what they mean."""
CHECKS = (
    (r": not as asked: (.+)", r'the check "{name}" reads something else than was asked: \1'),
    (r" (-\d+\.\d+)", r'the check "{name}" fails: \1, and 0 or more passes'),
    (r": (.+)", r'the check "{name}" fails: \1'),
)
"""The same for what follows the name of a check (`scoring.panel.Panel.failing`)."""
NAMED = ("from behind", "from above", "from below")
"""Tags of views that read as a part of a sentence; of other families the name is told."""
NOT_AS_ASKED = "not as asked: "
NUMBER = re.compile(r" [-+]?\d+(?:\.\d+)?$")
FIXED = {
    "p": "The share of decoys of the same views that the weakest scorer finds as alike to the seed, 0 to 1. Small is"
    " good. From which p on the gate keeps a picture differs from run to run.",
    "alike": "Cosine of two pictures' embeddings, −1 to 1; 1 is the same picture. It also sees pose, view and colours,"
    " so a decoy of the same shot is often liker than a seed of another view. Good: the seed is liker.",
    "12 / 14": "Kept pictures of a view family, of those wanted. Good: all of them.",
}
"""Numbers of the page that no scorer gives."""
ONE_IN_100 = 0.005
"""The least p that rounds to one decoy in a hundred."""
WORDS = {
    "identity": "likeness; its p tells how rare",
    "held-out": "likeness; never selects",
    "quality": "larger is better",
}
"""Role → what its value is, where every value is possible."""


def gate_sentences(store: Store, frame: Frame, history: Sequence[Verdict]) -> list[str]:
    """What the gate decided and why, and which traits are read as wrong; no sentence where the gate has not judged."""
    verdict = next((one for one in reversed(history) if one.by == "gate"), None)
    if verdict is None:
        return []
    found, names = [], list(scorer_texts(store))
    if verdict.reasons:
        found.append(_sentence(", and ".join(_plain(reason, names) for reason in verdict.reasons)))
    if verdict.p is not None:
        share = f"About {round(100 * verdict.p)}" if verdict.p >= ONE_IN_100 else "Fewer than 1"
        found.append(f"{share} in 100 decoys of the same views score as high (p); few is good.")
    if verdict.kind is not VerdictKind.REJECT:
        found.append(_traits_sentence(store, frame))
    return found


def likeness_sentences(
    store: Store, frame: Frame, near: Mapping[str, Any], kept: Mapping[str, float | None]
) -> list[str]:
    """How alike a frame is to the seed and to the nearest decoy, and where to look.

    ``near`` is what `bootstrap.review.nearest.Nearest.of` found of it; ``kept`` is its similarity to the nearest seed
    of each kept frame of its views, by id.
    """
    seed, decoy, views = near["seed"], near["decoy"], _views(store, frame)
    if seed is None:
        return ["How alike it is to the seed is unknown: no embedding of this picture is stored."]
    others = [value for id, value in kept.items() if id != frame.job.id and value is not None]
    liker, own = sum(value > seed["similarity"] for value in others), frame.job.id in kept
    found = []
    if others:
        found.append(_rank(liker, len(others), views, own=own))
    if decoy is None:
        return [
            *found,
            "No decoy of these views has a stored embedding, so nothing says how alike a stranger would be.",
        ]
    seen = f"{decoy['similarity']:.2f} against {seed['similarity']:.2f}"
    if decoy["similarity"] <= seed["similarity"]:
        return [*found, f"The seed is liker to it than the nearest stranger, a decoy {views}: good."]
    found.append(f"The nearest stranger, a decoy {views}, is liker to it than the seed is ({seen}).")
    shown = store.seeds()[seed["number"]].view_family
    if shown and shown != frame.job.shot.view_family:
        found.append(f"The seed shows the character {_seen(store, shown)}, which lowers its number.")
    return [*found, f"These two numbers alone do not tell who it is: {_where_to_look(_wrong_traits(store, frame))}."]


def reading_of(text: ScorerText | None, measurement: Measurement) -> str:
    """One value in words: whether it is good, where its role says so."""
    value = measurement.value
    if value is None or text is None:
        return measurement.why
    if text.role == "check":
        below = "below 0" if text.about == "subject" else "fails"  # a run sets the limit of traits
        return _said(below, measurement.why) if value < 0 else "passes"
    if text.role == "caption":
        return _said("left out of the caption", measurement.why) if value < 0 else "stays in the caption"
    return _said(WORDS.get(text.role, ""), measurement.why)


def legend(store: Store) -> dict[str, str]:
    """Every number of the page → what it is, its range and what is good."""
    found = dict(FIXED)
    for name, text in scorer_texts(store).items():
        found[name] = f"{text.measures} {text.reading}".strip()
    return found


def _plain(reason: str, scorers: Sequence[str]) -> str:
    """A stored reason in plain words; as it is where it is none that is known."""
    for pattern, words in REASONS:
        if re.fullmatch(pattern, reason):
            return re.sub(pattern, words, reason)
    for name in scorers:
        for pattern, words in CHECKS:
            failed = re.fullmatch(pattern, reason.removeprefix(name)) if reason.startswith(name) else None
            if failed:
                return failed.expand(words).replace("{name}", name)
    return reason


def _said(words: str, why: str) -> str:
    return ": ".join(part for part in (words, why) if part)


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."


def _rank(liker: int, others: int, views: str, *, own: bool) -> str:
    """The place of a frame among the ``others`` that are kept, of which ``liker`` are liker to the seed."""
    count = others + own
    if own and not liker:
        return f"Likest to the seed of {count} kept {views}."
    return f"Of {count} kept {views}, {liker} {'is' if liker == 1 else 'are'} liker to the seed."


def _where_to_look(wrong: Sequence[str] | None) -> str:
    if wrong:
        return f"look at the {_listed(wrong)}"
    known = "no scorer could read its traits" if wrong is None else "no trait is read as wrong"
    return f"{known}, so compare the pictures yourself"


def _traits_sentence(store: Store, frame: Frame) -> str:
    wrong = _wrong_traits(store, frame)
    if wrong is None:
        return "No scorer could read its traits."
    return f"Read as wrong: {_listed(wrong)}." if wrong else "Every trait that could be read is as asked."


def _wrong_traits(store: Store, frame: Frame) -> list[str] | None:
    """The traits of the subject that a check reads as wrong; None where none of them could be read."""
    measured = store.measurements([frame.job.id]).get(frame.job.id, {})
    found: list[str] | None = None
    for name in _about_the_subject(store):
        measurement = measured.get(name)
        if measurement is None or measurement.value is None:
            continue
        found = found or []
        if measurement.why.startswith(NOT_AS_ASKED):
            for part in measurement.why.removeprefix(NOT_AS_ASKED).split(", "):
                found.append(NUMBER.sub("", part).replace("_", " "))
    return found


def _about_the_subject(store: Store) -> list[str]:
    """The checks that read the subject's traits."""
    try:
        panel = stored_config(store.recall("config")).panel
    except ConfigError:
        return []
    return [name for name, settings in panel.in_use.items() if settings.about == "subject"]


def _listed(words: Sequence[str]) -> str:
    return " and ".join(words)


def _views(store: Store, frame: Frame) -> str:
    return _seen(store, frame.job.shot.view_family)


def _seen(store: Store, family: str) -> str:
    """The views of a family in words: "from behind", "in profile views"."""
    try:
        tags = list(stored_config(store.recall("config")).views.families[family].views.values())
    except (ConfigError, KeyError):
        return f"in {family} views"
    return str(tags[0]) if len(tags) == 1 and str(tags[0]) in NAMED else f"in {family} views"
