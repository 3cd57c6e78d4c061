"""Training pictures as latents, cached before a training: means and, where wished, deviations. Knows no loss."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from PIL import Image

from bootstrap.backends.framing import Framed
from bootstrap.backends.masks import loss_mask
from bootstrap.training.recipe import TrainRecipe
from scoring.base import digest_of

__all__ = ["Coded", "coded"]


@dataclass(frozen=True)
class Coded:
    """Pictures as the VAE sees them, each (c, h, w), scaled, on the CPU; ``digests`` are those of their pixels."""

    means: Sequence[torch.Tensor]
    deviations: Sequence[torch.Tensor]
    masks: Sequence[torch.Tensor]
    digests: Sequence[str]


def coded(vae: Any, device: str, pictures: Sequence[Framed], recipe: TrainRecipe) -> Coded:
    """Encode pictures one by one; deviations and masks only where the recipe asks for them."""
    means, deviations, digests = [], [], []
    scale = vae.config.scaling_factor
    with torch.inference_mode():
        for picture in pictures:
            answer = vae.encode(_pixels(picture.image).to(device))
            spread = getattr(answer, "latent_dist", None)
            latents = spread.mean if spread is not None else answer.latents
            means.append(latents[0].float().cpu() * scale)
            if recipe.sample_latents and spread is not None:
                deviations.append(spread.std[0].float().cpu() * scale)
            digests.append(digest_of(picture.image))
    wanted = pictures if recipe.masked_loss else ()
    masks = [
        loss_mask(picture.mask, (mean.shape[1], mean.shape[2]), recipe.background_weight)
        for picture, mean in zip(wanted, means, strict=False)
    ]
    digests += [digest_of(picture.mask.convert("RGB")) for picture in wanted if picture.mask]
    return Coded([mean.clone() for mean in means], [spread.clone() for spread in deviations], masks, digests)


def _pixels(picture: Image.Image) -> torch.Tensor:
    """A picture as (1, 3, h, w) in -1..1."""
    return torch.from_numpy(np.asarray(picture, np.float32) / 127.5 - 1).permute(2, 0, 1)[None]
