"""The gate against the truth: `python -m tests.benchmarks.puppetbench.gate RUN --puppet SEED`.

For each view family and scorer of a finished run: how well it tells true frames from false ones, what it keeps of the
true where it lets 5 % of the false through, and what the gate loses without it. A frame is true as in design §6: more
alike the painted drawing of its shot than 99 % of the base's look-alikes. Changes nothing in the run.
"""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from bootstrap.backends.base import Backend
from bootstrap.captions import Wording
from bootstrap.character import Character
from bootstrap.config import RunConfig
from bootstrap.judges import judges_for, open_eyes, references_of
from bootstrap.records import FAMILIES, Frame, JobKind
from bootstrap.shots import quotas
from bootstrap.store.store import Store
from loops.choose import ranked
from loops.decoys import trait_slack
from loops.engine import Engine
from scoring.base import Measurement, not_applicable
from tests.benchmarks.puppetbench.markdown import table
from tests.benchmarks.puppetbench.panels import Images
from tests.benchmarks.puppetbench.roc import auc, power_at, spearman
from tests.benchmarks.puppetbench.settings import PASS

log = logging.getLogger(__name__)

FALSE_RATE = 0.05
EXCHANGED = 40
"""Exchanged decoys a view family that are shown to the judge: their likeness is only averaged."""
STATED = (0.01, 0.05, 0.1, 0.2)
"""False-accept rates at which the p-values are held against what they let through."""
Measured = Mapping[str, Mapping[str, Measurement]]
Likeness = Callable[[Images, Sequence[Any]], NDArray[np.float32]]


def kept_and_true(store: Store, likeness: Likeness, cuts: Mapping[str, float]) -> dict[str, dict[str, int]]:
    """View family -> candidates, true ones, kept, true among kept, and places: by cuts that were fixed beforehand."""
    frames, kept = store.frames(kind=JobKind.CANDIDATE), {frame.job.id for frame in store.kept()}
    config = RunConfig.model_validate_json(store.recall("config") or "{}")
    room = quotas(config.loop.target, config.views)
    alike = likeness_of(store, frames, likeness)
    found = {}
    for family in FAMILIES:
        mine = [f for f in frames if f.job.shot.family == family]
        true = {f.job.id for f in mine if alike[f.job.id] > cuts[family]}
        chosen = {f.job.id for f in mine} & kept
        found[family] = {
            "candidates": len(mine),
            "true": len(true),
            "kept": len(chosen),
            "kept_true": len(chosen & true),
            "places": sum(count for cell, count in room.items() if cell[0] == family),
        }
    return found


def likeness_of(store: Store, frames: Sequence[Frame], likeness: Likeness) -> dict[str, float]:
    """Frame -> the judge's similarity with the truth of its shot."""
    if not frames:
        return {}
    images = np.stack([np.asarray(store.frame_image(frame).resize((96, 96))) for frame in frames])
    values = likeness(images, [frame.job.shot for frame in frames])
    return {frame.job.id: float(value) for frame, value in zip(frames, values, strict=True)}


