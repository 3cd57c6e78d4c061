"""Measures every shipped model against its bars: `python -m bootstrap.puppets.train.bars --pictures 1000`.

The puppets are not those of any training. Does NOT know how the models were trained.
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

from bootstrap.puppets import scene, shipped
from bootstrap.puppets.judge import load_judge
from bootstrap.puppets.train import (
    data,
    judge_pictures,
    obedience,
    painting,
    train_clip,
    train_face,
    train_vae,
    training_state,
)
from bootstrap.puppets.train.base_folder import read_base
from bootstrap.puppets.train.individuals import gallery
from bootstrap.puppets.train.judge_measures import measure as measure_judge
from bootstrap.puppets.train.measures import identity_aucs
from bootstrap.puppets.train.periodic_export import log_scores
from bootstrap.puppets.train.train_options import TrainOptions

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
_SHARES_OF_PAINTED = {
    "front expression": 0.90,
    "front eye_color": 0.97,
    "hair_style": 0.98,
    "hair_color": 0.98,
    "top_color": 0.98,
}
"""Axis -> least share of the judge's accuracy on painted renders, so that its own limits do not count."""
_GRADIENT_OFF = 0.10
_ZERO_SHOT = {"view_family": 0.95, "hair_color": 0.95, "hair_style": 0.90, "retrieval": 0.60}
_FRONTAL = ("front", "three-quarter")


@dataclass(frozen=True)
class Bar:
    """One measurement and the value that it should reach; with `at_most`, the value that it should not exceed."""

    model: str
    measure: str
    value: float
    bar: float
    at_most: bool = False

    @property
    def met(self) -> bool:
        """Whether the measurement meets the bar."""
        if self.at_most:
            return self.value <= self.bar
        return self.value >= self.bar

    def __str__(self) -> str:
        sign, outcome = ">=", "MISSED"
        if self.at_most:
            sign = "<="
        if self.met:
            outcome = "met"
        return f"{self.model:<6} {self.measure:<36} {self.value:.3f}  {sign} {self.bar:.3f}  {outcome}"


def vae_bars(options: TrainOptions, pictures: int) -> Iterable[Bar]:
    """Reconstruction of unseen drawings."""
    autoencoder = AutoencoderTiny.from_pretrained(shipped.base_dir() / "vae", dtype=torch.float32)
    unseen = data.dataset(500, "unseen", options.workdir, options.workers).images
    yield Bar("vae", "mean absolute error", train_vae.reconstruction_error(autoencoder, unseen), 0.035, at_most=True)


def judge_bars(options: TrainOptions, pictures: int) -> Iterable[Bar]:
    """How well the judge tells individuals apart within a view family, on drawings and on painted ones."""
    album = judge_pictures.album(50, "judge-unseen", options.workdir, options.workers)
    autoencoder = AutoencoderTiny.from_pretrained(shipped.base_dir() / "vae", dtype=torch.float32)
    painted = painting.painted(album.images, autoencoder, options.workdir / "pictures", "judge-unseen")
    for name, value in measure_judge(load_judge(), album, painted).items():
        if ":" in name:
            yield Bar("judge", name, value, 0.995)


def base_bars(options: TrainOptions, pictures: int) -> Iterable[Bar]:
    """Obedience as the judge reads it, alone and against painted renders of the same captions, and the sharpness."""
    specs, judge = obedience.prompt_specs(pictures), load_judge()
    images = obedience.generate(shipped.base_dir(), specs)
    renders = data.render_many(specs, workers=1)
    painted_renders = painting.paint(renders, read_base(shipped.base_dir()).vae)
    drawn, rendered, painted = (obedience.read(one, specs, judge) for one in (images, renders, painted_renders))
    obedience.report(drawn, rendered, painted)
    for axis, least in _OBEDIENCE.items():
        yield Bar("base", axis, drawn[axis], least)
        yield Bar("judge", f"reads {axis} on renders", rendered[axis], JUDGE_READS)
    shares = obedience.shares_of(drawn, painted)
    for axis, least in _SHARES_OF_PAINTED.items():
        yield Bar("base", f"{axis} / painted", shares[axis], least)
    sharpness = obedience.gradient_energy(images) / obedience.gradient_energy(painted_renders)
    log.info("gradient energy, drawn / painted: %.3f", sharpness)
    yield Bar("base", "gradient energy / painted, off 1", abs(sharpness - 1), _GRADIENT_OFF, at_most=True)


def clip_bars(options: TrainOptions, pictures: int) -> Iterable[Bar]:
    """Zero-shot accuracy and identity; outside frontal views the identity bar follows the judge's own AUC."""
    unseen = gallery(100, "unseen", options.workdir, options.workers)
    scores = train_clip.measure(shipped.clip_dir(), unseen)
    log_scores("clip", scores)
    for axis, least in _ZERO_SHOT.items():
        yield Bar("clip", axis, scores[axis], least)
    judged = identity_aucs(load_judge().embed(unseen.images))
    for view_family in scene.ALL_VIEW_FAMILIES:
        least = 0.5 + 0.8 * (judged[view_family] - 0.5)
        if view_family in _FRONTAL:
            least = 0.95
        yield Bar("clip", f"head:{view_family}", scores[f"head:{view_family}"], least)


def face_bars(options: TrainOptions, pictures: int) -> Iterable[Bar]:
    """Detection and verification, by view family and by size of the face."""
    scores = train_face.measure(shipped.face_dir(), gallery(100, "unseen", options.workdir, options.workers))
    log_scores("face", scores)
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
    training_state.pick_device("cpu", given.threads)
    options = TrainOptions(workdir=given.workdir)
    found: list[Bar] = []
    for name in given.models or MEASURES:
        found += MEASURES[name](options, given.pictures)
    for bar in found:
        log.info("%s", bar)
    if given.out:
        given.out.write_text(json.dumps([asdict(bar) | {"met": bar.met} for bar in found], indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
