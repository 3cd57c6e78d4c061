"""One more round for the places in which the finished LoRA falls, where the settings, rounds and hours allow it.

The pictures that it adds are trained on with the others; of both LoRAs the one before is handed out only where it draws
the probe better. Every decision is a row. Knows no model.
"""

from __future__ import annotations

from bootstrap.records import Adapter
from bootstrap.runs.accepted import last_accepted
from bootstrap.store.decisions import HandedOut, MendingPlanned
from loops.budget import Work, fitting_round, originals_of
from loops.engine import Engine
from loops.final import drawn_trial
from loops.from_folder import from_folder
from loops.round_plan import RoundPlan
from loops.training_set import recipe_for
from loops.weights_again import whole_adapter
from scoring.trials import best_of

__all__ = ["handed_out", "mending"]


def mending(engine: Engine) -> RoundPlan | None:
    """The round that adds pictures where the finished LoRA falls; None where it falls nowhere, or no round is left."""
    store, number = engine.store, len(engine.store.rounds()) + 1
    planned, accepted = store.decisions(MendingPlanned), last_accepted(store)
    plan = RoundPlan(number, engine.config.filling_phase, engine.config.loop.target)
    if any(one.round == number for one in planned):
        return plan
    loop = engine.config.schedule
    if accepted is None or len(planned) >= loop.mend_rounds or number > loop.rounds:
        return None
    if from_folder(engine) or not engine.can_pay:
        return None
    add = {f"{one['view_family']}/{one['framing']}": one["pictures"] for one in accepted.found["add"]}
    if not add or not _fits(engine, plan, sum(add.values())):
        return None
    store.decide(MendingPlanned(number, accepted.adapter, add))
    return plan


def handed_out(engine: Engine, adapter: Adapter) -> Adapter:
    """The finished LoRA, or the one before a mending round where that draws the probe clearly better."""
    mended = engine.store.decided(MendingPlanned, round=adapter.round - 1)
    before = engine.adapter(mended.adapter) if mended else None
    if mended is None or before is None:
        return adapter
    chosen = engine.store.decided(HandedOut, round=adapter.round)
    if chosen is None:
        trials = [drawn_trial(engine, one) for one in (before, adapter)]
        best = (before, adapter)[best_of(trials)]
        found = ", ".join(f"{one.identity:.2f} x {one.control:.2f}" for one in trials)
        places = ", ".join(f"{count} {place.replace('/', ' ')}" for place, count in mended.add.items())
        told = f"round {mended.round} was for places in which the finished LoRA fell ({places})"
        compared = f"(identity x control on the probe before and after: {found})"
        engine.note(f"{told}; '{best.id}' is handed out {compared}")
        chosen = engine.store.decide(HandedOut(adapter.round, best.id))
    return adapter if chosen.adapter == adapter.id else whole_adapter(engine, before)


def _fits(engine: Engine, plan: RoundPlan, pictures: int) -> bool:
    """Whether the hours, where a person limited them, have room for the round and for a finish after it."""
    if engine.budget is None:
        return True
    config = engine.config
    trained = len(engine.archive().usable_keeps) + originals_of(engine.seeds, config.base)
    steps = recipe_for(config, plan.phase, plan.number, trained).steps
    asked = plan.phase, Work(steps, round(pictures * config.loop.candidates_a_place))
    fits = fitting_round(engine.store, engine.budget, plan.number, asked, asked, drawn_before=False, told=False)
    return fits is not None
