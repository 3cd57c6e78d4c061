"""LoRA files of any trainer, in the kohya, LyCORIS, peft or diffusers grammar, read as weights by module path.

The architecture is the one whose modules a file names; nothing is unpickled. Knows no run.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bootstrap.errors import BackendError
from bootstrap.lora.checked import checked_weights
from bootstrap.lora.grammar import LIKE_WEIGHTS, Grammar, Place, flat, in_file, own_names, places_of, split_key
from bootstrap.lora.header import read_header, read_tensors
from bootstrap.lora.kinds import ROUNDED, TITLES, Pair, Weights, as_pair, kind_of, rank_of, rescaled
from bootstrap.lora.slices import fused_pair
from bootstrap.lora.weights import Lora, lora_of
from bootstrap.store.files import read_given

__all__ = ["LoraFile", "read_any"]

Array = NDArray[np.float32]
Found = dict[Place, tuple[Weights, float]]
"""Weights by place, each with its scale."""
OTHER = (".diff.", ".diff_b.", ".oft_", ".oft_blocks.", ".w_norm.", ".b_norm.", ".on_input.", ".bundle_emb.")
"""What the keys of networks have in them that are not read here."""
PEFT_STEM, PEFT_CONFIG = "adapter_model", "adapter_config.json"
"""What peft writes: weights, and beside them their alphas."""


class _Alphas(NamedTuple):
    """Module path → alpha, under "" that of all other modules; ``by_root``: rsLoRA (arXiv 2312.03732)."""

    alphas: Mapping[str, float]
    by_root: bool = False

    def of(self, module: str, rank: int) -> float:
        """The alpha of a module, 0 where none is stated: its change is multiplied by alpha / rank."""
        alpha = self.alphas.get(module) or self.alphas.get("", 0.0)
        return alpha * rank**0.5 if self.by_root else alpha


@dataclass(frozen=True)
class LoraFile:
    """A LoRA with what its file says. ``form`` is whose grammar it has; ``unknown`` are keys of no module."""

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
    grammars, keys = list(grammars), {}
    for key in header:
        name, content = split_key(key)
        keys[key] = flat(name), content
    _check_kind(path, keys)
    grammar, places = _own_places(keys, metadata, grammars) or _best_places(_widths(keys, header), metadata, grammars)
    tensors = read_tensors(path, header)
    found = _weights(path, _groups(path, tensors, keys, places), _stated_alphas(path, metadata, grammar))
    if not found:
        first = next(key for key, (_, content) in keys.items() if content not in ("", "alpha"))
        raise BackendError(
            f'"{path}" is in a grammar or of an architecture that is not known: "{first}" fits no module',
            "convert it to kohya's grammar",
        )
    unknown = tuple(key for key, (name, content) in keys.items() if not content or places.get(name) not in found)
    found = _fused(path, found, grammar)
    ranks = {rank for weights, _ in found.values() if (rank := rank_of(weights))}
    return LoraFile(_lora(found, grammar), _form(header, grammar), tuple(sorted(ranks)), metadata, unknown)


def _check_kind(path: Path, keys: Mapping[str, tuple[str, str]]) -> None:
    """Raise BackendError where a file holds another kind of network, or no LoRA at all."""
    for key in keys:
        if any(mark in f"{key}." for mark in OTHER):
            raise BackendError(
                f'"{path}" holds "{key}", which is none of LoRA, LoCon, DoRA, LoHa and LoKr',
                "convert it to one of these",
            )
    if any(content not in ("", "alpha") for _, content in keys.values()):
        return
    for key in keys:
        if LIKE_WEIGHTS.search(key):
            raise BackendError(f'"{path}" is in a grammar that is not known: "{key}"', "convert it to kohya's grammar")
    raise BackendError(f'"{path}" holds no LoRA weights', "give the file of a LoRA")


def _groups(
    path: Path, tensors: Mapping[str, Array], keys: Mapping[str, tuple[str, str]], places: Mapping[str, Place]
) -> dict[Place, dict[str, Array]]:
    """The tensors by module."""
    groups: dict[Place, dict[str, Array]] = {}
    for key, (name, content) in keys.items():
        if content and name in places:
            group = groups.setdefault(places[name], {})
            if content in group:
                raise BackendError(f'"{path}" holds one module under two names: "{key}"', "leave one of them out")
            group[content] = tensors[key]
    return groups


def _weights(path: Path, groups: dict[Place, dict[str, Array]], stated: Sequence[_Alphas]) -> Found:
    """The weights of each module; an alpha of the metadata counts where the module has none of its own."""
    found: Found = {}
    for (part, module), tensors_of_module in groups.items():
        alpha = stated[part].of(module, len(tensors_of_module.get("lora_down.weight", ())))
        if alpha and "alpha" not in tensors_of_module:
            tensors_of_module["alpha"] = np.array(alpha, np.float32)
        if (weights := checked_weights(path, module, tensors_of_module)) is not None:
            found[part, module] = weights
    return found


def _fused(path: Path, found: Found, grammar: Grammar) -> Found:
    """The weights with those of the parts of a fused layer as one, where the grammar has such layers."""
    for module in grammar.modules()[0]:
        parts = [(0, part) for part in grammar.split(module)]
        given = [found.pop(place, None) for place in parts] if len(parts) > 1 else []
        pairs: list[Pair | None] = []
        for one in given:
            if one is not None and kind_of(one[0]) != "lora":
                raise BackendError(
                    f'"{path}" holds parts of "{module}" as {TITLES[kind_of(one[0])]}', "give a plain LoRA"
                )
            pairs.append(None if one is None else as_pair(rescaled(*one)))
        if any(given):
            found[0, module] = fused_pair(pairs), 1.0
    return found


def _form(keys: Iterable[str], grammar: Grammar) -> str:
    """What the grammar of a file is called, by its keys."""
    names = [split_key(key)[0] for key in keys]
    if any(name.startswith(("lora_", "lycoris_")) for name in names):
        return "kohya"
    original = {flat(grammar.original(module)) for module in grammar.modules()[0]} - {*map(flat, grammar.modules()[0])}
    if any(name.startswith(("diffusion_model.", "model.diffusion_model.", "text_encoders.")) for name in names):
        return "ComfyUI"
    if any(flat(name.removeprefix(f"{grammar.parts[0]}.")) in original for name in names):
        return "OneTrainer"
    return "diffusers"


def _widths(keys: Mapping[str, tuple[str, str]], header: Mapping[str, Any]) -> dict[str, int]:
    """Name of each module → the width of its inputs, 0 where the shapes do not tell."""
    shapes: dict[str, dict[str, Sequence[int]]] = {}
    for key, (name, content) in keys.items():
        if content:
            shapes.setdefault(name, {})[content] = header[key]["shape"]
    return {name: _width(parts) for name, parts in shapes.items()}


def _width(shapes: Mapping[str, Sequence[int]]) -> int:
    factors = []
    for names in (("lora_down.weight",), ("hada_w1_b",)):
        if len(shape := shapes.get(names[0], ())) > 1:
            return int(shape[1])
    for number in (1, 2):
        shape = shapes.get(f"lokr_w{number}_b", shapes.get(f"lokr_w{number}", ()))
        factors.append(int(shape[1]) if len(shape) > 1 else 0)
    return factors[0] * factors[1]


def _own_places(
    keys: Mapping[str, tuple[str, str]], metadata: Mapping[str, str], grammars: Sequence[Grammar]
) -> tuple[Grammar, dict[str, Place]] | None:
    """Grammar and places as a file of this engine states them, for a base of any shape; None of any other file."""
    try:
        stated = json.loads(metadata.get("bootstrap.modules", "{}"))
        named = {flat(name): (name, str(module)) for name, module in stated.items()}
    except (ValueError, AttributeError):
        return None
    for grammar in grammars:
        if grammar.modelspec == metadata.get("modelspec.architecture"):
            if not {name for name, content in keys.values() if content} <= named.keys():
                return None
            return grammar, {flat(name): (grammar.part_of(name), module) for name, module in named.values()}
    return None


def _best_places(
    widths: Mapping[str, int], metadata: Mapping[str, str], grammars: Iterable[Grammar]
) -> tuple[Grammar, dict[str, Place]]:
    """The grammar that knows most of the names; among those that share them, the one that the widths speak for."""
    version = metadata.get("ss_base_model_version", "")

    def fitness(grammar: Grammar) -> tuple[int, int, bool, int]:
        places = places_of(grammar)
        known = widths.keys() & places.keys()
        evidence = 0
        for name in known:
            if widths[name] and (wanted := _wanted(places[name], grammar)):
                evidence += 1 if widths[name] == wanted else -1
        return len(known), evidence, version.startswith(grammar.version), len(known & own_names(grammar))

    grammar = max(grammars, key=fitness)
    return grammar, places_of(grammar)


def _wanted(place: Place, grammar: Grammar) -> int:
    """The width of a module's inputs in this architecture, 0 where it is not known."""
    for part, pattern, width in grammar.inputs:
        if part == place[0] and re.fullmatch(pattern, place[1]):
            return width
    return 0


def _stated_alphas(path: Path, metadata: Mapping[str, str], grammar: Grammar) -> list[_Alphas]:
    """The alphas of each part, from diffusers' metadata, or from the file that peft writes beside its own."""
    try:
        beside = path.with_name(PEFT_CONFIG)
        if path.stem == PEFT_STEM and beside.is_file():
            config = json.loads(read_given(beside))
            return [_part_alphas(config, "", text=number > 0) for number, _ in enumerate(grammar.parts)]
        config = json.loads(metadata.get("lora_adapter_metadata", "{}"))
        return [_part_alphas(config, f"{part}.", text=number > 0) for number, part in enumerate(grammar.parts)]
    except (OSError, ValueError, TypeError, AttributeError):
        return [_Alphas({}) for _ in grammar.parts]


def _part_alphas(config: Mapping[str, Any], prefix: str, *, text: bool) -> _Alphas:
    pattern = config.get(f"{prefix}alpha_pattern") or {}
    alphas = {in_file(name) if text else name: float(alpha) for name, alpha in pattern.items()}
    by_root = config.get(f"{prefix}use_rslora") is True
    return _Alphas({"": float(config.get(f"{prefix}lora_alpha") or 0), **alphas}, by_root)


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
