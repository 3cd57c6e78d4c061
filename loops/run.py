"""The whole story: rounds until nothing is missing, then the finished set, the finished LoRA and the report.

Running and resuming are the same call. Knows no model and prints nothing.
"""

from __future__ import annotations

from loops.approval import pass_gate
from loops.budget import affordable
from loops.engine import Engine
from loops.finish import Finished, finish
from loops.person import hear_person
from loops.resume import continued_after
from loops.round import RoundPlan, play_round
from loops.stopping import next_goal
from loops.train import drawing_round

__all__ = ["run"]


def run(engine: Engine) -> Finished:
    """Play rounds until the rules say stop, then finish; whatever is done already is not done again."""
    pass_gate(engine)
    while plan := next_round(engine):
        play_round(engine, plan)
        pass_gate(engine)
    return finish(engine)


def next_round(engine: Engine) -> RoundPlan | None:
    """The round that was cut off (or whose end was lost), or the next one by the rules, or None.

    A person who spoke after the end is answered by one more round.
    """
    spoken_since, rounds = hear_person(engine), engine.store.rounds()
    if cut_off := next((one for one in rounds if one.outcome is None), None):
        return RoundPlan(cut_off.number, cut_off.phase, cut_off.goal)
    loop, best = engine.config.loop, drawing_round(engine, len(rounds) + 1)
    found = next_goal(rounds, len(engine.usable_keeps()), loop, continued_after(engine.store), best)
    if found is None and spoken_since:
        found = best.phase if best else "character", loop.target
    if found is None:
        return None
    fits = affordable(engine, len(rounds) + 1, *found)
    return RoundPlan(len(rounds) + 1, *fits) if fits else None
