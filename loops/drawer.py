"""Which LoRA draws a round: its own, unless the one that drew the round before it draws better.

More pictures do not always make a better drawer: a set that grew by its own errors teaches them. Before a later round
is planned, both LoRAs draw the same shots with the same random seeds. The held-out encoder says how alike they are, and
the checks what they obey; the round's own LoRA draws unless the other is better by more than one standard error. The
choice is stored. Knows no model.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from statistics import fmean, stdev

from bootstrap.compare.trial_shots import probe_shots
from bootstrap.records import DECOY_KINDS, Adapter, Frame, Round
from bootstrap.store.decisions import DrawerChosen
from loops.archive import Archive
from loops.blends import Weights
from loops.engine import Engine
from loops.final import trial_of
from loops.jobs import Wave
from loops.lora_starts import lora_start
from loops.portraits import shown_in
from loops.round_plan import RoundPlan
from loops.strengths import with_strengths
from loops.trial_pictures import trial_pictures
from scoring.calibrate import Ranked
from scoring.trials import Trial, best_of

__all__ = ["better_drawer"]

EARLIER, OWN = 201, 202
"""The waves of the two LoRAs' probes, beyond those of candidates and of the showcase."""
FEWEST = 3
"""Decoys of a view family without which the held-out encoder cannot be normalised there."""


def better_drawer(
    engine: Engine, archive: Archive, plan: RoundPlan, adapter: Adapter | None
) -> tuple[RoundPlan, Adapter | None]:
    """The plan of a round and the LoRA that draws it, its own (``adapter``) or an earlier one; see above."""
    earlier = _earlier(engine, archive, plan)
    if adapter is None or earlier is None or plan.drawn_by is not None or earlier.adapter == adapter.id:
        return plan, adapter
    chosen = engine.store.decided(DrawerChosen, round=plan.number)
    if chosen is None:
        chosen = _compare(engine, archive, plan, earlier, adapter)
    if chosen.drawn_by == plan.number:
        return plan, adapter
    return replace(plan, drawn_by=earlier), engine.adapter(earlier.adapter)


def _earlier(engine: Engine, archive: Archive, plan: RoundPlan) -> Round | None:
    """The round whose LoRA drew the round before this one; None where there is none, or nothing can compare them."""
    before = plan.number - 1
    if engine.config.loop.drawer == "newest" or not engine.judges.held_out:
        return None
    if chosen := engine.store.decided(DrawerChosen, round=before):
        before = chosen.drawn_by
    rounds = [one for one in archive.rounds if one.number == before]
    return next((one for one in rounds if engine.adapter(one.adapter)), None)


def _compare(engine: Engine, archive: Archive, plan: RoundPlan, earlier: Round, own: Adapter) -> DrawerChosen:
    """Draw the probe with the earlier round's LoRA and the round's own, and store which is to draw."""
    sets, trials = engine.training_sets, []
    for number, taught, adapter in ((EARLIER, earlier, engine.adapter(earlier.adapter)), (OWN, plan, own)):
        named = sets.named_traits(archive, taught.number, taught.phase)
        start = lora_start(engine, archive, plan.number, adapter)
        trials.append(_trial(engine, Wave(plan.number, number, named, lora_start=start), adapter))
    drawn_by = plan.number if best_of(trials) else earlier.number
    found = "; ".join(f"{one.identity:.2f} x {one.control:.2f}" for one in trials)
    told = f"round {plan.number}: the LoRA of round {drawn_by} draws"
    engine.note(f"{told} (likeness by the held-out encoder x control of both, earlier first: {found})")
    return engine.store.decide(DrawerChosen(plan.number, drawn_by))


def _trial(engine: Engine, wave: Wave, weights: Weights | None) -> Trial:
    """What a LoRA draws of the probe, measured; its likeness is the held-out encoder's."""
    jobs, shown = [], shown_in(engine, wave.round)
    if shown is not None:
        shown = with_strengths(engine, wave, weights, shown)
    for shot in probe_shots(engine.planner, engine.config.views):
        jobs.append(engine.job_maker.trial_job(wave, shot, shown.candidate(shot) if shown else ()))
    frames = trial_pictures(engine, wave, weights, jobs)
    archive = engine.archive()
    ranks = {frame.job.id: _likeness(frame, archive, engine.judges.held_out) for frame in frames}
    return trial_of(frames, ranks, archive.measurements, engine.judges)


def _likeness(frame: Frame, archive: Archive, held_out: str) -> Ranked:
    """How far the held-out encoder puts a picture above the decoys of its view family, in their deviations."""
    value = archive.measurements[frame.job.id][held_out].value
    among = _decoys(archive, frame.job.shot.view_family, held_out)
    if value is None or len(among) < FEWEST:
        return Ranked(0.0, 1.0, "", ())
    return Ranked((value - fmean(among)) / max(stdev(among), 1e-6), 1.0, held_out, (held_out,))


def _decoys(archive: Archive, view_family: str, held_out: str) -> Sequence[float]:
    """What the held-out encoder measured of a view family's decoys."""
    found = []
    for frame in archive.frames:
        answers = archive.measurements.get(frame.job.id)
        if frame.job.kind in DECOY_KINDS and frame.job.shot.view_family == view_family and answers:
            value = answers[held_out].value
            if value is not None:
                found.append(value)
    return found
