"""A first character.json: what a panel can read from the seeds, in a file that explains itself.

What leads by the panel's margin is filled in; what does not, or what the panel is known to read badly, is left empty
beside the words to choose from. JSON has no comments: keys that begin with "_" stand for them. Knows no file and loads
no model: the panel's models are handed in.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from PIL import Image

from bootstrap.character import Character
from bootstrap.character.core_tag import drafted_core_tag
from bootstrap.character.json_objects import COMMENT
from bootstrap.config import PanelConfig, RunConfig
from bootstrap.config.kind_files import CHARACTER, kind_named
from bootstrap.panel.axes import captioned_axes, checked_axes, read_on_heads
from bootstrap.pictures import square
from bootstrap.pictures.caption_text import caption_parts
from bootstrap.readers.axis_reading import AxisReading
from bootstrap.records import Seed
from bootstrap.seeds import unread
from scoring.measurement import Picture, digest_of
from scoring.zeroshot import log_probabilities

if TYPE_CHECKING:
    from bootstrap.panel.models import PanelModels

__all__ = ["Draft", "PhraseReader", "Reading", "draft_text", "own_axes", "read_traits", "reader_of", "unread_traits"]

SEEN_AXES = ("framing", "expression", "pose", "background", "style")
"""What a seed's own caption says; never the character's."""
WORN_AXES = ("hat", "accessory", "top", "bottom", "legwear", "footwear", "outfit")
"""What is put on and off."""
UNIQUE_AXES = ("hair_color", "eye_color")
"""What guides give a tag of its own, made up with the trigger ("blue mikachr hair")."""
MOST_LEAD = math.log(1000)
"""Lead in log-probability beyond which no larger odds are told: no panel is calibrated so far out."""
MOST_WORDS = 8
"""Words to choose from that a comment lists."""


BY_ITSELF = ("style_switch", "crossover")
"""Fields that follow from others where they are not written: a draft only says what they are."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What was read of an axis: the word ("" if it does not lead by the margin, or is not read at all) and its lead.

    ``by`` is the model that read it, and on what; of what was not read, why, unless the panel reads it badly.
    """

    axis: str
    word: str
    lead: float
    read: bool = True
    by: str = ""

    @property
    def certainty(self) -> str:
        """How sure the reading is, in words."""
        if not self.read:
            return f"not read: {self.by or 'this panel is not known to read it well'}"
        odds = math.exp(min(self.lead, MOST_LEAD))
        times = f"{odds:.0f}" if odds >= 10 else f"{odds:.1f}"
        if self.lead >= MOST_LEAD:
            times = f"more than {times}"
        if not self.word:
            return f"not sure, so left blank: the likeliest word is only {times} times as likely as the next; {self.by}"
        return f'read as "{self.word}", {times} times as likely as the next word; {self.by}'

    def scores(self, panel: PanelConfig) -> AxisReading:
        """The word before all others of its axis, of a word that leads by the margin."""
        others = dict.fromkeys(panel.vocabulary[self.axis], -self.lead)
        return AxisReading({**others, self.word: 0.0}, min(self.lead, panel.read_margin))


class PhraseReader(Protocol):
    """Reads which of several phrases pictures of one character show."""

    def __call__(self, images: Sequence[Image.Image], phrases: Sequence[str], *, heads: bool) -> tuple[str, float]:
        """The phrase ("" where it does not lead by the margin) and its lead in log-probability."""


@dataclass(frozen=True)
class Draft:
    """Everything that a first character.json is written from."""

    name: str
    trigger: str
    base: str
    traits: Sequence[Reading] = ()
    seeds: Sequence[Seed] = ()
    given: Mapping[str, Any] = field(default_factory=dict)
    kind: str = CHARACTER


def reader_of(models: PanelModels, panel: PanelConfig) -> PhraseReader:
    """The panel's reading of pictures of one character: their log-probabilities are added up."""
    crops = models.crops(panel)

    def read(images: Sequence[Image.Image], phrases: Sequence[str], *, heads: bool) -> tuple[str, float]:
        whole = [square(image) for image in images]
        pictures = [
            Picture(image, digest_of(image), "", models.read(image, tuple(panel.composition))) for image in whole
        ]
        rows = log_probabilities(models.clip, models.features, pictures, phrases, crops if heads else None).sum(axis=0)
        *_, second, first = sorted(range(len(phrases)), key=lambda place: rows[place])
        lead = float(rows[first] - rows[second])
        return (phrases[first] if lead >= models.margin else ""), lead

    return read


def read_traits(panel: PanelConfig, images: Sequence[Image.Image], reader: PhraseReader) -> list[Reading]:
    """Each axis of the vocabulary that is the character's or its clothes', read over all seeds together.

    Axes that the panel is not known to read well are not read: a guess in a description is worse than a gap.
    """
    checked = checked_axes(panel, "clip")
    well = panel.vocabulary if checked is None else {*checked, *captioned_axes(panel, "clip"), *panel.drafted}
    heads, found = read_on_heads(panel, "clip"), []
    for axis in own_axes(panel):
        phrases = panel.vocabulary[axis]
        if axis not in well:
            found.append(Reading(axis, "", 0.0, read=False))
            continue
        on_heads = heads and axis not in WORN_AXES
        word, lead = reader(images, phrases, heads=on_heads)
        by = f"by {panel.models.clip.model}, on {'heads' if on_heads else 'whole pictures'}"
        found.append(Reading(axis, word, lead, by=by))
    return found


def unread_traits(panel: PanelConfig, why: str) -> list[Reading]:
    """The same axes, none of them read."""
    return [Reading(axis, "", 0.0, read=False, by=why) for axis in own_axes(panel)]


