"""How well a base model obeys: `python -m bootstrap.puppets.train.obedience FOLDER --pictures 1000`.

The model draws complete captions of puppets that no training saw. The judge reads each axis of every picture, of
renders of the same captions, which measures its own accuracy, and of these renders *painted* (passed through the
model's autoencoder), which is the best that the model can reach. Does NOT judge individuals, which no caption
describes.
"""

from __future__ import annotations

import argparse
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bootstrap.puppets import captions
from bootstrap.puppets.judge import PuppetJudge, load_judge
from bootstrap.puppets.train import judge_truth, painting, samples, training_state
from bootstrap.puppets.train.base_folder import read_base
from bootstrap.puppets.train.data import Spec, picture_spec, render_many
from bootstrap.puppets.train.judge_measures import accuracy

log = logging.getLogger(__name__)

_BATCH = 50
_CEL = "cel shading"
_STEPS, _GUIDANCE_SCALE = 20, 4.0
_FACES = ("eye_color", "expression")
_NEAR = ("close-up", "portrait", "upper body")
"""Framings in which eyes are more than a few pixels."""


def prompt_specs(count: int) -> list[Spec]:
    """The first pictures of the set "unseen" in cel shading, the usual style."""
    specs: list[Spec] = []
    index = 0
    while len(specs) < count:
        spec = picture_spec("unseen", index)
        index += 1
        if spec[1].style == _CEL:
            specs.append(spec)
    return specs


def generate(folder: Path, specs: Sequence[Spec], device: str = "cpu") -> NDArray[np.uint8]:
    """One picture from each complete caption: uint8 (N, 96, 96, 3)."""
    pipeline = samples.load(folder, device)
    prompts = [captions.caption(puppet, shot) for puppet, shot, _ in specs]
    batches = []
    for start in range(0, len(prompts), _BATCH):
        batches.append(samples.draw(pipeline, prompts[start : start + _BATCH], start, _STEPS, _GUIDANCE_SCALE))
    return np.concatenate(batches)


def read(images: NDArray[np.uint8], specs: Sequence[Spec], judge: PuppetJudge) -> dict[str, float]:
    """Axis -> share of pictures on which the judge reads the tag of the caption, where the caption has one.

    "front eye_color" and "front expression" count front views alone, "near …" the front views without full bodies.
    """
    answers = judge.read(images)
    labels = judge_truth.labels([(puppet, shot) for puppet, shot, _ in specs])
    shots = [shot for _, shot, _ in specs]
    front = np.array([shot.view_family == "front" for shot in shots])
    near = front & np.array([shot.framing in _NEAR for shot in shots])
    right = {}
    for column, (axis, choices) in enumerate(judge_truth.AXES.items()):
        right[axis] = accuracy(answers[axis], labels[:, column], choices)
        if axis in _FACES:
            for name, chosen in (("front", front), ("near", near)):
                readings = [answers[axis][index] for index in np.flatnonzero(chosen)]
                right[f"{name} {axis}"] = accuracy(readings, labels[chosen, column], choices)
    return right


def main(arguments: Sequence[str] | None = None) -> None:
    """Parse the command line, draw, read and log one line for each axis."""
    parser = argparse.ArgumentParser(prog="python -m bootstrap.puppets.train.obedience", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--pictures", type=int, default=1000)
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or mps")
    parser.add_argument("--threads", type=int, default=2)
    given = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    device = training_state.pick_device(given.device, given.threads)
    specs, judge = prompt_specs(given.pictures), load_judge()
    drawn = read(generate(given.folder, specs, str(device)), specs, judge)
    renders = render_many(specs, workers=1)
    painted = read(painting.paint(renders, read_base(given.folder).vae), specs, judge)
    report(drawn, read(renders, specs, judge), painted)


def report(drawn: Mapping[str, float], rendered: Mapping[str, float], painted: Mapping[str, float]) -> None:
    """Log a table of accuracies; the last column is the share of what is read on painted renders."""
    shares = shares_of(drawn, painted)
    for axis, own in drawn.items():
        row = (axis, own, rendered[axis], painted[axis], shares[axis])
        log.info("%-16s drawn %.3f, rendered %.3f, painted %.3f, drawn / painted %.3f", *row)


def shares_of(drawn: Mapping[str, float], painted: Mapping[str, float]) -> dict[str, float]:
    """Axis -> what is read on drawn pictures as a share of what is read on painted ones; NaN where that is nothing."""
    shares = {}
    for axis, most in painted.items():
        shares[axis] = float("nan")
        if most > 0:
            shares[axis] = drawn[axis] / most
    return shares


def gradient_energy(images: NDArray[np.uint8]) -> float:
    """How sharp pictures (N, H, W, 3) are: mean absolute difference of neighbouring pixels, 0 to 255, both ways."""
    pixels = images.astype(np.float32)
    down, across = (np.abs(np.diff(pixels, axis=axis)).mean() for axis in (1, 2))
    return float((down + across) / 2)


if __name__ == "__main__":
    main()
