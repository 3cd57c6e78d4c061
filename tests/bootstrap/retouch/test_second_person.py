"""Somebody else beside a character: cropped away or covered where that is sure, else left, with the reason."""

import numpy as np
import pytest
from PIL import Image

from bootstrap.pictures import open_picture
from bootstrap.puppets.anatomy import sample_puppet
from bootstrap.puppets.casting import shot_of
from bootstrap.puppets.render import render
from bootstrap.retouch.repairs import proposed_repairs, repaired
from bootstrap.retouch.second_person import second_person
from bootstrap.seeds.cut_offs import intact_part


class Faces:
    """Sees the faces that it is given, and characters as unlike as it is told."""

    same = 0.6

    def __init__(self, *faces, likeness=0.1):
        self.given, self.alike = list(faces), likeness

    def faces(self, image):
        return self.given

    def crowd(self, image):
        return ""

    def likeness(self, images):
        return np.full((len(images), len(images)), self.alike, np.float32)


LARGE, SMALL, EQUAL = (0.15, 0.2, 0.35, 0.4), (0.7, 0.5, 0.8, 0.6), (0.65, 0.45, 0.85, 0.65)


def two(scale=1, ground="white"):
    """A large red figure on the left and a smaller blue one on the right."""
    image = Image.new("RGB", (640 * scale, 480 * scale), ground)
    image.paste("red", (60 * scale, 60 * scale, 260 * scale, 440 * scale))
    image.paste("blue", (420 * scale, 200 * scale, 540 * scale, 440 * scale))
    return image


def test_a_picture_is_cropped_to_the_character_where_both_stand_apart():
    image = two(2)
    (crop,) = second_person(image, Faces(LARGE, SMALL)).repairs
    made = np.asarray(repaired(image, [crop]))
    assert (made == (255, 0, 0)).all(axis=2).mean() > 0.5
    assert not (made == (0, 0, 255)).all(axis=2).any()


def test_where_the_crop_would_be_too_small_the_other_is_covered():
    image = two()
    (cover,) = second_person(image, Faces(LARGE, SMALL)).repairs
    made = repaired(image, [cover])
    assert (cover.edit, made.size) == ("cover", image.size)
    assert not (np.asarray(made) == (0, 0, 255)).all(axis=2).any()
    assert np.array_equal(np.asarray(made)[:, :300], np.asarray(image)[:, :300])


def busy():
    return Image.fromarray(np.random.default_rng(0).integers(0, 255, (480, 640, 3), np.uint8))


UNSURE = [
    (two(), Faces(LARGE, SMALL, likeness=0.5), "may be one character"),
    (two(), Faces(LARGE, SMALL, likeness=np.nan), "may be one character"),
    (two(), Faces(LARGE, EQUAL), "which of them is the character cannot be told"),
    (two(), Faces(LARGE, (0.2, 0.5, 0.3, 0.6)), "do not stand apart on a plain ground"),
    (busy(), Faces(LARGE, SMALL), "do not stand apart on a plain ground"),
]


@pytest.mark.parametrize(("image", "eyes", "why"), UNSURE)
def test_what_is_not_sure_is_told_and_left(image, eyes, why):
    found = second_person(image, eyes)
    assert found.repairs == ()
    assert why in found.why


def test_one_face_needs_nothing_and_no_word():
    found = second_person(two(), Faces(LARGE))
    assert (found.repairs, found.why) == ((), "")


def test_the_command_looks_with_the_panel_of_a_base(call, monkeypatch, tmp_path):
    monkeypatch.setattr("bootstrap.cli.check_many.panel_models_of", lambda panel: None)
    monkeypatch.setattr("bootstrap.panel.seed_eyes.PanelEyes", lambda models, panel: Faces(LARGE, SMALL))
    two(2).save(tmp_path / "a.png")
    busy().save(tmp_path / "b.png")
    done = call("repair", tmp_path / "a.png", tmp_path / "b.png", "--out", tmp_path / "out", "--base", "puppet")
    assert done.code == 0, done.err
    assert "cropped: somebody else beside the character" in done.out
    assert '"b.png": 2 faces are seen' in done.out
    assert open_picture(tmp_path / "out" / "a.png")[0].width < 600
    done = call("repair", tmp_path / "a.png", "--out", tmp_path / "no", "--base", "illustrious")
    assert "somebody else in a picture is not looked for" in done.err


@pytest.fixture(scope="module")
def drawing():
    return render(sample_puppet(344), shot_of("front", "upper body", background="forest"), 400).image


def inset(drawing, *sides):
    """A drawing set into black ground with room at some sides."""
    room = [80 if side in sides else 0 for side in ("left", "top", "right", "bottom")]
    image = Image.new("RGB", (400 + room[0] + room[2], 400 + room[1] + room[3]))
    image.paste(Image.fromarray(drawing), (room[0], room[1]))
    return image, (room[0], room[1], room[0] + 400, room[1] + 400)


@pytest.mark.parametrize(
    "sides",
    [("top", "bottom"), ("left", "top", "bottom"), ("left", "right", "bottom"), ("right", "bottom"),
     ("left", "top", "right", "bottom")],
)  # fmt: skip
def test_an_inset_is_cropped_out_of_its_ground_on_every_side(drawing, sides):
    image, box = inset(drawing, *sides)
    assert np.abs(np.subtract(intact_part(image), box)).max() <= 3
    (crop,) = [one for one in proposed_repairs(image) if one.edit == "crop"]
    assert np.abs(np.subtract(repaired(image, [crop]).size, 400)).max() <= 4


def test_a_straight_edge_on_one_side_alone_may_be_a_sky(drawing):
    assert intact_part(inset(drawing, "top")[0]) is None
