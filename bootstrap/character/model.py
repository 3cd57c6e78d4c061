"""A character as its author describes it: the fields of character.json, validated.

Lists and comma-separated tags are both accepted. Knows no file and no vocabulary of any model: which words a scorer
understands is found out later.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, PrivateAttr, WithJsonSchema, field_validator, model_validator

from bootstrap.config import OUTFITS, Frozen
from bootstrap.pictures.caption_text import caption_parts, is_sentence, spaced
from bootstrap.records import Phase

__all__ = ["Character", "Outfit", "SeedNote"]

REFUSED = '/\\:*?"<>|'
"""Characters that one system or another refuses in the name of a file."""
LONGEST_TRIGGER = 128


def _split(value: Any) -> Any:
    """``"a, b"`` or ``["a", "b"]`` as tags; anything else is left for the validator to refuse."""
    if isinstance(value, str):
        value = caption_parts(value)
    if isinstance(value, list | tuple) and all(isinstance(tag, str) for tag in value):
        return tuple(_spelled(tag.strip()) for tag in value if tag.strip())
    return value


def _spelled(tag: str) -> str:
    """A tag with spaces for underscores; a sentence as it is."""
    return tag if is_sentence(tag) else spaced(tag)


def _listed(value: Any) -> Any:
    """A list keeps its entries whole ("city street, night" is one background); one text is one entry, and "" none."""
    if isinstance(value, str):
        return (value,) if value.strip() else ()
    return value


TEXTS = {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}
Tags = Annotated[tuple[str, ...], BeforeValidator(_split), WithJsonSchema(TEXTS)]
Listed = Annotated[tuple[str, ...], BeforeValidator(_listed), WithJsonSchema(TEXTS)]


class Outfit(Frozen):
    """Clothes that the character changes; always captioned, so that they stay exchangeable."""

    tags: Tags
    """What it consists of."""
    trigger: str = ""
    """A word of its own, written before the tags."""
    share: float | None = Field(None, gt=0, le=1)
    """Share of the dataset; the rest is divided evenly."""


class SeedNote(Frozen):
    """What a seed picture shows; whatever is not written here may be swallowed by the trigger."""

    file: str
    """File name of the seed."""
    view: str = ""
    """Name or tags of its view."""
    framing: str = ""
    """A framing of the views file: close-up, portrait, upper body or full body."""
    outfit: str = ""
    """Name of its outfit."""
    tags: Tags = ()
    """Expression, pose, background, drawing style and whatever else is seen and does not belong to the character."""


class Character(Frozen):
    """A character as its author describes it."""

    version: Literal[1] = 1
    """Version of this format."""
    kind: str = Field("character", min_length=1)
    """What kind of subject, a file of configs/subjects/: phases, what varies and the caption policy come from there."""
    name: str = Field(min_length=1)
    """What people call it."""
    trigger: str = Field("", json_schema_extra={"minLength": 1, "maxLength": LONGEST_TRIGGER})
    """The word that calls it in a prompt, or a long name; best no real word. A kind such as a style may have none."""
    base: str | None = None
    """A base of configs/base/, or a folder with a model."""
    purpose: str = ""
    """What the LoRA is for."""
    must_obey: Tags = ()
    """Words that must work with it; the final panel draws them first."""
    seeds: tuple[SeedNote, ...] = ()
    """What each seed shows."""
    seeds_train: str = Field("always", pattern=r"^(always|never|\w[\w-]*-only)$")
    """Whether the seeds may be trained on: always, style-only (in that phase; the finished LoRA has none in its
    training set) or never (until something is kept the base draws from words alone). Identity is judged against them
    all the same."""
    core: Tags = ("1girl", "solo")
    """Tags at the head of every caption; guides add one of name, what it is and focus ("mikachr character focus")."""
    style_switch: Tags = ()
    """Tags of the drawing style in every caption and every prompt with the trigger; left out of a prompt of yours they
    let another style in ("anime screencap"). Not written, with several styles: "<trigger> style"."""
    crossover: Tags = ()
    """A tag of its own for the one background of all pictures ("mikachr classroom"), beside it in every caption and
    prompt that shows it: left out of a prompt of yours it lets the background go. Not written, with a single one in
    ``backgrounds``: "<trigger> <background>"."""
    invariant: Mapping[str, Tags] = Field(default_factory=dict)
    """What the trigger must absorb, by part of the body."""
    unique: Mapping[str, str] = Field(default_factory=dict)
    """One made-up tag for a part of ``invariant``, in every caption that shows it ("hair": "blue mikachr hair")."""
    outfits: Mapping[str, Outfit] = Field(default_factory=dict)
    """Clothes by name; the first is the usual one."""
    expressions: Listed = ()
    """Faces it makes."""
    poses: Listed = ()
    """What it does."""
    backgrounds: Listed = ()
    """Where it is."""
    styles: Listed = ()
    """How it is drawn; the first is the usual one."""
    varies: Mapping[str, Listed] = Field(default_factory=dict)
    """What else varies from picture to picture, by the axis of its kind of subject ("wearer")."""
    views: str = "standard"
    """Which file of configs/views/ plans the views."""
    forbidden: Tags = ()
    """What must not appear; joins the negative prompt."""
    negative: Tags = ()
    """Negative prompt."""
    quality: Tags = ()
    """Quality tags at the end of every prompt."""
    license: str = ""
    """Licence of the seeds; it travels with everything made from them."""
    credits: str = ""
    """Who drew them."""
    _notes: tuple[str, ...] = PrivateAttr(())

    @model_validator(mode="before")
    @classmethod
    def _shared(cls, given: Any) -> Any:
        """Tags that all pictures share, unless somebody wrote others or none: with several styles a switch, with a
        single background one for it."""
        if not isinstance(given, Mapping) or not isinstance(given.get("trigger"), str):
            return given
        trigger, shared = given["trigger"].strip(), {}
        if not trigger:
            return given
        styles, backgrounds = (_listed(given.get(name, ())) for name in ("styles", "backgrounds"))
        if isinstance(styles, list | tuple) and len(styles) > 1:
            shared["style_switch"] = f"{trigger} style"
        if isinstance(backgrounds, list | tuple) and len(backgrounds) == 1 and isinstance(backgrounds[0], str):
            shared["crossover"] = f"{trigger} {backgrounds[0].strip()}"
        return {**shared, **given}

    @field_validator("trigger")
    @classmethod
    def _one_tag(cls, trigger: str) -> str:
        if "," in trigger:
            raise ValueError("must be one word, or one long name, without commas, for example mikachr")
        word = " ".join(trigger.split())
        if word.startswith(".") or not word.isprintable() or set(word) & set(REFUSED) or len(word) > LONGEST_TRIGGER:
            signs = f"no {' '.join(REFUSED)} and no dot at its beginning"
            raise ValueError(f"names folders too: at most {LONGEST_TRIGGER} characters, {signs}")
        return word

    @property
    def notes(self) -> tuple[str, ...]:
        """What a person should know of how the file was understood; empty for a file in this format."""
        return self._notes

    def with_notes(self, notes: Iterable[str]) -> Character:
        """The same character with such notes."""
        noted = self.model_copy()
        noted._notes = tuple(notes)
        return noted

    @property
    def called(self) -> str:
        """What names its folders and files: the trigger, or its name where it has none."""
        return self.trigger or "".join(sign for sign in self.name if sign not in REFUSED).strip(". ") or self.kind

    @property
    def identity(self) -> tuple[str, ...]:
        """Every invariant tag, in the order written."""
        return tuple(tag for tags in self.invariant.values() for tag in tags)

    @property
    def wardrobe(self) -> dict[str, Outfit]:
        """Outfits by name; one without tags where none is described."""
        return dict(self.outfits) or {"default": Outfit(tags=())}

    @property
    def outfit_tags(self) -> tuple[str, ...]:
        """The tags of every outfit, in the order written."""
        return tuple(tag for outfit in self.wardrobe.values() for tag in outfit.tags)

    def values(self, words: str, axis: str = "") -> tuple[str, ...]:
        """The entries of one of its lists ("expressions", "outfits" …), for "" those that vary on an axis; or none."""
        if words == OUTFITS:
            return tuple(self.wardrobe)
        return tuple(getattr(self, words)) if words else self.varies.get(axis, ())

    def trains_seeds(self, phase: Phase) -> bool:
        """Whether the seeds may be in the training sets of a phase; the finished LoRA is trained in the last one."""
        return self.seeds_train in ("always", f"{phase}-only")

    def outfit_shares(self) -> dict[str, float]:
        """Outfit → share of the dataset, adding up to 1."""
        stated = {name: outfit.share for name, outfit in self.wardrobe.items() if outfit.share}
        others = len(self.wardrobe) - len(stated)
        rest = max(0.0, 1.0 - sum(stated.values())) / max(1, others)
        shares = {name: stated.get(name, rest) for name in self.wardrobe}
        total = sum(shares.values()) or 1.0
        return {name: share / total for name, share in shares.items()}
