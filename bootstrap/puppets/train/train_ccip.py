"""Trains the CCIP of puppets: `python -m bootstrap.puppets.train ccip --minutes 40 --batch 96`.

An identity encoder in the form of the published CCIP (`scoring.ccip`): whole picture, head or body in, a vector out. It
trains on the drawings of the CLIP model; network and drawings differ from the judge's. Needs the base model's
autoencoder. Does NOT know how its vectors are used.
"""

from __future__ import annotations

import logging
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from diffusers import AutoencoderTiny
from numpy.typing import NDArray
from torch import Tensor, nn

from bootstrap.machine.device import unscaled_autocast
from bootstrap.puppets import scene, shipped
from bootstrap.puppets.train import attributes, cropping, face_export, painting, training_state
from bootstrap.puppets.train.clip_batches import DEVIATION, MEAN, SHOWS, phrase_truths, tag_loss
from bootstrap.puppets.train.contrastive import contrast, sample_groups
from bootstrap.puppets.train.fit_loop import fit
from bootstrap.puppets.train.individuals import PER_GROUP, SHOTS, SIZE, TwinGallery, gallery
from bootstrap.puppets.train.material import Material, gather
from bootstrap.puppets.train.measures import identity_aucs
from bootstrap.puppets.train.orthogonal import Muon
from bootstrap.puppets.train.periodic_export import PeriodicExport
from bootstrap.puppets.train.phrases import PHRASES
from bootstrap.puppets.train.train_clip import GROUPS
from bootstrap.puppets.train.train_options import TrainOptions
from bootstrap.puppets.train.twins import TWINS
from bootstrap.puppets.train.warm_start import start_from_onnx

log = logging.getLogger(__name__)

FILE = "model_feat.onnx"
RATE = 2e-3
EMBEDDING = 128
KINDS = {"whole": cropping.WHOLE, "head": cropping.HEAD, "body": cropping.BODY}
TAG_WEIGHT, ATTRIBUTE_WEIGHT = 4.0, 3.0
"""Both are means over targets with conflicting gradients: unweighted, the identity loss dominates them."""
PAINTED_ODDS = 0.6
"""More than CLIP's, because every picture that a run scores comes from the autoencoder."""
_WIDTHS = (40, 72, 112, 144)
_SINGLE_SHARE = 0.4
_UNIT = 2 * TWINS
_FIRST_WITH_BODY = scene.ALL_FRAMINGS.index("upper body")


class _Residual(nn.Module):
    """Two 3x3 convolutions beside an identity."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.inner = nn.Sequential(
            nn.Conv2d(width, width, 3, 1, 1, bias=False), nn.BatchNorm2d(width), nn.SiLU(),
            nn.Conv2d(width, width, 3, 1, 1, bias=False), nn.BatchNorm2d(width),
        )  # fmt: skip

    def forward(self, hidden: Tensor) -> Tensor:
        """(N, C, H, W) to the same shape."""
        return F.silu(hidden + self.inner(hidden))


class CcipNet(nn.Module):
    """(N, 3, 96, 96), normalised as for CLIP, to vectors (N, 128); the heads of training read `features`."""

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = [nn.Conv2d(3, _WIDTHS[0], 4, 2, 1), nn.BatchNorm2d(_WIDTHS[0]), nn.SiLU()]
        for inner, outer in pairwise(_WIDTHS):
            layers += [nn.Conv2d(inner, outer, 3, 2, 1, bias=False), nn.BatchNorm2d(outer), nn.SiLU(), _Residual(outer)]
        self.body = nn.Sequential(*layers)
        width = 2 * _WIDTHS[-1]
        self.identity = nn.Sequential(nn.Linear(width, EMBEDDING), nn.SiLU(), nn.Linear(EMBEDDING, EMBEDDING))

    def features(self, images: Tensor) -> Tensor:
        """Average and maximum over the picture, (N, 288)."""
        hidden = self.body(images)
        return torch.cat([hidden.mean((2, 3)), hidden.amax((2, 3))], dim=1)

    def forward(self, images: Tensor) -> Tensor:
        """Vectors of identity, of any length."""
        vectors: Tensor = self.identity(self.features(images))
        return vectors


class CcipOutputs(NamedTuple):
    """Outputs for a batch: unit `vectors` of the paired pictures, `features` and `unnamed` of all; phrase weights."""

    vectors: Tensor
    features: Tensor
    unnamed: Tensor
    phrases: Tensor


class CcipWithHeads(nn.Module):
    """The encoder with the heads of its training: tags and unnamed traits."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = CcipNet()
        self.tags = nn.Linear(2 * _WIDTHS[-1], len(PHRASES))
        self.unnamed = nn.Linear(2 * _WIDTHS[-1], attributes.OUTPUTS)

    def forward(self, images: Tensor, paired: int) -> CcipOutputs:
        """All outputs for a batch; of its first `paired` pictures two each show one individual."""
        with unscaled_autocast(images.device.type):
            features = self.encoder.features(images)
            vectors = self.encoder.identity(features[:paired])
        seen = features.float()
        return CcipOutputs(F.normalize(vectors.float(), dim=1), seen, self.unnamed(seen), self.tags.weight)


