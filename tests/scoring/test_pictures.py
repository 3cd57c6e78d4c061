"""Defects, duplicates, copies."""

import numpy as np
from PIL import Image, ImageFilter, ImageOps

from scoring.defects import Defects
from scoring.duplicates import CopyOfSeed, bits_apart, difference_hash
from scoring.features import Features
from scoring.measurement import Picture, digest_of


def changed(picture, how):
    image = how(picture.image)
    return Picture(image, digest_of(image), picture.view_family, picture.framing)


def shapes(seed):
    """Smooth blobs: the same seed is the same drawing."""
    rng = np.random.default_rng(seed)
    small = Image.fromarray(rng.integers(0, 255, (6, 6, 3), np.uint8))
    return Picture(small.resize((96, 96), Image.Resampling.BICUBIC), f"shape{seed}", "front", "portrait")


def test_a_picture_like_the_references_is_fine(grain):
    defects = Defects([grain(1), grain(2)])
    answer = defects.score([grain(3)])[0]
    assert answer.value > 0
    assert answer.why == ""


def test_blurred_flat_and_blank_pictures_fail_and_say_so(grain, paint):
    defects = Defects([grain(1), grain(2)])
    blurred = changed(grain(3), lambda im: im.filter(ImageFilter.GaussianBlur(1.5)))
    pale = changed(grain(3), lambda im: im.point(lambda v: 120 + v // 12))
    answers = defects.score([blurred, pale, paint((255, 255, 255))])
    assert all(answer.value < 0 for answer in answers)
    assert ["blurred" in answers[0].why, "flat" in answers[1].why, "burnt out" in answers[2].why] == [True] * 3


def test_limits_follow_the_references(grain):
    soft = changed(grain(1), lambda im: im.filter(ImageFilter.GaussianBlur(1.5)))
    assert Defects([soft]).score([soft])[0].value > 0
    assert Defects([soft]).fingerprint != Defects([grain(1)]).fingerprint


def test_the_hash_survives_small_changes_and_tells_drawings_apart():
    one = difference_hash(shapes(1).image)
    softer = difference_hash(shapes(1).image.filter(ImageFilter.GaussianBlur(1)).resize((64, 64)))
    assert bits_apart(one, softer) <= 3
    assert bits_apart(one, difference_hash(shapes(2).image)) > 8
    assert 0 <= one < 2**64


class Patches:
    """Embeds where the light is: another place is another vector."""

    fingerprint = "patches"

    def embed(self, images):
        rows = np.stack([np.asarray(im.convert("L").resize((6, 6)), np.float32).ravel() - 127 for im in images])
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def test_copies_of_a_seed_and_of_its_mirror_image_are_found():
    check = CopyOfSeed(Patches(), [shapes(1)], Features())
    copy, mirrored, other = check.score(
        [
            changed(shapes(1), lambda im: im.point(lambda v: min(255, v + 1))),
            changed(shapes(1), ImageOps.mirror),
            shapes(2),
        ]
    )
    assert (copy.value < 0, copy.why) == (True, "copy of a seed")
    assert (mirrored.value < 0, mirrored.why) == (True, "mirrored copy of a seed")
    assert other.value > 0
