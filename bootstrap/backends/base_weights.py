"""Weights of a base, one at a time, from a diffusers folder or a single file in the original layout.

A LoRA can so be compared with its base in the memory of one module. Loads no pipeline; knows no LoRA.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bootstrap.backends.architectures import Architecture
from bootstrap.backends.bases import check_base
from bootstrap.errors import BackendError
from bootstrap.lora.grammar import TEXT_MODEL, in_file
from bootstrap.lora.header import read_header, read_tensor

__all__ = ["BaseWeights"]

Array = NDArray[np.float32]
OPEN_CLIP = {
    "text_model.encoder.layers.": "transformer.resblocks.",
    "mlp.fc1": "mlp.c_fc",
    "mlp.fc2": "mlp.c_proj",
    "self_attn.out_proj": "attn.out_proj",
}
"""Part of a text encoder's module path → its name in OpenCLIP, which original checkpoints of SDXL use."""
FUSED = ("q_proj", "k_proj", "v_proj")
"""Layers that OpenCLIP keeps as one, in this order."""


class BaseWeights:
    """The weights of a base by part (0 the denoiser, then the text encoders) and module path.

    Its architecture is found out where it is not given. Raises BackendError, in one line, when the base cannot be used.
    """

    def __init__(self, base: Path, architecture: Architecture | None = None) -> None:
        self.architecture = architecture or check_base(base)
        self._base = base
        self._parts = (self.architecture.denoiser, *self.architecture.text_encoders)
        self._headers: dict[Path, dict[str, Any]] = {}
        self._pickles: dict[Path, Any] = {}

    def read(self, part: int, module: str) -> Array:
        """A module's weight in float32, (out, in) or (out, in, k, k). Raises BackendError where the base has none."""
        if part < len(self._parts):
            names = self._in_file(part, module) if self._base.is_file() else self._in_folder(part, module)
            for name in names:
                if (found := self._find(part, name)) is not None:
                    return found
            if (fused := self._from_fused(part, module)) is not None:
                return fused
        raise BackendError(f'"{self._base}" has no module "{module}"', "name the base that the LoRA was trained on")

    def _in_folder(self, part: int, module: str) -> Iterator[str]:
        """How a module's weight may be called in a diffusers folder; transformers has changed its own names."""
        yield f"{module}.weight"
        if part:
            yield f"{in_file(module)}.weight"
            yield f"{in_file(module).removeprefix(TEXT_MODEL)}.weight"

    def _in_file(self, part: int, module: str) -> Iterator[str]:
        """How a module's weight may be called in the original layout."""
        keys = self.architecture.checkpoint
        assert keys is not None
        if not part:
            yield f"{keys.denoiser}{self.architecture.grammar.original(module)}.weight"
            return
        prefix = keys.text_encoders[part - 1]
        for path in (in_file(module), in_file(module).removeprefix(TEXT_MODEL), _in_open_clip(module)):
            yield f"{prefix}{path}.weight"

    def _from_fused(self, part: int, module: str) -> Array | None:
        """One of the three layers that OpenCLIP keeps as one; None where there is none."""
        above, _, last = _in_open_clip(module).rpartition(".self_attn.")
        keys = self.architecture.checkpoint
        if last not in FUSED or not part or keys is None or not self._base.is_file():
            return None
        whole = self._find(part, f"{keys.text_encoders[part - 1]}{above}.attn.in_proj_weight")
        return None if whole is None else np.split(whole, len(FUSED))[FUSED.index(last)]

    def _find(self, part: int, name: str) -> Array | None:
        """The tensor of this name in any file of the part."""
        for path in self._files(part):
            if path.suffix == ".safetensors":
                if path not in self._headers:
                    self._headers[path] = read_header(path)
                if name in self._headers[path]:
                    return read_tensor(path, self._headers[path][name])
            elif name in self._pickle(path):
                found: Array = self._pickle(path)[name].float().numpy()
                return found
        return None

    def _files(self, part: int) -> list[Path]:
        """The files of a part: those that diffusers loads where a folder has several forms."""
        if self._base.is_file():
            return [self._base]
        folder = self._base / self._parts[part]
        for ending in ("safetensors", "bin"):
            for variant in ("", ".fp16"):
                found = sorted(path for path in folder.glob(f"*.{ending}") if _variant(path) == variant)
                if found:
                    return found
        return []

    def _pickle(self, path: Path) -> Any:
        """The weights of a .bin file, left on the disk until they are used; nothing but tensors is unpickled."""
        if path not in self._pickles:
            import torch

            try:
                self._pickles[path] = torch.load(path, map_location="cpu", mmap=True, weights_only=True)
            except Exception as error:  # a damaged file makes the library raise anything
                raise BackendError(f'"{path}" cannot be read', "fetch the model as .safetensors") from error
        return self._pickles[path]


def _in_open_clip(module: str) -> str:
    path = in_file(module)
    for own, other in OPEN_CLIP.items():
        path = path.replace(own, other)
    return path


def _variant(path: Path) -> str:
    """What stands between the name of a file and its ending: "", ".fp16", ".non_ema"."""
    return Path(path.stem).suffix.partition("-")[0]
