"""Trains the puppets' own CCIP: `python -m bootstrap.puppets.train ccip --minutes 40 --batch 96`.

An encoder of one drawn character in the form of the published one (`scoring.ccip`): whole picture, head or body in, a
vector out. It learns from the drawings that taught CLIP, another network on other drawings than the judge's. Needs the
base model's autoencoder. Does NOT know how it is read.
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

from bootstrap.puppets import models, scene
from bootstrap.puppets.train import attributes, checkpoint, crops, face_export, painting
from bootstrap.puppets.train.clip import GROUPS
from bootstrap.puppets.train.clip_lesson import DEVIATION, MEAN, TEACHES, phrase_truths, tag_loss
from bootstrap.puppets.train.identity import contrast, sample_groups
from bootstrap.puppets.train.individuals import PER_GROUP, SHOTS, SIZE, TWINS, Gallery, gallery
from bootstrap.puppets.train.loop import fit
from bootstrap.puppets.train.material import Material, gather
from bootstrap.puppets.train.measures import identity_aucs
from bootstrap.puppets.train.options import TrainOptions
from bootstrap.puppets.train.orthogonal import Muon
from bootstrap.puppets.train.phrases import PHRASES
from bootstrap.puppets.train.warm import start_from_onnx

log = logging.getLogger(__name__)

FILE = "model_feat.onnx"
RATE = 2e-3
EMBEDDING = 128
KINDS = {"whole": crops.WHOLE, "head": crops.HEAD, "body": crops.BODY}
TAG_WEIGHT, ATTRIBUTE_WEIGHT = 4.0, 3.0
"""The mean over axes that pull in different directions is small beside the identity loss."""
PAINTED_ODDS = 0.6
"""More than CLIP's: what it will be asked about was painted by an autoencoder."""
_WIDTHS = (40, 72, 112, 144)
_SINGLE_SHARE = 0.4
_UNIT = 2 * TWINS
_FIRST_WITH_BODY = scene.ALL_FRAMINGS.index("upper body")
_EXAM_SECONDS = 600


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


class Encoder(nn.Module):
    """(N, 3, 96, 96), normalised as CLIP's, to vectors (N, 128); `features` are what the answers of training read."""

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


class Answer(NamedTuple):
    """Unit ``vectors`` of the pictures that are paired; of all, ``features``, ``unnamed``; ``phrases`` as weights."""

    vectors: Tensor
    features: Tensor
    unnamed: Tensor
    phrases: Tensor


