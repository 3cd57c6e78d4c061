"""LoRA files that other programs load: our own writer and reader of the kohya and diffusers grammars.

The library converters lose alpha and misname text-encoder keys, so none is used. A LoRA here is module path →
(down, up), both float32 arrays: Linear (rank, in) and (out, rank); convolutions with two further axes, the kernel's in
down. DoRA, LoHa and LoKr are the tuples of `bootstrap.lora.kinds`. Knows no run and no training.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from bootstrap.errors import BackendError
from bootstrap.lora.checked import checked_weights
from bootstrap.lora.grammar import TEXT_MODEL, Grammar, in_file, mismatch, split_key
from bootstrap.lora.header import write_safetensors
from bootstrap.lora.kinds import (
    Array,
    Dora,
    Hada,
    Kron,
    Weights,
    as_pair,
    has_kernel,
    kind_of,
    rank_of,
    rescaled,
    to_tensors,
    whole_factors,
    with_kernel,
)
from bootstrap.lora.slices import parts_of_pair

__all__ = ["NETWORKS", "Lora", "kohya_names", "load_kohya", "lora_of", "save_diffusers", "save_kohya"]

NETWORKS: dict[str, tuple[str, dict[str, str]]] = {
    "lora": ("networks.lora", {}),
    "dora": ("lycoris.kohya", {"algo": "lora", "dora_wd": "True"}),
    "loha": ("lycoris.kohya", {"algo": "loha"}),
    "lokr": ("lycoris.kohya", {"algo": "lokr"}),
}
"""Kind of weights → the module that sd-scripts trains them with, and its arguments."""


MAGNITUDE = "lora_magnitude_vector"
IDENTIFYING = (".attn2.to_k", ".attn2.to_v")
"""Modules by whose width InvokeAI tells architectures; of LoKr it reads only those of two whole factors."""


@dataclass(frozen=True)
class Lora:
    """LoRA weights: module path (diffusers names, dots) → weights; ``network_alpha`` / rank is the scale of all.

    ``modules`` are the denoiser's, ``text_modules`` the text encoder's (with or without a leading ``text_model.``),
    ``text_modules_2`` those of a second one. ``grammar`` is that of the architecture it is for. ``network_rank`` is
    needed where no module tells it (LoKr of whole factors).
    """

    modules: Mapping[str, Weights]
    network_alpha: float
    text_modules: Mapping[str, Weights] = field(default_factory=dict)
    text_modules_2: Mapping[str, Weights] = field(default_factory=dict)
    grammar: Grammar = field(kw_only=True)
    network_rank: int = field(default=0, kw_only=True)

    @property
    def rank(self) -> int:
        """Rank of the modules; convolutions with a kernel may have another one."""
        if self.network_rank:
            return self.network_rank
        every = [weights for part in self.parts for weights in part.values()]
        for weights in sorted(every, key=has_kernel):
            if rank := rank_of(weights):
                return rank
        return 1

    @property
    def scale(self) -> float:
        """The factor of every module's change."""
        return self.network_alpha / self.rank

    @property
    def kind(self) -> str:
        """ "lora" (LoCon too), "dora", "loha" or "lokr"."""
        for part in self.parts:
            for weights in part.values():
                return kind_of(weights)
        return "lora"

    @property
    def conv_rank(self) -> int | None:
        """Rank of the convolutions with a kernel; None where there are none."""
        for weights in self.modules.values():
            if has_kernel(weights):
                return rank_of(weights)
        return None

    @property
    def is_over_inputs(self) -> bool:
        """Whether it is a DoRA that sets the lengths of columns."""
        every = [weights for part in self.parts for weights in part.values()]
        return any(isinstance(weights, Dora) and weights.over_inputs for weights in every)

    @property
    def parts(self) -> tuple[Mapping[str, Weights], ...]:
        """The weights of the denoiser and of the text encoders."""
        return self.modules, self.text_modules, self.text_modules_2


def kohya_names(grammar: Grammar, modules: Iterable[str], *text_modules: Iterable[str]) -> dict[str, str]:
    """Key in a file (without its last part) → module path, for the denoiser's and the text encoders' modules."""
    return {name: module for (_, module), name in grammar.names(modules, *text_modules).items()}


def save_kohya(path: Path, lora: Lora, metadata: Mapping[str, str], *, half: bool = False) -> None:
    """Write the kohya grammar with an ``.alpha`` for each module, ``ss_*`` minimum, hashes, and ``metadata``.

    ``half`` stores the weights in float16.
    """
    tensors: dict[str, Array] = {}
    for (part, module), name in lora.grammar.names(*lora.parts).items():
        weights = lora.parts[part][module]
        if not part and module.endswith(IDENTIFYING):
            weights = whole_factors(weights)
        for last, tensor in to_tensors(weights, lora.scale, has_alpha=lora.grammar.has_alphas).items():
            tensors[f"{name}.{last}"] = tensor
    trainer, arguments = NETWORKS[lora.kind]
    if (conv := lora.conv_rank) is not None:
        arguments = {**arguments, "conv_dim": str(conv), "conv_alpha": f"{lora.scale * conv:g}"}
    basic = {
        "ss_v2": str(lora.grammar.version.startswith("sd_v2")),
        "ss_base_model_version": lora.grammar.version,
        "ss_network_module": trainer,
        "ss_network_dim": str(lora.rank),
        "ss_network_alpha": str(lora.network_alpha),
        "ss_network_args": json.dumps(arguments),
    }
    write_safetensors(path, tensors, {**basic, **metadata}, half=half)


