"""A base on the disk, whatever its form: whether it can be used, what tells it apart, how large it is.

Imports no model library.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bootstrap.backends.architectures import Architecture
from bootstrap.backends.folder import check_folder, digest_of_file, digest_of_weights, read_config
from bootstrap.backends.single_file import check_vae, read_checkpoint
from bootstrap.errors import BackendError
from bootstrap.lora.header import count_weights
from bootstrap.machine.hub import HUB_ID
from bootstrap.store.near_files import or_near

__all__ = ["check_base", "denoiser_config", "denoiser_weights", "digest_of_base", "weights_in"]

FORMS = "--base takes the path of a .safetensors checkpoint or of a diffusers folder"


def check_base(base: Path, vae: str = "") -> Architecture:
    """The architecture of a base that can be used, with the VAE of another file where one is given.

    Raises BackendError, in one line, when it cannot.
    """
    if vae and not (base.is_dir() and "vae" in check_folder(base).limits.without):
        check_vae(Path(vae).expanduser())
    if base.is_file():
        return read_checkpoint(base, vae_given=bool(vae)).architecture
    if base.is_dir():
        return check_folder(base)
    fetch = f"; hf download {base.as_posix()} fetches this one" if HUB_ID.fullmatch(base.as_posix()) else ""
    raise BackendError(
        f'"{base}" is not on this machine: no such file, and no model_index.json in such a folder',
        or_near(base, f"{FORMS}{fetch}"),
    )


def denoiser_config(base: Path) -> dict[str, Any]:
    """The configuration of a base's denoiser; a checkpoint file has that of its architecture. See `check_base`."""
    architecture = check_base(base)
    folder = base if base.is_dir() else architecture.configs
    return read_config(folder / architecture.denoiser)


def digest_of_base(base: Path) -> str:
    """Identifies a base by samples of its weights."""
    return digest_of_file(base) if base.is_file() else digest_of_weights(base)


def denoiser_weights(base: Path) -> int:
    """How many weights the denoiser has, from the headers; guessed from files without one. Raises BackendError."""
    if base.is_file():
        keys = read_checkpoint(base, vae_given=True).architecture.checkpoint
        return count_weights(base, keys.denoiser if keys else "")
    return _in_part(base / check_base(base).denoiser)


def weights_in(base: Path) -> int:
    """How many weights a base has in all its parts."""
    if base.is_file():
        return count_weights(base)
    return sum(_in_part(base / part) for part in check_folder(base).weighted_parts)


def _in_part(folder: Path) -> int:
    """Weights of one part; one kind of file is enough where it has several."""
    files = sorted(folder.glob("*.safetensors"))
    if not files:
        return sum(file.stat().st_size for file in folder.glob("*.bin")) // 4
    full_precision = [file for file in files if ".fp16." not in file.name]
    return sum(count_weights(file) for file in full_precision or files)
