"""Folders of pictures with their captions: the one reader of every command that takes a folder.

A caption stands in a sidecar file beside its picture, or is the prompt that a generator wrote into the picture. Knows
no character and opens no picture to look at it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from PIL import Image

from bootstrap.pictures.caption_text import caption_parts, decoded
from bootstrap.pictures.opening import SUFFIXES

__all__ = ["SIDECARS", "Origin", "PictureFile", "orphans", "pictures_in", "read_picture", "read_pictures"]

SIDECARS = (".txt", ".caption")
"""Ends of the names of captions, the usual one first."""
Origin = Literal["", "sidecar", "prompt"]
"""Where a caption stands: nowhere, in a file beside the picture, in the picture's own text."""


@dataclass(frozen=True, slots=True)
class PictureFile:
    """A picture and the caption that goes with it.

    ``caption`` is None where there is none; what is no text in it is replaced, and ``error`` says so. ``source`` is the
    caption's own file.
    """

    path: Path
    caption: str | None = None
    origin: Origin = ""
    source: Path | None = None
    error: OSError | UnicodeDecodeError | None = None

    @property
    def tags(self) -> tuple[str, ...]:
        """The tags and sentences of the caption, in order; none without a caption."""
        return caption_parts(self.caption or "")


def pictures_in(folder: Path, levels: int | None = 0) -> list[Path]:
    """The picture files of a folder, sorted, hidden ones left out; ``levels`` of folders below it too, None for all."""
    patterns = ["**/*"]
    if levels is not None:
        patterns = ["/".join(["*"] * (level + 1)) for level in range(levels + 1)]
    found = []
    for pattern in patterns:
        found += [path for path in folder.glob(pattern) if _is_visible(path, SUFFIXES)]
    return sorted(found)


def read_pictures(pictures: Iterable[Path], *, prompts: bool = False) -> list[PictureFile]:
    """Each picture with its caption; see `read_picture`."""
    return [read_picture(path, prompts=prompts) for path in pictures]


def read_picture(path: Path, *, prompts: bool = False) -> PictureFile:
    """A picture with its caption.

    Args:
        path: the picture; it is not opened unless its prompt is read.
        prompts: whether the prompt in a PNG's text stands for a caption where there is no sidecar.
    """
    for sidecar in _sidecars_of(path):
        if sidecar.is_file():
            return _with_sidecar(path, sidecar)
    if prompts and (prompt := _prompt_in(path)):
        return PictureFile(path, prompt, "prompt", path)
    return PictureFile(path)


def orphans(folder: Path, pictures: Iterable[Path]) -> list[Path]:
    """Captions below a folder that have no picture, in the folders that hold pictures; sorted."""
    paths = list(pictures)
    stems = {*paths, *(path.with_suffix("") for path in paths)}
    homes = {path.parent for path in paths}
    found = []
    for path in sorted(folder.rglob("*")):
        if _is_visible(path, SIDECARS) and path.parent in homes and path.with_suffix("") not in stems:
            found.append(path)
    return found


def _is_visible(path: Path, suffixes: Sequence[str]) -> bool:
    """Whether a path is a file with one of these endings, and not hidden."""
    return path.suffix.lower() in suffixes and not path.name.startswith(".") and path.is_file()


def _sidecars_of(path: Path) -> Iterator[Path]:
    """Where the caption of a picture may stand, the usual place first: ``a.txt``, ``a.caption``, ``a.png.txt``."""
    for stem in (path.stem, path.name):
        for suffix in SIDECARS:
            for written in (suffix, suffix.upper(), suffix.title()):
                yield path.with_name(stem + written)


def _with_sidecar(path: Path, sidecar: Path) -> PictureFile:
    try:
        data = sidecar.read_bytes()
    except OSError as error:
        return PictureFile(path, "", "sidecar", sidecar, error)
    try:
        return PictureFile(path, decoded(data), "sidecar", sidecar)
    except UnicodeDecodeError as error:
        return PictureFile(path, data.decode("utf-8-sig", "replace"), "sidecar", sidecar, error)


def _prompt_in(path: Path) -> str:
    """The prompt of a generated PNG (the text chunk "parameters", above its negative prompt); "" if there is none."""
    try:
        with Image.open(path) as image:
            text = str(image.info.get("parameters", ""))
    except (OSError, SyntaxError, ValueError):
        return ""
    return text.split("\nNegative prompt:")[0].split("\nSteps:")[0]
