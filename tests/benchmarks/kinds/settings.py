"""What is measured of each kind, how much of it, and on which individuals: fixed before anything runs.

Knows no model and no disk.
"""

from __future__ import annotations

from dataclasses import dataclass

SUBJECTS = tuple(range(70_000_001, 70_000_013))
"""Numbers of the individuals of each kind."""
SINGLE = ("outfit", "style", "background")
COUPLE = "couple"
KINDS = (*SINGLE, COUPLE)


@dataclass(frozen=True)
class KindSettings:
    """How much is drawn and trained.

    Attributes:
        panel: pictures on which each contestant is measured.
        drawings: true drawings that the ceiling learns from: as many as a run may keep.
        lookalikes: of each of a couple, that set the judge's cut.
        overrides: settings of the runs as `--set` takes them, the same for every contestant.
        backend: what draws and trains; "fake" is for tests of the benchmark itself.
    """

    panel: int = 32
    drawings: int = 16
    lookalikes: int = 48
    overrides: tuple[str, ...] = (
        "loop.showcase=0",
        "loop.target=16",
        "loop.goals=[]",
        "loop.rounds=1",
        "loop.waves=1",
        "loop.lookalikes=24",
        "loop.exchanged=0",
        "loop.most_decoys=24",
        "loop.final_candidates=1",
        "loop.early_checkpoints=0",
        "loop.acceptance.unseen=0",
        "loop.acceptance.weights=[0.8]",
        "loop.acceptance.lowest=null",
        "loop.provisional_share=0.5",
        "base.minimum_steps=120",
    )
    backend: str = "diffusers"


FULL = KindSettings()
QUICK = KindSettings(
    panel=6,
    drawings=4,
    lookalikes=4,
    overrides=(
        *(text for text in FULL.overrides if not text.startswith(("base.minimum", "loop.target", "loop.goals"))),
        "loop.target=5",
        "loop.goals=[]",
        "loop.lookalikes=4",
        "loop.most_decoys=4",
        "loop.candidates_a_place=1",
        "base.minimum_steps=4",
        "base.steps_per_picture=1",
    ),
)
"""Checks the machinery; its numbers mean nothing."""
USUAL, SURE = 0.5, 0.01
"""Shares of look-alikes above the two cuts of the judge."""
TITLES = {
    "base": "base + words",
    "seeds": "seeds alone",
    "solos": "own LoRAs together",
    "ours": "ours",
    "ceiling": "true drawings",
}
"""Contestant -> its title in tables, in the order of their columns."""
CONTESTANTS = ("base", "seeds", "ours", "ceiling")
