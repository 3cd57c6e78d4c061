"""LoRA files that other programs load: our own writer and reader of the kohya and diffusers grammars.

The library converters lose alpha and misname text-encoder keys, so none is used. A LoRA here is module path →
(down, up), both float32 arrays: Linear (rank, in) and (out, rank); convolutions with two further axes, the kernel's in
down. DoRA, LoHa and LoKr are the tuples of `bootstrap.lora.kinds`. Knows no run and no training.
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

from bootstrap.errors import BackendError
from bootstrap.lora.grammar import GRAMMARS, in_file
from bootstrap.lora.kinds import (
    Array,
    Dora,
    Hada,
    Kron,
    Weights,
    as_pair,
    from_tensors,
    has_kernel,
    kind_of,
    rank_of,
    rescaled,
    to_tensors,
)
from bootstrap.store.files import write_atomic

__all__ = ["NETWORKS", "Lora", "kohya_names", "load_kohya", "lora_of", "metadata_of", "save_diffusers", "save_kohya"]

KERNELS = re.compile(r"\.(resnets\.\d+\.conv[12]|(down|up)samplers\.0\.conv)$")
CONVS = {"sd1": re.compile(r"\.(conv_shortcut|proj_in|proj_out)$"), "sdxl": re.compile(r"\.conv_shortcut$")}
"""Which modules of the UNet are convolutions: of 3 x 3 pixels, and of one."""
NETWORKS: dict[str, tuple[str, dict[str, str]]] = {
    "lora": ("networks.lora", {}),
    "dora": ("lycoris.kohya", {"algo": "lora", "dora_wd": "True"}),
    "loha": ("lycoris.kohya", {"algo": "loha"}),
    "lokr": ("lycoris.kohya", {"algo": "lokr"}),
}
"""Kind of weights → the module that sd-scripts trains them with, and its arguments."""


@dataclass(frozen=True)
class Lora:
    """LoRA weights: module path (diffusers names, dots) → weights; ``network_alpha`` / rank is the scale of all.

    ``modules`` are the UNet's, ``text_modules`` the text encoder's (with or without a leading ``text_model.``),
    ``text_modules_2`` those of SDXL's second one. ``architecture`` is a key of `bootstrap.lora.grammar.GRAMMARS`.
    ``network_rank`` is needed where no module tells it (LoKr of whole factors).
    """

    modules: Mapping[str, Weights]
    network_alpha: float
    text_modules: Mapping[str, Weights] = field(default_factory=dict)
    text_modules_2: Mapping[str, Weights] = field(default_factory=dict)
    architecture: str = "sd1"
    network_rank: int = 0

    @property
    def rank(self) -> int:
        """Rank of the modules; convolutions with a kernel may have another one."""
        every = [weights for part in self.parts for weights in part.values()]
        ranks = [rank_of(one) for one in sorted(every, key=has_kernel)]
        return self.network_rank or next((rank for rank in ranks if rank), 1)

    @property
    def scale(self) -> float:
        """What every module's change is multiplied by."""
        return self.network_alpha / self.rank

    @property
    def kind(self) -> str:
        """ "lora" (LoCon too), "dora", "loha" or "lokr"."""
        return next((kind_of(one) for part in self.parts for one in part.values()), "lora")

    @property
    def conv_rank(self) -> int | None:
        """Rank of the convolutions with a kernel; None where none is reached."""
        return next((rank_of(one) for one in self.modules.values() if has_kernel(one)), None)

    @property
    def parts(self) -> tuple[Mapping[str, Weights], ...]:
        """The weights of the UNet and of the text encoders."""
        return self.modules, self.text_modules, self.text_modules_2


def kohya_names(
    modules: Iterable[str],
    text_modules: Iterable[str] = (),
    text_modules_2: Iterable[str] = (),
    architecture: str = "sd1",
) -> dict[str, str]:
    """Kohya key (without its last part) → module path, for the UNet's and the text encoders' modules."""
    names = GRAMMARS[architecture].names(modules, text_modules, text_modules_2)
    return {name: module for (_, module), name in names.items()}


def save_kohya(path: Path, lora: Lora, metadata: Mapping[str, str]) -> None:
    """Write the kohya grammar with an ``.alpha`` for each module, ``ss_*`` minimum, hashes, and ``metadata``.

    ``sshs_model_hash`` is the sha256 of the tensor region, as sd-scripts writes it.
    """
    tensors: dict[str, Array] = {}
    grammar = GRAMMARS[lora.architecture]
    for (part, module), name in grammar.names(*lora.parts).items():
        found = to_tensors(lora.parts[part][module], lora.scale)
        tensors |= {f"{name}.{last}": tensor for last, tensor in found.items()}
    trainer, told = NETWORKS[lora.kind]
    conv = lora.conv_rank
    told = told if conv is None else {**told, "conv_dim": str(conv), "conv_alpha": f"{lora.scale * conv:g}"}
    basic = {
        "ss_v2": "False",
        "ss_base_model_version": grammar.version,
        "ss_network_module": trainer,
        "ss_network_dim": str(lora.rank),
        "ss_network_alpha": str(lora.network_alpha),
        "ss_network_args": json.dumps(told),
    }
    _write(path, tensors, {**basic, **metadata})


