"""The numbers of a run, each with what it means and how good it is. Reads a store; decides nothing."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from bootstrap.records import JobKind
from bootstrap.report.acceptance_numbers import acceptance_numbers, rated
from bootstrap.report.document import KeyNumber, Rating
from bootstrap.report.scorer_roles import scorers_of
from bootstrap.runs.accepted import last_accepted
from bootstrap.runs.sentences import duration
from bootstrap.store.store import Store

__all__ = ["run_numbers"]

FAIR_PROVISIONAL = 0.1
"""Share of provisional pictures in a set up to which it is called fair: a tenth is looked through in a minute."""


def run_numbers(store: Store, facts: Mapping[str, Any]) -> list[KeyNumber]:
    """What the finished LoRA does, what was kept of what was drawn, and what it cost; ``facts`` are `status` data."""
    accepted = last_accepted(store)
    numbers = acceptance_numbers(accepted.found) if accepted else []
    numbers += [_kept(facts), _provisional(facts), *_held_out(store, facts["rounds"]), *_drawn(store, facts)]
    seeds = facts["seeds"]
    meaning = "Pictures that you gave. One is enough; a second from the side or from behind helps most."
    numbers.append(KeyNumber("seeds", str(seeds), meaning))
    spent = duration(sum(facts["seconds"].values()))
    meaning = f"Training, drawing and measuring, in {_count(len(facts['rounds']), 'round')} and the final training."
    numbers.append(KeyNumber("work", spent, meaning))
    for name, key in (("memory", "peak_memory_mib"), ("memory of the card", "peak_device_memory_mib")):
        if facts[key]:
            meaning = "The most that a process of this run held at once."
            numbers.append(KeyNumber(name, f"{facts[key] / 1024:.1f} GiB", meaning))
    return numbers


def _kept(facts: Mapping[str, Any]) -> KeyNumber:
    kept, target = facts["kept"], facts["target"]
    meaning = "Pictures of the set that the gate or you admitted, of those wanted. Good: all of them."
    if not target:
        return KeyNumber("kept", str(kept), meaning)
    rating: Rating = ""
    if facts["finished"]:
        rating = rated(kept / target, 1.0, 1.0 - FAIR_PROVISIONAL)
    return KeyNumber("kept", f"{kept} of {target}", meaning, rating)


def _provisional(facts: Mapping[str, Any]) -> KeyNumber:
    kept, provisional = facts["kept"], facts["provisional"]
    meaning = "Pictures that fill places although the gate did not admit them. Good: none."
    if provisional:
        meaning += " Look at each in `bootstrap review`."
    rating: Rating = ""
    if kept + provisional:
        rating = rated(1 - provisional / (kept + provisional), 1.0, 1.0 - FAIR_PROVISIONAL)
    return KeyNumber("provisional", str(provisional), meaning, rating)


def _held_out(store: Store, rounds: Sequence[Mapping[str, Any]]) -> list[KeyNumber]:
    """The likeness by the scorer that never selects, in the first and the last round that it measured."""
    outcomes = [one["outcome"] for one in rounds if one["outcome"] and one["outcome"].get("held_out") is not None]
    if not outcomes:
        return []
    name = next(iter(scorers_of(store, "held-out")), "held-out")
    meaning = f'Mean likeness of the last round\'s candidates to the seeds by "{name}", which never selects; −1 to 1.'
    first, last = outcomes[0], outcomes[-1]
    value = f"{last['held_out']:.3f}"
    if len(outcomes) == 1:
        return [KeyNumber("held-out likeness", value, f"{meaning} One round has no course to judge.")]
    meaning += f" The first round had {first['held_out']:.3f}. Good: it holds or rises."
    error = math.hypot(first.get("held_out_error") or 0.0, last.get("held_out_error") or 0.0)
    rating = rated(last["held_out"] - first["held_out"], -error, -3 * error)
    return [KeyNumber("held-out likeness", value, meaning, rating)]


def _drawn(store: Store, facts: Mapping[str, Any]) -> list[KeyNumber]:
    """Pictures by what they are for, and the share of the candidates that was kept."""
    candidates = len(store.frames(kind=JobKind.CANDIDATE))
    others = facts["frames"] - candidates
    meaning = f"{_count(candidates, 'candidate')} for the set; {others} to compare and to judge with."
    numbers = [KeyNumber("pictures drawn", str(facts["frames"]), meaning)]
    if candidates:
        meaning = (
            "How many of the candidates were kept. The rest failed a check, stood among the decoys, or had no place."
        )
        numbers.append(KeyNumber("kept of the candidates", f"{facts['kept'] / candidates:.0%}", meaning))
    return numbers


def _count(number: int, name: str) -> str:
    return f"{number} {name}" if number == 1 else f"{number} {name}s"
