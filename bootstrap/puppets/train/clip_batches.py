"""The batches and losses of the CLIP model.

Whole pictures train the words, crops train identity and the traits that belong to it. A panel uses them the same way,
and one vector cannot both encode and ignore the view. Twins share every named trait, so variety comes from single
drawings. Does NOT know how a training runs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import open_clip
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from bootstrap.puppets import scene
from bootstrap.puppets.train import attributes, cropping
from bootstrap.puppets.train.clip_folder import SIDE
from bootstrap.puppets.train.contrastive import sample_groups
from bootstrap.puppets.train.individuals import PER_GROUP, SHOTS
from bootstrap.puppets.train.material import Material
from bootstrap.puppets.train.phrases import AXES, PHRASES, seen_phrases
from bootstrap.puppets.train.twins import TWINS, Depicted

PAINTED_ODDS = 0.4
HEAD_AXES = ("hair_color", "hair_style", "eye_color", "ears", "hat", "accessory", "skin", "expression")
"""Axes that a head crop shows."""
_TWIN_SHARE = 0.5
_UNIT = 2 * TWINS  # pictures of a group in a batch
_FIRST_WITH_BODY = scene.ALL_FRAMINGS.index("upper body")
SHOWS = np.zeros((3, len(PHRASES)), dtype=np.bool_)
SHOWS[cropping.WHOLE] = True
for _axis in HEAD_AXES:
    SHOWS[cropping.HEAD, AXES[_axis]] = True
"""Which phrases a whole picture, a head and a body may be trained on: bool (3, phrases)."""
_COLORED = np.concatenate(
    [AXES[axis] for axis in ("hair_color", "eye_color", "hat", "accessory", "skin", "top", "bottom")]
)
MEAN = torch.tensor(open_clip.OPENAI_DATASET_MEAN).view(1, 3, 1, 1)
DEVIATION = torch.tensor(open_clip.OPENAI_DATASET_STD).view(1, 3, 1, 1)


@dataclass(frozen=True)
class ClipBatch:
    """One batch of N pictures.

    `images` (N, 3, SIDE, SIDE) normalised; `individuals` (N,), -1 for single drawings, whose individual occurs once;
    `cropped` bool (N,); `truth` and `captioned` bool (N, phrases): what is true of each picture, and the part of it in
    its caption; `unnamed` the attribute targets.
    """

    images: Tensor
    individuals: Tensor
    cropped: Tensor
    truth: Tensor
    captioned: Tensor
    unnamed: attributes.Attributes


def draw_batch(material: Material, truths: NDArray[np.bool_], batch: int, rng: np.random.Generator) -> ClipBatch:
    """Groups of twins, one kind of crop for each group, then single drawings, whole or as heads."""
    groups = max(round(batch * _TWIN_SHARE) // _UNIT, 2)
    twins = sample_groups(material.grouped // PER_GROUP, groups, rng)
    singles = rng.integers(material.grouped, len(material), max(batch - len(twins), 2))
    rows = np.concatenate([twins, singles])
    kind = _kinds(material.framing[rows], groups, rng)
    boxes = cropping.jitter_boxes(cropping.composition_boxes(material.framing[rows], kind), rng)
    seen = cropping.to_tensor(material.look(rows, rng, PAINTED_ODDS))
    pictures = cropping.disturb(cropping.cut(seen, torch.from_numpy(boxes), SIDE), rng)
    truth = truths[rows] & SHOWS[kind]
    who = np.where(rows < material.grouped, rows // len(SHOTS), -1)
    return ClipBatch(
        (pictures - MEAN) / DEVIATION,
        torch.from_numpy(who),
        torch.from_numpy(kind != cropping.WHOLE),
        torch.from_numpy(truth),
        torch.from_numpy(drop_some(truth, rng)),
        material.unnamed.of(rows),
    )


def _kinds(framing: NDArray[np.int64], groups: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Head or body, the same for a whole group; then whole or head. A body only where the framing shows it."""
    twins = np.repeat(rng.choice((cropping.HEAD, cropping.BODY), groups, p=(0.75, 0.25)), _UNIT)
    singles = rng.choice((cropping.WHOLE, cropping.HEAD), len(framing) - len(twins), p=(0.65, 0.35))
    singles[0] = cropping.WHOLE  # so that no loss is without a picture
    kind = np.concatenate([twins, singles])
    return np.where((kind == cropping.BODY) & (framing < _FIRST_WITH_BODY), cropping.HEAD, kind)


def drop_some(truth: NDArray[np.bool_], rng: np.random.Generator) -> NDArray[np.bool_]:
    """Keep a random share of the true phrases of each picture, at least one."""
    keep = rng.random(truth.shape) < rng.uniform(0.1, 1.0, (len(truth), 1))
    first = np.where(truth, rng.random(truth.shape), -1).argmax(axis=1)
    keep[np.arange(len(truth)), first] = True
    kept: NDArray[np.bool_] = truth & keep
    return kept


def phrase_truths(specs: Sequence[Depicted]) -> NDArray[np.bool_]:
    """Which phrases are true of each picture and seen on it: bool (N, phrases)."""
    truths = np.array([seen_phrases(*spec) for spec in specs])
    grey = np.array([shot.style == "monochrome" for _, shot in specs])
    truths[np.ix_(grey, _COLORED)] = False
    return truths


def caption_loss(images: Tensor, texts: Tensor, matches: Tensor) -> Tensor:
    """Contrastive both ways; `matches` (images, texts) marks every caption that is true of a picture.

    `images` and `texts` are scaled so that their product is a matrix of logits.
    """
    logits = images @ texts.T
    to_images = (logits.log_softmax(0) * matches).sum(0) / matches.sum(0).clamp(min=1)
    to_texts = (logits.log_softmax(1) * matches).sum(1) / matches.sum(1).clamp(min=1)
    return -(to_images.mean() + to_texts.mean()) / 2


def tag_loss(images: Tensor, phrases: Tensor, truth: Tensor) -> Tensor:
    """Cross entropy of each axis as a zero-shot choice between its phrases; mean over the axes.

    An axis counts the pictures of which exactly one of its phrases is true.
    """
    logits = images @ phrases.T
    losses = []
    for members in AXES.values():
        answers = truth[:, members]
        shows = answers.sum(1) == 1
        if shows.any():
            losses.append(F.cross_entropy(logits[shows][:, members], answers[shows].float().argmax(1)))
    return torch.stack(losses).mean()
