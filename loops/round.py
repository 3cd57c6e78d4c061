"""One round: train on what is kept, draw what is missing, measure, choose.

Every step finds what is done already in the store, so a round that was cut off anywhere goes on by being played again.
Knows no model and prints nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from bootstrap.events import FramesJudged, RoundBegan, RoundEnded, WavePlanned
from bootstrap.records import PREVIEW_KINDS, Adapter, JobKind, VerdictKind
from bootstrap.shots import Cell
from loops.archive import Archive
from loops.budget import another_wave, wanted_pictures
from loops.decoys import usable_decoys
from loops.draw import draw
from loops.drawer import better_drawer
from loops.engine import Engine
from loops.from_folder import anything_new, from_folder, plan_pictures
from loops.jobs import Wave
from loops.judge_pairs import judge_pairs
from loops.label_kept import label_kept
from loops.lora_starts import lora_start
from loops.measure import measure
from loops.plan import WavePlanner
from loops.portraits import shown_in
from loops.ranking import gated
from loops.round_plan import RoundPlan
from loops.sharing import Hand, jobs_of
from loops.starts import starts_of
from loops.stopping import outcome_of
from loops.strengths import with_strengths
from loops.train import adapter_of_round
from loops.verdict_fit import decision_of, note_on

__all__ = ["play_round"]


def play_round(engine: Engine, plan: RoundPlan) -> None:
    """Train, then waves of drawing, measuring and choosing until every place is filled or the waves are spent."""
    kept = len(engine.archive().usable_keeps)
    engine.store.begin_round(plan.number, plan.phase, plan.goal, RoundBegan(plan.number, plan.phase, kept, plan.goal))
    wanted = engine.places(plan.goal)
    for wave in range(1, engine.config.loop.waves + 1):
        archive = engine.archive()
        if (plan.number, wave) in archive.judged_waves:
            continue  # judged before a later wave was drawn: what that one has drawn must not be seen by it
        empty = archive.empty_places(wanted)
        if not archive.planned(plan.number, wave) and not _can_fill(engine, empty):
            break
        if not _fits(engine, plan.number, wave, empty):
            break
        play_wave(engine, archive, plan, wave, wanted)
    archive = engine.archive()
    outcome = outcome_of(
        [one for one in archive.frames if one.job.round == plan.number and one.job.id not in archive.refusals],
        archive.measurements,
        archive.verdicts,
        len(archive.usable_keeps),
        held_out="" if from_folder(engine) else engine.judges.held_out,  # what a person gives has not drifted
        selecting=engine.judges.identity[0],
    )
    engine.store.end_round(plan.number, outcome, RoundEnded(plan.number, outcome.kept, outcome.held_out))
    engine.store.snapshot()


def play_wave(engine: Engine, archive: Archive, plan: RoundPlan, wave: int, wanted: Mapping[Cell, int]) -> None:
    """One wave: its adapter (a round in which no place is empty trains none), its plan, its pictures, its choice."""
    if label_kept(engine, archive.kept_before(plan.number)):
        archive = engine.archive()
    adapter = adapter_of_round(engine, archive, plan.number, plan.phase, plan.drawn_by)
    plan, adapter = better_drawer(engine, archive, plan, adapter)
    if not archive.planned(plan.number, wave):
        if from_folder(engine):
            plan_pictures(engine, archive, plan, wave)
        else:
            plan_wave(engine, archive, plan, wave, archive.empty_places(wanted), adapter)
    draw(engine, plan.number, wave, adapter)
    frames = engine.store.frames(plan.number, wave)
    measure(
        engine, [frame for frame in frames if frame.job.kind not in PREVIEW_KINDS and frame.job.id not in engine.lost]
    )
    judge_pairs(engine, plan.number, wave)
    choose_frames(engine, plan.number, wave, wanted)


def plan_wave(
    engine: Engine,
    archive: Archive,
    plan: RoundPlan,
    number: int,
    empty: Mapping[Cell, int],
    adapter: Adapter | None = None,
) -> None:
    """Store the jobs of a wave, which ``adapter`` draws, in one transaction."""
    sets, drawn_by = engine.training_sets, plan.drawn_by
    named = sets.named_traits(archive, *(drawn_by.number, drawn_by.phase) if drawn_by else (plan.number, plan.phase))
    possible, hands = sets.possible(archive, plan.number, plan.phase), []
    usable = usable_decoys(archive, engine.judges, engine.config)
    start = lora_start(engine, archive, plan.number, adapter)
    approved = [frame for frame in engine.store.approved() if frame.job.id not in engine.lost]
    for maker in engine.job_makers:
        by_adapter = maker.config.trains_to_draw and possible
        known = named if by_adapter else frozenset(engine.character.identity)
        wave = Wave(plan.number, number, known, by_adapter, start)
        shown = shown_in(engine, plan.number, maker)
        if shown is not None:
            shown = with_strengths(engine, wave, adapter, shown, maker)
        starts = starts_of(maker.config.base.variations, engine.seeds, approved, usable)
        hands.append(Hand(WavePlanner(engine.planner, maker, maker.config.schedule, starts), wave, shown))
    jobs = jobs_of(engine, archive, hands, empty)
    candidates = [job for job in jobs if job.kind is JobKind.CANDIDATE]
    for hand in hands:
        own = [job for job in candidates if job.drawer == hand.name]
        if hand.planner.starts and own:
            engine.note(f"round {plan.number}, wave {number}: {hand.planner.starts.told(own)}")
    engine.store.plan(jobs, WavePlanned(plan.number, number, len(candidates), len(jobs) - len(candidates)))
    engine.store.snapshot()  # what is planned and trained by now cannot be worked out from the pictures


def choose_frames(engine: Engine, number: int, wave: int, wanted: Mapping[Cell, int]) -> None:
    """Judge every candidate that is not kept yet; keep those that the gate admits and that fill a place."""
    archive = engine.archive()
    found = gated(archive, engine.judges, engine.config)
    if found.fit is not None:
        engine.store.decide(decision_of(found.fit, engine.judges.identity, number, wave))
        engine.note(note_on(found.fit))
    looks = engine.looks([*found.admitted, *archive.usable_keeps])
    quality = {one.job.id: engine.judges.quality(archive.measurements[one.job.id]) for one in found.admitted}
    verdicts = engine.chooser.verdicts(found, archive.usable_keeps, wanted, looks, quality)
    counts = Counter(verdict.kind for verdict in verdicts)
    kept, rejected = counts[VerdictKind.KEEP], counts[VerdictKind.REJECT]
    event = FramesJudged(number, wave, kept, rejected, counts[VerdictKind.UNDECIDED])
    engine.store.set_verdicts(verdicts, number, wave, event)
    engine.store.snapshot()


def _can_fill(engine: Engine, empty: Mapping[Cell, int]) -> bool:
    """Whether a place is empty, and a picture that may fill it lies there, or can be drawn."""
    return bool(empty) and engine.can_pay and (not from_folder(engine) or anything_new(engine))


def _fits(engine: Engine, number: int, wave: int, empty: Mapping[Cell, int]) -> bool:
    """Whether the hours, where a person limited them, have room for another wave of candidates for these places."""
    if engine.budget is None:
        return True
    candidates = wanted_pictures(empty, engine.config.schedule, decoys=False)
    return another_wave(engine.store, engine.budget, number, wave, candidates)
