"""Muon: momentum with orthogonalised matrices; Adam for every parameter that is no matrix.

On the small convolutional networks here it needs less than half of Adam's steps (measured on the autoencoder), which
makes training them on one processor core possible. Does NOT know any model.

Source: K. Jordan et al., "Muon: an optimizer for hidden layers in neural networks" (2024); the factor that gives its
steps Adam's size: J. Liu et al., "Muon is scalable for LLM training" (2025).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn

from bootstrap.machine.device import arithmetic

_POLYNOMIAL = (3.4445, -4.7750, 2.0315)
_ITERATIONS = 5
_ADAM_SIZE = 0.2
_NARROWEST = 16  # narrower matrices (image channels in or out) train better with Adam


class Muon(torch.optim.Optimizer):
    """Orthogonal momentum for matrices and convolution kernels, Adam for the rest; both at the rate `lr`."""

    def __init__(
        self,
        model: nn.Module,
        lr: float,
        momentum: float = 0.95,
        betas: tuple[float, float] = (0.9, 0.99),
        boost: float = 1.0,
    ) -> None:
        """Sort the model's parameters into the two groups; `boost` times the rate is that of the matrices."""
        parameters = list(model.parameters())
        groups: list[dict[str, Any]] = [
            {"params": [p for p in parameters if _is_matrix(p)], "orthogonal": True},
            {"params": [p for p in parameters if not _is_matrix(p)], "orthogonal": False},
        ]
        super().__init__(groups, {"lr": lr, "momentum": momentum, "betas": betas, "eps": 1e-8, "boost": boost})

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        """Take one step along the gradients; `closure` is not used."""
        for group in self.param_groups:
            active = [parameter for parameter in group["params"] if parameter.grad is not None]
            if group["orthogonal"]:
                self._step_orthogonal(active, group["lr"] * group["boost"], group["momentum"])
            else:
                self._step_adam(active, group["lr"], group["betas"], group["eps"])

    def _step_orthogonal(self, active: Iterable[Tensor], rate: float, momentum: float) -> None:
        for alike in _by_shape(active):
            gradients = torch.stack([_gradient(parameter).flatten(1) for parameter in alike])
            moments = [self._moment(parameter, "momentum") for parameter in alike]
            for moment, gradient in zip(moments, gradients, strict=True):
                moment.lerp_(gradient, 1 - momentum)
            ahead = gradients.lerp(torch.stack(moments), momentum)  # Nesterov
            size = rate * _ADAM_SIZE * max(ahead.shape[1:]) ** 0.5
            for parameter, update in zip(alike, orthogonalize(ahead), strict=True):
                parameter.add_(update.view_as(parameter), alpha=-size)

    def _moment(self, parameter: Tensor, name: str) -> Tensor:
        state = self.state[parameter]
        if name not in state:
            state[name] = torch.zeros_like(parameter.flatten(1), memory_format=torch.contiguous_format)
        moment: Tensor = state[name]
        return moment

    def _step_adam(self, active: Iterable[Tensor], rate: float, betas: tuple[float, float], eps: float) -> None:
        for parameter in active:
            state, gradient = self.state[parameter], _gradient(parameter)
            if not state:
                state.update(step=0, first=torch.zeros_like(parameter), second=torch.zeros_like(parameter))
            state["step"] += 1
            first = state["first"].lerp_(gradient, 1 - betas[0]) / (1 - betas[0] ** state["step"])
            second = state["second"].lerp_(gradient.square(), 1 - betas[1]) / (1 - betas[1] ** state["step"])
            parameter.addcdiv_(first, second.sqrt().add_(eps), value=-rate)


def orthogonalize(matrices: Tensor) -> Tensor:
    """The nearest semi-orthogonal matrices, roughly: singular values near 1. Shape (N, rows, columns) in and out."""
    tall = matrices.shape[1] > matrices.shape[2]
    wide = matrices
    if arithmetic(matrices.device.type) == torch.bfloat16:  # elsewhere it is emulated: ten times slower than float32
        wide = matrices.bfloat16()
    if tall:
        wide = wide.mT
    wide = wide / (wide.norm(dim=(1, 2), keepdim=True) + 1e-7)
    a, b, c = _POLYNOMIAL
    for _ in range(_ITERATIONS):
        square = wide @ wide.mT
        wide = a * wide + (b * square + c * square @ square) @ wide
    if tall:
        wide = wide.mT
    orthogonal: Tensor = wide.to(matrices.dtype)
    return orthogonal


def _is_matrix(parameter: Tensor) -> bool:
    return parameter.ndim >= 2 and min(parameter.shape[:2]) >= _NARROWEST


def _gradient(parameter: Tensor) -> Tensor:
    assert parameter.grad is not None
    return parameter.grad


def _by_shape(parameters: Iterable[Tensor]) -> list[list[Tensor]]:
    alike: dict[tuple[int, ...], list[Tensor]] = {}
    for parameter in parameters:
        alike.setdefault(tuple(parameter.shape), []).append(parameter)
    return list(alike.values())
