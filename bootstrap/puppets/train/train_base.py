"""Trains the base model's UNet: `python -m bootstrap.puppets.train base --minutes 5 --batch 2048 --workers 15`.

On a machine with an accelerator that is enough when it continues from a trained model (`--start
bootstrap/puppets/weights/base`); on two cores use `--minutes 600 --workers 1`, and the same command after an
interruption. Processes draw new puppets while it trains; the newest `--pictures` drawings are kept as latents on the
device. Needs the trained autoencoder and text encoder, which are frozen. Every few minutes the averaged model is
exported and draws a sheet of samples into the work folder. Does NOT know how the pipeline samples.

Velocity prediction with zero terminal SNR: Lin et al. 2023; weights: Hang et al. 2023 (min-SNR).
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from diffusers import AutoencoderTiny, UNet2DConditionModel
from numpy.typing import NDArray
from torch import Tensor, nn
from transformers import CLIPTextModel, CLIPTokenizer

from bootstrap.errors import UsageError
from bootstrap.machine.device import unscaled_autocast
from bootstrap.puppets import scene, shipped
from bootstrap.puppets.train import data, fit_loop, samples, training_state
from bootstrap.puppets.train.base_folder import BaseParts, new_scheduler, read_base, write_base
from bootstrap.puppets.train.drawing_stream import DrawingStream
from bootstrap.puppets.train.fresh_drawings import NAMING, ShardPlan
from bootstrap.puppets.train.latent_pool import LatentPool
from bootstrap.puppets.train.orthogonal import Muon
from bootstrap.puppets.train.pool_feed import PoolFeed
from bootstrap.puppets.train.train_options import TrainOptions
from bootstrap.puppets.train.train_text import WIDTH, tokens, trained_text
from bootstrap.puppets.train.train_vae import LATENT_CHANNELS, to_signed, trained_vae

log = logging.getLogger(__name__)

RATE = 1.2e-3
EMA_DECAY = 0.998
EMPTY_ODDS = 0.1
"""Share of captions left empty, which classifier-free guidance needs (Ho & Salimans 2022)."""
RATE_LEFT = 0.02
_SNR_CAP = 5.0
_LEAST_WEIGHT = 0.3  # min-SNR gives the noisiest steps almost no weight, but they decide the composition
_BOOST = 1.5  # matrices tolerate larger steps than biases
_HEAD_WEIGHT = 4.0
"""Weight of an error in the head against one elsewhere: faces are small, and viewers look at them first."""
_SHEET_SECONDS = 300
START_BATCHES = 8
"""Drawings that must be there before the first step, in batches."""
_SCALE_PICTURES = 1000


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


class BaseBatches:
    """Samples batches of a pool of fresh drawings, and computes their loss."""

    def __init__(self, feed: PoolFeed, text_encoder: CLIPTextModel, tokenizer: CLIPTokenizer, batch: int) -> None:
        self.batch = batch
        self._feed, self._text_encoder = feed, text_encoder
        self._empty = tokens(tokenizer, [""])[0].to(text_encoder.device)
        self._places = head_weights(list(scene.ALL_FRAMINGS), data.SIZE // 8).to(text_encoder.device).float()

    def in_parts(self, unet: nn.Module, rng: np.random.Generator, parts: int) -> Iterator[dict[str, Tensor]]:
        """The velocity loss of each part of one batch."""
        drawn = self._feed.pool().sample(self.batch, rng)
        rows = np.arange(self.batch)
        ids = drawn.ids[rows, rng.integers(0, NAMING, self.batch)].long()
        ids[rng.random(self.batch) < EMPTY_ODDS] = self._empty
        batch = noised(drawn.latents.float(), self._places[drawn.framing.long()])
        for part in np.array_split(rows, parts):
            with torch.no_grad(), unscaled_autocast(ids.device.type):
                states = self._text_encoder(ids[part]).last_hidden_state
            yield {"velocity": velocity_loss(unet, batch.rows(part), states)}


@dataclass(frozen=True)
class NoisyBatch:
    """What a UNet is shown and should answer, N samples; shapes begin with N.

    `noisy` and `velocity` (N, C, h, w); `times` (N,); `weights` (N, 1, h, w) of the squared error in each place: the
    sum over a batch is h x w.
    """

    noisy: Tensor
    velocity: Tensor
    times: Tensor
    weights: Tensor

    def rows(self, rows: NDArray[np.int64]) -> NoisyBatch:
        """Some samples."""
        return NoisyBatch(self.noisy[rows], self.velocity[rows], self.times[rows], self.weights[rows])


def head_weights(framings: Sequence[str], side: int) -> Tensor:
    """(N, 1, side, side): `_HEAD_WEIGHT` where the framing places the head, 1 elsewhere, then scaled to mean 1."""
    maps = {}
    for framing, (head, _) in scene.COMPOSITION.items():
        x0, y0, x1, y1 = (round(edge * side) for edge in head)
        weight = torch.ones(1, side, side)
        weight[:, y0:y1, x0:x1] = _HEAD_WEIGHT
        maps[framing] = weight / weight.mean()
    return torch.stack([maps[framing] for framing in framings]).half()


def noised(clean: Tensor, places: Tensor) -> NoisyBatch:
    """Noise for latents (N, C, h, w) in unit deviation, at random times.

    `places` are the weights of an error in each place, (N, 1, h, w) with mean 1.
    """
    signal = new_scheduler().alphas_cumprod.to(clean.device)
    times = torch.randint(0, len(signal), (len(clean),), device=clean.device)
    share = signal[times].view(-1, 1, 1, 1)
    noise = torch.randn_like(clean)
    noisy = share.sqrt() * clean + (1 - share).sqrt() * noise
    velocity = share.sqrt() * noise - (1 - share).sqrt() * clean
    ratio = share / (1 - share)
    weights = (ratio.clamp(max=_SNR_CAP) / (ratio + 1)).clamp(min=_LEAST_WEIGHT)
    return NoisyBatch(noisy, velocity, times, places * weights / weights.sum())


def velocity_loss(unet: nn.Module, batch: NoisyBatch, states: Tensor, **conditions: Any) -> Tensor:
    """Weighted squared error of the velocity; the losses of the parts of a batch sum to its loss.

    Args:
        unet: predicts velocity.
        batch: noisy latents and their velocity.
        states: text states (N, T, D).
        conditions: what else the UNet is given.
    """
    noisy = batch.noisy.contiguous(memory_format=torch.channels_last)
    with unscaled_autocast(noisy.device.type):
        guess = unet(noisy, batch.times, encoder_hidden_states=states, **conditions).sample
    errors = (guess.float() - batch.velocity).square() * batch.weights
    loss: Tensor = errors.mean((1, 2, 3)).sum()
    return loss


def train(options: TrainOptions) -> None:
    """Train and export to `options.out` (default: where the package looks for its base model)."""
    device = training_state.pick_device(options.device, options.threads)
    parts = _starting_parts(options)
    vae, unet = parts.vae.to(device).eval(), parts.unet.to(device)
    scale = _scale(vae, options, device)
    vae.register_to_config(scaling_factor=scale)
    plan = ShardPlan(options.workdir / "base", spelling(parts.tokenizer))
    pool = LatentPool(-(-options.pictures // plan.drawings), lambda images: encode(vae, images, device) * scale, device)
    log.info("unet: %.2f M parameters, on %s", training_state.count_parameters(unet) / 1e6, device)
    sheet_due = training_state.Timer(_SHEET_SECONDS)

    def write_draft(averaged: nn.Module) -> None:
        log.info("base: %d drawings, the last of shard %d", len(pool), stream.position - 1)
        if sheet_due():
            draft = options.workdir / "base" / "pipeline"
            write_base(draft, _with_unet(parts, averaged))
            samples.write_sheet(draft, options.workdir / "base" / "samples.png", device=str(device))

    with DrawingStream(plan, options.workers, pool.slots) as stream:
        text_encoder = parts.text_encoder.to(device).eval()
        feed = PoolFeed(stream, pool)
        feed.fill(START_BATCHES * options.batch)
        batches = BaseBatches(feed, text_encoder, parts.tokenizer, options.batch)
        muon = Muon(unet, RATE, boost=_BOOST)
        averaged = fit_loop.fit(
            "base",
            unet,
            batches,
            options,
            1.0,
            RATE,
            optimizer=muon,
            decay=EMA_DECAY,
            floor=RATE_LEFT,
            after_checkpoint=write_draft,
        )
    write_base(options.out or shipped.base_dir(), _with_unet(parts, averaged))


def spelling(tokenizer: CLIPTokenizer) -> str:
    """The JSON of a tokenizer that pads and truncates as `tokens` does, for processes that do without transformers."""
    tokens(tokenizer, [""])  # sets both
    return str(tokenizer.backend_tokenizer.to_str())


def _scale(vae: AutoencoderTiny, options: TrainOptions, device: torch.device) -> float:
    """The factor that brings latents to unit deviation: measured if the autoencoder was trained in this work folder."""
    if not trained_vae(options.workdir).exists():
        return float(vae.config["scaling_factor"])
    images = data.dataset(_SCALE_PICTURES, "single", options.workdir, options.workers).images
    return 1 / float(encode(vae, images, device).float().std())


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
    for part, folder in (("autoencoder", trained_vae(options.workdir)), ("text encoder", text)):
        if not folder.exists():
            hint = "train both first (python -m bootstrap.puppets.train vae, text), or give a base as --start"
            raise UsageError(f'there is no {part} in "{folder}"', hint)
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
def encode(vae: AutoencoderTiny, images: NDArray[np.uint8], device: torch.device) -> Tensor:
    """Latents (N, C, h, w) as the autoencoder gives them, on `device`."""
    rows = []
    for start in range(0, len(images), 100):
        with unscaled_autocast(device.type):
            rows.append(vae.encoder(to_signed(images[start : start + 100], device)).float())
    return torch.cat(rows)
