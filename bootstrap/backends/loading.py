"""Loading a base: a diffusers folder, or a single checkpoint file with the configs that this package ships.

Nothing is downloaded. The tokenizers of a single file are made from the vocabulary that open_clip installs. Knows no
prompt, no adapter and no training.
"""

from __future__ import annotations

import contextlib
import gzip
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch

from bootstrap.backends.architectures import Architecture
from bootstrap.backends.bases import check_base, unet_weights, weights_in
from bootstrap.backends.folder import variant_of
from bootstrap.backends.sampling import SamplingSettings
from bootstrap.backends.single_file import read_checkpoint
from bootstrap.errors import BackendError
from bootstrap.machine.device import telling_memory, weights_dtype

__all__ = ["clip_tokenizer", "load_pipeline"]

MERGES = 49152 - 256 - 2
"""Merges of CLIP's vocabulary: what is left of it after the bytes, in both forms, and two special tokens."""
TOKENS = 77
"""Length of a prompt, begin and end included."""
GIB = 1 << 30


def load_pipeline(base: Path, device: str, settings: SamplingSettings) -> tuple[Any, Architecture]:
    """The pipeline on its device: the VAE in float32, whose half precision overflows; the rest as the settings say.

    Raises BackendError, in one line, when the base does not load, is made for another task, or is too large.
    """
    architecture, dtype = check_base(base), weights_dtype(device, settings.dtype)
    _check_room(base, device, dtype, offload=settings.offload)
    try:
        with _quiet(), telling_memory("choose a smaller base, or close other programs"):
            pipe = _from_file(base, architecture, dtype) if base.is_file() else _from_folder(base, architecture, dtype)
            _place(pipe, device, offload=settings.offload)
    except BackendError:
        raise
    except Exception as error:  # a damaged file makes the libraries raise anything
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise BackendError(f'"{base}" does not load: {reason}', "fetch the model again") from error
    if pipe.unet.config.in_channels != pipe.vae.config.latent_channels:
        raise BackendError(f'"{base}" is made for inpainting or another task', "choose a plain text-to-image base")
    for part in architecture.weighed:
        getattr(pipe, part).requires_grad_(False).eval()
    if settings.zero_terminal_snr is not None:
        _reschedule(pipe, {}, zero_terminal_snr=settings.zero_terminal_snr)
    return pipe, architecture


def clip_tokenizer(pad_token: str = "<|endoftext|>") -> Any:
    """CLIP's tokenizer; SDXL's second one pads with "!"."""
    import open_clip
    from open_clip.tokenizer import bytes_to_unicode
    from transformers import CLIPTokenizer

    packed = Path(open_clip.__file__).parent / "bpe_simple_vocab_16e6.txt.gz"
    lines = gzip.decompress(packed.read_bytes()).decode().split("\n")
    merges = [tuple(line.split()) for line in lines[1 : MERGES + 1]]
    letters = list(bytes_to_unicode().values())
    words = [*letters, *(f"{letter}</w>" for letter in letters), *("".join(merge) for merge in merges)]
    vocabulary = {word: n for n, word in enumerate([*words, "<|startoftext|>", "<|endoftext|>"])}
    return CLIPTokenizer(vocab=vocabulary, merges=merges, pad_token=pad_token, model_max_length=TOKENS)


def _from_folder(base: Path, architecture: Architecture, dtype: torch.dtype) -> Any:
    import diffusers

    unchecked = {"safety_checker": None, "requires_safety_checker": False} if architecture.name == "sd1" else {}
    return getattr(diffusers, architecture.pipeline).from_pretrained(
        base,
        local_files_only=True,
        variant=variant_of(base),
        dtype={"default": dtype, "vae": torch.float32},
        **unchecked,
    )


def _from_file(path: Path, architecture: Architecture, dtype: torch.dtype) -> Any:
    import diffusers

    checkpoint, configs = read_checkpoint(path), str(architecture.configs)
    vae = diffusers.AutoencoderKL.from_single_file(
        str(path), config=configs, subfolder="vae", dtype=torch.float32, local_files_only=True
    )
    made = dict(zip(architecture.tokenizers, (clip_tokenizer(), clip_tokenizer("!")), strict=False))
    pipe = getattr(diffusers, architecture.pipeline).from_single_file(
        str(path), config=configs, dtype=dtype, local_files_only=True, vae=vae, **made
    )
    told = {"prediction_type": checkpoint.prediction_type}
    _reschedule(pipe, told, zero_terminal_snr=checkpoint.zero_terminal_snr)
    return pipe


def _reschedule(pipe: Any, changed: dict[str, Any], *, zero_terminal_snr: bool) -> None:
    """Another schedule of noise; one that ends in pure noise is sampled from its very end (arXiv 2305.08891)."""
    from diffusers import DDIMScheduler

    config = dict(pipe.scheduler.config)
    changed = {**changed, "rescale_betas_zero_snr": zero_terminal_snr, "clip_sample": config.get("clip_sample", False)}
    if zero_terminal_snr:
        changed["timestep_spacing"] = "trailing"
    pipe.scheduler = DDIMScheduler.from_config(config, **changed)


def _place(pipe: Any, device: str, *, offload: bool) -> None:
    """All on the device, or UNet and VAE alone."""
    if not offload:
        pipe.to(device)
        return
    pipe.unet.to(device)
    pipe.vae.to(device)
    pipe.vae.enable_tiling()


def _check_room(base: Path, device: str, dtype: torch.dtype, *, offload: bool = False) -> None:
    """Raise BackendError before anything is loaded where the weights alone exceed the device's memory."""
    from bootstrap.machine.inventory import accelerator, memory

    room = memory() if device == "cpu" else accelerator().memory
    needed = (unet_weights(base) if offload else weights_in(base)) * dtype.itemsize / GIB
    if 0 < room < needed:
        kind = "bfloat16" if device == "cpu" else "float16"
        half = "" if dtype.itemsize < 4 else f", or halve it with --set base.sampling.dtype={kind}"
        half += "" if offload or device == "cpu" else ", or leave the text encoders out with --profile 8gb"
        raise BackendError(
            f'the weights of "{base}" take {needed:.1f} GB, {device} has {room:.1f}', f"choose a smaller base{half}"
        )


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Loading without the libraries' own bars and deprecations: a person sees our lines only."""
    from diffusers.utils import logging as diffusers_log
    from transformers.utils import logging as transformers_log

    for log in (diffusers_log, transformers_log):
        log.set_verbosity_error()
        log.disable_progress_bar()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