def own_axes(panel: PanelConfig) -> list[str]:
    """The axes of the vocabulary that are the character's or its clothes', and have words to choose from."""
    return [axis for axis, phrases in panel.vocabulary.items() if axis not in SEEN_AXES and len(phrases) > 1]


def draft_text(draft: Draft, config: RunConfig) -> str:
    """The file: every field with its meaning before it, in the order of `Character`."""
    panel = config.panel
    values: dict[str, Any] = {
        "version": 1,
        "kind": draft.kind,
        "name": draft.name,
        "trigger": draft.trigger,
        "base": draft.base,
        "seeds": [_seed_entry(seed, panel) for seed in draft.seeds],
        "core": _core(draft, config),
        "invariant": _choices([r for r in draft.traits if r.axis not in WORN_AXES], panel),
        "unique": _unique(draft, config),
        "outfits": {"default": _outfit([r for r in draft.traits if r.axis in WORN_AXES], panel)},
        **{axis.words: list(axis.defaults) for axis in config.subject.axes.values() if axis.words and axis.defaults},
        **(_of_kind(draft, config) if draft.kind != CHARACTER else {}),
        **draft.given,
    }
    about = "Keys that begin with _ are comments; everything but name, trigger and invariant may go."
    lines: dict[str, Any] = {"_": about}
    refused = [name for name, need in config.subject.needs.items() if need.rule == "refused"]
    for name, info in Character.model_fields.items():
        if name in refused:
            continue
        lines[f"_{name}"] = " ".join((info.description or "").split())
        if name in values or name not in BY_ITSELF:
            lines[name] = values.get(name, _default(name))
    return json.dumps(lines, indent=2, ensure_ascii=False) + "\n"


def _of_kind(draft: Draft, config: RunConfig) -> dict[str, Any]:
    """The fields that another kind of subject than a character fills in otherwise."""
    kind, subject = kind_named(draft.kind), config.subject
    core = caption_parts(kind.changes.unwritten.get("core", ""))
    if not config.base.demonstration and draft.trigger and subject.core_tag != "none":
        core = (*core, drafted_core_tag(draft.trigger, draft.kind))
    read = {reading.axis: reading.word for reading in draft.traits}
    varies = {name: list(axis.defaults) for name, axis in subject.axes.items() if not axis.words and axis.defaults}
    parts = {part: read.get(part, "") for part in subject.parts}
    views = kind.changes.views if isinstance(kind.changes.views, str) else ""
    found = {"core": ", ".join(core), "invariant": parts, "unique": {}, "outfits": {}, "varies": varies, "views": views}
    seeds = [_seed_entry(seed, config.panel) for seed in draft.seeds]
    return {**found, "seeds": [{key: one[key] for key in one if key != "outfit"} for one in seeds]}


def _default(name: str) -> Any:
    """A field's default as a person writes it: tags as one line."""
    value = Character.model_fields[name].get_default(call_default_factory=True)
    return ", ".join(value) if isinstance(value, tuple) else value


def _core(draft: Draft, config: RunConfig) -> str:
    """The usual core, and the tag that guides put into every caption: name, what it is, focus."""
    if config.base.demonstration:  # its text encoder knows no such word
        return "1girl, solo"
    return f"1girl, solo, {drafted_core_tag(draft.trigger)}"


def _unique(draft: Draft, config: RunConfig) -> dict[str, str]:
    """A made-up tag for hair and one for eyes, by the part of ``invariant`` that names their colour."""
    invariant = {reading.axis: reading.word for reading in draft.traits} | draft.given.get("invariant", {})
    found: dict[str, str] = {}
    if config.base.demonstration:  # its text encoder knows no such word
        return found
    for axis in UNIQUE_AXES:
        for part, tags in invariant.items():
            if part.startswith(COMMENT):
                continue
            named = [tag for tag in caption_parts(tags) if tag in config.panel.vocabulary.get(axis, ())]
            if named and part not in found:
                color, _, what = named[0].rpartition(" ")
                found[part] = f"{color} {draft.trigger} {what}"
    return found


def _choices(readings: Sequence[Reading], panel: PanelConfig) -> dict[str, str]:
    """Axis → the word read; empty ones after a comment with the words to choose from."""
    found: dict[str, str] = {}
    for reading in readings:
        why = f"read, leads by {reading.lead:.1f}" if reading.word else f"not read; {_some(panel, reading.axis)}"
        found[f"_{reading.axis}"] = why
        found[reading.axis] = reading.word
    return found or {"hair": ""}


def _outfit(readings: Sequence[Reading], panel: PanelConfig) -> dict[str, Any]:
    gaps = {f"_{r.axis}": f"not read; {_some(panel, r.axis)}" for r in readings if not r.word}
    return {**gaps, "tags": ", ".join(reading.word for reading in readings if reading.word)}


def _some(panel: PanelConfig, axis: str) -> str:
    words = panel.vocabulary[axis]
    more = f" … ({len(words)} words)" if len(words) > MOST_WORDS else ""
    return f"for example {', '.join(words[:MOST_WORDS])}{more}"


def _seed_entry(seed: Seed, panel: PanelConfig) -> dict[str, str]:
    """What one seed shows, as character.json says it; gaps are named in a comment."""
    tags = [tag.partition("=")[2] for tag in seed.tags]
    entry = {
        "file": Path(seed.source).name,
        "view": seed.view,
        "framing": seed.framing,
        "outfit": seed.outfit,
        "tags": ", ".join(tag for tag in tags if tag),
    }
    gaps = [axis if axis not in panel.vocabulary else f"{axis} ({_some(panel, axis)})" for axis in unread(seed)]
    return {"_unread": f"could not be read, write it in: {'; '.join(gaps)}"} | entry if gaps else entry