def save_diffusers(path: Path, lora: Lora) -> None:
    """Write the diffusers/peft grammar (``unet.<module>.lora_A/B.weight``, ``text_encoder.…``).

    It has no alpha that every reader honours, so the scale is multiplied into the up weights and alpha is the rank. It
    has no LoHa and no LoKr either: these are written as plain pairs of the same change, see `as_pair`.
    """
    named = {f"unet.{module}": pair for module, pair in lora.modules.items()}
    for part, pairs in (("text_encoder", lora.text_modules), ("text_encoder_2", lora.text_modules_2)):
        named |= {f"{part}.{in_file(module)}": pair for module, pair in pairs.items()}
    tensors, ranks = {}, {}
    for name, weights in named.items():
        down, up = as_pair(weights)
        if isinstance(weights, Hada | Kron):
            down, up = _shaped(name, down, up, lora.architecture)
        ranks[name] = len(down)
        tensors[f"{name}.lora_A.weight"] = np.ascontiguousarray(down, np.float32)
        tensors[f"{name}.lora_B.weight"] = np.ascontiguousarray(up * lora.scale, np.float32)
        if isinstance(weights, Dora):
            tensors[f"{name}.lora_magnitude_vector"] = np.ascontiguousarray(_lengths(weights), np.float32)
    config: dict[str, object] = {}
    for part, modules in zip(("unet", "text_encoder", "text_encoder_2"), lora.parts, strict=True):
        if modules:
            config |= {f"{part}.{key}": value for key, value in _peft_config(part, modules, ranks, lora).items()}
    _write(path, tensors, {"format": "pt", "lora_adapter_metadata": json.dumps(config)})


def _shaped(name: str, down: Array, up: Array, architecture: str) -> tuple[Array, Array]:
    """A pair that was multiplied out with the kernel that its module has in the models of a architecture."""
    kernel = 3 if KERNELS.search(name) else 1 if CONVS[architecture].search(name) else 0
    if not kernel:
        return down, up
    return down.reshape(len(down), -1, kernel, kernel), up.reshape(*up.shape[:2], 1, 1)


def _lengths(weights: Dora) -> Array:
    """DoRA's lengths as peft has them: (out,), for convolutions (1, out, 1, 1)."""
    return weights.magnitude if weights.down.ndim == 2 else weights.magnitude.reshape(1, -1, 1, 1)


def _peft_config(part: str, modules: Mapping[str, Weights], ranks: Mapping[str, int], lora: Lora) -> dict[str, object]:
    """peft's configuration of one part, as far as a reader needs it."""
    mine = {module: ranks[f"{part}.{in_file(module) if part != 'unet' else module}"] for module in modules}
    most = max(mine.values()) if lora.kind in ("loha", "lokr") else lora.rank
    others = {module: rank for module, rank in mine.items() if rank != most}
    patterns: dict[str, object] = {"rank_pattern": others, "alpha_pattern": others} if others else {}
    plain = {"r": most, "lora_alpha": most, "target_modules": sorted(modules)}
    return {**plain, **patterns, **({"use_dora": True} if lora.kind == "dora" else {})}


def load_kohya(
    path: Path,
    modules: Iterable[str],
    text_modules: Iterable[str] = (),
    text_modules_2: Iterable[str] = (),
    architecture: str = "sd1",
) -> Lora:
    """Read a kohya file for a base with these module paths. Raises BackendError on keys that match none of them."""
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        tensors = load_file(path)
    except (OSError, ValueError, SafetensorError) as error:
        raise BackendError(f'"{path}" is no LoRA that can be read ({error})', "train it again") from error
    places = {
        name: place for place, name in GRAMMARS[architecture].names(modules, text_modules, text_modules_2).items()
    }
    groups: dict[str, dict[str, Array]] = {}
    for key, tensor in tensors.items():
        name, _, last = key.partition(".")
        if name not in places:
            raise BackendError(f'"{path}": {_foreign(key, architecture)}', "use the base it was trained on")
        groups.setdefault(name, {})[last] = tensor
    found: dict[tuple[int, str], tuple[Weights, float]] = {}
    for name, group in groups.items():
        if (read := from_tensors(group)) is None:
            raise BackendError(f'"{path}" lacks "{name}.{_partner(group)}"', "train it again")
        found[places[name]] = read
    if not found:
        raise BackendError(f'"{path}" holds no LoRA weights', "train it again")
    return lora_of(found, architecture)


def lora_of(found: Mapping[tuple[int, str], tuple[Weights, float]], architecture: str) -> Lora:
    """Weights by part and module path, each with its own scale, as one LoRA of one scale."""
    told = [(weights, scale) for weights, scale in found.values() if rank_of(weights)]
    first, scale = min(told, key=lambda one: has_kernel(one[0]), default=(None, 1.0))
    rank = (rank_of(first) if first is not None else None) or 1
    parts: tuple[dict[str, Weights], ...] = ({}, {}, {})
    for (part, module), (weights, own) in found.items():
        parts[part][module] = rescaled(weights, own / scale)
    unet, text, text_2 = parts
    return Lora(unet, scale * rank, text, text_2, architecture, rank)


def _foreign(key: str, architecture: str) -> str:
    """Why a key fits no module: where its name tells the architecture, that is the reason."""
    xl = key.startswith(("lora_te1_", "lora_te2_")) or re.match(r"lora_unet_(input|output|middle)_block", key)
    if xl and architecture == "sd1":
        return "this is a LoRA for Stable Diffusion XL, the base is of Stable Diffusion 1"
    if key.startswith(("lora_te_", "lora_unet_down_blocks", "lora_unet_up_blocks")) and architecture == "sdxl":
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


def _partner(group: Mapping[str, Array]) -> str:
    """What a module's entries lack to be whole."""
    return next((last for last in ("lora_up.weight", "lora_down.weight") if last not in group), "lora_up.weight")


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
