import numpy as np
import pytest

from scoring.crops import Crops, head_from_face
from scoring.features import Features

COMPOSITION = {
    "full body": {"head": (0.25, 0.0, 0.75, 0.5), "body": (0.25, 0.5, 0.75, 1.0)},
    "close-up": {"head": (0.0, 0.0, 1.0, 0.9), "body": (0.0, 0.9, 1.0, 1.0)},
}


def test_each_picture_is_embedded_once(encoder, paint):
    features = Features(batch=2)
    pictures = [paint("red"), paint("green"), paint("red"), paint("blue")]
    first = features.vectors(encoder, pictures)
    assert encoder.seen == 3
    assert np.array_equal(features.vectors(encoder, pictures), first)
    assert encoder.seen == 3
    assert np.allclose(first, [[1, 0, 0], [0, 1, 0], [1, 0, 0], [0, 0, 1]])


def test_crops_and_models_do_not_share_embeddings(encoder, paint):
    features = Features()
    features.vectors(encoder, [paint("red")])
    features.vectors(encoder, [paint("red")], "head", lambda p: p.image.crop((0, 0, 4, 4)))
    encoder.fingerprint = "color-2"
    features.vectors(encoder, [paint("red")])
    assert encoder.seen == 3


def test_a_directory_remembers_across_processes(encoder, paint, tmp_path):
    Features(tmp_path).vectors(encoder, [paint("red"), paint("blue")])
    again = Features(tmp_path).vectors(encoder, [paint("blue")])
    assert encoder.seen == 2
    assert np.allclose(again, [[0, 0, 1]])


def test_a_damaged_shard_is_embedded_again(encoder, paint, tmp_path):
    Features(tmp_path).vectors(encoder, [paint("red")])
    shard = next(tmp_path.rglob("*.npz"))
    data = shard.read_bytes()
    method = data.index(b"PK\x01\x02") + 10
    for number, damaged in enumerate((b"torn", data[:method] + b"\x63" + data[method + 1 :]), 2):
        shard.write_bytes(damaged)
        Features(tmp_path).vectors(encoder, [paint("red")])
        assert encoder.seen == number


def test_no_picture_gives_no_row(encoder):
    assert len(Features().vectors(encoder, [])) == 0


def test_head_and_body_are_cut_where_the_framing_has_them(paint):
    crops = Crops(COMPOSITION)
    picture = paint("red", "blue")
    assert crops.cut(picture, "head").getpixel((5, 5)) == (255, 0, 0)
    assert crops.cut(picture, "body").getpixel((5, 5)) == (0, 0, 255)
    assert crops.cut(picture, "head").size == (24, 24)


def test_a_sliver_of_body_is_left_out(paint):
    assert Crops(COMPOSITION).cut(paint("red", framing="close-up"), "body") is None


def test_unknown_framing_falls_back():
    assert Crops(COMPOSITION, fallback="full body").box("", "head") == (0.25, 0.0, 0.75, 0.5)
    assert Crops(COMPOSITION, fallback="").box("", "head") is None


def test_a_square_crop_is_padded(paint):
    crops = Crops({"full body": {"head": (0, 0, 1, 0.5)}}, square=True)
    assert crops.cut(paint("red", "blue"), "head").size == (48, 48)


def test_a_head_surrounds_its_face():
    box = head_from_face((0.4, 0.3, 0.6, 0.5))
    assert box[0] < 0.4 < 0.6 < box[2]
    assert 0.4 - box[1] > box[3] - 0.4  # more above the face than below


def test_a_box_outside_the_picture_is_refused():
    with pytest.raises(ValueError, match=r"composition\.portrait\.head: box '\[0\.1, 0\.2, 1\.3, 0\.9\]'"):
        Crops({"portrait": {"head": (0.1, 0.2, 1.3, 0.9)}})
