"""Trains the text encoder of the base model before any picture: `python -m bootstrap.puppets.train text --minutes 6`.

A diffusion model this small does not learn its words from pictures alone: colours do not follow the prompt. So the
encoder is trained as a classifier first: for each axis one learned query attends to the token states and predicts the
tag of that axis, or that the caption has none. The queries are discarded. Does NOT know pictures.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

from bootstrap.puppets.train import data, fit_loop, training_state
from bootstrap.puppets.train.caption_sampling import sample_caption, visible_tags
from bootstrap.puppets.train.phrases import write_tokenizer
from bootstrap.puppets.train.train_options import TrainOptions

log = logging.getLogger(__name__)

CONTEXT = 64
WIDTH = 160
LAYERS = 3
RATE = 1e-3
SHUFFLE_ODDS = 0.3
_SHARPNESS = 4.0
_PAIRED = ("top", "bottom", "hat", "accessory")
"""Axes whose tag is a colour and a kind; each is named by a query of its own."""

Classes = dict[str, dict[str, int]]
"""Axis -> word(s) -> class; class 0 is "not in the caption"."""


def new_text_encoder(tokenizer: CLIPTokenizer, layers: int = LAYERS) -> CLIPTextModel:
    """The architecture with random weights."""
    config = CLIPTextConfig(
        vocab_size=len(tokenizer),
        hidden_size=WIDTH,
        intermediate_size=4 * WIDTH,
        num_hidden_layers=layers,
        num_attention_heads=4,
        max_position_embeddings=CONTEXT,
        projection_dim=WIDTH,
        hidden_act="quick_gelu",
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    return CLIPTextModel(config)


def new_tokenizer(folder: Path) -> CLIPTokenizer:
    """Write a tokenizer of the caption words into `folder` and load it."""
    write_tokenizer(folder, CONTEXT)
    return CLIPTokenizer.from_pretrained(folder)


def tokens(tokenizer: CLIPTokenizer, captions: Sequence[str], *, padded: bool = True) -> Tensor:
    """Ids (N, CONTEXT), or (N, longest) when not `padded` to the context as the pipeline does."""
    padding = "max_length" if padded else "longest"
    ids: Tensor = tokenizer(
        list(captions), padding=padding, truncation=True, max_length=CONTEXT, return_tensors="pt"
    ).input_ids
    return ids


def labels(tags: Mapping[str, str]) -> dict[str, str]:
    """Axis -> word(s), with colours of clothes on axes of their own."""
    named: dict[str, str] = {}
    for axis, tag in tags.items():
        if axis in _PAIRED and " " in tag:
            named[f"{axis}_color"], _, named[axis] = tag.partition(" ")
        else:
            named[axis] = tag
    return named


def find_classes(captioned: Sequence[Mapping[str, str]]) -> Classes:
    """All axes and their classes, from the tags (axis -> tag) of many captions."""
    values: dict[str, set[str]] = {}
    for tags in captioned:
        for axis, value in labels(tags).items():
            values.setdefault(axis, set()).add(value)
    classes: Classes = {}
    for axis in sorted(values):
        classes[axis] = {value: number for number, value in enumerate(sorted(values[axis]), 1)}
    return classes


class TagClassifier(nn.Module):
    """A text encoder, and one query for each axis that classifies its token states."""

    def __init__(self, encoder: CLIPTextModel, classes: Classes) -> None:
        super().__init__()
        self.encoder = encoder
        width = encoder.config.hidden_size
        self.queries = nn.Parameter(torch.randn(len(classes), width) * 0.1)
        self.keys, self.values = nn.Linear(width, width), nn.Linear(width, width)
        self.names = nn.ModuleList(nn.Linear(width, len(values) + 1) for values in classes.values())

    def forward(self, ids: Tensor) -> list[Tensor]:
        """Ids (N, T) to one (N, classes) of logits for each axis."""
        states = self.encoder(ids).last_hidden_state
        scores = torch.einsum("qd,btd->bqt", self.queries, self.keys(states)) * (_SHARPNESS / states.shape[-1] ** 0.5)
        read = torch.einsum("bqt,btd->bqd", scores.softmax(-1), self.values(states))
        return [name(read[:, axis]) for axis, name in enumerate(self.names)]


def classification_loss(
    classifier: nn.Module, ids: Tensor, captioned: Sequence[Mapping[str, str]], classes: Classes
) -> Tensor:
    """Mean cross-entropy over the axes; `captioned` are the tags of each caption."""
    named = [labels(tags) for tags in captioned]
    losses = []
    for (axis, values), logits in zip(classes.items(), classifier(ids), strict=True):
        truth = torch.tensor([values.get(tags.get(axis, ""), 0) for tags in named], device=logits.device)
        losses.append(F.cross_entropy(logits, truth))
    return torch.stack(losses).mean()


def train(options: TrainOptions) -> None:
    """Train and export tokenizer and encoder to `options.out` (default: the work folder)."""
    device = training_state.pick_device(options.device, options.threads)
    out = options.out or trained_text(options.workdir)
    tokenizer, encoder = starting_text(options, out / "tokenizer")
    visible = [visible_tags(*data.picture_spec("single", index)[:2]) for index in range(options.pictures // 2)]
    classes = find_classes(visible)

    def batch_losses(model: nn.Module, rng: np.random.Generator) -> dict[str, Tensor]:
        picks = rng.integers(0, len(visible), 2 * options.batch)
        captions, tags = zip(*(sample_caption(visible[pick], rng, SHUFFLE_ODDS) for pick in picks), strict=True)
        # Padding is slow, and attention is causal: most batches do without it and get the same states.
        ids = tokens(tokenizer, captions, padded=bool(rng.random() < 0.25))
        return {"classification": classification_loss(model, ids.to(device), tags, classes)}

    torch.manual_seed(options.random_seed + 1)
    classifier = TagClassifier(encoder, classes).to(device)
    averaged = fit_loop.fit("text", classifier, batch_losses, options, 1.0, RATE)
    averaged.encoder.save_pretrained(out / "text_encoder")  # type: ignore[operator, union-attr]


def starting_text(options: TrainOptions, folder: Path) -> tuple[CLIPTokenizer, CLIPTextModel]:
    """A new tokenizer (written to `folder`) and encoder, or those of the base model in `options.start`."""
    torch.manual_seed(options.random_seed)
    if options.start is None:
        tokenizer = new_tokenizer(folder)
        return tokenizer, new_text_encoder(tokenizer)
    tokenizer = CLIPTokenizer.from_pretrained(options.start / "tokenizer")
    tokenizer.save_pretrained(folder)
    return tokenizer, CLIPTextModel.from_pretrained(options.start / "text_encoder", dtype=torch.float32).train()


def trained_text(workdir: Path) -> Path:
    """Folder of the tokenizer and text encoder that a training wrote."""
    return workdir / "text" / "trained"
