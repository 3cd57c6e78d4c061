"""What is measured, how much of it, and on which puppets: fixed before anything runs.

Knows no model and no disk.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

CHARACTERS = tuple(range(80_000_001, 80_000_021))
"""Numbers of the twenty puppets. Every training set counts from another million (`FIRST_NUMBER` of its module), twins
from a hundred millions more, and nothing was tuned on these."""
SEED_VIEWS = ("front", "profile-left", "behind", "three-quarter-right")
"""Views of the seed pictures: results of record use the first alone; a character sheet has the first three."""
NAMES = (
    "Ada", "Bea", "Cleo", "Dot", "Eve", "Fay", "Gwen", "Hana", "Ivy", "Juno",
    "Kira", "Lena", "Mina", "Nell", "Olga", "Pia", "Quin", "Rosa", "Sena", "Tova",
)  # fmt: skip


@dataclass(frozen=True)
class Settings:
    """How much is drawn and trained.

    Attributes:
        a_cell: pictures of the panel in each view family x framing.
        framings: how many of the four framings the panel asks for.
        lookalikes: base drawings a view family that set the judge's cut.
        drawings: painted drawings that the ceiling learns from.
        peer_pictures: pictures that each other way of growing draws in all: about as many as a whole run of ours.
        overrides: settings of the run as `--set` takes them, the same for every contestant.
        seeds: how many seed pictures, 1 to 4.
        backend: what draws and trains; "fake" is for tests of the benchmark itself.
    """

    a_cell: int = 4
    framings: int = 4
    lookalikes: int = 100
    drawings: int = 45
    peer_pictures: int = 1200
    overrides: tuple[str, ...] = ("loop.showcase=0",)
    seeds: int = 1
    backend: str = "diffusers"

    def given(self, overrides: tuple[str, ...]) -> Settings:
        """The same with further settings of the run."""
        return replace(self, overrides=(*self.overrides, *overrides))


FULL = Settings()
QUICK = Settings(
    a_cell=1,
    framings=2,
    lookalikes=8,
    drawings=12,
    peer_pictures=48,
    overrides=(
        "loop.showcase=0",
        "loop.target=12",
        "loop.goals=[6]",
        "loop.rounds=2",
        "loop.waves=1",
        "loop.lookalikes=10",
        "loop.exchanged=10",
        "loop.most_decoys=10",
        "loop.gate_level=0.4",
        "loop.final_candidates=1",
        "loop.acceptance.unseen=0",
        "base.recipes.style.steps=12",
        "base.recipes.character.steps=12",
        "base.minimum_steps=10",
        "base.reference.beside_steps=12",
    ),
)
"""Checks the machinery; its numbers mean nothing."""
PASS = 0.01
"""Share of look-alikes above the judge's cut."""
SIDE = 96
GROWN = ("loop.goals", "loop.target")
SHARED_OUT = ("loop.seeds_share", "loop.seed_cap")
PEERS, FINAL = "peer_pictures", "base.recipes.character"
DEPENDS_ON: Mapping[str, Sequence[str]] = {
    "crops": SHARED_OUT,
    "crops_reference": SHARED_OUT,
    "beside": SHARED_OUT,
    "seeds": (FINAL,),
    "chosen_one": (PEERS,),
    "topk": (FINAL, PEERS, *GROWN, *SHARED_OUT),
    "face": (FINAL, PEERS, *GROWN, *SHARED_OUT),
    "once": (FINAL, *SHARED_OUT),
    "ours": (FINAL, "loop"),
    "perfect": (FINAL, "loop"),
    "retrain": (FINAL, "loop"),
    "knowable": (FINAL,),
    "ceiling": (FINAL,),
}
"""Contestant -> settings that its row depends on beside base, judge and test."""
TITLES = {
    "base": "base + prompt",
    "reference": "base shown the seed",
    "seeds": "seed alone",
    "named": "seed alone, traits named",
    "crops": "seed, crops, copies; traits named",
    "crops_reference": "the same, shown the seed",
    "beside": "the same, trained beside the seed",
    "chosen_one": "The Chosen One",
    "topk": "top-k by CLIP",
    "face": "face above 0.5",
    "once": "48 drawn once, no gate",
    "ours": "ours",
    "perfect": "ours, chosen by the judge",
    "knowable": "45 drawings of what seed and words say",
    "ceiling": "45 drawings",
}
"""Contestant -> its title in tables, in the order of their columns."""
QUICK_CONTESTANTS = ("base", "seeds", "ceiling")
