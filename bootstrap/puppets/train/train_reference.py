"""Trains the adapter that draws from reference pictures: `python -m bootstrap.puppets.train reference --minutes 3`.

The base is frozen. A sample is a drawing and one to three other drawings of the same puppet, in another view, pose,
outfit, place or style; half of the captions leave the puppet's identity out, so that only the references tell it. With
`--own-reference` the reference is the drawing itself, as public adapters are taught, and the image encoder of `--start`
is frozen: the stand-in for the adapters that users have. Otherwise like the training of the base, whose loss it shares.

Source of the recipe: Ye et al., "IP-Adapter" (2023); why pairs: Tang et al., "RetriBooru" (2023).
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from diffusers import UNet2DConditionModel
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional
from transformers import CLIPTextModel, CLIPTokenizer
from transformers.utils.constants import OPENAI_CLIP_MEAN, OPENAI_CLIP_STD

from bootstrap.machine.device import unscaled_autocast
from bootstrap.puppets import scene, shipped
from bootstrap.puppets.train import data, fit_loop, training_state
from bootstrap.puppets.train.base_folder import read_base
from bootstrap.puppets.train.drawing_stream import DrawingStream
from bootstrap.puppets.train.fresh_drawings import CAPTIONS, GROUP, ShardPlan
from bootstrap.puppets.train.latent_pool import LatentPool
from bootstrap.puppets.train.orthogonal import Muon
from bootstrap.puppets.train.pool_feed import PoolFeed
from bootstrap.puppets.train.reference_adapter import (
    OWN,
    PAIRED,
    ReferenceAdapter,
    attach,
    new_adapter,
    read_adapter,
    write_adapter,
)
from bootstrap.puppets.train.train_base import (
    EMA_DECAY,
    RATE_LEFT,
    START_BATCHES,
    encode,
    head_weights,
    noised,
    spelling,
    velocity_loss,
)
from bootstrap.puppets.train.train_options import TrainOptions
from bootstrap.puppets.train.train_text import tokens

log = logging.getLogger(__name__)

RATE = 1e-3
REFERENCES = (0.6, 0.25, 0.15)
"""How often a batch has one, two or three references."""
DROPPED = 0.05
"""Share of samples without text, without reference, and without both: guidance needs all three (Ye et al.)."""
SEED_FIRST_ODDS = 0.5
"""How often the first reference is the drawing of the puppet that looks like a seed."""
CROPPED_ODDS = 0.5
LEAST_CROP = 0.8
"""Side of the smallest crop of a reference."""


@dataclass(frozen=True)
class Pairs:
    """Samples by their numbers in a pool: `targets` (N,), `references` (N, R)."""

    targets: NDArray[np.int64]
    references: NDArray[np.int64]


def sample_pairs(groups: int, count: int, rng: np.random.Generator, *, own: bool = False) -> Pairs:
    """Drawings and references to other drawings of the same group; with `own`, to themselves."""
    first = GROUP * rng.integers(0, groups, count)
    order = rng.random((count, GROUP)).argsort(1)
    if own:
        return Pairs(first + order[:, 0], (first + order[:, 0])[:, None])
    others = order[:, 1:]
    leading = (others == 0) & (rng.random((count, 1)) < SEED_FIRST_ODDS)
    references = np.take_along_axis(others, (~leading).argsort(1, kind="stable"), 1)
    number = 1 + rng.choice(len(REFERENCES), p=REFERENCES)
    return Pairs(first + order[:, 0], (first[:, None] + references)[:, :number])


class ReferenceBatches:
    """Samples pairs of a pool of fresh drawings, and computes their loss."""

    def __init__(
        self, feed: PoolFeed, parts: tuple[UNet2DConditionModel, CLIPTextModel, CLIPTokenizer], options: TrainOptions
    ) -> None:
        """The UNet is on its device, frozen, and has the adapter attached that is trained."""
        self.batch, self._own = options.batch, options.own_reference
        self._feed = feed
        self._unet, self._text_encoder, tokenizer = parts
        device = self._text_encoder.device
        self._empty = tokens(tokenizer, [""])[0].to(device)
        self._places = head_weights(list(scene.ALL_FRAMINGS), data.SIZE // 8).to(device).float()

    def in_parts(self, adapter: nn.Module, rng: np.random.Generator, parts: int) -> Iterator[dict[str, Tensor]]:
        """The velocity loss of each part of one batch."""
        pool = self._feed.pool()
        pairs = sample_pairs(len(pool) // GROUP, self.batch, rng, own=self._own)
        drawn, rows = pool.rows(pairs.targets), np.arange(self.batch)
        ids = drawn.ids[rows, rng.integers(0, CAPTIONS, self.batch)].long()
        left_out = rng.random(self.batch)
        ids[left_out < 2 * DROPPED] = self._empty
        pixels = as_seen(cropped(pool.rows(pairs.references).images, rng))
        pixels[(left_out > DROPPED) & (left_out < 3 * DROPPED)] = 0
        batch = noised(drawn.latents.float(), self._places[drawn.framing.long()])
        for part in np.array_split(rows, parts):
            with unscaled_autocast(ids.device.type):
                with torch.no_grad():
                    states = self._text_encoder(ids[part]).last_hidden_state
                shown = {"image_embeds": [adapter(pixels[part])]}
            yield {"velocity": velocity_loss(self._unet, batch.rows(part), states, added_cond_kwargs=shown)}


def as_seen(images: Tensor) -> Tensor:
    """Pictures (..., H, W, 3) from 0 to 255 as CLIP takes them: (..., 3, H, W), normalised."""
    mean, deviation = (images.new_tensor(one, dtype=torch.float32) for one in (OPENAI_CLIP_MEAN, OPENAI_CLIP_STD))
    return ((images / 255 - mean) / deviation).movedim(-1, -3).contiguous()


def cropped(images: Tensor, rng: np.random.Generator) -> Tensor:
    """Some of the pictures (N, R, H, W, 3) cut a little, each at a place of its own and scaled to its old size."""
    shape = images.shape[:2]
    sides = np.where(rng.random(shape) < CROPPED_ODDS, rng.uniform(LEAST_CROP, 1, shape), 1)
    moved = rng.uniform(-1, 1, (*shape, 2)) * (1 - sides)[..., None]
    windows = torch.zeros(images.shape[0] * images.shape[1], 2, 3)
    windows[:, 0, 0] = windows[:, 1, 1] = torch.from_numpy(sides).flatten()
    windows[:, :, 2] = torch.from_numpy(moved).flatten(0, 1)
    flat = images.flatten(0, 1).movedim(-1, 1).float()
    grid = functional.affine_grid(windows.to(images.device), list(flat.shape), align_corners=False)
    cut = functional.grid_sample(flat, grid, padding_mode="border", align_corners=False)
    return cut.movedim(1, -1).reshape(images.shape)


def train(options: TrainOptions) -> None:
    """Train and export to `options.out` (default: where the package looks for its reference adapter)."""
    device = training_state.pick_device(options.device, options.threads)
    base = shipped.base_dir()
    parts = read_base(base)
    torch.manual_seed(options.random_seed)
    unet, adapter = parts.unet, starting_adapter(parts.unet, base, options)
    attach(unet, adapter)
    unet.to(device, memory_format=torch.channels_last).eval().requires_grad_(False)
    adapter.to(device).requires_grad_(True)
    adapter.encoder.requires_grad_(not options.own_reference)
    vae, scale = parts.vae.to(device).eval(), float(parts.vae.config["scaling_factor"])
    plan = ShardPlan(options.workdir / "base", spelling(parts.tokenizer))
    slots = -(-options.pictures // plan.drawings)
    pool = LatentPool(slots, lambda images: encode(vae, images, device) * scale, device, pictures=True)
    log.info("adapter: %.2f M parameters, on %s", training_state.count_parameters(adapter) / 1e6, device)
    name, file = ("reference-own", OWN) if options.own_reference else ("reference", PAIRED)
    with DrawingStream(plan, options.workers, pool.slots) as stream:
        feed = PoolFeed(stream, pool)
        feed.fill(START_BATCHES * options.batch)
        batches = ReferenceBatches(feed, (unet, parts.text_encoder.to(device).eval(), parts.tokenizer), options)
        muon = Muon(adapter, RATE)
        averaged = fit_loop.fit(
            name, adapter, batches, options, 1.0, RATE, optimizer=muon, decay=EMA_DECAY, floor=RATE_LEFT
        )
    assert isinstance(averaged, ReferenceAdapter)
    write_adapter(options.out or shipped.reference_dir(), averaged, file)


def starting_adapter(unet: UNet2DConditionModel, base: Path, options: TrainOptions) -> ReferenceAdapter:
    """A trained adapter, or a new one; one that learns from its own picture takes only the encoder of a trained one."""
    if options.start is None:
        return new_adapter(unet)
    if options.own_reference and not (options.start / OWN).is_file():
        new = new_adapter(unet)
        new.encoder.load_state_dict(read_adapter(options.start, base).encoder.state_dict())
        return new
    return read_adapter(options.start, base, OWN if options.own_reference else PAIRED)
