"""Trains a deeper decoder behind a trained base's encoder: `python -m bootstrap.puppets.train decoder --minutes 40`.

The encoder is frozen, so latents, the UNet and every cached latent stay valid; only the decoded pictures improve. Does
NOT know captions or diffusion.
"""

from __future__ import annotations

import logging
from dataclasses import replace

import numpy as np
import torch
from diffusers import AutoencoderTiny
from numpy.typing import NDArray
from torch import Tensor, nn

from bootstrap.machine.device import unscaled_autocast
from bootstrap.puppets import shipped
from bootstrap.puppets.train import data, fit_loop, training_state
from bootstrap.puppets.train.base_folder import read_base, write_base
from bootstrap.puppets.train.orthogonal import Muon
from bootstrap.puppets.train.train_options import TrainOptions
from bootstrap.puppets.train.train_vae import (
    EDGE_WEIGHT,
    RATE,
    new_vae,
    reconstruction_error,
    to_signed,
    trained_vae,
    write_sheet,
)

log = logging.getLogger(__name__)

FULL_BLOCKS = 1
"""Blocks at full resolution. Without one, everything after the last enlargement is linear, which leaves the grid of the
enlarged pixels in flat colours and cannot draw a line thinner than two pixels."""
_SMALL_RATE = RATE / 2  # weights that were trained already stand smaller steps
CROP = 8
"""Side of a training crop in latents: 64 pixels."""
LATENT_NOISE = 0.1
"""Largest deviation of the noise on latents, drawn anew for each picture: drawn latents are never quite clean."""
_SHOWN = 12
_MEASURED = 40  # drawings on which a new block's features are measured
_CHUNK = 200
UNSEEN_PICTURES = 500


@torch.no_grad()
def deepened(trained: AutoencoderTiny, pictures: Tensor) -> AutoencoderTiny:
    """An autoencoder with the trained encoder and `FULL_BLOCKS` more blocks at full resolution in its decoder.

    It begins close to the trained one: a new block ends in a ReLU, which would cut negative values off, so the
    principal half of the features, as the last layer weighs them, enters twice, once with its sign turned. An
    autoencoder that has the blocks is returned as it is.

    Args:
        trained: without blocks at full resolution.
        pictures: drawings (N, 3, H, W) in [-1, 1], on which the features are measured.
    """
    if trained.config["num_decoder_blocks"][-1] == FULL_BLOCKS:
        return trained.to(memory_format=torch.channels_last)
    width = trained.config["decoder_block_out_channels"][0]
    vae = new_vae(trained.config["encoder_block_out_channels"][0], width, FULL_BLOCKS)
    vae.encoder.load_state_dict(trained.encoder.state_dict())
    vae.register_to_config(scaling_factor=trained.config["scaling_factor"])
    before, after = list(trained.decoder.layers), list(vae.decoder.layers)
    for old, new in zip(before[:-2], after[: len(before) - 2], strict=True):
        new.load_state_dict(old.state_dict())
    into, back = _principal(nn.Sequential(*before[:-1]), before[-1].weight, trained.encoder(pictures))
    half = torch.einsum("pc,cikl->pikl", into, before[-2].weight)
    after[len(before) - 2].weight.copy_(torch.cat([half, -half]))
    for block in after[len(before) - 1 : -1]:
        block.conv[-1].weight.zero_()
        block.conv[-1].bias.zero_()
    last = torch.einsum("ockl,cp->opkl", before[-1].weight, back)
    after[-1].weight.copy_(torch.cat([last, -last], dim=1))
    after[-1].bias.copy_(before[-1].bias)
    return vae


