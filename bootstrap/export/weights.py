"""LoRA files that other programs load: our own writer and reader of the kohya and diffusers grammars.

The library converters lose alpha and misname text-encoder keys, so none is used. A LoRA here is module path →
(down, up), both float32 arrays: Linear (rank, in) and (out, rank); 1x1 convolution with two further axes of length 1.
Knows no run and no training.
"""

from __future__ import annotations

import hashlib
import json
import re
import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bootstrap.errors import BackendError
from bootstrap.export.grammar import GRAMMARS, in_file
from bootstrap.store.files import write_atomic

__all__ = ["Lora", "kohya_names", "load_kohya", "metadata_of", "save_diffusers", "save_kohya"]

Array = NDArray[np.float32]
Pair = tuple[Array, Array]


@dataclass(frozen=True)
class Lora:
    """LoRA weights: module path (diffusers names, dots) → (down, up); ``network_alpha`` / rank is the scale.

    ``modules`` are the UNet's, ``text_modules`` the text encoder's (with or without a leading ``text_model.``),
    ``text_modules_2`` those of SDXL's second one. ``family`` is a key of `bootstrap.export.grammar.GRAMMARS`.
    """

    modules: Mapping[str, Pair]
    network_alpha: float
    text_modules: Mapping[str, Pair] = field(default_factory=dict)
    text_modules_2: Mapping[str, Pair] = field(default_factory=dict)
    family: str = "sd1"

    @property
    def rank(self) -> int:
        """Rank of the first module (all are alike)."""
        return int(next(iter(self.modules.values()))[0].shape[0])

    @property
    def parts(self) -> tuple[Mapping[str, Pair], ...]:
        """The weights of the UNet and of the text encoders."""
        return self.modules, self.text_modules, self.text_modules_2


def kohya_names(
    modules: Iterable[str],
    text_modules: Iterable[str] = (),
    text_modules_2: Iterable[str] = (),
    family: str = "sd1",
) -> dict[str, str]:
    """Kohya key (without its last part) → module path, for the UNet's and the text encoders' modules."""
    names = GRAMMARS[family].names(modules, text_modules, text_modules_2)
    return {name: module for (_, module), name in names.items()}


def save_kohya(path: Path, lora: Lora, metadata: Mapping[str, str]) -> None:
    """Write the kohya grammar with an ``.alpha`` for each module, ``ss_*`` minimum, hashes, and ``metadata``.

    ``sshs_model_hash`` is the sha256 of the tensor region, as sd-scripts writes it.
    """
    tensors, grammar = {}, GRAMMARS[lora.family]
    for (part, module), name in grammar.names(*lora.parts).items():
        down, up = lora.parts[part][module]
        tensors[f"{name}.lora_down.weight"] = np.ascontiguousarray(down, np.float32)
        tensors[f"{name}.lora_up.weight"] = np.ascontiguousarray(up, np.float32)
        tensors[f"{name}.alpha"] = np.array(lora.network_alpha, np.float32)
    basic = {
        "ss_v2": "False",
        "ss_base_model_version": grammar.version,
        "ss_network_module": "networks.lora",
        "ss_network_dim": str(lora.rank),
        "ss_network_alpha": str(lora.network_alpha),
        "ss_network_args": "{}",
    }
    _write(path, tensors, {**basic, **metadata})


def save_diffusers(path: Path, lora: Lora) -> None:
    """Write the diffusers/peft grammar (``unet.<module>.lora_A/B.weight``, ``text_encoder.…``).

    It has no alpha that every reader honours, so the scale is multiplied into the up weights and alpha is the rank.
    """
    named = {f"unet.{module}": pair for module, pair in lora.modules.items()}
    for part, pairs in (("text_encoder", lora.text_modules), ("text_encoder_2", lora.text_modules_2)):
        named |= {f"{part}.{in_file(module)}": pair for module, pair in pairs.items()}
    tensors, scale = {}, lora.network_alpha / lora.rank
    for name, (down, up) in named.items():
        tensors[f"{name}.lora_A.weight"] = np.ascontiguousarray(down, np.float32)
        tensors[f"{name}.lora_B.weight"] = np.ascontiguousarray(up * scale, np.float32)
    config: dict[str, object] = {}
    for part, modules in zip(("unet", "text_encoder", "text_encoder_2"), lora.parts, strict=True):
        if modules:
            targets = sorted(modules)
            config |= {f"{part}.r": lora.rank, f"{part}.lora_alpha": lora.rank, f"{part}.target_modules": targets}
    _write(path, tensors, {"format": "pt", "lora_adapter_metadata": json.dumps(config)})


