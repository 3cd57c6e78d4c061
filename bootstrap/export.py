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
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bootstrap.character import Character
from bootstrap.config import BaseConfig
from bootstrap.errors import BackendError
from bootstrap.records import Adapter
from bootstrap.store.files import make_folder, write_atomic

__all__ = ["Lora", "load_kohya", "metadata_for", "metadata_of", "publish", "save_diffusers", "save_kohya"]

Array = NDArray[np.float32]

KOHYA_UNET = "lora_unet_"


@dataclass(frozen=True)
class Lora:
    """UNet LoRA weights: module path (diffusers names, dots) → (down, up); ``network_alpha`` / rank is the scale."""

    modules: Mapping[str, tuple[Array, Array]]
    network_alpha: float

    @property
    def rank(self) -> int:
        """Rank of the first module (all are alike)."""
        return int(next(iter(self.modules.values()))[0].shape[0])


def save_kohya(path: Path, lora: Lora, metadata: Mapping[str, str]) -> None:
    """Write the kohya grammar with an ``.alpha`` for each module, ``ss_*`` minimum, hashes, and ``metadata``.

    ``sshs_model_hash`` is the sha256 of the tensor region, as sd-scripts writes it.
    """
    tensors = {}
    for module, (down, up) in lora.modules.items():
        name = KOHYA_UNET + module.replace(".", "_")
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
    """Write the diffusers/peft grammar (``unet.<module>.lora_A/B.weight``).

    It has no alpha that every reader honours, so the scale is multiplied into the up weights and alpha is the rank.
    """
    tensors, scale = {}, lora.network_alpha / lora.rank
    for module, (down, up) in lora.modules.items():
        tensors[f"unet.{module}.lora_A.weight"] = np.ascontiguousarray(down, np.float32)
        tensors[f"unet.{module}.lora_B.weight"] = np.ascontiguousarray(up * scale, np.float32)
    config = {"unet.r": lora.rank, "unet.lora_alpha": lora.rank, "unet.target_modules": sorted(lora.modules)}
    _write(path, tensors, {"format": "pt", "lora_adapter_metadata": json.dumps(config)})


def load_kohya(path: Path, modules: Iterable[str]) -> Lora:
    """Read a kohya file for a UNet with these module paths. Raises BackendError on keys that match none of them."""
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        tensors = load_file(path)
    except (OSError, ValueError, SafetensorError) as error:
        raise BackendError(f'"{path}" is no LoRA that can be read ({error})', "train it again") from error
    names = {KOHYA_UNET + module.replace(".", "_"): module for module in modules}
    found, alphas = {}, {}
    for key in tensors:
        name, _, part = key.partition(".")
        if name not in names:
            raise BackendError(f'"{path}": key "{key}" fits no module of this base', "use the base it was trained on")
        if part == "lora_down.weight":
            found[names[name]] = (tensors[key], tensors[f"{name}.lora_up.weight"])
        elif part == "alpha":
            alphas[name] = float(tensors[key])
    rank = int(next(iter(found.values()))[0].shape[0])
    return Lora(found, next(iter(alphas.values()), float(rank)))


def _write(path: Path, tensors: Mapping[str, Array], metadata: Mapping[str, str]) -> None:
    """safetensors bytes, atomically, with the hashes of the tensor region in the metadata."""
    from safetensors.numpy import save

    plain = save(dict(tensors), {})
    (length,) = struct.unpack("<Q", plain[:8])
    digest = hashlib.sha256(plain[8 + length :]).hexdigest()
    write_atomic(
        path, save(dict(tensors), {**metadata, "sshs_model_hash": digest, "modelspec.hash_sha256": f"0x{digest}"})
    )


def metadata_of(path: Path) -> dict[str, str]:
    """The ``__metadata__`` of a safetensors file. Raises BackendError when it cannot be read."""
    try:
        with path.open("rb") as file:
            (length,) = struct.unpack("<Q", file.read(8))
            found: dict[str, str] = json.loads(file.read(length))["__metadata__"]
    except (OSError, ValueError, KeyError, struct.error) as error:
        raise BackendError(f'"{path}" has no metadata that can be read ({error})', "train it again") from error
    return found


def publish(run: Path, adapter: Adapter, character: Character, base: BaseConfig) -> Path:
    """Copy the finished adapter into ``lora/``: kohya and diffusers files, and a card. Returns the kohya file."""
    folder, stem, source = run / "lora", f"{character.trigger}-{adapter.sha256[:8]}", run / adapter.path
    make_folder(folder)
    write_atomic(folder / f"{stem}.safetensors", source.read_bytes())
    lora = load_kohya(source, json.loads(metadata_of(source)["bootstrap.modules"]).values())
    save_diffusers(folder / "pytorch_lora_weights.safetensors", lora)
    write_atomic(folder / "README.md", _card(stem, adapter, character, base).encode())
    return folder / f"{stem}.safetensors"


def metadata_for(
    title: str,
    trigger: str,
    resolution: tuple[int, int],
    steps: int,
    *,
    v_prediction: bool,
    modules: Iterable[str],
    training: Mapping[str, object],
) -> dict[str, str]:
    """``ss_*`` and ``modelspec.*`` entries of a trained LoRA (all strings), and our own record of how it was made."""
    stamp = datetime.now(UTC).replace(microsecond=0).isoformat()
    names = {KOHYA_UNET + module.replace(".", "_"): module for module in modules}
    return {
        "ss_output_name": title,
        "ss_steps": str(steps),
        "ss_resolution": f"({resolution[0]}, {resolution[1]})",
        "ss_base_model_version": "sd_v1_v" if v_prediction else "sd_v1",
        "ss_training_finished_at": stamp,
        "modelspec.sai_model_spec": "1.0.1",
        "modelspec.architecture": "stable-diffusion-v1/lora",
        "modelspec.implementation": "diffusers",
        "modelspec.title": title,
        "modelspec.date": stamp,
        "modelspec.resolution": f"{resolution[0]}x{resolution[1]}",
        "modelspec.trigger_phrase": trigger,
        "modelspec.prediction_type": "v" if v_prediction else "epsilon",
        "bootstrap.training": json.dumps(training, sort_keys=True),
        "bootstrap.modules": json.dumps(names),
    }


def _card(stem: str, adapter: Adapter, character: Character, base: BaseConfig) -> str:
    """A model card with the front matter that model hubs read (field practice A5)."""
    prompt = ", ".join((character.trigger, *character.core))
    front = {
        "base_model": base.name,
        "instance_prompt": prompt,
        "license": character.license or "other",
        "pipeline_tag": "text-to-image",
        "tags": ["lora", "text-to-image"],
    }
    lines = [
        "---",
        *(f"{key}: {json.dumps(value)}" for key, value in front.items()),
        "---",
        "",
        f"# {character.name}",
        "",
        f"Trigger: `{character.trigger}`. Base: `{base.name}`. File: `{stem}.safetensors` (kohya), "
        "`pytorch_lora_weights.safetensors` (diffusers).",
        "",
        f"Trained {adapter.steps} steps on pictures that were generated, scored and chosen by lora-bootstrap from the "
        "author's own seeds; `../dataset/metadata.jsonl` tells which picture came from which prompt.",
        "",
    ]
    lines += [f"Seeds: {character.credits}", ""] if character.credits else []
    return "\n".join(lines)
