"""Where the subject of a training picture stands: a seed's transparency and the framing's box go along with it."""

from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from bootstrap.backends.framing import framed
from bootstrap.captions.wording import Wording
from bootstrap.character import Character
from bootstrap.config import load
from bootstrap.dataset.generated import GeneratedFrames
from bootstrap.dataset.originals import seed_items
from bootstrap.records import Frame, Job, JobKind, Seed, Shot
from bootstrap.training.recipe import TrainRecipe

COMPOSITION = load("puppet").panel.composition
VIEWS = SimpleNamespace(hidden=lambda view_family, framing: frozenset(), shows=lambda framing, axis, tag: True)
SUBJECT = load("puppet").subject
WORDING = SimpleNamespace(enlarged="", subject=SUBJECT, views=VIEWS, seed_caption=lambda phase, shown, hides: ("mika",))
CAPTIONER = SimpleNamespace(wording=WORDING, shown=lambda seed: {})
RECIPE = TrainRecipe(masked_loss=True)


def seed(path):
    return Seed(path.name, "", path.name, "front", "front", "portrait", "default", (), "read")


def items_of(picture, tmp_path):
    picture.save(tmp_path / "seed.png")
    return seed_items(seed(tmp_path / "seed.png"), 0, tmp_path, CAPTIONER, COMPOSITION, 64, "style")


def test_every_picture_of_a_seed_names_its_seed(tmp_path):
    items = items_of(Image.new("RGB", (128, 128), "red"), tmp_path)
    assert len(items) > 1
    assert {item.seed for item in items} == {0}


def test_a_transparent_seed_brings_its_own_mask_through_every_cut(tmp_path):
    picture = Image.new("RGBA", (128, 128), (200, 0, 0, 0))
    picture.paste((200, 0, 0, 255), (32, 0, 96, 128))
    items = items_of(picture, tmp_path)
    assert len(items) >= 2
    for item in items:
        mask = np.asarray(framed(item, (64, 64), RECIPE).mask)
        assert mask[:, 32].min() > 250
        assert mask[:, 0].max() < 5 or item.kind == "crop"
    assert framed(items[0], (64, 64), TrainRecipe()).mask is None


def test_an_opaque_picture_has_the_box_of_its_framing(tmp_path):
    items = items_of(Image.effect_noise((128, 128), 60).convert("RGB"), tmp_path)
    assert items[0].subject == COMPOSITION["portrait"]["body"]
    assert not list((tmp_path / "train").glob("*_mask.png"))
    shot = Shot(
        "front",
        "front",
        "full body",
        {
            "expression": "smile",
            "pose": "standing",
            "outfit": "default",
            "background": "forest",
            "style": "cel shading",
        },
    )
    frame = Frame(Job("j", JobKind.CANDIDATE, 1, 1, shot, "", "", 1, {}), "f.png", "", "")
    config = load("puppet")
    wording = Wording.of(Character(name="m", trigger="mika", invariant={"hair": "red hair"}), config)
    frames = GeneratedFrames(tmp_path, [frame])
    (item,) = frames.items(config, wording, "style")
    assert item.subject == COMPOSITION["full body"]["body"]
    bare = config.model_copy(update={"panel": config.panel.model_copy(update={"composition": {}})})
    assert frames.items(bare, wording, "style")[0].subject is None


@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_a_seed_without_transparent_pixels_has_no_mask(tmp_path, mode):
    items_of(Image.effect_noise((128, 128), 60).convert(mode), tmp_path)
    assert not list((tmp_path / "train").glob("*_mask.png"))
