"""Blurred and strongly compressed pictures: found by their pixels, named in captions, checks and audits."""

import io

import numpy as np
import pytest
from PIL import Image, ImageFilter

from bootstrap.captions.wording import Wording
from bootstrap.character import load_character
from bootstrap.config import configs_dir, load
from bootstrap.dataset.caption_audit import audit, read_set
from bootstrap.dataset.intent import Intent
from bootstrap.dataset.originals import seed_items
from bootstrap.puppets.anatomy import sample_puppet
from bootstrap.puppets.render import render
from bootstrap.puppets.scene import sample_shot
from bootstrap.records import Seed
from bootstrap.seeds import SeedCaptioner
from bootstrap.seeds.blockiness import COMPRESSED, blockiness
from bootstrap.seeds.checks import seed_warnings
from bootstrap.seeds.quality import quality_tags
from bootstrap.seeds.sifting import Given, Sifter
from tests.unseeing import Unseeing

RUBY = load_character(configs_dir() / "characters" / "ruby" / "character.json")


def compressed(image, quality):
    data = io.BytesIO()
    image.save(data, "JPEG", quality=quality)
    return Image.open(io.BytesIO(data.getvalue())).convert("RGB")


@pytest.fixture(scope="module")
def clean():
    shot = sample_shot(np.random.default_rng(4), framing="upper body", style="cel shading")
    return Image.fromarray(render(sample_puppet(4), shot, size=384).image)


def test_blocks_are_seen_saved_again_enlarged_and_a_little_reduced(clean):
    assert blockiness(clean) < COMPRESSED / 2
    assert blockiness(compressed(clean, 90)) < COMPRESSED
    bad = compressed(clean, 10)
    for factor in (1, 1.5, 0.8):
        size = (round(384 * factor), round(384 * factor))
        assert blockiness(bad.resize(size, Image.Resampling.BICUBIC)) >= COMPRESSED, factor
    moved = bad.crop((3, 5, 380, 380))
    assert blockiness(moved) >= COMPRESSED, "wherever the lattice begins"


def test_pixel_art_small_pictures_and_plain_ones_are_not_compressed(clean):
    blocks = clean.resize((48, 48)).resize((384, 384), Image.Resampling.NEAREST)
    assert blockiness(blocks) == 0
    assert blockiness(compressed(clean, 10).resize((96, 96))) == 0
    assert blockiness(Image.new("RGB", (256, 256), "red")) == 0
    assert blockiness(Image.effect_noise((256, 256), 60).convert("RGB")) < COMPRESSED


def test_check_says_so_of_a_few_seeds_and_of_many(clean):
    bad, soft = compressed(clean, 10), clean.filter(ImageFilter.GaussianBlur(6))
    said = seed_warnings({"a.png": clean, "b.png": bad.rotate(90), "c.png": soft.rotate(180)}, 384, 3, RUBY)
    assert [text.partition(":")[0] for text in said[:-1]] == [
        '"b.png" shows the blocks of strong JPEG compression', '"c.png" is blurred'
    ]  # fmt: skip
    taken = Sifter(Unseeing(), 256, 3).sift([Given("b.png", bad, bad.size)])
    assert "JPEG compression" in taken[0].remark
    assert not taken[0].reason


def test_captions_of_a_compressed_seed_say_so(clean, tmp_path):
    drawn = load("illustrious")
    captioner = SeedCaptioner(Wording.of(RUBY, drawn), lambda image, phrases: "")
    for name, image in (("bad.png", compressed(clean, 10)), ("good.png", clean)):
        image.save(tmp_path / name)
        seed = Seed(name, "h", name, "front", "front", "upper body", "default", (), "read")
        items = seed_items(seed, 0, tmp_path, captioner, drawn.panel.composition, 64, "style")
        assert {"jpeg artifacts" in item.tags for item in items} == {name == "bad.png"}


def test_an_audit_names_what_captions_do_not_say(clean, tmp_path):
    compressed(clean, 10).save(tmp_path / "a.png")
    (tmp_path / "a.txt").write_text("mikachr, forest")
    found = [one for one in audit(tmp_path, read_set(tmp_path), Intent()).findings if one.kind == "compressed"]
    assert [(one.files, one.severity) for one in found] == [(("a.png",), "warning")]
    (tmp_path / "a.txt").write_text("mikachr, forest, JPEG_artifacts")
    assert "compressed" not in {one.kind for one in audit(tmp_path, read_set(tmp_path), Intent()).findings}


def test_both_flaws_have_a_tag(clean):
    assert quality_tags(clean, 384) == ()
    assert quality_tags(clean.filter(ImageFilter.GaussianBlur(6)), 384) == ("blurry",)
