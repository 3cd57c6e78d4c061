"""LoRA files that other programs load: our own writer and reader of the kohya and diffusers grammars.

The library converters lose alpha and misname text-encoder keys, so none is used. A LoRA here is module path →
(down, up), both float32 arrays: Linear (rank, in) and (out, rank); 1x1 convolution with two further axes of length 1.
Knows no run and no training.
"""

from __future__ import annotations

import hashlib
import json
import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bootstrap.errors import BackendError
from bootstrap.store.files import write_atomic

__all__ = ["Lora", "kohya_names", "load_kohya", "metadata_of", "save_diffusers", "save_kohya"]

Array = NDArray[np.float32]
Pair = tuple[Array, Array]

KOHYA_UNET = "lora_unet_"
KOHYA_TEXT = "lora_te_"
TEXT_MODEL = "text_model."
"""Lies before a text encoder's module paths in the files; newer transformers leave it out of the model's own."""


@dataclass(frozen=True)
class Lora:
    """LoRA weights: module path (diffusers names, dots) → (down, up); ``network_alpha`` / rank is the scale.

    ``modules`` are the UNet's, ``text_modules`` the text encoder's (with or without a leading ``text_model.``).
    """

    modules: Mapping[str, Pair]
    network_alpha: float
    text_modules: Mapping[str, Pair] = field(default_factory=dict)

    @property
    def rank(self) -> int:
        """Rank of the first module (all are alike)."""
        return int(next(iter(self.modules.values()))[0].shape[0])


def kohya_names(modules: Iterable[str], text_modules: Iterable[str] = ()) -> dict[str, str]:
    """Kohya key (without its last part) → module path, for the UNet's and the text encoder's modules."""
    unet = {KOHYA_UNET + module.replace(".", "_"): module for module in modules}
    return unet | {KOHYA_TEXT + _in_file(module).replace(".", "_"): module for module in text_modules}


def save_kohya(path: Path, lora: Lora, metadata: Mapping[str, str]) -> None:
    """Write the kohya grammar with an ``.alpha`` for each module, ``ss_*`` minimum, hashes, and ``metadata``.

    ``sshs_model_hash`` is the sha256 of the tensor region, as sd-scripts writes it.
    """
    tensors, pairs = {}, {**lora.modules, **lora.text_modules}
    for name, module in kohya_names(lora.modules, lora.text_modules).items():
        down, up = pairs[module]
        tensors[f"{name}.lora_down.weight"] = np.ascontiguousarray(down, np.float32)
        tensors[f"{name}.lora_up.weight"] = np.ascontiguousarray(up, np.float32)
        tensors[f"{name}.alpha"] = np.array(lora.network_alpha, np.float32)
    basic = {
        "ss_v2": "False",
        "ss_base_model_version": "sd_v1",
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
    named |= {f"text_encoder.{_in_file(module)}": pair for module, pair in lora.text_modules.items()}
    tensors, scale = {}, lora.network_alpha / lora.rank
    for name, (down, up) in named.items():
        tensors[f"{name}.lora_A.weight"] = np.ascontiguousarray(down, np.float32)
        tensors[f"{name}.lora_B.weight"] = np.ascontiguousarray(up * scale, np.float32)
    config: dict[str, object] = {}
    for part, modules in (("unet", lora.modules), ("text_encoder", lora.text_modules)):
        if modules:
            targets = sorted(modules)
            config |= {f"{part}.r": lora.rank, f"{part}.lora_alpha": lora.rank, f"{part}.target_modules": targets}
    _write(path, tensors, {"format": "pt", "lora_adapter_metadata": json.dumps(config)})


def load_kohya(path: Path, modules: Iterable[str], text_modules: Iterable[str] = ()) -> Lora:
    """Read a kohya file for a base with these module paths. Raises BackendError on keys that match none of them."""
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        tensors = load_file(path)
    except (OSError, ValueError, SafetensorError) as error:
        raise BackendError(f'"{path}" is no LoRA that can be read ({error})', "train it again") from error
    names = kohya_names(modules, text_modules)
    found: dict[str, Pair] = {}
    alphas = {}
    for key in tensors:
        name, _, part = key.partition(".")
        if name not in names:
            raise BackendError(f'"{path}": key "{key}" fits no module of this base', "use the base it was trained on")
        if part == "lora_down.weight":
            found[name] = (tensors[key], _partner(tensors, f"{name}.lora_up.weight", path))
        elif part == "alpha":
            alphas[name] = float(tensors[key])
    if not found:
        raise BackendError(f'"{path}" holds no LoRA weights', "train it again")
    rank = int(next(iter(found.values()))[0].shape[0])
    unet, text = (
        {names[name]: pair for name, pair in found.items() if name.startswith(part)}
        for part in (KOHYA_UNET, KOHYA_TEXT)
    )
    return Lora(unet, next(iter(alphas.values()), float(rank)), text)


def metadata_of(path: Path) -> dict[str, str]:
    """The ``__metadata__`` of a safetensors file. Raises BackendError when it cannot be read."""
    try:
        with path.open("rb") as file:
            (length,) = struct.unpack("<Q", file.read(8))
            found: dict[str, str] = json.loads(file.read(length))["__metadata__"]
    except (OSError, ValueError, KeyError, struct.error) as error:
        raise BackendError(f'"{path}" has no metadata that can be read ({error})', "train it again") from error
    return found


def _in_file(module: str) -> str:
    """A text encoder's module path as files have it, however this transformers names it."""
    return module if module.startswith(TEXT_MODEL) else TEXT_MODEL + module


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
