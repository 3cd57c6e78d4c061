"""Batches and contrastive losses by which an encoder learns to tell individuals apart, twins above all.

Does NOT know the encoder or the pictures.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bootstrap.puppets.train.individuals import PER_GROUP, SHOTS
from bootstrap.puppets.train.twins import TWINS


def sample_groups(
    groups: int, count: int, rng: np.random.Generator, shots: int = 2, places: NDArray[np.int64] | None = None
) -> NDArray[np.int64]:
    """Indices into a gallery of `groups` groups: `count` groups x all twins x `shots` shots, flattened in that order.

    At least half of the individuals contribute a front picture, because scorers compare with a front picture.

    Args:
        groups: size of the gallery.
        count: groups to draw.
        rng: source of the draw.
        shots: different shots of each individual.
        places: shots allowed, indices into `SHOTS` (default: all).
    """
    allowed = np.arange(len(SHOTS))
    if places is not None:
        allowed = places
    chosen = rng.choice(groups, count, replace=False)
    rows = []
    for individual in np.repeat(chosen * PER_GROUP, TWINS) + np.tile(np.arange(TWINS) * len(SHOTS), count):
        picked = rng.permutation(allowed)[:shots]
        if rng.random() < 0.5 and 0 not in picked:
            picked[0] = 0
        rows.append(individual + picked)
    return np.concatenate(rows)


def contrast(embeddings: Tensor, individuals: Tensor, temperature: float, rivals: Tensor | None = None) -> Tensor:
    """Supervised contrastive loss (Khosla et al. 2020): other pictures of the same individual against `rivals`.

    Args:
        embeddings: unit vectors (N, D).
        individuals: who is on each picture, (N,).
        temperature: of the softmax.
        rivals: bool (N, N), which pictures compete with each other (default: all); positives always do.
    """
    itself = torch.eye(len(embeddings), dtype=torch.bool, device=embeddings.device)
    same = (individuals[:, None] == individuals[None]) & ~itself
    logits = (embeddings @ embeddings.T) / temperature
    allowed = ~itself
    if rivals is not None:
        allowed = (rivals | same) & ~itself
    chances = logits - logits.masked_fill(~allowed, float("-inf")).logsumexp(1, keepdim=True)
    return -(chances.masked_fill(~same, 0).sum(1) / same.sum(1).clamp(min=1)).mean()


def identity_loss(embeddings: Tensor, individuals: Tensor) -> Tensor:
    """Contrast with all individuals of the batch, plus contrast with the twins alone."""
    groups = individuals // TWINS
    twins = groups[:, None] == groups[None]
    return contrast(embeddings, individuals, 0.1) + contrast(embeddings, individuals, 0.07, twins)
