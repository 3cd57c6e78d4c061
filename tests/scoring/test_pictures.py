"""Defects, duplicates, copies."""

import numpy as np
from PIL import Image, ImageFilter, ImageOps

from scoring.base import Picture, digest_of
from scoring.defects import Defects
from scoring.duplicates import CopyOfSeed, bits_apart, difference_hash, drop_duplicates, near_duplicates
from scoring.features import Features


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


def test_near_duplicates_by_hash_or_by_embedding():
    vectors = np.array([[1, 0], [0.999, 0.0447], [0, 1], [0.6, 0.8]], np.float32)
    alike = near_duplicates([0, 2**63, 2**40 - 1, 2**40 - 2], vectors, most_bits=1, least_cosine=0.99)
    assert np.argwhere(np.triu(alike)).tolist() == [[0, 1], [2, 3]]
    assert near_duplicates([], np.zeros((0, 2), np.float32)).shape == (0, 0)


def test_the_better_one_stays_and_chains_do_not_drag_along():
    alike = np.array([[0, 1, 0], [1, 0, 1], [0, 1, 0]], bool)  # a~b, b~c, but not a~c
    assert drop_duplicates(["a", "b", "c"], {"a": 2, "b": 1, "c": 3}, alike) == {"b": "c"}
    assert drop_duplicates(["a", "b", "c"], {"b": 9}, alike) == {"a": "b", "c": "b"}


def test_a_locked_duplicate_stays():
    alike = np.array([[0, 1], [1, 0]], bool)
    assert drop_duplicates(["a", "b"], {"a": 9}, alike, locked=["b"]) == {"a": "b"}


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
