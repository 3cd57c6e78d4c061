"""How a picture is drawn, and where it was taken, told without a model."""

import numpy as np
import pytest
from PIL import Image, ImageFilter

from scoring.color_histograms import ColorHistograms
from scoring.crops import Crops
from scoring.features import Features
from scoring.materials import Materials
from scoring.measurement import Picture, digest_of
from scoring.place import PlaceLikeness, PlaceSettings, best_parts
from scoring.texture import TextureEncoder, TextureIdentity, TextureSettings


def picture(image, framing="upper body"):
    return Picture(image, digest_of(image), "front", framing)


def content(number):
    """Some shapes of some colours."""
    pixels = np.random.default_rng(number).integers(40, 220, (5, 5, 3), np.uint8)
    return Image.fromarray(pixels).resize((96, 96), Image.Resampling.NEAREST)


def hatched(image, period=6):
    rows, columns = np.indices((96, 96))
    lines = ((rows + columns) % period < 2)[..., None]
    return Image.fromarray(np.where(lines, np.asarray(image) // 3, np.asarray(image)).astype(np.uint8))


def soft(image):
    return image.filter(ImageFilter.GaussianBlur(4))


def materials(*references):
    crops = Crops({"upper body": {"body": (0.0, 0.5, 1.0, 1.0)}})
    return Materials(ColorHistograms(), Features(), crops, [picture(one) for one in references])


@pytest.mark.parametrize("seeds", ["best", "mean"])
def test_a_style_is_told_whatever_is_drawn_in_it(seeds):
    settings = TextureSettings(seeds=seeds)
    scorer = TextureIdentity.make("lines", settings, materials(*(hatched(content(n)) for n in range(3))))
    others = [picture(how(content(n))) for n in range(10, 14) for how in (hatched, soft)]
    values = [one.value for one in scorer.score(others)]
    assert min(values[::2]) > max(values[1::2])
    assert scorer.fingerprint.endswith(seeds)


def test_what_is_worn_is_told_by_the_body_alone():
    def worn(number, cloth):
        image = content(number)
        image.paste(cloth.crop((0, 48, 96, 96)), (0, 48))
        return image

    cloth, other = hatched(Image.new("RGB", (96, 96), "red")), soft(content(50))
    scorer = TextureIdentity.make("surface", TextureSettings(crops=("body",)), materials(worn(1, cloth)))
    same, different = scorer.score([picture(worn(2, cloth)), picture(worn(1, other))])
    assert same.value > 0.95 > different.value


@pytest.mark.parametrize("reader", ["clip", "texture"])
def test_a_place_is_found_again_nearer_and_with_somebody_before_it(reader):
    place = Image.fromarray(np.random.default_rng(7).integers(0, 255, (6, 6, 3), np.uint8)).resize((96, 96))
    visited, nearer = place.copy(), place.crop((8, 8, 72, 72)).resize((96, 96))
    visited.paste((250, 250, 250), (36, 48, 60, 96))
    scorer = PlaceLikeness.make("place", PlaceSettings(reader=reader), materials(place))
    values = [one.value for one in scorer.score([picture(one) for one in (visited, nearer, content(3), content(4))])]
    assert min(values[:2]) > max(values[2:])


def test_only_the_parts_that_are_found_best_count():
    parts = np.eye(4, dtype=np.float32)[None]
    assert best_parts(parts, parts[:, :2], 0.5) == pytest.approx([1.0])
    assert best_parts(parts, parts[:, :2], 1.0) == pytest.approx([0.5])


def test_a_texture_has_unit_vectors_of_any_picture():
    rows = TextureEncoder(32).embed([content(1), Image.new("L", (30, 200)), Image.new("RGB", (8, 8), "white")])
    assert np.linalg.norm(rows, axis=1) == pytest.approx(np.ones(3), abs=1e-5)
