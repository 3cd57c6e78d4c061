"""LoRA weights on a loaded model: injected once, then filled, reset and switched off in place.

Serves a UNet and a text encoder alike. Knows no file, no prompt and no training.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

__all__ = ["TEXT_TARGETS", "UNET_TARGETS", "Slot"]

ADAPTER = "character"
UNET_TARGETS = (
    r".*transformer_blocks\.\d+\.(attn[12]\.(to_[qkv]|to_out\.0)|ff\.net\.(0\.proj|2))|.*\.(proj_in|proj_out)"
)
"""kohya's default set: every linear layer and 1x1 convolution of the UNet's transformer blocks (sd-scripts)."""
TEXT_TARGETS = r".*\.layers\.\d+\.(self_attn\.(q_proj|k_proj|v_proj|out_proj)|mlp\.(fc1|fc2))"
"""kohya's set for a CLIP text encoder: attention and feed-forward of every layer (sd-scripts)."""

Pair = tuple[NDArray[np.float32], NDArray[np.float32]]


class Slot:
    """Where a model wears an adapter; one at a time. ``modules`` are the paths that it reaches, in a fixed order."""

    def __init__(self, model: Any, targets: str) -> None:
        self._model, self._targets = model, targets
        self._shape: tuple[int, float] | None = None
        self.modules = [name for name, _ in model.named_modules() if re.fullmatch(targets, name)]

    def fresh(self, rank: int, network_alpha: float, seed: int) -> list[torch.nn.Parameter]:
        """Wear a new adapter (B = 0, A drawn from ``seed``); its trainable weights, in float32 on any base."""
        self._inject(rank, network_alpha)
        torch.manual_seed(seed)
        weights = []
        for layer in self._layers().values():
            layer.reset_lora_parameters(ADAPTER, True)
            for part in (layer.lora_A[ADAPTER], layer.lora_B[ADAPTER]):
                part.weight.data = part.weight.data.float()
                weights.append(part.weight)
        self.switch(on=True)
        return weights

    def fill(self, pairs: Mapping[str, Pair], rank: int, network_alpha: float) -> None:
        """Wear these weights, module path → (down, up); a module without any is left as the base has it."""
        self._inject(rank, network_alpha)
        with torch.no_grad():
            for name, layer in self._layers().items():
                down, up = layer.lora_A[ADAPTER].weight, layer.lora_B[ADAPTER].weight
                if name in pairs:
                    down.copy_(torch.from_numpy(pairs[name][0]))
                    up.copy_(torch.from_numpy(pairs[name][1]))
                else:
                    up.zero_()
        self.switch(on=True)

    def switch(self, *, on: bool) -> None:
        """Wear the adapter, or show the base alone."""
        for layer in self._layers().values():
            layer.enable_adapters(on)

    def pairs(self) -> dict[str, Pair]:
        """The weights worn, module path → (down, up)."""
        return {
            name: (_array(layer.lora_A[ADAPTER].weight), _array(layer.lora_B[ADAPTER].weight))
            for name, layer in self._layers().items()
        }

    def _inject(self, rank: int, network_alpha: float) -> None:
        """Put in an adapter of this shape; one of the same shape stays."""
        from peft import LoraConfig, inject_adapter_in_model

        if self._shape == (rank, network_alpha):
            return
        for layer in self._layers().values():
            layer.delete_adapter(ADAPTER)
        vars(self._model).pop("peft_config", None)  # else peft warns of a second adapter
        config = LoraConfig(r=rank, lora_alpha=network_alpha, target_modules=self._targets, init_lora_weights=True)
        inject_adapter_in_model(config, self._model, ADAPTER)
        for layer in self._layers().values():
            layer.set_adapter(ADAPTER)
        self._model.eval()
        self._shape = (rank, network_alpha)

    def _layers(self) -> dict[str, Any]:
        """Module path → layer of everything that wears the adapter, in a fixed order."""
        from peft.tuners.tuners_utils import BaseTunerLayer

        return {name: layer for name, layer in self._model.named_modules() if isinstance(layer, BaseTunerLayer)}


def _array(weight: torch.Tensor) -> NDArray[np.float32]:
    return np.asarray(weight.detach().float().cpu().numpy(), np.float32)
