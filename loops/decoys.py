"""Which decoys calibrate which candidates: the null distribution of every score.

A decoy counts where it passed what the candidates must pass and is not the character. It stands beside the candidates
of its view family and, where it was drawn with exchanged traits, of its own adapter: scores are comparable there and
nowhere else. Candidates drawn from references, and those that begin from a picture, stand beside decoys that were drawn
from other individuals' in the same way alone; what
the finished LoRA draws in such a run, from words, stands beside these as well. Where two drawers share the work, each
stands beside what it drew itself of other individuals, as long as that is enough. Pure; ranks nothing and chooses
nothing.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass

from bootstrap.config import RunConfig
from bootstrap.panel.judges import TRAITS, Judges
from bootstrap.records import DECOY_KINDS, Frame, JobKind
from loops.archive import Archive, Measured
from scoring.calibrate import FEWEST, Calibrating
from scoring.measurement import Measurement

__all__ = ["Answers", "Decoys", "Stratum", "strata", "trait_slack", "usable_decoys"]

Answers = dict[Hashable, dict[str, Measurement]]
"""Frame id → identity scorer → measurement."""
Decoys = Mapping[JobKind, Sequence[Frame]]
"""The usable decoys of each kind, in plan order."""


@dataclass(frozen=True, slots=True)
class Stratum:
    """Candidates of one view family and adapter with the identity measurements of them and of their decoys.

    ``calibrate_on`` is the kind of decoys that is to calibrate here; the other stands in where that is missing.
    """

    candidates: Answers
    lookalikes: Answers
    exchanged: Answers
    calibrate_on: Calibrating

    @property
    def nulls(self) -> list[Answers]:
        """The kinds of decoys that calibrate, by ``calibrate_on``; empty where there are none."""
        if self.calibrate_on == "lookalikes" and self.lookalikes:
            return [self.lookalikes]
        if self.calibrate_on == "exchanged" and self.exchanged:
            return [self.exchanged]
        return [null for null in (self.lookalikes, self.exchanged) if null]


def usable_decoys(archive: Archive, judges: Judges, config: RunConfig) -> dict[JobKind, list[Frame]]:
    """The measured decoys of each kind, in plan order, that passed the candidates' checks."""
    measured, slack = archive.measurements, trait_slack(archive, config)
    usable: dict[JobKind, list[Frame]] = {kind: [] for kind in DECOY_KINDS}
    for frame in archive.frames:
        if frame.job.kind in DECOY_KINDS and frame.job.id in measured and frame.job.id not in archive.refusals:
            traits_at = slack[frame.job.shot.view_family]
            if judges.usable_decoy(frame, measured[frame.job.id], traits_at):
                usable[frame.job.kind].append(frame)
    return usable


def trait_slack(archive: Archive, config: RunConfig) -> dict[str, float]:
    """By view family, where the trait check fails: never above 0, and low enough for the base's own look-alikes.

    Their prompts name every trait, so what the reader misses on most of them it cannot see in this base's pictures.
    """
    margins: dict[str, list[float]] = {view_family: [] for view_family in config.views.families}
    for frame in [*archive.of_kind(JobKind.LOOKALIKE), *archive.of_kind(JobKind.STRANGER)]:
        answers = archive.measurements.get(frame.job.id)
        if answers and TRAITS in answers and (margin := answers[TRAITS].value) is not None:
            margins[frame.job.shot.view_family].append(margin)
    slack = dict.fromkeys(margins, 0.0)
    for view_family, found in margins.items():
        if found:
            failing = int(config.panel.trait_failures * len(found))
            slack[view_family] = min(0.0, sorted(found)[failing])
    return slack


def strata(
    candidates: Sequence[Frame],
    decoys: Decoys,
    measured: Measured,
    scorers: Sequence[str],
    calibrate_on: Calibrating,
) -> list[Stratum]:
    """The candidates, group by group, each with its decoys, as the identity ``scorers`` measured them."""
    groups: dict[tuple[str, str, bool, str, float], list[Frame]] = {}
    for frame in candidates:
        place = frame.job.shot.view_family, frame.adapter, bool(frame.job.references), frame.job.drawer
        groups.setdefault((*place, _begun(frame)), []).append(frame)
    found = []
    for (view_family, adapter, from_references, drawer, begun), group in groups.items():
        own = {
            kind: [one for one in decoys.get(kind, ()) if one.job.shot.view_family == view_family]
            for kind in DECOY_KINDS
        }
        own[JobKind.STRANGER] = [one for one in own[JobKind.STRANGER] if _begun(one) == begun]
        strangers = own[JobKind.STRANGER]
        if len(own[JobKind.LOOKALIKE]) < FEWEST:  # where candidates are drawn from references, others are, too
            own[JobKind.LOOKALIKE] += strangers
        for kind in (JobKind.EXCHANGED, JobKind.STRANGER):
            own[kind] = [one for one in own[kind] if one.adapter == adapter]
        if from_references or begun:
            # of another LoRA's where a comparison draws with one that drew nobody else
            others = own[JobKind.STRANGER] or strangers
            if drawer:
                others = [one for one in strangers if one.job.drawer == drawer and one.adapter == adapter]
                others = others if len(others) >= FEWEST else strangers
            null = _identity(others, measured, scorers)
            found.append(Stratum(_identity(group, measured, scorers), null, {}, "lookalikes"))
            continue
        stratum = Stratum(
            _identity(group, measured, scorers),
            _identity(own[JobKind.LOOKALIKE], measured, scorers),
            _identity(own[JobKind.EXCHANGED], measured, scorers),
            # the base's own drawings are look-alikes themselves: only other traits can tell them from anything
            calibrate_on if adapter else "exchanged",
        )
        found.append(stratum)
    return found


def _begun(frame: Frame) -> float:
    """How strongly a frame is a variation of another picture; 0 for one that was drawn from noise."""
    return frame.job.start.strength if frame.job.start else 0.0


def _identity(frames: Sequence[Frame], measured: Measured, scorers: Sequence[str]) -> Answers:
    """The measurements of some frames by the identity scorers, as far as these were asked about them."""
    answers: Answers = {}
    for frame in frames:
        values = measured[frame.job.id]
        answers[frame.job.id] = {name: values[name] for name in scorers if name in values}
    return answers
