"""Choosing: coverage after the gate, and never a global top-k.

Frames that the gate admits fill places under quotas; of each that does not, the reason is kept. At the very end empty
places may be filled by provisional frames, marked as such. Pure: records in, verdicts out.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from bootstrap.config import RunConfig
from bootstrap.records import Frame, Verdict, VerdictKind
from bootstrap.shots import Cell, Planner, apportion
from loops.archive import Archive, cell_of, taken
from loops.ranking import GATE, Gated
from scoring.calibrate import Ranked
from scoring.select import Candidate, Quota, Rules, provisional, twin_of, why_not
from scoring.select import choose as choose_under

__all__ = ["DRIFTED", "Chooser", "Look", "Looks", "set_aside", "undecided_by_gate", "unfilled"]

MOOD = "mood"
"""The axis of a candidate that says whether it shows one of the neutral values, whichever it is."""
DOUBTED = "a person would likely reject it, by the verdicts so far"
DOUBTFUL = 1.0
"""Deviations of likeness by which a frame gives way whose quality is below 0: malformed hands compound."""
DRIFTED = "the round that drew it has drifted"
REASON_ENDS = re.compile(r":| -?\d| of ")
"""Where the part of a verdict's reason ends that many frames share: values and names of frames follow."""
Left = tuple[VerdictKind, str]
"""What becomes of a frame that was admitted and not chosen, and why."""
Look = tuple[NDArray[np.float32], int | None]
"""Unit vector of the whole picture, and its perceptual hash."""
Looks = Mapping[str, Look]
"""Frame id → its look."""


