"""What a kind of subject is, as data (configs/subjects/): its phases, and what its dataset must hold.

A section of a RunConfig, which `bootstrap.config.reading` reads and merges. Knows no file and no character.
"""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import Field, model_validator

from bootstrap.config.frozen import Frozen

__all__ = ["PhaseConfig", "SubjectConfig"]


class PhaseConfig(Frozen):
    """One phase of a run: rounds whose LoRAs are trained with the same recipe and the same parts of captions."""

    name: str = Field(pattern=r"^\w[\w-]*$")
    """What records, files and ``base.recipes`` call it."""
    withholds: tuple[str, ...] = ()
    """Parts of a caption that are left out, so that the trigger absorbs them: "identity"."""


class SubjectConfig(Frozen):
    """What a kind of subject asks of its training and of its dataset (configs/subjects/)."""

    phases: tuple[PhaseConfig, ...] = Field(min_length=1)
    """In order: the set grows in the first one and is finished in the last one, which may be the same."""
    most_neutral: float = Field(0.35, ge=0, le=1)
    """Largest share of neutral expressions."""
    neutral: tuple[str, ...] = ("neutral expression",)
    """Expressions that count as neutral."""
    a_prompt: int = Field(2, ge=1)
    """At most this many kept frames a prompt."""
    leeway: float = Field(0.5, ge=0, le=1)
    """How far one outfit, pose, background or expression may exceed its share of the set: 0 not at all, 1 as far as it
    likes."""
    defaults: Mapping[str, tuple[str, ...]]
    """Values of an axis that character.json leaves empty."""

    @model_validator(mode="after")
    def _distinct(self) -> SubjectConfig:
        names = [phase.name for phase in self.phases]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f'phases: "{name}" occurs twice')
        return self

    @property
    def growing(self) -> PhaseConfig:
        """The phase in which the set grows towards its goals."""
        return self.phases[0]

    @property
    def finishing(self) -> PhaseConfig:
        """The phase of the last round and of the finished LoRA."""
        return self.phases[-1]

    def phase(self, name: str) -> PhaseConfig:
        """The phase of that name. Raises KeyError."""
        for phase in self.phases:
            if phase.name == name:
                return phase
        raise KeyError(name)