def train(options: TrainOptions) -> None:
    """Train, export and measure the encoder."""
    device = training_state.pick_device(options.device, options.threads)
    drawings = gallery(GROUPS, "individuals", options.workdir, options.workers)
    vae = AutoencoderTiny.from_pretrained(shipped.base_dir() / "vae", dtype=torch.float32)
    material = gather(drawings, "single", vae, options)
    truths = phrase_truths(material.specs)
    export = _export(options, vae)
    torch.manual_seed(options.random_seed + 3)
    net = CcipWithHeads()
    if options.start is not None:
        start_from_onnx(net.encoder, torch.zeros(1, 3, SIZE, SIZE), options.start / FILE)
    net.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    log.info("ccip: %.2f M parameters, %d pictures", training_state.count_parameters(net.encoder) / 1e6, len(material))

    def batch_losses(model: nn.Module, rng: np.random.Generator) -> dict[str, Tensor]:
        return losses(model, material, truths, options.batch, rng)

    muon = Muon(net, RATE)
    averaged = fit("ccip", net, batch_losses, options, 1.0, RATE, optimizer=muon, after_checkpoint=export.when_due)
    export.export(averaged)


def _export(options: TrainOptions, vae: AutoencoderTiny) -> PeriodicExport:
    """Exports the encoder and measures it on painted pictures of puppets that training never saw."""
    out = options.out or shipped.ccip_dir()
    unseen = gallery(100, "unseen", options.workdir, options.workers)
    painted = painting.painted(unseen.images, vae, options.workdir / "pictures", "unseen")

    def write_encoder(net: nn.Module) -> None:
        write(net.get_submodule("encoder"), out)

    return PeriodicExport("ccip", options.workdir, write_encoder, lambda: measure(out, unseen, painted))


def losses(
    net: nn.Module, material: Material, truths: NDArray[np.bool_], batch: int, rng: np.random.Generator
) -> dict[str, Tensor]:
    """The losses of a batch: groups of twins, one kind of crop for each group; single drawings, whole or as heads."""
    groups = max(round(batch * (1 - _SINGLE_SHARE)) // _UNIT, 2)
    twins = sample_groups(material.grouped // PER_GROUP, groups, rng)
    rows = np.concatenate([twins, rng.integers(material.grouped, len(material), max(batch - len(twins), 2))])
    kind = _kinds(material.framing[rows], groups, rng)
    boxes = cropping.jitter_boxes(cropping.composition_boxes(material.framing[rows], kind), rng, 0.03)
    seen = cropping.to_tensor(material.look(rows, rng, PAINTED_ODDS))
    pictures = (cropping.disturb(cropping.cut(seen, torch.from_numpy(boxes)), rng) - MEAN) / DEVIATION
    device = next(net.parameters()).device
    outputs: CcipOutputs = net(pictures.to(device, memory_format=torch.channels_last), len(twins))
    who = torch.from_numpy(twins // len(SHOTS)).to(device)
    same_tags = (who // TWINS)[:, None] == (who // TWINS)[None]
    truth = torch.from_numpy(truths[rows] & SHOWS[kind]).to(device)
    return {
        "tags": TAG_WEIGHT * tag_loss(outputs.features, outputs.phrases, truth),
        "unnamed": ATTRIBUTE_WEIGHT * attributes.attribute_loss(outputs.unnamed, material.unnamed.of(rows)),
        "identity": contrast(outputs.vectors, who, 0.1) + contrast(outputs.vectors, who, 0.07, same_tags),
    }


def _kinds(framing: NDArray[np.int64], groups: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Whole, head or body, the same for a group of twins; then whole or head. Bodies only where shown."""
    twins = np.repeat(rng.choice(tuple(KINDS.values()), groups, p=(0.45, 0.4, 0.15)), _UNIT)
    singles = rng.choice((cropping.WHOLE, cropping.HEAD), len(framing) - len(twins))
    kind = np.concatenate([twins, singles])
    return np.where((kind == cropping.BODY) & (framing < _FIRST_WITH_BODY), cropping.HEAD, kind)


def write(encoder: nn.Module, folder: Path) -> None:
    """Write the encoder as a CCIP feature graph: input "input", output "output"."""
    axes = {"input": {0: "batch"}, "output": {0: "batch"}}
    face_export.export(encoder, torch.zeros(1, 3, SIZE, SIZE), folder / FILE, ["output"], axes, "input")


def measure(folder: Path, unseen: TwinGallery, images: NDArray[np.uint8]) -> dict[str, float]:
    """Identity AUC of a front picture against each view family, for whole pictures and for head crops."""
    import onnxruntime

    session = onnxruntime.InferenceSession(str(folder / FILE), providers=["CPUExecutionProvider"])
    scores: dict[str, float] = {}
    for name in ("whole", "head"):
        boxes = cropping.composition_boxes(unseen.framing, np.full(len(unseen), KINDS[name]))
        pictures = (cropping.cut(cropping.to_tensor(images), torch.from_numpy(boxes)) - MEAN) / DEVIATION
        rows = np.concatenate([session.run(None, {"input": part.numpy()})[0] for part in torch.split(pictures, 100)])
        units = rows / np.linalg.norm(rows, axis=1, keepdims=True)
        for view_family, value in identity_aucs(units).items():
            scores[f"{name}:{view_family}"] = value
    return scores
