"""What a loop asks for: how the set grows, what admits a frame to it, and who approves it between rounds.

A section of a RunConfig, which `bootstrap.config.reading` reads and merges. Knows no file.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from bootstrap.config.frozen import Frozen
from scoring.select import DIVERSE_ENOUGH

APPROVAL_SETTING = r"auto|human|timed:\d+(\.\d+)?[hms]"
"""How the approval between rounds may be set."""


class LoopConfig(Frozen):
    """How the set grows (configs/loops/)."""

    goals: tuple[int, ...] = (16, 40)
    """Kept frames at which the growing phase trains anew: a set grows fastest when it is retrained early."""
    target: int = Field(48, ge=1)
    """Generated pictures in the finished set, provisional ones included."""
    rounds: int = Field(6, ge=1)
    """Most rounds of generating."""
    waves: int = Field(2, ge=1)
    """Most waves of candidates a round."""
    candidates_a_place: float = Field(3.0, ge=1)
    """Candidates drawn for each empty place."""
    lookalikes: int = Field(100, ge=0)
    """Decoys of kind (a) a view family, made once a run."""
    exchanged: int = Field(100, ge=0)
    """Decoys of kind (b) a view family, made for each adapter."""
    most_decoys: int = Field(200, ge=1)
    """Most decoys of one kind, a view family and adapter, when the deficit needs more."""
    gate_level: float = Field(0.3, gt=0, lt=0.5)
    """Stated rate of false frames among those kept (Benjamini-Hochberg level)."""
    calibrate_on: Literal["exchanged", "lookalikes", "both"] = "lookalikes"
    """Which decoys the p-values are counted among: ``exchanged`` lack the character's traits but are drawn by its own
    adapter, ``lookalikes`` have every trait and are the base's; ``both`` asks a frame to beat each kind."""
    approval: str = Field("auto", pattern=f"^({APPROVAL_SETTING})$")
    """Who approves a round before the next begins: ``auto`` (nobody), ``human``, or ``timed:2h`` (a person, or the
    clock)."""
    diverse_enough: float = Field(DIVERSE_ENOUGH, ge=0, le=1)
    """Frames that add at least this share of the most diversity on offer count as equally diverse, and the likeness
    decides among them: 1 for diversity alone, 0 for the likeness alone."""
    after_drift: Literal["best", "stop"] = "best"
    """What follows a round that drifted: the LoRA of the best round before it draws what is still missing, and none is
    trained on more; or nothing, and the run ends."""
    provisional_share: float = Field(0.25, ge=0, le=0.5)
    """Largest share of provisional frames in the finished set."""
    final_candidates: int = Field(3, ge=1, le=20)
    """Weights of the final training among which a panel of pictures chooses; 1 takes the last ones."""
    seeds_share: float = Field(0.25, ge=0, le=1)
    """Share of sampled training steps that show seeds, crops and altered copies, from the second round on."""
    seed_cap: float = Field(4.0, ge=1)
    """No picture is sampled more than this many times as often as a kept frame."""

    @model_validator(mode="after")
    def _calibrated(self) -> LoopConfig:
        asked = {"lookalikes": ("lookalikes",), "both": ("lookalikes", "exchanged")}.get(self.calibrate_on, ())
        for kind in asked:
            if not getattr(self, kind):
                raise ValueError(f'calibrate_on "{self.calibrate_on}" needs {kind} above 0')
        return self
