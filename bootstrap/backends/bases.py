"""A base on the disk, whatever its form: whether it can be used, what tells it apart, how large it is.

Imports no model library.
"""

from __future__ import annotations

import math
from pathlib import Path

from bootstrap.backends.architectures import Architecture
from bootstrap.backends.folder import check_folder, digest_of_file, digest_of_weights
from bootstrap.backends.single_file import UNET, read_checkpoint, read_header
from bootstrap.errors import BackendError
from bootstrap.machine.hub import HUB_ID

__all__ = ["check_base", "digest_of_base", "unet_weights", "weights_in"]

FORMS = "--base takes the path of a .safetensors checkpoint or of a diffusers folder"


def check_base(base: Path) -> Architecture:
    """The architecture of a base that can be used. Raises BackendError, in one line, when it cannot."""
    if base.is_file():
        return read_checkpoint(base).architecture
    if base.is_dir():
        return check_folder(base)
    fetch = f"; hf download {base.as_posix()} fetches this one" if HUB_ID.fullmatch(base.as_posix()) else ""
    raise BackendError(
        f'"{base}" is not on this machine: no such file, and no model_index.json in such a folder', f"{FORMS}{fetch}"
    )


def digest_of_base(base: Path) -> str:
    """Identifies a base by samples of its weights."""
    return digest_of_file(base) if base.is_file() else digest_of_weights(base)


def unet_weights(base: Path) -> int:
    """How many weights the UNet has, from the headers; guessed from files without one."""
    return _counted(base, UNET) if base.is_file() else _in_part(base / "unet")


def weights_in(base: Path) -> int:
    """How many weights a base has in all its parts."""
    if base.is_file():
        return _counted(base)
    return sum(_in_part(base / part) for part in check_folder(base).weighed)


def _in_part(folder: Path) -> int:
    """Weights of one part; one kind of file is enough where it has several."""
    if files := sorted(folder.glob("*.safetensors")):
        whole = [file for file in files if ".fp16." not in file.name]
        return sum(_counted(file) for file in whole or files)
    return sum(file.stat().st_size for file in folder.glob("*.bin")) // 4


def _counted(path: Path, prefix: str = "") -> int:
    """Weights in one safetensors file, those whose names begin so; 0 when its header cannot be read."""
    try:
        entries = read_header(path)
    except BackendError:
        return 0
    named = (entry for name, entry in entries.items() if name != "__metadata__" and name.startswith(prefix))
    return sum(math.prod(entry["shape"]) for entry in named)
