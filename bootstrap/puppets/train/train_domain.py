"""Fits the probe that tells puppets from pictures that the panel does not know: `… train domain`.

A linear probe on the embeddings of the shipped CLIP and CCIP encoders, by least squares, each class with half of the
weight; its cut is where 1 % of other drawings of puppets fall. It takes minutes, whatever ``--minutes`` says. Fit it
again after either encoder was trained: it names their fingerprints and is not used with others.
"""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from bootstrap.config import load_panel
from bootstrap.panel.domain import FILE, write_probe
from bootstrap.panel.models import open_panel_models
from bootstrap.pictures import square
from bootstrap.puppets import shipped
from bootstrap.puppets.anatomy import sample_puppet
from bootstrap.puppets.render import render
from bootstrap.puppets.scene import sample_shot
from bootstrap.puppets.train.outliers import outlier
from bootstrap.puppets.train.train_options import TrainOptions
from scoring.features import Encoder

log = logging.getLogger(__name__)

FIRST = {"fit": 100_000, "cut": 110_000, "test": 120_000}
"""First number of the puppets that the probe is fitted on, that its cut is taken from, and that it is measured on."""
PUPPETS, OUTLIERS, CUT = 1800, 1540, 1000
RIDGE = 0.1
"""Penalty of the least squares, in units of the mean square of a standardised feature: .03 to .3 measure alike."""
FALSE_ALARMS = 0.01
"""Share of puppets that may fall below the cut."""
SIDES = (96, 128, 192, 256)
AT_ONCE = 32


def train(options: TrainOptions) -> None:
    """Fit, cut, measure and write the probe. Of ``options`` only ``out`` and ``steps`` are used: fewer pictures."""
    counts = [options.steps or most for most in (PUPPETS, OUTLIERS, CUT, CUT)]
    panel = load_panel("puppet")
    models = open_panel_models(panel, None)
    encoders = [models.clip, *(models.own[name] for name in panel.domain.scorers)]
    known = embedded(puppets(FIRST["fit"], counts[0]), encoders)
    others = embedded((outlier(number) for number in range(counts[1])), encoders)
    mean, spread = known.mean(axis=0), known.std(axis=0) + 1e-6
    weights, bias = fitted((known - mean) / spread, (others - mean) / spread)
    weights, bias = weights / spread, bias - float((mean / spread) @ weights)
    values = embedded(puppets(FIRST["cut"], counts[2]), encoders) @ weights + bias
    bias -= float(np.quantile(values, FALSE_ALARMS))
    out = options.out or shipped.domain_dir()
    write_probe(out / FILE, weights, bias, [encoder.fingerprint for encoder in encoders])
    alarms = float(np.mean(embedded(puppets(FIRST["test"], counts[3]), encoders) @ weights + bias < 0))
    log.info("domain: %.1f %% of other puppets, %.1f %% of the outliers are told", 100 * alarms,
             100 * float(np.mean(others @ weights + bias < 0)))  # fmt: skip


def fitted(known: NDArray[np.float32], others: NDArray[np.float32]) -> tuple[NDArray[np.float64], float]:
    """The weights and the bias that give 1 to known rows and -1 to others, each kind with half of the weight."""
    rows = np.concatenate([known, others]).astype(np.float64)
    rows = np.concatenate([rows, np.ones((len(rows), 1))], axis=1)
    target = np.repeat([1.0, -1.0], [len(known), len(others)])
    share = np.repeat([0.5 / len(known), 0.5 / len(others)], [len(known), len(others)])
    penalty = RIDGE * np.eye(rows.shape[1])
    penalty[-1, -1] = 0
    solved = np.linalg.solve(rows.T @ (share[:, None] * rows) + penalty, rows.T @ (share * target))
    return solved[:-1], float(solved[-1])


def puppets(first: int, count: int) -> Iterator[Image.Image]:
    """Drawings as people hand them in: of several sizes, some as JPEG, enlarged, or cut to a tall or wide picture."""
    for number in range(first, first + count):
        rng = np.random.default_rng([number, 314])
        drawing = render(sample_puppet(number), sample_shot(rng), SIDES[number % len(SIDES)])
        image = Image.fromarray(drawing.image)
        if rng.random() < 0.3:
            left, top = (int(image.width * part) for part in rng.uniform(0, 0.12, 2))
            image = image.crop((left, 0, image.width - left, image.height - top))
        if rng.random() < 0.3:
            factor = rng.uniform(0.6, 2)
            image = image.resize((round(image.width * factor), round(image.height * factor)), Image.Resampling.LANCZOS)
        if rng.random() < 0.3:
            buffer = io.BytesIO()
            image.save(buffer, format="JPEG", quality=int(rng.integers(60, 95)))
            image = Image.open(buffer).convert("RGB")
        yield image


def embedded(images: Iterator[Image.Image], encoders: Sequence[Encoder]) -> NDArray[np.float32]:
    """The embeddings of all encoders side by side, shape (n, d)."""
    rows, batch = [], list[Image.Image]()
    for image in images:
        batch.append(square(image))
        if len(batch) == AT_ONCE:
            rows.append(np.concatenate([encoder.embed(batch) for encoder in encoders], axis=1))
            batch = []
    if batch:
        rows.append(np.concatenate([encoder.embed(batch) for encoder in encoders], axis=1))
    return np.concatenate(rows)
