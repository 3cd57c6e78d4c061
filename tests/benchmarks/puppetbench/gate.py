"""The gate against the truth: `python -m tests.benchmarks.puppetbench.gate RUN --puppet NUMBER [--plot gate.png]`.

For each view family and scorer of a finished run: how well it separates true from false frames, the share of true
frames it passes where it passes 5 % of the false ones, and what the gate loses without it. A frame is true if it is
more alike the painted drawing of its shot than 99 % of the base's look-alikes. Changes nothing in the run. Several
runs, each with its puppet (RUN RUN --puppet NUMBER NUMBER), are reported one after the other, and then together, beside
the judge itself as a scorer that compares with the seed alone.
"""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from bootstrap.captions.wording import Wording
from bootstrap.character import Character, stored_character
from bootstrap.config import RunConfig, stored_config
from bootstrap.panel.judges import Judges, judges_for
from bootstrap.panel.models import open_panel_models
from bootstrap.panel.references import references_of
from bootstrap.puppets.scene import ALL_VIEW_FAMILIES
from bootstrap.records import Frame, JobKind
from bootstrap.shots import quotas
from bootstrap.store.files import write_image
from bootstrap.store.store import Store
from loops.archive import Archive
from loops.decoys import trait_slack
from loops.ranking import ranked
from scoring.calibrate import Gate
from scoring.measurement import Measurement, not_applicable
from tests.benchmarks.puppetbench.curves import Curve, chart
from tests.benchmarks.puppetbench.markdown import table
from tests.benchmarks.puppetbench.panels import Images
from tests.benchmarks.puppetbench.roc import FEWEST, auc, power_at, spearman
from tests.benchmarks.puppetbench.settings import PASS

log = logging.getLogger(__name__)

FALSE_RATE = 0.05
OTHERS = (JobKind.LOOKALIKE, JobKind.STRANGER)
EXCHANGED = 40
"""Exchanged decoys of each view family that are judged: their likeness is only averaged."""
STATED = (0.01, 0.05, 0.1, 0.2)
"""Levels at which the p-values are compared with what they admit."""
DRAWN = (0.0, 0.01, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5)
"""The same for the plot."""
COLORS = dict(zip(ALL_VIEW_FAMILIES, ("#d1495b", "#e8a33d", "#3fa7a0", "#3b4252", "#5b8fd6", "#7d6bb0"), strict=True))
Measured = Mapping[str, Mapping[str, Measurement]]
Likeness = Callable[[Images, Sequence[Any]], NDArray[np.float32]]


def kept_and_true(store: Store, likeness: Likeness, cuts: Mapping[str, float]) -> dict[str, dict[str, int]]:
    """View family -> candidates, true ones, kept, true among kept, and places; ``cuts`` were fixed beforehand."""
    frames, kept = store.frames(kind=JobKind.CANDIDATE), {frame.job.id for frame in store.kept()}
    config = stored_config(store.recall("config"))
    room = quotas(config.loop.target, config.views)
    alike = likeness_of(store, frames, likeness)
    found = {}
    for view_family in ALL_VIEW_FAMILIES:
        own = [f for f in frames if f.job.shot.view_family == view_family]
        true = {f.job.id for f in own if alike[f.job.id] > cuts[view_family]}
        chosen = {f.job.id for f in own} & kept
        found[view_family] = {
            "candidates": len(own),
            "true": len(true),
            "kept": len(chosen),
            "kept_true": len(chosen & true),
            "places": sum(count for cell, count in room.items() if cell[0] == view_family),
        }
    return found


def likeness_of(store: Store, frames: Sequence[Frame], likeness: Likeness) -> dict[str, float]:
    """Frame -> the judge's similarity to the truth of its shot."""
    if not frames:
        return {}
    images = np.stack([np.asarray(store.frame_image(frame).resize((96, 96))) for frame in frames])
    values = likeness(images, [frame.job.shot for frame in frames])
    return {frame.job.id: float(value) for frame, value in zip(frames, values, strict=True)}


