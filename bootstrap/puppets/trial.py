"""A finished run before the judge: `python -m bootstrap.puppets.trial RUN --puppet 341`.

Every frame is compared with the drawing of the same shot, passed through the base's autoencoder. A frame is *true* when
the judge finds it more alike than 99 of 100 look-alikes (the base without any LoRA, asked for the same traits) of that
view family; the cut knows nothing of what the loop chose. Does NOT know how the loop chooses.
"""

from __future__ import annotations

import argparse
import json
import logging
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from diffusers import AutoencoderTiny
from numpy.typing import NDArray

from bootstrap.puppets import models, oracle
from bootstrap.puppets.anatomy import Puppet, sample_puppet
from bootstrap.puppets.casting import OUTFITS, truth
from bootstrap.puppets.scene import ALL_FAMILIES
from bootstrap.puppets.train.painting import paint
from bootstrap.records import Frame, JobKind, Shot
from bootstrap.store.store import Store

log = logging.getLogger(__name__)

LOOKALIKES_PASS = 0.01
"""Share of look-alikes above the cut."""


@dataclass(frozen=True)
class FamilyTrial:
    """What the judge says of one view family of a run.

    `likeness` maps the round to the judge's mean similarity of its candidates with the truth; round 1 draws with a LoRA
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


def judge_run(run: Path, puppet: Puppet) -> list[FamilyTrial]:
    """The verdict on every view family of the run in `run`, whose character is `puppet`."""
    store = Store.open(run, exclusive=False)
    frames = [frame for frame in store.frames() if frame.job.kind in (JobKind.CANDIDATE, JobKind.LOOKALIKE)]
    likeness = _likeness(store, frames, puppet)
    kept = {frame.job.id for frame in store.kept()}
    found = []
    for view_family in ALL_FAMILIES:
        mine = [
            (frame, value)
            for frame, value in zip(frames, likeness, strict=True)
            if frame.job.shot.view_family == view_family
        ]
        found.append(_family(view_family, mine, kept))
    store.close()
    return found


def _family(view_family: str, judged: Sequence[tuple[Frame, float]], kept: set[str]) -> FamilyTrial:
    lookalikes = [value for frame, value in judged if frame.job.kind is JobKind.LOOKALIKE]
    candidates = [(frame, value) for frame, value in judged if frame.job.kind is JobKind.CANDIDATE]
    cut = float(np.quantile(lookalikes, 1 - LOOKALIKES_PASS)) if lookalikes else float("nan")
    chosen = [value for frame, value in candidates if frame.job.id in kept]
    rounds = sorted({frame.job.round for frame, _ in candidates})
    return FamilyTrial(
        view_family,
        round(cut, 3),
        len(lookalikes),
        len(chosen),
        int(sum(value > cut for value in chosen)),
        len(candidates),
        int(sum(value > cut for _, value in candidates)),
        {number: _mean(value for frame, value in candidates if frame.job.round == number) for number in rounds},
    )


def _mean(values: Iterable[float]) -> float:
    return round(float(np.mean(list(values))), 3)


def _likeness(store: Store, frames: Sequence[Frame], puppet: Puppet) -> NDArray[np.float32]:
    """The judge's similarity of each frame with the painted truth of its shot."""
    judge = oracle.load()
    vae = AutoencoderTiny.from_pretrained(models.base_dir() / "vae", dtype=torch.float32)
    drawn = np.stack([np.asarray(store.frame_image(frame).resize((96, 96))) for frame in frames])
    shots = list({frame.job.shot.key: frame.job.shot for frame in frames}.values())
    painted = dict(zip([shot.key for shot in shots], paint(_truths(puppet, shots), vae), strict=True))
    wanted = np.stack([painted[frame.job.shot.key] for frame in frames])
    return oracle.similarity(judge.embed(drawn), judge.embed(wanted))


def _truths(puppet: Puppet, shots: Sequence[Shot]) -> NDArray[np.uint8]:
    return np.stack(
        [
            truth(
                puppet,
                shot.view,
                shot.framing,
                expression=shot["expression"],
                pose=shot["pose"],
                outfit=OUTFITS.index(shot["outfit"]),
                background=shot["background"],
                style=shot["style"],
            )
            for shot in shots
        ]
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """Parse the command line, judge, and log one line for each view family."""
    parser = argparse.ArgumentParser(prog="python -m bootstrap.puppets.trial", description=__doc__)
    parser.add_argument("run", type=Path)
    parser.add_argument("--puppet", type=int, required=True, help="seed of the character")
    parser.add_argument("--json", type=Path, default=None, help="a file to write as well")
    given = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    found = judge_run(given.run, sample_puppet(given.puppet))
    for one in found:
        likeness = " ".join(f"{number}: {value:.3f}" for number, value in one.likeness.items())
        log.info(
            "%-14s kept %d, true %d; candidates %d, true %d; likeness by round %s",
            *(one.view_family, one.kept, one.kept_true, one.candidates, one.candidates_true, likeness),
        )
    kept, true = sum(one.kept for one in found), sum(one.kept_true for one in found)
    log.info("false among kept: %d of %d", kept - true, kept)
    if given.json:
        given.json.write_text(json.dumps([asdict(one) for one in found], indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
