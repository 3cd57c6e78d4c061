"""Heads on detailed ground, without a detector of faces: found where it is sure, and never guessed."""

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from bootstrap.config import embedded, load
from bootstrap.panel.models import PanelModels
from bootstrap.puppets.anatomy import sample_puppet
from bootstrap.puppets.render import render
from bootstrap.puppets.scene import sample_shot
from bootstrap.records import Seed
from bootstrap.seeds.heads import with_head
from bootstrap.seeds.pictured_heads import pictured_head
from scoring.clip import ClipEncoder
from scoring.features import Features

PANEL = load("puppet").panel
ASIDE = 48
"""Pixels of 192 that a puppet stands left of where its framing has it."""


def puppet_aside(number, background):
    """A puppet left of the middle, on detailed ground, and the true box of its head in fractions."""
    random = np.random.default_rng(number)
    fixed = {"view_family": "front", "framing": "full body", "background": background, "style": "cel shading"}
    drawing = render(sample_puppet(number), sample_shot(random, **fixed), 192)
    image = Image.fromarray(drawing.image)
    moved = image.copy()
    moved.paste(image.crop((ASIDE, 0, 192, 192)), (0, 0))
    moved.paste(image.crop((0, 0, ASIDE, 192)), (192 - ASIDE, 0))
    left, top, right, bottom = drawing.head_box
    return moved, ((left - ASIDE) / 192, top / 192, (right - ASIDE) / 192, bottom / 192)


@pytest.fixture(scope="module")
def close_ups():
    clip = ClipEncoder(str(embedded("embedded:clip")))
    return PanelModels(clip, Features(), PANEL.read_margin).close_ups(PANEL)


def seed(framing="full body"):
    return Seed("p", "h", "s", "front", "front", framing, "default", (), "read")


@pytest.mark.parametrize("framing", ["full body", ""])
def test_a_head_aside_is_found_on_detailed_ground(close_ups, framing):
    image, truth = puppet_aside(344, "snow")
    found = with_head(seed(framing), image, None, PANEL, close_ups)
    assert found.head_known
    assert np.abs(np.array(found.head) - truth).max() < 0.12
    assert pictured_head(image, framing, PANEL.composition, close_ups) == found.head, "the same every time"


def test_what_reads_as_no_close_up_or_does_not_stand_out_is_no_head(close_ups):
    image, _ = puppet_aside(344, "snow")
    doubted = with_head(seed(), image, None, PANEL, lambda images: np.full(len(images), -3.0))
    assert doubted == replace(seed(), head_known=False)
    legs = image.crop((0, 110, 82, 192)).resize((192, 192))
    noise = Image.effect_noise((192, 192), 80).convert("RGB")
    for headless in (legs, noise):
        assert not with_head(seed(), headless, None, PANEL, close_ups).head_known


def test_a_panel_without_words_for_framings_does_not_look():
    silent = PANEL.model_copy(update={"vocabulary": {}})
    assert PanelModels(None, Features(), 0.7).close_ups(silent) is None
