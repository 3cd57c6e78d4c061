"""Going on from shipped weights that lie in an ONNX graph: its convolutions and linear layers, put back into a module.

Export folds a BatchNorm into the convolution before it; here the fold becomes that BatchNorm's shift, so the module
computes what the graph does once its statistics have settled. Does NOT know what a graph is for.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import numpy_helper
from torch import Tensor, nn

Weights = list[tuple[NDArray[np.float32], NDArray[np.float32] | None]]


def start_from_onnx(module: nn.Module, example: Tensor, path: Path) -> int:
    """Copy the layers of the graph at `path` into `module`, in the order in which both run; returns how many fitted.

    Args:
        module: of the architecture that was exported.
        example: one input of the module, to learn the order of its layers.
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
            if bias is not None:
                shift = layer.bias if layer.bias is not None else norm.bias if norm is not None else None
                if shift is not None:
                    shift.copy_(torch.from_numpy(bias.copy()))
    return len(found)


def _order(module: nn.Module, example: Tensor) -> list[tuple[nn.Conv2d | nn.Linear, nn.BatchNorm2d | None]]:
    """Convolutions and linear layers as they run, each with the BatchNorm right behind it."""
    ran: list[nn.Module] = []
    kinds = (nn.Conv2d, nn.Linear, nn.BatchNorm2d)
    hooks = [part.register_forward_hook(lambda part, *_: ran.append(part)) for part in module.modules()
             if isinstance(part, kinds)]  # fmt: skip
    training = module.training
    with torch.no_grad():
        module.eval()(example)
    module.train(training)
    for hook in hooks:
        hook.remove()
    pairs: list[tuple[nn.Conv2d | nn.Linear, nn.BatchNorm2d | None]] = []
    for place, part in enumerate(ran):
        if isinstance(part, nn.Conv2d | nn.Linear):
            after = ran[place + 1] if place + 1 < len(ran) else None
            pairs.append((part, after if isinstance(after, nn.BatchNorm2d) else None))
    return pairs


def _layers(path: Path) -> Weights:
    """Weight and bias of every Conv and Gemm, in graph order, with the casts from half precision undone."""
    graph = onnx.load(str(path)).graph
    values = {one.name: numpy_helper.to_array(one).astype(np.float32) for one in graph.initializer}
    for node in graph.node:
        if node.op_type in ("Cast", "Identity") and node.input[0] in values:
            values[node.output[0]] = values[node.input[0]]
    found: Weights = []
    for node in graph.node:
        if node.op_type in ("Conv", "Gemm"):
            found.append((values[node.input[1]], values.get(node.input[2]) if len(node.input) > 2 else None))
    return found