@dataclass(frozen=True)
class GateAudit:
    """A finished run with the truth of its frames.

    ``instead``: frame → a value that replaces those of the identity scorers, if there are any.
    """

    store: Store
    judges: Judges
    config: RunConfig
    character: Character
    frames: Sequence[Frame]
    likeness: Mapping[str, float]
    instead: Mapping[str, float] = field(default_factory=dict)

    @cached_property
    def measured(self) -> dict[str, dict[str, Measurement]]:
        """Every measurement of the run."""
        measured = self.store.measurements()
        if not self.instead:
            return measured
        return {id: {**values, **self._replaced(id)} for id, values in measured.items()}

    def _replaced(self, id: str) -> dict[str, Measurement]:
        """The first identity scorer with the value of ``instead``, the others without one."""
        names = self.judges.identity
        replaced = dict.fromkeys(names, not_applicable("replaced"))
        if id in self.instead:
            replaced[names[0]] = Measurement(self.instead[id])
        return replaced

    @cached_property
    def cuts(self) -> dict[str, float]:
        """View family -> likeness that 1 % of the run's own look-alikes pass; nan without look-alikes."""
        cuts = dict.fromkeys(ALL_VIEW_FAMILIES, float("nan"))
        for view_family in ALL_VIEW_FAMILIES:
            values = [self.likeness[frame.job.id] for frame in self.others(view_family)]
            if values:
                cuts[view_family] = float(np.quantile(values, 1 - PASS))
        return cuts

    def of(self, kind: JobKind, view_family: str) -> list[Frame]:
        """The frames of a kind and view family."""
        return [frame for frame in self.frames if frame.job.kind is kind and frame.job.shot.view_family == view_family]

    def others(self, view_family: str) -> list[Frame]:
        """Look-alikes, drawn from words or from the portraits of look-alikes."""
        return [*self.of(JobKind.LOOKALIKE, view_family), *self.of(JobKind.STRANGER, view_family)]

    def is_true(self, frame: Frame) -> bool:
        """Whether a frame is the individual."""
        return self.likeness[frame.job.id] > self.cuts[frame.job.shot.view_family]

    def scores(self, *without: str) -> dict[str, tuple[float, float]]:
        """Candidate that passed the checks -> score and p of the gate, without some of the identity scorers."""
        measured = _without(self.measured, without)
        archive = replace(Archive.of(self.store), measurements=measured)
        slack, judges = trait_slack(archive, self.config), self.judges
        candidates = [f for f in self.frames if f.job.kind is JobKind.CANDIDATE and f.job.id in measured]
        past = [f for f in candidates if not judges.failures(measured[f.job.id], slack[f.job.shot.view_family])]
        ranks = ranked(past, archive, judges, self.config)
        return {id: (one.score, one.p) for id, one in ranks.items() if one.weakest}

    def admitted(self, without: str = "") -> set[str]:
        """The candidates that the gate admits at the run's level, view family by view family."""
        scores, gate, found = self.scores(without), Gate(self.config.loop.gate_level), set()
        for view_family in ALL_VIEW_FAMILIES:
            ids = [frame.job.id for frame in self.of(JobKind.CANDIDATE, view_family)]
            found |= {str(id) for id in gate.admit(view_family, {id: scores[id][1] for id in ids if id in scores})}
        return found


def _without(measured: Measured, scorers: Sequence[str]) -> dict[str, dict[str, Measurement]]:
    silent = {name: not_applicable("left out") for name in scorers if name}
    return {id: {**values, **silent} for id, values in measured.items()}


def open_audit(run: Path, likeness: Likeness) -> GateAudit:
    """A finished run, read only."""
    store = Store.open(run, exclusive=False)
    config = stored_config(store.recall("config"))
    character = stored_character(store.recall("character"))
    if config.backend == "fake":
        from bootstrap.panel.color_models import fake_panel_models

        models = fake_panel_models()
    else:
        models = open_panel_models(config.panel, None)
    wording = Wording(character, config.views, config.subject, config.panel.vocabulary)
    judges = judges_for(models, config.panel, wording, references_of(store.seeds(), run, config.panel))
    frames = _to_judge(store.frames())
    return GateAudit(store, judges, config, character, frames, likeness_of(store, frames, likeness))


def _to_judge(frames: Sequence[Frame]) -> list[Frame]:
    """Candidates, look-alikes, and some of the exchanged decoys of each view family."""
    exchanged = [frame for frame in frames if frame.job.kind is JobKind.EXCHANGED]
    chosen = [frame for frame in frames if frame.job.kind in (JobKind.CANDIDATE, *OTHERS)]
    for view_family in ALL_VIEW_FAMILIES:
        chosen += [frame for frame in exchanged if frame.job.shot.view_family == view_family][:EXCHANGED]
    return chosen


def markdown_of(audit: GateAudit) -> str:
    """The audit as markdown."""
    tables = (_frames_table, _scorer_table, _gate_table, _admitted_table, _calibration_table)
    return "\n\n".join(told_of(audit) for told_of in tables) + "\n"


