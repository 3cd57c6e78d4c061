"""Crops and augments batches of drawings like the pictures that scorers get: whole, head or body, soft, noisy, shifted.

Does NOT know identities, captions or models.
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from bootstrap.puppets import scene

WHOLE, HEAD, BODY = 0, 1, 2
"""Kinds of crops."""

_EDGES = np.array(
    [[(0.0, 0.0, 1.0, 1.0), *scene.COMPOSITION[framing]] for framing in scene.ALL_FRAMINGS], dtype=np.float32
)


def composition_boxes(framing: NDArray[np.int64], kind: NDArray[np.int64]) -> NDArray[np.float32]:
    """(N, 4) x0, y0, x1, y1 in fractions of the picture for indices into `scene.ALL_FRAMINGS` and crop kinds."""
    boxes: NDArray[np.float32] = _EDGES[framing, kind]
    return boxes


def jitter_boxes(boxes: NDArray[np.float32], rng: np.random.Generator, amount: float = 0.06) -> NDArray[np.float32]:
    """Shift every edge by a normal error, `amount` times the box's side, inside the picture."""
    sides = np.stack([boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1]] * 2, axis=1)
    return np.clip(boxes + amount * sides * rng.standard_normal(boxes.shape), 0, 1).astype(np.float32)


def cut(images: Tensor, boxes: Tensor, size: int = 96) -> Tensor:
    """Crop `boxes` (N, 4; fractions) from `images` (N, 3, H, W) and resize each to (size, size), bilinear."""
    x0, y0, x1, y1 = boxes.unbind(1)
    zero = torch.zeros_like(x0)
    rows = torch.stack([x1 - x0, zero, x0 + x1 - 1]), torch.stack([zero, y1 - y0, y0 + y1 - 1])
    grid = F.affine_grid(torch.stack(rows).permute(2, 0, 1), [len(images), 3, size, size], align_corners=False)
    return F.grid_sample(images, grid, padding_mode="border", align_corners=False)


def disturb(images: Tensor, rng: np.random.Generator, strength: float = 1.0) -> Tensor:
    """Blur half of the pictures, vary light and contrast a little, add noise. Hues stay, for they tell twins apart.

    Args:
        images: (N, 3, H, W) in 0..1.
        rng: source of the augmentation.
        strength: scales all of it.
    """
    count = len(images)

    def draw(low: float, high: float) -> Tensor:
        return torch.from_numpy(rng.uniform(low, high, (count, 1, 1, 1)).astype(np.float32)).to(images)

    smooth = F.avg_pool2d(F.pad(images, (1, 1, 1, 1), mode="replicate"), 3, 1)
    soft = F.interpolate(F.avg_pool2d(images, 2), scale_factor=2, mode="bilinear", align_corners=False)
    blur = draw(-1.0, 1.0).clamp(min=0) * strength
    images = torch.lerp(images, torch.where(draw(0, 1) < 0.5, smooth, soft), blur)
    images = (images - 0.5) * (1 + strength * draw(-0.08, 0.08)) + 0.5 + strength * draw(-0.04, 0.04)
    noise = torch.from_numpy(rng.standard_normal(images.shape, dtype=np.float32)).to(images)
    return (images + noise * strength * draw(0.0, 0.03)).clamp(0, 1)


def to_tensor(images: NDArray[np.uint8], device: torch.device | str = "cpu") -> Tensor:
    """uint8 (N, H, W, 3) to float (N, 3, H, W) in 0..1."""
    return torch.from_numpy(images).to(device).permute(0, 3, 1, 2).float().div_(255)
