"""Planning a wave: candidates where places are empty, and the decoys that calibrate them.

A decoy is the same shot with the same random seed and settings, but not the character: (a) the base with all trait
words, made once a run; (b) the adapter under test with two or more identity traits exchanged, made for each adapter;
(c) where the drawer is shown references, the same drawer shown somebody else; (d) where it begins from a picture of the
character, the same drawer beginning from one of somebody else. Pure: the same archive gives the same
plan.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bootstrap.config import LoopConfig
from bootstrap.records import Frame, Job, JobKind, Reference, Shot
from bootstrap.shots import Cell, Planner
from loops.archive import Archive
from loops.jobs import JobMaker, Wave
from loops.shown import Shown
from loops.starts import Starts
from scoring.calibrate import FEWEST, decoys_needed

__all__ = ["WavePlanner"]


@dataclass(frozen=True)
class WavePlanner:
    """Plans the waves of a run: which shots, and how many decoys stand beside them."""

    planner: Planner
    maker: JobMaker
    loop: LoopConfig
    starts: Starts | None = None

    def plan(
        self,
        archive: Archive,
        wave: Wave,
        empty: Mapping[Cell, int],
        usable: Mapping[JobKind, Sequence[Frame]],
        shown: Shown | None = None,
    ) -> list[Job]:
        """The jobs of a wave: candidates for ``empty`` places, then each kind of decoy, ``usable`` ones counted in.

        ``shown`` are the references that the drawer is shown; None: it draws from words.
        """
        shots = self.shots(archive, empty)
        jobs = self.candidates(wave, shots, shown)
        for kind in (JobKind.LOOKALIKE, JobKind.EXCHANGED) if shown is None else (JobKind.STRANGER,):
            jobs += self.decoys(kind, archive, wave, shots, usable, shown)
        return [*jobs, *self.begun_decoys(archive, wave, shots, usable, shown)]

    def shots(self, archive: Archive, empty: Mapping[Cell, int]) -> list[Shot]:
        """Several shots for each empty place, new ones each time."""
        wanted = {cell: math.ceil(count * self.loop.candidates_a_place) for cell, count in empty.items()}
        drawn = [job.shot for job in archive.jobs if job.kind is JobKind.CANDIDATE]
        return self.planner.plan(wanted, drawn)

    def candidates(self, wave: Wave, shots: Sequence[Shot], shown: Shown | None = None) -> list[Job]:
        """The candidates of these shots; see `plan`."""
        jobs = []
        for shot in shots:
            references = shown.candidate(shot) if shown else ()
            jobs.append(self.maker.wave_job(JobKind.CANDIDATE, wave, shot, references, self._start(shot)))
        return jobs

    def decoys(
        self,
        kind: JobKind,
        archive: Archive,
        wave: Wave,
        shots: Sequence[Shot],
        usable: Mapping[JobKind, Sequence[Frame]],
        shown: Shown | None = None,
    ) -> list[Job]:
        """The decoys of a kind that candidates with these ``shots`` need; see `plan`."""
        drawn = [job for job in archive.jobs if job.kind is kind and job.start is None]
        if kind is not JobKind.LOOKALIKE and wave.adapter:  # another adapter's calibrate nothing here
            drawn = [job for job in drawn if job.round == wave.round]
        if kind is JobKind.STRANGER:
            shots = [shot for shot in shots if self._start(shot) is None]
        jobs = []
        for shot in self._decoys(kind, wave, shots, drawn, usable[kind]):
            jobs.append(self.maker.wave_job(kind, wave, shot, shown.stranger(shot) if shown else ()))
        return jobs

    def begun_decoys(
        self,
        archive: Archive,
        wave: Wave,
        shots: Sequence[Shot],
        usable: Mapping[JobKind, Sequence[Frame]],
        shown: Shown | None = None,
    ) -> list[Job]:
        """The decoys of those candidates that begin from a picture; see `plan`."""
        begun = [shot for shot in shots if self._start(shot)]
        if self.starts is None or not begun:
            return []
        strength = self.starts.settings.strength
        strangers = [job for job in archive.jobs if job.kind is JobKind.STRANGER]
        drawn = [job for job in strangers if job.start and job.start.strength == strength]
        if wave.adapter:
            drawn = [job for job in drawn if job.round == wave.round]
        jobs = []
        for shot in self._decoys(JobKind.STRANGER, wave, begun, drawn, usable[JobKind.STRANGER], most_at_first=FEWEST):
            if start := self.starts.stranger(shot):
                references = shown.stranger(shot) if shown else ()
                jobs.append(self.maker.wave_job(JobKind.STRANGER, wave, shot, references, start))
        return jobs

    def _start(self, shot: Shot) -> Reference | None:
        """What a candidate of this shot begins from in place of noise."""
        return self.starts.candidate(shot) if self.starts else None

    def _decoys(
        self,
        kind: JobKind,
        wave: Wave,
        shots: Sequence[Shot],
        drawn: Sequence[Job],
        usable: Sequence[Frame],
        *,
        most_at_first: int | None = None,
    ) -> list[Shot]:
        """Shots of decoys that a view family still needs: the candidates' own first, then more of the same kind.

        Only those that passed the checks count, so a view family whose decoys fail them gets more, up to a limit.
        ``most_at_first`` bounds the number that the settings start with.
        """
        earlier, used = [job.shot for job in drawn], {job.shot.key for job in drawn}
        if kind is JobKind.STRANGER:  # those of another drawer calibrate nothing here
            drawn = [job for job in drawn if job.drawer == self.maker.drawer]
        ids = {job.id for job in drawn}
        made = Counter(job.shot.view_family for job in drawn)
        passed = Counter(frame.job.shot.view_family for frame in usable if frame.job.id in ids)
        found = []
        for view_family, candidates in Counter(shot.view_family for shot in shots).items():
            wanted = self._wanted(kind, wave, candidates, most_at_first)
            missing = min(wanted - passed[view_family], self.loop.most_decoys - made[view_family])
            own = [shot for shot in shots if shot.view_family == view_family and shot.key not in used]
            own = own[: max(0, missing)]
            further = _spread(own or shots, view_family, missing - len(own))
            found += [*own, *self.planner.plan(further, [*shots, *earlier])]
        return found

    def _wanted(self, kind: JobKind, wave: Wave, candidates: int, most_at_first: int | None = None) -> int:
        """Decoys a view family: the configured start, more where the candidates need it, up to the limit."""
        loop = self.loop
        if kind is JobKind.EXCHANGED and loop.calibrate_on == "lookalikes" and wave.adapter:
            return 0  # nothing would be ranked among them
        start = loop.exchanged if kind is JobKind.EXCHANGED else loop.lookalikes
        if not start:
            return 0
        if most_at_first is not None:
            start = min(start, most_at_first)
        keeps = max(1, round(candidates / loop.candidates_a_place))
        return min(loop.most_decoys, max(start, decoys_needed(candidates, keeps, loop.gate_level)))


def _spread(like: Sequence[Shot], view_family: str, number: int) -> dict[Cell, int]:
    """``number`` further places in a view family, over the framings that the candidates have."""
    framings = [shot.framing for shot in like if shot.view_family == view_family]
    cells: Counter[Cell] = Counter((view_family, framings[n % len(framings)]) for n in range(max(0, number)))
    return dict(cells)
