"""The whole story: rounds until nothing is missing, then the finished set, the finished LoRA and the report.

Running and resuming are the same call. Knows no model and prints nothing.
"""

from __future__ import annotations

from bootstrap.records import Phase
from loops.continuing import continued_after
from loops.engine import Engine
from loops.finish import Finished, finish
from loops.round import RoundPlan, play_round
from loops.stopping import next_goal

__all__ = ["run"]


def run(engine: Engine) -> Finished:
    """Play rounds until the rules say stop, then finish; whatever is done already is not done again."""
    while plan := next_round(engine):
        play_round(engine, plan)
    return finish(engine)


def next_round(engine: Engine) -> RoundPlan | None:
    """The round that was cut off (or whose end was lost), or the next one by the rules, or None."""
    rounds = engine.store.rounds()
    if cut_off := next((one for one in rounds if one.outcome is None), None):
        return RoundPlan(cut_off.number, cut_off.phase, cut_off.goal)
    found = next_goal(rounds, len(engine.store.kept()), engine.config.loop, continued_after(engine.store))
    if found is None:
        return None
    phase: Phase = "style" if found[0] == "style" else "character"
    return RoundPlan(len(rounds) + 1, phase, found[1])
