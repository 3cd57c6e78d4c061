"""Parts and altered copies of one picture: what they show, where the head is not known, how they are captioned."""

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter

from bootstrap.captions.wording import Wording
from bootstrap.character import Character
from bootstrap.config import load, shipped_names
from bootstrap.config.seed_cuts import SeedCutsConfig
from bootstrap.dataset.originals import seed_items
from bootstrap.puppets.anatomy import sample_puppet
from bootstrap.puppets.casting import shot_of
from bootstrap.puppets.render import render
from bootstrap.records import Seed
from bootstrap.seeds import SeedCaptioner
from bootstrap.seeds.heads import outlined_head, with_head
from bootstrap.seeds.more_cuts import MoreCuts

REAL, PUPPET = load("illustrious"), load("puppet")
ALL = REAL.base.cuts
COMPOSITION = PUPPET.panel.composition
HEAD = (0.25, 0.1, 0.75, 0.6)


def figure(size=400):
    """A red head with blue eyes and black hair on a green body."""
    image = Image.new("RGB", (size, size), "white")
    draw = ImageDraw.Draw(image)
    for color, box in {"green": (30, 60, 70, 100), "red": (25, 10, 75, 60), "black": (25, 10, 75, 30)}.items():
        draw.rectangle([edge * size // 100 for edge in box], color)
    for left in (35, 58):
        draw.rectangle([edge * size // 100 for edge in (left, 36, left + 8, 42)], "blue")
    return image


def share(image, color):
    return (np.abs(np.asarray(image, int) - Image.new("RGB", (1, 1), color).getpixel((0, 0))).max(axis=2) < 60).mean()


def made(head=HEAD, side=96, hidden=frozenset(), image=None, wanted=ALL):
    cuts = MoreCuts(wanted, COMPOSITION, side).of(image or figure(), "upper body", head, hidden)
    return {(cut.extra or ("tall",))[0]: cut for cut in cuts}


def test_each_part_shows_what_it_is_called():
    found = made()
    assert list(found) == [
        "eye focus", "hair focus", "head out of frame", "out of frame", "tall", "sepia", "dutch angle"
    ]  # fmt: skip
    assert share(found["eye focus"].image, "blue") > 1.5 * share(figure(), "blue")
    assert share(found["hair focus"].image, "black") > 2 * share(figure(), "black")
    body = found["head out of frame"].image
    assert share(body, "green") > 0.5
    assert share(body, "red") < 0.05
    assert found["tall"].image.width / found["tall"].image.height == pytest.approx(0.75, abs=0.02)
    assert np.ptp(np.asarray(found["sepia"].image.resize((1, 1)), int)) > 10
    assert {cut.image.size for name, cut in found.items() if name != "tall"} == {(96, 96)}


def test_no_part_is_cut_where_the_head_is_not_known_the_eyes_are_hidden_or_pixels_are_few():
    assert list(made(head=None)) == ["tall", "sepia", "dutch angle"]
    behind = made(hidden=frozenset({"eye_color"}))
    assert not {"eye focus", "head out of frame"} & behind.keys()
    assert "hair focus" in behind
    assert "eye focus" not in made(side=400)


def test_no_kind_mirrors_and_every_real_base_makes_all_of_them():
    for name in shipped_names("base"):
        assert load(name).base.cuts == (SeedCutsConfig() if name == "puppet" else ALL), name
    crooked = figure()
    crooked.paste("yellow", (0, 0, 60, 200))
    for name, cut in made(image=crooked).items():
        if name not in ("sepia", "head out of frame"):
            left, right = cut.image.crop((0, 0, 48, 96)), cut.image.crop((48, 0, 96, 96))
            assert share(left, "yellow") >= share(right, "yellow"), name


def test_captions_name_what_a_part_is_and_nothing_that_it_does_not_show(tmp_path):
    figure().save(tmp_path / "s.png")
    character = {"name": "M", "trigger": "mchr", "invariant": {"hair": "red hair", "ears": "cat ears"}}
    captioner = SeedCaptioner(Wording.of(Character(**character), PUPPET), lambda image, phrases: "")
    tags = ("style=sketch", "pose=standing")
    seed = Seed("s.png", "h", "s.png", "front", "front", "upper body", "default", tags, "read", HEAD)
    items = seed_items(seed, 0, tmp_path, captioner, COMPOSITION, 96, "style", ALL)
    captions = {tag: set(item.tags) for item in items for tag in item.tags}
    assert {"eye focus", "close-up", "sketch"} <= captions["eye focus"]
    assert not {"cat ears", "standing"} & captions["eye focus"]
    assert not {"red hair", "cat ears"} & captions["head out of frame"]
    assert "sketch" not in captions["sepia"]
    assert "sketch" in captions["dutch angle"]
    unknown = Seed("s.png", "h", "s.png", "front", "front", "upper body", "default", tags, "read", None, True, False)
    loose = seed_items(unknown, 1, tmp_path, captioner, COMPOSITION, 96, "style", ALL)
    assert not any({"close-up", "eye focus"} & set(item.tags) for item in loose), "it may be a forehead"
    assert any("portrait" in item.tags for item in loose)


def test_a_blurred_seed_that_trains_all_the_same_is_called_blurry(tmp_path):
    character = Character.model_validate({"name": "M", "trigger": "mchr", "invariant": {"hair": "red hair"}})
    seed = Seed("s.png", "h", "s.png", "front", "front", "upper body", "default", (), "read", HEAD)
    for config, blur, tagged in ((REAL, 0, False), (REAL, 8, True), (PUPPET, 8, False)):
        figure().filter(ImageFilter.GaussianBlur(blur)).save(tmp_path / "s.png")
        captioner = SeedCaptioner(Wording.of(character, config), lambda image, phrases: "")
        items = seed_items(seed, 0, tmp_path, captioner, COMPOSITION, 96, "style")
        assert {"blurry" in item.tags for item in items} == {tagged}


def test_crops_are_altered_too_where_a_seed_gives_too_few(tmp_path):
    figure().save(tmp_path / "s.png")
    character = Character.model_validate({"name": "M", "trigger": "mchr", "invariant": {"hair": "red hair"}})
    captioner = SeedCaptioner(Wording.of(character, PUPPET), lambda image, phrases: "")
    seed = Seed("s.png", "h", "s.png", "front", "front", "upper body", "default", ("style=sketch",), "read", HEAD)
    plain = seed_items(seed, 0, tmp_path, captioner, COMPOSITION, 96, "style", ALL)
    items = seed_items(seed, 0, tmp_path, captioner, COMPOSITION, 96, "style", ALL, 16)
    assert len(plain) < 16 == len(items) == len({item.path for item in items})
    assert items[: len(plain)] == plain
    (grey,) = (item for item in items[len(plain) :] if {"eye focus", "monochrome"} <= set(item.tags))
    assert "sketch" not in grey.tags
    with Image.open(grey.path) as image:
        assert np.ptp(np.asarray(image.convert("RGB"), int), axis=2).max() == 0
    assert len(seed_items(seed, 0, tmp_path, captioner, COMPOSITION, 96, "style", ALL, 99)) < 99, (
        "no more than there are"
    )


@pytest.mark.parametrize("number", range(400, 404))
def test_a_drawn_head_is_found_by_its_outline(number):
    drawing = render(sample_puppet(number), shot_of("front", "full body"), 96)
    wide = Image.new("RGB", (140, 140), Image.fromarray(drawing.image).getpixel((0, 0)))
    wide.paste(Image.fromarray(drawing.image), (40, 30))
    left, top, right, bottom = outlined_head(wide, COMPOSITION["full body"])
    x, y = (left + right) * 70, (top + bottom) * 70
    x0, y0, x1, y1 = drawing.head_box
    assert x0 + 40 < x < x1 + 40
    assert y0 + 30 < y < y1 + 30
    seed = Seed("p", "h", "s", "front", "front", "full body", "default", (), "read")
    assert with_head(seed, wide, None, PUPPET.panel).head == (left, top, right, bottom)
    noise = Image.effect_noise((140, 140), 80).convert("RGB")
    assert not with_head(seed, noise, None, PUPPET.panel).head_known
