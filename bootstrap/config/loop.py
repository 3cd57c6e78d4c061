"""What a loop asks for: how the set grows, what admits a frame to it, and who approves it between rounds.

A section of a RunConfig, which `bootstrap.config.reading` reads and merges. Knows no file.
"""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import Field, model_validator

from bootstrap.config.frozen import Frozen
from scoring.select import DIVERSE_ENOUGH

APPROVAL_SETTING = r"auto|human|timed:\d+(\.\d+)?[hms]"
"""How the approval between rounds may be set."""


WEIGHTED = re.compile(r":[0-9.]+(=.*)?$")
"""The end of the text of a LoRA whose weight is written."""
ROWS_SEARCHED = 5
"""Rows of pictures of a LoRA whose weight is searched: at four weights, and without the run's own."""


class AcceptanceConfig(Frozen):
    """What the finished LoRA is tried with before its files are written."""

    weights: tuple[Annotated[float, Field(gt=0, le=2)], ...] = (1.0, 0.8, 0.6)
    """Weights at which it draws the probe, 1 among them in any case; an empty list leaves the acceptance out."""
    unseen: int = Field(1, ge=0, le=2)
    """Pictures a view family in a pose, and as many in clothes, that it was not trained on."""
    lowest: float | None = Field(0.5, gt=0, le=2)
    """Weight that is tried too where the least of ``weights`` draws best; null: none. Its pictures must leave those of
    the acceptance within 15 % of the run's."""
    beside: tuple[str, ...] = ()
    """Other LoRAs that are attached beside it, one by one and all together: FILE, FILE:0.8 or FILE:0.8=words. Of one
    without a weight the best is looked for."""
    also: tuple[str, ...] = ()
    """Other checkpoints of the base's architecture, presets or files, on which it is tried at the best weight."""

    @property
    def rows_beside(self) -> int:
        """Rows of pictures that other LoRAs take: one each, five where the weight is searched, and one of all."""
        rows = sum(1 if WEIGHTED.search(text) else ROWS_SEARCHED for text in self.beside)
        return rows + (len(self.beside) > 1)

    @property
    def asked(self) -> str:
        """What identifies an acceptance: the settings as text, later additions left out where they ask for nothing."""
        return self.model_dump_json(exclude={"lowest"} if self.also else {"lowest", "also"})


class JudgeConfig(Frozen):
    """What the run's ``judge``, a reader, is asked about."""

    most: int = Field(24, ge=1)
    """Most frames a wave that the gate leaves undecided. Decoys and kept frames of the same views are asked about, too:
    they show whether the judge can tell."""


