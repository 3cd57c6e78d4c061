"""Adapters of faces are shown heads: cut where they were found, else where the framing has them."""

import hashlib

import numpy as np
import pytest
from PIL import Image

from bootstrap.backends.shown_pictures import open_shown
from bootstrap.config import load
from bootstrap.panel.color_models import fake_panel_models
from bootstrap.panel.head_references import head_of_reference, heads_of_seeds
from bootstrap.records import Reference, Seed

CONFIG = load("puppet")
HEAD = CONFIG.panel.composition["full body"]["head"]


@pytest.fixture
def seed(tmp_path):
    """A red head on a blue ground, in a full body."""
    image = Image.new("RGB", (400, 400), (20, 20, 250))
    image.paste((250, 20, 20), tuple(round(400 * one) for one in HEAD))
    image.save(tmp_path / "a.png")
    digest = hashlib.sha256((tmp_path / "a.png").read_bytes()).hexdigest()
    return Seed("a.png", digest, "a.png", "front", "front", "full body", "default", (), "read")


def test_the_head_of_a_seed_is_what_is_shown(seed, tmp_path):
    models = fake_panel_models()
    (head,) = heads_of_seeds([seed], tmp_path, models, CONFIG.panel)
    shown = open_shown(tmp_path, Reference(head.path, head.sha256, 1.0), "reference")
    assert (head.path.startswith("references/"), shown.width >= 224) == (True, True)
    assert np.asarray(shown, int)[..., 0].min() > 200, "nothing but the head"
    assert heads_of_seeds([seed], tmp_path, models, CONFIG.panel) == [head], "the same file again"
    whole = Reference(seed.path, seed.sha256, 0.4)
    aside = head_of_reference(whole, "full body", tmp_path, models, CONFIG.panel, (0.0, 0.6, 0.2, 0.8))
    assert aside.strength == 0.4
    assert np.asarray(open_shown(tmp_path, aside, "reference"), int)[..., 0].max() < 60, "where it was found"
