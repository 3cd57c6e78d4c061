"""Trains the face pack: a detector, then a recogniser, and writes both in the form that insightface loads.

`python -m bootstrap.puppets.train face --minutes 14`. `insightface.app.FaceAnalysis(name=FOLDER)` loads the pack; use
it with `prepare(det_size=(128, 128))`. Does NOT know how a panel uses faces.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from diffusers import AutoencoderTiny
from torch import Tensor, nn

from bootstrap.machine.device import unscaled_autocast
from bootstrap.puppets import scene, shipped
from bootstrap.puppets.train import face_export, training_state
from bootstrap.puppets.train.face_detector import SIDE, Detector, FaceBatch, detection_losses
from bootstrap.puppets.train.face_recogniser import EMBEDDING, RecogniserWithHead, recognition_losses
from bootstrap.puppets.train.face_recogniser import SIDE as ALIGNED
from bootstrap.puppets.train.fit_loop import fit
from bootstrap.puppets.train.individuals import TwinGallery, gallery
from bootstrap.puppets.train.material import gather
from bootstrap.puppets.train.measures import identity_aucs
from bootstrap.puppets.train.orthogonal import Muon
from bootstrap.puppets.train.periodic_export import log_scores
from bootstrap.puppets.train.train_options import TrainOptions
from bootstrap.puppets.train.warm_start import start_from_onnx

GROUPS = 1400
DETECTOR_SHARE = 0.25
THRESHOLD = 0.5
RATE = 3e-3
_WIDTHS = (32, 40, 52)  # about full body, upper body, portrait of a 96-pixel picture


def train(options: TrainOptions) -> None:
    """Train, export and measure both models."""
    device = training_state.pick_device(options.device, options.threads)
    drawings = gallery(GROUPS, "individuals", options.workdir, options.workers)
    out = options.out or shipped.face_dir()
    train_detector(options, drawings, device, out)
    train_recogniser(options, drawings, device, out)
    scores = measure(out, gallery(100, "unseen", options.workdir, options.workers))
    log_scores("face", scores)
    training_state.append_row(options.workdir / "face-measures.csv", scores)


def train_detector(options: TrainOptions, drawings: TwinGallery, device: torch.device, out: Path) -> None:
    """Train and export the detector."""

    def batch_losses(model: nn.Module, rng: np.random.Generator) -> dict[str, Tensor]:
        faces = FaceBatch(drawings, options.batch, rng)
        with unscaled_autocast(device.type):
            outputs = model(faces.images.to(device, memory_format=torch.channels_last))
        return detection_losses([output.float().cpu() for output in outputs], faces)

    torch.manual_seed(options.random_seed)
    model = Detector().to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    if options.start is not None:
        start_from_onnx(model, torch.zeros(1, 3, SIDE, SIDE, device=device), options.start / face_export.DETECTOR)
    muon = Muon(model, RATE)
    trained = fit("face-detector", model, batch_losses, options, DETECTOR_SHARE, RATE, optimizer=muon)
    face_export.export_detector(trained, out)


def train_recogniser(options: TrainOptions, drawings: TwinGallery, device: torch.device, out: Path) -> None:
    """Train and export the recogniser."""

    vae = AutoencoderTiny.from_pretrained(shipped.base_dir() / "vae", dtype=torch.float32)
    material = gather(drawings, "single", vae, replace(options, pictures=1))

    def batch_losses(model: nn.Module, rng: np.random.Generator) -> dict[str, Tensor]:
        return recognition_losses(model, drawings, material, 2 * options.batch, rng)

    torch.manual_seed(options.random_seed)
    model = RecogniserWithHead().to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    if options.start is not None:
        face = torch.zeros(1, 3, ALIGNED, ALIGNED, device=device)
        start_from_onnx(model.recogniser, face, options.start / face_export.RECOGNISER)
    muon = Muon(model, RATE)
    trained = fit("face-recogniser", model, batch_losses, options, 1 - DETECTOR_SHARE, RATE, optimizer=muon)
    assert isinstance(trained, RecogniserWithHead)
    face_export.export_recogniser(trained.recogniser, out)


def load(folder: Path) -> Any:
    """The pack, loaded by insightface and prepared for the detector's own picture size."""
    from insightface.app import FaceAnalysis

    pack = FaceAnalysis(name=str(folder), providers=["CPUExecutionProvider"])
    pack.prepare(ctx_id=-1, det_thresh=THRESHOLD, det_size=(SIDE, SIDE))
    return pack


def measure(folder: Path, unseen: TwinGallery) -> dict[str, float]:
    """Share of pictures with a face found by view family, and identity AUC through the whole pack.

    A picture without a face counts in no AUC; its embedding stays zero. "auc>=40:front" counts pairs in which both
    boxes are at least 40 pixels wide: it shows the smallest size at which the recogniser is reliable.
    """
    pack = load(folder)
    widths, embeddings = np.zeros(len(unseen)), np.zeros((len(unseen), EMBEDDING))
    for index, image in enumerate(unseen.images):
        faces = pack.get(np.ascontiguousarray(image[:, :, ::-1]), max_num=1)
        if faces:
            left, _, right, _ = faces[0].bbox
            widths[index], embeddings[index] = max(right - left, 1e-3), faces[0].normed_embedding
    scores: dict[str, float] = {}
    for place, view_family in enumerate(scene.ALL_VIEW_FAMILIES):
        scores[f"found:{view_family}"] = float((widths > 0)[unseen.view_family == place].mean())
    for view_family, value in identity_aucs(embeddings, widths > 0).items():
        scores[f"auc:{view_family}"] = value
    for least in _WIDTHS:
        large = identity_aucs(embeddings, widths >= least)
        for view_family in ("front", "three-quarter"):
            scores[f"auc>={least}:{view_family}"] = large[view_family]
    return scores
