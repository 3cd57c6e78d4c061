"""The bars of the base: what it draws as a share of painted renders, and how sharp it draws."""

from __future__ import annotations

import math

import numpy as np
import pytest

from bootstrap.puppets.train import bars, data, obedience, painting
from bootstrap.puppets.train.train_options import TrainOptions

STRIPES = np.tile(np.array([0, 90], np.uint8), (1, 4, 2))[..., None].repeat(3, axis=3)
"""One picture of 4 x 4 whose columns alternate."""


def test_gradient_energy_looks_both_ways():
    assert obedience.gradient_energy(STRIPES) == pytest.approx(45)
    assert obedience.gradient_energy(STRIPES.swapaxes(1, 2)) == pytest.approx(45)
    assert obedience.gradient_energy(np.full_like(STRIPES, 200)) == 0


def test_a_share_of_nothing_is_not_a_number():
    shares = obedience.shares_of({"tail": 0.3, "pose": 0.0}, {"tail": 0.6, "pose": 0.0})
    assert shares["tail"] == pytest.approx(0.5)
    assert math.isnan(shares["pose"])


def test_what_is_drawn_is_held_against_painted_renders(monkeypatch):
    def generated(folder, specs):
        return data.render_many(specs, workers=1)

    def softened(images, vae):
        return (images * 0.5).astype(np.uint8)

    def read(images, specs, judge):
        return dict.fromkeys((*real(images[:1], specs[:1], judge), "front expression"), images.mean())

    real = obedience.read
    monkeypatch.setattr(obedience, "generate", generated)
    monkeypatch.setattr(painting, "paint", softened)
    monkeypatch.setattr(obedience, "read", read)
    found = {bar.measure: bar for bar in bars.base_bars(TrainOptions(), 4)}
    assert found["front expression / painted"].value == pytest.approx(2, rel=0.02)
    assert found["front expression / painted"].bar == 0.90
    assert found["front eye_color / painted"].bar == 0.97
    off = found["gradient energy / painted, off 1"]
    assert off.value == pytest.approx(1, rel=0.02)
    assert (off.bar, off.met) == (0.10, False)
