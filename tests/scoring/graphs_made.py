"""Tiny ONNX graphs with the signatures of the published ones: they see nothing but the mean colour."""

from __future__ import annotations

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper


def save(path, shape, nodes, outputs, metadata=None, **weights):
    given = helper.make_tensor_value_info("input", TensorProto.FLOAT, shape)
    told = [helper.make_tensor_value_info(name, TensorProto.FLOAT, size) for name, size in outputs.items()]
    kept = [numpy_helper.from_array(np.asarray(value), name) for name, value in weights.items()]
    graph = helper.make_graph(nodes, "tiny", [given], told, kept)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    helper.set_model_props(model, metadata or {})
    path.parent.mkdir(parents=True, exist_ok=True)
    onnx.save(model, path)
    return path.parent


def ccip(folder, metric="(1 - cosine) / 2", side=384):
    """A CCIP model: features are the mean of each normalised channel; ``metric`` is the model's own, or None."""
    mean = helper.make_node("ReduceMean", ["input"], ["output"], axes=[2, 3], keepdims=0)
    save(folder / "model_feat.onnx", ["batch", 3, side, side], [mean], {"output": ["batch", 3]})
    if metric:
        nodes = [
            helper.make_node("ReduceL2", ["input"], ["length"], axes=[1], keepdims=1),
            helper.make_node("Div", ["input", "length"], ["unit"]),
            helper.make_node("Transpose", ["unit"], ["turned"], perm=[1, 0]),
            helper.make_node("MatMul", ["unit", "turned"], ["cosine"]),
            helper.make_node("Sub", ["one", "cosine"], ["far"]),
            helper.make_node("Mul", ["far", "half"], ["output"]),
        ]
        half = 0.5 if metric == "(1 - cosine) / 2" else 0.9
        constants = {"one": np.float32(1), "half": np.float32(half)}
        save(folder / "model_metrics.onnx", ["batch", 3], nodes, {"output": ["batch", "batch"]}, **constants)
    return folder


def tagger(folder, tags, last=True, output="output", side=32, columns="tag_id,name,category,count"):
    """A tagger: a tag's probability is the dot of its (R, G, B) row with the mean colour in 0..1."""
    rows = np.array(list(tags.values()), np.float32).T
    if last:  # WD: BGR, 0..255
        shape, axes, rows = ["batch", side, side, 3], [1, 2], rows[::-1] / 255
    else:  # PixAI: RGB, -1..1
        shape, axes = ["batch", 3, side, side], [2, 3]
    mean = helper.make_node("ReduceMean", ["input"], ["color"], axes=axes, keepdims=0)
    dot = helper.make_node("MatMul", ["color", "rows"], [output])
    nodes, outputs = [mean, dot], {output: ["batch", len(tags)]}
    if output == "prediction":  # it has other outputs before
        outputs = {"embedding": ["batch", 3], **outputs}
        nodes.append(helper.make_node("Identity", ["color"], ["embedding"]))
    save(folder / "model.onnx", shape, nodes, outputs, rows=np.ascontiguousarray(rows, np.float32))
    if columns.startswith("id"):
        lines = [f"{n},{n},{name},0" for n, name in enumerate(tags)]
    else:
        lines = [f"{n},{name},0,1" for n, name in enumerate(tags)]
    (folder / "selected_tags.csv").write_text("\n".join([columns, *lines]) + "\n", encoding="utf-8")
    return folder


def detector(folder, boxes, names="{0: 'face'}", side=64, corners=False):
    """A detector: (middle x, y, width, height, certainty) of boxes in pixels of its square.

    The certainty is multiplied with the mean of red less that of blue, in 0..1. With ``corners`` as newer exports are.
    """
    rows = np.array(boxes, np.float32)
    if corners:
        half = rows[:, 2:4] / 2
        rows = np.concatenate([rows[:, :2] - half, rows[:, :2] + half, rows[:, 4:]], axis=1)
    places, certainty, classes = rows[None, :, :4], rows[None, :, 4:], np.zeros((1, len(rows), 1), np.float32)
    nodes = [
        helper.make_node("ReduceMean", ["input"], ["colors"], axes=[2, 3], keepdims=0),
        helper.make_node("MatMul", ["colors", "red"], ["warm"]),
        helper.make_node("Mul", ["certainty", "warm"], ["scores"]),
        helper.make_node("Concat", ["places", "scores", *(["classes"] if corners else [])], ["rows"], axis=2),
        helper.make_node("Transpose", ["rows"], ["output0"], perm=[0, 1, 2] if corners else [0, 2, 1]),
    ]
    size = [1, len(rows), 6] if corners else [1, 5, len(rows)]
    weights = {"places": places, "certainty": certainty, "red": np.float32([[1], [0], [-1]])}
    if corners:
        weights["classes"] = classes
    shape = [1, 3, side, side]
    return save(folder / "model.onnx", shape, nodes, {"output0": size}, {"names": names}, **weights)