@dataclass(frozen=True)
class Chooser:
    """The limits of a set: places, quotas, rules. New frames should differ from ``seed_looks``, unit vectors."""

    planner: Planner
    config: RunConfig
    seed_looks: Sequence[NDArray[np.float32]] = ()

    def verdicts(
        self,
        gated: Gated,
        kept: Sequence[Frame],
        places: Mapping[Cell, int],
        looks: Looks,
        quality: Mapping[str, float] | None = None,
    ) -> list[Verdict]:
        """A verdict for every candidate: keep where it fills a place beside the ``kept``, else why not.

        ``looks`` holds those of the admitted and of the kept frames. ``quality``, frame id → what the quality scorers
        measured, decides between frames that are equal in all else.
        """
        picks, left = self._picks(gated, kept, places, looks, quality or {})
        admitted = {frame.job.id for frame in gated.admitted}
        verdicts = []
        for frame in gated.candidates:
            id, failures, rank = frame.job.id, gated.failures[frame.job.id], gated.ranks.get(frame.job.id)
            if failures:
                verdicts.append(Verdict(id, VerdictKind.REJECT, GATE, tuple(failures)))
            elif rank is None:
                verdicts.append(Verdict(id, VerdictKind.UNDECIDED, GATE, ("no identity scorer could tell",)))
            elif id in picks:
                verdicts.append(_ranked_verdict(frame, rank, VerdictKind.KEEP, picks[id]))
            elif id in admitted:
                verdicts.append(_ranked_verdict(frame, rank, *left[id]))
            else:
                verdicts.append(_ranked_verdict(frame, rank, VerdictKind.UNDECIDED, _why_undecided(frame, gated)))
        return verdicts

    def provisional(
        self, undecided: Sequence[Frame], archive: Archive, places: Mapping[Cell, int], looks: Looks
    ) -> list[Verdict]:
        """Verdicts for the best ``undecided`` frames, which fill empty places although the gate did not admit them."""
        verdicts, loop, kept = archive.verdicts, self.config.loop, archive.usable_keeps
        options = [self.candidate(one, verdicts[one.job.id].score or 0.0, looks[one.job.id]) for one in undecided]
        existing = [self.candidate(frame, 0.0, looks[frame.job.id]) for frame in kept]
        room = loop.target - len(kept)
        sides = [replace(side, maximum=None) for side in self._sides(places)]
        picks = provisional(options, [*self.quotas(places), *sides], room, existing, loop.provisional_share, self.rules)
        found = []
        for pick in picks:
            earlier = verdicts[pick.id]
            reasons = (pick.reason, *earlier.reasons)
            found.append(Verdict(pick.id, VerdictKind.PROVISIONAL, GATE, reasons, earlier.p, earlier.score))
        return found

    def quotas(self, places: Mapping[Cell, int]) -> list[Quota]:
        """Places as quotas that are never overfilled, and a limit to neutral values where there are others."""
        cells = []
        for (view_family, framing), count in places.items():
            cells.append(Quota({"view_family": view_family, "framing": framing}, count, maximum=count))
        subject, axis = self.config.subject, self.config.subject.neutral_axis
        if not axis or set(self.planner.values(axis)) <= set(subject.neutral):
            return cells
        most = max(1, math.floor(subject.most_neutral * sum(places.values()) + 1e-9))
        return [*cells, Quota({MOOD: f"neutral {axis}"}, 0, maximum=most)]

    def guides(self, places: Mapping[Cell, int]) -> list[Quota]:
        """The views of each family, then the values of the guided axes, by their shares of the places that show them.

        The share only guides, for a run whose candidates are few must not starve; what a value may take at most leaves
        room for half of what the others should have (``subject.leeway``), so that the set cannot collapse on one.
        """
        leeway, guides = self.config.subject.leeway, self._sides(places)
        for axis in self.config.subject.guided:
            seen = sum(count for cell, count in places.items() if axis not in self.config.views.hidden(*cell))
            shares = self.planner.shares(axis)
            wanted = apportion(seen, shares)
            for value, share in shares.items():
                most = max(1, wanted[value], math.ceil((share + leeway * (1 - share)) * seen - 1e-9))
                guides.append(Quota({axis: value}, wanted[value], maximum=most, guides=True))
        return guides

    def _sides(self, places: Mapping[Cell, int]) -> list[Quota]:
        """The views of each family that has several (left and right), evenly; each leaves a place to every other."""
        guides = []
        for view_family, plan in self.config.views.families.items():
            seen, others = sum(count for cell, count in places.items() if cell[0] == view_family), len(plan.views) - 1
            if others:
                for view, wanted in apportion(seen, dict.fromkeys(plan.views, 1.0)).items():
                    guides.append(Quota({"view": view}, wanted, maximum=max(1, seen - others), guides=True))
        return guides

    @property
    def rules(self) -> Rules:
        """When frames repeat each other, and how diversity weighs against likeness."""
        panel, enough = self.config.panel, self.config.loop.diverse_enough
        prompts = self.config.subject.a_prompt
        return Rules(prompts, panel.duplicate_cosine, panel.duplicate_bits, diverse_enough=enough)

    def candidate(self, frame: Frame, likeness: float, look: Look, quality: float = 0.0) -> Candidate:
        """A frame as `scoring.select` takes it: likeness decides first, quality last; below 0 it costs likeness."""
        shot, subject, (embedding, bits) = frame.job.shot, self.config.subject, look
        hidden = self.config.views.hidden(shot.view_family, shot.framing)
        shown = ("view_family", "view", "framing", *(axis for axis in subject.guided if axis in shot.axes))
        axes = {axis: shot[axis] for axis in shown if axis not in hidden}
        neutral = subject.neutral_axis
        if neutral and neutral not in hidden and shot.axes.get(neutral) in subject.neutral:
            axes[MOOD] = f"neutral {neutral}"
        if quality < 0:
            likeness -= DOUBTFUL
        return Candidate(frame.job.id, axes, likeness, embedding, frame.job.prompt, hash=bits, tie_breaker=quality)

    def _picks(
        self,
        gated: Gated,
        kept: Sequence[Frame],
        places: Mapping[Cell, int],
        looks: Looks,
        quality: Mapping[str, float],
    ) -> tuple[dict[str, str], dict[str, Left]]:
        """Frame → why it fills a place, for the frames chosen under the quotas; and why each other one does not."""
        limits, rules = [*self.quotas(places), *self.guides(places)], self.rules
        options = []
        for frame in gated.admitted:
            id = frame.job.id
            options.append(self.candidate(frame, gated.ranks[id].score, looks[id], quality.get(id, 0.0)))
        existing = [self.candidate(frame, 0.0, looks[frame.job.id]) for frame in kept]
        room = max(0, sum(places.values()) - len(kept))
        chosen = choose_under(options, limits, room, existing, self.seed_looks, rules)
        picks = {pick.id: pick.reason for pick in chosen}
        in_set = [*existing, *(one for one in options if one.id in picks)]
        left: dict[str, Left] = {}
        for one in options:
            if one.id not in picks:
                kind = VerdictKind.REJECT if twin_of(one, in_set, rules) else VerdictKind.UNDECIDED
                left[one.id] = kind, why_not(one, in_set, limits, rules)
        return picks, left