class LoopConfig(Frozen):
    """How the set grows (configs/loops/)."""

    goals: tuple[int, ...] = (16, 40)
    """Kept frames at which the growing phase trains anew: a set grows fastest when it is retrained early."""
    first_pictures: int = Field(0, ge=0, le=100)
    """Training pictures that the seeds give together, where they are large enough: all parts are cut out, and crops are
    altered too. 0: what ``base.cuts`` makes of them."""
    enough_at: float | None = Field(None, gt=0, le=1)
    """Weight at which the LoRA of a round draws a probe: where it holds there, no further round is played. null: the
    rounds go on until the places are filled."""
    target: int = Field(48, ge=1)
    """Generated pictures in the finished set, provisional ones included."""
    rounds: int = Field(6, ge=1)
    """Most rounds."""
    waves: int = Field(2, ge=1)
    """Most waves of candidates a round."""
    candidates_a_place: float = Field(3.0, ge=1)
    """Candidates drawn for each empty place."""
    lookalikes: int = Field(100, ge=0)
    """Look-alikes a view family: drawn by the base from every trait word, once a run."""
    exchanged: int = Field(100, ge=0)
    """Exchanged decoys a view family: drawn by the adapter under test with other traits, for each adapter."""
    most_decoys: int = Field(200, ge=1)
    """Most decoys of one kind a view family and adapter, where the number of candidates needs more."""
    gate_level: float = Field(0.3, gt=0, lt=0.5)
    """Level of the gate's test against decoys (Benjamini-Hochberg); it is no rate of false frames among those kept."""
    calibrate_on: Literal["exchanged", "lookalikes", "both"] = "lookalikes"
    """Which decoys the p-values are counted among: ``exchanged`` lack the character's traits but are drawn by its own
    adapter, ``lookalikes`` have every trait and are drawn by the base; with ``both`` a frame must beat each kind."""
    approval: str = Field("auto", pattern=f"^({APPROVAL_SETTING})$")
    """Who approves a round before the next begins: ``auto`` (nobody), ``human``, or ``timed:2h`` (a person, or the
    clock)."""
    diverse_enough: float = Field(DIVERSE_ENOUGH, ge=0, le=1)
    """Frames that add at least this share of the largest possible diversity count as equally diverse, and likeness
    decides among them: 1 for diversity alone, 0 for likeness alone."""
    drawer: Literal["best", "newest"] = "best"
    """Which LoRA draws a later round: ``newest`` its own, ``best`` that of the round before where it draws a probe
    better."""
    lora_starts: tuple[Annotated[float, Field(ge=0, lt=1)], ...] = Field((0.0,), min_length=1)
    """Shares of the steps after which the LoRA of a round may join the base, which draws alone before: composition and
    background are then the base's. Each draws a probe, and the best draws. One alone is not tried but taken."""
    after_drift: Literal["best", "stop"] = "best"
    """What follows a round that drifted: ``best`` lets the LoRA of the best round before it draw what is still missing,
    and trains no other; ``stop`` ends the run."""
    provisional_share: float = Field(0.25, ge=0, le=0.5)
    """Largest share of provisional frames in the finished set."""
    final_candidates: int = Field(3, ge=1, le=20)
    """Weights of the final training that are compared on a probe; 1 takes the last ones."""
    seeds_alone: bool = False
    """Train a LoRA on your pictures alone as well: it is handed out unless that of the finished set draws a clearly
    better probe."""
    trigger_pictures: int = Field(4, ge=0, le=64)
    """Pictures that the base draws at the start with the trigger alone, as many without it, and with each of three
    made-up words: whether it has an idea of the trigger. 0 does not look."""
    early_checkpoints: int = Field(3, ge=0, le=20)
    """Weights of the first half of the final training that stay on the disk, from the end of its first epoch on: a run
    does not draw with them, ``bootstrap compare`` does."""
    hour_costs: float = Field(0.5, ge=0)
    """What an hour of this machine costs (assumed), in the currency of a paid drawer: where one of two drawers is paid,
    they are compared by time and money together."""
    acceptance: AcceptanceConfig = AcceptanceConfig()
    """What the finished LoRA is tried with."""
    judge: JudgeConfig = JudgeConfig()
    """What the judge of a run that has one is asked about."""
    mend_rounds: int = Field(0, ge=0, le=1)
    """Rounds for the places in which the finished LoRA falls, within ``rounds`` and the hours; 0 only names them."""
    showcase: int = Field(8, ge=0, le=16)
    """Shots of the probe that the report leads with: drawn also by the base and by the first LoRA; 0 for none."""
    seeds_share: float = Field(0.25, ge=0, le=1)
    """Share of sampled training steps that show seeds, crops and altered copies, from the second round on."""
    seed_cap: float = Field(4.0, ge=1)
    """No picture is sampled more than this many times as often as a kept frame."""

    @property
    def compared(self) -> int:
        """Weights that draw the probe by which the finished LoRA is chosen."""
        return self.final_candidates + self.seeds_alone

    @model_validator(mode="after")
    def _calibrated(self) -> LoopConfig:
        if self.calibrate_on in ("lookalikes", "both") and not self.lookalikes:
            raise ValueError(f'calibrate_on "{self.calibrate_on}" needs lookalikes above 0')
        if self.calibrate_on == "both" and not self.exchanged:
            raise ValueError('calibrate_on "both" needs exchanged above 0')
        return self
