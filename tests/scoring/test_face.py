"""The insightface adapter on a pack of two tiny graphs: a bright picture has a face in one place, a dark one none."""

import math

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from scoring.clip import ScorerUnavailable
from scoring.face import FaceIdentity, SubjectCount
from scoring.face_pack import FacePack, yaw_of
from scoring.faces_found import FoundFace
from scoring.measurement import Picture

SIDE = 96
BRIGHT, DARK = (250, 250, 250), (5, 5, 5)


def save(path, nodes, shape, outputs, constants):
    graph = helper.make_graph(
        nodes,
        path.stem,
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", "m"]) for name in outputs],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9), path)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A pack whose detector answers with its picture's brightness at the anchor (48, 48), 15 pixels to each side."""
    root = tmp_path_factory.mktemp("pack")
    constants, nodes, outputs = {}, [helper.make_node("ReduceMean", ["x"], ["mean"], keepdims=0)], []
    nodes.append(helper.make_node("Relu", ["mean"], ["bright"]))
    for kind, width in (("score", 1), ("box", 4), ("points", 10)):
        for stride in (8, 16, 32):
            cells = (SIDE // stride) ** 2 * 2
            value = np.zeros((cells, width), np.float32)
            middle = (SIDE // 8 * 6 + 6) * 2
            if stride == 8 and kind == "score":
                value[middle] = 0.99
            if stride == 8 and kind == "box":
                value[middle] = 15 / 8
            if stride == 8 and kind == "points":
                value[middle] = np.array([-6, -4, 6, -4, 0, 0, -4, 6, 4, 6]) / 8
            name = f"{kind}{stride}"
            constants[f"c_{name}"] = value
            nodes.append(
                helper.make_node("Mul", ["bright", f"c_{name}"], [name])
                if kind == "score"
                else helper.make_node("Identity", [f"c_{name}"], [name])
            )
            outputs.append(name)
    save(root / "detector.onnx", nodes, [1, 3, "h", "w"], outputs, constants)
    recogniser = [helper.make_node("ReduceMean", ["x", "axes"], ["y"], keepdims=0)]
    save(root / "recogniser.onnx", recogniser, [1, 3, 112, 112], ["y"], {"axes": np.array([2, 3], np.int64)})
    return root


@pytest.fixture(scope="module")
def pack(folder):
    return FacePack(folder, det_size=SIDE, det_score=0.3)


def test_a_face_is_found_where_it_is_and_once(pack, paint):
    (face,) = pack.faces(paint(BRIGHT, size=SIDE))
    assert np.allclose(np.array(face.box) * SIDE, [33, 33, 63, 63], atol=0.5)
    assert face.short_side == pytest.approx(30, abs=0.5)
    assert face.yaw == pytest.approx(0, abs=0.1)
    assert np.linalg.norm(face.embedding) == pytest.approx(1, abs=1e-5)


def test_small_pictures_are_enlarged_for_the_detector(folder, paint):
    pack = FacePack(folder, det_size=SIDE, upscale_to=SIDE)
    (face,) = pack.faces(paint(BRIGHT, size=48))
    assert np.allclose(np.array(face.box) * 48, [16.5, 16.5, 31.5, 31.5], atol=0.5)


def test_the_same_face_has_cosine_one(pack, paint):
    seed = paint((250, 240, 230), size=SIDE)
    scorer = FaceIdentity(pack, [seed], min_size=20)
    same, other = scorer.score([seed, paint((250, 180, 255), size=SIDE)])
    assert same.value == pytest.approx(1)
    assert other.value < 0.999


@pytest.mark.parametrize(
    ("facts", "options", "why"),
    [
        ({"top": DARK}, {}, "no face"),
        ({"top": DARK, "view_family": "behind"}, {}, "no face from behind"),
        ({"top": BRIGHT, "view_family": ""}, {}, "the view is not known"),
        ({"top": BRIGHT}, {"min_size": 64}, "face too small: 30 < 64 px"),
        ({"top": (190, 190, 190)}, {"min_det_score": 0.8}, "face not clear: 0.48 < 0.80"),
    ],
)
def test_what_cannot_be_told_is_not_applicable_with_the_reason(pack, paint, facts, options, why):
    scorer = FaceIdentity(pack, [paint(BRIGHT, size=3 * SIDE)], **{"min_size": 20, **options})
    answer = scorer.score([paint(size=SIDE, **facts)])[0]
    assert answer.value is None
    assert answer.why == why


class FixedPack:
    """A pack that finds the same faces in every picture."""

    fingerprint = "fixed"

    def __init__(self, *faces):
        self.found = list(faces)

    def look(self, pictures):
        pass

    def faces(self, picture: Picture):
        return self.found


def found(short_side=80, det_score=0.9, yaw=0.0, embedding=(1.0, 0.0)):
    vector = None if embedding is None else np.array(embedding, np.float32)
    return FoundFace((0.2, 0.2, 0.6, 0.6), short_side, det_score, yaw, vector)


@pytest.mark.parametrize(
    ("face", "why"),
    [
        (found(yaw=-55), "face turned: 55° > 40°"),
        (found(yaw=math.nan), "face turned"),
        (found(embedding=None), "face has no embedding"),
    ],
)
def test_a_turned_face_is_not_scored(paint, face, why):
    pack = FixedPack(found())
    scorer = FaceIdentity(pack, [paint(BRIGHT)])
    pack.found = [face]
    answer = scorer.score([paint(BRIGHT)])[0]
    assert answer.value is None
    assert answer.why.startswith(why)


def test_a_seed_without_a_face_is_no_reference(paint):
    scorer = FaceIdentity(FixedPack(), [paint(BRIGHT)])
    assert scorer.score([paint(DARK)])[0].why == "no seed shows a face to compare with"


@pytest.mark.parametrize(
    ("faces", "value"),
    [
        ([found()], 0.5),
        ([found(), found()], -0.5),
        ([found(), found(short_side=30)], 0.5),
        ([found(), found(det_score=0.35)], 0.5),
    ],
)
def test_more_than_one_sure_face_of_some_size_fails(paint, faces, value):
    assert SubjectCount(FixedPack(*faces)).score([paint(BRIGHT)])[0].value == value


def test_without_a_face_nothing_is_counted(paint):
    assert not SubjectCount(FixedPack()).score([paint(DARK)])[0].applicable


@pytest.mark.parametrize("yaw", [-50, -20, 0, 35])
@pytest.mark.parametrize("roll", [0, 25])
def test_yaw_is_read_from_the_nose_whatever_the_roll(yaw, roll):
    turn, tilt = math.radians(yaw), math.radians(roll)
    flat = np.array([[-0.5, 0], [0.5, 0], [0, 0.4], [-0.3, 0.9], [0.3, 0.9]]) * [math.cos(turn), 1]
    flat[2, 0] += 0.5 * math.sin(turn)
    spun = flat @ np.array([[math.cos(tilt), math.sin(tilt)], [-math.sin(tilt), math.cos(tilt)]])
    assert yaw_of(spun) == pytest.approx(yaw, abs=0.01)


def test_collapsed_keypoints_are_not_frontal():
    assert math.isnan(yaw_of(np.zeros((5, 2))))


def test_a_missing_or_broken_pack_is_told_in_one_line_and_nothing_is_downloaded(tmp_path):
    with pytest.raises(ScorerUnavailable, match=r"face: 'buffalo_l' is neither a folder"):
        FacePack("buffalo_l", root=tmp_path)
    (tmp_path / "bad.onnx").write_bytes(b"nothing")
    with pytest.raises(ScorerUnavailable, match="does not load"):
        FacePack(tmp_path)


def test_a_second_process_does_not_look_again(folder, paint, tmp_path, monkeypatch):
    pictures = [paint(BRIGHT, size=SIDE), paint(DARK, size=SIDE)]
    first = SubjectCount(FacePack(folder, det_size=SIDE, cache=tmp_path)).score(pictures)
    assert len(list(tmp_path.rglob("*.npz"))) == 1
    monkeypatch.setattr(FacePack, "_look", lambda *_: pytest.fail("looked again"))
    second = FacePack(folder, det_size=SIDE, cache=tmp_path)
    assert SubjectCount(second).score(pictures) == first
    assert second.faces(pictures[0])[0].short_side == pytest.approx(30, abs=0.5)
