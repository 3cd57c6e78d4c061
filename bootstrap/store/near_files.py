"""What a person may have meant by the path of a file or folder that does not exist: names that are nearly the same.

A bare name of weights is also looked for where ComfyUI, A1111 and Forge keep models, so that the hint has its path.
Looks at names only, opens no file, and knows no command.
"""

from __future__ import annotations

import difflib
import itertools
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

__all__ = ["UPSCALERS", "is_like_a_path", "model_named", "near_files", "near_names", "or_near"]

SUFFIX = re.compile(r"\.[A-Za-z]\w*$")
"""The ending of a file's name; a version such as "sd1.5" has none."""
WEIGHTS = (".safetensors", ".ckpt", ".pt", ".pth", ".bin", ".gguf", ".sft")
LEAST_ALIKE = 0.6
"""How alike two names are at least, 0 to 1, as difflib.SequenceMatcher measures it; 0.6 is difflib's own default."""
MOST = 3
"""Names in a hint."""
LOOKED_AT = 5000
"""Files of model folders that are looked at: they may lie on a network."""
PROGRAMS = (
    "ComfyUI", "comfyui", "stable-diffusion-webui", "stable-diffusion-webui-forge", "stable-diffusion-webui-reForge",
    "sd-webui-forge-neo", "forge", "webui",
)  # fmt: skip
"""What the folders of the programs are called as their documents install them."""
FOLDERS = (
    "models/checkpoints", "models/diffusion_models", "models/loras", "models/vae", "models/Stable-diffusion",
    "models/Lora", "models/VAE",
)  # fmt: skip
"""Folders of models: of ComfyUI (its folder_paths.py), of A1111 and Forge (their wikis)."""
UPSCALERS = ("models/upscale_models", "models/ESRGAN", "models/RealESRGAN", "models/SwinIR", "models/DAT")
"""Folders of upscaling models: of ComfyUI (its folder_paths.py), of A1111 and Forge (their modules/*_model.py)."""


def is_like_a_path(text: str) -> bool:
    """Whether a text names a file or folder and no preset: it has a separator, a file's suffix, or begins with "~"."""
    return text.startswith("~") or any(sign in text for sign in "/\\") or bool(SUFFIX.search(text))


def or_near(path: Path | str, hint: str) -> str:
    """A hint for a path that leads nowhere: the paths it may have been meant for, else ``hint``."""
    found = near_files(path)
    if not found:
        return hint
    *most, last = [f'"{one}"' for one in found]
    return f"did you mean {', '.join(most) + ' or ' if most else ''}{last}?"


def model_named(name: str, folders: Sequence[str]) -> Path | None:
    """The file of weights of such a name, its ending left out or not, in the programs' ``folders``; None: no such."""
    for file in itertools.islice(_model_files(folders), LOOKED_AT):
        if name in (file.name, file.stem):
            return file
    return None


def near_files(path: Path | str) -> list[str]:
    """Up to three paths that exist and are spelt nearly so, as ``path`` is written; the nearest first."""
    given = Path(path)
    parts = list(given.parts)
    for place, part in enumerate(parts):
        above = Path(*parts[:place])
        if _exists(above / part):
            continue
        found = []
        for name in near_names(part, _names(above)):
            whole = above.joinpath(name, *parts[place + 1 :])
            found += [str(whole)] if _exists(whole) else near_files(whole) or [str(above / name)]
        return (found or _in_model_folders(given))[:MOST]
    return []


def near_names(name: str, names: Iterable[str]) -> list[str]:
    """Up to three of ``names``: those that differ in case or ending only, then those spelt nearly so."""
    wanted, ending = _parted(name)
    found = []
    for one in sorted(names):
        stem, its_ending = _parted(one)
        alike = difflib.SequenceMatcher(None, wanted, stem).ratio()
        if alike == 1 or min(alike, _alike_endings(ending, its_ending)) >= LEAST_ALIKE:
            found.append((-alike, one))
    return [one for _, one in sorted(found)[:MOST]]


def _parted(name: str) -> tuple[str, str]:
    """A name without its ending, and the ending: long ones such as ".safetensors" would make all files alike."""
    lower = name.lower()
    ending = SUFFIX.search(lower)
    return (lower[: ending.start()], ending[0]) if ending else (lower, "")


def _alike_endings(one: str, other: str) -> float:
    if one in WEIGHTS and other in WEIGHTS:
        return 1.0
    return difflib.SequenceMatcher(None, one, other).ratio()


def _exists(path: Path) -> bool:
    return os.path.exists(os.path.expanduser(path))  # noqa: PTH110, PTH111 - bear any text


def _names(folder: Path) -> list[str]:
    """The names in a folder; [] for one that cannot be read."""
    try:
        return os.listdir(os.path.expanduser(folder))  # noqa: PTH111, PTH208 - bear any text, fail at once
    except (OSError, ValueError):
        return []


def _in_model_folders(given: Path) -> list[str]:
    """Where the programs' folders of models have a bare name, or one that is nearly the same."""
    if len(given.parts) != 1 or given.suffix.lower() not in ("", *WEIGHTS):
        return []
    places: dict[str, list[str]] = {}
    for file in itertools.islice(_model_files((*FOLDERS, *UPSCALERS)), LOOKED_AT):
        places.setdefault(file.name, []).append(str(file))
    return [path for name in near_names(given.name, places) for path in places[name]]


def _model_files(folders: Sequence[str]) -> Iterator[Path]:
    """The weights in such folders of the programs, below the working folder, its parent, and the person's own."""
    home = Path.home()
    roots = [Path(), Path(".."), home, *(home / name for name in ("Documents", "Desktop", "AI", "ai", "apps", "src"))]
    for root in roots:
        for program in PROGRAMS:
            for folder in folders:
                for path, _, names in os.walk(root / program / folder, followlinks=True):
                    yield from (Path(path, name) for name in sorted(names) if Path(name).suffix.lower() in WEIGHTS)
