"""The modules that a LoRA reaches in the real models, listed from their configs: no model is built for it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from bootstrap.backends.architectures import ARCHITECTURES

__all__ = ["convs_of", "modules_of"]

IN_BLOCK = (
    *(f"attn{number}.{part}" for number in (1, 2) for part in ("to_q", "to_k", "to_v", "to_out.0")),
    "ff.net.0.proj",
    "ff.net.2",
)
IN_LAYER = (*(f"self_attn.{part}" for part in ("q_proj", "k_proj", "v_proj", "out_proj")), "mlp.fc1", "mlp.fc2")


@cache
def modules_of(architecture: str) -> tuple[tuple[str, ...], ...]:
    """Module paths of the UNet (diffusers names) and of each text encoder (``text_model.…``), kohya's default set."""
    known = ARCHITECTURES[architecture]
    text = (_text(_config(known.configs / part)) for part in known.text_encoders)
    return tuple(_unet(_config(known.configs / "unet"))), *(tuple(part) for part in text)


@cache
def convs_of(architecture: str) -> tuple[str, ...]:
    """Module paths of the UNet that a network with ``conv_rank`` reaches too: residual blocks and samplers."""
    return tuple(_convs(_config(ARCHITECTURES[architecture].configs / "unet")))


def _config(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    return found


def _unet(config: dict[str, Any]) -> Iterator[str]:
    kinds, layers = config["down_block_types"], config["layers_per_block"]
    depths = config.get("transformer_layers_per_block", [1] * len(kinds))
    for side, count, order in (("down", layers, depths), ("up", layers + 1, depths[::-1])):
        for block, kind in enumerate(config[f"{side}_block_types"]):
            for place in range(count if kind.startswith("CrossAttn") else 0):
                yield from _attention(f"{side}_blocks.{block}.attentions.{place}", order[block])
    yield from _attention("mid_block.attentions.0", depths[-1])


def _convs(config: dict[str, Any]) -> Iterator[str]:
    widths, layers = config["block_out_channels"], config["layers_per_block"]
    last = len(widths) - 1
    for block, width in enumerate(widths):
        for place in range(layers):
            narrower = place == 0 and widths[max(0, block - 1)] != width
            yield from _resnet(f"down_blocks.{block}.resnets.{place}", shortcut=narrower)
        yield from (f"down_blocks.{block}.downsamplers.0.conv",) if block < last else ()
        for place in range(layers + 1):  # each hears what the way down said, too
            yield from _resnet(f"up_blocks.{block}.resnets.{place}", shortcut=True)
        yield from (f"up_blocks.{block}.upsamplers.0.conv",) if block < last else ()
    for place in range(2):
        yield from _resnet(f"mid_block.resnets.{place}", shortcut=False)


def _resnet(path: str, *, shortcut: bool) -> Iterator[str]:
    yield from (f"{path}.{part}" for part in ("conv1", "conv2", "time_emb_proj"))
    yield from (f"{path}.conv_shortcut",) if shortcut else ()


def _attention(path: str, depth: int) -> Iterator[str]:
    yield from (f"{path}.proj_in", f"{path}.proj_out")
    yield from (f"{path}.transformer_blocks.{layer}.{part}" for layer in range(depth) for part in IN_BLOCK)


def _text(config: dict[str, Any]) -> Iterator[str]:
    layers = range(config["num_hidden_layers"])
    return (f"text_model.encoder.layers.{layer}.{part}" for layer in layers for part in IN_LAYER)
