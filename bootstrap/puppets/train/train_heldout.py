"""Trains the held-out identity encoder: `python -m bootstrap.puppets.train heldout --minutes 5 --batch 60`.

Its architecture and its puppets differ from those of the other scorers, because it decides when a run stops and never
which frames are kept. Does NOT know how its vectors are used.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from bootstrap.machine.device import unscaled_autocast
from bootstrap.puppets import shipped
from bootstrap.puppets.train import cropping, face_export, training_state
from bootstrap.puppets.train.contrastive import identity_loss, sample_groups
from bootstrap.puppets.train.fit_loop import fit
from bootstrap.puppets.train.individuals import SIZE, TwinGallery, gallery
from bootstrap.puppets.train.measures import identity_aucs
from bootstrap.puppets.train.orthogonal import Muon
from bootstrap.puppets.train.periodic_export import log_scores
from bootstrap.puppets.train.train_options import TrainOptions
from bootstrap.puppets.train.twins import TWINS
from bootstrap.puppets.train.warm_start import start_from_onnx

GROUPS = 350
RATE = 3e-3
FILE = "heldout.onnx"
EMBEDDING = 128
_WIDTHS = (24, 48, 96, 128)


class HeldoutNet(nn.Module):
    """(N, 3, 96, 96) in -1..1 to unit embeddings (N, 128): plain group-normed convolutions, no shortcuts, mean pool."""

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = [nn.Conv2d(3, _WIDTHS[0], 4, 4)]
        for inner, outer in zip(_WIDTHS, (*_WIDTHS[1:], _WIDTHS[-1]), strict=True):
            layers += [nn.GroupNorm(8, inner), nn.SiLU(), nn.Conv2d(inner, outer, 3, 1, 1), nn.AvgPool2d(2)]
        self.body = nn.Sequential(*layers[:-1], nn.GroupNorm(8, _WIDTHS[-1]), nn.SiLU(), nn.AdaptiveAvgPool2d(1))
        self.head = nn.Linear(_WIDTHS[-1], EMBEDDING)

    def forward(self, images: Tensor) -> Tensor:
        """Unit embeddings."""
        return F.normalize(self.head(self.body(images).flatten(1)).float(), dim=1)


def train(options: TrainOptions) -> None:
    """Train, export and measure the encoder."""
    device = training_state.pick_device(options.device, options.threads)
    drawings = gallery(GROUPS, "heldout", options.workdir, options.workers)
    out = options.out or shipped.heldout_dir()

    def batch_losses(model: nn.Module, rng: np.random.Generator) -> dict[str, Tensor]:
        return identity_losses(model, drawings, options.batch, rng)

    torch.manual_seed(options.random_seed + 1)
    model = HeldoutNet().to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    if options.start is not None:
        start_from_onnx(model, torch.zeros(1, 3, SIZE, SIZE, device=device), options.start / FILE)
    write(fit("heldout", model, batch_losses, options, 1.0, RATE, optimizer=Muon(model, RATE)), out)
    scores = measure(out, gallery(100, "unseen", options.workdir, options.workers))
    log_scores("heldout", scores)
    training_state.append_row(options.workdir / "heldout-measures.csv", scores)


def identity_losses(model: nn.Module, drawings: TwinGallery, batch: int, rng: np.random.Generator) -> dict[str, Tensor]:
    """The identity loss of one batch, half of its groups as head crops."""
    rows = sample_groups(drawings.groups, max(batch // (2 * TWINS), 2), rng)
    kind = np.repeat(np.where(rng.random(len(rows) // 6) < 0.5, cropping.HEAD, cropping.WHOLE), 6)
    boxes = cropping.jitter_boxes(cropping.composition_boxes(drawings.framing[rows], kind), rng)
    pictures = cropping.disturb(cropping.cut(cropping.to_tensor(drawings.images[rows]), torch.from_numpy(boxes)), rng)
    device = next(model.parameters()).device
    with unscaled_autocast(device.type):
        embeddings = model((pictures * 2 - 1).to(device, memory_format=torch.channels_last))
    return {"identity": identity_loss(embeddings, torch.from_numpy(drawings.individual[rows]).to(device))}


def write(model: nn.Module, folder: Path) -> None:
    """Write the encoder as ONNX: input "images", output "embeddings"."""
    axes = {"images": {0: "batch"}, "embeddings": {0: "batch"}}
    face_export.export(model, torch.zeros(1, 3, SIZE, SIZE), folder / FILE, ["embeddings"], axes, "images")


def measure(folder: Path, unseen: TwinGallery) -> dict[str, float]:
    """Identity AUC by view family, for whole pictures and for head crops."""
    session = onnxruntime.InferenceSession(str(folder / FILE), providers=["CPUExecutionProvider"])
    scores: dict[str, float] = {}
    for name, kind in (("whole", cropping.WHOLE), ("head", cropping.HEAD)):
        boxes = cropping.composition_boxes(unseen.framing, np.full(len(unseen), kind))
        pictures = cropping.cut(cropping.to_tensor(unseen.images), torch.from_numpy(boxes)) * 2 - 1
        parts: list[NDArray[np.float32]] = [
            session.run(None, {"images": part.numpy()})[0] for part in torch.split(pictures, 100)
        ]
        for view_family, value in identity_aucs(np.concatenate(parts)).items():
            scores[f"{name}:{view_family}"] = value
    return scores
