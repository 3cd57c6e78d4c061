"""How LoRA files of each model architecture name their modules and themselves: what sd-scripts writes and programs look for.

Module paths are diffusers' (dots); names in files are kohya's (underscores). Knows no tensor and no run.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from bootstrap.errors import BackendError

__all__ = ["GRAMMARS", "Grammar", "grammar_of", "in_file"]

UNET = "lora_unet_"
TEXT_MODEL = "text_model."
"""Lies before a text encoder's module paths in the files; newer transformers leave it out of the model's own."""
BLOCK = re.compile(r"(down_blocks|up_blocks)\.(\d+)\.(attentions|resnets|downsamplers|upsamplers)\.(\d+)(?:\.(.+))?")
MIDDLE = re.compile(r"mid_block\.(attentions|resnets)\.(\d+)(?:\.(.+))?")
A_BLOCK = 3
"""Numbered places of one SDXL block in the original layout: two layers and a downsampler, or three layers."""
RESNET = {
    "norm1": "in_layers.0",
    "conv1": "in_layers.2",
    "norm2": "out_layers.0",
    "conv2": "out_layers.3",
    "time_emb_proj": "emb_layers.1",
    "conv_shortcut": "skip_connection",
}
OUTSIDE = {
    "conv_in": "input_blocks.0.0",
    "conv_norm_out": "out.0",
    "conv_out": "out.2",
    "time_embedding.linear_1": "time_embed.0",
    "time_embedding.linear_2": "time_embed.2",
    "add_embedding.linear_1": "label_emb.0.0",
    "add_embedding.linear_2": "label_emb.0.2",
}


def original_name(module: str) -> str:
    """A UNet module of SDXL as the original code (sgm) numbers it; sd-scripts trains on that layout."""
    if found := BLOCK.fullmatch(module):
        side, block, kind, place, rest = found.groups()
        return ".".join(filter(None, (_numbered(side, int(block), kind, int(place)), _inner(kind, rest))))
    if found := MIDDLE.fullmatch(module):
        kind, place, rest = found.groups()
        layer = "1" if kind == "attentions" else str(2 * int(place))
        return ".".join(filter(None, (f"middle_block.{layer}", _inner(kind, rest))))
    return OUTSIDE.get(module, module)


def _numbered(side: str, block: int, kind: str, place: int) -> str:
    """The numbered place of a layer: a down block's come after the first convolution."""
    if kind == "downsamplers":
        return f"input_blocks.{A_BLOCK * block + A_BLOCK}.0"
    if kind == "upsamplers":
        return f"output_blocks.{A_BLOCK * block + A_BLOCK - 1}.2"
    layer = "1" if kind == "attentions" else "0"
    if side == "down_blocks":
        return f"input_blocks.{1 + A_BLOCK * block + place}.{layer}"
    return f"output_blocks.{A_BLOCK * block + place}.{layer}"


def _inner(kind: str, rest: str | None) -> str:
    """The path inside a layer."""
    if kind == "downsamplers":
        return "op"
    return RESNET.get(rest or "", rest or "") if kind == "resnets" else rest or ""


@dataclass(frozen=True)
class Grammar:
    """What files of one architecture say. ``text`` are the prefixes of the text encoders, in the pipeline's order."""

    architecture: str
    modelspec: str
    """``modelspec.architecture``."""
    implementation: str
    """``modelspec.implementation``, as sd-scripts writes it."""
    version: str
    """``ss_base_model_version``: A1111 hides files whose version is another than the loaded checkpoint's."""
    version_v: str
    """The same for v-prediction."""
    interface: str
    """"sd version" in the sidecar of A1111, Forge and InvokeAI."""
    text: tuple[str, ...]
    unet_name: Callable[[str], str]

    def names(self, modules: Iterable[str], *text: Iterable[str]) -> dict[tuple[int, str], str]:
        """(part, module path) → name in the file; part 0 is the UNet, 1 and 2 the text encoders."""
        found = {(0, module): UNET + self.unet_name(module).replace(".", "_") for module in modules}
        for part, (prefix, paths) in enumerate(zip(self.text, text, strict=False), 1):
            found |= {(part, module): prefix + in_file(module).replace(".", "_") for module in paths}
        return found

    def part_of(self, name: str) -> int:
        """0 for a module of the UNet, 1 and 2 for one of the text encoders."""
        return next((part for part, prefix in enumerate(self.text, 1) if name.startswith(prefix)), 0)


def in_file(module: str) -> str:
    """A text encoder's module path as files have it, however this transformers names it."""
    return module if module.startswith(TEXT_MODEL) else TEXT_MODEL + module


GRAMMARS = {
    "sd1": Grammar(
        architecture="sd1",
        modelspec="stable-diffusion-v1/lora",
        implementation="diffusers",
        version="sd_v1",
        version_v="sd_v1_v",
        interface="SD1",
        text=("lora_te_",),
        unet_name=str,
    ),
    "sdxl": Grammar(
        architecture="sdxl",
        modelspec="stable-diffusion-xl-v1-base/lora",
        implementation="https://github.com/Stability-AI/generative-models",
        version="sdxl_base_v1-0",
        version_v="sdxl_base_v1-0",
        interface="SDXL",
        text=("lora_te1_", "lora_te2_"),
        unet_name=original_name,
    ),
}
"""Architecture → grammar. sd-scripts keeps diffusers' names for Stable Diffusion 1, the original ones for SDXL."""


def grammar_of(modelspec: str) -> Grammar:
    """The grammar of a file that says it is of this ``modelspec.architecture``. Raises BackendError."""
    for grammar in GRAMMARS.values():
        if grammar.modelspec == modelspec:
            return grammar
    known = ", ".join(grammar.modelspec for grammar in GRAMMARS.values())
    raise BackendError(f'a LoRA for "{modelspec}" is of no architecture that is known', f"known are {known}")
