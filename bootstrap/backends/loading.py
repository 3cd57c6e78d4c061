"""Loading a base: a diffusers folder, or a single checkpoint file with the configs that this package ships.

Nothing is downloaded. Knows no prompt, no adapter and no training.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from bootstrap.backends.architectures import Architecture
from bootstrap.backends.bases import check_base, denoiser_weights, weights_in
from bootstrap.backends.fitting_settings import check_quantising
from bootstrap.backends.folder import variant_of
from bootstrap.backends.loading_file import load_file, load_vae
from bootstrap.backends.loading_quietly import loading
from bootstrap.backends.quantising import quantise
from bootstrap.backends.sampling import BYTES_A_WEIGHT, SamplingSettings
from bootstrap.backends.tiles import use_tiles
from bootstrap.errors import BackendError
from bootstrap.machine.device import weights_dtype

__all__ = ["load_pipeline", "place"]

GIB = 1 << 30


def load_pipeline(base: Path, device: str, settings: SamplingSettings) -> tuple[Any, Architecture]:
    """The pipeline on its device: the VAE in float32, whose half precision overflows; the rest as the settings say.

    Raises BackendError, in one line, when the base does not load, is made for another task, or is too large.
    """
    architecture, dtype = check_base(base, settings.vae), weights_dtype(device, settings.dtype)
    check_quantising(settings.quantise)
    _check_room(base, device, dtype, settings)
    load = load_file if base.is_file() else _from_folder
    with loading(base, "choose a smaller base, or close other programs"):
        pipe = load(base, architecture, dtype, settings.vae)
        architecture.prepare(pipe)
        for part in (architecture.denoiser, *architecture.text_encoders):
            quantise(getattr(pipe, part), settings.quantise, device)
        place(pipe, architecture, device, offload=settings.offload)
    if not architecture.is_text_to_image(pipe):
        raise BackendError(f'"{base}" is made for inpainting or another task', "choose a plain text-to-image base")
    for part in architecture.weighted_parts:
        getattr(pipe, part).requires_grad_(False).eval()
    if settings.zero_terminal_snr is not None:
        architecture.set_schedule(pipe, None, settings.zero_terminal_snr)
    return pipe, architecture


def place(pipe: Any, architecture: Architecture, device: str, *, offload: bool) -> None:
    """Move everything to the device, or (``offload``) the denoiser and a VAE that works in tiles."""
    if not offload:
        pipe.to(device)
        return
    getattr(pipe, architecture.denoiser).to(device)
    pipe.vae.to(device)
    use_tiles(pipe)


def _from_folder(base: Path, architecture: Architecture, dtype: torch.dtype, vae: str) -> Any:
    import diffusers

    given = {"vae": load_vae(vae, architecture)} if vae else {}
    return getattr(diffusers, architecture.pipeline).from_pretrained(
        base,
        local_files_only=True,
        variant=variant_of(base / architecture.denoiser),
        dtype={"default": dtype, "vae": torch.float32},
        **architecture.loading_options,
        **given,
    )


def _check_room(base: Path, device: str, dtype: torch.dtype, settings: SamplingSettings) -> None:
    """Raise BackendError before anything is loaded where the weights alone exceed the device's memory."""
    from bootstrap.machine.inventory import accelerator, memory

    room = memory() if device == "cpu" else accelerator().memory
    weights = denoiser_weights(base) if settings.offload else weights_in(base)
    needed = weights * BYTES_A_WEIGHT.get(settings.quantise, dtype.itemsize) / GIB
    if not 0 < room < needed:
        return
    advice = "choose a smaller base"
    if dtype.itemsize == 4 and settings.quantise == "none":
        half = "bfloat16" if device == "cpu" else "float16"
        advice += f", or halve it with --set base.sampling.dtype={half}"
    if not settings.offload and device != "cpu":
        advice += ", or leave the text encoders out with --profile 8gb"
    raise BackendError(f'the weights of "{base}" take {needed:.1f} GB, {device} has {room:.1f}', advice)
