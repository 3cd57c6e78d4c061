"""Where the subject of a training picture stands: a seed's transparency and the framing's box go along with it."""

from dataclasses import replace
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
from bootstrap.records import Frame, Job, JobKind, Reference, Seed, Shot
from bootstrap.training.recipe import TrainRecipe

COMPOSITION = load("puppet").panel.composition
VIEWS = SimpleNamespace(hidden=lambda view_family, framing: frozenset(), shows=lambda framing, axis, tag: True)
SUBJECT = load("puppet").subject
WORDING = SimpleNamespace(enlarged="", subject=SUBJECT, views=VIEWS, seed_caption=lambda phase, shown, hides: ("mika",))
CAPTIONER = SimpleNamespace(wording=WORDING, shown=lambda seed: {})
RECIPE = TrainRecipe(masked_loss=True)
SHOT = Shot(
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
    frame = Frame(Job("j", JobKind.CANDIDATE, 1, 1, SHOT, "", "", 1, {}), "f.png", "", "")
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


def test_what_the_base_drew_from_references_is_kept_with_a_picture(tmp_path):
    config = load("puppet")
    wording = Wording.of(Character(name="m", trigger="mika", invariant={"hair": "red hair"}), config)
    plain = Job("j", JobKind.CANDIDATE, 1, 1, SHOT, "1girl, red hair", "", 1, {})
    seen = replace(plain, references=(Reference("seeds/a.png", "ab", 1.5),))
    frames = [Frame(plain, "a.png", "", ""), Frame(seen, "b.png", "", ""), Frame(seen, "c.png", "", "r01-style")]
    frames.append(Frame(replace(seen, drawer="comfyui"), "d.png", "", ""))
    frames.append(Frame(replace(seen, references=(Reference("seeds/a.png", "ab", 0.0),)), "e.png", "", ""))
    frames.append(Frame(replace(seen, lora_start=0.3), "f.png", "", "r01-style"))
    made = GeneratedFrames(tmp_path, frames, adapters={"r01-style": "adapters/a.safetensors"})
    found = made.items(config, wording, "character")
    assert [item.job for item in found] == [None, seen, seen, None, None, None]
    assert [item.drawn_with for item in found[:3]] == ["", "", str(tmp_path / "adapters/a.safetensors")]
    assert not GeneratedFrames(tmp_path, frames[2:3]).items(config, wording, "character")[0].job, "no file of its LoRA"
    words = config.model_copy(update={"base": config.base.model_copy(update={"reference": None})})
    assert not any(item.job for item in GeneratedFrames(tmp_path, frames).items(words, wording, "character"))
