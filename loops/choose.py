"""Choosing in the story: first the gate, then coverage; never a global top-k.

Candidates and decoys pass the same checks; identity is ranked against the decoys of the same view family and adapter,
and kept at a stated false-accept rate, cumulative over the run. Earlier keeps stay. Places are then filled under
quotas.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence

from bootstrap.events import FramesJudged
from bootstrap.records import VIEW_FAMILIES, Frame, Verdict, VerdictKind
from bootstrap.shots import Cell, apportion
from loops.decoys import trait_slack
from loops.engine import Engine
from loops.strata import strata
from loops.verdict_fit import DOUBTED, by_verdicts
from scoring.base import Measurement
from scoring.calibrate import Gate, Ranked, judge
from scoring.select import Candidate, Quota, Rules, twin_of, why_not
from scoring.select import choose as choose_under

__all__ = [
    "GATE",
    "as_candidate",
    "cell_of",
    "choose",
    "empty_places",
    "guides_of",
    "quotas_of",
    "ranked",
    "rules_of",
    "unfilled",
]

GATE = "gate"
NEUTRAL = "neutral expression"
GUIDED = ("outfit", "pose", "background", "expression")
"""Axes whose values share the set."""
DRIFTED = "the round that drew it has drifted"
REASON_ENDS = re.compile(r":| -?\d| of ")
"""Where the part of a verdict's reason ends that many frames share: values and names of frames follow."""
Left = tuple[VerdictKind, str]
"""What becomes of a frame that passed and was not chosen, and why."""


def cell_of(frame: Frame) -> Cell:
    """The place a frame stands in."""
    return frame.job.shot.view_family, frame.job.shot.framing


def empty_places(engine: Engine, places: Mapping[Cell, int]) -> dict[Cell, int]:
    """Places that no kept frame fills; none once as many are kept as there are places."""
    kept = engine.usable_keeps()
    if len(kept) >= sum(places.values()):
        return {}
    taken = Counter(cell_of(frame) for frame in kept)
    return {cell: count - taken[cell] for cell, count in places.items() if count > taken[cell]}


def unfilled(engine: Engine, filled: Sequence[Frame], places: Mapping[Cell, int]) -> str:
    """In words, the places that stay empty and what most often kept their candidates out; "" when all are filled."""
    taken, verdicts = Counter(cell_of(frame) for frame in filled), engine.store.verdicts()
    why: dict[Cell, Counter[str]] = {}
    for frame in engine.candidates():
        verdict = verdicts.get(frame.job.id)
        if verdict and verdict.reasons and verdict.kind in (VerdictKind.REJECT, VerdictKind.UNDECIDED):
            why.setdefault(cell_of(frame), Counter())[REASON_ENDS.split(verdict.reasons[0])[0].strip(" ;")] += 1
    named = [
        f"{'/'.join(cell)} {count - taken[cell]}"
        + (f" ({why[cell].most_common(1)[0][0]})" if cell in why else " (nothing was drawn)")
        for cell, count in places.items()
        if count > taken[cell]
    ]
    return f"places that stay empty: {', '.join(named)}" if named and len(filled) < sum(places.values()) else ""


def choose(engine: Engine, number: int, wave: int, places: Mapping[Cell, int]) -> None:
    """Judge every candidate that is not kept yet and keep those that pass the gate and fill a place."""
    store, candidates = engine.store, engine.candidates()
    measured = store.measurements()
    kept = {frame.job.id for frame in store.kept()}
    decided = {id for id, verdict in store.verdicts().items() if verdict.by != GATE}
    slack = trait_slack(engine, measured)
    failures = {f.job.id: engine.judges.failures(measured[f.job.id], slack[f.job.shot.view_family]) for f in candidates}
    shown = [frame for frame in candidates if not failures[frame.job.id]]
    ranks, doubted = by_verdicts(engine, shown, ranked(engine, shown, measured), measured, number, wave)
    passing = _passing(engine, candidates, ranks, kept) - doubted
    sound, closed = engine.sound_rounds, kept | decided
    open_frames = [f for f in candidates if f.job.id in passing - closed and f.job.round in sound]
    picks, left = _picks(engine, open_frames, ranks, places)
    left |= {id: (VerdictKind.UNDECIDED, DOUBTED) for id in doubted}
    left |= {f.job.id: (VerdictKind.UNDECIDED, DRIFTED) for f in candidates if f.job.round not in sound}
    verdicts = [
        _verdict(engine, frame, failures[frame.job.id], ranks.get(frame.job.id), picks, left)
        for frame in candidates
        if frame.job.id not in kept | decided
    ]
    counts = Counter(verdict.kind for verdict in verdicts)
    told = FramesJudged(
        number, wave, counts[VerdictKind.KEEP], counts[VerdictKind.REJECT], counts[VerdictKind.UNDECIDED]
    )
    store.set_verdicts(verdicts, number, wave, told)


def _passing(engine: Engine, candidates: Sequence[Frame], ranks: Mapping[str, Ranked], kept: set[str]) -> set[str]:
    """The frames that Benjamini-Hochberg admits, view family by view family, over the whole run."""
    gate, passing = Gate(engine.config.loop.gate_level, kept=kept), set()
    for view_family in VIEW_FAMILIES:
        ids = [frame.job.id for frame in candidates if frame.job.shot.view_family == view_family]
        passing |= gate.admit(view_family, {id: ranks[id].p for id in ids if id in ranks})
    return passing


