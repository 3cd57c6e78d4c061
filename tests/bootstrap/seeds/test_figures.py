"""Figures of a sheet are found by plain gutters; what is no sheet stays whole."""

import numpy as np
import pytest
from PIL import Image, ImageDraw

from bootstrap.seeds.figures import figures, subject


def figure(draw, x, y, width, height):
    """Head, body and two legs."""
    draw.ellipse((x + width * 0.2, y, x + width * 0.8, y + height * 0.35), "red")
    draw.rectangle((x + width * 0.1, y + height * 0.33, x + width * 0.9, y + height * 0.75), "blue")
    for left in (0.2, 0.58):
        draw.rectangle((x + width * left, y + height * 0.74, x + width * (left + 0.22), y + height), "green")


def sheet(size, places, ground="white"):
    image = Image.new("RGB", size, ground)
    draw = ImageDraw.Draw(image)
    for place in places:
        figure(draw, *place)
    return image, draw


def inside(box, place):
    x, y, width, height = place
    slack = 0.1 * height
    return (
        x - slack <= box[0] <= x + 0.2 * width
        and y - slack <= box[1] <= y + 1
        and x + 0.8 * width <= box[2] <= x + width + slack
        and y + height - 1 <= box[3] <= y + height + slack
    )


ROW = [(50 + 300 * n, 50, 200, 600) for n in range(4)]
GRID = [(x, y, 200, 600) for y in (50, 750) for x in (50, 350, 650)]
STAGGERED = [*((x, 50, 200, 600) for x in (50, 350, 650)), *((x, 750, 200, 600) for x in (200, 500))]


@pytest.mark.parametrize("places", [ROW, GRID, STAGGERED], ids=["row", "grid", "staggered"])
@pytest.mark.parametrize("ground", ["white", (90, 120, 90)])
def test_each_figure_is_found_in_reading_order(places, ground):
    image, _ = sheet((1250, 1400), places, ground)
    found = figures(image)
    assert len(found) == len(places)
    assert all(inside(box, place) for box, place in zip(found, places, strict=True))


def test_titles_and_swatches_are_no_figures_and_heads_are():
    image, draw = sheet((1200, 740), ROW[:2])
    for n in range(3):
        draw.ellipse((800, 50 + n * 210, 960, 220 + n * 210), "orange")
    for n in range(5):
        draw.rectangle((1100, 50 + n * 60, 1140, 90 + n * 60), (40 * n, 90, 90))
    draw.rectangle((20, 690, 1180, 715), "black")
    assert len(figures(image)) == 5


def test_no_box_shows_a_part_of_its_neighbour():
    image, _ = sheet((700, 700), [(50, 50, 200, 600), (230, 50, 200, 600)])
    first, second = figures(image)
    assert first[2] <= 251
    assert second[0] >= 229


@pytest.mark.parametrize("ground", ["white", "black"])
def test_one_figure_is_no_sheet(ground):
    assert figures(sheet((600, 700), [(150, 50, 200, 600)], ground)[0]) == []


def test_a_white_shirt_on_white_does_not_cut_a_figure_in_two():
    image = Image.new("RGB", (500, 700), "white")
    draw = ImageDraw.Draw(image)
    draw.ellipse((150, 30, 350, 230), "red")
    draw.rectangle((180, 420, 240, 660), "green")
    draw.rectangle((260, 420, 320, 660), "green")
    assert figures(image) == []


def test_busy_or_flat_pictures_are_no_sheets():
    noise = np.random.default_rng(0).integers(0, 255, (300, 300, 3), np.uint8)
    assert figures(Image.fromarray(noise)) == []
    assert figures(Image.new("RGB", (128, 128), "red")) == []


def test_figures_too_small_to_learn_from_are_left_out():
    image, _ = sheet((200, 120), [(20, 20, 40, 90), (120, 20, 40, 90)])
    assert figures(image) == []
    assert len(figures(image, smallest=30)) == 2


def test_a_jpeg_with_its_dirt_is_a_sheet_still(tmp_path):
    sheet((1250, 700), ROW)[0].save(tmp_path / "s.jpg", quality=60)
    with Image.open(tmp_path / "s.jpg") as opened:
        assert len(figures(opened)) == 4


def test_a_subject_drowned_in_plain_ground_is_found_and_others_stay():
    left, top, right, bottom = subject(sheet((1000, 1000), [(600, 500, 150, 400)])[0])
    assert inside((left, top, right, bottom), (600, 500, 150, 400))
    assert subject(sheet((1000, 1000), [(400, 100, 300, 800)])[0]) is None
    assert subject(sheet((300, 300), [(100, 100, 30, 60)])[0]) is None
    assert subject(Image.new("RGB", (128, 128), "red")) is None


def pale_sheet(count, size):
    """Figures with a nearly white head over a blue body, on transparent ground; the picture as it is opened."""
    image = Image.new("RGBA", size, (0, 0, 0, 0))
    draw = ImageDraw.Draw(image)
    for left in range(40, 40 + 200 * count, 200):
        draw.ellipse((left, 20, left + 99, 119), (250, 248, 245, 255))
        draw.rectangle((left + 20, 120, left + 79, 279), (40, 60, 160, 255))
    alpha = image.getchannel("A")
    return Image.alpha_composite(Image.new("RGBA", size, "white"), image).convert("RGB"), alpha


def test_on_transparent_ground_a_pale_head_is_no_ground():
    image, alpha = pale_sheet(2, (440, 300))
    for left, box in zip((40, 240), figures(image, mask=alpha), strict=True):
        assert inside(box, (left, 20, 100, 260))
    image, alpha = pale_sheet(1, (700, 700))
    assert inside(subject(image, mask=alpha), (40, 20, 100, 260))


def test_a_mask_that_is_opaque_at_the_border_leaves_it_to_the_colours():
    image, _ = sheet((1250, 1400), ROW)
    assert figures(image, mask=Image.new("L", image.size, 255)) == figures(image)


def test_a_moon_with_stars_is_no_figure():
    image = Image.new("RGB", (512, 512), "midnightblue")
    draw = ImageDraw.Draw(image)
    draw.ellipse((60, 60, 340, 500), "orange")
    draw.ellipse((380, 30, 470, 120), "khaki")
    for top in range(140, 480, 6):  # too close for a gutter between them
        draw.ellipse((400, top, 404, top + 4), "khaki")
    assert figures(image) == []
