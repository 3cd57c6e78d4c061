"""LoRA files of any trainer, in the kohya, LyCORIS, peft or diffusers grammar, read as weights by module path.

The architecture is the one whose modules a file names; nothing is unpickled. Knows no run.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bootstrap.errors import BackendError
from bootstrap.lora.grammar import DENOISER_PREFIX, Grammar, Place, in_file, kohya_name, split_key
from bootstrap.lora.header import read_header, read_tensors
from bootstrap.lora.kinds import ROUNDED, Weights, from_tensors, kind_of, rank_of
from bootstrap.lora.weights import Lora, lora_of

__all__ = ["LoraFile", "read_any"]

Array = NDArray[np.float32]
Found = dict[Place, tuple[Weights, float]]
"""Weights by place, each with its scale."""
OTHER = (".diff.", ".diff_b.", ".oft_", ".oft_blocks.", ".w_norm.", ".b_norm.", ".on_input.", ".bundle_emb.")
"""What the keys of networks have in them that are not read here."""


@dataclass(frozen=True)
class LoraFile:
    """A LoRA with what its file says. ``form`` is "kohya" or "diffusers"; ``unknown`` are keys of no module."""

    lora: Lora
    form: str
    ranks: tuple[int, ...]
    metadata: Mapping[str, str]
    unknown: tuple[str, ...]


def read_any(path: Path, grammars: Iterable[Grammar]) -> LoraFile:
    """Read a LoRA file for one of these grammars. Raises BackendError, in one line, when it is none.

    Modules of several ranks or alphas are brought to the largest rank: the change that they make stays the same.
    """
    header = read_header(path)
    metadata = {str(key): str(value) for key, value in header.pop("__metadata__", {}).items()}
    keys = {key: split_key(key) for key in header}
    _check_kind(path, keys)
    grammar, places = _best_grammar({name for name, _ in keys.values()}, grammars)
    found = _weights(read_tensors(path, header), keys, places, _alphas(metadata, grammar))
    if not found:
        raise BackendError(
            f'"{path}" fits no module of an architecture that is known', "use it with the base it is for"
        )
    unknown = tuple(key for key, (name, content) in keys.items() if not content or places.get(name) not in found)
    form = "kohya" if any(key.startswith("lora_") for key in header) else "diffusers"
    ranks = {rank for weights, _ in found.values() if (rank := rank_of(weights))}
    return LoraFile(_lora(found, grammar), form, tuple(sorted(ranks)), metadata, unknown)


def _check_kind(path: Path, keys: Mapping[str, tuple[str, str]]) -> None:
    """Raise BackendError where a file holds another kind of network, or no LoRA at all."""
    for key in keys:
        if any(mark in f"{key}." for mark in OTHER):
            raise BackendError(
                f'"{path}" holds "{key}", which is none of LoRA, LoCon, DoRA, LoHa and LoKr',
                "convert it to one of these",
            )
    if not any(content not in ("", "alpha") for _, content in keys.values()):
        raise BackendError(f'"{path}" holds no LoRA weights', "give the file of a LoRA")


def _weights(
    tensors: Mapping[str, Array],
    keys: Mapping[str, tuple[str, str]],
    places: Mapping[str, Place],
    alphas: Sequence[Mapping[str, float]],
) -> Found:
    """The tensors grouped by module; an alpha of the metadata counts where the module has none of its own."""
    groups: dict[Place, dict[str, Array]] = {}
    for key, (name, content) in keys.items():
        if content and name in places:
            groups.setdefault(places[name], {})[content] = tensors[key]
    found: Found = {}
    for (part, module), tensors_of_module in groups.items():
        alpha = alphas[part].get(module) or alphas[part].get("")
        if alpha and "alpha" not in tensors_of_module:
            tensors_of_module["alpha"] = np.array(alpha, np.float32)
        if (weights := from_tensors(tensors_of_module)) is not None:
            found[part, module] = weights
    return found


def _best_grammar(names: set[str], grammars: Iterable[Grammar]) -> tuple[Grammar, dict[str, Place]]:
    """The grammar that knows most of the names, and the place that each of its names means."""
    known = [(grammar, _places(grammar)) for grammar in grammars]
    return max(known, key=lambda one: len(names & one[1].keys()))


def _places(grammar: Grammar) -> dict[str, Place]:
    """Every name that trainers give a module of the real model: kohya's, kohya's with diffusers' paths, diffusers'."""
    modules = grammar.modules()
    found = {name: place for place, name in grammar.names(*modules).items()}
    for module in modules[0]:
        found[kohya_name(DENOISER_PREFIX, module)] = found[module] = 0, module
    for part, paths in enumerate(modules):
        for path in paths:
            found[f"{grammar.parts[part]}.{path}"] = part, path
            if part:
                found[f"{grammar.parts[part]}.{path.removeprefix('text_model.')}"] = part, path
    return found


def _alphas(metadata: Mapping[str, str], grammar: Grammar) -> list[dict[str, float]]:
    """Module path → alpha, part by part, from the diffusers metadata; under "" that of all other modules."""
    nothing: list[dict[str, float]] = [{} for _ in grammar.parts]
    try:
        config: dict[str, Any] = json.loads(metadata.get("lora_adapter_metadata", "{}"))
        return [_part_alphas(config, f"{part}.") for part in grammar.parts]
    except (ValueError, TypeError, AttributeError):
        return nothing


def _part_alphas(config: Mapping[str, Any], prefix: str) -> dict[str, float]:
    pattern = config.get(f"{prefix}alpha_pattern") or {}
    alphas = {name: float(alpha) for name, alpha in pattern.items()}
    return {"": float(config.get(f"{prefix}lora_alpha") or 0), **alphas}


def _lora(found: Found, grammar: Grammar) -> Lora:
    """The modules with one scale: plain pairs of several are brought to the largest rank, which is then their alpha."""
    found = {(part, in_file(module) if part else module): one for (part, module), one in found.items()}
    plain = all(kind_of(weights) == "lora" for weights, _ in found.values())
    scales = [scale for _, scale in found.values()]
    if not plain or max(scales) - min(scales) < ROUNDED * abs(scales[0]):
        return lora_of(found, grammar)
    rank = max(rank_of(weights) or 0 for weights, _ in found.values())
    even = {place: (_padded(weights, scale, rank), 1.0) for place, (weights, scale) in found.items()}
    return lora_of(even, grammar)


def _padded(weights: Weights, scale: float, rank: int) -> Weights:
    """A plain pair at a larger rank, with its scale multiplied in."""
    down, up = weights[0], weights[1]
    assert down is not None
    assert up is not None
    missing = rank - len(down)
    return (
        np.pad(down, [(0, missing), *[(0, 0)] * (down.ndim - 1)]),
        np.pad(up * np.float32(scale), [(0, 0), (0, missing), *[(0, 0)] * (up.ndim - 2)]),
    )
