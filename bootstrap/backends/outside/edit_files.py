"""The files of an edit model and of its camera LoRA on the disk: whether they are whole. Imports no model library."""

from __future__ import annotations

import json
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from bootstrap.backends.folder import SCHEDULE, check_part, read_config, weights_of
from bootstrap.backends.outside.edit_settings import CameraLora, EditSettings
from bootstrap.errors import BackendError
from bootstrap.lora.header import count_weights, read_header
from bootstrap.machine.hub import HUB_ID, cached

__all__ = ["EditFiles", "bytes_of_parts", "find_edit_files"]

WEIGHTED = ("transformer", "text_encoder", "vae")
"""Parts with weights, of every edit pipeline."""
TOKENIZER = ("tokenizer.json", "vocab.json")
READERS = {
    "Flux2KleinPipeline": {"tokenizer": TOKENIZER},
    "QwenImageEditPlusPipeline": {
        "tokenizer": TOKENIZER, "processor": ("processor_config.json", "preprocessor_config.json"),
    },
}  # fmt: skip
"""Pipeline → its other parts, each with files one of which it has."""
PACKAGES = {"bitsandbytes_4bit": "bitsandbytes", "bitsandbytes_8bit": "bitsandbytes", "bitsandbytes": "bitsandbytes",
            "torchao": "torchao", "quanto": "optimum.quanto", "gguf": "gguf"}  # fmt: skip
"""How weights are quantised → the package that reads them."""
WIDE_KLEIN = 12288
"""Width of the text states of FLUX.2 klein 9B; those of 4B are 7680 wide. Its licence is not that of 4B."""
FEW_STEPS = 20
"""Steps below which a model draws that was distilled for few steps, and no other."""
ENDINGS = (".lora_A.weight", ".lora_down.weight", ".lora_A.default.weight")
"""How the keys of the first half of a LoRA end."""


@dataclass(frozen=True, slots=True)
class EditFiles:
    """The folder of an edit model that is whole, and the file of its camera LoRA, None without one."""

    folder: Path
    camera: Path | None = None


def find_edit_files(settings: EditSettings) -> EditFiles:
    """The files of an edit drawer. Raises BackendError, in one line, where one is missing or does not fit."""
    folder = _folder(settings.path)
    index = folder / "model_index.json"
    kind = read_config(folder, index.name).get("_class_name")
    if kind is None:
        raise BackendError(f'"{index}" cannot be read', f"fetch the model again{_fetching(settings.path)}")
    if kind != settings.pipeline:
        problem = f'drawer "{settings.name}": "{folder}" holds a "{kind}", not a {settings.pipeline}'
        raise BackendError(problem, "choose the drawer that fits the model, or another model")
    for part in WEIGHTED:
        check_part(folder, part)
        _check_weights(folder / part)
    for part, names in {**READERS[settings.pipeline], "scheduler": (SCHEDULE,)}.items():
        if not any((folder / part / name).is_file() for name in names):
            raise BackendError(f'"{folder}" has no {part}/{" or ".join(names)}', "fetch the whole model")
    _check_variant(settings, folder)
    return EditFiles(folder, _camera(settings.camera_lora, folder) if settings.camera_lora else None)


def bytes_of_parts(folder: Path, size: int) -> dict[str, int]:
    """Part → bytes of its weights with ``size`` bytes a weight; quantised ones take what their files do."""
    found = {}
    for part in WEIGHTED:
        files = weights_of(folder / part)
        if _quantised(folder / part):
            found[part] = sum(file.stat().st_size for file in files)
        else:
            found[part] = size * sum(count_weights(file) for file in files)
    return found


def _folder(path: str) -> Path:
    """The folder of a diffusers model. Raises BackendError."""
    own = Path(path).expanduser()
    folder = cached(path) if not own.exists() and HUB_ID.fullmatch(path) else own
    if folder is None or not folder.exists():
        raise BackendError(f'"{path}" is not on this machine', f"give its folder{_fetching(path)}")
    if not (folder / "model_index.json").is_file():
        raise BackendError(
            f'"{folder}" holds no diffusers model (no model_index.json)', f"give the folder of one{_fetching(path)}"
        )
    return folder


def _fetching(path: str, file: str = "") -> str:
    """The command that fetches a model of the hub, as the end of a hint."""
    if not HUB_ID.fullmatch(path) or Path(path).expanduser().exists():
        return ""
    return f"; hf download {path}{f' {file}' if file else ''} fetches it"


def _check_weights(folder: Path) -> None:
    """Raise BackendError where the weights of a part are cut short, or quantised in a way that cannot be read here."""
    for path in weights_of(folder):
        if path.suffix == ".safetensors":
            read_header(path)
    how = _quantised(folder)
    package = PACKAGES.get(how, how)
    if package and find_spec(package.partition(".")[0]) is None:
        problem = f'the weights in "{folder}" are quantised with {how}, which is not installed'
        raise BackendError(problem, f"pip install {package.replace('.', '-')}, or take weights that are not quantised")


def _quantised(folder: Path) -> str:
    """How the weights of a part are quantised; "" where they are not."""
    settings = read_config(folder).get("quantization_config")
    return str(settings.get("quant_method", "")) if isinstance(settings, dict) else ""


def _check_variant(settings: EditSettings, folder: Path) -> None:
    """Raise BackendError for a model of the same pipeline that the drawer's settings are not for."""
    if settings.pipeline != "Flux2KleinPipeline":
        return
    if read_config(folder / "transformer").get("joint_attention_dim") == WIDE_KLEIN and settings.commercial:
        problem = f'"{folder}" is FLUX.2 klein 9B, whose licence forbids commercial use; drawer "{settings.name}" says'
        hint = "write license, license_link, outputs and commercial: false into a drawer file of your own"
        raise BackendError(f"{problem} {json.dumps(settings.license)}", hint)
    distilled = bool(read_config(folder, "model_index.json").get("is_distilled"))
    if not distilled and settings.steps < FEW_STEPS:
        problem = f'"{folder}" is not distilled: it does not draw in {settings.steps} steps'
        raise BackendError(problem, "--set drawer.steps=50 --set drawer.guidance_scale=4, or take FLUX.2-klein-4B")
    if distilled and settings.guidance_scale > 1:
        problem = f'"{folder}" is distilled: it takes no guidance, and drawer.guidance_scale is'
        raise BackendError(f"{problem} {settings.guidance_scale:g}", "--set drawer.guidance_scale=1")


def _camera(lora: CameraLora, folder: Path) -> Path:
    """The file of a camera LoRA that fits the transformer. Raises BackendError."""
    own = Path(lora.path).expanduser()
    place = own if own.exists() else cached(lora.path, lora.file) if HUB_ID.fullmatch(lora.path) else None
    path = (place or own) / lora.file
    if not path.is_file():
        hint = f"give drawer.camera_lora.path{_fetching(lora.path, lora.file)}, or choose a drawer without one"
        raise BackendError(f'the camera LoRA "{path}" is not on this machine', hint)
    widths = {entry["shape"][1] for key, entry in read_header(path).items() if key.endswith(ENDINGS) and "to_q" in key}
    config = read_config(folder / "transformer")
    width = int(config.get("num_attention_heads", 0)) * int(config.get("attention_head_dim", 0))
    if widths != {width}:
        made_for = ", ".join(map(str, sorted(widths))) or "none that it names"
        problem = f'the camera LoRA "{path}" is made for a transformer of width {made_for}, the model has {width}'
        raise BackendError(problem, f'choose a camera LoRA for the model "{folder}"')
    return path