def _frames_table(audit: GateAudit) -> str:
    kept = {frame.job.id for frame in audit.store.kept()}
    lines = []
    for view_family in ALL_VIEW_FAMILIES:
        candidates, lookalikes = audit.of(JobKind.CANDIDATE, view_family), audit.others(view_family)
        true = {f.job.id for f in candidates if audit.is_true(f)}
        chosen = {f.job.id for f in candidates} & kept
        exchanged = audit.of(JobKind.EXCHANGED, view_family)
        means = [_mean(audit, lookalikes), _mean(audit, exchanged), _mean(audit, candidates)]
        chosen_mean = _mean(audit, [f for f in candidates if f.job.id in chosen])
        counts = f"{len(true)} of {len(candidates)} | {len(chosen & true)} of {len(chosen)}"
        lines.append([view_family, str(len(lookalikes)), *means, chosen_mean, _number(audit.cuts[view_family]), counts])
    head = ["view family", "look-alikes", "their likeness", "exchanged", "candidates", "kept", "cut"]
    return table("Frames and the truth", [*head, "true candidates", "true of kept"], lines)


def _scorer_table(audit: GateAudit) -> str:
    """Each scorer on the raw candidates."""
    names = sorted({name for f in audit.frames for name in audit.measured.get(f.job.id, {})})
    lines = []
    for name in names:
        cells = [_quality(audit, view_family, _values(audit, view_family, name)) for view_family in ALL_VIEW_FAMILIES]
        if any(cell != NOTHING for cell in cells):
            lines.append([name, *cells])
    title = f"Scorers on candidates: AUC true against false / true kept at {FALSE_RATE:.0%} false / rank correlation"
    return table(title, ["scorer", *ALL_VIEW_FAMILIES], lines)


def _gate_table(audit: GateAudit) -> str:
    """The gate's score, whole and with each identity scorer left out, on candidates past the checks."""
    lines = []
    for left_out in ("", *audit.judges.identity):
        scores = audit.scores(left_out)
        values = {id: score for id, (score, _) in scores.items()}
        cells = [_quality(audit, view_family, values) for view_family in ALL_VIEW_FAMILIES]
        lines.append([f"without {left_out}" if left_out else "all scorers", *cells])
    title = "The gate's score (weakest scorer against decoys), past the checks"
    return table(title, ["score", *ALL_VIEW_FAMILIES], lines)


def _admitted_table(audit: GateAudit) -> str:
    """What Benjamini-Hochberg admits at the run's own level, with all scorers and with each left out."""
    lines, rate = [], audit.config.loop.gate_level
    for left_out in ("", *audit.judges.identity):
        admitted = audit.admitted(left_out)
        cells = []
        for view_family in ALL_VIEW_FAMILIES:
            candidates = audit.of(JobKind.CANDIDATE, view_family)
            cells.append(_let_in([frame for frame in candidates if frame.job.id in admitted], audit))
        whole = [f for f in audit.frames if f.job.id in admitted]
        lines.append([f"without {left_out}" if left_out else "all scorers", *cells, _let_in(whole, audit)])
    title = f"Admitted at the level {rate:g}: false of admitted"
    return table(title, ["scorers", *ALL_VIEW_FAMILIES, "all"], lines)


def _let_in(frames: Sequence[Frame], audit: GateAudit) -> str:
    """False frames among all that were admitted, and their share."""
    if not frames:
        return NOTHING
    false = sum(not audit.is_true(frame) for frame in frames)
    return f"{false} of {len(frames)} ({false / len(frames):.2f})"


def calibration(audit: GateAudit, without: str = "") -> dict[str, list[tuple[float, float]]]:
    """View family → (stated rate, share of the false candidates past the checks whose p is at most so large).

    The level holds where no point lies above the diagonal. View families with fewer than FEWEST false frames are left
    out.
    """
    scores, found = audit.scores(without), {}
    for view_family in ALL_VIEW_FAMILIES:
        judged = [frame for frame in audit.of(JobKind.CANDIDATE, view_family) if frame.job.id in scores]
        false = sorted(scores[f.job.id][1] for f in judged if not audit.is_true(f))
        if len(false) >= FEWEST:
            found[view_family] = [(rate, float(np.mean([p <= rate for p in false]))) for rate in DRAWN]
    return found


def plot(audits: Sequence[GateAudit]) -> Image.Image:
    """Stated against real false-accept rate over the runs: all scorers, then each left out; a line a view family."""
    names = audits[0].judges.identity
    panels = {}
    for left_out in ("", *names):
        each = [calibration(audit, left_out) for audit in audits]
        lines = []
        for view_family in ALL_VIEW_FAMILIES:
            curves = [one[view_family] for one in each if view_family in one]
            lines.append(Curve(view_family, COLORS[view_family], _averaged(curves)))
        panels[f"without {left_out}" if left_out else "all scorers"] = lines
    return chart(panels, "level", "up: share of false frames admitted; the line is the level", diagonal=True)


