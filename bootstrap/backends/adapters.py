"""Adapter weights on a loaded model: injected once, then filled, reset and switched off in place.

Serves a denoiser and a text encoder alike, and every kind of network. Knows no architecture, no file and no training.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from bootstrap.backends.fitting_settings import check_quantising
from bootstrap.backends.quantising import quantised_to
from bootstrap.errors import BackendError
from bootstrap.lora.kinds import Dora, Hada, Kron, Weights, has_kernel, kind_of, rank_of, rescaled, shape_of
from bootstrap.lora.network import Network

__all__ = ["ADAPTER", "Slot"]

ADAPTER = "character"
"""The name of the adapter within peft."""
Lent = Mapping[str, tuple[list[torch.Tensor], float]]
"""Module path → the tensors of its parameters, in their order, and how they are scaled."""
SAME_KIND = "give the recipes of base.recipes the same network, or set reference_distillation to 0"
PRODUCTS = {"loha": Hada, "lokr": Kron}
"""Kinds that peft keeps as plain parameters → what they are made of."""


class Slot:
    """The place of an adapter in a model; one at a time.

    ``targets`` and ``convs`` are regular expressions for module paths: of every adapter, and of those with a
    ``conv_rank``; ``kernels`` is how the paths of the convolutions end that have this rank. ``modules`` are the paths
    that an adapter can have weights for, in a fixed order.
    """

    def __init__(self, model: Any, targets: str, convs: str = "", kernels: str = "") -> None:
        self._model, self._targets, self._convs, self._kernels = model, targets, convs, kernels
        self._shape: Network | None = None
        widest = f"{targets}|{convs}" if convs else targets
        self.modules = [name for name, _ in model.named_modules() if re.fullmatch(widest, name)]

    def begin(self, network: Network, random_seed: int) -> list[torch.nn.Parameter]:
        """Attach a new adapter that changes nothing yet; its weights, in float32 on any base."""
        if network.kind == "dora":
            self._shape = None  # its lengths begin as the base's
        self._inject(network)
        torch.manual_seed(random_seed)
        weights = []
        for layer in self.layers().values():
            if network.kind in PRODUCTS:
                layer.reset_adapter_parameters(ADAPTER)
            else:
                layer.reset_lora_parameters(ADAPTER, True)
            for part in _parameters(layer).values():
                part.data = part.data.float()
                weights.append(part)
        self.switch(on=True)
        return weights

    def fill(self, modules: Mapping[str, Weights], rank: int, network_alpha: float) -> None:
        """Attach these weights, by module path; a module without any is left as the base has it.

        Raises BackendError where they do not fit the modules of this model.
        """
        self._check(modules)
        kind = kind_of(next(iter(modules.values()))) if modules else "lora"
        if kind in PRODUCTS:
            self._fill_products(modules, kind, rank, network_alpha)
        else:
            self._fill_pairs(modules, self._network_of(modules, kind, rank, network_alpha))
        self.switch(on=True)

    def _check(self, modules: Mapping[str, Weights]) -> None:
        """Weights of another shape may still be copied, which would be noise; peft knows lengths of rows only."""
        for name, weights in modules.items():
            if isinstance(weights, Dora) and weights.over_inputs:
                raise BackendError("a DoRA over the inputs cannot be drawn with", "draw with it in ComfyUI or A1111")
            layer = self._model.get_submodule(name)
            shape, wanted = shape_of(weights), _shape_of_layer(getattr(layer, "base_layer", layer))
            if shape != wanted:
                raise BackendError(
                    f"the LoRA's module \"{name}\" is {shape[0]} x {shape[1]}, the base's {wanted[0]} x {wanted[1]}",
                    "use the base that it was trained on",
                )

    def _network_of(self, modules: Mapping[str, Weights], kind: str, rank: int, network_alpha: float) -> Network:
        """The smallest network that these pairs fit into."""
        ranks: list[int] = []
        conv_ranks: list[int] = []
        for weights in modules.values():
            (conv_ranks if has_kernel(weights) else ranks).append(rank_of(weights) or 0)
        largest = max(ranks, default=rank)
        conv_rank = max(conv_ranks, default=None)
        if conv_rank is None and any(re.fullmatch(self._convs, name) for name in modules):
            conv_rank = largest
        return Network(kind, largest, network_alpha / rank * largest, conv_rank)  # type: ignore[arg-type]

    def switch(self, *, on: bool) -> None:
        """Use the adapter, or the base alone."""
        for layer in self.layers().values():
            layer.enable_adapters(on)

    def prepared(self, modules: Mapping[str, Weights], rank: int, network_alpha: float) -> Lent:
        """Weights to lend to the layers that have an adapter now; their rank may be another.

        Raises BackendError where what is attached is a network of another kind, or changes fewer modules.
        """
        self._check(modules)
        layers, found = self.layers(), {}
        if not modules.keys() <= layers.keys():
            raise BackendError("the LoRA that drew changes modules that the one in training leaves alone", SAME_KIND)
        for name, layer in layers.items():
            parts, given = list(_parameters(layer).values()), modules.get(name)
            if given is None:
                found[name] = [torch.zeros_like(part) for part in parts], 1.0
            elif isinstance(given, Hada | Kron) or len(given) != len(parts):
                raise BackendError(
                    "the LoRA that drew is a network of another kind than the one in training", SAME_KIND
                )
            else:
                tensors = [
                    _shaped(part, value, axis) for axis, (part, value) in enumerate(zip(parts, given, strict=True))
                ]
                found[name] = tensors, network_alpha / rank
        return found

    @contextlib.contextmanager
    def lent(self, weights: Lent) -> Iterator[None]:
        """A block in which the layers compute with other weights; the parameters stay those in training."""
        own = {}
        for name, layer in self.layers().items():
            own[name] = [part.data for part in _parameters(layer).values()], layer.scaling[ADAPTER]
        self._put(weights)
        try:
            yield
        finally:
            self._put(own)

    def _put(self, weights: Lent) -> None:
        for name, layer in self.layers().items():
            tensors, layer.scaling[ADAPTER] = weights[name]
            for part, tensor in zip(_parameters(layer).values(), tensors, strict=True):
                part.data = tensor

    def weights(self) -> dict[str, Weights]:
        """The attached weights, by module path, all at the scale of the network: files know no other of a part."""
        found = {name: _read(layer) for name, layer in self.layers().items()}
        if self._shape is None or self._shape.conv_alpha is None:
            return found
        layers, scale = self.layers(), self._shape.scale
        return {name: rescaled(one, layers[name].scaling[ADAPTER] / scale) for name, one in found.items()}

    def _fill_pairs(self, modules: Mapping[str, Weights], network: Network) -> None:
        if network.kind == "dora":
            self._shape = None
        self._inject(network)
        with torch.no_grad():
            for name, layer in self.layers().items():
                parts = list(_parameters(layer).values())
                if name not in modules:
                    parts[1].zero_()
                    continue
                for axis, (part, value) in enumerate(zip(parts, modules[name], strict=True)):
                    assert value is not None
                    _copy(part, torch.from_numpy(value), axis)

    def _fill_products(self, modules: Mapping[str, Weights], kind: str, rank: int, network_alpha: float) -> None:
        """Replace peft's parameters by a file's, whose factors may have other shapes."""
        self._unwrap()
        named = "|".join(map(re.escape, modules))
        self._wrap(Network(kind, rank, network_alpha), named)  # type: ignore[arg-type]
        for name, layer in self.layers().items():
            own = modules[name]
            assert isinstance(own, Hada | Kron)
            for parameters in (getattr(layer, attribute) for attribute in layer.adapter_layer_names):
                if ADAPTER in parameters:
                    del parameters[ADAPTER]
            device = next(layer.get_base_layer().parameters()).device
            for field, value in own._asdict().items():
                if value is not None:
                    tensor = torch.from_numpy(np.ascontiguousarray(value)).to(device)
                    parameters = getattr(layer, f"{_prefix(kind)}_{field}")
                    parameters[ADAPTER] = torch.nn.Parameter(tensor, requires_grad=False)
            layer.scaling[ADAPTER] = network_alpha / rank

    def _inject(self, network: Network) -> None:
        """Put in an adapter of this shape; one of the same shape stays."""
        if self._shape == network:
            return
        self._unwrap()
        if network.conv_rank is not None and self._convs:
            self._wrap(network, f"{self._targets}|{self._convs}")
        else:
            self._wrap(replace(network, conv_rank=None), self._targets)
        self._shape = network

    def _unwrap(self) -> None:
        """The model as it was before any adapter."""
        for name, layer in self.layers().items():
            above, _, last = name.rpartition(".")
            setattr(self._model.get_submodule(above), last, layer.get_base_layer())
        vars(self._model).pop("peft_config", None)  # else peft warns of a second adapter
        self._shape = None

    def _wrap(self, network: Network, targets: str) -> None:
        from peft import inject_adapter_in_model

        check_quantising(quantised_to(self._model), [network.kind])
        inject_adapter_in_model(_config(network, targets, self._kernels), self._model, ADAPTER)
        for layer in self.layers().values():
            layer.set_adapter(ADAPTER)
        self._model.eval()

    def layers(self) -> dict[str, Any]:
        """Module path → peft's layer of everything that the adapter is attached to, in a fixed order."""
        from peft.tuners.tuners_utils import BaseTunerLayer

        return {name: layer for name, layer in self._model.named_modules() if isinstance(layer, BaseTunerLayer)}


