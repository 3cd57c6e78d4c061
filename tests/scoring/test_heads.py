import numpy as np
import pytest
from PIL import Image

from scoring.crops import Crops, head_from_face
from scoring.face_heads import FaceHeads
from scoring.faces_found import FoundFace
from scoring.features import Features
from scoring.identity import CropIdentity
from scoring.measurement import Picture, digest_of

COMPOSITION = {"portrait": {"head": (0.0, 0.0, 0.5, 0.5)}}


class Pack:
    """A face in the lower right quarter of every picture that is not dark there."""

    fingerprint = "pack"

    def __init__(self, sure=0.9):
        self.sure = sure
        self.looks = 0

    def look(self, pictures):
        self.looks += len(pictures)

    def faces(self, picture):
        light = np.asarray(picture.image.crop((48, 48, 96, 96))).mean() > 20
        return [FoundFace((0.5, 0.5, 1.0, 1.0), 48.0, self.sure, 0.0, None)] if light else []


def picture(above, below, size=96, framing="portrait"):
    image = Image.new("RGB", (size, size), above)
    image.paste(Image.new("RGB", (size // 2, size // 2), below), (size // 2, size // 2))
    return Picture(image, digest_of(image), "front", framing)


def crops(**pack):
    return Crops(COMPOSITION, finder=FaceHeads(Pack(**pack), per_face=1.0))


def colour(cut):
    return cut.resize((1, 1)).getpixel((0, 0))


def test_a_head_is_cut_where_its_face_is_and_else_by_composition():
    assert colour(crops().cut(picture("red", "blue"), "head")) == (0, 0, 255)
    assert colour(crops().cut(picture("red", "black"), "head")) == (255, 0, 0)
    assert colour(crops(sure=0.2).cut(picture("red", "blue"), "head")) == (255, 0, 0)
    assert colour(Crops(COMPOSITION).cut(picture("red", "blue"), "head")) == (255, 0, 0)


def test_a_found_head_of_too_few_pixels_is_not_believed():
    tiny = picture("red", "blue")
    small = Picture(tiny.image.resize((40, 40)), "small", "front", "portrait")
    assert crops().found(tiny)
    assert crops().found(small) is None


def test_the_key_says_how_a_head_was_cut():
    keys = [crops().key(picture("red", below), "head") for below in ("blue", "green", "black")]
    assert keys[0] == keys[1] != keys[2]
    assert crops().fingerprint != Crops(COMPOSITION).fingerprint


@pytest.mark.parametrize("seen", [True, False])
def test_identity_compares_found_heads_and_says_so(encoder, seen):
    seed, frame = picture("red", "blue"), picture("green", "blue")
    finder = FaceHeads(Pack(), per_face=1.0) if seen else None
    same = CropIdentity(encoder, [seed], Crops(COMPOSITION, finder=finder), Features(), use=("head",))
    (answer,) = same.score([frame])
    assert answer.value == pytest.approx(1.0 if seen else 0.0, abs=1e-5)
    assert answer.why == ("head cut by its face" if seen else "")


def test_a_pack_that_boxes_whole_heads_adds_nothing():
    assert head_from_face((0.2, 0.2, 0.4, 0.4), 1.0) == pytest.approx((0.2, 0.2, 0.4, 0.4))
    left, top, right, bottom = head_from_face((0.4, 0.4, 0.6, 0.6))
    assert right - left == pytest.approx(0.38)
    assert 0.5 - top > bottom - 0.5, "more above than below"
