"""Trains the autoencoder of the base model: `python -m bootstrap.puppets.train vae --minutes 12`.

An `AutoencoderTiny`, 8x down to 16 channels: 96x96 pictures become latents of (16, 12, 12). The pipeline decodes them
without a shift, so training keeps every latent channel near mean 0 and deviation 1. Blocks start at half the
resolution: at full resolution they would cost as much as all others together.
Does NOT know captions or diffusion.
"""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import torch
from diffusers import AutoencoderTiny
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn

from bootstrap.machine.device import unscaled_autocast
from bootstrap.puppets.train import data, fit_loop, training_state
from bootstrap.puppets.train.orthogonal import Muon
from bootstrap.puppets.train.train_options import TrainOptions

log = logging.getLogger(__name__)

LATENT_CHANNELS = 16
RATE = 2e-3
CROP = 64
LATENT_NOISE = 0.05
"""Deviation of the noise on latents: the decoder must tolerate small errors of a generator."""
EDGE_WEIGHT = 0.5
_MOMENT_WEIGHT = 1e-2
_SHOWN = 12  # pictures on the sheet


def new_vae(width: int = 32, decoder_width: int | None = None, full_blocks: int = 0) -> AutoencoderTiny:
    """The architecture with random weights; `width` channels in every layer, or `decoder_width` in the decoder's.

    The decoder has `full_blocks` blocks at full resolution.
    """
    return AutoencoderTiny(
        encoder_block_out_channels=(width,) * 4,
        decoder_block_out_channels=(decoder_width or width,) * 4,
        num_encoder_blocks=(0, 2, 3, 3),
        num_decoder_blocks=(4, 4, 2, full_blocks),
        latent_channels=LATENT_CHANNELS,
    ).to(memory_format=torch.channels_last)


def to_signed(images: NDArray[np.uint8], device: torch.device | str = "cpu") -> Tensor:
    """uint8 (N, H, W, 3) to float (N, 3, H, W) in [-1, 1]."""
    pictures = torch.from_numpy(np.ascontiguousarray(images)).to(device).permute(0, 3, 1, 2)
    return (pictures.float() / 127.5 - 1).contiguous(memory_format=torch.channels_last)


def vae_losses(vae: nn.Module, pictures: Tensor) -> dict[str, Tensor]:
    """Losses of a batch in [-1, 1]: mean absolute error, the same of edges, deviation of latents from N(0, 1)."""
    kind = pictures.device.type
    with unscaled_autocast(kind):
        latents = vae.encoder(pictures).float()  # type: ignore[operator]
        noisy = latents + LATENT_NOISE * torch.randn_like(latents)
        decoded = vae.decoder(noisy)  # type: ignore[operator]
    error = decoded.float() - pictures
    down, across = error.diff(dim=2).abs().mean(), error.diff(dim=3).abs().mean()
    means, deviations = latents.mean((0, 2, 3)), latents.std((0, 2, 3))
    unit = means.square().mean() + (deviations - 1).square().mean()
    return {"error": error.abs().mean(), "edges": EDGE_WEIGHT * (down + across), "unit": _MOMENT_WEIGHT * unit}


def train(options: TrainOptions) -> None:
    """Train and export to `options.out` (default: the work folder, where the base training reads it)."""
    device = training_state.pick_device(options.device, options.threads)
    images = data.dataset(options.pictures, "single", options.workdir, options.workers).images

    def batch_losses(model: nn.Module, rng: np.random.Generator) -> dict[str, Tensor]:
        return vae_losses(model, to_signed(_crops(images, options.batch, rng), device))

    torch.manual_seed(options.random_seed)
    vae = starting_vae(options).to(device)
    log.info("autoencoder: %.2f M parameters", training_state.count_parameters(vae) / 1e6)
    unseen = data.dataset(500, "unseen", options.workdir, options.workers).images

    def write_samples(averaged: nn.Module) -> None:
        write_sheet(averaged, unseen[:_SHOWN], options.workdir / "vae" / "samples.png", device)

    averaged = fit_loop.fit(
        "vae", vae, batch_losses, options, 1.0, RATE, optimizer=Muon(vae, RATE), after_checkpoint=write_samples
    )
    out = options.out or trained_vae(options.workdir)
    averaged.save_pretrained(out)  # type: ignore[operator]
    log.info("mean absolute error on unseen puppets: %.4f", reconstruction_error(averaged, unseen, device))


def starting_vae(options: TrainOptions) -> AutoencoderTiny:
    """A new autoencoder, or the one of the base model in `options.start`."""
    if options.start is None:
        return new_vae()
    vae: AutoencoderTiny = AutoencoderTiny.from_pretrained(options.start / "vae", dtype=torch.float32)
    return vae.to(memory_format=torch.channels_last).train()


def trained_vae(workdir: Path) -> Path:
    """Folder of the autoencoder that a training wrote."""
    return workdir / "vae" / "trained"


def _crops(images: NDArray[np.uint8], batch: int, rng: np.random.Generator) -> NDArray[np.uint8]:
    """A random window of random pictures, the same window for the whole batch."""
    picks = rng.integers(0, len(images), batch)
    top, left = rng.integers(0, images.shape[1] - CROP + 1, 2)
    return images[picks, top : top + CROP, left : left + CROP]


@torch.inference_mode()
def write_sheet(vae: nn.Module, images: NDArray[np.uint8], path: Path, device: torch.device | str = "cpu") -> None:
    """Write a sheet: drawings above their reconstructions."""
    decoded = vae.decoder(vae.encoder(to_signed(images, device))).clamp(-1, 1)  # type: ignore[operator]
    again = ((decoded + 1) * 127.5).round().byte().permute(0, 2, 3, 1).cpu().numpy()
    rows = [np.concatenate(list(row), axis=1) for row in (images, again)]
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"draft-{path.name}")
    Image.fromarray(np.concatenate(rows)).save(draft)
    draft.replace(path)


@torch.inference_mode()
def reconstruction_error(vae: nn.Module, images: NDArray[np.uint8], device: torch.device | str = "cpu") -> float:
    """Mean absolute error on the scale -1 to 1, without latent noise."""
    errors = []
    for start in range(0, len(images), 50):
        pictures = to_signed(images[start : start + 50], device)
        errors.append((vae.decoder(vae.encoder(pictures)) - pictures).abs().mean())  # type: ignore[operator]
    return training_state.mean(errors)
