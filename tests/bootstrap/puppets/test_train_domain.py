"""The probe of the domain: puppets are known, pictures of other kinds are not, and it can be fitted again."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bootstrap.config import load_panel
from bootstrap.panel.domain import FILE, foreign_pictures, read_probe
from bootstrap.panel.models import open_panel_models
from bootstrap.puppets import shipped
from bootstrap.puppets.train import train_domain
from bootstrap.puppets.train.outliers import KINDS, outlier
from bootstrap.puppets.train.train_options import TrainOptions

UNSEEN = 1_000_010
"""A number of outliers beyond all that were fitted on."""


@pytest.fixture(scope="module")
def models():
    return open_panel_models(load_panel("puppet"), None, comparing=False)


def test_the_shipped_probe_knows_the_examples_and_no_other_kind(models):
    panel = load_panel("puppet")
    drawn = ("nox", "pip", "ruby", "outfit-poppy")
    seeds = [
        Image.open(path).convert("RGB") for name in drawn for path in Path("configs/characters", name).glob("*.png")
    ]
    assert foreign_pictures(seeds, models, panel) == [""] * len(seeds)
    others = [outlier(UNSEEN + kind) for kind in range(len(KINDS))]
    assert sum(bool(kind) for kind in foreign_pictures(others, models, panel)) >= 10


def test_it_is_fitted_again_for_the_encoders_of_the_panel(models, tmp_path, monkeypatch):
    monkeypatch.setattr(train_domain, "open_panel_models", lambda panel, cache: models)
    train_domain.train(TrainOptions(out=tmp_path, steps=4))
    probe = read_probe(tmp_path / FILE)
    assert probe.fingerprints == (models.clip.fingerprint, models.own["ccip"].fingerprint)
    assert probe.fingerprints == read_probe(shipped.domain_dir() / FILE).fingerprints


def test_each_kind_has_half_of_the_weight():
    known, others = np.array([[1.0], [1.2], [0.8]] * 5), np.array([[-1.0], [-1.1]])
    weights, bias = train_domain.fitted(known, others)
    assert weights[0] > 0
    assert abs(bias) < 0.1, "in the middle, though there are many more of the one kind"


def test_an_outlier_is_the_same_each_time():
    first, again = outlier(UNSEEN), outlier(UNSEEN)
    assert first.size == (128, 128)
    assert first.tobytes() == again.tobytes()
