"""The last part of the CLIP training: the text tower is trained against a frozen image tower.

Image embeddings are computed once, so that a step costs little more than encoding the phrases, and its batches hold a
thousand pictures. Trained only beside the image tower, the text tower lags behind it (zero-shot accuracy of hair
colours .49). Does NOT know how the image tower was trained.

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

from bootstrap.puppets.train import clip_folder, cropping, training_state
from bootstrap.puppets.train.clip_batches import (
    DEVIATION,
    MEAN,
    PAINTED_ODDS,
    SHOWS,
    caption_loss,
    drop_some,
    tag_loss,
)
from bootstrap.puppets.train.clip_folder import SIDE
from bootstrap.puppets.train.material import Material

log = logging.getLogger(__name__)

RATE = 1e-3
BATCH, CAPTIONS = 1024, 96
PICTURES = 16_000
_HEADS = 0.35
_SHARPNESS = 24.0
_PULL = 4.0


def train_text_tower(
    model: open_clip.CLIP,
    words: clip_folder.PhraseTokens,
    material: Material,
    truths: NDArray[np.bool_],
    prototypes: Tensor,
    clock: training_state.TrainingClock,
    random_seed: int,
) -> None:
    """Train the text tower of `model` in place, until `clock` is done, on single drawings of `material`.

    Args:
        model: its image tower stays frozen; left in evaluation mode.
        words: the tokens of its phrases.
        material: pictures; the single drawings are used.
        truths: bool (N, phrases), what is true of each picture of `material`.
        prototypes: (phrases, D), the directions that the image tower was trained with.
        clock: the schedule of this part.
        random_seed: of the choice of pictures.
    """
    rng = np.random.default_rng([random_seed, 12])
    images, kinds, rows = _embed_all(model.eval(), material, rng)
    truth = torch.from_numpy(truths[rows] & SHOWS[kinds])
    clock.pause()
    text = [value for name, value in model.named_parameters() if not name.startswith("visual.")]
    optimizer = torch.optim.AdamW(text, RATE, (0.9, 0.98), weight_decay=0.01)
    average = training_state.Ema(model, 0.98)
    device = next(model.parameters()).device
    note = training_state.Timer(15)
    while not clock.done:
        training_state.set_rate(optimizer, RATE * training_state.cosine(clock.progress))
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
            values = " ".join(f"{float(loss.detach()):.3f}" for loss in losses)
            log.info("words step %d phrase, caption, distance %s", clock.step, values)
    model.load_state_dict(average.shadow)


def _losses(
    model: open_clip.CLIP, words: clip_folder.PhraseTokens, images: Tensor, truth: Tensor, rng: np.random.Generator
) -> list[Tensor]:
    """The tag loss of all pictures, and the caption loss of the first of them."""
    phrases = clip_folder.encode_text(model, words.phrases.to(images.device))
    true = truth[:CAPTIONS]
    captioned = torch.from_numpy(drop_some(true.cpu().numpy(), rng))
    texts = clip_folder.encode_text(model, words.captions(captioned).to(images.device))
    matches = (captioned.float().to(images.device) @ (~true).float().T == 0).T
    scaled = model.logit_scale.exp() * images[:CAPTIONS]
    return [3 * tag_loss(_SHARPNESS * images, phrases, truth), caption_loss(scaled, texts, matches)]


def _distance(phrases: Tensor, prototypes: Tensor) -> Tensor:
    """Mean cosine distance of phrases from their prototypes."""
    return 1 - (phrases * F.normalize(prototypes, dim=1)).sum(1).mean()


@torch.no_grad()
def _embed_all(
    model: nn.Module, material: Material, rng: np.random.Generator
) -> tuple[Tensor, NDArray[np.int64], NDArray[np.int64]]:
    """Unit embeddings of single drawings, whole or heads; the kind of each crop; its row."""
    rows = material.grouped + rng.permutation(len(material) - material.grouped)[:PICTURES]
    kinds = np.where(rng.random(len(rows)) < _HEADS, cropping.HEAD, cropping.WHOLE).astype(np.int64)
    device = next(model.parameters()).device
    parts = []
    for start in range(0, len(rows), 200):
        some, kind = rows[start : start + 200], kinds[start : start + 200]
        boxes = cropping.jitter_boxes(cropping.composition_boxes(material.framing[some], kind), rng, 0.03)
        pictures = cropping.cut(
            cropping.to_tensor(material.look(some, rng, PAINTED_ODDS)), torch.from_numpy(boxes), SIDE
        )
        seen = model.visual(((pictures - MEAN) / DEVIATION).to(device))  # type: ignore[operator]
        parts.append(F.normalize(seen.float(), dim=1).cpu())
    return torch.cat(parts), kinds, rows
