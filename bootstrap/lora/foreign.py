"""LoRA files of any trainer, in the kohya, LyCORIS, peft or diffusers grammar, read as weights by module path.

The architecture is the one whose modules a file names; nothing is unpickled. Knows no run.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bootstrap.errors import BackendError
from bootstrap.lora.grammar import GRAMMARS, UNET, in_file
from bootstrap.lora.kinds import ROUNDED, Weights, change, from_tensors, kind_of, rank_of
from bootstrap.lora.modules import convs_of, modules_of
from bootstrap.lora.weights import Lora, lora_of

__all__ = ["LoraFile", "delta", "read_any"]

Array = NDArray[np.float32]
Place = tuple[int, str]
"""The part (0 the UNet, 1 and 2 the text encoders) and the module path."""
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
"""How a key may end → what our own files call it."""
PARTS = ("unet.", "text_encoder.", "text_encoder_2.")
PEFT = "base_model.model."
"""Lies before the module paths of files that peft wrote itself; it says nothing of the part, which is the UNet."""
NUMBERS = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "I64": "<i8", "I32": "<i4"}
"""Kinds of number that LoRA files hold; diffusers writes alpha as an integer."""
OTHER = (".diff.", ".diff_b.", ".oft_", ".oft_blocks.", ".w_norm.", ".b_norm.", ".on_input.", ".bundle_emb.")


@dataclass(frozen=True)
class LoraFile:
    """A LoRA with what its file says. ``grammar`` is "kohya" or "diffusers"; ``unknown`` are keys of no module."""

    lora: Lora
    grammar: str
    ranks: tuple[int, ...]
    metadata: Mapping[str, str]
    unknown: tuple[str, ...]


def read_any(path: Path) -> LoraFile:
    """Read a LoRA file. Raises BackendError, in one line, when it is none, or of a kind that is not understood.

    Modules of several ranks or alphas are brought to the largest rank: the change that they make stays the same.
    """
    from bootstrap.backends.single_file import read_header

    header = read_header(path)
    facts = {str(key): str(value) for key, value in header.pop("__metadata__", {}).items()}
    if other := next((key for key in header if any(mark in f"{key}." for mark in OTHER)), ""):
        raise BackendError(
            f'"{path}" holds "{other}", which is none of LoRA, LoCon, DoRA, LoHa and LoKr', "convert it to one of these"
        )
    split = {key: _split(key) for key in header}
    if not any(ending not in ("", "alpha") for _, ending in split.values()):
        raise BackendError(f'"{path}" holds no LoRA weights', "give the file of a LoRA")
    architecture, places = _architecture({name for name, _ in split.values()})
    tensors = _tensors(path, header)
    found: dict[Place, dict[str, Array]] = {}
    for key, (name, ending) in split.items():
        if ending and name in places:
            found.setdefault(places[name], {})[ending] = tensors[key]
    alphas = _told_alphas(facts)
    whole: dict[Place, tuple[Weights, float]] = {}
    for place, parts in found.items():
        alpha = alphas[place[0]].get(place[1]) or alphas[place[0]].get("")
        told = {"alpha": np.array(alpha, np.float32)} if alpha else {}
        if (read := from_tensors({**told, **parts})) is not None:
            whole[place] = read
    if not whole:
        raise BackendError(f'"{path}" fits no module of a architecture that is known', "use it with the base it is for")
    unknown = tuple(key for key, (name, ending) in split.items() if not ending or places.get(name) not in whole)
    grammar = "kohya" if any(key.startswith((UNET, "lora_te")) for key in header) else "diffusers"
    ranks = tuple(sorted({rank for weights, _ in whole.values() if (rank := rank_of(weights))}))
    return LoraFile(_lora(whole, architecture), grammar, ranks, facts, unknown)


def delta(weights: Weights, scale: float) -> Array:
    """The change that a module makes to a weight: (out, in), kernels flattened into the inputs."""
    return change(weights, scale)


def _tensors(path: Path, header: Mapping[str, Any]) -> dict[str, Array]:
    """The tensors in float32; bfloat16, which numpy has not, is the upper half of it. Raises BackendError."""
    data = path.read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    found = {}
    for key, entry in header.items():
        start, end = (8 + length + offset for offset in entry["data_offsets"])
        if entry["dtype"] == "BF16":
            flat = (np.frombuffer(data[start:end], "<u2").astype("<u4") << 16).view("<f4")
        elif entry["dtype"] in NUMBERS:
            flat = np.frombuffer(data[start:end], NUMBERS[entry["dtype"]]).astype(np.float32)
        else:
            raise BackendError(f'"{path}" is stored as {entry["dtype"]}', "save it in float16 or float32")
        found[key] = flat.reshape(entry["shape"])
    return found


def _split(key: str) -> tuple[str, str]:
    """A key as module name and what it holds; ("…", "") where it is no part of a LoRA."""
    for ending, part in ENDINGS.items():
        if key.endswith(f".{ending}"):
            return key.removesuffix(f".{ending}").removeprefix(PEFT), part
    return key, ""


def _architecture(names: set[str]) -> tuple[str, dict[str, Place]]:
    """The architecture that knows most of the names, and the place that each of its names means."""
    known = {architecture: _places(architecture) for architecture in GRAMMARS}
    architecture = max(known, key=lambda one: len(names & known[one].keys()))
    return architecture, known[architecture]


def _places(architecture: str) -> dict[str, Place]:
    """Every name that trainers give a module of the real model: kohya's, kohya's with diffusers' paths, diffusers'."""
    grammar = GRAMMARS[architecture]
    unet, *text = modules_of(architecture)
    modules = ((*unet, *convs_of(architecture)), *text)
    found = {name: place for place, name in grammar.names(*modules).items()}
    found |= {UNET + module.replace(".", "_"): (0, module) for module in modules[0]}
    found |= {module: (0, module) for module in modules[0]}
    for part, paths in enumerate(modules):
        for path in paths:
            found[PARTS[part] + path] = part, path
            if part:
                found[PARTS[part] + path.removeprefix("text_model.")] = part, path
    return found


def _told_alphas(facts: Mapping[str, str]) -> tuple[dict[str, float], ...]:
    """Module path → alpha, part by part, as the diffusers metadata has it; under "" that of all others, if told."""
    try:
        told = json.loads(facts.get("lora_adapter_metadata", "{}"))
        return tuple(
            {
                "": float(told.get(f"{part}lora_alpha") or 0),
                **{name: float(alpha) for name, alpha in (told.get(f"{part}alpha_pattern") or {}).items()},
            }
            for part in PARTS
        )
    except (ValueError, TypeError, AttributeError):
        return ({}, {}, {})


def _lora(whole: Mapping[Place, tuple[Weights, float]], architecture: str) -> Lora:
    """The modules with one scale: plain pairs of several are brought to the largest rank, which is then their alpha."""
    whole = {(part, in_file(module) if part else module): one for (part, module), one in whole.items()}
    plain = all(kind_of(weights) == "lora" for weights, _ in whole.values())
    scales = [scale for _, scale in whole.values()]
    if not plain or max(scales) - min(scales) < ROUNDED * abs(scales[0]):
        return lora_of(whole, architecture)
    rank = max(len(weights[0]) for weights, _ in whole.values() if weights[0] is not None)
    even = {place: (_padded(weights, scale, rank), 1.0) for place, (weights, scale) in whole.items()}
    return lora_of(even, architecture)


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
