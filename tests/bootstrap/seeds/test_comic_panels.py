"""Comic pages are taken apart by the lines between their panels; slanted ones are told, and pictures stay whole."""

import numpy as np
import pytest
from PIL import Image, ImageDraw

from bootstrap.character import load_character
from bootstrap.config import configs_dir
from bootstrap.puppets.anatomy import sample_puppet
from bootstrap.puppets.render import render
from bootstrap.puppets.scene import sample_shot
from bootstrap.records import Box
from bootstrap.seeds.checks import seed_warnings
from bootstrap.seeds.comic_panels import has_slanted_panels, panels
from bootstrap.seeds.sifting import Given, Sifter
from bootstrap.seeds.views import parts_in, views_in

RUBY = load_character(configs_dir() / "characters" / "ruby" / "character.json")
PLACES: list[Box] = [(0, 0, 280, 250), (280, 0, 600, 250), (0, 250, 600, 430), (0, 430, 300, 700), (300, 430, 600, 700)]
"""Panels of a page of 600x700 that touch."""


def scene(width, height, number):
    """Something drawn everywhere: no plain ground."""
    pixels = np.random.default_rng(number).integers(0, 255, (height // 60 + 2, width // 60 + 2, 3), np.uint8)
    return Image.fromarray(pixels).resize((width, height), Image.Resampling.NEAREST)


def page(line, color, margin=0):
    image = Image.new("RGB", (600 + 2 * margin, 700 + 2 * margin), color)
    for number, (left, top, right, bottom) in enumerate(PLACES):
        inner = right - left - line, bottom - top - line
        image.paste(scene(*inner, number), (margin + left + line // 2, margin + top + line // 2))
    return image


@pytest.mark.parametrize(
    ("line", "color", "margin"),
    [(3, "black", 0), (6, "black", 0), (3, "white", 0), (14, "white", 24), (8, "black", 20)],
)
def test_panels_that_touch_and_those_with_gutters_are_taken_apart_row_by_row(line, color, margin):
    found = panels(page(line, color, margin))
    assert len(found) == len(PLACES)
    assert np.abs(np.array(found) - margin - np.array(PLACES)).max() <= line + 2


def test_a_page_becomes_a_view_for_each_panel():
    image = page(4, "black")
    assert [view.number for view in views_in(image, b"", "p", ".png", whole=False)] == [1, 2, 3, 4, 5]
    assert [view.number for view in views_in(image, b"", "p", ".png", whole=True)] == [0]
    assert parts_in(page(4, "black").crop((0, 0, 270, 240)), None) == []


def test_frames_bands_and_lone_strips_divide_nothing():
    framed = Image.new("RGB", (600, 600), "white")
    framed.paste(scene(560, 560, 1), (20, 20))
    captioned = Image.new("RGB", (600, 640), "black")
    captioned.paste(scene(600, 600, 2), (0, 0))
    captioned.paste(scene(600, 30, 3), (0, 606))
    horizon = scene(600, 600, 4)
    ImageDraw.Draw(horizon).rectangle((0, 0, 600, 200), "skyblue")
    for image in (scene(600, 600, 5), framed, captioned, horizon):
        assert panels(image) == []
        assert not has_slanted_panels(image)
    for path in configs_dir().glob("characters/*/*.png"):
        assert parts_in(Image.open(path).convert("RGB"), None) == []


@pytest.mark.parametrize(
    ("number", "side", "framing"),
    [(10043, 256, "full body"), (20040, 192, "close-up"), (20088, 192, "close-up")],
)
def test_edges_of_hair_and_clothes_divide_no_portrait(number, side, framing):
    shot = sample_shot(np.random.default_rng(number), framing=framing, outfit=0)
    assert panels(Image.fromarray(render(sample_puppet(number), shot, side).image)) == []


def test_a_gutter_between_frames_divides_panels_of_plain_ground():
    image = Image.new("RGB", (600, 900), "white")
    for number, top in enumerate((20, 460)):
        ImageDraw.Draw(image).rectangle((20, top, 579, top + 419), "whitesmoke", "black", 4)
        image.paste(scene(300, 315, number), (150, top + 100))
    assert len(panels(image)) == 2


@pytest.mark.parametrize(("color", "width"), [("black", 6), ("white", 14)])
@pytest.mark.parametrize("upright", [False, True])
def test_slanted_panels_are_told(color, width, upright):
    image = scene(600, 600, 6)
    below = Image.new("L", image.size)
    ImageDraw.Draw(below).polygon([(0, 250), (600, 370), (600, 600), (0, 600)], 255)
    image.paste(scene(600, 600, 7), (0, 0), below)
    ImageDraw.Draw(image).line([(-5, 249), (605, 371)], color, width)
    if upright:
        image = image.rotate(90)
    assert has_slanted_panels(image)
    assert any("slanted panels" in text for text in seed_warnings({"p.png": image}, 512, 3, RUBY))


def test_a_slanted_page_is_set_aside_with_a_word_where_there_are_many():
    image = scene(600, 600, 8)
    ImageDraw.Draw(image).line([(-5, 249), (605, 371)], "white", 14)
    assert Sifter(None, 256, 3).flaw(Given("p", image, image.size)).startswith("is a comic page with slanted panels")


def test_white_gutters_divide_pale_panels_without_frames():
    image = Image.new("RGB", (600, 800), "white")
    for number, (left, top, right, bottom) in enumerate([(0, 0, 293, 390), (307, 0, 600, 390), (0, 404, 600, 800)]):
        image.paste((226, 226, 226), (left, top, right, bottom))
        image.paste(scene(right - left - 80, bottom - top - 60, number), (left + 40, top + 60))
    found = np.array([box[:2] for box in panels(image)])
    assert np.abs(found - [(40, 60), (347, 60), (40, 464)]).max() <= 2


def test_a_horizon_of_another_colour_than_the_gutters_divides_no_panel():
    image = page(14, "white", 24)
    ImageDraw.Draw(image).rectangle((24, 520, 316, 534), "navy")
    assert len(panels(image)) == len(PLACES)