@dataclass(frozen=True)
class Audit:
    """A run with the truth of its frames. ``engine`` measures and draws nothing: it is asked for ranks."""

    engine: Engine
    frames: Sequence[Frame]
    likeness: Mapping[str, float]

    @cached_property
    def measured(self) -> dict[str, dict[str, Measurement]]:
        """Every measurement of the run."""
        return self.engine.store.measurements()

    @cached_property
    def cuts(self) -> dict[str, float]:
        """View family -> likeness that 1 % of the run's own look-alikes pass; nan without look-alikes."""
        values = {family: [self.likeness[f.job.id] for f in self.of(JobKind.LOOKALIKE, family)] for family in FAMILIES}
        return {name: float(np.quantile(row, 1 - PASS)) if row else float("nan") for name, row in values.items()}

    def of(self, kind: JobKind, family: str) -> list[Frame]:
        """The frames of a kind and view family."""
        return [frame for frame in self.frames if frame.job.kind is kind and frame.job.shot.family == family]

    def is_true(self, frame: Frame) -> bool:
        """Whether a frame is the individual."""
        return self.likeness[frame.job.id] > self.cuts[frame.job.shot.family]

    def scores(self, without: str = "") -> dict[str, tuple[float, float]]:
        """Candidate past the checks -> score and p of the gate, one identity scorer silenced."""
        measured = _without(self.measured, without)
        slack, judges = trait_slack(self.engine, measured), self.engine.judges
        candidates = [f for f in self.frames if f.job.kind is JobKind.CANDIDATE and f.job.id in measured]
        past = [f for f in candidates if not judges.failures(measured[f.job.id], slack[f.job.shot.family])]
        return {id: (one.score, one.p) for id, one in ranked(self.engine, past, measured).items() if one.weakest}


def _without(measured: Measured, scorer: str) -> dict[str, dict[str, Measurement]]:
    silent = {scorer: not_applicable("left out")} if scorer else {}
    return {id: {**values, **silent} for id, values in measured.items()}


def open_audit(run: Path, likeness: Likeness) -> Audit:
    """A finished run, read only."""
    store = Store.open(run, exclusive=False)
    config = RunConfig.model_validate_json(store.recall("config") or "{}")
    character = Character.model_validate_json(store.recall("character") or "{}")
    if config.backend == "fake":
        from bootstrap.backends.fake_eyes import fake_eyes

        eyes = fake_eyes()
    else:
        eyes = open_eyes(config.panel, None)
    wording = Wording(character, config.views, config.panel.vocabulary)
    judges = judges_for(eyes, config.panel, wording, references_of(store.seeds(), run, config.panel))
    frames = _to_judge(store.frames())
    engine = Engine(store, cast(Backend, None), judges, config, character)
    return Audit(engine, frames, likeness_of(store, frames, likeness))


def _to_judge(frames: Sequence[Frame]) -> list[Frame]:
    """Candidates, look-alikes, and some of the exchanged decoys of each view family."""
    exchanged = [frame for frame in frames if frame.job.kind is JobKind.EXCHANGED]
    some = [f for family in FAMILIES for f in [e for e in exchanged if e.job.shot.family == family][:EXCHANGED]]
    return [*(frame for frame in frames if frame.job.kind in (JobKind.CANDIDATE, JobKind.LOOKALIKE)), *some]


def told(audit: Audit) -> str:
    """The audit as markdown."""
    tables = (_frames_table, _scorer_table, _gate_table, _calibration_table)
    return "\n\n".join(told_of(audit) for told_of in tables) + "\n"


def _frames_table(audit: Audit) -> str:
    kept = {frame.job.id for frame in audit.engine.store.kept()}
    lines = []
    for family in FAMILIES:
        candidates, lookalikes = audit.of(JobKind.CANDIDATE, family), audit.of(JobKind.LOOKALIKE, family)
        true = {f.job.id for f in candidates if audit.is_true(f)}
        chosen = {f.job.id for f in candidates} & kept
        exchanged = audit.of(JobKind.EXCHANGED, family)
        means = [_mean(audit, lookalikes), _mean(audit, exchanged), _mean(audit, candidates)]
        chosen_mean = _mean(audit, [f for f in candidates if f.job.id in chosen])
        counts = f"{len(true)} of {len(candidates)} | {len(chosen & true)} of {len(chosen)}"
        lines.append([family, str(len(lookalikes)), *means, chosen_mean, _number(audit.cuts[family]), counts])
    head = ["family", "look-alikes", "their likeness", "exchanged", "candidates", "kept", "cut"]
    return table("Frames and the truth", [*head, "true candidates", "true of kept"], lines)