def _shape_of_layer(layer: Any) -> tuple[int, int]:
    """Outputs and inputs, whose number the packed weights of a quantised layer do not show."""
    if isinstance(layer, torch.nn.Linear):
        return layer.out_features, layer.in_features
    return layer.weight.shape[0], layer.weight[0].numel()


def _config(network: Network, targets: str, kernels: str) -> Any:
    from peft import LoHaConfig, LoKrConfig, LoraConfig

    rank, conv = network.rank, network.conv_rank
    patterns: dict[str, Any] = {}
    if conv is not None and (conv != rank or network.conv_alpha):
        alpha = network.conv_alpha or network.scale * conv
        patterns = {"rank_pattern": {kernels: conv}, "alpha_pattern": {kernels: alpha}}
    if network.kind == "loha":
        return LoHaConfig(r=rank, alpha=network.network_alpha, target_modules=targets, **patterns)
    if network.kind == "lokr":
        factor = {"decompose_factor": network.factor}
        return LoKrConfig(r=rank, alpha=network.network_alpha, target_modules=targets, **factor, **patterns)
    return LoraConfig(
        r=rank,
        lora_alpha=network.network_alpha,
        target_modules=targets,
        init_lora_weights=True,
        use_dora=network.kind == "dora",
        **patterns,
    )


