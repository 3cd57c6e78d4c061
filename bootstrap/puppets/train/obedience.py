"""How well a base model obeys: `python -m bootstrap.puppets.train.obedience FOLDER --pictures 200`.

It draws complete captions of puppets training never saw; the shipped CLIP names each axis of every drawing zero-shot,
and does the same on renders of the same captions, which says how far its reading can be trusted.
Does NOT judge individuals: a caption cannot express them.
"""

from __future__ import annotations

import argparse
import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import open_clip
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from bootstrap.puppets import captions, models
from bootstrap.puppets.train import clip_folder, crops, samples
from bootstrap.puppets.train.data import Spec, picture_spec, render_many
from bootstrap.puppets.train.phrases import AXES, PHRASES, seen_phrases

log = logging.getLogger(__name__)

_BATCH = 20
_CEL = "cel shading"
_STEPS, _GUIDANCE_SCALE = 20, 4.0


def prompt_specs(count: int) -> list[Spec]:
    """The first pictures of the set "unseen" that are cel shaded, the usual style."""
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
    drawn = [
        samples.draw(pipeline, prompts[start : start + _BATCH], start, _STEPS, _GUIDANCE_SCALE)
        for start in range(0, len(prompts), _BATCH)
    ]
    return np.concatenate(drawn)


@torch.inference_mode()
def read(images: NDArray[np.uint8], specs: Sequence[Spec]) -> dict[str, float]:
    """Share of pictures whose tag the shipped CLIP names right, for each axis, among those whose caption says it."""
    model, words = clip_folder.load(models.clip_dir())
    side = clip_folder.SIDE
    whole = torch.tensor([[0.0, 0.0, 1.0, 1.0]]).expand(len(images), 4)
    pictures = crops.cut(crops.to_tensor(images), whole, side)
    mean = torch.tensor(open_clip.OPENAI_DATASET_MEAN).view(1, 3, 1, 1)
    deviation = torch.tensor(open_clip.OPENAI_DATASET_STD).view(1, 3, 1, 1)
    seen = model.encode_image((pictures - mean) / deviation, normalize=True).numpy()
    phrases = F.normalize(model.encode_text(words.tokenizer(list(PHRASES))), dim=1).numpy()
    truth = np.array([seen_phrases(puppet, shot) for puppet, shot, _ in specs])
    right = {}
    for axis, members in AXES.items():
        shows = truth[:, members].sum(1) == 1
        guesses = (seen[shows] @ phrases[members].T).argmax(1)
        right[axis] = float((guesses == truth[shows][:, members].argmax(1)).mean())
    return right


def main(arguments: Sequence[str] | None = None) -> None:
    """Parse the command line, draw, read and log one line for each axis."""
    parser = argparse.ArgumentParser(prog="python -m bootstrap.puppets.train.obedience", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--pictures", type=int, default=200)
    given = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    specs = prompt_specs(given.pictures)
    drawn, rendered = read(generate(given.folder, specs), specs), read(render_many(specs, workers=1), specs)
    for axis in AXES:
        log.info("%-12s drawn %.2f, rendered %.2f", axis, drawn[axis], rendered[axis])


if __name__ == "__main__":
    main()