def _averaged(curves: Sequence[Sequence[tuple[float, float]]]) -> list[tuple[float, float]]:
    """The mean of several runs' curves, which have the same stated rates."""
    return [(points[0][0], float(np.mean([y for _, y in points]))) for points in zip(*curves, strict=True)]


def _calibration_table(audit: GateAudit) -> str:
    """Stated false-accept rates against what p lets through of false and of true candidates."""
    scores, lines = audit.scores(), []
    for view_family in ALL_VIEW_FAMILIES:
        judged = [frame for frame in audit.of(JobKind.CANDIDATE, view_family) if frame.job.id in scores]
        true = [scores[f.job.id][1] for f in judged if audit.is_true(f)]
        false = [scores[f.job.id][1] for f in judged if not audit.is_true(f)]
        cells = [f"{below(false, rate)} / {below(true, rate)}" for rate in STATED]
        lines.append([view_family, str(len(false)), str(len(true)), *cells])
    head = ["view family", "false", "true", *(f"p ≤ {rate:g}" for rate in STATED)]
    return table("Calibration: share of false / of true candidates past the checks that p lets through", head, lines)


NOTHING = "–"


def _values(audit: GateAudit, view_family: str, name: str) -> dict[str, float]:
    found = {}
    for frame in audit.of(JobKind.CANDIDATE, view_family):
        answer = audit.measured.get(frame.job.id, {}).get(name)
        if answer is not None and answer.value is not None:
            found[frame.job.id] = answer.value
    return found


def _quality(audit: GateAudit, view_family: str, values: Mapping[str, float]) -> str:
    frames = [frame for frame in audit.of(JobKind.CANDIDATE, view_family) if frame.job.id in values]
    true = [values[f.job.id] for f in frames if audit.is_true(f)]
    false = [values[f.job.id] for f in frames if not audit.is_true(f)]
    along = spearman([values[f.job.id] for f in frames], [audit.likeness[f.job.id] for f in frames])
    parts = [auc(true, false), power_at(true, false, FALSE_RATE), along]
    return NOTHING if parts == [None] * 3 else " / ".join(map(_number, parts))


def below(values: Sequence[float], rate: float) -> str:
    """The share of values up to a rate, as text."""
    return _number(float(np.mean([value <= rate for value in values]))) if values else NOTHING


def _mean(audit: GateAudit, frames: Sequence[Frame]) -> str:
    return _number(float(np.mean([audit.likeness[f.job.id] for f in frames]))) if frames else NOTHING


def _number(value: float | None) -> str:
    return NOTHING if value is None or np.isnan(value) else f"{value:.2f}"


def main(arguments: Sequence[str] | None = None) -> None:
    """Parse the command line, judge, and write the tables."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.puppetbench.gate", description=__doc__)
    parser.add_argument("run", type=Path, nargs="+")
    parser.add_argument("--puppet", type=int, nargs="+", required=True, help="number of the puppet of each run")
    parser.add_argument("--out", type=Path, default=None, help="a markdown file to write as well")
    parser.add_argument("--plot", type=Path, default=None, help="a picture of the calibration to write")
    parser.add_argument("--roc", type=Path, default=None, help="a picture of true against false frames passed")
    given = parser.parse_args(arguments)
    if len(given.run) != len(given.puppet):
        parser.error(f"{len(given.run)} runs and {len(given.puppet)} puppets: give one of each")
    from bootstrap.puppets.anatomy import sample_puppet
    from bootstrap.puppets.judge import load_judge
    from tests.benchmarks.puppetbench import pooled
    from tests.benchmarks.puppetbench.truth import Truth

    pairs = zip(given.run, given.puppet, strict=True)
    audits = [open_audit(run, Truth(sample_puppet(puppet)).likeness) for run, puppet in pairs]
    titles = [f"## {audit.character.name}: {run}\n\n" for audit, run in zip(audits, given.run, strict=True)]
    text = "\n".join(title + markdown_of(audit) for title, audit in zip(titles, audits, strict=True))
    by_judge = [pooled.judged_by_seeds(audit, load_judge().embed) for audit in audits]
    text += "\n" + pooled.markdown_of(audits, by_judge)
    sys.stdout.write(text)
    if given.out:
        given.out.write_text(text, encoding="utf-8")
    if given.plot:
        write_image(given.plot, plot(audits))
    if given.roc:
        write_image(given.roc, pooled.roc(audits, by_judge))
    for audit in audits:
        audit.store.close()


if __name__ == "__main__":
    main()
