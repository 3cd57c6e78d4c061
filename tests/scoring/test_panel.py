"""The panel, and the held-out encoder that it seats."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from scoring.clip import ScorerUnavailable
from scoring.features import Features
from scoring.heldout import HeldOut, OnnxEncoder
from scoring.measurement import Measurement, not_applicable
from scoring.panel import Panel, Seat


class Fixed:
    """Answers what it is told; raises on a digest it fears."""

    def __init__(self, name, answer, fears=""):
        self.name, self.fingerprint, self._answer, self._fears = name, f"{name}-1", answer, fears

    def score(self, pictures):
        if any(p.digest == self._fears for p in pictures):
            raise RuntimeError("no good")
        return [self._answer for _ in pictures]


def test_every_scorer_answers_in_order(paint):
    panel = Panel([Seat(Fixed("clip", Measurement(0.5)), "identity"), Seat(Fixed("view", Measurement(-1.0)), "check")])
    rows = panel.measure([paint("red"), paint("blue")])
    assert rows == [{"clip": Measurement(0.5), "view": Measurement(-1.0)}] * 2
    assert list(rows[0]) == panel.names() == ["clip", "view"]
    assert panel.fingerprints == {"clip": "clip-1", "view": "view-1"}


def test_one_bad_picture_does_not_silence_the_rest(paint):
    red, blue = paint("red"), paint("blue")
    rows = Panel([Seat(Fixed("clip", Measurement(0.5), red.digest), "identity")]).measure([red, blue])
    assert rows[0]["clip"] == not_applicable("error: RuntimeError: no good")
    assert rows[1]["clip"] == Measurement(0.5)


def test_only_checks_below_zero_fail(paint):
    panel = Panel(
        [
            Seat(Fixed("clip", Measurement(-0.9)), "identity"),
            Seat(Fixed("view", Measurement(-1.0)), "check"),
            Seat(Fixed("traits", Measurement(-1.0)), "check"),
            Seat(Fixed("copy", Measurement(0.0)), "check"),
            Seat(Fixed("subjects", not_applicable("no face")), "check"),
            Seat(Fixed("judge", Measurement(-1.0)), "held-out"),
        ]
    )
    answers = panel.measure([paint("red")])[0] | {"view": Measurement(-1.0, "reads as front, not behind")}
    assert panel.failing(answers) == ["view: reads as front, not behind", "traits -1.00"]


def test_only_the_named_scorers_are_asked(paint):
    panel = Panel([Seat(Fixed("a", Measurement(1.0)), "check"), Seat(Fixed("b", Measurement(1.0)), "check")])
    assert panel.measure([paint("red")], only=["b"]) == [{"b": Measurement(1.0)}]


def test_two_scorers_of_one_name_are_refused():
    with pytest.raises(ValueError, match="two scorers are called 'clip'"):
        Panel([Seat(Fixed("clip", Measurement(0.0)), "check")] * 2)


@pytest.fixture
def mean_color(tmp_path):
    """An ONNX encoder whose embedding is the mean colour."""
    node = helper.make_node("ReduceMean", ["x", "axes"], ["y"], keepdims=0)
    axes = helper.make_tensor("axes", TensorProto.INT64, [2], [2, 3])
    graph = helper.make_graph(
        [node],
        "mean",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 3, 96, 96])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 3])],
        [axes],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    onnx.save(model, tmp_path / "mean.onnx")
    return tmp_path / "mean.onnx"


def test_the_held_out_encoder_compares_with_the_best_seed(mean_color, paint):
    encoder = OnnxEncoder(mean_color)
    scorer = HeldOut(encoder, [paint("green"), paint("red")], Features())
    same, other = scorer.score([paint("red"), paint("blue")])
    assert same.value == pytest.approx(1.0)
    assert other.value == pytest.approx(-1 / 3)
    assert np.allclose(encoder.embed([paint("red").image]), np.array([[1, -1, -1]]) / np.sqrt(3))


def test_a_missing_or_broken_encoder_is_told_in_one_line(tmp_path):
    with pytest.raises(ScorerUnavailable, match="no encoder file"):
        OnnxEncoder(tmp_path / "none.onnx")
    (tmp_path / "bad.onnx").write_bytes(b"not a graph")
    with pytest.raises(ScorerUnavailable, match="is not an ONNX encoder"):
        OnnxEncoder(tmp_path / "bad.onnx")
