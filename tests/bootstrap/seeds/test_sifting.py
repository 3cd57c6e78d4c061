"""Many pictures by rules alone: what models see is written here."""

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from bootstrap.config import load
from bootstrap.records import Seed
from bootstrap.seeds import anchors_of
from bootstrap.seeds.sifting import Given, Sifter, of_one_character

VIEWS = load("puppet").views
FACES = {
    400: [(0.1, 0.2, 0.4, 0.8), (0.6, 0.2, 0.9, 0.8)],
    220: [(0.3, -0.2, 0.7, 0.4)],
    230: [(0.3, -0.02, 0.7, 0.4)],
}
"""Width of a picture → where its faces are."""


def drawing(number, size=200):
    """Sharp blocks, other ones for each number."""
    image, random = Image.new("RGB", (size, size), "white"), np.random.default_rng(number)
    for x0, y0, x1, y1, *color in random.integers(0, 200, (9, 7)).tolist():
        ImageDraw.Draw(image).rectangle((min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1)), tuple(color))
    return image


class Eyes:
    """Pictures are of one character but where their widths say something else: 210 a stranger, 400 two people."""

    same = 0.6

    def faces(self, image):
        return FACES.get(image.width, [(0.3, 0.2, 0.7, 0.6)])

    def crowd(self, image):
        return "2 faces" if image.width == 400 else ""

    def likeness(self, images):
        own = np.array([image.width != 210 and image.getpixel((image.width // 2, 9)) != (1, 2, 3) for image in images])
        return np.where(own[:, None] & own[None], 0.9, 0.1).astype(np.float32)


def sifted(*images, described=(), side=200):
    given = [Given(str(number), image, image.size, number in described) for number, image in enumerate(images)]
    return Sifter(Eyes(), side, 3).sift(given)


def test_each_flaw_is_named_and_the_rest_is_taken():
    twin = drawing(2).resize((190, 190))
    images = [drawing(1), drawing(2), twin, drawing(3).filter(ImageFilter.GaussianBlur(4)), drawing(4, 149)]
    images += [Image.new("RGB", (200, 200), "red"), drawing(5).resize((210, 200)), drawing(6).resize((220, 200))]
    said = [one.reason for one in sifted(*images)]
    assert said[:2] == ["", ""]
    assert said[2] == 'is a near-duplicate of "1"'
    assert said[3] == "is blurred"
    assert "149x149, of the 150 pixels" in said[4]
    assert said[5] == "is blank"
    assert "somebody else" in said[6]
    assert said[7] == "has its head cut off at the top"


def test_what_a_person_described_is_the_character_and_the_larger_duplicate_stays():
    small, large, stranger = drawing(1), drawing(1).resize((260, 260)), drawing(2).resize((210, 200))
    reasons = [one.reason for one in sifted(small, large, drawing(3), stranger, described={3})]
    assert reasons == ['is a near-duplicate of "1"', "", "", ""]
    assert not sifted(drawing(1), drawing(2), drawing(3).resize((230, 200)))[2].reason, "a hair beyond the edge"


def test_two_people_are_cropped_to_the_character_unless_the_crop_is_too_small():
    pair = Image.new("RGB", (400, 200))
    pair.paste(drawing(7), (200, 0))
    ImageDraw.Draw(pair).rectangle((0, 0, 199, 199), (1, 2, 3))
    images = drawing(1), drawing(2), pair
    one = sifted(*images)[2]
    assert not one.reason
    assert np.allclose(one.box, (0.5, 0.0, 1.0, 1.0), atol=0.1)
    assert "cropped to the character" in one.remark
    too_small = sifted(*(image.resize((image.width, image.height * 2)) for image in images), side=600)
    assert "when it is cropped" in too_small[2].reason


def test_small_pictures_are_taken_where_there_are_no_others():
    assert [one.reason for one in sifted(drawing(1, 90), drawing(2, 90))] == ["", ""]
    assert "too small" in sifted(drawing(1, 90), drawing(2, 90))[0].remark


class Doubtful(Eyes):
    """The last picture is nearly as alike to the others as they are to one another."""

    def likeness(self, images):
        matrix = np.full((len(images), len(images)), 0.9, np.float32)
        matrix[-1], matrix[:, -1] = 0.5, 0.5
        return matrix


def few(*images, eyes=None):
    return Sifter(eyes or Eyes(), 200, 3, few=True).sift([Given("", image, image.size) for image in images])


def test_of_few_only_those_that_surely_show_somebody_else_are_set_aside():
    stranger, blurred = drawing(4).resize((210, 200)), drawing(3).filter(ImageFilter.GaussianBlur(4))
    found = few(drawing(1), drawing(1), drawing(2, 90), blurred, stranger)
    assert [bool(one.reason) for one in found] == [False, False, False, False, True]
    assert "too small" in found[2].remark
    assert found[3].remark == "is blurred"
    doubtful = few(drawing(1), drawing(2), drawing(3), eyes=Doubtful())
    assert [one.remark for one in doubtful][:2] == ["", ""]
    assert (doubtful[2].reason, "cannot tell" in doubtful[2].remark) == ("", True)
    assert all("cannot tell" in one.remark for one in few(drawing(1), stranger)), "which of two is the character?"


def test_what_was_cut_out_may_be_narrow_and_what_is_given_may_not():
    narrow = drawing(1).resize((100, 200))
    given = [Given(str(cut), drawing(1 + cut).resize(narrow.size), narrow.size, cut=cut) for cut in (False, True)]
    whole, cut, _ = Sifter(Eyes(), 200, 3).sift([*given, Given("", drawing(5), (200, 200))])
    assert ("100x200, of the 150 pixels" in whole.reason, cut.reason) == (True, "")


def test_the_larger_group_is_the_character_and_what_cannot_be_told_stays():
    likeness = np.full((6, 6), 0.2, np.float32)
    likeness[:4, :4], likeness[4:, 4:] = 0.8, 0.9
    assert of_one_character(likeness, 0.6) == {0, 1, 2, 3}
    assert of_one_character(likeness, 0.6, sure=[5]) == {4, 5}
    likeness[4, 5] = likeness[5, 4] = 0.2
    assert of_one_character(likeness, 0.6, sure=[5]) == {0, 1, 2, 3, 5}
    likeness[5] = likeness[:, 5] = np.nan
    assert 5 in of_one_character(likeness, 0.6)


SEED = Seed("p", "h", "s", "front", "front", "upper body", "default", (), "read")


@pytest.mark.parametrize(
    ("views", "expected"),
    [
        (["front", "front", "behind", "profile-left", "profile-right", "above"], [0, 3, 2, 5]),
        (["front", "front", ""], [0, 2]),
    ],
)
def test_anchors_show_as_many_sides_as_there_are(views, expected):
    families = {name: family for family, plan in VIEWS.families.items() for name in plan.views}
    seeds = [replace(SEED, view=view, view_family=families.get(view, "front")) for view in views]
    assert anchors_of(seeds, [0.9] * len(seeds), VIEWS) == expected


def test_a_clean_picture_anchors_before_one_with_a_watermark():
    sides = [replace(SEED, view=view, view_family=view) for view in ("front", "front", "behind")]
    assert anchors_of(sides[:2], [0.9, 0.2], VIEWS, marked=[0])[0] == 1, "of one view"
    assert anchors_of(sides[1:], [0.9, 0.2], VIEWS, marked=[0]) == [1, 0], "of another, and the view is not lost"
    clean = Image.effect_noise((512, 512), 60).convert("RGB").filter(ImageFilter.GaussianBlur(9))
    written = clean.rotate(90)
    ImageDraw.Draw(written).text((20, 470), "www.example.com", "white", font=ImageFont.load_default(24))
    sifted = Sifter(Eyes(), 512, 3, few=True).sift(
        [Given(str(n), one, one.size) for n, one in enumerate((clean, written))]
    )
    assert [one.marked for one in sifted] == [False, True]


def test_in_a_view_the_commonest_framing_comes_first_then_the_most_alike():
    seeds = [replace(SEED, framing=framing) for framing in ("close-up", "upper body", "upper body")]
    assert anchors_of(seeds, [0.9, 0.7, 0.8], VIEWS) == [2, 0]
