"""Trains the base model's UNet: `python -m bootstrap.puppets.train base --minutes 60`.

Needs the trained autoencoder and text encoder, which are frozen; pictures are encoded once. Every few minutes the
averaged model is exported and draws a sheet of samples into the work folder. Continue from a trained model with
`--start bootstrap/puppets/weights/base`. Does NOT know how the pipeline samples.

Velocity prediction with zero terminal SNR: Lin et al. 2023; weights: Hang et al. 2023 (min-SNR).
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from diffusers import AutoencoderTiny, UNet2DConditionModel
from numpy.typing import NDArray
from torch import Tensor, nn
from transformers import CLIPTextModel, CLIPTokenizer

from bootstrap.machine.device import autocast
from bootstrap.puppets import scene, shipped
from bootstrap.puppets.train import data, fit_loop, samples, training_state
from bootstrap.puppets.train.base_folder import BaseParts, new_scheduler, read_base, write_base
from bootstrap.puppets.train.caption_sampling import sample_caption, visible_tags
from bootstrap.puppets.train.orthogonal import Muon
from bootstrap.puppets.train.train_options import TrainOptions
from bootstrap.puppets.train.train_text import WIDTH, tokens, trained_text
from bootstrap.puppets.train.train_vae import LATENT_CHANNELS, to_signed, trained_vae

log = logging.getLogger(__name__)

RATE = 1e-3
EMA_DECAY = 0.9995
EMPTY_ODDS = 0.1
"""Share of captions left empty, which classifier-free guidance needs (Ho & Salimans 2022)."""
_SNR_CAP = 5.0
_LEAST_WEIGHT = 0.3  # min-SNR gives the noisiest steps almost no weight, but they decide the composition
_BOOST = 1.5  # matrices tolerate larger steps than biases
_HEAD_WEIGHT = 4.0
"""Weight of an error in the head against one elsewhere: faces are small, and viewers look at them first."""
_SHEET_SECONDS = 300
_BATCHES = 2  # random noise and times make this loss noisier than the others, so its batches are larger


def new_unet(widths: tuple[int, int] = (64, 192), layers: int = 1) -> UNet2DConditionModel:
    """The architecture with random weights.

    A narrow level at 12x12 without attention and a wide one at 6x6 with attention train faster than two equal levels.
    """
    unet = UNet2DConditionModel(
        sample_size=data.SIZE // 8,
        in_channels=LATENT_CHANNELS,
        out_channels=LATENT_CHANNELS,
        block_out_channels=widths,
        layers_per_block=layers,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        cross_attention_dim=WIDTH,
        attention_head_dim=4,  # in diffusers this is the number of heads, despite its name
        norm_num_groups=32,
    )
    return unet.to(memory_format=torch.channels_last)


@dataclass(frozen=True)
class BaseBatches:
    """Draws batches and computes their loss.

    `latents` (N, 16, 12, 12) in unit deviation; `weights` (N, 1, 12, 12) in half precision: the weight of an error in
    each place; `seen`: axis -> tag of what each picture shows.
    """

    latents: Tensor
    weights: Tensor
    seen: Sequence[dict[str, str]]
    tokenizer: CLIPTokenizer
    text_encoder: CLIPTextModel
    batch: int
    device: torch.device

    def __call__(self, unet: nn.Module, rng: np.random.Generator) -> dict[str, Tensor]:
        """The velocity loss of one batch."""
        picks = rng.integers(0, len(self.latents), self.batch)
        captions = []
        for pick in picks:
            caption = ""
            if rng.random() >= EMPTY_ODDS:
                caption, _ = sample_caption(self.seen[pick], rng)
            captions.append(caption)
        rows = torch.from_numpy(picks)
        clean, weights = (part[rows].to(self.device).float() for part in (self.latents, self.weights))
        with torch.no_grad(), autocast(self.device.type):
            states = self.text_encoder(tokens(self.tokenizer, captions).to(self.device)).last_hidden_state
        return {"velocity": velocity_loss(unet, clean, states, weights)}


def head_weights(framings: Sequence[str], side: int) -> Tensor:
    """(N, 1, side, side): `_HEAD_WEIGHT` where the framing places the head, 1 elsewhere, then scaled to mean 1."""
    maps = {}
    for framing, (head, _) in scene.COMPOSITION.items():
        x0, y0, x1, y1 = (round(edge * side) for edge in head)
        weight = torch.ones(1, side, side)
        weight[:, y0:y1, x0:x1] = _HEAD_WEIGHT
        maps[framing] = weight / weight.mean()
    return torch.stack([maps[framing] for framing in framings]).half()


def velocity_loss(unet: nn.Module, clean: Tensor, states: Tensor, places: Tensor) -> Tensor:
    """Weighted error of the velocity at random times.

    Args:
        unet: predicts velocity.
        clean: latents (N, C, H, W) in unit deviation.
        states: text states (N, T, D).
        places: weight of an error in each place, (N, 1, H, W) with mean 1.
    """
    signal = new_scheduler().alphas_cumprod.to(clean.device)
    times = torch.randint(0, len(signal), (len(clean),), device=clean.device)
    share = signal[times].view(-1, 1, 1, 1)
    noise = torch.randn_like(clean)
    noisy = share.sqrt() * clean + (1 - share).sqrt() * noise
    velocity = share.sqrt() * noise - (1 - share).sqrt() * clean
    with autocast(clean.device.type):
        guess = unet(noisy.contiguous(memory_format=torch.channels_last), times, encoder_hidden_states=states).sample
    errors = ((guess.float() - velocity).square() * places).mean((1, 2, 3))
    ratio = signal[times] / (1 - signal[times])
    weights = (ratio.clamp(max=_SNR_CAP) / (ratio + 1)).clamp(min=_LEAST_WEIGHT)
    loss: Tensor = (errors * weights).sum() / weights.sum()
    return loss


def train(options: TrainOptions) -> None:
    """Train and export to `options.out` (default: where the package looks for its base model)."""
    device = training_state.pick_device(options.device, options.threads)
    parts = _starting_parts(options)
    out = options.out or shipped.base_dir()
    images = data.dataset(options.pictures, "single", options.workdir, options.workers).images
    latents, scale = encode(parts.vae.to(device), images, device)
    parts.vae.register_to_config(scaling_factor=scale)
    specs = [data.picture_spec("single", index)[:2] for index in range(len(images))]
    weights = head_weights([shot.framing for _, shot in specs], latents.shape[-1])
    seen = [visible_tags(*spec) for spec in specs]
    text_encoder = parts.text_encoder.to(device).eval()
    batches = BaseBatches(latents, weights, seen, parts.tokenizer, text_encoder, _BATCHES * options.batch, device)
    unet = parts.unet.to(device)
    log.info("unet: %.2f M parameters, %d pictures", training_state.count_parameters(unet) / 1e6, len(latents))
    sheet_due = training_state.Timer(_SHEET_SECONDS)

    def write_draft(averaged: nn.Module) -> None:
        if sheet_due():
            draft = options.workdir / "base" / "pipeline"
            write_base(draft, _with_unet(parts, averaged))
            samples.write_sheet(draft, options.workdir / "base" / "samples.png", device=str(device))

    muon = Muon(unet, RATE, boost=_BOOST)
    averaged = fit_loop.fit(
        "base", unet, batches, options, 1.0, RATE, optimizer=muon, decay=EMA_DECAY, after_checkpoint=write_draft
    )
    write_base(out, _with_unet(parts, averaged))


def _starting_parts(options: TrainOptions) -> BaseParts:
    """The parts to train with: those of a trained model, or a new UNet on the trained autoencoder and text encoder.

    An autoencoder that was trained in this work folder replaces that of the trained model.
    """
    if options.start is not None:
        parts = read_base(options.start)
        parts.unet.to(memory_format=torch.channels_last)
        better = trained_vae(options.workdir)
        if better.exists():
            return replace(parts, vae=AutoencoderTiny.from_pretrained(better))
        return parts
    torch.manual_seed(options.random_seed)
    text = trained_text(options.workdir)
    return BaseParts(
        AutoencoderTiny.from_pretrained(trained_vae(options.workdir)),
        CLIPTokenizer.from_pretrained(text / "tokenizer"),
        CLIPTextModel.from_pretrained(text / "text_encoder"),
        new_unet(),
    )


def _with_unet(parts: BaseParts, unet: nn.Module) -> BaseParts:
    assert isinstance(unet, UNet2DConditionModel)
    return BaseParts(parts.vae, parts.tokenizer, parts.text_encoder, unet)


@torch.inference_mode()
def encode(vae: AutoencoderTiny, images: NDArray[np.uint8], device: torch.device) -> tuple[Tensor, float]:
    """Latents (N, C, h, w) in half precision and unit deviation, and their scaling factor."""
    rows = []
    for start in range(0, len(images), 100):
        with autocast(device.type):
            rows.append(vae.encoder(to_signed(images[start : start + 100], device)).half().cpu())
    latents = torch.cat(rows).float()
    scale = 1 / float(latents.std())
    return (latents * scale).half().clone(), scale