def save_diffusers(path: Path, lora: Lora, metadata: Mapping[str, str] | None = None, *, half: bool = False) -> None:
    """Write the diffusers/peft grammar (``unet.<module>.lora_A/B.weight``, ``text_encoder.…``).

    It has no alpha that every reader honours, so the scale is multiplied into the up weights and alpha is the rank. It
    has no LoHa and no LoKr either: these are written as plain pairs of the same change, see `as_pair`. ``metadata`` is
    added to its own, ``half`` stores the weights in float16. Raises BackendError for a DoRA over the inputs, which it
    has not.
    """
    if lora.is_over_inputs:
        raise BackendError(
            "it is a DoRA over the inputs, diffusers reads DoRA over the outputs only",
            "write it in kohya's grammar, which ComfyUI, Forge, A1111 and InvokeAI read",
        )
    tensors: dict[str, Array] = {}
    config: dict[str, object] = {}
    for number, (part, modules) in enumerate(zip(lora.grammar.parts, lora.parts, strict=False)):
        ranks = {}
        for module, weights in modules.items():
            kernel = 0 if number else lora.grammar.kernel(module)
            places = [in_file(module)] if number else lora.grammar.split(module)
            for place, arrays in zip(places, _peft_parts(weights, lora.scale, kernel, len(places)), strict=True):
                # peft compares ends of paths: without the prefix that transformers left out in 2026 it finds both
                ranks[place.removeprefix(TEXT_MODEL) if number else place] = len(arrays["lora_A.weight"])
                if number and MAGNITUDE in arrays:
                    arrays[f"{MAGNITUDE}.weight"] = arrays.pop(MAGNITUDE)
                tensors |= {f"{part}.{place}.{last}": array for last, array in arrays.items()}
        if modules:
            config |= {f"{part}.{key}": value for key, value in _peft_config(lora, ranks).items()}
    own = {"format": "pt", "lora_adapter_metadata": json.dumps(config)}
    write_safetensors(path, tensors, {**(metadata or {}), **own}, half=half)


def _peft_parts(weights: Weights, scale: float, kernel: int, count: int) -> list[dict[str, Array]]:
    """The entries of each of the parts of a module, as peft names them."""
    pair = as_pair(weights)
    if isinstance(weights, Hada | Kron):
        pair = with_kernel(pair, kernel)
    found = []
    for down, up in parts_of_pair(pair, count):
        arrays = {"lora_A.weight": down, "lora_B.weight": up * scale}
        found.append({last: np.ascontiguousarray(array, np.float32) for last, array in arrays.items()})
    if isinstance(weights, Dora):
        lengths = _lengths(weights)
        for arrays, part in zip(found, np.split(lengths, count, axis=min(1, lengths.ndim - 1)), strict=True):
            arrays[MAGNITUDE] = np.ascontiguousarray(part, np.float32)
    return found


def _lengths(weights: Dora) -> Array:
    """DoRA's lengths as peft has them: (out,), for convolutions (1, out, 1, 1)."""
    return weights.magnitude if weights.down.ndim == 2 else weights.magnitude.reshape(1, -1, 1, 1)


def _peft_config(lora: Lora, ranks: Mapping[str, int]) -> dict[str, object]:
    """peft's configuration of one part, as far as a reader needs it; ``ranks`` by module path."""
    rank = max(ranks.values()) if lora.kind in ("loha", "lokr") else lora.rank
    config: dict[str, object] = {"r": rank, "lora_alpha": rank, "target_modules": sorted(ranks)}
    others = {module: other for module, other in ranks.items() if other != rank}
    if others:
        config |= {"rank_pattern": others, "alpha_pattern": others}
    if lora.kind == "dora":
        config["use_dora"] = True
    return config


def load_kohya(
    path: Path,
    grammar: Grammar,
    modules: Iterable[str],
    *text_modules: Iterable[str],
    grammars: Iterable[Grammar] = (),
) -> Lora:
    """Read a kohya file for a base with these module paths. Raises BackendError on keys that match none of them.

    ``grammars`` are those that a foreign key is looked up in, so that the error can say what the file is for.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        tensors = load_file(path)
    except (OSError, ValueError, SafetensorError) as error:
        raise BackendError(f'"{path}" is no LoRA that can be read ({error})', "train it again") from error
    places = {name: place for place, name in grammar.names(modules, *text_modules).items()}
    groups: dict[str, dict[str, Array]] = {}
    for key, tensor in tensors.items():
        name, content = split_key(key)
        if name not in places:
            raise BackendError(f'"{path}": {mismatch(key, grammar, grammars)}', "use the base it was trained on")
        groups.setdefault(name, {})[content] = np.asarray(tensor, np.float32)
    found: dict[tuple[int, str], tuple[Weights, float]] = {}
    for name, group in groups.items():
        if (weights := checked_weights(path, name, group)) is not None:
            found[places[name]] = weights
    if not found:
        raise BackendError(f'"{path}" holds no LoRA weights', "train it again")
    return lora_of(found, grammar)


def lora_of(found: Mapping[tuple[int, str], tuple[Weights, float]], grammar: Grammar) -> Lora:
    """Weights by part and module path, each with its own scale, as one LoRA of one scale."""
    with_rank = [(weights, scale) for weights, scale in found.values() if rank_of(weights)]
    first, scale = min(with_rank, key=lambda one: has_kernel(one[0]), default=(None, 1.0))
    rank = (rank_of(first) if first is not None else None) or 1
    parts: tuple[dict[str, Weights], ...] = ({}, {}, {})
    for (part, module), (weights, own) in found.items():
        parts[part][module] = rescaled(weights, own / scale)
    denoiser, text, text_2 = parts
    return Lora(denoiser, scale * rank, text, text_2, grammar=grammar, network_rank=rank)
