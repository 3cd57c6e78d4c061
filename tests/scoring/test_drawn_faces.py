"""Detectors of drawn faces: the signature of their graphs, and faces compared by an encoder of pictures."""

import math
from dataclasses import replace

import pytest
from PIL import Image, ImageDraw

from scoring.clip import ScorerUnavailable
from scoring.crops import Crops
from scoring.drawn_faces import DrawnFaces
from scoring.face import FaceIdentity, FaceSettings, SubjectCount
from scoring.features import Features
from scoring.materials import Materials
from scoring.measurement import Picture, digest_of
from tests.scoring.graphs_made import ccip, detector

RED = (255, 0, 0)
FACE, AGAIN, BYSTANDER, DOUBT = (16, 32, 16, 16, 0.9), (17, 32, 16, 16, 0.8), (48, 32, 12, 12, 0.6), (40, 8, 9, 9, 0.2)


def drawn(face, ground=RED, size=(128, 64), view_family="front"):
    """A picture with a spot of another colour around the face in its left half."""
    image, (width, height) = Image.new("RGB", size, ground), size
    ImageDraw.Draw(image).rectangle((width // 8, height // 4, width * 3 // 8, height * 3 // 4), fill=face)
    return Picture(image, digest_of(image), view_family, "portrait")


@pytest.mark.parametrize(("corners", "side"), [(False, 64), (True, 64), (False, "open")])
def test_faces_are_found_in_a_squashed_picture_each_once(tmp_path, corners, side):
    finder = DrawnFaces(detector(tmp_path, [AGAIN, FACE, DOUBT, BYSTANDER], side=side, corners=corners), side=64)
    face, other = finder.faces(drawn(RED))
    assert face.box == pytest.approx((8 / 64, 24 / 64, 24 / 64, 40 / 64))
    assert (face.short_side, face.det_score) == pytest.approx((16, 0.9)), (
        "pixels of the picture, which is twice as wide"
    )
    assert other.box == pytest.approx((42 / 64, 26 / 64, 54 / 64, 38 / 64))
    assert math.isnan(face.yaw)
    assert face.embedding is None
    assert finder.faces(drawn((0, 0, 255), (0, 0, 255))) == [], "it sees red before blue"


def test_what_is_no_detector_of_faces_is_named(tmp_path):
    with pytest.raises(ScorerUnavailable, match=r"face: no file '.*model\.onnx'"):
        DrawnFaces(tmp_path)
    for folder, said in (
        (detector(tmp_path / "hands", [FACE], names="{0: 'hand'}"), "hand"),
        (detector(tmp_path / "two", [FACE], names="{0: 'face', 1: 'hand'}"), "face, hand"),
        (ccip(tmp_path / "ccip"), "is no detector of faces or heads"),
    ):
        graph = next(folder.glob("model*.onnx"))
        with pytest.raises(ScorerUnavailable, match=said):
            DrawnFaces(graph)
    assert DrawnFaces(detector(tmp_path / "heads", [FACE], names="{0: 'head'}")).faces(drawn(RED))


@pytest.fixture
def scorer(tmp_path, encoder):
    """Faces on red, compared by their mean colour; the seed's is green."""
    materials = Materials(encoder, Features(), Crops({}), [drawn("lime")], faces=DrawnFaces(detector(tmp_path, [FACE])))
    settings = FaceSettings(min_size=16, margin=1, families=("front", "behind"))
    return lambda **other: FaceIdentity.make("face", settings, replace(materials, **other))


def test_the_same_drawn_face_comes_before_another(scorer):
    same, other = scorer().score([drawn("lime", size=(256, 128)), drawn((0, 60, 200))])
    assert same.value > 0.9 > other.value


def test_another_encoder_may_embed_the_face(scorer, encoder):
    assert scorer(own={"ccip": encoder}).fingerprint == scorer().fingerprint
    seen = encoder.seen
    other = type(encoder)()
    other.fingerprint = "color-2"
    answer = scorer(own={"ccip": other}).score([drawn("lime")])
    assert answer[0].value == pytest.approx(1)
    assert (encoder.seen, other.seen) == (seen, 1), "the seed is the picture: it is embedded once"


@pytest.mark.parametrize(
    ("facts", "why"),
    [
        ({"size": (64, 32)}, "face too small: 8 < 16 px"),
        ({"ground": (120, 0, 0)}, "face not clear: 0.37 < 0.50"),
        ({"ground": (0, 0, 255), "view_family": "behind"}, "no face from behind"),
        ({"ground": (0, 0, 255)}, "no face"),
        ({"view_family": "profile"}, "this face pack does not know faces in profile"),
    ],
)
def test_what_cannot_be_compared_is_not_applicable_with_the_reason(scorer, facts, why):
    (answer,) = scorer().score([drawn("lime", **facts)])
    assert (answer.value, answer.why) == (None, why)


def test_two_drawn_faces_are_two_characters(tmp_path):
    scorer = SubjectCount(DrawnFaces(detector(tmp_path, [FACE, AGAIN, BYSTANDER])))
    assert [answer.why for answer in scorer.score([drawn(RED)])] == ["2 faces"]