def _principal(features: nn.Module, last: Tensor, latents: Tensor) -> tuple[Tensor, Tensor]:
    """Matrices (C/2, C) and (C, C/2): to the half of C features that matters most to the last layer, and back.

    Args:
        features: the decoder up to its last layer.
        last: weights of that layer, (3, C, 3, 3).
        latents: (N, c, h, w).
    """
    found = features(torch.tanh(latents / 3) * 3).transpose(0, 1).flatten(1)
    values, vectors = torch.linalg.eigh(torch.cov(found))
    deviations = values.clamp(min=1e-6).sqrt()
    root = vectors @ torch.diag(deviations) @ vectors.T
    inverse = vectors @ torch.diag(1 / deviations) @ vectors.T
    seen = last.permute(0, 2, 3, 1).flatten(0, 2) @ root
    directions = torch.linalg.svd(seen, full_matrices=False).Vh[: len(root) // 2]
    return directions @ inverse, root @ directions.T


def decoder_losses(decoder: nn.Module, latents: Tensor, pictures: Tensor) -> dict[str, Tensor]:
    """Mean absolute error and the same of edges, of pictures in [-1, 1] painted from noisy latents (N, C, h, w)."""
    deviations = LATENT_NOISE * torch.rand(len(latents), 1, 1, 1, device=latents.device)
    with unscaled_autocast(pictures.device.type):
        decoded = decoder(latents + deviations * torch.randn_like(latents))
    error = decoded.float() - pictures
    down, across = error.diff(dim=2).abs().mean(), error.diff(dim=3).abs().mean()
    return {"error": error.abs().mean(), "edges": EDGE_WEIGHT * (down + across)}


def train(options: TrainOptions) -> None:
    """Train, and export the autoencoder into `options.out` (default: the base model's folder and the work folder)."""
    device = training_state.pick_device(options.device, options.threads)
    parts = read_base(options.start or shipped.base_dir())
    torch.manual_seed(options.random_seed)
    images = data.dataset(options.pictures, "single", options.workdir, options.workers).images
    vae = deepened(parts.vae, to_signed(images[:_MEASURED])).to(device)
    latents = _latents(vae, images, device)

    def batch_losses(decoder: nn.Module, rng: np.random.Generator) -> dict[str, Tensor]:
        batch, pictures = _crops(latents, images, options.batch, rng)
        return decoder_losses(decoder, batch.to(device), pictures.to(device))

    unseen = data.dataset(UNSEEN_PICTURES, "unseen", options.workdir, options.workers).images

    def write_draft(averaged: nn.Module) -> None:
        vae.decoder = averaged
        vae.save_pretrained(options.workdir / "decoder" / "draft")
        write_sheet(vae, unseen[:_SHOWN], options.workdir / "decoder" / "samples.png", device)
        log.info("mean absolute error on unseen puppets: %.4f", reconstruction_error(vae, unseen, device))

    log.info("decoder: %.2f M parameters", training_state.count_parameters(vae.decoder) / 1e6)
    decoder: nn.Module = vae.decoder
    muon = Muon(decoder, _SMALL_RATE)
    averaged = fit_loop.fit(
        "decoder", decoder, batch_losses, options, 1.0, _SMALL_RATE, optimizer=muon, after_checkpoint=write_draft
    )
    write_draft(averaged)
    vae.save_pretrained(trained_vae(options.workdir))
    write_base(options.out or shipped.base_dir(), replace(parts, vae=vae))


@torch.inference_mode()
def _latents(vae: AutoencoderTiny, images: NDArray[np.uint8], device: torch.device) -> Tensor:
    """Latents (N, C, h, w) of the encoder, in half precision."""
    parts = []
    for start in range(0, len(images), _CHUNK):
        parts.append(vae.encoder(to_signed(images[start : start + _CHUNK], device)).half().cpu())
    return torch.cat(parts).clone()


def _crops(latents: Tensor, images: NDArray[np.uint8], batch: int, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    """The same random window of random pictures and of their latents.

    Latents near the edge of a window depend on pixels outside it, as they do when the decoder is used.
    """
    picks = rng.integers(0, len(images), batch)
    top, left = rng.integers(0, latents.shape[-1] - CROP + 1, 2)
    window = images[picks, 8 * top : 8 * (top + CROP), 8 * left : 8 * (left + CROP)]
    clean = latents[torch.from_numpy(picks), :, top : top + CROP, left : left + CROP].float()
    return clean.contiguous(memory_format=torch.channels_last), to_signed(window)
