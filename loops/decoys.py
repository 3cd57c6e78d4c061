"""Which decoys count: those that passed what the candidates must pass, and are not the character.

The null distribution of every score. Knows no rank and chooses nothing.
"""

from __future__ import annotations

from collections.abc import Mapping

from bootstrap.panel.judges import TRAITS
from bootstrap.records import VIEW_FAMILIES, Frame, JobKind
from loops.engine import Engine
from scoring.base import Measurement

__all__ = ["DECOYS", "trait_slack", "usable_decoys"]

DECOYS = (JobKind.LOOKALIKE, JobKind.EXCHANGED)
Values = Mapping[str, Measurement]


def usable_decoys(engine: Engine, measured: Mapping[str, Values]) -> dict[JobKind, list[Frame]]:
    """The measured decoys of each kind, in plan order, that passed the candidates' checks."""
    slack, judges = trait_slack(engine, measured), engine.judges
    frames = {kind: [f for f in engine.store.frames(kind=kind) if f.job.id in measured] for kind in DECOYS}
    return {
        kind: [f for f in made if judges.usable_decoy(f, measured[f.job.id], slack[f.job.shot.view_family])]
        for kind, made in frames.items()
    }


def trait_slack(engine: Engine, measured: Mapping[str, Values]) -> dict[str, float]:
    """By view family, where the trait check fails: never above 0, and low enough for the base's own look-alikes.

    They were asked for every trait, so what the reader misses on most of them it cannot see in this base's pictures.
    """
    slack = dict.fromkeys(VIEW_FAMILIES, 0.0)
    for view_family in VIEW_FAMILIES:
        frames = [
            f
            for f in engine.store.frames(kind=JobKind.LOOKALIKE)
            if f.job.shot.view_family == view_family and f.job.id in measured
        ]
        answers = [measured[f.job.id][TRAITS].value for f in frames]
        margins = sorted(value for value in answers if value is not None)
        if margins:
            slack[view_family] = min(0.0, margins[int(engine.config.panel.trait_failures * len(margins))])
    return slack
