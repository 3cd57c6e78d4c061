"""Fits the judge of kinds: `python -m bootstrap.puppets.train kinds --pictures 720`.

It serves evaluation only. Needs the base model's autoencoder and the judge of puppets. Does NOT know how its vectors
are used.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from diffusers import AutoencoderTiny
from numpy.typing import NDArray

from bootstrap.puppets import shipped
from bootstrap.puppets.judge import load_judge
from bootstrap.puppets.kind_judge import KINDS, Floats, features, load_kind_judge, save_weights
from bootstrap.puppets.train import painting, training_state
from bootstrap.puppets.train.kind_pictures import PER_GROUP, SHOTS, Images, pictures_of
from bootstrap.puppets.train.measures import auc
from bootstrap.puppets.train.periodic_export import log_scores
from bootstrap.puppets.train.train_options import TrainOptions
from bootstrap.puppets.train.twins import TWINS

log = logging.getLogger(__name__)

UNSEEN_GROUPS = 12
_KEPT = 64
"""Directions in which individuals differ most, beside how much one differs from itself."""
_SHRINK = 0.1
"""Weight of the identity beside the spread within individuals, which fewer pictures than features show."""


def train(options: TrainOptions) -> None:
    """Fit on `options.pictures` of each kind, export and measure. The time of training is not limited: it is short."""
    training_state.pick_device("cpu", options.threads)
    vae = AutoencoderTiny.from_pretrained(shipped.base_dir() / "vae", dtype=torch.float32)
    net = load_judge().net
    weights: dict[str, Floats] = {}
    for kind in KINDS:
        groups = max(options.pictures // PER_GROUP, 2)
        found = features(net, _painted(kind, groups, "kinds", vae, options.workdir))
        for part, value in zip(("mean", "scale", "matrix"), discriminant(found), strict=True):
            weights[f"{kind}.{part}"] = value
    out = options.out or shipped.kinds_dir()
    save_weights(weights, out)
    unseen = {kind: _painted(kind, UNSEEN_GROUPS, "kinds-unseen", vae, options.workdir) for kind in KINDS}
    scores = measure(out, unseen)
    log_scores("kinds", scores)
    training_state.append_row(options.workdir / "kinds-measures.csv", scores)


def discriminant(found: Floats) -> tuple[Floats, Floats, Floats]:
    """Mean, scale and matrix (features, `_KEPT`) of features (groups * PER_GROUP, features) in their order.

    The spread within an individual is made round; of the differences between twins the largest are kept.
    """
    mean, scale = found.mean(0), found.std(0) + 1e-3
    grid = ((found - mean) / scale).reshape(-1, TWINS, SHOTS, found.shape[1]).astype(np.float64)
    own = grid.mean(2)
    within = (grid - own[:, :, None]).reshape(-1, found.shape[1])
    between = (own - own.mean(1, keepdims=True)).reshape(-1, found.shape[1])
    spread = within.T @ within / len(within)
    spread = (1 - _SHRINK) * spread + _SHRINK * np.eye(len(spread)) * np.trace(spread) / len(spread)
    values, basis = np.linalg.eigh(spread)
    round_off = basis / np.sqrt(values)
    _, _, directions = np.linalg.svd(between @ round_off, full_matrices=False)
    return mean, scale, np.asarray(round_off @ directions[:_KEPT].T, np.float32)


def measure(folder: Path, painted: Mapping[str, Images]) -> dict[str, float]:
    """AUC by kind on painted pictures of unseen individuals: two shots of one against shots of it and of a twin."""
    judge = load_kind_judge(folder)
    return {kind: twin_auc(judge.embed(kind, images)) for kind, images in painted.items()}


def twin_auc(vectors: NDArray[np.float32]) -> float:
    """AUC of the same individual against its twins, over all pairs of different shots: (groups * PER_GROUP, D)."""
    grid = vectors.reshape(-1, PER_GROUP, vectors.shape[-1])
    cosines = np.einsum("gad,gbd->gab", grid, grid)
    who, shot = np.divmod(np.arange(PER_GROUP), SHOTS)
    other_shot = shot[:, None] != shot[None]
    same = who[:, None] == who[None]
    return auc(cosines[:, other_shot & same].ravel(), cosines[:, other_shot & ~same].ravel())


def _painted(kind: str, groups: int, name: str, vae: AutoencoderTiny, workdir: Path) -> Images:
    """Drawings of a set through the autoencoder: what the base would draw at best."""
    drawings = pictures_of(kind, groups, name, workdir)
    return painting.painted(drawings, vae, workdir / "pictures", f"{name}-{kind}")
