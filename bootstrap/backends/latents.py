"""Training pictures as latents, cached before a training: means and, where the recipe asks, deviations and masks.

Knows no loss.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image

from bootstrap.backends.framing import Framed
from bootstrap.backends.loaded import LoadedBase
from bootstrap.backends.masks import loss_mask
from bootstrap.training.recipe import TrainRecipe
from scoring.measurement import digest_of

__all__ = ["EncodedPictures", "encode_pictures", "pixels_of"]


@dataclass(frozen=True)
class EncodedPictures:
    """Pictures as latents, each (c, h, w), scaled, on the CPU; ``digests`` are those of their pixels."""

    means: Sequence[torch.Tensor]
    deviations: Sequence[torch.Tensor]
    masks: Sequence[torch.Tensor]
    digests: Sequence[str]


def encode_pictures(base: LoadedBase, pictures: Sequence[Framed], recipe: TrainRecipe) -> EncodedPictures:
    """Encode pictures one by one; deviations and masks only where the recipe asks for them."""
    means, deviations, masks = [], [], []
    for picture in pictures:
        with torch.inference_mode():
            pixels = pixels_of(picture.image).to(base.device)
            mean, deviation = base.architecture.latents.encode(base.pipe, pixels)
        means.append(mean[0].float().cpu().clone())
        if recipe.sample_latents and deviation is not None:
            deviations.append(deviation[0].float().cpu().clone())
        if recipe.masked_loss:
            shape = (mean.shape[2], mean.shape[3])
            masks.append(loss_mask(picture.mask, shape, recipe.background_weight))
    return EncodedPictures(means, deviations, masks, _digests(pictures, recipe))


def _digests(pictures: Sequence[Framed], recipe: TrainRecipe) -> list[str]:
    """What the training depends on: the pixels, and the masks where they count."""
    found = [digest_of(picture.image) for picture in pictures]
    if recipe.masked_loss:
        found += [digest_of(picture.mask.convert("RGB")) for picture in pictures if picture.mask is not None]
    return found


def pixels_of(picture: Image.Image) -> torch.Tensor:
    """A picture as (1, 3, h, w) in -1..1."""
    return torch.from_numpy(np.asarray(picture, np.float32) / 127.5 - 1).permute(2, 0, 1)[None]