def _why_undecided(frame: Frame, gated: Gated) -> str:
    """Why a ranked frame was not admitted: it drifted, is doubted, or stands too low."""
    if frame.job.id in gated.drifted:
        return DRIFTED
    if frame.job.id in gated.doubted:
        return DOUBTED
    return "not far enough above the decoys"


def _ranked_verdict(frame: Frame, rank: Ranked, kind: VerdictKind, why: str) -> Verdict:
    place = f"p={rank.p:.3f} {' '.join(cell_of(frame))}: {rank.weakest}"
    return Verdict(frame.job.id, kind, GATE, (why, place), rank.p, rank.score)


def set_aside(archive: Archive) -> list[Verdict]:
    """Verdicts that say what the finished set does not hold: frames that the gate kept in a round that drifted."""
    usable, verdicts = {frame.job.id for frame in archive.usable_keeps}, []
    for frame in archive.kept:
        if frame.job.id not in usable:
            earlier = archive.verdicts[frame.job.id]
            verdicts.append(replace(earlier, kind=VerdictKind.UNDECIDED, reasons=(DRIFTED, *earlier.reasons)))
    return verdicts


def undecided_by_gate(archive: Archive) -> list[Frame]:
    """The frames that may fill an empty place at the very end: left undecided by the gate, in a round that is sound."""
    frames = []
    for frame in archive.judged(VerdictKind.UNDECIDED):
        if archive.verdicts[frame.job.id].by == GATE and frame.job.round in archive.sound_rounds:
            frames.append(frame)
    return frames


def unfilled(archive: Archive, filled: Sequence[Frame], places: Mapping[Cell, int]) -> str:
    """In words, the places that stay empty and what most often kept their candidates out; "" when all are filled."""
    if len(filled) >= sum(places.values()):
        return ""
    counts, reasons = taken(filled), _reasons(archive)
    named = []
    for cell, count in places.items():
        if count > counts.get(cell, 0):
            why = reasons[cell].most_common(1)[0][0] if cell in reasons else "nothing was drawn"
            named.append(f"{'/'.join(cell)} {count - counts.get(cell, 0)} ({why})")
    return f"places that stay empty: {', '.join(named)}" if named else ""


def _reasons(archive: Archive) -> dict[Cell, Counter[str]]:
    """Place → how often each reason kept a candidate out, values and names left out."""
    reasons: dict[Cell, Counter[str]] = {}
    for frame in archive.candidates:
        verdict = archive.verdicts.get(frame.job.id)
        if verdict and verdict.reasons and verdict.kind in (VerdictKind.REJECT, VerdictKind.UNDECIDED):
            shared = REASON_ENDS.split(verdict.reasons[0])[0].strip(" ;")
            reasons.setdefault(cell_of(frame), Counter())[shared] += 1
    return reasons
