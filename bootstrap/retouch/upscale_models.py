"""Upscaling models as people have them: found by path or name, loaded by spandrel, and run on one picture.

Files are read as weights only: nothing in them is executed. Knows no seed, no run and no judge of what comes out.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol

from PIL import Image

from bootstrap.backends.folder import digest_of_file
from bootstrap.errors import BackendError, OutOfMemoryError, UsageError
from bootstrap.store.near_files import UPSCALERS, model_named, or_near

__all__ = ["LANCZOS", "Lanczos", "ModelUpscaler", "Upscaler", "find_upscaler", "open_upscaler"]

LANCZOS = "lanczos"
"""What names enlarging without a model."""
ENDINGS = (".safetensors", ".pth", ".pt", ".ckpt")
PACKAGE = "spandrel"
TILE, SMALLEST_TILE = 512, 64
"""Pixels of a side of a tile at first, and at least: each time that memory runs out the side is halved."""
OVERLAP = 32
"""Pixels of a tile's surroundings that the model sees and that are cut away: what it needs to leave no seam."""


class Upscaler(Protocol):
    """Enlarges pictures by a factor of its own; a factor of 1 restores: it sharpens, or removes noise."""

    @property
    def name(self) -> str:
        """What notes and provenance call it."""

    @property
    def digest(self) -> str:
        """Identifies its weights; "" for none."""

    @property
    def scale(self) -> int:
        """Pixels of a side over those of the original."""

    def enlarge(self, image: Image.Image) -> Image.Image:
        """An RGB picture, ``scale`` times as large. Raises OutOfMemoryError."""


class Lanczos:
    """Enlarges to twice the size without a model, and invents nothing."""

    name, digest, scale = LANCZOS, "", 2

    def enlarge(self, image: Image.Image) -> Image.Image:
        """The picture at twice its size."""
        size = (self.scale * image.width, self.scale * image.height)
        return image.convert("RGB").resize(size, Image.Resampling.LANCZOS)


class ModelUpscaler:
    """A model that spandrel knows. Tiles are halved where memory runs out, and stay so."""

    def __init__(self, path: Path, model: Any, device: str) -> None:
        """``model`` is a spandrel.ImageModelDescriptor of RGB pictures, on ``device``."""
        from spandrel import ModelTiling

        self.name, self.digest, self.scale = path.name, digest_of_file(path), int(model.scale)
        self._model, self._device = model, device
        self._tile = 0 if model.tiling is ModelTiling.INTERNAL else TILE

    def enlarge(self, image: Image.Image) -> Image.Image:
        """See `Upscaler`; the model sees ``image`` in tiles with their surroundings."""
        from bootstrap.machine.device import reporting_memory

        while True:
            try:
                with reporting_memory("close other programs on the card, or give smaller pictures"):
                    return self._in_tiles(image.convert("RGB"), self._tile or max(image.size))
            except OutOfMemoryError:
                if self._tile <= SMALLEST_TILE:
                    raise
                self._tile //= 2

    def _in_tiles(self, image: Image.Image, tile: int) -> Image.Image:
        made = Image.new("RGB", (self.scale * image.width, self.scale * image.height))
        for top in range(0, image.height, tile):
            for left in range(0, image.width, tile):
                inner = (left, top, min(left + tile, image.width), min(top + tile, image.height))
                x, y = max(0, left - OVERLAP), max(0, top - OVERLAP)
                around = (x, y, min(inner[2] + OVERLAP, image.width), min(inner[3] + OVERLAP, image.height))
                part = self._run(image.crop(around))
                cut = [self.scale * (edge - start) for edge, start in zip(inner, (x, y, x, y), strict=True)]
                made.paste(part.crop((cut[0], cut[1], cut[2], cut[3])), (self.scale * left, self.scale * top))
        return made

    def _run(self, part: Image.Image) -> Image.Image:
        import numpy as np
        import torch

        pixels = torch.from_numpy(np.array(part)).permute(2, 0, 1)[None]
        shown = pixels.to(self._device, self._model.dtype) / 255
        with torch.inference_mode():
            made = self._model(shown)[0].float().cpu()
        if not bool(torch.isfinite(made).all()):
            raise BackendError(f'the upscaling model "{self.name}" returns values that are no numbers', "use another")
        return Image.fromarray((made * 255).round().byte().permute(1, 2, 0).numpy())


