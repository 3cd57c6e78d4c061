"""Pictures end where a figure is cut off inside them; whole figures keep the ground around them."""

import numpy as np
import pytest
from PIL import Image, ImageDraw

from bootstrap.seeds.cut_offs import intact_part
from bootstrap.seeds.gathering import sort_out
from bootstrap.seeds.sifting import Sifter
from bootstrap.seeds.views import views_in


def figure(cut_at=None, size=(400, 600)):
    """Head, arms, body and round feet on white; straight below ``cut_at`` nothing is drawn."""
    image = Image.new("RGB", size, "white")
    draw = ImageDraw.Draw(image)
    draw.ellipse((130, 60, 270, 200), "red")
    draw.ellipse((60, 190, 340, 420), "blue")
    for left in (120, 210):
        draw.rectangle((left, 380, left + 70, 520), "green")
        draw.ellipse((left - 10, 490, left + 80, 560), "brown")
    if cut_at:
        draw.rectangle((0, cut_at, *size), "white")
    return image


def scene(size=(400, 400)):
    pixels = np.random.default_rng(1).integers(0, 255, (8, 8, 3), np.uint8)
    return Image.fromarray(pixels).resize(size, Image.Resampling.NEAREST)


def test_a_figure_cut_at_its_knees_ends_the_picture_there():
    left, top, right, bottom = intact_part(figure(cut_at=470))
    assert (left, top, right) == (0, 0, 400)
    assert 463 <= bottom <= 470


def test_whole_figures_and_those_that_reach_the_edge_stay():
    assert intact_part(figure()) is None
    assert intact_part(figure().crop((0, 0, 400, 470))) is None
    assert intact_part(scene()) is None
    assert intact_part(Image.new("RGB", (100, 100), "red")) is None


@pytest.mark.parametrize("turn", [0, 90])
def test_bars_and_frames_are_cropped_away(turn):
    barred = Image.new("RGB", (400, 500), "black")
    barred.paste(scene(), (0, 50))
    found = np.array(intact_part(barred.rotate(turn, expand=True)))
    wanted = np.array((0, 50, 400, 450) if not turn else (50, 0, 450, 400))
    assert np.abs(found - wanted).max() <= 4
    (view,) = views_in(barred.rotate(turn, expand=True), b"", "a", ".png", whole=False)
    assert view.name == "a-intact.png"
    assert view.image.size == tuple((found[2:] - found[:2]).tolist())


class OneFace:
    same = 0.5

    def faces(self, image):
        return [(0.3, 0.1, 0.7, 0.3)]

    def crowd(self, image):
        return ""

    def likeness(self, images):
        return np.full((len(images), len(images)), np.nan, np.float32)


@pytest.mark.parametrize(("side", "taken"), [(400, True), (1024, False)])
def test_what_is_cropped_is_remarked_on_and_set_aside_where_too_small_is_left(tmp_path, side, taken):
    figure(cut_at=470).save(tmp_path / "a.png")
    figure().resize((1000, 1500)).save(tmp_path / "b.png")
    first, _ = sort_out([tmp_path / "a.png", tmp_path / "b.png"], Sifter(OneFace(), side, 3), bool, lambda *_: False)
    assert first.taken == taken
    assert ("is cropped to where" in first.sifted.remark) == taken
    assert taken or "too small" in first.sifted.reason
    assert first.image.height <= 470
