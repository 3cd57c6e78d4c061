"""Judges a finished run: `python -m bootstrap.puppets.trial RUN --puppet 341`.

Every frame is compared with the drawing of the same shot, passed through the base's autoencoder. A frame is *true* when
the judge finds it more alike than 99 of 100 look-alikes (the base without any LoRA, prompted with the same traits) of
that view family; the cut does not depend on what the loop chose. Does NOT know how the loop chooses.
"""

from __future__ import annotations

import argparse
import json
import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from diffusers import AutoencoderTiny
from numpy.typing import NDArray

from bootstrap.puppets import shipped
from bootstrap.puppets.anatomy import Puppet, sample_puppet
from bootstrap.puppets.casting import puppet_shot
from bootstrap.puppets.judge import load_judge, similarity
from bootstrap.puppets.render import render
from bootstrap.puppets.scene import ALL_VIEW_FAMILIES
from bootstrap.puppets.train.painting import paint
from bootstrap.records import Frame, JobKind
from bootstrap.store.store import Store

log = logging.getLogger(__name__)

LOOKALIKES_PASS = 0.01
"""Share of look-alikes above the cut."""
Judged = Sequence[tuple[Frame, float]]
"""Frames with the judge's similarity of each to the truth of its shot."""


OTHERS = (JobKind.LOOKALIKE, JobKind.STRANGER)
"""Pictures of other individuals with the same named traits."""


@dataclass(frozen=True)
class ViewFamilyTrial:
    """The judge's result for one view family of a run.

    `likeness` maps the round to the judge's mean similarity of its candidates to the truth; round 1 draws with a LoRA
    trained on the seeds alone.
    """

    view_family: str
    cut: float
    lookalikes: int
    kept: int
    kept_true: int
    candidates: int
    candidates_true: int
    likeness: dict[int, float]


def judge_run(run: Path, puppet: Puppet) -> list[ViewFamilyTrial]:
    """The result for every view family of the run in `run`, whose character is `puppet`."""
    store = Store.open(run, exclusive=False)
    frames = [frame for frame in store.frames() if frame.job.kind in (JobKind.CANDIDATE, *OTHERS)]
    judged = list(zip(frames, _likeness(store, frames, puppet), strict=True))
    kept = {frame.job.id for frame in store.kept()}
    trials = []
    for view_family in ALL_VIEW_FAMILIES:
        of_family = [pair for pair in judged if pair[0].job.shot.view_family == view_family]
        trials.append(judge_view_family(view_family, of_family, kept))
    store.close()
    return trials


def judge_view_family(view_family: str, judged: Judged, kept: set[str]) -> ViewFamilyTrial:
    """The result for one view family.

    Args:
        view_family: its name.
        judged: its look-alikes, candidates, and what was drawn from look-alikes.
        kept: ids of the frames that the run kept.
    """
    lookalikes = [value for frame, value in judged if frame.job.kind in OTHERS]
    candidates = [(frame, value) for frame, value in judged if frame.job.kind is JobKind.CANDIDATE]
    cut = float("nan")
    if lookalikes:
        cut = float(np.quantile(lookalikes, 1 - LOOKALIKES_PASS))
    by_round: dict[int, list[float]] = {}
    for frame, value in candidates:
        by_round.setdefault(frame.job.round, []).append(value)
    chosen = [value for frame, value in candidates if frame.job.id in kept]
    return ViewFamilyTrial(
        view_family,
        round(cut, 3),
        len(lookalikes),
        len(chosen),
        int(sum(value > cut for value in chosen)),
        len(candidates),
        int(sum(value > cut for _, value in candidates)),
        {number: round(float(np.mean(by_round[number])), 3) for number in sorted(by_round)},
    )


def _likeness(store: Store, frames: Sequence[Frame], puppet: Puppet) -> NDArray[np.float32]:
    """The judge's similarity of each frame to the painted truth of its shot; each shot is painted once."""
    judge = load_judge()
    vae = AutoencoderTiny.from_pretrained(shipped.base_dir() / "vae", dtype=torch.float32)
    shots = {frame.job.shot.key: frame.job.shot for frame in frames}
    truths = np.stack([render(puppet, puppet_shot(shot)).image for shot in shots.values()])
    painted: dict[str, NDArray[np.uint8]] = dict(zip(shots, paint(truths, vae), strict=True))
    drawn = np.stack([np.asarray(store.frame_image(frame).resize((96, 96))) for frame in frames])
    wanted = np.stack([painted[frame.job.shot.key] for frame in frames])
    return similarity(judge.embed(drawn), judge.embed(wanted))


def main(arguments: Sequence[str] | None = None) -> None:
    """Parse the command line, judge, and log one line for each view family."""
    parser = argparse.ArgumentParser(prog="python -m bootstrap.puppets.trial", description=__doc__)
    parser.add_argument("run", type=Path)
    parser.add_argument("--puppet", type=int, required=True, help="number of the puppet")
    parser.add_argument("--json", type=Path, default=None, help="a file to write as well")
    given = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    trials = judge_run(given.run, sample_puppet(given.puppet))
    for trial in trials:
        likeness = " ".join(f"{number}: {value:.3f}" for number, value in trial.likeness.items())
        counts = (trial.kept, trial.kept_true, trial.candidates, trial.candidates_true)
        log.info(
            "%-14s kept %d, true %d; candidates %d, true %d; likeness by round %s",
            *(trial.view_family, *counts, likeness),
        )
    kept, true = sum(trial.kept for trial in trials), sum(trial.kept_true for trial in trials)
    log.info("false among kept: %d of %d", kept - true, kept)
    if given.json:
        given.json.write_text(json.dumps([asdict(trial) for trial in trials], indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
