"""Frozen weights in four or eight bits: the linear layers of a loaded model, by the package bitsandbytes.

Four bits are NF4 with scales that are quantised too, as QLoRA has them (arXiv 2305.14314); eight bits are one scale a
row. Only storage changes: a layer computes in the type that it is given, or that autocast asks for. The package's own
layer of eight bits computes in float16 and int8 instead, which the activations of bfloat16 models overflow. Layers
outside of blocks (embeddings, the last layer) hold few of the weights and stay as they are. Knows no architecture and
no adapter.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from typing import Any

import torch

from bootstrap.backends.sampling import Quantised

__all__ = ["quantise", "quantised_layers", "quantised_to"]

IN_BLOCK = re.compile(r"(^|\.)\d+\.")
"""Found in the path of a module inside a numbered block."""
STATED = "quantised_to"
"""The attribute of a model that says to how many bits."""


def quantised_layers(model: Any) -> dict[str, torch.nn.Linear]:
    """Module path → each layer of a model that is quantised: the linear ones of its blocks."""
    modules = model.named_modules()
    return {name: one for name, one in modules if type(one) is torch.nn.Linear and IN_BLOCK.search(name)}


def quantise(model: Any, bits: Quantised, device: str) -> None:
    """Replace the `quantised_layers` of a model by layers of so many bits, which cannot be trained.

    Each is quantised on ``device``, where that is fast, and stays where it was.
    """
    if bits == "none":
        return
    for name, layer in quantised_layers(model).items():
        above, _, last = name.rpartition(".")
        setattr(model.get_submodule(above), last, _layers()[bits](layer, device).to(layer.weight.device))
    setattr(model, STATED, bits)


def quantised_to(model: Any) -> Quantised:
    """The bits that a model was quantised to."""
    found: Quantised = getattr(model, STATED, "none")
    return found


@cache
def _layers() -> dict[str, Callable[[torch.nn.Linear, str], Any]]:
    """Bits → what makes a layer of them out of a plain one."""
    import bitsandbytes
    from bitsandbytes.autograd._functions import MatMul8bitFp

    class FourBit(bitsandbytes.nn.Linear4bit):  # type: ignore[misc]
        """A layer in four bits."""

        def forward(self, given: torch.Tensor) -> Any:
            """As a plain linear layer."""
            given, bias = _as_autocast(given, self.bias)
            return bitsandbytes.matmul_4bit(given, self.weight, self.weight.quant_state, bias=bias)

    class EightBit(bitsandbytes.nn.Linear8bitLt):  # type: ignore[misc]
        """A layer in eight bits."""

        def forward(self, given: torch.Tensor) -> Any:
            """As a plain linear layer."""
            given, bias = _as_autocast(given, self.bias)
            return MatMul8bitFp.apply(given, self.weight, None, bias, self.state)

        def _apply(self, change: Callable[[torch.Tensor], torch.Tensor], recurse: bool = True) -> Any:
            """What moves a layer moves its state, which the package leaves behind."""
            super()._apply(change, recurse)
            self.state.CB, self.state.SCB = self.weight.data, change(self.state.SCB)
            return self

    def four(layer: torch.nn.Linear, device: str) -> Any:
        made = FourBit(1, 1, bias=False, compress_statistics=True, quant_type="nf4")
        weight = bitsandbytes.nn.Params4bit(layer.weight.data, requires_grad=False, quant_type="nf4", module=made)
        made.weight, made.bias = weight.to(device), layer.bias
        return _with_sizes(made, layer)

    def eight(layer: torch.nn.Linear, device: str) -> Any:
        made = EightBit(1, 1, bias=False, has_fp16_weights=False)
        made.weight = bitsandbytes.nn.Int8Params(layer.weight.data, requires_grad=False).to(device)
        made.bias = layer.bias
        made.init_8bit_state()
        return _with_sizes(made, layer)

    return {"4bit": four, "8bit": eight}


def _with_sizes(made: Any, layer: torch.nn.Linear) -> Any:
    made.in_features, made.out_features = layer.in_features, layer.out_features
    return made.eval()


def _as_autocast(given: torch.Tensor, bias: torch.Tensor | None) -> tuple[torch.Tensor, torch.Tensor | None]:
    """What a layer computes with: in autocast's type, as a plain layer would; else in that of what it is given."""
    kind = given.device.type
    if torch.is_autocast_enabled(kind):
        given = given.to(torch.get_autocast_dtype(kind))
    return given, None if bias is None else bias.to(given.dtype)