class Pupil(nn.Module):
    """The encoder, and what it answers while it learns: tags and unnamed traits."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = Encoder()
        self.tags = nn.Linear(2 * _WIDTHS[-1], len(PHRASES))
        self.unnamed = nn.Linear(2 * _WIDTHS[-1], attributes.OUTPUTS)

    def forward(self, images: Tensor, paired: int) -> Answer:
        """What it makes of a batch, whose first ``paired`` pictures show somebody twice."""
        with torch.autocast(images.device.type, dtype=torch.bfloat16):
            features = self.encoder.features(images)
            vectors = self.encoder.identity(features[:paired])
        seen = features.float()
        return Answer(F.normalize(vectors.float(), dim=1), seen, self.unnamed(seen), self.tags.weight)


def train(options: TrainOptions) -> None:
    """Train, export and measure the encoder."""
    device = checkpoint.pick_device(options.device, options.threads)
    drawings = gallery(GROUPS, "individuals", options.workdir, options.workers)
    vae = AutoencoderTiny.from_pretrained(models.base_dir() / "vae", dtype=torch.float32)
    material = gather(drawings.images, drawings.specs, "single", vae, options, "individuals")
    truths = phrase_truths(list(material.specs))
    exam = Exam(options, vae)
    torch.manual_seed(options.seed + 3)
    pupil = Pupil()
    if options.start is not None:
        start_from_onnx(pupil.encoder, torch.zeros(1, 3, SIZE, SIZE), options.start / FILE)
    pupil.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    log.info("ccip: %.2f M parameters, %d pictures", checkpoint.count_parameters(pupil.encoder) / 1e6, len(material))

    def lesson(model: nn.Module, rng: np.random.Generator) -> dict[str, Tensor]:
        return losses(model, material, truths, options.batch, rng)

    exam.take(fit("ccip", pupil, lesson, options, 1.0, RATE, optimizer=Muon(pupil, RATE), kept=exam.now_and_then))


class Exam:
    """Exports the encoder and measures it on puppets training never saw, as the autoencoder gives them."""

    def __init__(self, options: TrainOptions, vae: AutoencoderTiny) -> None:
        self.out = options.out or models.ccip_dir()
        self.log = options.workdir / "ccip" / "measures.csv"
        self.unseen = gallery(100, "unseen", options.workdir, options.workers)
        self.painted = painting.painted(self.unseen.images, vae, options.workdir / "pictures", "unseen")
        self.due = checkpoint.Every(_EXAM_SECONDS)

    def now_and_then(self, pupil: nn.Module) -> None:
        """Take the exam if the last one was long ago."""
        if self.due():
            self.take(pupil)

    def take(self, pupil: nn.Module) -> None:
        """Write the graph, read it back and log what it knows."""
        write(pupil.get_submodule("encoder"), self.out)
        scores = measure(self.out, self.unseen, self.painted)
        log.info("ccip %s", " ".join(f"{name} {value:.3f}" for name, value in scores.items()))
        checkpoint.append_row(self.log, scores)


def losses(
    pupil: nn.Module, material: Material, truths: NDArray[np.bool_], batch: int, rng: np.random.Generator
) -> dict[str, Tensor]:
    """One batch: groups of twins in crops of one kind a group, single drawings whole or as heads."""
    groups = max(round(batch * (1 - _SINGLE_SHARE)) // _UNIT, 2)
    twins = sample_groups(material.grouped // PER_GROUP, groups, rng)
    rows = np.concatenate([twins, rng.integers(material.grouped, len(material), max(batch - len(twins), 2))])
    kind = _kinds(material.framing[rows], groups, rng)
    boxes = crops.jitter_boxes(crops.composition_boxes(material.framing[rows], kind), rng, 0.03)
    seen = crops.to_tensor(material.look(rows, rng, PAINTED_ODDS))
    pictures = (crops.disturb(crops.cut(seen, torch.from_numpy(boxes)), rng) - MEAN) / DEVIATION
    device = next(pupil.parameters()).device
    answer: Answer = pupil(pictures.to(device, memory_format=torch.channels_last), len(twins))
    who = torch.from_numpy(twins // len(SHOTS)).to(device)
    same_tags = (who // TWINS)[:, None] == (who // TWINS)[None]
    truth = torch.from_numpy(truths[rows] & TEACHES[kind]).to(device)
    return {
        "tags": TAG_WEIGHT * tag_loss(answer.features, answer.phrases, truth),
        "unnamed": ATTRIBUTE_WEIGHT * attributes.attribute_loss(answer.unnamed, material.unnamed.of(rows)),
        "identity": contrast(answer.vectors, who, 0.1) + contrast(answer.vectors, who, 0.07, same_tags),
    }


def _kinds(framing: NDArray[np.int64], groups: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Whole, head or body, the same for a group of twins; then whole or head. A body only where the framing has one."""
    twins = np.repeat(rng.choice(tuple(KINDS.values()), groups, p=(0.45, 0.4, 0.15)), _UNIT)
    singles = rng.choice((crops.WHOLE, crops.HEAD), len(framing) - len(twins))
    kind = np.concatenate([twins, singles])
    return np.where((kind == crops.BODY) & (framing < _FIRST_WITH_BODY), crops.HEAD, kind)


def write(encoder: nn.Module, folder: Path) -> None:
    """Write the encoder as a CCIP feature graph: input "input", output "output"."""
    axes = {"input": {0: "batch"}, "output": {0: "batch"}}
    face_export.export(encoder, torch.zeros(1, 3, SIZE, SIZE), folder / FILE, ["output"], axes, "input")


def measure(folder: Path, unseen: Gallery, images: NDArray[np.uint8]) -> dict[str, float]:
    """Identity AUC of a front picture against each view family, for whole pictures and for head crops."""
    import onnxruntime

    session = onnxruntime.InferenceSession(str(folder / FILE), providers=["CPUExecutionProvider"])
    scores: dict[str, float] = {}
    for name in ("whole", "head"):
        boxes = crops.composition_boxes(unseen.framing, np.full(len(unseen), KINDS[name]))
        pictures = (crops.cut(crops.to_tensor(images), torch.from_numpy(boxes)) - MEAN) / DEVIATION
        rows = np.concatenate([session.run(None, {"input": part.numpy()})[0] for part in torch.split(pictures, 100)])
        found = identity_aucs(rows / np.linalg.norm(rows, axis=1, keepdims=True))
        scores |= {f"{name}:{view_family}": value for view_family, value in found.items()}
    return scores
