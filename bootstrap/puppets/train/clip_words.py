"""The second half of the CLIP training: the text tower learns to meet an image tower that does not move any more.

Its embeddings are taken once, so a step costs little more than reading the phrases, and thousands of pictures answer at
once; learning beside the image tower, the text tower always came late (hair colour .49 where the tower itself had
learned it). Does NOT know how the image tower was trained.

Source of the idea: X. Zhai et al., "LiT: zero-shot transfer with locked-image text tuning" (2022).
"""

from __future__ import annotations

import logging

import numpy as np
import open_clip
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from bootstrap.puppets.train import checkpoint, clip_folder, crops
from bootstrap.puppets.train.clip_folder import SIDE
from bootstrap.puppets.train.clip_lesson import (
    DEVIATION,
    MEAN,
    PAINTED_ODDS,
    TEACHES,
    caption_loss,
    drop_some,
    tag_loss,
)
from bootstrap.puppets.train.material import Material

log = logging.getLogger(__name__)

RATE = 1e-3
BATCH, CAPTIONS = 1024, 96
PICTURES = 16_000
_HEADS = 0.35
_SHARPNESS = 24.0
_PULL = 4.0


def learn_words(
    model: open_clip.CLIP,
    words: clip_folder.Words,
    material: Material,
    truths: NDArray[np.bool_],
    prototypes: Tensor,
    clock: checkpoint.Clock,
    seed: int,
) -> None:
    """Train the text tower of `model` in place, until `clock` is done, on single drawings of `material`.

    Args:
        model: its image tower stays as it is; left in evaluation mode.
        words: its tokenizer.
        material: pictures; those after the gallery are used.
        truths: bool (N, phrases), what is true of each of them.
        prototypes: (phrases, D), the directions by which the image tower learned its tags.
        clock: the schedule of this half.
        seed: of the choice of pictures.
    """
    rng = np.random.default_rng([seed, 12])
    images, kinds, rows = _embed_all(model.eval(), material, rng)
    truth = torch.from_numpy(truths[rows] & TEACHES[kinds])
    clock.pause()
    text = [value for name, value in model.named_parameters() if not name.startswith("visual.")]
    optimizer = torch.optim.AdamW(text, RATE, (0.9, 0.98), weight_decay=0.01)
    average = checkpoint.Ema(model, 0.98)
    device = next(model.parameters()).device
    note = checkpoint.Every(15)
    while not clock.done:
        checkpoint.set_rate(optimizer, RATE * checkpoint.cosine(clock.progress))
        picks = torch.from_numpy(rng.integers(0, len(images), BATCH))
        losses = _losses(model, words, images[picks].to(device), truth[picks].to(device), rng)
        losses.append(_PULL * _distance(clip_folder.encode_text(model, words.phrases.to(device)), prototypes))
        optimizer.zero_grad()
        torch.stack(losses).sum().backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(text, 1.0)
        optimizer.step()
        model.logit_scale.data.clamp_(max=float(np.log(100)))
        average.update(model)
        clock.tick()
        if note():
            told = " ".join(f"{float(one.detach()):.3f}" for one in losses)
            log.info("words step %d phrase, caption, distance %s", clock.step, told)
    model.load_state_dict(average.shadow)


def _losses(
    model: open_clip.CLIP, words: clip_folder.Words, images: Tensor, truth: Tensor, rng: np.random.Generator
) -> list[Tensor]:
    """Every phrase among its rivals for all pictures, and captions for some of them."""
    phrases = clip_folder.encode_text(model, words.phrases.to(images.device))
    told = truth[:CAPTIONS]
    said = torch.from_numpy(drop_some(told.cpu().numpy(), rng))
    texts = clip_folder.encode_text(model, words.captions(said).to(images.device))
    matches = (said.float().to(images.device) @ (~told).float().T == 0).T
    scaled = model.logit_scale.exp() * images[:CAPTIONS]
    return [3 * tag_loss(_SHARPNESS * images, phrases, truth), caption_loss(scaled, texts, matches)]


def _distance(phrases: Tensor, prototypes: Tensor) -> Tensor:
    """Mean cosine distance of phrases from the directions they stand for."""
    return 1 - (phrases * F.normalize(prototypes, dim=1)).sum(1).mean()


@torch.no_grad()
def _embed_all(
    model: nn.Module, material: Material, rng: np.random.Generator
) -> tuple[Tensor, NDArray[np.int64], NDArray[np.int64]]:
    """Unit embeddings of single drawings, whole or their heads; which crop each is; its row."""
    rows = material.grouped + rng.permutation(len(material) - material.grouped)[:PICTURES]
    kinds = np.where(rng.random(len(rows)) < _HEADS, crops.HEAD, crops.WHOLE).astype(np.int64)
    device = next(model.parameters()).device
    parts = []
    for start in range(0, len(rows), 200):
        some, kind = rows[start : start + 200], kinds[start : start + 200]
        boxes = crops.jitter_boxes(crops.composition_boxes(material.framing[some], kind), rng, 0.03)
        pictures = crops.cut(crops.to_tensor(material.look(some, rng, PAINTED_ODDS)), torch.from_numpy(boxes), SIDE)
        seen = model.visual(((pictures - MEAN) / DEVIATION).to(device))  # type: ignore[operator]
        parts.append(F.normalize(seen.float(), dim=1).cpu())
    return torch.cat(parts), kinds, rows
