"""Painted drawings: passed through the base's autoencoder, as the base would draw them at best, and cached on disk.

Scorers and the judge must read painted pictures as well as drawings. Does NOT know what trains on them.
"""

from __future__ import annotations

import os
from hashlib import sha256
from pathlib import Path

import numpy as np
import torch
from diffusers import AutoencoderTiny
from numpy.typing import NDArray

from bootstrap.machine.device import unscaled_autocast
from bootstrap.puppets.train.train_vae import to_signed

_BATCH = 50


def painted(images: NDArray[np.uint8], vae: AutoencoderTiny, folder: Path, name: str) -> NDArray[np.uint8]:
    """All of `images` (N, H, W, 3) through `vae`; the name of the cached file holds a fingerprint of the weights."""
    path = folder / f"{name}-{len(images)}-painted-{_fingerprint(vae)}.npy"
    if not path.exists():
        write(path, paint(images, vae))
    images_painted: NDArray[np.uint8] = np.load(path)
    return images_painted


@torch.inference_mode()
def paint(images: NDArray[np.uint8], vae: AutoencoderTiny) -> NDArray[np.uint8]:
    """Drawings through an autoencoder: uint8 (N, H, W, 3) in and out."""
    device = next(vae.parameters()).device
    parts = []
    for start in range(0, len(images), _BATCH):
        with unscaled_autocast(device.type):
            decoded = vae.decoder(vae.encoder(to_signed(images[start : start + _BATCH], device)))
        parts.append(((decoded.float().clamp(-1, 1) + 1) * 127.5).round().byte().permute(0, 2, 3, 1).cpu().numpy())
    return np.concatenate(parts)


def write(path: Path, images: NDArray[np.uint8]) -> None:
    """Write pictures so that an interruption never leaves a partial file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(f".{os.getpid()}.draft")
    with draft.open("wb") as file:
        np.save(file, images)
    draft.replace(path)


def _fingerprint(vae: AutoencoderTiny) -> str:
    weights = [value.flatten().float().cpu() for value in vae.state_dict().values()]
    return sha256(torch.cat(weights).numpy().tobytes()).hexdigest()[:8]
