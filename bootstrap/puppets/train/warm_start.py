"""Starts a training from shipped weights in an ONNX graph: copies its convolutions and linear layers into a module.

Export folds a BatchNorm into the convolution before it. Here the folded bias becomes the shift of that BatchNorm, so
the module computes the same as the graph once its statistics have converged. Does NOT know what a graph is for.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import numpy_helper
from torch import Tensor, nn

GraphWeights = list[tuple[NDArray[np.float32], NDArray[np.float32] | None]]


def start_from_onnx(module: nn.Module, example: Tensor, path: Path) -> int:
    """Copy the layers of the graph at `path` into `module`, in the order in which both run; returns their number.

    Args:
        module: of the architecture that was exported.
        example: one input of the module, to find the order of its layers.
        path: the ONNX file.

    Raises:
        ValueError: the graph has other layers than the module.
    """
    layers, found = _order(module, example), _layers(path)
    shapes = [tuple(layer.weight.shape) for layer, _ in layers]
    if [tuple(weight.shape) for weight, _ in found] != shapes:
        raise ValueError(f"'{path}' has other layers than this architecture; train from nothing instead")
    with torch.no_grad():
        for (layer, norm), (weight, bias) in zip(layers, found, strict=True):
            layer.weight.copy_(torch.from_numpy(weight.copy()))
            shift = layer.bias
            if shift is None and norm is not None:
                shift = norm.bias
            if bias is not None and shift is not None:
                shift.copy_(torch.from_numpy(bias.copy()))
    return len(found)


def _order(module: nn.Module, example: Tensor) -> list[tuple[nn.Conv2d | nn.Linear, nn.BatchNorm2d | None]]:
    """Convolutions and linear layers in the order in which they run, each with the BatchNorm right behind it."""
    ran: list[nn.Module] = []
    hooks = []
    for part in module.modules():
        if isinstance(part, nn.Conv2d | nn.Linear | nn.BatchNorm2d):
            hooks.append(part.register_forward_hook(lambda part, *_: ran.append(part)))
    training = module.training
    with torch.no_grad():
        module.eval()(example)
    module.train(training)
    for hook in hooks:
        hook.remove()
    pairs: list[tuple[nn.Conv2d | nn.Linear, nn.BatchNorm2d | None]] = []
    for place, part in enumerate(ran):
        if isinstance(part, nn.Conv2d | nn.Linear):
            norms = [after for after in ran[place + 1 : place + 2] if isinstance(after, nn.BatchNorm2d)]
            pairs.append((part, next(iter(norms), None)))
    return pairs


def _layers(path: Path) -> GraphWeights:
    """Weight and bias of every Conv and Gemm, in graph order, with the casts from half precision undone."""
    graph = onnx.load(str(path)).graph
    values = {one.name: numpy_helper.to_array(one).astype(np.float32) for one in graph.initializer}
    for node in graph.node:
        if node.op_type in ("Cast", "Identity") and node.input[0] in values:
            values[node.output[0]] = values[node.input[0]]
    found: GraphWeights = []
    for node in graph.node:
        if node.op_type in ("Conv", "Gemm"):
            found.append((values[node.input[1]], values.get(node.input[2]) if len(node.input) > 2 else None))
    return found
