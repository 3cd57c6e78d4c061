"""Writes networks as ONNX graphs; the detector and the recogniser as an insightface pack.

insightface infers a model's kind from its graph: nine outputs are an SCRFD, one input of 112x112 is an ArcFace.
Weights are stored in half precision and cast back inside the graph. Does NOT know how a network was trained.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import onnx
import torch
import torch.nn.functional as F
from onnx import numpy_helper
from torch import Tensor, nn

from bootstrap.puppets.train import face_detector, face_recogniser

DETECTOR, RECOGNISER = "det_puppet.onnx", "w_puppet.onnx"
_HALF_FROM = 256  # values; smaller tensors stay in full precision


class ScrfdGraph(nn.Module):
    """A `Detector` with SCRFD's nine outputs: scores, distances, keypoint offsets for strides 8, 16, 32.

    One picture (1, 3, H, W), RGB, (value - 127.5) / 128; each output (cells * anchors, 1 | 4 | 10).
    """

    def __init__(self, detector: nn.Module) -> None:
        super().__init__()
        self.detector = detector

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        """Nine tensors, scores first."""
        rows = [level[0].permute(2, 3, 0, 1).reshape(-1, 15) for level in self.detector(image)]
        scores = [row[:, :1].sigmoid() for row in rows]
        boxes = [F.softplus(row[:, 1:5]) for row in rows]
        points = [row[:, 5:] for row in rows]
        return (*scores, *boxes, *points)


def export_detector(detector: nn.Module, folder: Path) -> None:
    """Write the detector into a pack."""
    names: list[str] = []
    for kind in ("score", "bbox", "kps"):
        names += [f"{kind}_{stride}" for stride in face_detector.STRIDES]
    example = torch.zeros(1, 3, face_detector.SIDE, face_detector.SIDE)
    axes = {"input.1": {2: "height", 3: "width"}, **{name: {0: f"rows_{name}"} for name in names}}
    export(ScrfdGraph(detector), example, folder / DETECTOR, names, axes, "input.1")


def export_recogniser(recogniser: nn.Module, folder: Path) -> None:
    """Write the recogniser into a pack."""
    side = face_recogniser.SIDE
    axes = {"input.1": {0: "batch"}, "embedding": {0: "batch"}}
    export(recogniser, torch.zeros(1, 3, side, side), folder / RECOGNISER, ["embedding"], axes, "input.1")


def export(
    model: nn.Module, example: Tensor, path: Path, outputs: Sequence[str], axes: Mapping[str, dict[int, str]], name: str
) -> None:
    """Write one ONNX file; a draft beside it is moved into place."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(f".{os.getpid()}.draft")
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            model.eval().cpu().float(),
            (example,),
            str(draft),
            input_names=[name],
            output_names=list(outputs),
            dynamic_axes=dict(axes),
            opset_version=17,
            dynamo=False,
        )
    onnx.save(halve(onnx.load(str(draft))), str(draft))
    draft.replace(path)


def halve(model: onnx.ModelProto) -> onnx.ModelProto:
    """Store large float weights as float16 and cast them back inside the graph, which runs in float32."""
    graph, casts = model.graph, []
    for weight in graph.initializer:
        values = numpy_helper.to_array(weight)
        if values.dtype != np.float32 or values.size < _HALF_FROM:
            continue
        stored = f"{weight.name}_half"
        casts.append(
            onnx.helper.make_node("Cast", [stored], [weight.name], f"Cast_{stored}", to=onnx.TensorProto.FLOAT)
        )
        weight.CopyFrom(numpy_helper.from_array(values.astype(np.float16), stored))
    nodes = [*casts, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)
    onnx.checker.check_model(model)
    return model
