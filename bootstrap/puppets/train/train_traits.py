"""Fits the probe that reads every trait off puppets: `… train traits`.

A softmax over nothing and the words of each axis, linear in the embeddings of whole pictures, heads and bodies by the
shipped CLIP and CCIP encoders and in what CLIP says of each word, with a penalty on the squares of the weights. The
margin of an axis is the lead over a right word that few best words of other puppets have. It takes minutes, whatever
``--minutes`` says. Fit it again after either encoder was trained: it names their fingerprints and is not used with
others.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from bootstrap.config import load_panel
from bootstrap.panel.models import open_panel_models
from bootstrap.panel.trait_probe import FILE, AxisProbe, TraitProbe, encoders_of, features_of, parts_of, spoken, summing
from bootstrap.puppets import shipped
from bootstrap.puppets.anatomy import sample_puppet
from bootstrap.puppets.captions import is_seen, tags
from bootstrap.puppets.render import render
from bootstrap.puppets.scene import sample_shot
from bootstrap.puppets.train.train_options import TrainOptions
from scoring.features import WordEncoder

log = logging.getLogger(__name__)

AXES = ("hair_color", "hair_style", "eye_color", "ears", "tail", "skin", "hat", "accessory", "top", "bottom")
FIRST = {"fit": 200_000, "cut": 210_000, "test": 220_000}
"""First number of the puppets that the probe is fitted on, that its margins are taken from, and that it is measured
on."""
COUNTS = {"fit": 1800, "cut": 700, "test": 300}
PENALTY = 0.03
"""Of the sum of the squared weights of standardised features, beside the mean loss."""
FALSE_ALARMS = 0.05
"""Share of right words that another one may lead by the margin."""
LEAST_MARGIN = 0.5
MOST_STEPS = 60
SIDES = (96, 128, 192)
AT_ONCE = 32


Features = Callable[[Sequence[Image.Image]], NDArray[np.float32]]
"""What embeds drawings, shape (n, d)."""


@dataclass(frozen=True, slots=True)
class TraitDrawings:
    """Features of drawings, shape (n, d), and of each what is seen on each axis, "" for nothing."""

    rows: NDArray[np.float32]
    truth: Sequence[dict[str, str]]

    def labels(self, axis: str, words: Sequence[str]) -> NDArray[np.int64]:
        """The place of the word that each drawing shows, 0 for nothing, shape (n,)."""
        return np.array([["", *words].index(truth[axis]) for truth in self.truth], np.int64)


def train(options: TrainOptions) -> None:
    """Fit, take the margins, measure and write. Of ``options`` only ``out`` and ``steps`` are used: fewer puppets."""
    panel = load_panel("puppet")
    models = open_panel_models(panel, None, comparing=False)

    def drawn(kind: str) -> TraitDrawings:
        return drawings(FIRST[kind], options.steps or COUNTS[kind], lambda images: features_of(images, models, panel))

    fit, cut, test = drawn("fit"), drawn("cut"), drawn("test")
    probes = {axis: fitted(axis, panel.vocabulary[axis], fit, cut, models.clip) for axis in AXES}
    fingerprints = tuple(encoder.fingerprint for encoder in encoders_of(models, panel))
    TraitProbe(probes, fingerprints).write((options.out or shipped.traits_dir()) / FILE)
    for axis, probe in probes.items():
        right, alarms, caught = measured(axis, probe, test, models.clip)
        log.info("traits: %s read right on %.2f, %.3f of right words contradicted, %.2f of wrong ones",
                 axis, right, alarms, caught)  # fmt: skip


def drawings(first: int, count: int, features: Features) -> TraitDrawings:
    """Puppets from a number on in shots of all views, every other one from the front, as seeds mostly are."""
    rows, truth, batch = [], list[dict[str, str]](), list[Image.Image]()
    for number in range(first, first + count):
        rng, puppet = np.random.default_rng([number, 314]), sample_puppet(number)
        shot = sample_shot(rng)
        if rng.random() < 0.5:
            shot = sample_shot(rng, view_family="front", expression="neutral expression")
        batch.append(Image.fromarray(render(puppet, shot, SIDES[number % len(SIDES)]).image))
        truth.append({axis: tag * is_seen(axis, tag, shot) for axis, tag in tags(puppet, shot).items()})
        if len(batch) == AT_ONCE or number == first + count - 1:
            rows.append(features(batch))
            batch = []
    return TraitDrawings(np.concatenate(rows), truth)


def fitted(axis: str, words: Sequence[str], fit: TraitDrawings, cut: TraitDrawings, clip: WordEncoder) -> AxisProbe:
    """The probe of one axis, with its margin."""
    mean, spread = fit.rows.mean(axis=0), fit.rows.std(axis=0) + 1e-6
    rows, labels = torch.from_numpy((fit.rows - mean) / spread), torch.from_numpy(fit.labels(axis, words))
    said = torch.nn.functional.pad(torch.from_numpy(spoken(fit.rows, words, clip)), (1, 0))  # of nothing: no word
    together = torch.from_numpy(summing(words).T).float()
    weights = torch.zeros(rows.shape[1] + 1, 1 + len(parts_of(words)), requires_grad=True)
    shares = torch.zeros(len(said), requires_grad=True)
    solver = torch.optim.LBFGS([weights, shares], max_iter=MOST_STEPS, line_search_fn="strong_wolfe")

    def loss() -> torch.Tensor:
        solver.zero_grad()
        scores = (rows @ weights[:-1] + weights[-1]) @ together + torch.tensordot(shares, said, 1)
        found = torch.nn.functional.cross_entropy(scores, labels) + PENALTY * weights[:-1].square().sum()
        found.backward()  # type: ignore[no-untyped-call]
        return found

    solver.step(loss)  # type: ignore[no-untyped-call]
    plain = weights.detach().numpy()
    scaled = plain[:-1] / spread[:, None]
    bias = plain[-1:] - mean @ scaled
    probe = AxisProbe(tuple(words), np.concatenate([scaled, bias]), shares.detach().numpy(), LEAST_MARGIN)
    return replace(probe, margin=max(LEAST_MARGIN, _margin(axis, probe, cut, clip)))


def measured(axis: str, probe: AxisProbe, test: TraitDrawings, clip: WordEncoder) -> tuple[float, float, float]:
    """Of words that are seen: how many are read, how many contradicted, and how many wrong ones in their place are."""
    labels = test.labels(axis, probe.words)
    scores, labels = probe.scores(test.rows, clip)[labels > 0], labels[labels > 0] - 1
    contradicted = scores.max(axis=1, keepdims=True) - scores >= probe.margin
    alarms = contradicted[np.arange(len(labels)), labels]
    caught = (contradicted.sum(axis=1) - alarms) / (len(probe.words) - 1)
    return float(np.mean(scores.argmax(axis=1) == labels)), float(alarms.mean()), float(caught.mean())


def _margin(axis: str, probe: AxisProbe, cut: TraitDrawings, clip: WordEncoder) -> float:
    """The lead over the right word that few best words have; 0 where no drawing shows a word."""
    labels = cut.labels(axis, probe.words)
    scores, labels = probe.scores(cut.rows, clip)[labels > 0], labels[labels > 0] - 1
    if not len(labels):
        return 0.0
    leads = scores.max(axis=1) - scores[np.arange(len(labels)), labels]
    return float(np.quantile(leads, 1 - FALSE_ALARMS))
