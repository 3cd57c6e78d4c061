"""How LoRA files of one architecture name their modules and themselves: what sd-scripts writes and programs look for.

A `Grammar` belongs to each architecture. Module paths are diffusers' (dots). Knows no tensor and no architecture.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from bootstrap.errors import BackendError

__all__ = ["DENOISER_PREFIX", "Grammar", "grammar_of", "in_file", "kohya_name", "mismatch", "split_key"]

DENOISER_PREFIX = "lora_unet_"
"""What sd-scripts writes before the modules of the denoiser, also of one that is no UNet."""
TEXT_MODEL = "text_model."
"""Lies before a CLIP text encoder's module paths in the files; newer transformers leave it out of the model's own."""
PEFT = "base_model.model."
"""Lies before the module paths of files that peft wrote itself."""
LYCORIS = (
    *(f"hada_{part}" for part in ("w1_a", "w1_b", "w2_a", "w2_b", "t1", "t2")),
    *(f"lokr_{part}" for part in ("w1", "w1_a", "w1_b", "w2", "w2_a", "w2_b", "t2")),
)
OWN = ("lora_down.weight", "lora_up.weight", "lora_mid.weight", "alpha", "dora_scale", *LYCORIS)
ENDINGS = {
    **{name: name for name in OWN}, "lora_A.weight": "lora_down.weight", "lora_B.weight": "lora_up.weight",
    "lora.down.weight": "lora_down.weight", "lora.up.weight": "lora_up.weight",
    "lora_magnitude_vector": "dora_scale", "lora_magnitude_vector.weight": "dora_scale",
}  # fmt: skip
"""How a key may end → what our own files write."""
Place = tuple[int, str]
"""The part (0 the denoiser, 1 and 2 the text encoders) and the module path."""


@dataclass(frozen=True)
class Grammar:
    """How the files of one architecture are written, and how they are told from others."""

    architecture: str
    """Key of the architecture that it belongs to."""
    title: str
    """The architecture's name in messages."""
    modelspec: str
    """``modelspec.architecture``."""
    implementation: str
    """``modelspec.implementation``, as sd-scripts writes it."""
    version: str
    """``ss_base_model_version``: A1111 hides files whose version is another than the loaded checkpoint's."""
    velocity_version: str
    """The same for bases that predict velocity."""
    interface: str
    """"sd version" in the sidecar of A1111, Forge and InvokeAI."""
    denoiser_name: Callable[[str], str]
    """Module path of the denoiser → its name in the file."""
    text_prefixes: tuple[str, ...]
    """What the names of each text encoder's modules begin with, in the pipeline's order."""
    modules: Callable[[], Sequence[Sequence[str]]]
    """Lists the module paths that a LoRA can reach in the real model: the denoiser's, then each text encoder's."""
    kernel: Callable[[str], int]
    """Module path of the denoiser → side of its convolution's kernel, 0 for a linear layer."""
    marks: str
    """Regular expression: how names begin that only files of this architecture have."""
    parts: tuple[str, ...] = ("unet", "text_encoder", "text_encoder_2")
    """What diffusers' files call the denoiser and the text encoders."""

    def names(self, modules: Iterable[str], *text: Iterable[str]) -> dict[Place, str]:
        """Part and module path → name in the file."""
        found = {(0, module): self.denoiser_name(module) for module in modules}
        for part, (prefix, paths) in enumerate(zip(self.text_prefixes, text, strict=False), 1):
            found |= {(part, module): kohya_name(prefix, in_file(module)) for module in paths}
        return found

    def part_of(self, name: str) -> int:
        """0 for the name of a module of the denoiser, 1 and 2 for one of the text encoders."""
        for part, prefix in enumerate(self.text_prefixes, 1):
            if name.startswith(prefix):
                return part
        return 0

    def base_version(self, objective: str) -> str:
        """``ss_base_model_version`` of a base with this objective."""
        return self.velocity_version if objective == "v_prediction" else self.version


def kohya_name(prefix: str, module: str) -> str:
    """A module path as sd-scripts names it: underscores for dots."""
    return prefix + module.replace(".", "_")


def in_file(module: str) -> str:
    """A text encoder's module path as files have it, however the installed transformers names it."""
    return module if module.startswith(TEXT_MODEL) else TEXT_MODEL + module


def split_key(key: str) -> tuple[str, str]:
    """A key as module name and what it holds; ("…", "") where it is no part of a LoRA."""
    for ending, content in ENDINGS.items():
        if key.endswith(f".{ending}"):
            return key.removesuffix(f".{ending}").removeprefix(PEFT), content
    return key, ""


def grammar_of(modelspec: str, grammars: Iterable[Grammar]) -> Grammar:
    """The grammar of a file that says it is of this ``modelspec.architecture``. Raises BackendError."""
    known = {grammar.modelspec: grammar for grammar in grammars}
    if modelspec not in known:
        raise BackendError(
            f'a LoRA for "{modelspec}" is of no architecture that is known', f"known are {', '.join(known)}"
        )
    return known[modelspec]


def mismatch(key: str, own: Grammar, grammars: Iterable[Grammar]) -> str:
    """Why a key fits no module of a base: its name may be that of another architecture."""
    for other in grammars:
        if other != own and re.match(other.marks, key):
            return f"this is a LoRA for {other.title}, the base is {own.title}"
    return f'key "{key}" fits no module of this base'
