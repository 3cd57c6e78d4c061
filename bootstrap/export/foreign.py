"""LoRA files of any trainer, in the kohya or the diffusers grammar, read as weights by module path.

The family is the one whose modules a file names; nothing is unpickled. Knows no run.
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
from bootstrap.export.grammar import GRAMMARS, UNET, in_file
from bootstrap.export.modules import modules_of
from bootstrap.export.weights import Lora

__all__ = ["LoraFile", "delta", "read_any"]

Array = NDArray[np.float32]
Place = tuple[int, str]
"""The part (0 the UNet, 1 and 2 the text encoders) and the module path."""
ENDINGS = {
    "lora_down.weight": "down", "lora_up.weight": "up", "lora_A.weight": "down", "lora_B.weight": "up",
    "lora.down.weight": "down", "lora.up.weight": "up", "alpha": "alpha",
}  # fmt: skip
PARTS = ("unet.", "text_encoder.", "text_encoder_2.")
NUMBERS = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "I64": "<i8", "I32": "<i4"}
"""Kinds of number that LoRA files hold; diffusers writes alpha as an integer."""
OTHER = (".hada_", ".lokr_", ".dora_scale", ".lora_mid.", ".lora_magnitude_vector", ".diff.", ".diff_b.", ".oft_")


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
    from bootstrap.backends.checkpoint import read_header

    header = read_header(path)
    facts = {str(key): str(value) for key, value in header.pop("__metadata__", {}).items()}
    if other := next((key for key in header if any(mark in f"{key}." for mark in OTHER)), ""):
        raise BackendError(f'"{path}" holds "{other}": LyCORIS or DoRA weights', "convert it to a plain LoRA first")
    split = {key: _split(key) for key in header}
    if not any(ending in ("down", "up") for _, ending in split.values()):
        raise BackendError(f'"{path}" holds no LoRA weights', "give the file of a LoRA")
    family, places = _family({name for name, _ in split.values()})
    tensors = _tensors(path, header)
    found: dict[Place, dict[str, Array]] = {}
    for key, (name, ending) in split.items():
        if ending and name in places:
            found.setdefault(places[name], {})[ending] = tensors[key]
    whole = {place: parts for place, parts in found.items() if {"down", "up"} <= parts.keys()}
    if not whole:
        raise BackendError(f'"{path}" fits no module of a family that is known', "use it with the base it is for")
    unknown = tuple(key for key, (name, ending) in split.items() if not ending or places.get(name) not in whole)
    grammar = "kohya" if any(key.startswith((UNET, "lora_te")) for key in header) else "diffusers"
    ranks = tuple(sorted({int(parts["down"].shape[0]) for parts in whole.values()}))
    return LoraFile(_lora(whole, _alphas(whole, facts), ranks[-1], family), grammar, ranks, facts, unknown)


def delta(pair: tuple[Array, Array], scale: float) -> Array:
    """The change that a module makes to a weight: (out, in), convolutions of one pixel alike."""
    down, up = (part.reshape(part.shape[0], -1) for part in pair)
    return np.asarray(scale * (up @ down), np.float32)


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
            return key.removesuffix(f".{ending}"), part
    return key, ""


def _family(names: set[str]) -> tuple[str, dict[str, Place]]:
    """The family that knows most of the names, and the place that each of its names means."""
    known = {family: _places(family) for family in GRAMMARS}
    family = max(known, key=lambda one: len(names & known[one].keys()))
    return family, known[family]


def _places(family: str) -> dict[str, Place]:
    """Every name that trainers give a module of the real model: kohya's, kohya's with diffusers' paths, diffusers'."""
    grammar, modules = GRAMMARS[family], modules_of(family)
    found = {name: place for place, name in grammar.names(*modules).items()}
    found |= {UNET + module.replace(".", "_"): (0, module) for module in modules[0]}
    for part, paths in enumerate(modules):
        for path in paths:
            found[PARTS[part] + path] = part, path
            if part:
                found[PARTS[part] + path.removeprefix("text_model.")] = part, path
    return found


def _alphas(whole: Mapping[Place, Mapping[str, Array]], facts: Mapping[str, str]) -> dict[Place, float]:
    """Each module's alpha: its own, the one of the diffusers metadata, or (none told) its rank."""
    try:
        told = json.loads(facts.get("lora_adapter_metadata", "{}"))
    except ValueError:
        told = {}
    found = {}
    for place, parts in whole.items():
        rank = float(parts["down"].shape[0])
        told_here = told.get(f"{PARTS[place[0]]}lora_alpha") or rank
        found[place] = float(parts["alpha"]) if "alpha" in parts else float(told_here)
    return found


def _lora(whole: Mapping[Place, Mapping[str, Array]], alphas: Mapping[Place, float], rank: int, family: str) -> Lora:
    """The modules with one rank and one alpha."""
    ranks = {parts["down"].shape[0] for parts in whole.values()}
    alike = len(set(alphas.values())) == 1 and len(ranks) == 1
    network_alpha = next(iter(alphas.values())) if alike else float(rank)
    pairs: tuple[dict[str, tuple[Array, Array]], ...] = ({}, {}, {})
    for (part, module), parts in whole.items():
        down, up = parts["down"], parts["up"]
        if not alike:
            scale, missing = alphas[part, module] / down.shape[0], rank - down.shape[0]
            down = np.pad(down, [(0, missing), *[(0, 0)] * (down.ndim - 1)])
            up = np.pad(up * np.float32(scale), [(0, 0), (0, missing), *[(0, 0)] * (up.ndim - 2)])
        pairs[part][in_file(module) if part else module] = down, up
    unet, text, text_2 = pairs
    return Lora(unet, network_alpha, text, text_2, family)