def ranked(
    engine: Engine, candidates: Sequence[Frame], measured: Mapping[str, Mapping[str, Measurement]]
) -> dict[str, Ranked]:
    """Each candidate's place among the decoys of its view family; exchanged ones are its own adapter's."""
    found: dict[str, Ranked] = {}
    for group in strata(engine, candidates, measured):
        ours, like, other = group.candidates, group.lookalikes, group.exchanged
        judged = judge(ours, like, other, group.calibrate_on)
        found |= {str(id): one for id, one in judged.items()}
    return found


def _picks(
    engine: Engine, frames: Sequence[Frame], ranks: Mapping[str, Ranked], places: Mapping[Cell, int]
) -> tuple[dict[str, str], dict[str, Left]]:
    """Frame → why it fills a place, for the frames chosen under the quotas; and why each of the others does not."""
    kept, rules = engine.usable_keeps(), rules_of(engine)
    limits = [*quotas_of(engine, places), *guides_of(engine, places)]
    options = [as_candidate(engine, frame, ranks[frame.job.id].score) for frame in frames]
    there = [as_candidate(engine, frame, 0.0) for frame in kept]
    near = engine.judges.seed_looks
    room = max(0, sum(places.values()) - len(kept))
    picks = {pick.id: pick.reason for pick in choose_under(options, limits, room, there, near, rules)}
    chosen = [*there, *(one for one in options if one.id in picks)]
    others = [one for one in options if one.id not in picks]
    left = {
        one.id: (
            VerdictKind.REJECT if twin_of(one, chosen, rules) else VerdictKind.UNDECIDED,
            why_not(one, chosen, limits, rules),
        )
        for one in others
    }
    return picks, left


def quotas_of(engine: Engine, places: Mapping[Cell, int]) -> list[Quota]:
    """Places as quotas that are never overfilled, and a limit to neutral expressions where there are others."""
    cells = [
        Quota({"view_family": view_family, "framing": framing}, count, maximum=count)
        for (view_family, framing), count in places.items()
    ]
    subject = engine.config.subject
    if set(engine.planner.axis("expressions")) <= set(subject.neutral):
        return cells
    most = max(1, math.floor(subject.most_neutral * sum(places.values()) + 1e-9))
    return [*cells, Quota({"mood": NEUTRAL}, 0, maximum=most)]


def guides_of(engine: Engine, places: Mapping[Cell, int]) -> list[Quota]:
    """Outfits, poses, backgrounds and expressions by their shares of the places that show them.

    The share only guides, for a run whose candidates are few must not starve; what a value may take at most leaves room
    for half of what the others should have (``subject.leeway``), so that the set cannot collapse on one.
    """
    leeway, guides = engine.config.subject.leeway, []
    for axis in GUIDED:
        seen = sum(count for cell, count in places.items() if axis not in engine.config.views.hidden(*cell))
        shares = engine.planner.shares(axis)
        wanted = apportion(seen, shares)
        for value, share in shares.items():
            most = max(1, wanted[value], math.ceil((share + leeway * (1 - share)) * seen - 1e-9))
            guides.append(Quota({axis: value}, wanted[value], maximum=most, guides=True))
    return guides


def rules_of(engine: Engine) -> Rules:
    """The limits of a choice, from the configuration."""
    config, panel = engine.config, engine.config.panel
    enough = config.loop.diverse_enough
    return Rules(config.subject.a_prompt, panel.duplicate_cosine, panel.duplicate_bits, diverse_enough=enough)


def as_candidate(engine: Engine, frame: Frame, quality: float) -> Candidate:
    """A frame as `scoring.select` sees it."""
    embedding, bits = engine.judges.looks(frame, engine.store)
    shot = frame.job.shot
    hidden = engine.config.views.hidden(shot.view_family, shot.framing)
    axes = {axis: shot[axis] for axis in ("view_family", "framing", *GUIDED) if axis not in hidden}
    if axes.get("expression") in engine.config.subject.neutral:
        axes["mood"] = NEUTRAL
    return Candidate(frame.job.id, axes, quality, embedding, prompt=frame.job.prompt, hash=bits)


def _verdict(
    engine: Engine,
    frame: Frame,
    failures: Sequence[str],
    rank: Ranked | None,
    picks: Mapping[str, str],
    left: Mapping[str, Left],
) -> Verdict:
    id = frame.job.id
    if failures:
        return Verdict(id, VerdictKind.REJECT, GATE, tuple(failures))
    if rank is None:
        return Verdict(id, VerdictKind.UNDECIDED, GATE, ("no identity scorer could tell",))
    said = f"p={rank.p:.3f} {' '.join(cell_of(frame))}: {rank.weakest}"
    if id in picks:
        return Verdict(id, VerdictKind.KEEP, GATE, (picks[id], said), rank.p, rank.score)
    kind, why = left.get(id, (VerdictKind.UNDECIDED, "not far enough above the decoys"))
    return Verdict(id, kind, GATE, (why, said), rank.p, rank.score)