def _scorer_table(audit: Audit) -> str:
    """Each scorer on the raw candidates."""
    names = sorted({name for f in audit.frames for name in audit.measured.get(f.job.id, {})})
    lines = []
    for name in names:
        cells = [_quality(audit, family, _values(audit, family, name)) for family in FAMILIES]
        if any(cell != NOTHING for cell in cells):
            lines.append([name, *cells])
    title = f"Scorers on candidates: AUC true against false / true kept at {FALSE_RATE:.0%} false / rank correlation"
    return table(title, ["scorer", *FAMILIES], lines)


def _gate_table(audit: Audit) -> str:
    """The gate's score, whole and with each identity scorer left out, on candidates past the checks."""
    lines = []
    for left_out in ("", *audit.engine.judges.identity):
        scores = audit.scores(left_out)
        cells = [_quality(audit, family, {id: one[0] for id, one in scores.items()}) for family in FAMILIES]
        lines.append([f"without {left_out}" if left_out else "all scorers", *cells])
    return table("The gate's score (weakest scorer against decoys), past the checks", ["score", *FAMILIES], lines)


def _calibration_table(audit: Audit) -> str:
    """Stated false-accept rates against what p lets through of false and of true candidates."""
    scores, lines = audit.scores(), []
    for family in FAMILIES:
        judged = [frame for frame in audit.of(JobKind.CANDIDATE, family) if frame.job.id in scores]
        true = [scores[f.job.id][1] for f in judged if audit.is_true(f)]
        false = [scores[f.job.id][1] for f in judged if not audit.is_true(f)]
        cells = [f"{_below(false, rate)} / {_below(true, rate)}" for rate in STATED]
        lines.append([family, str(len(false)), str(len(true)), *cells])
    head = ["family", "false", "true", *(f"p ≤ {rate:g}" for rate in STATED)]
    return table("Calibration: share of false / of true candidates past the checks that p lets through", head, lines)


NOTHING = "–"


def _values(audit: Audit, family: str, name: str) -> dict[str, float]:
    found = {}
    for frame in audit.of(JobKind.CANDIDATE, family):
        answer = audit.measured.get(frame.job.id, {}).get(name)
        if answer is not None and answer.value is not None:
            found[frame.job.id] = answer.value
    return found


def _quality(audit: Audit, family: str, values: Mapping[str, float]) -> str:
    frames = [frame for frame in audit.of(JobKind.CANDIDATE, family) if frame.job.id in values]
    true = [values[f.job.id] for f in frames if audit.is_true(f)]
    false = [values[f.job.id] for f in frames if not audit.is_true(f)]
    along = spearman([values[f.job.id] for f in frames], [audit.likeness[f.job.id] for f in frames])
    parts = [auc(true, false), power_at(true, false, FALSE_RATE), along]
    return NOTHING if parts == [None] * 3 else " / ".join(map(_number, parts))


def _below(values: Sequence[float], rate: float) -> str:
    return _number(float(np.mean([value <= rate for value in values]))) if values else NOTHING


def _mean(audit: Audit, frames: Sequence[Frame]) -> str:
    return _number(float(np.mean([audit.likeness[f.job.id] for f in frames]))) if frames else NOTHING


def _number(value: float | None) -> str:
    return NOTHING if value is None or np.isnan(value) else f"{value:.2f}"


def main(arguments: Sequence[str] | None = None) -> None:
    """Parse the command line, judge, and write the tables."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.puppetbench.gate", description=__doc__)
    parser.add_argument("run", type=Path)
    parser.add_argument("--puppet", type=int, required=True, help="seed of the character")
    parser.add_argument("--out", type=Path, default=None, help="a markdown file to write as well")
    given = parser.parse_args(arguments)
    from bootstrap.puppets.anatomy import sample_puppet
    from tests.benchmarks.puppetbench.truth import Truth

    audit = open_audit(given.run, Truth(sample_puppet(given.puppet)).likeness)
    text = told(audit)
    audit.engine.store.close()
    sys.stdout.write(text)
    if given.out:
        given.out.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
