"""The settings that all scorers share. Loads no model and knows no kind of scorer.

A file of this package holds a scorer's class and its settings; `scoring.scorers` names them all, `scoring.parsing`
turns plain data into the settings of its kind.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, SerializeAsAny, model_validator

if TYPE_CHECKING:
    from scoring.features import Encoder

__all__ = [
    "About",
    "ModelSettings",
    "Reader",
    "Role",
    "ScorerSettings",
    "folder_of_model",
    "in_use",
    "is_none",
]

Role = Literal["identity", "check", "caption", "quality", "held-out"]
"""What a scorer's values are for.

identity: ranked against decoys. check: a value below 0 rejects a frame. caption: a value below 0 drops a tag of the
frame's caption. quality: reported, and the last tie-breaker between equally good frames; one below 0 gives way to
others. held-out: read only to stop and to roll back; never selects.
"""
About = Literal["shot", "subject", "picture"]
"""What a check looks for: does the picture follow its shot, show the subject's traits, or have a fault of its own."""
Reader = Literal["clip", "tagger"]
"""Which of a panel's models reads words off a picture."""


def folder_of_model(place: Path) -> Path:
    """The folder of a model; the Hugging Face cache gives the file of a model that has one file of weights."""
    return place.parent if place.is_file() else place


def is_none(given: Any) -> bool:
    """Whether a setting says that a part is not wanted: ``none``, null or nothing at all."""
    return given is None or (isinstance(given, str) and given in ("", "none"))


class ModelSettings(BaseModel):
    """The settings of a model that several scorers share; ``none`` does without it."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    @model_validator(mode="before")
    @classmethod
    def _without(cls, given: Any) -> Any:
        return {} if is_none(given) else given


class ScorerSettings(BaseModel):
    """The settings of every scorer; each kind adds its own."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    kind: str
    """Which scorer: a key of `scoring.SCORERS`."""
    role: Role
    """What its values are for: identity, check, caption, quality or held-out."""
    about: About = "picture"
    """What a check looks for: the shot that was asked for, the subject's traits, or faults of the picture."""
    qualified: tuple[str, ...] = ()
    """View families in which it was shown, here or by its authors, to measure what it claims to."""
    last_resort: bool = False
    """Use it only where the panel has no other scorer of its role."""
    otherwise: SerializeAsAny[ScorerSettings] | None = None
    """The scorer that takes this one's name and place where the panel lacks a model that this one needs."""

    @property
    def uses(self) -> tuple[str, ...]:
        """The shared models that it cannot do without: "clip", "face", "tagger"."""
        return ()

    @property
    def own_model(self) -> str:
        """The name of a model that it alone loads; "" for none."""
        return ""

    @property
    def view_families(self) -> Mapping[str, Sequence[str]]:
        """Setting → the view families that it names."""
        return {"qualified": self.qualified}

    def found_in(self, place: Path) -> bool:
        """Whether the files of its own model are at a place."""
        return place.exists()

    def load(self, place: Path, device: str) -> Encoder:
        """Its own model, loaded from a file or folder. Raises ScorerUnavailable."""
        raise NotImplementedError(f"{self.kind} loads no model of its own")


def in_use(
    scorers: Mapping[str, ScorerSettings], usable: Callable[[str, ScorerSettings], bool]
) -> dict[str, ScorerSettings]:
    """The scorers that a panel has where not all models are there, in order.

    A scorer that is not ``usable`` is replaced by its ``otherwise``, or left out; a last resort is left out where
    another scorer has its role.
    """
    found = {}
    for name, wanted in scorers.items():
        settings: ScorerSettings | None = wanted
        while settings is not None and not usable(name, settings):
            settings = settings.otherwise
        if settings is not None:
            found[name] = settings
    roles = {settings.role for settings in found.values() if not settings.last_resort}
    return {name: one for name, one in found.items() if not one.last_resort or one.role not in roles}
