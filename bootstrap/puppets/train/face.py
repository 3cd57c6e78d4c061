"""Trains the face pack: a detector, then a recogniser, and writes both for insightface.

`python -m bootstrap.puppets.train face --minutes 14`. `insightface.app.FaceAnalysis(name=FOLDER)` loads the pack; use
it with `prepare(det_size=(128, 128))`. Does NOT know how a panel uses faces.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from diffusers import AutoencoderTiny
from numpy.typing import NDArray
from torch import Tensor, nn

from bootstrap.puppets import models, scene
from bootstrap.puppets.train import checkpoint, face_export
from bootstrap.puppets.train.face_detector import SIDE, Detector, Faces, detection_losses
from bootstrap.puppets.train.face_recogniser import EMBEDDING, Learner, recognition_losses
from bootstrap.puppets.train.face_recogniser import SIDE as ALIGNED
from bootstrap.puppets.train.individuals import SHOTS, Gallery, gallery
from bootstrap.puppets.train.loop import fit
from bootstrap.puppets.train.material import gather
from bootstrap.puppets.train.measures import identity_aucs
from bootstrap.puppets.train.options import TrainOptions
from bootstrap.puppets.train.orthogonal import Muon
from bootstrap.puppets.train.warm import start_from_onnx

log = logging.getLogger(__name__)

GROUPS = 1400
DETECTOR_SHARE = 0.25
THRESHOLD = 0.5
RATE = 3e-3
_WIDTHS = (32, 40, 52)  # about full body, upper body, portrait of a 96-pixel picture


def train(options: TrainOptions) -> None:
    """Train, export and measure both models."""
    device = checkpoint.pick_device(options.device, options.threads)
    drawings = gallery(GROUPS, "individuals", options.workdir, options.workers)
    out = options.out or models.face_dir()
    train_detector(options, drawings, device, out)
    train_recogniser(options, drawings, device, out)
    scores = measure(out, gallery(100, "unseen", options.workdir, options.workers))
    log.info("face %s", " ".join(f"{name} {value:.3f}" for name, value in scores.items()))
    checkpoint.append_row(options.workdir / "face-measures.csv", scores)


def train_detector(options: TrainOptions, drawings: Gallery, device: torch.device, out: Path) -> None:
    """Train and export the detector."""

    def lesson(model: nn.Module, rng: np.random.Generator) -> dict[str, Tensor]:
        faces = Faces(drawings, options.batch, rng)
        with torch.autocast(device.type, dtype=torch.bfloat16):
            outputs = model(faces.images.to(device, memory_format=torch.channels_last))
        return detection_losses([output.float().cpu() for output in outputs], faces)

    torch.manual_seed(options.seed)
    model = Detector().to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    if options.start is not None:
        start_from_onnx(model, torch.zeros(1, 3, SIDE, SIDE, device=device), options.start / face_export.DETECTOR)
    muon = Muon(model, RATE)
    trained = fit("face-detector", model, lesson, options, DETECTOR_SHARE, RATE, optimizer=muon)
    face_export.export_detector(trained, out)


def train_recogniser(options: TrainOptions, drawings: Gallery, device: torch.device, out: Path) -> None:
    """Train and export the recogniser."""

    vae = AutoencoderTiny.from_pretrained(models.base_dir() / "vae", dtype=torch.float32)
    material = gather(drawings.images, drawings.specs, "single", vae, replace(options, pictures=1), "individuals")

    def lesson(model: nn.Module, rng: np.random.Generator) -> dict[str, Tensor]:
        return recognition_losses(model, drawings, material, 2 * options.batch, rng)

    torch.manual_seed(options.seed)
    model = Learner().to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    if options.start is not None:
        face = torch.zeros(1, 3, ALIGNED, ALIGNED, device=device)
        start_from_onnx(model.recogniser, face, options.start / face_export.RECOGNISER)
    muon = Muon(model, RATE)
    trained = fit("face-recogniser", model, lesson, options, 1 - DETECTOR_SHARE, RATE, optimizer=muon)
    assert isinstance(trained, Learner)
    face_export.export_recogniser(trained.recogniser, out)


def load(folder: Path) -> Any:
    """The pack as insightface loads it, ready at the detector's own size."""
    from insightface.app import FaceAnalysis

    pack = FaceAnalysis(name=str(folder), providers=["CPUExecutionProvider"])
    pack.prepare(ctx_id=-1, det_thresh=THRESHOLD, det_size=(SIDE, SIDE))
    return pack


def measure(folder: Path, unseen: Gallery) -> dict[str, float]:
    """Share of pictures with a face found by view family, and identity AUC through the whole pack.

    A picture without a face counts in no AUC: its embedding is replaced by that of nobody (zeros). "auc>=40:front":
    pairs in which both boxes are at least 40 pixels wide, which says from what size on a face may speak.
    """
    pack = load(folder)
    widths, embeddings = np.zeros(len(unseen)), np.zeros((len(unseen), EMBEDDING))
    for index, image in enumerate(unseen.images):
        faces = pack.get(np.ascontiguousarray(image[:, :, ::-1]), max_num=1)
        if faces:
            left, _, right, _ = faces[0].bbox
            widths[index], embeddings[index] = max(right - left, 1e-3), faces[0].normed_embedding
    scores = {f"found:{view_family}": value for view_family, value in _by_family(widths > 0, unseen).items()}
    scores |= {f"auc:{view_family}": value for view_family, value in identity_aucs(embeddings, widths > 0).items()}
    for least in _WIDTHS:
        large = identity_aucs(embeddings, widths >= least)
        scores |= {f"auc>={least}:{view_family}": large[view_family] for view_family in ("front", "three-quarter")}
    return scores


def _by_family(found: NDArray[np.bool_], unseen: Gallery) -> dict[str, float]:
    return {
        view_family: float(found[unseen.view_family == place].mean())
        for place, view_family in enumerate(scene.ALL_FAMILIES)
        if view_family in SHOTS
    }
