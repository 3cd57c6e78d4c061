"""A UNet's module paths in the original code (sgm), which numbers its blocks through.

ComfyUI, OneTrainer and, for Stable Diffusion XL, sd-scripts name modules so. Knows no model.
"""

from __future__ import annotations

import re

__all__ = ["original_name"]

BLOCK = re.compile(r"(down_blocks|up_blocks)\.(\d+)\.(attentions|resnets|downsamplers|upsamplers)\.(\d+)(?:\.(.+))?")
MIDDLE = re.compile(r"mid_block\.(attentions|resnets)\.(\d+)(?:\.(.+))?")
PLACES = 3
"""Numbered places of one block in the original layout: two layers and a downsampler, or three layers."""
IN_RESNET = {
    "norm1": "in_layers.0",
    "conv1": "in_layers.2",
    "norm2": "out_layers.0",
    "conv2": "out_layers.3",
    "time_emb_proj": "emb_layers.1",
    "conv_shortcut": "skip_connection",
}
OUTSIDE_BLOCKS = {
    "conv_in": "input_blocks.0.0",
    "conv_norm_out": "out.0",
    "conv_out": "out.2",
    "time_embedding.linear_1": "time_embed.0",
    "time_embedding.linear_2": "time_embed.2",
    "add_embedding.linear_1": "label_emb.0.0",
    "add_embedding.linear_2": "label_emb.0.2",
}


def original_name(module: str, without_attention: frozenset[int] = frozenset()) -> str:
    """A module path of the UNet in the original layout; ``without_attention`` are numbers of such blocks going up."""
    if found := BLOCK.fullmatch(module):
        side, block, kind, place, rest = found.groups()
        number = _number(side, int(block), kind, int(place))
        if kind == "upsamplers":  # it comes after the attention, where there is any
            number += ".1" if int(block) in without_attention else ".2"
    elif found := MIDDLE.fullmatch(module):
        kind, place, rest = found.groups()
        number = "middle_block.1" if kind == "attentions" else f"middle_block.{2 * int(place)}"
    else:
        return OUTSIDE_BLOCKS.get(module, module)
    inner = _inner(kind, rest or "")
    return f"{number}.{inner}" if inner else number


def _number(side: str, block: int, kind: str, place: int) -> str:
    """The numbered place of a layer: a down block's come after the first convolution."""
    if kind == "downsamplers":
        return f"input_blocks.{PLACES * block + PLACES}.0"
    if kind == "upsamplers":
        return f"output_blocks.{PLACES * block + PLACES - 1}"
    layer = "1" if kind == "attentions" else "0"
    if side == "down_blocks":
        return f"input_blocks.{1 + PLACES * block + place}.{layer}"
    return f"output_blocks.{PLACES * block + place}.{layer}"


def _inner(kind: str, rest: str) -> str:
    """The path inside a layer."""
    if kind == "downsamplers":
        return "op"
    if kind == "resnets":
        return IN_RESNET.get(rest, rest)
    return rest