def _copy(part: torch.Tensor, value: torch.Tensor, axis: int) -> None:
    """Fill a parameter; a file's module of a smaller rank, which is the ``axis`` of a pair, leaves the rest zero."""
    if axis < 2 and value.shape[axis] < part.shape[axis]:
        part.zero_()
        part = part.narrow(axis, 0, value.shape[axis])
    part.copy_(value.reshape(part.shape))


def _shaped(part: torch.Tensor, value: NDArray[np.float32], axis: int) -> torch.Tensor:
    """A file's values in the shape and place of a parameter, whose ``axis`` of a pair has the file's own rank."""
    shape = list(part.shape)
    if axis < 2:
        shape[axis] = value.shape[axis]
    return torch.from_numpy(np.ascontiguousarray(value)).reshape(shape).to(part.device, part.dtype)


def _prefix(kind: str) -> str:
    return "hada" if kind == "loha" else "lokr"


def _parameters(layer: Any) -> dict[str, Any]:
    """The adapter's parameters in one layer, in a fixed order: of a pair down, up, and DoRA's lengths."""
    if hasattr(layer, "lora_A"):
        found = {"down": layer.lora_A[ADAPTER].weight, "up": layer.lora_B[ADAPTER].weight}
        if ADAPTER in layer.lora_magnitude_vector:
            found["magnitude"] = layer.lora_magnitude_vector[ADAPTER].weight
        return found
    named = {name: getattr(layer, name) for name in layer.adapter_layer_names}
    return {name.split("_", 1)[1]: held[ADAPTER] for name, held in named.items() if ADAPTER in held}


def _read(layer: Any) -> Weights:
    arrays = {name: _array(part) for name, part in _parameters(layer).items()}
    if "down" not in arrays:
        return Hada(**arrays) if hasattr(layer, "hada_w1_a") else Kron(**arrays)
    if "magnitude" in arrays:
        return Dora(arrays["down"], arrays["up"], arrays["magnitude"].reshape(-1))
    return arrays["down"], arrays["up"]


def _array(weight: torch.Tensor) -> NDArray[np.float32]:
    return np.asarray(weight.detach().float().cpu().numpy(), np.float32)
