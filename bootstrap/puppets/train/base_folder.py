"""The folder of the base model, which `StableDiffusionPipeline.from_pretrained` loads.

Does NOT know how its parts were trained.
"""

from __future__ import annotations

import copy
import json
import shutil
from dataclasses import dataclass
from pathlib import Path

import torch
from diffusers import AutoencoderTiny, DDIMScheduler, StableDiffusionPipeline, UNet2DConditionModel
from transformers import CLIPTextModel, CLIPTokenizer

from bootstrap.errors import UsageError

PARTS = ("model_index.json", "scheduler", "text_encoder", "tokenizer", "unet", "vae")

_PATH_KEY = "_name_or_path"
_TYPE_KEY = "dtype"
_UNREAD_KEY = "block_out_channels"  # AutoencoderTiny writes it and warns when it reads it; the UNet needs it


@dataclass(frozen=True)
class BaseParts:
    """The four trained parts; `vae.config.scaling_factor` scales latents to deviation 1."""

    vae: AutoencoderTiny
    tokenizer: CLIPTokenizer
    text_encoder: CLIPTextModel
    unet: UNet2DConditionModel


def new_scheduler() -> DDIMScheduler:
    """Velocity prediction with zero terminal SNR and trailing steps (Lin et al. 2023).

    Without them flat backgrounds lose their brightness.
    """
    return DDIMScheduler(
        beta_schedule="scaled_linear",
        beta_start=0.00085,
        beta_end=0.012,
        prediction_type="v_prediction",
        rescale_betas_zero_snr=True,
        timestep_spacing="trailing",
        clip_sample=False,
        set_alpha_to_one=True,
        steps_offset=1,
    )


def write_base(folder: Path, parts: BaseParts, dtype: torch.dtype = torch.float16) -> None:
    """Write the pipeline into `folder`, in half precision; other files in the folder stay.

    The parts are written beside the folder and moved into it one by one, so that no partial file is ever read.
    """
    draft = folder.with_name(f"{folder.name}.draft")
    shutil.rmtree(draft, ignore_errors=True)
    pipeline = StableDiffusionPipeline(
        vae=copy.deepcopy(parts.vae).to(dtype),
        text_encoder=copy.deepcopy(parts.text_encoder).to(dtype),
        tokenizer=parts.tokenizer,
        unet=copy.deepcopy(parts.unet).to(dtype),
        scheduler=new_scheduler(),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
    pipeline.save_pretrained(draft)
    _tidy(draft)
    folder.mkdir(parents=True, exist_ok=True)
    for name in PARTS:
        old = folder / name
        if old.is_dir():
            shutil.rmtree(old)
        (draft / name).replace(old)
    shutil.rmtree(draft)


def _tidy(folder: Path) -> None:
    """Remove local paths from the configurations, and the key that `AutoencoderTiny` does not read back.

    The text encoder computes in full precision, as diffusers loads the UNet, and not in that of its stored weights.
    """
    for config in folder.rglob("*.json"):
        settings = json.loads(config.read_text(encoding="utf-8"))
        unwanted = {_PATH_KEY}
        if config.parent.name == "vae":
            unwanted.add(_UNREAD_KEY)
        kept = {key: value for key, value in settings.items() if key not in unwanted}
        if _TYPE_KEY in kept:
            kept[_TYPE_KEY] = "float32"
        if kept != settings:
            config.write_text(json.dumps(kept, indent=2) + "\n", encoding="utf-8")
    for path in folder.rglob("*.safetensors"):
        path.chmod(0o644)


def read_base(folder: Path) -> BaseParts:
    """Load the parts from a pipeline folder, in full precision. Raises UsageError if it has not all of them."""
    for name in PARTS:
        if not (folder / name).exists():
            raise UsageError(
                f'"{folder}" is no base model: it has no "{name}"', "give the folder of a diffusers pipeline"
            )
    unet = UNet2DConditionModel.from_pretrained(folder / "unet", dtype=torch.float32)
    return BaseParts(
        AutoencoderTiny.from_pretrained(folder / "vae", dtype=torch.float32),
        CLIPTokenizer.from_pretrained(folder / "tokenizer"),
        CLIPTextModel.from_pretrained(folder / "text_encoder", dtype=torch.float32),
        unet,
    )
