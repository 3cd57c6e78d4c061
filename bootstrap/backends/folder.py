"""Whether a folder holds a base that this engine can use, before anything is loaded. Imports no model library."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bootstrap.backends.architectures import ARCHITECTURES, Architecture
from bootstrap.errors import BackendError

__all__ = [
    "SCHEDULE", "WEIGHTS", "check_folder", "check_part", "digest_of_file", "digest_of_weights", "read_config",
    "variant_of", "weights_of",
]  # fmt: skip

VOCABULARY = "vocab.json or tokenizer.json"
SCHEDULE = "scheduler_config.json"
WEIGHTS = ("*.safetensors", "*.bin")
"""Files of weights in a folder."""
POINTER = b"version https://git-lfs"
"""How a file begins that git has not fetched yet."""
BLOCKS: dict[str, Any] = {
    "layers_per_block": 2, "transformer_layers_per_block": 1, "reverse_transformer_layers_per_block": None,
    "down_block_types": [], "mid_block_type": "UNetMidBlock2DCrossAttn", "up_block_types": [],
}  # fmt: skip
"""What a UNet's configuration says of its blocks, with diffusers' defaults."""
WIDTHS = ("cross_attention_dim", "block_out_channels")
"""What shows that a UNet was made from the real one: the width of the text states, and that of the first block."""
SAMPLED = 1 << 20
"""Bytes at the start, middle and end of a weights file that tell it from another of the same size."""


def check_folder(base: Path) -> Architecture:
    """The architecture of a folder. Raises BackendError, in one line, unless it is a whole one that is known."""
    index = base / "model_index.json"
    if not index.is_file():
        raise BackendError(
            f'"{base}" holds no diffusers model (no model_index.json)', "give the folder of a saved pipeline"
        )
    try:
        kind = json.loads(index.read_text(encoding="utf-8"))["_class_name"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BackendError(f'"{index}" cannot be read ({error})', "fetch the model again") from error
    by_pipeline = {one.pipeline: one for one in ARCHITECTURES.values()}
    if kind not in by_pipeline:
        titles = " or ".join(one.title for one in ARCHITECTURES.values())
        raise BackendError(f'"{base}" holds a "{kind}", not a {" or ".join(by_pipeline)}', f"choose a base of {titles}")
    architecture = by_pipeline[kind]
    for part in architecture.weighted_parts:
        check_part(base, part)
    for part, file in {**dict.fromkeys(architecture.tokenizers, VOCABULARY), "scheduler": SCHEDULE}.items():
        if not any((base / part / name).is_file() for name in file.split(" or ")):
            raise BackendError(f'"{base}" has no {part}/{file}', "fetch the whole model")
    _check_blocks(base, architecture)
    architecture.check(base)
    return architecture


def variant_of(folder: Path) -> str | None:
    """ "fp16" where a part's folder has weights of that name only, else None."""
    names = [path.name for path in weights_of(folder)]
    return "fp16" if names and all(".fp16." in name for name in names) else None


def digest_of_weights(base: Path) -> str:
    """Identifies a base by samples of its weights: finetunes of one model have files of equal names and sizes."""
    digest = hashlib.sha256()
    for path in sorted(found for pattern in WEIGHTS for found in base.rglob(pattern)):
        digest.update(f"{path.relative_to(base).as_posix()} {path.stat().st_size}".encode())
        for sample in _samples(path):
            digest.update(sample)
    return digest.hexdigest()


def digest_of_file(path: Path) -> str:
    """Identifies a single file by samples of it; its name does not count."""
    digest = hashlib.sha256(f"{path.stat().st_size}".encode())
    for sample in _samples(path):
        digest.update(sample)
    return digest.hexdigest()


def _samples(path: Path) -> Iterator[bytes]:
    size = path.stat().st_size
    with path.open("rb") as file:
        for place in (0, size // 2, max(0, size - SAMPLED)):
            file.seek(place)
            yield file.read(SAMPLED)


def check_part(base: Path, part: str) -> None:
    """Raise BackendError where a part of a model has no configuration, or not all of its weights."""
    files = weights_of(base / part)
    if not (base / part / "config.json").is_file():
        raise BackendError(f'"{base}" has no {part}/config.json', "fetch the whole model")
    if not files:
        raise BackendError(f'"{base}" has no weights in {part}', "fetch the whole model, weights included")
    there = {path.name for path in files}
    for index in sorted((base / part).glob("*.index.json")):
        listed = read_config(index.parent, index.name).get("weight_map")
        wanted = set(listed.values()) if isinstance(listed, dict) else set()
        if wanted & there and wanted - there:
            raise BackendError(f'"{base}" has no {part}/{min(wanted - there)}', "fetch the whole model")
    for path in files:
        with path.open("rb") as file:
            if file.read(len(POINTER)) == POINTER:
                raise BackendError(f'"{path}" is a git-lfs pointer, not weights', 'run "git lfs pull" in that folder')


def _check_blocks(base: Path, architecture: Architecture) -> None:
    """Raise BackendError for a model of the real one's width that has other blocks."""
    own, real = (read_config(folder / architecture.denoiser) for folder in (base, architecture.configs))
    if not real or [_first(own.get(name)) for name in WIDTHS] != [_first(real.get(name)) for name in WIDTHS]:
        return
    for name, usual in BLOCKS.items():
        found, expected = (_of_each_block(config, name, usual) for config in (own, real))
        if found != expected:
            detail = f"{name} is {json.dumps(found)}, not {json.dumps(expected)}"
            text = f'"{base}" has other blocks than {architecture.title}, like SSD-1B and other small ones ({detail})'
            raise BackendError(text, f"choose a whole model of {architecture.title}")


def read_config(folder: Path, name: str = "config.json") -> dict[str, Any]:
    """The configuration of a part; {} where it cannot be read."""
    try:
        found = json.loads((folder / name).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _first(value: Any) -> Any:
    return value[0] if isinstance(value, list) and value else value


def _of_each_block(config: dict[str, Any], name: str, usual: Any) -> Any:
    """A setting, where it is one number for all blocks as one for each."""
    value = config.get(name, usual)
    if name.endswith("layers_per_block") and isinstance(value, int):
        return [value] * len(config.get("down_block_types", []))
    return value


def weights_of(folder: Path) -> list[Path]:
    """The files of weights in a folder, by name."""
    return sorted(path for pattern in WEIGHTS for path in folder.glob(pattern))
