"""How LoRA files of one architecture name their modules and themselves: what sd-scripts writes and programs look for.

A `Grammar` belongs to each architecture. Module paths are diffusers' (dots). Knows no tensor and no architecture.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache

from bootstrap.errors import BackendError

__all__ = [
    "DENOISER_PREFIX", "LIKE_WEIGHTS", "TEXT_MODEL", "Grammar", "Place", "flat", "grammar_of", "in_file", "kohya_name",
    "mismatch", "own_names", "places_of", "split_key",
]  # fmt: skip

DENOISER_PREFIX = "lora_unet_"
"""What sd-scripts writes before the modules of the denoiser, also of one that is no UNet."""
TEXT_MODEL = "text_model."
"""Lies before a CLIP text encoder's module paths in the files; newer transformers leave it out of the model's own."""
PEFT = "base_model.model."
"""Lies before the module paths of files that peft wrote itself."""
PATTERNS = (
    (r"\.(?P<kept>lora_mid\.weight|dora_scale)", r"\g<kept>"),
    (r"\.(?P<kept>(?:hada|lokr)_(?:w[12](?:_[ab])?|t[12]))(?:\.[^.]+)?", r"\g<kept>"),
    (r"\.lora_(?:A|down)(?:\.[^.]+)?\.weight", "lora_down.weight"),  # peft may write its adapter's name
    (r"\.lora_(?:B|up)(?:\.[^.]+)?\.weight", "lora_up.weight"),
    (r"(?:[._]lora|\.lora_linear_layer)\.(?P<side>down|up)\.weight", r"lora_\g<side>.weight"),  # diffusers of all ages
    (r"(?:(?:[._]lora|\.lora_linear_layer)\.(?:down|up)\.weight)?\.alpha", "alpha"),
    (r"\.lora_magnitude_vector(?:\.[^.]+){0,2}", "lora_magnitude_vector"),
)
"""How a key may end → what it holds, as sd-scripts, LyCORIS and peft call it."""
ENDINGS = tuple((re.compile(f"{ending}$"), content) for ending, content in PATTERNS)
LIKE_WEIGHTS = re.compile(r"lora|hada|lokr|dora|:(?:up|down)$", re.IGNORECASE)
"""What a key has in it that probably belongs to a LoRA, also in a grammar that is not known."""
OLD_NAMES = (
    (r"\.processor\.", "."),  # diffusers until 0.25: attn1.processor.to_q_lora
    (r"self_attn\.to_([qkv])$", r"self_attn.\1_proj"),  # text encoders of diffusers 0.17
    (r"self_attn\.to_out$", "self_attn.out_proj"),
    (r"attn([12])\.to_out$", r"attn\1.to_out.0"),
)
"""What earlier versions of diffusers called modules → their present names."""
DENOISER_PREFIXES = (
    "",
    DENOISER_PREFIX,
    "lycoris_",
    "lycoris_unet_",
    "unet_",
    "diffusion_model_",
    "model_diffusion_model_",
)
"""How programs begin the names of the denoiser's modules, with underscores for dots."""
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
    original: Callable[[str], str] = str
    """Module path of the denoiser → its path in the original code, which ComfyUI and OneTrainer use."""
    text_aliases: tuple[tuple[str, ...], ...] = ()
    """How other programs begin the names of each text encoder's modules, with underscores for dots."""
    split: Callable[[str], tuple[str, ...]] = lambda module: (module,)
    """Module path of the denoiser → what diffusers has in its place: the parts of a fused layer, its rows in order."""
    has_alphas: bool = True
    """Whether pairs have an alpha each and sd-scripts' names (``lora_down``); else peft's, the scale multiplied in."""
    inputs: tuple[tuple[int, str, int], ...] = ()
    """Part, regular expression for its module paths, width of their inputs: tells architectures of equal names."""

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


@cache
def places_of(grammar: Grammar) -> dict[str, Place]:
    """Every name that trainers give a module of the real model, as `flat` writes it → the place that it means.

    The parts of a fused layer have places of their own.
    """
    denoiser, *text = grammar.modules()
    found: dict[str, Place] = {}
    for module in denoiser:
        meant = dict.fromkeys((module, grammar.original(module)), module)
        meant |= {part: part for part in grammar.split(module)}
        for path, place in meant.items():
            for prefix in (*DENOISER_PREFIXES, f"{grammar.parts[0]}_", f"lora_{grammar.parts[0]}_"):
                found[prefix + flat(path)] = 0, place
    for part, paths in enumerate(text, 1):
        aliases = grammar.text_aliases[part - 1] if grammar.text_aliases else ()
        for path in paths:
            for prefix in (
                grammar.text_prefixes[part - 1],
                f"{grammar.parts[part]}_",
                f"lycoris_{grammar.parts[part]}_",
                *aliases,
            ):
                found[prefix + flat(path)] = part, path
                found[prefix + flat(path.removeprefix(TEXT_MODEL))] = part, path
    return found | {flat(name): place for place, name in grammar.names(denoiser, *text).items()}


@cache
def own_names(grammar: Grammar) -> frozenset[str]:
    """Those of the names that name modules as this architecture's kohya files do, with any program's prefix."""
    denoiser, *text = grammar.modules()
    found = set()
    for name in map(flat, grammar.names(denoiser, *text).values()):
        found |= {name, name.replace(flat(TEXT_MODEL), "", 1)}
        if name.startswith(DENOISER_PREFIX):
            found |= {prefix + name.removeprefix(DENOISER_PREFIX) for prefix in DENOISER_PREFIXES}
    return frozenset(found)


def flat(name: str) -> str:
    """A module's name with underscores for dots, in present words: one form for dotted, half-dotted and kohya's."""
    for old, new in OLD_NAMES:
        name = re.sub(old, new, name)
    return name.replace(".", "_")


def split_key(key: str) -> tuple[str, str]:
    """A key as module name and what it holds; ("…", "") where it is no part of a LoRA."""
    for ending, content in ENDINGS:
        if (found := ending.search(key)) and found.start():
            return key[: found.start()].removeprefix(PEFT), found.expand(content)
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
