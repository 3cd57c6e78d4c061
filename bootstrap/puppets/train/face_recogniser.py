"""The face recogniser: a small network in the form of ArcFace (112x112 aligned face to an embedding), its batches.

Does NOT know how faces are detected: it trains on the renderer's keypoints with errors like a detector's.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from bootstrap.machine.device import unscaled_autocast
from bootstrap.puppets.train import attributes, cropping
from bootstrap.puppets.train.blocks import Residual, conv_norm
from bootstrap.puppets.train.contrastive import identity_loss, sample_groups
from bootstrap.puppets.train.individuals import SHOTS, TwinGallery
from bootstrap.puppets.train.material import Material
from bootstrap.puppets.train.twins import TWINS

SIDE = 112
EMBEDDING = 256
TEMPLATE = np.array(
    [(38.2946, 51.6963), (73.5318, 51.5014), (56.0252, 71.7366), (41.5493, 92.3655), (70.7299, 92.2041)]
)
"""Places of the five keypoints after ArcFace's alignment (insightface.utils.face_align.arcface_dst)."""
PAINTED_ODDS = 0.4
ATTRIBUTE_WEIGHT = 3.0
_SHARPNESS = 16.0
PLACES = np.array([place for place, view_family in enumerate(SHOTS) if view_family != "behind"])


class Recogniser(nn.Module):
    """(N, 3, 112, 112) in -1..1 to (N, EMBEDDING), not normalised, like ArcFace graphs."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(
            conv_norm(3, 24, 2),
            conv_norm(24, 48, 2),
            Residual(48),
            conv_norm(48, 96, 2),
            Residual(96),
            conv_norm(96, 128, 2),
            Residual(128),
            conv_norm(128, 32, kernel=1),
        )
        self.head = nn.Linear(32 * 7 * 7, EMBEDDING)

    def forward(self, faces: Tensor) -> Tensor:
        """Embeddings."""
        embeddings: Tensor = self.head(self.body(faces).flatten(1))
        return embeddings


class RecogniserWithHead(nn.Module):
    """The recogniser with a head that only training reads: the unnamed traits."""

    def __init__(self) -> None:
        super().__init__()
        self.recogniser = Recogniser()
        self.unnamed = nn.Linear(EMBEDDING, attributes.OUTPUTS)

    def forward(self, faces: Tensor) -> tuple[Tensor, Tensor]:
        """Unit embeddings, and the outputs of the head."""
        embeddings = F.normalize(self.recogniser(faces).float(), dim=1)
        return embeddings, self.unnamed(_SHARPNESS * embeddings)


def align(images: Tensor, keypoints: NDArray[np.floating]) -> Tensor:
    """Rotate, scale and shift faces so that their keypoints fit `TEMPLATE` best (least squares, no mirror).

    Args:
        images: (N, 3, H, W).
        keypoints: (N, 5, 2) pixels.
    """
    points = keypoints[..., 0] + 1j * keypoints[..., 1]
    target = (TEMPLATE[:, 0] + 1j * TEMPLATE[:, 1])[None]
    middle, target_middle = points.mean(1, keepdims=True), target.mean(1, keepdims=True)
    spread = np.abs(points - middle) ** 2
    turn = ((target - target_middle) * (points - middle).conj()).sum(1) / spread.sum(1).clip(min=1e-6)
    back = 1 / np.where(np.abs(turn) < 1e-6, 1e-6, turn)  # from the aligned face to the picture
    shift = middle[:, 0] - back * target_middle[:, 0]
    return _sample(images, back, shift)


def _sample(images: Tensor, back: NDArray[Any], shift: NDArray[Any]) -> Tensor:
    """Read the picture at back * z + shift for every pixel z of the aligned face (complex: x + iy)."""
    grid = np.arange(SIDE)
    z = grid[None, None, :] + 1j * grid[None, :, None]
    source = back[:, None, None] * z + shift[:, None, None]
    height, width = images.shape[-2:]
    places = np.stack([(source.real + 0.5) / width * 2 - 1, (source.imag + 0.5) / height * 2 - 1], axis=-1)
    return F.grid_sample(images, torch.from_numpy(places.astype(np.float32)).to(images), align_corners=False)


def recognition_losses(
    model: nn.Module, drawings: TwinGallery, material: Material, batch: int, rng: np.random.Generator
) -> dict[str, Tensor]:
    """Losses of identity and unnamed traits, for a batch of faces whose keypoints have errors like a detector's.

    Args:
        model: a `RecogniserWithHead`.
        drawings: the ground truth of the first rows of `material`.
        material: the pictures.
        batch: how many faces.
        rng: source of the draw.
    """
    rows = sample_groups(drawings.groups, max(batch // (2 * TWINS), 2), rng, places=PLACES)
    size = (drawings.boxes[rows, 2] - drawings.boxes[rows, 0])[:, None, None]
    keypoints = drawings.keypoints[rows] + 0.02 * size * rng.standard_normal((len(rows), 5, 2))
    images = cropping.disturb(cropping.to_tensor(material.look(rows, rng, PAINTED_ODDS)), rng)
    device = next(model.parameters()).device
    faces = (align(images, keypoints) * 2 - 1).to(device, memory_format=torch.channels_last)
    with unscaled_autocast(device.type):
        embeddings, unnamed = model(faces)
    individuals = torch.from_numpy(drawings.individual[rows]).to(device)
    trait_loss = attributes.attribute_loss(unnamed.float(), material.unnamed.of(rows))
    return {"identity": identity_loss(embeddings, individuals), "unnamed": ATTRIBUTE_WEIGHT * trait_loss}
