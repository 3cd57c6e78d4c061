"""The numbers of a LoRA that was tried, each with what it means and how good it is. Knows no page and reads no store.

``found`` is what `bootstrap compare` writes and a run stores of its finished LoRA.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bootstrap.report.document import KeyNumber, Rating

__all__ = ["AS_THE_BASE", "BELOW_GATE", "FALLS", "FULL", "HOLDS", "USABLE", "acceptance_numbers", "lacking", "rated"]

HOLDS = 0.5
"""Mean identity from which a part counts as held: about where the gate begins to let frames in."""
BELOW_GATE = f"below {HOLDS:g}, where the gate begins to let a picture in"
FALLS = 0.12
"""How far below the whole a part must lie to be named."""
AS_THE_BASE = 0.95
"""Share of the base's obedience that a LoRA should keep (the project's bar for control)."""
OBEYS_LITTLE = 0.85
"""Share of the base's obedience below which a LoRA obeys poorly."""
FULL, USABLE = 0.95, 0.75
"""Weights from which a LoRA works as it should, and acceptably: one that needs less was trained too long."""
IDENTITY = (
    "How alike its pictures are to the seeds: the place of each among the base's look-alikes, by its weakest scorer,"
    " 0 to 1. From {holds:g} on it is as alike as what the gate begins to keep; the base alone has {base}."
)
CONTROL = (
    "The share of what was asked for (view, framing, pose, clothes, place) that the panel sees, 0 to 1. The base alone"
    " has {base}; good is at least {share:.0%} of that."
)
WEIGHT = (
    "The weight at which it draws best, of those that were tried. Good: {full:g} or more. One that must be turned down"
    " below {usable:g} was trained too long, or on too few pictures."
)


def lacking(identity: float | None, control: float, base_control: float) -> str:
    """Why a LoRA cannot be said to work at any weight, in words; "" where identity holds and it obeys."""
    found = []
    if identity is None:
        found.append("identity cannot be ranked")
    elif identity < HOLDS:
        found.append(f"identity is {BELOW_GATE}")
    if control < OBEYS_LITTLE * base_control:
        found.append(f"control is far below the {base_control:.2f} of the base")
    return " and ".join(found)


def rated(value: float, good: float, fair: float) -> Rating:
    """How good a number is of which larger is better: from ``good`` on, from ``fair`` on, or less."""
    if value >= good:
        return "good"
    return "fair" if value >= fair else "poor"


def acceptance_numbers(found: Mapping[str, Any]) -> list[KeyNumber]:
    """Identity, control and weight of the LoRA and weight that are recommended; [] where they are not among ``found``.

    Identity is not rated where it could not be ranked, for lack of decoys.
    """
    best, base = _recommended(found), found.get("base")
    if best is None or not isinstance(base, Mapping):
        return []
    numbers = [_identity(best.get("identity"), base.get("identity"))]
    control, base_control = float(best["control"]), float(base["control"])
    rating = rated(control, AS_THE_BASE * base_control, OBEYS_LITTLE * base_control)
    meaning = CONTROL.format(base=f"{base_control:.2f}", share=AS_THE_BASE)
    numbers.append(KeyNumber("control", f"{control:.2f}", meaning, rating))
    weight = float(best["weight"])
    meaning = WEIGHT.format(full=FULL, usable=USABLE)
    if why := lacking(best.get("identity"), control, base_control):
        numbers.append(KeyNumber("best weight", f"{weight:g}", f"{meaning} Not rated: {why}."))
    else:
        numbers.append(KeyNumber("best weight", f"{weight:g}", meaning, rated(weight, FULL, USABLE)))
    return numbers


def _identity(identity: float | None, base: float | None) -> KeyNumber:
    if identity is None:
        return KeyNumber("identity", "–", "It cannot be ranked: this run has no decoys to compare with.")
    beside = "–" if base is None else f"{base:.2f}"
    meaning = IDENTITY.format(holds=HOLDS, base=beside)
    return KeyNumber("identity", f"{identity:.2f}", meaning, rated(identity, HOLDS, HOLDS - FALLS))


def _recommended(found: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The checkpoint and weight that are recommended, with their numbers (in earlier runs, their cell's)."""
    if best := found.get("best"):
        return dict(best)
    wanted = found.get("recommended") or {}
    for cell in found.get("cells") or ():
        if cell.get("checkpoint") == wanted.get("checkpoint") and cell.get("weight") == wanted.get("weight"):
            return dict(cell)
    return None
