"""LoRA files that other programs load: our own writer and reader of the kohya and diffusers grammars.

The library converters lose alpha and misname text-encoder keys, so none is used. A LoRA here is module path →
(down, up), both float tensors: Linear (rank, in) and (out, rank); 1x1 convolution with two further axes of length 1.
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
from typing import TYPE_CHECKING

from bootstrap.character import Character
from bootstrap.config import BaseConfig
from bootstrap.errors import BackendError
from bootstrap.records import Adapter
from bootstrap.store.files import make_folder, write_atomic

if TYPE_CHECKING:
    import torch

__all__ = ["Lora", "load_kohya", "publish", "save_diffusers", "save_kohya"]

KOHYA_UNET = "lora_unet_"


@dataclass(frozen=True)
class Lora:
    """UNet LoRA weights: module path (diffusers names, dots) → (down, up); ``network_alpha`` / rank is the scale."""

    modules: Mapping[str, tuple[torch.Tensor, torch.Tensor]]
    network_alpha: float

    @property
    def rank(self) -> int:
        """Rank of the first module (all are alike)."""
        return int(next(iter(self.modules.values()))[0].shape[0])


def save_kohya(path: Path, lora: Lora, metadata: Mapping[str, str]) -> None:
    """Write the kohya grammar with an ``.alpha`` for each module, ``ss_*`` minimum, hashes, and ``metadata``.

    ``sshs_model_hash`` is the sha256 of the tensor region, as sd-scripts writes it.
    """
    import torch

    tensors = {}
    for module, (down, up) in lora.modules.items():
        name = KOHYA_UNET + module.replace(".", "_")
        tensors[f"{name}.lora_down.weight"] = down.detach().to("cpu", torch.float32).contiguous()
        tensors[f"{name}.lora_up.weight"] = up.detach().to("cpu", torch.float32).contiguous()
        tensors[f"{name}.alpha"] = torch.tensor(float(lora.network_alpha))
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
    """Write the diffusers/peft grammar (``unet.<module>.lora_A/B.weight``); alpha goes into the adapter metadata."""
    import torch

    tensors = {}
    for module, (down, up) in lora.modules.items():
        tensors[f"unet.{module}.lora_A.weight"] = down.detach().to("cpu", torch.float32).contiguous()
        tensors[f"unet.{module}.lora_B.weight"] = up.detach().to("cpu", torch.float32).contiguous()
    config = {"unet.r": lora.rank, "unet.lora_alpha": lora.network_alpha, "unet.target_modules": sorted(lora.modules)}
    _write(path, tensors, {"format": "pt", "lora_adapter_metadata": json.dumps(config)})


def load_kohya(path: Path, modules: Iterable[str]) -> Lora:
    """Read a kohya file for a UNet with these module paths. Raises BackendError on keys that match none of them."""
    from safetensors.torch import load_file

    try:
        tensors = load_file(path)
    except (OSError, ValueError, RuntimeError) as error:
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


def _write(path: Path, tensors: Mapping[str, torch.Tensor], metadata: Mapping[str, str]) -> None:
    """safetensors bytes, atomically, with the hashes of the tensor region in the metadata."""
    from safetensors.torch import save

    plain = save(dict(tensors), {})
    (length,) = struct.unpack("<Q", plain[:8])
    digest = hashlib.sha256(plain[8 + length :]).hexdigest()
    write_atomic(
        path, save(dict(tensors), {**metadata, "sshs_model_hash": digest, "modelspec.hash_sha256": f"0x{digest}"})
    )


def publish(run: Path, adapter: Adapter, character: Character, base: BaseConfig) -> Path:
    """Copy the finished adapter into ``lora/``: kohya and diffusers files, and a card. Returns the kohya file."""
    from safetensors.torch import load_file

    folder, stem = run / "lora", f"{character.trigger}-{adapter.sha256[:8]}"
    make_folder(folder)
    source = run / adapter.path
    write_atomic(folder / f"{stem}.safetensors", source.read_bytes())
    tensors = load_file(source)
    with source.open("rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(length))["__metadata__"]
    modules = json.loads(header["bootstrap.modules"]) if "bootstrap.modules" in header else {}
    pairs = {
        module: (tensors[f"{name}.lora_down.weight"], tensors[f"{name}.lora_up.weight"])
        for name, module in modules.items()
    }
    if pairs:
        save_diffusers(folder / "pytorch_lora_weights.safetensors", Lora(pairs, float(header["ss_network_alpha"])))
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
