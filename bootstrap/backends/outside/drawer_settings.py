"""What every drawer other than the base has in common, as validated data. Imports no model library.

Each kind adds its own settings; `bootstrap.backends.outside.drawer_kinds` lists the kinds.
"""

from __future__ import annotations

from typing import Annotated, Protocol

from pydantic import BaseModel, ConfigDict, Field, model_validator

from bootstrap.backends.outside.instruction_settings import CameraWords, InstructionSettings

__all__ = ["DrawerSettings", "ShownSettings"]


class ShownSettings(Protocol):
    """How a drawer is shown references: an adapter of the base's, or a drawer from outside."""

    @property
    def strength(self) -> float:
        """How strongly a reference is heeded."""

    @property
    def strengths(self) -> tuple[float, ...]:
        """Strengths that are tried before the first wave; empty: none is."""

    @property
    def trial_pictures(self) -> int:
        """Pictures of each view family that are drawn at each of the strengths."""

    @property
    def most(self) -> int:
        """References of a picture at most."""


class DrawerSettings(BaseModel):
    """A drawer that is not the base: how it is shown references and asked, and what its licence says."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    name: str = Field(min_length=1)
    """What frames, provenance and card call it."""
    about: str = ""
    """What it is, in a few words."""
    license: str = ""
    """Of its weights, or the terms of the service; empty: not known."""
    license_link: str = ""
    """Where these stand."""
    outputs: str = ""
    """What they say of training other models with the pictures; empty: nothing is known of it."""
    commercial: bool = True
    """Whether they allow commercial use; where not, the run asks for --accept-licence."""
    instructions: InstructionSettings | None = None
    """How a shot is put into an instruction; in a file also the name of one in configs/instructions/. None: the drawer
    is given the prompt that the base would be given."""
    camera: CameraWords | None = None
    """The words of a camera LoRA that is loaded; None without one."""
    most: int = Field(1, ge=0, le=16)
    """References of a picture: the seeds, those of its own view family first. 0: it is shown none."""
    strength: float = Field(1.0, gt=0, le=2)
    """How strongly a reference is heeded, by drawers that can be told."""
    strengths: tuple[Annotated[float, Field(gt=0, le=2)], ...] = ()
    """Strengths that are tried before the first wave, as those of `ReferenceSettings`; empty: ``strength``."""
    trial_pictures: int = Field(4, ge=1)
    """Pictures of each view family that are drawn at each of the ``strengths``, and as many of somebody else."""
    candidates_a_place: float | None = Field(None, ge=1)
    """Candidates for each empty place, in place of the loop's; None: as many as those."""
    decoys: int | None = Field(None, ge=1)
    """Pictures of somebody else of each view family, in place of loop.lookalikes; None: as many as those."""
    with_lora: bool = False
    """Whether it draws with the LoRA of the round too; if not, none is trained before the finished one."""
    seconds: float = Field(0.0, ge=0)
    """Seconds a picture takes on the card that its page names; 0: not known."""

    @property
    def away(self) -> str:
        """Where it sends pictures that leave this machine; "" where none do."""
        return ""

    @property
    def title(self) -> str:
        """Its name, and what of it was chosen, as provenance and card have it."""
        return self.name

    @property
    def price(self) -> float:
        """What a picture costs; 0 for nothing."""
        return 0.0

    def money(self, pictures: int) -> str:
        """What so many pictures cost, in words; "" for nothing."""
        return ""

    @model_validator(mode="after")
    def _some_strengths(self) -> DrawerSettings:
        if len(self.strengths) == 1 or len(set(self.strengths)) < len(self.strengths):
            raise ValueError("strengths takes two or more different ones; to set one, give strength")
        return self