def load_kohya(
    path: Path,
    modules: Iterable[str],
    text_modules: Iterable[str] = (),
    text_modules_2: Iterable[str] = (),
    family: str = "sd1",
) -> Lora:
    """Read a kohya file for a base with these module paths. Raises BackendError on keys that match none of them."""
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        tensors = load_file(path)
    except (OSError, ValueError, SafetensorError) as error:
        raise BackendError(f'"{path}" is no LoRA that can be read ({error})', "train it again") from error
    places = {name: place for place, name in GRAMMARS[family].names(modules, text_modules, text_modules_2).items()}
    found: tuple[dict[str, Pair], ...] = ({}, {}, {})
    alphas = {}
    for key in tensors:
        name, _, last = key.partition(".")
        if name not in places:
            raise BackendError(f'"{path}": {_foreign(key, family)}', "use the base it was trained on")
        part, module = places[name]
        if last == "lora_down.weight":
            found[part][module] = (tensors[key], _partner(tensors, f"{name}.lora_up.weight", path))
        elif last == "alpha":
            alphas[name] = float(tensors[key])
    if not any(found):
        raise BackendError(f'"{path}" holds no LoRA weights', "train it again")
    unet, text, text_2 = found
    rank = next(int(down.shape[0]) for pairs in found for down, _ in pairs.values())
    return Lora(unet, next(iter(alphas.values()), float(rank)), text, text_2, family)


def _foreign(key: str, family: str) -> str:
    """Why a key fits no module: where its name tells the family, that is the reason."""
    xl = key.startswith(("lora_te1_", "lora_te2_")) or re.match(r"lora_unet_(input|output|middle)_block", key)
    if xl and family == "sd1":
        return "this is a LoRA for Stable Diffusion XL, the base is of Stable Diffusion 1"
    if key.startswith(("lora_te_", "lora_unet_down_blocks", "lora_unet_up_blocks")) and family == "sdxl":
        return "this is a LoRA for Stable Diffusion 1, the base is Stable Diffusion XL"
    return f'key "{key}" fits no module of this base'


def metadata_of(path: Path) -> dict[str, str]:
    """The ``__metadata__`` of a safetensors file. Raises BackendError when it cannot be read."""
    try:
        with path.open("rb") as file:
            (length,) = struct.unpack("<Q", file.read(8))
            found: dict[str, str] = json.loads(file.read(length))["__metadata__"]
    except (OSError, ValueError, KeyError, struct.error) as error:
        raise BackendError(f'"{path}" has no metadata that can be read ({error})', "train it again") from error
    return found


def _partner(tensors: Mapping[str, Array], key: str, path: Path) -> Array:
    if key not in tensors:
        raise BackendError(f'"{path}" lacks "{key}"', "train it again")
    return tensors[key]


def _write(path: Path, tensors: Mapping[str, Array], metadata: Mapping[str, str]) -> None:
    """safetensors bytes, atomically, with the hashes that sd-scripts and the UIs know a file by.

    ``sshs_legacy_hash`` is taken, as sd-scripts takes it, of a file that holds the ``ss_*`` entries alone.
    """
    from safetensors.numpy import save

    plain = save(dict(tensors))
    (length,) = struct.unpack("<Q", plain[:8])
    shapes, data = json.loads(plain[8 : 8 + length]), plain[8 + length :]
    digest = hashlib.sha256(data).hexdigest()
    trained = {key: value for key, value in metadata.items() if key.startswith("ss_")}
    legacy = hashlib.sha256(_bytes(shapes, data, trained)[0x100000:0x110000]).hexdigest()[:8]
    hashes = {"sshs_model_hash": digest, "sshs_legacy_hash": legacy, "modelspec.hash_sha256": f"0x{digest}"}
    write_atomic(path, _bytes(shapes, data, {**metadata, **hashes}))


def _bytes(shapes: Mapping[str, Any], data: bytes, metadata: Mapping[str, str]) -> bytes:
    """A safetensors file; the library writes metadata in random order, and equal things should be equal files."""
    ordered = sorted(shapes.items(), key=lambda entry: entry[1]["data_offsets"])
    header = json.dumps({"__metadata__": dict(sorted(metadata.items())), **dict(ordered)}, separators=(",", ":"))
    text = header.encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + data
