"""What a kind of subject is, as data (configs/subjects/): its phases, what varies, what captions hold.

A section of a RunConfig, which `bootstrap.config.reading` reads and merges. Knows no file and no character.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from pydantic import Field, model_validator

from bootstrap.config.frozen import Frozen

__all__ = ["IDENTITY", "OUTFITS", "AxisConfig", "DetailPlace", "NeedConfig", "PhaseConfig", "SubjectConfig"]

IDENTITY = "identity"
"""The part of a caption that names what the trigger stands for."""
HEAD = ("trigger", "core", "own words", IDENTITY)
"""Parts at the head of a caption; "own words" are the unique tags and the style switch."""
DetailPlace = Literal["crown", "face", "neck", "chest", "back", "waist", "hips", "feet"]
"""Where a special detail stands: found by the head and the proportions of the body."""
PLACE = ("view", "framing")
"""Parts of a caption that every kind of subject has besides its axes."""
OUTFITS = "outfits"
"""The list of character.json whose values are names of outfits, each with tags and perhaps a trigger."""


class PhaseConfig(Frozen):
    """One phase of a run: rounds whose LoRAs are trained with the same recipe and the same parts of captions."""

    name: str = Field(pattern=r"^\w[\w-]*$")
    """What records, files and ``base.recipes`` call it."""
    withholds: tuple[str, ...] = ()
    """Parts of a caption that are left out, so that the trigger absorbs them: "identity"."""
    like: str = ""
    """The phase whose recipe in ``base.recipes`` it begins from: "style" or "character" of every shipped base."""


class NeedConfig(Frozen):
    """Whether a field of character.json must be written for a kind of subject, and what is said where it is not so."""

    rule: Literal["required", "optional", "refused"]
    """Whether it must be written, may be, or must not be."""
    say: str = ""
    """The sentence that ``check`` and ``run`` print."""


class AxisConfig(Frozen):
    """One thing that varies from shot to shot."""

    words: Literal["", "expressions", "poses", "outfits", "backgrounds", "styles"] = ""
    """The list of character.json that feeds it; empty: the one that ``varies`` has under the name of the axis."""
    defaults: tuple[str, ...] = ()
    """Its values where character.json gives none."""
    from_seeds: bool = False
    """Without defaults: what the seeds show of it, or nothing is said of it at all."""
    sharing: Literal["even", "stated", "first", "neutral"] = "even"
    """How its values share the set: ``even``; as character.json has ``stated`` it for outfits; three quarters for the
    ``first``, the rest evenly; evenly, the ``neutral`` ones together at most ``most_neutral``."""

    @model_validator(mode="after")
    def _has_values(self) -> AxisConfig:
        if self.words == OUTFITS or self.defaults or self.from_seeds:
            return self
        raise ValueError("write defaults or from_seeds: an axis needs a value where character.json gives none")


class SubjectConfig(Frozen):
    """What a kind of subject asks of its training and of its dataset (configs/subjects/)."""

    phases: tuple[PhaseConfig, ...] = Field(min_length=1)
    """In order: the set grows in the first one and is finished in the last one, which may be the same."""
    axes: Mapping[str, AxisConfig] = Field(min_length=1)
    """What varies besides view and framing, in the order in which a shot holds it."""
    guided: tuple[str, ...] = ()
    """Axes whose values share the set when frames are chosen, in the order in which they are looked at."""
    other_words: str = ""
    """The axis that takes a word of ``must_obey`` that is a value of no axis; empty: such words are not tried."""
    captions: tuple[str, ...]
    """Parts of a caption in order: trigger, core, own words and identity, then view, framing and every axis."""
    hides: Mapping[str, tuple[str, ...]] = Field(default_factory=dict)
    """A value of an axis → the axes that no picture with it shows: left out of prompts and captions."""
    altered_hides: tuple[str, ...] = ()
    """Axes that an altered (greyscale) copy of a seed does not show."""
    most_neutral: float = Field(0.35, ge=0, le=1)
    """Largest share of the neutral values of an axis that shares itself so."""
    neutral: tuple[str, ...] = ()
    """Values that count as neutral."""
    bundled: int = Field(69, ge=1)
    """Pictures that one such subject brings into a LoRA of several, at most; guides take 69 of a character."""
    a_prompt: int = Field(2, ge=1)
    """At most this many kept frames a prompt."""
    expected: tuple[str, ...] = ()
    """Parts that every subject has ("hair"): ``check`` says so where ``invariant`` names none of them."""
    reasons: tuple[str, ...] = ("face", "outfit", "hands", "view", "duplicate", "style")
    """What may be wrong with a picture, in a word each: what a person chooses from where they reject one."""
    core_tag: Literal["propose", "add", "none"] = "propose"
    """Where ``core`` has no tag of name, what it is and focus: ``propose`` one, ``add`` the usual one to every caption
    and prompt, or say nothing."""
    needs: Mapping[str, NeedConfig] = Field(default_factory=dict)
    """Field of character.json ("outfits", "varies.wearer") → whether this kind requires or refuses it. ``trigger`` and
    ``invariant`` are required unless they are said to be optional."""
    anyone: bool = False
    """Whether seeds may show anybody: of many pictures none is then set aside because it shows somebody else."""
    figures: bool = True
    """Whether seeds show a figure. Where they do not, a picture is taken whole: it is no sheet to be taken apart, nor
    cropped to what stands on it, or where a figure is cut off."""
    parts: tuple[str, ...] = ()
    """Parts of ``invariant`` that ``bootstrap init`` writes for a kind that is no character."""
    called: str = "character"
    """What pages and messages call a subject of this kind."""
    details: Mapping[DetailPlace, tuple[str, ...]] = Field(default_factory=dict)
    """Special details: where they stand → words of their tags ("ears"). ``base.cuts.details`` is their share."""
    use: str = ""
    """How a LoRA of this kind is used, in a sentence of its card."""
    unseen: Mapping[str, tuple[str, ...]] = Field(default_factory=dict)
    """Axis → values to try the finished LoRA with: of each axis the first one that the run does not plan."""
    leeway: float = Field(0.5, ge=0, le=1)
    """How far one value of a guided axis may exceed its share of the set: 0 not at all, 1 as far as it likes."""

    @model_validator(mode="after")
    def _consistent(self) -> SubjectConfig:
        names = [phase.name for phase in self.phases]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f'phases: "{name}" occurs twice')
        head, tail = self.captions[: len(HEAD)], self.captions[len(HEAD) :]
        if sorted(head) != sorted(HEAD) or sorted(tail) != sorted((*PLACE, *self.axes)):
            expected = f"{', '.join(HEAD)}, then {', '.join((*PLACE, *self.axes))}"
            raise ValueError(f"captions must name each part once: {expected}, each group in any order")
        for phase in self.phases:
            self._known(f"phases.{phase.name}.withholds", phase.withholds, self.captions)
        self._known("guided", self.guided, self.axes)
        self._known("unseen", tuple(self.unseen), self.axes)
        self._known("altered_hides", self.altered_hides, self.axes)
        self._known("other_words", [self.other_words] if self.other_words else [], self.axes)
        return self

    @staticmethod
    def _known(field: str, names: tuple[str, ...] | list[str], there: tuple[str, ...] | Mapping[str, object]) -> None:
        for name in names:
            if name not in there:
                raise ValueError(f'{field} "{name}" is none of {", ".join(there)}')

    @property
    def growing(self) -> PhaseConfig:
        """The phase in which the set grows towards its goals."""
        return self.phases[0]

    @property
    def finishing(self) -> PhaseConfig:
        """The phase of the last round and of the finished LoRA."""
        return self.phases[-1]

    @property
    def neutral_axis(self) -> str:
        """The axis whose neutral values share the set to a limit; "" if there is none."""
        return next((name for name, axis in self.axes.items() if axis.sharing == "neutral"), "")

    @property
    def outfit_axis(self) -> str:
        """The axis whose values are outfits by name; "" if there is none."""
        return next((name for name, axis in self.axes.items() if axis.words == OUTFITS), "")

    @property
    def pose_axis(self) -> str:
        """The axis that is read from the poses of character.json; "" if there is none."""
        return next((name for name, axis in self.axes.items() if axis.words == "poses"), "")

    @property
    def background_axis(self) -> str:
        """The axis that is read from the backgrounds of character.json; "" if there is none."""
        return next((name for name, axis in self.axes.items() if axis.words == "backgrounds"), "")

    @property
    def scene_axes(self) -> tuple[str, ...]:
        """The axes whose values are the tags themselves, in order: all but outfits."""
        return tuple(name for name, axis in self.axes.items() if axis.words != OUTFITS)

    def phase(self, name: str) -> PhaseConfig:
        """The phase of that name. Raises KeyError."""
        for phase in self.phases:
            if phase.name == name:
                return phase
        raise KeyError(name)

    def withholds(self, phase: str, part: str) -> bool:
        """Whether the captions of a phase leave a part out."""
        return part in self.phase(phase).withholds
