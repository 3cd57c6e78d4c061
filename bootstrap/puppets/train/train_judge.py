"""Trains the judge: `python -m bootstrap.puppets.train judge --minutes 60 --batch 96`.

It reads every axis of a picture and tells individuals apart, on drawings and on painted drawings. It serves evaluation
only. Needs the base model's autoencoder. Does NOT know how its outputs are used.
"""

from __future__ import annotations

import logging

import numpy as np
import torch
import torch.nn.functional as F
from diffusers import AutoencoderTiny
from numpy.typing import NDArray
from torch import Tensor, nn

from bootstrap.machine.device import unscaled_autocast
from bootstrap.puppets import shipped
from bootstrap.puppets.judge import load_judge, new_judge_net, save_judge
from bootstrap.puppets.train import attributes, cropping, judge_pictures, judge_truth, painting, training_state
from bootstrap.puppets.train.contrastive import contrast
from bootstrap.puppets.train.fit_loop import fit
from bootstrap.puppets.train.judge_measures import measure
from bootstrap.puppets.train.judge_pictures import PER_GROUP, SHOTS
from bootstrap.puppets.train.material import Material, gather
from bootstrap.puppets.train.orthogonal import Muon
from bootstrap.puppets.train.periodic_export import PeriodicExport
from bootstrap.puppets.train.train_options import TrainOptions
from bootstrap.puppets.train.twins import TWINS

log = logging.getLogger(__name__)

GROUPS, UNSEEN_GROUPS = 600, 50
RATE = 2e-3
ANSWER_WEIGHT, ATTRIBUTE_WEIGHT = 6.0, 3.0
"""Both are means over targets with conflicting gradients: unweighted, the identity loss dominates them."""
_SINGLE_SHARE = 0.4
_PAINTED_ODDS = 0.5

_FAMILIES = len(SHOTS) // 2


def train(options: TrainOptions) -> None:
    """Train, export and measure the judge."""
    device = training_state.pick_device(options.device, options.threads)
    vae = AutoencoderTiny.from_pretrained(shipped.base_dir() / "vae", dtype=torch.float32)
    album = judge_pictures.album(GROUPS, "judge", options.workdir, options.workers)
    material = gather(album, "judge-single", vae, options)
    labels = judge_truth.labels(material.specs)
    export = _export(options, vae)
    torch.manual_seed(options.random_seed + 2)
    net = new_judge_net(attributes.OUTPUTS)
    if options.start is not None:
        net = load_judge(options.start).net
    net.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    log.info("judge: %.2f M parameters, %d pictures", training_state.count_parameters(net) / 1e6, len(material))

    def batch_losses(model: nn.Module, rng: np.random.Generator) -> dict[str, Tensor]:
        return losses(model, material, labels, options.batch, rng)

    muon = Muon(net, RATE)
    averaged = fit("judge", net, batch_losses, options, 1.0, RATE, optimizer=muon, after_checkpoint=export.when_due)
    export.export(averaged)


def _export(options: TrainOptions, vae: AutoencoderTiny) -> PeriodicExport:
    """Exports the judge and measures it on puppets that training never saw."""
    out = options.out or shipped.judge_dir()
    unseen = judge_pictures.album(UNSEEN_GROUPS, "judge-unseen", options.workdir, options.workers)
    painted = painting.painted(unseen.images, vae, options.workdir / "pictures", "judge-unseen")

    def write_judge(net: nn.Module) -> None:
        save_judge(net, out)

    return PeriodicExport("judge", options.workdir, write_judge, lambda: measure(load_judge(out), unseen, painted))


def sample_rows(
    grouped: int, total: int, batch: int, rng: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows of a batch and the individual on each (-1 for single drawings): pairs of twins, then single drawings.

    Half of the pairs are of one view family.

    Args:
        grouped: rows of the album.
        total: rows altogether.
        batch: how many to draw.
        rng: source of the draw.
    """
    groups = max(round(batch * (1 - _SINGLE_SHARE)) // (2 * TWINS), 2)
    rows, who = [], []
    for group in rng.choice(grouped // PER_GROUP, groups, replace=False):
        first = int(rng.integers(len(SHOTS)))
        step = _FAMILIES if rng.random() < 0.5 else int(rng.integers(1, len(SHOTS)))
        second = (first + step) % len(SHOTS)
        for number in range(TWINS):
            start = group * PER_GROUP + number * len(SHOTS)
            rows += [start + first, start + second]
            who += [group * TWINS + number] * 2
    singles = rng.integers(grouped, total, max(batch - len(rows), 0))
    nobody = np.full(len(singles), -1)
    return np.concatenate([rows, singles]).astype(np.int64), np.concatenate([who, nobody]).astype(np.int64)


def losses(
    net: nn.Module, material: Material, labels: NDArray[np.int64], batch: int, rng: np.random.Generator
) -> dict[str, Tensor]:
    """The losses of a batch: every axis, the unnamed traits, and identity."""
    rows, who = sample_rows(material.grouped, len(material), batch, rng)
    device = next(net.parameters()).device
    whole, heads = _views(material, rows, rng)
    with unscaled_autocast(device.type):
        reading = net(*(part.to(device, memory_format=torch.channels_last) for part in (whole, heads)))
    named = torch.from_numpy(labels[rows]).to(device)
    return {
        "axes": ANSWER_WEIGHT * _axes_loss(reading.axes, named),
        "unnamed": ATTRIBUTE_WEIGHT * attributes.attribute_loss(reading.attributes, material.unnamed.of(rows)),
        "identity": _identity_loss(reading.identity, who),
    }


def _identity_loss(embeddings: Tensor, who: NDArray[np.int64]) -> Tensor:
    """Contrast with all individuals of the batch, plus contrast with the twins alone."""
    paired = torch.from_numpy((who >= 0).nonzero()[0]).to(embeddings.device)
    people = torch.from_numpy(who[who >= 0]).to(embeddings.device)
    twins = (people // TWINS)[:, None] == (people // TWINS)[None]
    found = embeddings[paired]
    return contrast(found, people, 0.1) + contrast(found, people, 0.07, twins)


def _views(material: Material, rows: NDArray[np.int64], rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    """Whole pictures and head crops in -1..1, half of them painted, all augmented."""
    pictures = cropping.disturb(cropping.to_tensor(material.look(rows, rng, _PAINTED_ODDS)), rng)
    framing = material.framing[rows]
    boxes = cropping.composition_boxes(framing, np.full(len(rows), cropping.HEAD))
    heads = cropping.cut(pictures, torch.from_numpy(cropping.jitter_boxes(boxes, rng, 0.03)))
    return pictures * 2 - 1, heads * 2 - 1


def _axes_loss(axes: dict[str, Tensor], labels: Tensor) -> Tensor:
    """Mean cross entropy over the axes that some picture of the batch shows."""
    found = []
    for column, logits in enumerate(axes.values()):
        shown = labels[:, column] != judge_truth.NOTHING
        if shown.any():
            found.append(F.cross_entropy(logits[shown], labels[shown, column]))
    return torch.stack(found).mean()