def find_upscaler(given: str) -> str:
    """`LANCZOS`, or the absolute path of a model: a path, or its name in the model folders of ComfyUI and A1111.

    Raises UsageError where there is none, and where spandrel is not installed.
    """
    if given.lower() == LANCZOS:
        return LANCZOS
    path = Path(given).expanduser()
    found = path if path.exists() else model_named(given, UPSCALERS)
    if found is None:
        hint = or_near(given, f"give a file, the name of one in ComfyUI's models/upscale_models, or {LANCZOS}")
        raise UsageError(f'no upscaling model "{given}"', hint)
    if not found.is_file() or found.suffix.lower() not in ENDINGS:
        raise UsageError(f'"{found}" is no file of an upscaling model', f"it ends in {', '.join(ENDINGS)}")
    if find_spec(PACKAGE) is None:
        raise UsageError(f'--upscale "{given}" needs {PACKAGE}', 'pip install "lora-bootstrap[upscaling]"')
    return str(found.absolute())


def open_upscaler(given: str, device: str = "auto") -> Upscaler:
    """What `find_upscaler` finds, loaded onto a device.

    Raises UsageError for a file that is no upscaling model, or one that does other things than enlarge and restore.
    """
    found = find_upscaler(given)
    if found == LANCZOS:
        return Lanczos()
    from bootstrap.machine.device import pick_device

    where = pick_device(device)
    path = Path(found)
    model = _loaded(path)
    if problem := _unsuitable(model):
        raise UsageError(f'"{path}" {problem}', f"give a model that enlarges or restores, or {LANCZOS}")
    return ModelUpscaler(path, model.to(where).eval(), where)


def _loaded(path: Path) -> Any:
    """The model in a file, on the CPU. Raises UsageError."""
    from spandrel import MAIN_REGISTRY, ModelLoader, UnsupportedModelError, canonicalize_state_dict

    try:
        return ModelLoader("cpu", MAIN_REGISTRY).load_from_state_dict(canonicalize_state_dict(_weights(path)))
    except UnsupportedModelError:
        hint = f"give an ESRGAN, SPAN, SwinIR, DAT or other model that {PACKAGE} lists, or {LANCZOS}"
        raise UsageError(f'"{path}" is no upscaling model that {PACKAGE} knows', hint) from None
    except Exception as error:  # readers of foreign files raise anything
        reason = " ".join(str(error).split())[:200]
        hint = "download it again; a pickle that holds more than weights is not loaded"
        raise UsageError(f'"{path}" cannot be read as weights ({reason})', hint) from None


def _weights(path: Path) -> dict[str, Any]:
    """The tensors of a file by name; a pickle is read as weights only."""
    if path.suffix.lower() == ".safetensors":
        from safetensors.torch import load_file

        return dict(load_file(path))
    import torch

    found = torch.load(path, map_location="cpu", weights_only=True)
    if not isinstance(found, dict):
        raise ValueError(f"it holds a {type(found).__name__}")
    return found


def _unsuitable(model: Any) -> str:
    """Why a loaded model cannot enlarge or restore seeds; "" where it can."""
    if model.purpose == "Inpainting":
        return "fills holes, it does not enlarge"
    if model.purpose == "FaceSR":
        return "draws faces anew, so that a LoRA would be trained on invented ones"
    if (model.input_channels, model.output_channels) != (3, 3):
        return f"takes pictures of {model.input_channels} channels, not RGB"
    return ""
