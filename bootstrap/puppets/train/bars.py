"""Every shipped model against its bar: `python -m bootstrap.puppets.train.bars --pictures 1000`.

Measured on puppets that training never saw. Does NOT know how the models were trained.
"""

from __future__ import annotations

import argparse
import json
import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from diffusers import AutoencoderTiny

from bootstrap.puppets import models, oracle, scene
from bootstrap.puppets.train import checkpoint, clip, data, face, judge_pictures, obedience, painting, vae
from bootstrap.puppets.train.individuals import gallery
from bootstrap.puppets.train.judge_measures import measure as measure_judge
from bootstrap.puppets.train.measures import identity_aucs
from bootstrap.puppets.train.options import TrainOptions

log = logging.getLogger(__name__)

JUDGE_READS = 0.97
_OBEDIENCE = {
    "view_family": 0.90,
    "framing": 0.90,
    "hair_color": 0.90,
    "hair_style": 0.80,
    "background": 0.90,
    "top_color": 0.80,
    "front eye_color": 0.75,
    "front expression": 0.75,
}
_ZERO_SHOT = {"view_family": 0.95, "hair_color": 0.95, "hair_style": 0.90, "retrieval": 0.60}
_FRONTAL = ("front", "three-quarter")


@dataclass(frozen=True)
class Bar:
    """One measurement and what it should reach; `at_most` turns the comparison round."""

    model: str
    measure: str
    value: float
    bar: float
    at_most: bool = False

    @property
    def met(self) -> bool:
        """Whether it is reached."""
        return self.value <= self.bar if self.at_most else self.value >= self.bar


def vae_bars(options: TrainOptions, pictures: int) -> Iterable[Bar]:
    """Reconstruction of unseen drawings."""
    autoencoder = AutoencoderTiny.from_pretrained(models.base_dir() / "vae", dtype=torch.float32)
    unseen = data.dataset(500, "unseen", options.workdir, options.workers).images
    yield Bar("vae", "mean absolute error", vae.reconstruction_error(autoencoder, unseen), 0.035, at_most=True)


def judge_bars(options: TrainOptions, pictures: int) -> Iterable[Bar]:
    """What the judge reads, and whom it tells apart within a view family, on drawings and painted ones."""
    album = judge_pictures.album(50, "judge-unseen", options.workdir, options.workers)
    autoencoder = AutoencoderTiny.from_pretrained(models.base_dir() / "vae", dtype=torch.float32)
    painted = painting.painted(album.images, autoencoder, options.workdir / "pictures", "judge-unseen")
    for name, value in measure_judge(oracle.load(), album, painted).items():
        if ":" in name:
            yield Bar("judge", name, value, 0.995)


def base_bars(options: TrainOptions, pictures: int) -> Iterable[Bar]:
    """Obedience read by the judge; and what the judge reads on renders of the same captions."""
    specs, judge = obedience.prompt_specs(pictures), oracle.load()
    drawn = obedience.read(obedience.generate(models.base_dir(), specs), specs, judge)
    rendered = obedience.read(data.render_many(specs, workers=1), specs, judge)
    obedience.report(drawn, rendered)
    for axis, least in _OBEDIENCE.items():
        yield Bar("base", axis, drawn[axis], least)
        yield Bar("judge", f"reads {axis} on renders", rendered[axis], JUDGE_READS)


def clip_bars(options: TrainOptions, pictures: int) -> Iterable[Bar]:
    """Words, and individuals: the judge's advantage over chance is the yardstick off the front."""
    unseen = gallery(100, "unseen", options.workdir, options.workers)
    scores = clip.measure(models.clip_dir(), unseen)
    log.info("clip %s", " ".join(f"{name} {value:.3f}" for name, value in scores.items()))
    for axis, least in _ZERO_SHOT.items():
        yield Bar("clip", axis, scores[axis], least)
    judged = identity_aucs(oracle.load().embed(unseen.images))
    for view_family in scene.ALL_FAMILIES:
        least = 0.95 if view_family in _FRONTAL else 0.5 + 0.8 * (judged[view_family] - 0.5)
        yield Bar("clip", f"head:{view_family}", scores[f"head:{view_family}"], least)


def face_bars(options: TrainOptions, pictures: int) -> Iterable[Bar]:
    """Detection and verification, by view family and by size of the face."""
    scores = face.measure(models.face_dir(), gallery(100, "unseen", options.workdir, options.workers))
    log.info("face %s", " ".join(f"{name} {value:.3f}" for name, value in scores.items()))
    for view_family in _FRONTAL:
        yield Bar("face", f"found:{view_family}", scores[f"found:{view_family}"], 0.98)
        yield Bar("face", f"auc:{view_family}", scores[f"auc:{view_family}"], 0.99)
    yield Bar("face", "found:behind", scores["found:behind"], 0.02, at_most=True)


MEASURES: dict[str, Callable[[TrainOptions, int], Iterable[Bar]]] = {
    "vae": vae_bars,
    "judge": judge_bars,
    "clip": clip_bars,
    "face": face_bars,
    "base": base_bars,
}


def main(arguments: Sequence[str] | None = None) -> None:
    """Parse the command line, measure, and log one line for each bar."""
    parser = argparse.ArgumentParser(prog="python -m bootstrap.puppets.train.bars", description=__doc__)
    parser.add_argument("models", nargs="*", choices=[*MEASURES, []], default=[], help="default: all")
    parser.add_argument("--pictures", type=int, default=1000, help="prompts that the base draws")
    parser.add_argument("--workdir", type=Path, default=TrainOptions().workdir)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--out", type=Path, default=None, help="a JSON file to write as well")
    given = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    checkpoint.pick_device("cpu", given.threads)
    options = TrainOptions(workdir=given.workdir)
    found = [bar for name in given.models or MEASURES for bar in MEASURES[name](options, given.pictures)]
    for bar in found:
        sign, verdict = ("<=" if bar.at_most else ">="), ("met" if bar.met else "MISSED")
        log.info("%-6s %-36s %.3f  %s %.3f  %s", bar.model, bar.measure, bar.value, sign, bar.bar, verdict)
    if given.out:
        given.out.write_text(json.dumps([asdict(bar) | {"met": bar.met} for bar in found], indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
